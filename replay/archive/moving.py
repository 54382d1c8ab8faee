"""Moves sessions out of a log: written, made durable, read again and proven, given its name, and only then deleted there.

A crash at any moment leaves the session in the log or in both places; the same call again takes up from there.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path

import msgspec

from replay.archive.keys import make_key
from replay.archive.layout import (
    CHECKPOINTS_SCHEMA,
    FRAMES_SCHEMA,
    JOURNAL_SCHEMA,
    RECORDS_SCHEMA,
    SESSION_SCHEMA,
    Row,
    record_row,
)
from replay.archive.names import CHECKPOINTS, FORMAT, FRAMES, JOURNAL, RECORDS, SESSION
from replay.archive.parts import write_part
from replay.archive.reading import Archive, Proven
from replay.proof.keys import Signer
from replay.proof.seal import complete
from state.errors import LogCorrupt, WrongUse
from state.log import Log, SessionRow
from state.log.checkpoint import SignedCheckpoint
from state.log.codec import expand, mark_seed, marks_of, split, unpack_as_written
from state.log.data_keys import LogKey
from state.log.reader import Reader


@dataclass(frozen=True, slots=True)
class Archived:
    """What was moved and where to; `head` is the last checkpoint's, which stands for all of it."""

    session: str
    folder: str
    records: int
    journal: int
    frames: int
    checkpoints: int
    head: str
    encrypted: bool
    deleted: bool


def archive(
    log: Log, session: str, into: Path, *, key: LogKey | None = None, signer: Signer | None = None, delete: bool = False
) -> Archived:
    """Archives a session that has ended in the folder `into`/SESSION, and deletes it from the log if asked to.

    An archive of it that is there already is proven and held against the log, never written over. Raises `WrongUse` for a running
    session, `LogCorrupt` where log or archive do not hold together or say different things; the log is then untouched.
    """
    row = log.find(session)
    if row.status == "running":
        raise WrongUse(f"session {row.id} is still running: only what has ended can be archived")
    if Path(row.id).name != row.id or row.id.startswith("."):
        raise WrongUse(f"session {row.id!r} has an id that cannot be the name of a folder")
    folder = into / row.id
    if folder.exists():
        found = Archive(folder, key)
        proven = _proven(log, found, row)
    else:
        part = into / f".{row.id}.part"
        if part.exists():
            shutil.rmtree(part)  # of a run that was cut short
        part.mkdir(parents=True)
        _write(log, row, part, key, signer)
        proven = _proven(log, Archive(part, key), row)
        _sync(part)
        part.rename(folder)
        _sync(into)
        found = Archive(folder, key)
    checkpoints = found.checkpoints()
    if delete:
        log.delete(row, checkpoints)
    return Archived(
        row.id,
        str(folder),
        **asdict(proven),
        head=checkpoints[-1].checkpoint.head,
        encrypted=found.encrypted,
        deleted=delete,
    )


def _proven(log: Log, found: Archive, row: SessionRow) -> Proven:
    """Raises `LogCorrupt` unless the archive holds together and is this session's, with every checkpoint that the log has."""
    proven, opening = found.verify(), found.opening()
    if msgspec.structs.astuple(opening) != _facts(row):
        raise LogCorrupt(f"{found.folder} is the archive of another session than {row.id} in {log.name}")
    kept = found.checkpoints()
    missing = [each for each in log.checkpoints(row.id) if each not in kept]
    if missing:
        number = missing[0].checkpoint.number
        raise LogCorrupt(f"checkpoint {number} of session {row.id}, or its signature, is not in {found.folder}")
    return proven


def _write(log: Log, row: SessionRow, folder: Path, log_key: LogKey | None, signer: Signer | None) -> None:
    key = None if log_key is None else (row.id, make_key(folder, row.id, log_key))
    with log.reading() as reader:
        checkpoints = complete(log, reader, row, reader.checkpoints(row.id), signer)
        write_part(folder / RECORDS, RECORDS_SCHEMA, _records(reader, row.id), key)
        write_part(folder / JOURNAL, JOURNAL_SCHEMA, map(astuple, reader.journal(row.id)), key)
        write_part(folder / FRAMES, FRAMES_SCHEMA, map(astuple, reader.frames(row.id)), key)
        write_part(folder / CHECKPOINTS, CHECKPOINTS_SCHEMA, _checkpoints(checkpoints), key)
        write_part(folder / SESSION, SESSION_SCHEMA, [(FORMAT, *_facts(row))], key)


def _facts(row: SessionRow) -> Row:
    """What the archive says of a session, in the order of `Opening`."""
    return (row.id, row.status, row.opened, row.closed, row.parent, row.manifest, row.last_seq, row.head)


def _records(reader: Reader, session: str) -> Iterator[Row]:
    seed = mark_seed(session)
    for block in reader.stored_blocks(session):
        raw = expand(block.body, block.codec)
        parts = [bytes(part) for part in split(raw, block.count)]
        marks = [int.from_bytes(marks_of([part], seed), "little") for part in parts]
        yield from map(record_row, unpack_as_written(raw, block.count), marks, parts)


def _checkpoints(checkpoints: Sequence[SignedCheckpoint]) -> Iterator[Row]:
    for signed in checkpoints:
        yield (*msgspec.structs.astuple(signed.checkpoint), signed.key, signed.signature)


def _sync(folder: Path) -> None:
    """Makes durable which files a folder has."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
