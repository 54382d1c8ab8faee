"""Reads a log within one transaction, so that all answers speak of the same moment; everything streams."""

import dataclasses
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, Literal, TypeVar, get_origin, get_type_hints

from state.errors import LogCorrupt, SchemaUnknown, WrongUse
from state.log.checkpoint import SignedCheckpoint
from state.log.checkpoint_rows import checkpoints_of, signed_checkpoint
from state.log.codec import expand, received, split, unpack, unpack_as_written
from state.log.database import Connection, Found
from state.log.keyring import KeyRing
from state.log.rows import VERSION, BlockSpan, JournalRow, SessionRow, Span, StoredBlock, StoredFrame
from state.log.select import Select
from state.record import Record

BLOCKS_AT_ONCE = 4
ROWS_AT_ONCE = 500

_FROM_THE_BLOCK_OF = """
first_seq >= COALESCE((SELECT max(first_seq) FROM blocks WHERE session = :session AND first_seq <= :first), 0)
"""
_SESSION = ("id", "status", "opened", "closed", "parent", "manifest", "last_seq", "head", "schema_version")

Built = TypeVar("Built")


class Reader:
    """One connection in one snapshot of the log."""

    def __init__(self, connection: Connection, keys: KeyRing) -> None:
        """`keys` opens what is encrypted: rows come out as they were before. Raises `KeyNeeded` where it cannot."""
        self._connection = connection
        self._keys = keys

    def sessions(self) -> list[SessionRow]:
        """All sessions, oldest first."""
        return [self._reached(row) for row in self._built(_sessions(), _session)]

    def session(self, name: str) -> SessionRow:
        """One session by its whole id; raises `WrongUse` when there is none."""
        row = self._first(_sessions().where("id = :name", name=name), _session)
        if row is None:
            raise WrongUse(f"there is no session {name!r} in the log")
        return self._reached(row)

    def last_block(self, session: str) -> tuple[int, int, bytes] | None:
        """Last seq, last recv and digest where the session's blocks end."""
        newest = Select("blocks", ("last_seq", "last_recv", "digest"), "first_seq DESC")
        return self._first(newest.where("session = :session", session=session), _ending)

    def _reached(self, row: SessionRow) -> SessionRow:
        """A running session is as long as its blocks: its row is brought up only now and then."""
        last = self.last_block(row.id) if row.status == "running" else None
        if last is None or last[0] <= row.last_seq:
            return row
        return dataclasses.replace(row, last_seq=last[0], head=last[2].hex())

    def stored_blocks(
        self, session: str, first: int = 1, last: int | None = None, *, as_stored: bool = False
    ) -> Iterator[StoredBlock]:
        """The rows that hold records `first` to `last`, in order; `as_stored` leaves what is encrypted so."""
        if self.session(session).schema_version != VERSION:
            raise SchemaUnknown(f"session {session} was written by another schema version; this one reads {VERSION}")
        query = Select("blocks", _names(StoredBlock), "first_seq").where("session = :session", session=session)
        query.where(_FROM_THE_BLOCK_OF, first=first)
        if last is not None:
            query.where("first_seq <= :last", last=last)
        sealing = None if as_stored else self._keys.sealing(self._connection, session)
        for block in self._built(query, _of(StoredBlock), BLOCKS_AT_ONCE):
            yield block if sealing is None else sealing.block(block)

    def blocks(
        self, session: str, first: int = 1, last: int | None = None, *, as_written: bool = False
    ) -> Iterator[list[Record]]:
        """Records `first` to `last`, a block at a time, old shapes as today's or as written.

        Raises `LogCorrupt` with the seq where they stop making sense.
        """
        due = None
        for block in self.stored_blocks(session, first, last):
            if due is not None and block.first_seq != due:
                raise LogCorrupt(f"session {session}: a block begins at {block.first_seq} where {due} is due", due)
            due = block.last_seq + 1
            if block.first_seq < first or (last is not None and block.last_seq > last):
                records = _open_part(session, block, as_written, first, block.last_seq if last is None else last)
            else:
                records = open_block(session, block, as_written)
            if records:
                yield records

    def seq_at(self, session: str, time_ns: int, last: int) -> int | None:
        """The last record, up to `last`, that was received at or before a time; None where there is none."""
        low, high = 1, last  # in whose blocks the answer lies
        while True:
            span = self._span_of(session, (low + high + 1) // 2)
            if span.first_recv > time_ns and span.first_seq == 1:
                return None
            if span.first_recv > time_ns:
                high = span.first_seq - 1
            elif span.last_recv > time_ns or span.last_seq >= high:
                break
            else:
                low = span.last_seq
        for block in self.stored_blocks(session, span.first_seq, span.first_seq):
            at_or_before = bisect_right(received(expand(block.body, block.codec), block.count), time_ns)
            return min(last, span.first_seq + at_or_before - 1)
        return None

    def _span_of(self, session: str, seq: int) -> BlockSpan:
        """The block that holds a record; raises `LogCorrupt` where there is none."""
        query = Select("blocks", _names(BlockSpan), "first_seq DESC").where("session = :session", session=session)
        span = self._first(query.where("first_seq <= :seq", seq=seq), _of(BlockSpan))
        if span is None or span.last_seq < seq:
            raise LogCorrupt(f"session {session} has no block that holds record {seq}", seq)
        return span

    def journal(
        self,
        session: str,
        types: Sequence[str] = (),
        client_id: str | None = None,
        first: int = 1,
        last: int | None = None,
        *,
        as_stored: bool = False,
    ) -> Iterator[JournalRow]:
        """Journal rows in order of seq; `as_stored` leaves payloads that are encrypted so."""
        query = Select("journal", _names(JournalRow), "seq").where("session = :session", session=session)
        query.where("seq >= :first", first=first)
        if types:
            query.among("type", types)
        if client_id is not None:
            query.where("client_id = :client_id", client_id=client_id)
        if last is not None:
            query.where("seq <= :last", last=last)
        sealing = None if as_stored else self._keys.sealing(self._connection, session)
        for row in self._built(query, _of(JournalRow)):
            yield row if sealing is None else sealing.journal(row)

    def nearest(
        self, session: str, types: Sequence[str], *, after: int | None = None, before: int | None = None
    ) -> int | None:
        """Seq of the first journal row of these types after a record, or of the last before one."""
        query = Select("journal", ("seq",), "seq" if before is None else "seq DESC")
        query.where("session = :session", session=session).among("type", types)
        if before is not None:
            return self._first(query.where("seq < :before", before=before), _seq)
        return self._first(query.where("seq > :after", after=after or 0), _seq)

    def first_of_order(self, session: str, name: str) -> int | None:
        """Seq of the first journal row that calls an order so, by its client id or its order id."""
        query = Select("journal", ("seq", "client_id"), "seq").where("session = :session", session=session)
        query.where("(client_id = :name OR order_id = :name)", name=name)
        found = list(self._built(query, lambda row: (_seq(row), row[1])))
        placed_as = next((client_id for _, client_id in found if client_id), name)
        if placed_as != name:  # it was placed before the venue gave it an id
            first = Select("journal", ("seq",), "seq").where("session = :session", session=session)
            return self._first(first.where("client_id = :name", name=placed_as), _seq)
        return found[0][0] if found else None

    def stored_frames(
        self, session: str, channel: str | None = None, private: bool | None = None, first: int = 1
    ) -> Iterator[StoredFrame]:
        """Frames from the id `first` on in the order in which they were kept, bodies still compressed."""
        query = _frames(session).where("id >= :first", first=first)
        if channel is not None:
            query.where("channel = :channel", channel=channel)
        if private is not None:
            query.where("private = :private", private=private)
        yield from self._opened_by_key(session, query)

    def frames(
        self, session: str, channel: str | None = None, private: bool | None = None, first: int = 1
    ) -> Iterator[StoredFrame]:
        """The same, opened; raises `LogCorrupt` on a damaged body."""
        for stored in self.stored_frames(session, channel, private, first):
            yield _opened(stored)

    def frame_of(self, session: str, seq: int) -> StoredFrame | None:
        """The frame that a record was read from, opened; None where none was kept. Raises `LogCorrupt` on a damaged body."""
        query = _frames(session).where("first_seq <= :seq AND last_seq >= :seq", seq=seq).first()
        stored = next(self._opened_by_key(session, query), None)
        return None if stored is None else _opened(stored)

    def sent_frames(
        self, session: str, venue: str = "", since: int = 0, until: int | None = None
    ) -> Iterator[StoredFrame]:
        """What a venue (or any) was told within a time (ns), opened, in order."""
        query = _frames(session).where("direction = 'out' AND recv >= :since", since=since)
        if venue:
            query.where("venue = :venue", venue=venue)
        if until is not None:
            query.where("recv <= :until", until=until)
        for stored in self._opened_by_key(session, query):
            yield _opened(stored)

    def _opened_by_key(self, session: str, query: Select) -> Iterator[StoredFrame]:
        sealing = self._keys.sealing(self._connection, session)
        for stored in self._built(query, _stored_frame):
            yield stored if sealing is None else sealing.frame(stored)

    def spans(self, session: str) -> "Spans":
        """Which frame covers which records, to be read along with the blocks."""
        query = Select("frames", _names(Span), "first_seq").where("session = :session", session=session)
        return Spans(self._built(query.where("first_seq > 0"), _of(Span)))

    def checkpoints(self, session: str) -> list[SignedCheckpoint]:
        """All checkpoints of a session, by number."""
        return list(self._built(checkpoints_of(session), signed_checkpoint))

    def snapshot_at(self, session: str, seq: int) -> tuple[int, bytes] | None:
        """The newest snapshot at or below `seq`."""
        query = Select("snapshots", ("seq", "body"), "seq DESC").where("session = :session", session=session)
        sealing = self._keys.sealing(self._connection, session)

        def built(row: Found) -> tuple[int, bytes]:
            at, body = row
            return at, expand(body if sealing is None else sealing.snapshot(at, body))

        return self._first(query.where("seq <= :seq", seq=seq), built)

    def key_name(self, session: str) -> str | None:
        """The log key that a session is under, empty once its own key is forgotten; None where it is not encrypted."""
        return self._keys.name(self._connection, session)

    def require_key(self, session: str) -> None:
        """Raises `KeyNeeded` where the session is encrypted and cannot be opened here."""
        self._keys.sealing(self._connection, session)

    def _first(self, query: Select, build: Callable[[Found], Built]) -> Built | None:
        return next(self._built(query.first(), build, 1), None)

    def _built(self, query: Select, build: Callable[[Found], Built], at_once: int = ROWS_AT_ONCE) -> Iterator[Built]:
        """Each row as what it stands for; raises `LogCorrupt` for one that holds what its columns cannot."""
        rows = self._connection.rows(query.sql, at_once, **query.values)
        while True:
            try:  # SQLite stores any type in any column
                built = build(next(rows))
            except StopIteration:
                return
            except (TypeError, ValueError, AttributeError, OverflowError, MemoryError) as error:
                raise LogCorrupt(f"a row of {query.table} is damaged: {error}") from error
            yield built


def _sessions() -> Select:
    return Select("sessions", _SESSION, "opened, id")


def _frames(session: str) -> Select:
    return Select("frames", _names(StoredFrame), "id").where("session = :session", session=session)


def _names(shape: type) -> tuple[str, ...]:
    """The columns that a frozen class of rows is made from."""
    return tuple(field.name for field in dataclasses.fields(shape))


def _of(shape: Callable[..., Built]) -> Callable[[Found], Built]:
    """Builds a frozen class of rows from its fields, each of which must be of the type that the class says."""
    types = _types(shape)

    def build(row: Found) -> Built:
        if not all(map(isinstance, row, types)):
            raise TypeError(_misfit(shape, row))
        return shape(*row)

    return build


@cache
def _types(shape: Callable[..., object]) -> tuple[Any, ...]:
    return tuple(str if get_origin(hint) is Literal else hint for hint in get_type_hints(shape).values())


def _misfit(shape: Callable[..., object], values: Sequence[object]) -> str:
    names = [
        name
        for name, value, kind in zip(get_type_hints(shape), values, _types(shape), strict=True)
        if not isinstance(value, kind)
    ]
    return f"{', '.join(names)} cannot be that"


def _seq(row: Found) -> int:
    seq = row[0]
    if not isinstance(seq, int):
        raise TypeError("its seq cannot be that")
    return seq


def _ending(row: Sequence[Any]) -> tuple[int, int, bytes]:
    last_seq, last_recv, digest = row
    if not (isinstance(last_seq, int) and isinstance(last_recv, int) and isinstance(digest, bytes)):
        raise TypeError("its end cannot be that")
    return last_seq, last_recv, digest


class Spans:
    """Frames' spans, asked for in rising order of seq, so that few are held at a time."""

    def __init__(self, spans: Iterator[Span]) -> None:
        self._spans = spans
        self._held: list[Span] = []

    def up_to(self, seq: int) -> list[Span]:
        """Every span that may cover a record from where the last call ended up to `seq`."""
        self._held = self._held[-2:]  # the last one may lie ahead, the one before it reach on
        while not self._held or self._held[-1].first_seq <= seq:
            span = next(self._spans, None)
            if span is None:
                break
            self._held.append(span)
        return self._held


def open_block(session: str, block: StoredBlock, as_written: bool = False) -> list[Record]:
    """The records of one block; raises `LogCorrupt` when they are not those that its row promises."""
    try:
        raw = expand(block.body, block.codec)
    except LogCorrupt as error:
        raise LogCorrupt(f"session {session}: {error}", error.seq or block.first_seq) from error
    return _checked(session, block, raw, as_written)


def _checked(session: str, block: StoredBlock, raw: bytes, as_written: bool) -> list[Record]:
    try:
        records = unpack_as_written(raw, block.count) if as_written else unpack(raw, block.count)
    except LogCorrupt as error:
        raise LogCorrupt(f"session {session}: {error}", error.seq or block.first_seq) from error
    if (records[0].seq, records[-1].seq, len(records)) != (block.first_seq, block.last_seq, _length(block)):
        raise LogCorrupt(f"session {session}: a block does not hold the records that its row names", block.first_seq)
    return records


def _open_part(session: str, block: StoredBlock, as_written: bool, first: int, last: int) -> list[Record]:
    """Those of a block's records that lie between two seqs: the others are only skipped over."""
    begin, end = max(first, block.first_seq), min(last, block.last_seq)
    if end < begin:
        return []
    try:
        parts = split(expand(block.body, block.codec), block.count)
    except LogCorrupt as error:
        raise LogCorrupt(f"session {session}: {error}", error.seq or block.first_seq) from error
    raw = b"".join(parts[begin - block.first_seq : end + 1 - block.first_seq])
    if len(parts) != _length(block):
        raise LogCorrupt(f"session {session}: a block does not hold the records that its row names", block.first_seq)
    part = dataclasses.replace(block, first_seq=begin, last_seq=end, count=end + 1 - begin)
    return _checked(session, part, raw, as_written)


def _opened(stored: StoredFrame) -> StoredFrame:
    return dataclasses.replace(stored, body=expand(stored.body))


def _length(block: StoredBlock) -> int:
    return block.last_seq - block.first_seq + 1


def _session(row: Found) -> SessionRow:
    *words, head, version = row
    values = (*words, head.hex(), version)
    if not all(map(isinstance, values, _types(SessionRow))):
        raise TypeError(_misfit(SessionRow, values))
    return SessionRow(*values)


def _stored_frame(row: Found) -> StoredFrame:
    """SQLite knows 0 and 1 where PostgreSQL knows truth."""
    values = [*row]
    if values[_PRIVATE] in (0, 1):
        values[_PRIVATE] = bool(values[_PRIVATE])
    return _frame_of(values)


_PRIVATE = _names(StoredFrame).index("private")
_frame_of = _of(StoredFrame)
