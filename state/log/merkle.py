"""A Merkle tree over a growing list, as RFC 6962 defines it: SHA-256, leaves and nodes told apart by their first byte.

It streams: a tree of n leaves is held as the roots of its at most log2(n) + 1 full subtrees.
https://www.rfc-editor.org/rfc/rfc6962#section-2.1
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

import msgspec

EMPTY_ROOT = sha256(b"").digest()


def leaf(entry: bytes) -> bytes:
    """The hash of one entry."""
    return sha256(b"\x00" + entry).digest()


def node(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees that stand side by side."""
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """Grows at its right end; can be asked for its root at any size."""

    __slots__ = ("_peaks", "size")

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []  # full subtrees, the largest first

    def add(self, entry: bytes) -> None:
        """Appends one entry."""
        self.extend((entry,))

    def extend(self, entries: Iterable[bytes | msgspec.Raw]) -> None:
        """Appends entries in their order."""
        size, peaks, hash_of = self.size, self._peaks, sha256
        for entry in entries:
            grown = hash_of(b"\x00" + entry).digest()
            size += 1
            full = size
            while not full & 1:
                grown = hash_of(b"\x01" + peaks.pop() + grown).digest()
                full >>= 1
            peaks.append(grown)
        self.size = size

    def root(self) -> bytes:
        """The hash of the whole list as it is now."""
        if not self._peaks:
            return EMPTY_ROOT
        found = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            found = node(peak, found)
        return found


class Path:
    """A tree that remembers the way from one leaf to the root; `index` counts from 0."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.size = 0
        self._peaks: list[tuple[bytes, bool]] = []  # with whether the leaf is below it
        self._path: list[bytes] = []

    def add(self, entry: bytes) -> None:
        """Appends one entry."""
        grown, within = leaf(entry), self.size == self.index
        self.size += 1
        full = self.size
        while not full & 1:
            grown, within = self._join(*self._peaks.pop(), grown, within)
            full >>= 1
        self._peaks.append((grown, within))

    def nodes(self) -> list[bytes]:
        """The siblings on the way up, the leaf's own first; the list must have the leaf already."""
        assert self.index < self.size, "the leaf is not in the list yet"
        upto = len(self._path)
        found, within = self._peaks[-1]
        for peak, below in reversed(self._peaks[:-1]):
            found, within = self._join(peak, below, found, within)
        way, self._path = self._path, self._path[:upto]
        return way

    def _join(self, left: bytes, in_left: bool, right: bytes, in_right: bool) -> tuple[bytes, bool]:
        if in_left:
            self._path.append(right)
        elif in_right:
            self._path.append(left)
        return node(left, right), in_left or in_right


def root_of(leaf_hash: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that a leaf and its path lead to; None where the path is not as long as the tree is high.

    https://www.rfc-editor.org/rfc/rfc9162#section-2.1.3.2
    """
    if not 0 <= index < size:
        return None
    at, last, found = index, size - 1, leaf_hash
    for sibling in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            found = node(sibling, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node(found, sibling)
        at, last = at >> 1, last >> 1
    return found if last == 0 else None
