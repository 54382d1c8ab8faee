"""Checkpoints: where they are put, what they cover, that they extend each other, and that none is put over a broken log."""

from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa

from replay.proof.checkpoints import Checkpointer, checkpoint
from replay.proof.evidence import examine
from replay.proof.keys import PublicKey, Signer
from state.errors import LogCorrupt, LogError, WrongUse
from state.log import Log, start_digest
from state.log.checkpoint import facts_of_row, frame_entry
from state.log.merkle import Tree
from state.log.schema import checkpoints
from state.log.verify import check
from state.record import Frame, canonical
from tests.replay.proof.conftest import write_key
from tests.state.log.recorded import T0, V, append, frame_of, records, write


def test_the_first_checkpoint_is_there_before_any_record(log: Log) -> None:
    writer = log.begin("s", '{"code":"1"}', T0, parent="p")
    (first,) = log.checkpoints("s")
    assert (first.checkpoint.number, first.checkpoint.seq, first.checkpoint.previous, first.signature) == (0, 0, "", "")
    assert first.checkpoint.facts == facts_of_row(log.find("s"))
    writer.close(T0 + 1)


def test_checkpoints_stand_at_every_multiple_and_at_the_end_and_hold_what_they_say(log: Log) -> None:
    made = records("s", 75)
    write(log, "s", made, block_size=12)
    result = checkpoint(log, "s", every=16)
    stored = log.checkpoints("s")
    assert stored[1:] == list(result.new)
    assert [each.checkpoint.seq for each in stored] == [0, 16, 32, 48, 64, 75]
    assert all(after.checkpoint.previous == before.checkpoint.head for before, after in pairwise(stored))
    assert [each.checkpoint.status for each in stored] == ["running"] * 5 + ["closed"]
    frames = list(log.frames("s"))
    for each in (it.checkpoint for it in stored):
        tree, digest, of_frames = Tree(), start_digest("s"), Tree()
        for record in made[: each.seq]:
            tree.add(canonical(record))
            digest.update(canonical(record))
        of_frames.extend([frame_entry(frame) for frame in frames[: each.frames]])
        assert (each.root, each.digest) == (tree.root().hex(), digest.hexdigest())
        assert each.frames_root == of_frames.root().hex()
    assert stored[-1].checkpoint.frames == len(frames)
    assert (stored[-1].checkpoint.digest, stored[-1].checkpoint.closed) == (log.find("s").head, log.find("s").closed)


def test_a_second_round_adds_nothing(log: Log) -> None:
    write(log, "s", records("s", 40))
    first = checkpoint(log, "s")
    again = checkpoint(log, "s")
    assert again.new == ()
    assert again.last == first.last


@pytest.mark.parametrize("fresh", [True, False], ids=["from the first record each time", "keeping the fold"])
def test_a_running_session_is_followed_and_frames_that_may_still_grow_wait(log: Log, *, fresh: bool) -> None:
    made = records("s", 60)
    writer = log.begin("s", "{}", T0, block_size=8)
    follower = Checkpointer(log, "s", every=10)
    for first in range(0, 60, 15):
        append(writer, made[first : first + 15])
        writer.keep(Frame(T0, V, "private", "in", b"pong", private=True))
        writer.flush(30)
        (Checkpointer(log, "s", every=10) if fresh else follower).round()
    writer.close(made[-1].recv)
    last = (Checkpointer(log, "s", every=10) if fresh else follower).round().last.checkpoint
    stored = [each.checkpoint for each in log.checkpoints("s")]
    assert {15, 30, 45, 60, 10, 20, 40, 50} <= {each.seq for each in stored}
    assert (last.status, last.seq, last.frames) == ("closed", 60, len(list(log.frames("s"))))
    assert check(log, "s") == []
    assert examine(log, "s").findings == ()


def test_a_frame_that_reaches_further_after_a_checkpoint_is_no_finding(log: Log) -> None:
    made = records("s", 9)
    frame = frame_of(made[3])
    writer = log.begin("s", "{}", T0)
    for record in made:
        writer.append(record, frame if record.seq >= 4 else None)
        writer.flush(30)
        checkpoint(log, "s")
    writer.close(T0 + 10**9)
    checkpoint(log, "s")
    assert [stored.last_seq for stored in log.frames("s")] == [9]
    assert examine(log, "s").findings == ()
    assert check(log, "s") == []


def test_no_checkpoint_is_put_over_a_log_that_does_not_hold(log: Log, log_url: str) -> None:
    write(log, "s", records("s", 40), block_size=8)
    checkpoint(log, "s", every=16)
    engine = sa.create_engine(log_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        theirs = sa.and_(checkpoints.c.session == "s", checkpoints.c.number == 1)
        connection.execute(checkpoints.update().where(theirs).values(root=b"\x00" * 32))
    engine.dispose()
    with pytest.raises(LogCorrupt, match="checkpoint 2 of session s does not follow"):
        checkpoint(log, "s")
    assert [finding.seq for finding in examine(log, "s").findings] == [1, 17]


def test_two_at_once_do_not_both_store_the_same_checkpoint(log: Log) -> None:
    write(log, "s", records("s", 40))
    made = checkpoint(log, "s")
    with pytest.raises(LogError):
        log.add_checkpoints(made.new)


def test_a_signature_is_added_to_a_checkpoint_that_was_not_signed(
    log: Log, signer: Signer, public_key: PublicKey
) -> None:
    write(log, "s", records("s", 40))
    checkpoint(log, "s")
    unsigned = examine(log, "s", key=public_key)
    assert [(finding.seq, finding.kind) for finding in unsigned.findings] == [(1, "signature")]
    made = checkpoint(log, "s", signer=signer)
    assert made.last.key == signer.name == public_key.name
    assert log.checkpoints("s")[-1] == made.last
    signed = examine(log, "s", key=public_key)
    assert (signed.findings, signed.signed_seq) == ((), 40)


def test_the_same_session_on_both_databases_has_the_same_head(log: Log, signer: Signer) -> None:
    write(log, "s", records("s", 40), block_size=7)
    assert checkpoint(log, "s", signer=signer).last.checkpoint.head == (
        "6fda124a9234d50f2cdc3cf0371c955acdf0508258816d8a8a37b02fd64f9a89"
    )


# --- keys ---


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_that_others_may_read_is_refused(key_files: tuple[Path, Path], mode: int) -> None:
    key_files[0].chmod(mode)
    with pytest.raises(WrongUse, match="may be read by others"):
        Signer.load(key_files[0])


def test_what_is_no_key_is_refused(tmp_path: Path, key_files: tuple[Path, Path]) -> None:
    private, public = key_files
    no_key = tmp_path / "no.pem"
    no_key.write_text("-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n")
    no_key.chmod(0o600)
    public.chmod(0o600)
    for path in (no_key, public):
        with pytest.raises(WrongUse, match="no private key"):
            Signer.load(path)
    with pytest.raises(WrongUse, match="no public key"):
        PublicKey.load(private)


def test_a_signature_holds_for_its_statement_and_its_key_alone(
    tmp_path: Path, signer: Signer, public_key: PublicKey
) -> None:
    signature = signer.sign(b"this")
    other = PublicKey.load(write_key(tmp_path, "other", 9)[1])
    assert public_key.holds(b"this", signature)
    assert not public_key.holds(b"that", signature)
    assert not other.holds(b"this", signature)
    assert not public_key.holds(b"this", "00" * 64)
    assert not public_key.holds(b"this", "nonsense")
