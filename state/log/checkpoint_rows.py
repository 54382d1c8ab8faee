"""Checkpoints in the database: how each becomes a row and comes back."""

from state.log.checkpoint import Checkpoint, SignedCheckpoint
from state.log.database import Found, Row, Statement
from state.log.select import Select

_COLUMNS = (
    "session", "number", "seq", "root", "digest", "frames", "frames_root", "facts", "status", "closed", "previous", '"key"',
    "signature",
)  # fmt: skip


def checkpoint_row(signed: SignedCheckpoint) -> Row:
    """The row of a checkpoint, in the order of the table's columns."""
    it = signed.checkpoint
    return (
        it.session,
        it.number,
        it.seq,
        bytes.fromhex(it.root),
        bytes.fromhex(it.digest),
        it.frames,
        bytes.fromhex(it.frames_root),
        bytes.fromhex(it.facts),
        it.status,
        it.closed,
        bytes.fromhex(it.previous),
        signed.key,
        bytes.fromhex(signed.signature),
    )


def checkpoints_of(session: str) -> Select:
    """The rows of all checkpoints of a session, by number."""
    return Select("checkpoints", _COLUMNS, "number").where("session = :session", session=session)


def signed_checkpoint(row: Found) -> SignedCheckpoint:
    """What a row of `checkpoints_of` holds; raises `TypeError` or `AttributeError` where it holds something else."""
    session, number, seq, root, digest, frames, frames_root, facts, status, closed, previous, key, signature = row
    found = Checkpoint(
        session, number, seq, root.hex(), digest.hex(), frames, frames_root.hex(), facts.hex(), status, closed,
        previous.hex(),
    )  # fmt: skip
    whole = (found.number, found.seq, found.frames, found.closed or 0)
    if not all(isinstance(each, int) for each in whole) or not isinstance(found.status, str):
        raise TypeError("its numbers cannot be those")
    if not isinstance(key, str):
        raise TypeError("its key cannot be that")
    return SignedCheckpoint(found, key, signature.hex())


def sign(session: str, number: int, key: str, signature: str) -> Statement:
    """Puts a signature on a checkpoint that is stored."""
    values = {"session": session, "number": number, "key": key, "signature": bytes.fromhex(signature)}
    return Statement(
        'UPDATE checkpoints SET "key" = :key, signature = :signature WHERE session = :session AND number = :number',
        values,
    )
