"""Checkpoints in the database: how each becomes a row and comes back."""

from typing import Any

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


def checkpoints_of(session: str) -> sa.Select[Any]:
    """The rows of all checkpoints of a session, by number."""
    return sa.select(checkpoints).where(checkpoints.c.session == session).order_by(checkpoints.c.number)


def signed_checkpoint(row: sa.Row[Any]) -> SignedCheckpoint:
    """What a row holds; raises `TypeError` or `AttributeError` where it holds something else."""
    found = Checkpoint(
        row.session, row.number, row.seq, row.root.hex(), row.digest.hex(), row.frames, row.frames_root.hex(),
        row.facts.hex(), row.status, row.closed, row.previous.hex(),
    )  # fmt: skip
    whole = (found.number, found.seq, found.frames, found.closed or 0)
    if not all(isinstance(number, int) for number in whole) or not isinstance(found.status, str):
        raise TypeError("its numbers cannot be those")
    if not isinstance(row.key, str):
        raise TypeError("its key cannot be that")
    return SignedCheckpoint(found, row.key, row.signature.hex())


def sign(session: str, number: int, key: str, signature: str) -> sa.Update:
    """Puts a signature on a checkpoint that is stored."""
    theirs = sa.and_(checkpoints.c.session == session, checkpoints.c.number == number)
    return checkpoints.update().where(theirs).values(key=key, signature=bytes.fromhex(signature))
