"""What the writer thread does with what it is handed: mark, digest, compress, and one transaction for all of it.

Nothing here is kept from a transaction that failed: digest, counters and tail are taken over only after the commit.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from state.log.checkpoint import frame_mark
from state.log.codec import CODEC, Press, mark_seed, marks_of, place, start_digest
from state.log.database import Change, Connection, Insert, Row, Statement
from state.log.rows import JournalValues, SessionStatus, Span, journal_values, journaled
from state.log.sealing import Sealing
from state.record import Frame, Record

SMALL = 8  # a block under an eighth of the full size is worth rewriting together with its neighbours
COMMIT_BYTES = 8 << 10  # what a small commit adds to SQLite's write-ahead log, about
UNTIDY_BYTES_MAX = 4 << 20  # SQLite's own threshold
_REACH = "UPDATE frames SET last_seq = :last_seq WHERE session = :session AND id = :id"
_PIECES = "DELETE FROM blocks WHERE session = :session AND first_seq BETWEEN :first AND :last"


@dataclass(slots=True)
class HeldFrame:
    """A frame on its way into the log; `frame` is None where only `last_seq` of a stored one grew."""

    id: int
    frame: Frame | None
    first_seq: int
    last_seq: int


@dataclass(slots=True)
class Page:
    """What goes into one transaction: each record's canonical bytes, and those records again that the journal has a row for."""

    parts: list[bytes] = field(default_factory=list)
    told: list[Record] = field(default_factory=list)
    frames: list[HeldFrame] = field(default_factory=list)
    snapshots: list[tuple[int, bytes]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.parts) + len(self.frames) + len(self.snapshots)

    def extend(self, page: "Page") -> None:
        """Adds what was handed over later."""
        self.parts.extend(page.parts)
        self.told.extend(page.told)
        self.frames.extend(page.frames)
        self.snapshots.extend(page.snapshots)


@dataclass(slots=True)
class _Piece:
    """A small block at the end of the session, kept until it can be rewritten with its neighbours as one."""

    first_seq: int
    last_seq: int
    first_recv: int
    last_recv: int
    raw: bytes
    marks: bytes
    digest: bytes = b""


