"""Checkpoints in the database: how each becomes a row and comes back."""

import sqlalchemy as sa

from state.log.checkpoint import Checkpoint, SignedCheckpoint
from state.log.database import Row
from state.log.schema import checkpoints


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


def stored_checkpoints(connection: sa.Connection, session: str) -> list[SignedCheckpoint]:
    """All checkpoints of a session, by number."""
    query = sa.select(checkpoints).where(checkpoints.c.session == session).order_by(checkpoints.c.number)
    return [_signed(row) for row in connection.execute(query)]


def _signed(row: sa.Row[tuple[object, ...]]) -> SignedCheckpoint:
    found = Checkpoint(
        row.session, row.number, row.seq, row.root.hex(), row.digest.hex(), row.frames, row.frames_root.hex(),
        row.facts.hex(), row.status, row.closed, row.previous.hex(),
    )  # fmt: skip
    return SignedCheckpoint(found, row.key, row.signature.hex())


def sign(session: str, number: int, key: str, signature: str) -> sa.Update:
    """Puts a signature on a checkpoint that is stored."""
    theirs = sa.and_(checkpoints.c.session == session, checkpoints.c.number == number)
    return checkpoints.update().where(theirs).values(key=key, signature=bytes.fromhex(signature))
