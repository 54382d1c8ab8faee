"""An audit beside a live session: reads the log as it grows, keeps a replica of the state, and tells what is wrong at once.

It only reads, in a process of its own; the session does not know of it. What takes the whole log (journal, frames, checkpoints)
is for `audit` once the session has ended.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Final

from replay.audit import Books, Finding, read_all
from state.errors import LogCorrupt
from state.events import FeedStatus, Fill, OrderUpdate, PositionUpdate
from state.log import Log, SessionRow
from state.log.codec import expand, split, start_digest
from state.log.reader import Reader, open_block
from state.log.rows import StoredBlock
from state.record import Record

SETTLED_NS: Final = 5_000_000_000  # how long a position may differ: its report and its fills come by different ways
QUIET_ROUNDS: Final = 20  # without a record, until it is asked whether anybody still writes
REMEMBERED: Final = 10_000  # orders that were told, so that each is told once


class LiveBooks(Books):
    """The audit's books, which tell a residual, a gap and an unexplained order when they come rather than at the end."""

    def __init__(self) -> None:
        super().__init__()
        self._off: dict[tuple[str, str], tuple[int, int]] = {}  # market -> seq and recv since when it differs
        self._residual: dict[tuple[str, str], Decimal] = {}  # market -> what was told of it last
        self._strange: dict[tuple[str, str], None] = {}

    def read(self, record: Record) -> None:
        super().read(record)
        event = record.event
        if isinstance(event, FeedStatus) and event.status == "gap":
            where = f"{event.venue} {event.symbol}".strip()
            self._find(record, "feed gap", f"{where} {event.channel}: {event.reason or 'no reason given'}")
        elif isinstance(event, OrderUpdate):
            self._explain(record, event)
        elif isinstance(event, PositionUpdate | Fill):
            self._compare(record, event.venue, event.symbol)
        if self._off:
            self._tell_settled(record)

    def _explain(self, record: Record, event: OrderUpdate) -> None:
        account = self.shared.account(event.venue)
        order = account.orders.order_of(event)
        name = (event.venue, event.client_id or event.order_id or "")
        if (
            event.origin == "user" and (order is None or order.placed_seq or self.placed(*name))
        ) or name in self._strange:
            return
        self._strange[name] = None
        while len(self._strange) > REMEMBERED:
            del self._strange[next(iter(self._strange))]
        why = "was not placed by this session" if event.origin == "user" else f"is the venue's own ({event.origin})"
        self._find(record, "unexplained order", f"order {name[1]} at {event.venue} {event.symbol} {why}")

    def _compare(self, record: Record, venue: str, symbol: str) -> None:
        position = self.shared.account(venue).ledger.position(symbol)
        key = (venue, symbol)
        if position.reported is None or position.reported.size == position.size:
            self._off.pop(key, None)
            self._residual.pop(key, None)
        else:
            self._off.setdefault(key, (record.seq, record.recv))

    def _tell_settled(self, record: Record) -> None:
        due = [key for key, (_, since) in self._off.items() if record.recv - since >= SETTLED_NS]
        for venue, symbol in due:
            seq, _ = self._off.pop((venue, symbol))
            position = self.shared.account(venue).ledger.position(symbol)
            told = position.reported
            if told is None or self._residual.get((venue, symbol)) == told.size - position.size:
                continue
            self._residual[(venue, symbol)] = told.size - position.size
            text = f"{venue} {symbol}: folded {position.size:f}, the venue says {told.size:f}"
            self.findings.append(Finding(seq, "position", f"{text}, residual {told.size - position.size:f}"))


class Follower:
    """Reads a session to where it ends now, again and again."""

    def __init__(self, log: Log, session: str) -> None:
        self.books = LiveBooks()
        self.row: SessionRow = log.find(session)
        self.seq = 0  # of the last record that was read
        self.broken = False  # the log cannot be followed any further
        self._log = log
        self._digest = start_digest(self.row.id)
        self._told = 0
        self._quiet = 0

    @property
    def ended(self) -> bool:
        return self.broken or self.row.status != "running"

    def round(self) -> list[Finding]:
        """What has been found since the last round; with the session's end, what only shows then."""
        before = self.seq
        try:
            with self._log.reading() as reader:
                self.row = reader.session(self.row.id)
                self._read(reader)
        except LogCorrupt as error:
            self._break(Finding(error.seq or self.seq + 1, "corrupt", str(error)))
        self._quiet = 0 if self.seq > before else self._quiet + 1
        if not self.broken and self.row.status != "running":
            self._end()
        elif self._quiet >= QUIET_ROUNDS and not self._log.is_written(self.row.id):
            self._quiet = 0
            self.row = self._log.find(self.row.id)  # it may have ended between the two looks
            if self.row.status == "running" and self.row.last_seq == self.seq:
                self._break(Finding(self.seq, "running", "nobody writes the session any more, and it did not end"))
        new = self.books.findings[self._told :]
        self._told += len(new)
        return new

    def _read(self, reader: Reader) -> None:
        for block in reader.stored_blocks(self.row.id, self.seq + 1):
            if block.last_seq <= self.seq:
                continue
            if block.first_seq > self.seq + 1:
                raise LogCorrupt(f"records {self.seq + 1} to {block.first_seq - 1} are missing", self.seq + 1)
            records = self._chained(block)
            fault = read_all(self.books, records)
            if fault is not None:
                self._break(fault)
                return
            self.seq = block.last_seq

    def _chained(self, block: StoredBlock) -> list[Record]:
        """The block's records that were not read yet, if the running digest holds over them."""
        parts = split(expand(block.body, block.codec), block.count)
        for part in parts[self.seq + 1 - block.first_seq :]:
            self._digest.update(part)
        if self._digest.digest() != block.digest:
            raise LogCorrupt(
                f"the running digest does not hold over records {self.seq + 1} to {block.last_seq}", self.seq + 1
            )
        return open_block(self.row.id, block)[self.seq + 1 - block.first_seq :]

    def _end(self) -> None:
        if self.row.last_seq != self.seq or self.row.head != self._digest.hexdigest():
            self._break(
                Finding(self.seq + 1, "tail", f"the session ends at {self.row.last_seq}, its records at {self.seq}")
            )
            return
        told = {found.text for found in self.books.findings}
        before = len(self.books.findings)
        self.books.close(self.row)
        self.books.findings[before:] = [each for each in self.books.findings[before:] if each.text not in told]

    def _break(self, finding: Finding) -> None:
        self.books.findings.append(finding)
        self.broken = True


def follow(log: Log, session: str, wait: Callable[[], None]) -> Iterator[Finding]:
    """Each finding as it comes, until the session has ended; `wait` is called between two looks at the log."""
    follower = Follower(log, session)
    while True:
        yield from follower.round()
        if follower.ended:
            return
        wait()