class Ink:
    """One session's connection, digest and claim, in the writer thread's hands."""

    def __init__(
        self,
        connection: Connection,
        claim: ExitStack,
        session: str,
        block: int,
        sealing: Sealing | None = None,
    ) -> None:
        """With `sealing`, what was recorded is stored encrypted."""
        self._connection = connection
        self._claim = claim
        self._session = session
        self._block = block
        self._sealing = sealing
        self._press = Press()
        self._seed = mark_seed(session)
        self._digest = start_digest(session)
        self._tail: list[_Piece] = []
        self._tail_records = 0
        self._to_merge: list[list[_Piece]] = []
        self._untidy_bytes = 0
        self.last_seq = 0

    @property
    def is_remote(self) -> bool:
        """Somebody else's disk makes it durable."""
        return self._connection.is_remote

    @property
    def head(self) -> bytes:
        """The running digest over everything that is durable."""
        return self._digest.digest()

    def write(self, page: Page) -> None:
        """Makes a page durable, all or nothing; raises what the driver raises."""
        if not page:
            return
        digest = self._digest.copy()
        pieces = [self._piece(parts) for parts in _cut(page.parts, self._block)]
        for piece in pieces:
            digest.update(piece.raw)
            piece.digest = digest.digest()
        changes: list[Change] = []
        _add(changes, "blocks", [self._row(piece) for piece in pieces])
        owed = journaled(page.told)
        if owed:
            # Made one by one as they go in: a server stores what it has while the next are made.
            spans = [held for held in page.frames if held.first_seq]
            rows = ((self._session, *values) for values in _values_of(owed, spans))
            changes.append(Insert("journal", rows, len(owed)))
        if page.frames:
            self._add_frames(changes, page.frames)
        _add(changes, "snapshots", [(self._session, seq, self._press.press(body)) for seq, body in page.snapshots])
        self._store(changes)
        self._digest = digest
        if pieces:
            self.last_seq = pieces[-1].last_seq
        self._remember(pieces)
        self._untidy_bytes += COMMIT_BYTES + sum(len(piece.raw) for piece in pieces) // 2

    @property
    def is_untidy(self) -> bool:
        """Something waits for `tidy`."""
        return bool(self._to_merge) or self._untidy_bytes >= UNTIDY_BYTES_MAX

    def tidy(self) -> None:
        """What can wait until nobody waits: small blocks become one, the database's own housekeeping."""
        self._merge()
        if self._untidy_bytes >= UNTIDY_BYTES_MAX:
            self._untidy_bytes = 0
            # Not with each commit, as it is a page more: a running session's last seq is its last block's.
            self._connection.write([self._set(last_seq=self.last_seq, head=self.head)])
            self._connection.tidy()

    def close(self, closed: int, status: SessionStatus) -> None:
        """Marks the session's end; the claim is given back by `release`."""
        if len(self._tail) > 1:
            self._to_merge.append(self._tail)
        self._merge()
        ending = self._set(last_seq=self.last_seq, head=self.head, status=status, closed=closed)
        self._connection.write([ending])

    def release(self) -> None:
        """Gives back the claim and the connection."""
        self._claim.close()

    def _store(self, changes: list[Change]) -> None:
        if self._sealing is not None:
            changes = self._sealing.sealed(changes)
        self._connection.write(changes)

    def _piece(self, parts: Sequence[bytes]) -> _Piece:
        (first_seq, first_recv), (last_seq, last_recv) = place(parts[0]), place(parts[-1])
        return _Piece(first_seq, last_seq, first_recv, last_recv, b"".join(parts), marks_of(parts, self._seed))

    def _row(self, piece: _Piece) -> Row:
        count = piece.last_seq - piece.first_seq + 1
        press = self._press.press_quickly if count < self._block // SMALL else self._press.press
        return (
            self._session,
            piece.first_seq,
            piece.last_seq,
            piece.first_recv,
            piece.last_recv,
            count,
            CODEC,
            piece.digest,
            piece.marks,
            press(piece.raw),
        )

    def _add_frames(self, changes: list[Change], held: Sequence[HeldFrame]) -> None:
        new = [(each, each.frame) for each in held if each.frame is not None]
        _add(changes, "frames", [self._frame_row(each, frame) for each, frame in new])
        for each in held:
            if each.frame is None:
                values = {"session": self._session, "id": each.id, "last_seq": each.last_seq}
                changes.append(Statement(_REACH, values))

    def _frame_row(self, held: HeldFrame, frame: Frame) -> Row:
        return (
            self._session,
            held.id,
            held.first_seq,
            held.last_seq,
            frame.recv,
            frame.venue,
            frame.channel,
            frame.direction,
            frame.url,
            frame.private,
            self._press.press(frame.body),
            frame_mark(self._session, held.id, held.first_seq, frame),
        )

    def _set(self, **values: object) -> Statement:
        columns = ", ".join(f"{name} = :{name}" for name in values)
        return Statement(f"UPDATE sessions SET {columns} WHERE id = :session", {**values, "session": self._session})  # noqa: S608

    def _remember(self, pieces: Sequence[_Piece]) -> None:
        for piece in pieces:
            count = piece.last_seq - piece.first_seq + 1
            if count < self._block // SMALL:
                self._tail.append(piece)
                self._tail_records += count
            if count >= self._block // SMALL or self._tail_records >= self._block:
                if len(self._tail) > 1:
                    self._to_merge.append(self._tail)
                self._tail, self._tail_records = [], 0

    def _merge(self) -> None:
        """Rewrites small neighbouring blocks as one; the digest at its end is its last piece's."""
        while self._to_merge:
            pieces = self._to_merge[0]
            first, last = pieces[0], pieces[-1]
            raw = b"".join([piece.raw for piece in pieces])
            marks = b"".join([piece.marks for piece in pieces])
            whole = _Piece(first.first_seq, last.last_seq, first.first_recv, last.last_recv, raw, marks, last.digest)
            between = {"session": self._session, "first": first.first_seq, "last": last.first_seq}
            old = Statement(_PIECES, between)
            update = self._set(last_seq=whole.last_seq, head=whole.digest)
            self._store([old, Insert("blocks", [self._row(whole)], 1), update])
            self._untidy_bytes += len(raw) // 2
            del self._to_merge[0]


def journal_of(records: Iterable[Record], spans: Sequence[Span | HeldFrame]) -> Iterator[JournalValues]:
    """What the journal says of these records; each points to the frame that covers it. Spans are in order of seq."""
    return _values_of(journaled(records), spans)


def _values_of(owed: Iterable[Record], spans: Sequence[Span | HeldFrame]) -> Iterator[JournalValues]:
    firsts = [span.first_seq for span in spans]
    for record in owed:
        at = bisect_right(firsts, record.seq) - 1
        yield journal_values(record, spans[at].id if at >= 0 and spans[at].last_seq >= record.seq else None)


def _add(changes: list[Change], table: str, rows: Sequence[Row]) -> None:
    if rows:
        changes.append(Insert(table, rows, len(rows)))


def _cut(parts: list[bytes], size: int) -> Iterator[list[bytes]]:
    if len(parts) <= size:
        if parts:
            yield parts
        return
    for start in range(0, len(parts), size):
        yield parts[start : start + size]
