"""Seals a session: everything that it takes to check and to run it again, in one file."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import msgspec

from replay.proof.checkpoints import Checkpointer
from replay.proof.container import FRAMES_PER_SECTION, RECORDS_PER_SECTION, Out, SectionWriter
from replay.proof.keys import Signer
from replay.proof.roots import parts_of
from state.errors import WrongUse
from state.log import Log, SessionRow
from state.log.checkpoint import SignedCheckpoint, canonical_json, frame_entry
from state.log.codec import mark_seed, marks_of, start_digest
from state.log.reader import Reader

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is on the tape; `head` is the last checkpoint's, which stands for all of it."""

    session: str
    records: int
    frames: int
    checkpoints: int
    head: str
    digest: str
    signed: bool


def seal(log: Log, session: str, out: Out, *, signer: Signer | None = None) -> Sealed:
    """Writes the tape of a session that has ended; raises `LogCorrupt` where it does not hold together.

    The log is only read: checkpoints that it lacks stand on the tape alone, and would be the same in the log.
    """
    with log.reading() as reader:
        row = reader.session(log.find(session).id)
        if row.status == "running":
            raise WrongUse(f"session {row.id} is still running: only what has ended can be sealed")
        stored = reader.checkpoints(row.id)
        checkpoints = complete(log, reader, row, stored, signer)
        tape = SectionWriter(out)
        tape.section("OPEN", _opening(row))
        tape.section("CHKS", msgspec.json.encode(checkpoints))
        _write_records(tape, reader, row)
        frames = _write_frames(tape, reader, row)
        tape.end()
    last = checkpoints[-1]
    return Sealed(row.id, row.last_seq, frames, len(checkpoints), last.checkpoint.head, row.head, bool(last.signature))


def complete(
    log: Log, reader: Reader, row: SessionRow, stored: list[SignedCheckpoint], signer: Signer | None
) -> list[SignedCheckpoint]:
    """The checkpoints of an ended session to its end, the last one signed, which stands for all before it."""
    due = Checkpointer(log, row.id).due(reader, row, stored)
    checkpoints = [*stored, *map(SignedCheckpoint, due)]
    last = checkpoints[-1]
    if signer is not None and not last.signature:
        signature = signer.sign(last.checkpoint.statement())
        checkpoints[-1] = SignedCheckpoint(last.checkpoint, signer.name, signature)
    return checkpoints


def _opening(row: SessionRow) -> bytes:
    return canonical_json(
        {
            "session": row.id,
            "status": row.status,
            "opened": row.opened,
            "closed": row.closed,
            "parent": row.parent,
            "manifest": row.manifest,
            "last_seq": row.last_seq,
            "head": row.head,
        }
    )


def _write_records(tape: SectionWriter, reader: Reader, row: SessionRow) -> None:
    digest, seed, first = start_digest(row.id), mark_seed(row.id), 1
    for parts in _batched(parts_of(reader, row.id), RECORDS_PER_SECTION):
        raw = b"".join(parts)
        digest.update(raw)
        head = first.to_bytes(8, "big") + len(parts).to_bytes(4, "big") + digest.digest()
        tape.section("RECS", head + marks_of(parts, seed) + raw)
        first += len(parts)


def _write_frames(tape: SectionWriter, reader: Reader, row: SessionRow) -> int:
    written = 0
    for entries in _batched(map(frame_entry, reader.frames(row.id)), FRAMES_PER_SECTION):
        tape.section("FRMS", len(entries).to_bytes(4, "big") + b"".join(entries))
        written += len(entries)
    return written


def _batched(entries: Iterator[T], size: int) -> Iterator[list[T]]:
    while batch := list(islice(entries, size)):
        yield batch
