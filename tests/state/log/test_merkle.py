"""The tree is RFC 6962's: its vectors, its recursive definition, and proofs for every leaf of every size."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.log.merkle import EMPTY_ROOT, Path, Tree, leaf, node, root_of

# https://github.com/google/certificate-transparency/blob/master/cpp/merkletree/merkle_tree_test.cc
LEAVES = tuple(
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
)
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
entries = st.lists(st.binary(max_size=20), min_size=1, max_size=300)


def root_by_definition(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while 2 * split < len(leaves):
        split *= 2
    return sha256(b"\x01" + root_by_definition(leaves[:split]) + root_by_definition(leaves[split:])).digest()


def path_by_definition(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962, section 2.1.1, word for word."""
    if len(leaves) == 1:
        return []
    split = 1
    while 2 * split < len(leaves):
        split *= 2
    if index < split:
        return [*path_by_definition(index, leaves[:split]), root_by_definition(leaves[split:])]
    return [*path_by_definition(index - split, leaves[split:]), root_by_definition(leaves[:split])]


@pytest.mark.parametrize("size", range(9))
def test_the_vectors_of_certificate_transparency(size: int) -> None:
    tree = Tree()
    tree.extend(LEAVES[:size])
    assert tree.root().hex() == ROOTS[size]
    assert size or tree.root() == EMPTY_ROOT


@given(entries)
def test_the_streamed_root_is_the_defined_one_at_every_size(leaves: list[bytes]) -> None:
    tree = Tree()
    for size, entry in enumerate(leaves, start=1):
        tree.add(entry)
        assert tree.size == size
        if size % 7 == 0 or size == len(leaves):
            assert tree.root() == root_by_definition(leaves[:size])


@pytest.mark.parametrize("size", range(1, 70))
def test_each_leaf_of_each_size_has_its_defined_path_and_it_leads_to_the_root(size: int) -> None:
    leaves = [bytes([number]) for number in range(size)]
    root = root_by_definition(leaves)
    for index, entry in enumerate(leaves):
        way = Path(index)
        for each in leaves:
            way.add(each)
        assert way.nodes() == path_by_definition(index, leaves)
        assert way.nodes() == way.nodes(), "asking changes nothing"
        assert len(way.nodes()) <= (size - 1).bit_length()
        assert root_of(leaf(entry), index, size, way.nodes()) == root


@given(entries, st.data())
def test_whatever_is_changed_about_a_proof_it_fails(leaves: list[bytes], data: st.DataObject) -> None:
    size = len(leaves)
    index = data.draw(st.integers(0, size - 1))
    way = Path(index)
    for each in leaves:
        way.add(each)
    path, root, entry = way.nodes(), root_by_definition(leaves), leaves[index]
    assert root_of(leaf(entry), index, size, path) == root
    assert root_of(leaf(entry + b"x"), index, size, path) != root
    assert root_of(leaf(entry), index, size, [*path, root]) is None
    assert root_of(leaf(entry), size, size, path) is None
    assert root_of(leaf(entry), -1, size, path) is None
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        bit = data.draw(st.integers(0, 255))
        turned = (int.from_bytes(path[at], "big") ^ 1 << bit).to_bytes(32, "big")
        assert root_of(leaf(entry), index, size, [*path[:at], turned, *path[at + 1 :]]) != root
        assert root_of(leaf(entry), index, size, path[:-1]) is None
        other = (
            data.draw(st.integers(0, size - 1).filter(lambda at: leaves[at] != entry))
            if len(set(leaves)) > 1
            else index
        )
        assert other == index or root_of(leaf(entry), other, size, path) != root


def test_a_node_is_never_a_leaf() -> None:
    one, other = leaf(b"a"), leaf(b"b")
    assert node(one, other) != leaf(one + other)
