"""Reads an archived session, and holds every file of it against its digest, its checkpoints and the others."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeVar, cast

import msgspec
import pyarrow as pa  # type: ignore[import-untyped]

from replay.archive.keys import key_of
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
from replay.archive.parts import read_part
from replay.tape import Opening
from state.errors import LogCorrupt, SchemaUnknown
from state.log.checkpoint import Checkpoint, SignedCheckpoint, facts_of, frame_entry, frame_mark
from state.log.codec import mark_seed, marks_of, start_digest, unpack_as_written
from state.log.data_keys import LogKey
from state.log.ink import journal_of
from state.log.merkle import Tree
from state.log.reader import Spans
from state.log.rows import Span, StoredFrame
from state.record import Record

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Proven:
    """What `Archive.verify` went through."""

    records: int
    journal: int
    frames: int
    checkpoints: int


class Archive:
    """A session in a folder; each method reads its file from the beginning and raises `LogCorrupt` on damage."""

    def __init__(self, folder: Path, key: LogKey | None = None) -> None:
        self.folder = folder
        self._key = key_of(folder, key)

    @property
    def encrypted(self) -> bool:
        """There is a key to it."""
        return self._key is not None

    def opening(self) -> Opening:
        """What the session was; raises `SchemaUnknown` on an archive of another version."""
        rows = list(chain.from_iterable(self._read(SESSION, SESSION_SCHEMA)))
        if len(rows) != 1:
            raise LogCorrupt(f"{SESSION} has {len(rows)} rows instead of one")
        if rows[0][0] != FORMAT:
            raise SchemaUnknown(f"an archive of the format {rows[0][0]!r} is not known here")
        return _convert(dict(zip(SESSION_SCHEMA.names, rows[0], strict=True)), Opening, SESSION)

    def checkpoints(self) -> list[SignedCheckpoint]:
        """Its checkpoints, by number."""
        found = []
        for row in chain.from_iterable(self._read(CHECKPOINTS, CHECKPOINTS_SCHEMA)):
            fields = dict(zip(CHECKPOINTS_SCHEMA.names, row, strict=True))
            signed = {"key": fields.pop("key"), "signature": fields.pop("signature"), "checkpoint": fields}
            found.append(_convert(signed, SignedCheckpoint, CHECKPOINTS))
        if not found:
            raise LogCorrupt("the archive has no checkpoint")
        return found

    def records(self) -> Iterator[list[Record]]:
        """Its records in the shape they were written in."""
        for records, _ in self._records(self.opening().session):
            yield records

    def frames(self) -> Iterator[StoredFrame]:
        """Its frames, in order."""
        session = self.opening().session
        for number, row in enumerate(chain.from_iterable(self._read(FRAMES, FRAMES_SCHEMA)), start=1):
            frame = _convert(dict(zip(FRAMES_SCHEMA.names, row, strict=True)), StoredFrame, FRAMES)
            if frame.id != number:
                raise LogCorrupt(f"frame {number} is missing", max(frame.first_seq, 1))
            if frame.mark != frame_mark(session, number, frame.first_seq, frame.frame):
                raise LogCorrupt(f"frame {number} is not the one that was archived", max(frame.first_seq, 1))
            yield frame

    def prove(self) -> None:
        """Goes through all of it; raises `LogCorrupt` unless it is the session that was archived."""
        self.verify()

    def verify(self) -> Proven:
        """The same, and says what there was.

        The digest is computed anew over the canonical bytes, every checkpoint's roots are compared, the other columns and the
        journal are derived again from the records.
        """
        opening, checkpoints = self.opening(), [signed.checkpoint for signed in self.checkpoints()]
        _check_chain(opening, checkpoints)
        frames = self._verify_frames(checkpoints)
        records, journaled = self._verify_records(opening, checkpoints)
        return Proven(records, journaled, frames, len(checkpoints))

    def _verify_records(self, opening: Opening, checkpoints: Sequence[Checkpoint]) -> tuple[int, int]:
        digest, tree = start_digest(opening.session), Tree()
        spans = Spans(Span(frame.id, frame.first_seq, frame.last_seq) for frame in self.frames() if frame.first_seq)
        journal = chain.from_iterable(self._read(JOURNAL, JOURNAL_SCHEMA))
        waiting, journaled = [checkpoint for checkpoint in checkpoints if checkpoint.seq], 0
        for records, parts in self._records(opening.session):
            for part in parts:
                digest.update(part)
                tree.add(part)
                while waiting and waiting[0].seq == tree.size:
                    _compare(waiting.pop(0), tree.root().hex(), digest.hexdigest())
            for due in journal_of(records, spans.up_to(records[-1].seq)):
                journaled += 1
                if next(journal, None) != due:
                    raise LogCorrupt("the archived journal is not what the records say", due[0])
        if waiting:
            raise LogCorrupt(f"checkpoint {waiting[0].number} covers {waiting[0].seq} records", tree.size + 1)
        if next(journal, None) is not None:
            raise LogCorrupt("the archived journal has rows more than the records say", tree.size + 1)
        if (tree.size, digest.hexdigest()) != (opening.last_seq, opening.head):
            raise LogCorrupt("the archived records do not give the digest of the session", tree.size + 1)
        return tree.size, journaled

    def _verify_frames(self, checkpoints: Sequence[Checkpoint]) -> int:
        tree, waiting = Tree(), list(checkpoints)
        for frame in chain((None,), self.frames()):
            if frame is not None:
                tree.add(frame_entry(frame))
            while waiting and waiting[0].frames == tree.size:
                due = waiting.pop(0)
                if due.frames_root != tree.root().hex():
                    raise LogCorrupt(f"the frames are not those that checkpoint {due.number} covers", max(due.seq, 1))
        if waiting or tree.size != checkpoints[-1].frames:
            raise LogCorrupt(f"there are {tree.size} frames, the last checkpoint covers {checkpoints[-1].frames}", 1)
        return tree.size

    def _records(self, session: str) -> Iterator[tuple[list[Record], list[bytes]]]:
        """Records with their canonical bytes; each row is what its bytes say, or `LogCorrupt` names it."""
        seed, due = mark_seed(session), 1
        for rows in self._read(RECORDS, RECORDS_SCHEMA):
            parts = [cast(bytes, row[-1]) for row in rows]
            marks = struct.unpack(f"<{len(parts)}H", marks_of(parts, seed))
            for seq, (row, mark) in enumerate(zip(rows, marks, strict=True), start=due):
                if row[-2] != mark:
                    raise LogCorrupt(f"record {seq} is not the one that was archived: its mark differs", seq)
            try:
                records = unpack_as_written(b"".join(parts), len(parts))
            except LogCorrupt as error:
                raise LogCorrupt(f"records {due} to {due + len(rows) - 1}: {error}", due) from error
            for seq, (record, row) in enumerate(zip(records, rows, strict=True), start=due):
                if record.seq != seq:
                    raise LogCorrupt(f"record {record.seq} stands where {seq} is due", seq)
                if record_row(record, cast(int, row[-2]), cast(bytes, row[-1])) != row:
                    raise LogCorrupt(f"the columns beside record {seq} are not what it says", seq)
            if records:
                yield records, parts
            due += len(records)

    def _read(self, name: str, schema: pa.Schema) -> Iterator[list[Row]]:
        return read_part(self.folder / name, schema, self._key)


def _check_chain(opening: Opening, checkpoints: Sequence[Checkpoint]) -> None:
    facts = facts_of(opening.session, opening.opened, opening.parent, opening.manifest)
    previous = ""
    for number, it in enumerate(checkpoints):
        if (it.number, it.previous) != (number, previous):
            raise LogCorrupt(f"checkpoint {number} does not follow from the one before", 1)
        if it.facts != facts:
            raise LogCorrupt("the archived manifest is not the one that the session was opened with", 1)
        previous = it.head
    last = checkpoints[-1]
    said = (opening.last_seq, opening.head, opening.status, opening.closed)
    if (last.seq, last.digest, last.status, last.closed) != said:
        raise LogCorrupt("the last checkpoint is not that of the session's end", max(opening.last_seq, 1))


def _compare(due: Checkpoint, root: str, digest: str) -> None:
    if (due.root, due.digest) != (root, digest):
        raise LogCorrupt(f"the records are not those that checkpoint {due.number} covers", max(due.seq, 1))


def _convert(fields: dict[str, object], shape: type[T], name: str) -> T:
    try:
        return msgspec.convert(fields, shape)
    except msgspec.ValidationError as error:
        raise LogCorrupt(f"{name} holds what no archive holds: {error}") from error
