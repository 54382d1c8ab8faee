"""Trusts nothing: does a session in the log still hold together, and if not, from which record on?

Streams block by block with the journal and the frames beside it, so memory does not grow with the session. The running
digest proves the whole; once it is broken, the marks and the journal speak alone for what comes after.
"""

import dataclasses
import json
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import starmap
from typing import Literal, TypeAlias

import msgspec

from state.errors import LogCorrupt, SchemaUnknown
from state.log.checkpoint import frame_mark
from state.log.codec import expand, mark_seed, marks_of, split, start_digest, unpack_as_written
from state.log.diagnosis import Deed, diagnose
from state.log.ink import journal_of
from state.log.reader import Reader
from state.log.rows import JournalRow, SessionRow, StoredBlock
from state.log.store import Log
from state.log.upcast import as_written
from state.log.walk import values
from state.record import Record

FINDINGS_MAX = 1000

Kind: TypeAlias = Literal[
    "manifest", "block", "record", "digest", "gap", "tail", "head", "journal", "frame", "schema",
    "checkpoint", "signature", "anchor", Deed,
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not hold; `seq` is the first record that is not to be trusted because of it."""

    seq: int
    kind: Kind
    text: str


def check(log: Log, session: str, limit: int = FINDINGS_MAX) -> list[Finding]:
    """What is wrong with a session, by seq; an empty list is the proof that nothing is. Stops at `limit` findings."""
    session = log.find(session).id
    found: list[Finding] = []
    due = 1
    try:
        with log.reading() as reader:
            examination = _Examination(reader, reader.session(session))
            for finding in examination.findings():
                found.append(finding)
                due = examination.due
                if len(found) >= limit:
                    break
    except SchemaUnknown as error:
        found.append(Finding(due, "schema", str(error)))
    except LogCorrupt as error:  # the database itself is damaged
        found.append(Finding(error.seq or due, "block", str(error)))
    return sorted(found, key=lambda finding: finding.seq)


@dataclass(slots=True)
class _Content:
    """What a block holds: its sound records, how many stand there in all, and why the first bad one is bad."""

    records: list[Record]
    found: int
    why: str | None
    kind: Kind


class _Examination:
    def __init__(self, reader: Reader, row: SessionRow) -> None:
        self.due = 1
        self._reader = reader
        self._row = row
        self._seed = mark_seed(row.id)
        self._digest = start_digest(row.id)
        self._chained = True  # the running digest holds up to here
        self._spans = reader.spans(row.id)
        self._journal = reader.journal(row.id)
        self._written = next(self._journal, None)

    def findings(self) -> Iterator[Finding]:
        for block in self._reader.stored_blocks(self._row.id):
            if block.first_seq != self.due:
                yield self._misplaced(block)
            reached = yield from self._block(block)
            self.due = max(self.due, reached + 1)
        yield from self._end()
        yield from self._damaged_frames()

    # --- blocks ------------------------------------------------------------------------------------------------

    def _misplaced(self, block: StoredBlock) -> Finding:
        self._chained = False
        if block.first_seq > self.due:
            self._skip_journal(block.first_seq - 1)
            return Finding(self.due, "gap", f"records {self.due} to {block.first_seq - 1} are missing")
        return Finding(block.first_seq, "gap", f"a block begins at {block.first_seq} where {self.due} is due")

    def _block(self, block: StoredBlock) -> Generator[Finding, None, int]:
        """Returns the last seq that stands in the block, or that its row claims where it cannot be opened."""
        try:
            raw = expand(block.body, block.codec)
        except (LogCorrupt, SchemaUnknown) as error:
            yield Finding(block.first_seq, "block", str(error))
            self._chained = False
            self._skip_journal(block.last_seq)
            return block.last_seq
        content = self._content(block, raw)
        held_before = self._chained
        self._digest.update(raw)
        self._chained = self._digest.digest() == block.digest
        if content.why is not None:
            yield Finding(block.first_seq + len(content.records), content.kind, content.why)
        elif held_before and not self._chained:
            span = f"{block.first_seq} to {block.last_seq}"
            yield Finding(block.first_seq, "digest", f"the running digest does not hold over records {span}")
        yield from self._envelope(block, content)
        yield from self._compare_journal(content)
        if content.why is not None:
            self._skip_journal(block.last_seq)
        return block.first_seq + content.found - 1

    def _content(self, block: StoredBlock, raw: bytes) -> _Content:
        parts: list[bytes] | list[msgspec.Raw]
        try:
            parts, why = split(raw, block.count), None
        except LogCorrupt as error:
            parts = list(values(raw))
            # Where whole values fill the body, only the row's count is wrong, and `_envelope` says so.
            why = None if sum(map(len, parts)) == len(raw) else str(error)
        marks = marks_of(parts, self._seed)
        sound = len(parts)
        kind: Kind = "record"
        if marks != block.marks:
            sound, kind, why = diagnose(parts, marks, block.marks)
        try:
            records = unpack_as_written(raw, block.count) if why is None else []
        except (LogCorrupt, SchemaUnknown):
            records = []
        if not records:
            records, unreadable = _one_by_one(parts[:sound])
            why = unreadable or why
        for at, record in enumerate(records):
            if record.seq != block.first_seq + at:
                why = f"a record says that it is {record.seq} where {block.first_seq + at} is due"
                del records[at:]
                break
        return _Content(records, len(parts), why, kind)

    def _envelope(self, block: StoredBlock, content: _Content) -> Iterator[Finding]:
        """The columns of the block's row against what is inside."""
        told, held = (block.last_seq, block.count), (block.first_seq + content.found - 1, content.found)
        if content.why is None and told != held:
            yield Finding(block.first_seq, "block", f"a block's row says last seq and count {told}, it holds {held}")
        if content.records and content.records[0].recv != block.first_recv:
            yield Finding(block.first_seq, "block", f"a block's row says first recv {block.first_recv}, its record not")
        if content.why is None and content.records and content.records[-1].recv != block.last_recv:
            yield Finding(block.last_seq, "block", f"a block's row says last recv {block.last_recv}, its record not")

    # --- journal -----------------------------------------------------------------------------------------------

    def _compare_journal(self, content: _Content) -> Iterator[Finding]:
        if not content.records:
            return
        last = content.records[-1].seq
        for due in starmap(JournalRow, journal_of(content.records, self._spans.up_to(last))):
            yield from self._extra_rows(due.seq - 1)
            row = self._written
            if row is None or row.seq != due.seq:
                yield Finding(due.seq, "journal", f"the journal has no row for record {due.seq} ({due.type})")
                continue
            if row != due:
                yield _difference(due, row)
            self._written = next(self._journal, None)
        yield from self._extra_rows(last)

    def _extra_rows(self, last: int | None) -> Iterator[Finding]:
        """Rows up to `last` that no record accounts for."""
        while self._written is not None and (last is None or self._written.seq <= last):
            row = self._written
            yield Finding(row.seq, "journal", f"the journal has a row ({row.type}) that no record accounts for")
            self._written = next(self._journal, None)

    def _skip_journal(self, last: int) -> None:
        """Passes over rows that nothing is left to compare with."""
        while self._written is not None and self._written.seq <= last:
            self._written = next(self._journal, None)

    # --- the end -----------------------------------------------------------------------------------------------

    def _end(self) -> Iterator[Finding]:
        last = self.due - 1
        if self._row.last_seq > last:
            yield Finding(last + 1, "tail", f"records {last + 1} to {self._row.last_seq} are cut off")
            self._skip_journal(self._row.last_seq)
        elif self._row.last_seq < last:
            first = self._row.last_seq + 1
            yield Finding(first, "tail", f"records {first} to {last} stand behind the session's end")
        elif self._chained and self._digest.hexdigest() != self._row.head:
            yield Finding(max(last, 1), "head", "the session's row has another digest than its last block")
        yield from self._extra_rows(None)
        try:
            json.loads(self._row.manifest)
        except ValueError as error:
            yield Finding(1, "manifest", f"the manifest is not JSON: {error}")

    def _damaged_frames(self) -> Iterator[Finding]:
        due = 1
        reached = 1
        for stored in self._reader.stored_frames(self._row.id):
            reached = max(stored.first_seq, reached)
            if stored.id != due:
                yield Finding(reached, "frame", f"frames {due} to {stored.id - 1} before it are missing")
            due = stored.id + 1
            try:
                frame = dataclasses.replace(stored, body=expand(stored.body)).frame
            except LogCorrupt as error:
                yield Finding(reached, "frame", f"frame {stored.id}: {error}")
                continue
            if frame_mark(self._row.id, stored.id, stored.first_seq, frame) != stored.mark:
                yield Finding(reached, "frame", f"frame {stored.id} is not what was written here: its mark differs")


def _one_by_one(parts: Sequence[bytes | msgspec.Raw]) -> tuple[list[Record], str | None]:
    """The records up to the first that cannot be read, and why it cannot."""
    records: list[Record] = []
    for part in parts:
        try:
            records.append(as_written(part))
        except (LogCorrupt, SchemaUnknown) as error:
            return records, str(error)
    return records, None


def _difference(due: JournalRow, row: JournalRow) -> Finding:
    names = [
        field.name for field in dataclasses.fields(JournalRow) if getattr(due, field.name) != getattr(row, field.name)
    ]
    sides = ", ".join(f"{name} {getattr(row, name)!r} instead of {getattr(due, name)!r}" for name in names)
    kind: Kind = "frame" if names == ["frame"] else "journal"
    return Finding(due.seq, kind, f"the journal's row for record {due.seq} has {sides}")
