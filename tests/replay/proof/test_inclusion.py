"""A proof of one record: small, checked with the head alone, and worth nothing when anything about it is changed."""

from base64 import b64decode, b64encode
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.proof import verify_tape
from replay.proof.checkpoints import checkpoint
from replay.proof.inclusion import FORMAT, NotProven, Proof, check_proof, prove
from state.errors import WrongUse
from state.log import Log
from state.log.checkpoint import opening
from state.log.merkle import Path as Way
from state.log.merkle import Tree
from state.record import Record, canonical
from tests.state.log.recorded import T0, append, records, write

MADE = records("s", 200)


def proof_of(made: list[Record], seq: int) -> Proof:
    """A proof over records that no log has to hold."""
    tree, way = Tree(), Way(seq - 1)
    for record in made:
        tree.add(canonical(record))
        way.add(canonical(record))
    first = opening("s", T0, "", "{}")
    covered = msgspec.structs.replace(first, number=1, seq=len(made), root=tree.root().hex(), previous=first.head)
    path = [sibling.hex() for sibling in way.nodes()]
    return Proof(FORMAT, seq, b64encode(canonical(made[seq - 1])).decode(), path, covered)


@given(st.integers(1, 200), st.data())
def test_each_record_of_each_length_is_proven_by_both_checkers(length: int, data: st.DataObject) -> None:
    seq = data.draw(st.integers(1, length))
    proof = proof_of(MADE[:length], seq)
    assert check_proof(proof, proof.checkpoint.head) == MADE[seq - 1]
    raw, path = b64decode(proof.record), [bytes.fromhex(sibling) for sibling in proof.path]
    assert verify_tape.root_of(raw, seq - 1, length, path) == proof.checkpoint.root
    assert len(proof.path) <= (length - 1).bit_length()


@given(st.integers(2, 200), st.data())
def test_nothing_about_a_proof_may_be_changed(length: int, data: st.DataObject) -> None:
    seq = data.draw(st.integers(1, length))
    other = data.draw(st.integers(1, length).filter(lambda each: each != seq))
    proof = proof_of(MADE[:length], seq)
    head, it = proof.checkpoint.head, proof.checkpoint
    forged = canonical(Record(seq, MADE[seq - 1].recv + 1, 0, MADE[seq - 1].event))
    at = data.draw(st.integers(0, len(proof.path) - 1))
    changes = [
        msgspec.structs.replace(proof, record=b64encode(forged).decode()),
        msgspec.structs.replace(proof, record=b64encode(canonical(MADE[other - 1])).decode()),
        msgspec.structs.replace(proof, seq=other),
        msgspec.structs.replace(proof, seq=0),
        msgspec.structs.replace(proof, record="?"),
        msgspec.structs.replace(proof, path=proof.path[:-1]),
        msgspec.structs.replace(proof, path=[*proof.path, "00" * 32]),
        msgspec.structs.replace(proof, path=[*proof.path[:at], "00" * 32, *proof.path[at + 1 :]]),
        msgspec.structs.replace(proof, checkpoint=msgspec.structs.replace(it, root="00" * 32)),
        msgspec.structs.replace(proof, checkpoint=msgspec.structs.replace(it, session="t")),
    ]
    for changed in changes:
        with pytest.raises(NotProven):
            check_proof(changed, head)
    with pytest.raises(NotProven):
        check_proof(proof, "00" * 32)


def test_a_fill_of_a_stored_session_is_proven_under_any_checkpoint_that_covers_it(log: Log) -> None:
    write(log, "s", MADE, block_size=32)
    made = checkpoint(log, "s", every=50)
    for seq in (1, 2, 50, 51, 199, 200):
        proof = prove(log, "s", seq)
        assert check_proof(proof, made.last.checkpoint.head) == MADE[seq - 1]
    early = made.new[1].checkpoint
    proof = prove(log, "s", 77, early.head)
    assert (proof.checkpoint.seq, check_proof(proof, early.head)) == (100, MADE[76])
    with pytest.raises(WrongUse, match="covers records 1 to 100, not 101"):
        prove(log, "s", 101, early.head)
    with pytest.raises(WrongUse, match="no checkpoint with the head"):
        prove(log, "s", 1, "00" * 32)
    with pytest.raises(WrongUse, match="not 201"):
        prove(log, "s", 201)


def test_a_session_that_has_ended_needs_no_stored_checkpoint(file_log: Log) -> None:
    write(file_log, "s", MADE)
    proof = prove(file_log, "s", 120)
    assert checkpoint(file_log, "s").last.checkpoint == proof.checkpoint


def test_a_running_session_proves_what_its_checkpoints_cover(file_log: Log) -> None:
    writer = file_log.begin("s", "{}", T0)
    append(writer, MADE[:60])
    writer.flush(30)
    with pytest.raises(WrongUse, match="tapeline checkpoint"):
        prove(file_log, "s", 10)
    head = checkpoint(file_log, "s").last.checkpoint.head
    assert check_proof(prove(file_log, "s", 10), head) == MADE[9]
    writer.close(T0 + 10**9)


def test_a_proof_is_small_however_long_the_session(file_log: Log, tmp_path: Path) -> None:
    write(file_log, "long", records("long", 20_000))
    text = msgspec.json.encode(prove(file_log, "long", 12_345))
    assert len(text) < 4_000
