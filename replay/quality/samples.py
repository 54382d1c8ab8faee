"""Every number that a session's quality is made of, one sample at a time, with the records it comes from. Streams.

Times are those that were recorded. An intent's own time is that of the tick in which it was decided, which is the receipt of what
it was decided on (or the due time of a timer): the time that our own code took lies between it and the frame that left.

| metric | is | unit |
|---|---|---|
| `frame to intent` | receipt of the market's newest frame to the tick of the decision: what throttles and timers waited | ms |
| `intent to wire` | tick of the decision to the frame that left: deciding, committing, budget, signing | ms |
| `wire to answer` | the frame that left to the venue's answer | ms |
| `intent to answer` | tick of the decision to the venue's answer | ms |
| `answer to fill` | acceptance of a placement to its first fill | ms |
| `intent to fill` | tick of the placement to its first fill | ms |
| `markout 1s` … | mid so long after a fill against its price, from our side: negative is adverse | bps |
| `slippage` | price of a fill against the mid when its order was decided, from our side: negative is worse | bps |
| `top of book` | a time in which an order of ours stood at the best price of its side | s |
| `quoting` | a time in which an order of ours stood on that side at all | s |
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from state.commands import action_of
from state.events import (
    MARKET,
    Accepted,
    AmendOrder,
    AnyEvent,
    BookDelta,
    BookSnapshot,
    CancelAll,
    CancelOrder,
    Fill,
    Intent,
    OrderUpdate,
    PlaceOrder,
    Rejected,
    Unknown,
)
from state.log import Log
from state.log.rows import StoredFrame
from state.market import Market
from state.record import Record
from state.reducer import Reducer
from state.shared import SharedState
from state.words import Side, sign

HORIZONS_S = (1, 5, 30, 60)
ORDERS_KEPT = 100_000
_INTENTS = (PlaceOrder, AmendOrder, CancelOrder, CancelAll)
_OUTCOMES = (Accepted, Rejected, Unknown)
_BOOKS = (BookDelta, BookSnapshot)


@dataclass(frozen=True, slots=True)
class Sample:
    """One number; `group` is the action, the side or the maker's or taker's part; `seqs` the records, `frames` their ids."""

    metric: str
    venue: str
    symbol: str
    group: str
    value: float
    seqs: tuple[int, ...]
    frames: tuple[int, ...] = ()


@dataclass(slots=True)
class _Pending:
    """An intent on its way."""

    record: Record
    group: str
    wire: int | None = None
    frame: int = 0


@dataclass(slots=True)
class _Order:
    """What of an order its fills will need."""

    placed: Record
    mid: float | None
    accepted: Record | None = None
    is_filled: bool = False


@dataclass(slots=True)
class _Standing:
    """Since when one side of one market has been quoted, and has stood at the top; 0 where it does not."""

    quoting: int = 0
    quoting_seq: int = 0
    top: int = 0
    top_seq: int = 0


class Sampler:
    """Takes records in order, and the frames that left between them."""

    def __init__(self, sent: Iterator[StoredFrame]) -> None:
        self.shared = SharedState()
        self._apply = Reducer(self.shared).apply
        self._sent = sent
        self._next_frame = next(sent, None)
        self._pending: dict[int, _Pending] = {}
        self._orders: dict[tuple[str, str], _Order] = {}
        self._fill_ids: dict[tuple[str, str, str, str], None] = {}
        self._marks: list[tuple[int, int, int, Record]] = []  # due, horizon, number, fill
        self._number = 0
        self._heard: dict[tuple[str, str], Record] = {}  # the newest record of each market
        self._standing: dict[tuple[str, str, Side], _Standing] = {}
        self._best: dict[tuple[str, str], tuple[float | None, float | None]] = {}  # of markets that we ordered in

    def read(self, record: Record) -> Sequence[Sample]:
        """What is known once this record is."""
        event = record.event
        found: list[Sample] = []
        if self._next_frame is not None and self._next_frame.recv <= record.recv:
            self._wire(record.recv)
        if self._marks and self._marks[0][0] <= record.recv:
            found += self._mark(record.recv)
        self._apply(record)
        if isinstance(event, MARKET):
            self._heard[event.venue, event.symbol] = record
            if (event.venue, event.symbol) in self._best and isinstance(event, _BOOKS):
                found += self._stand(record, event.venue, event.symbol)
            return found
        if isinstance(event, _INTENTS):
            found += self._decided(record, event)
        elif isinstance(event, _OUTCOMES):
            found += self._answered(record, event)
        elif isinstance(event, Fill):
            found += self._filled(record, event)
        if isinstance(event, (OrderUpdate, Fill, *_OUTCOMES, *_INTENTS)) and event.symbol:
            self._best[event.venue, event.symbol] = self._best_orders(event.venue, event.symbol)
            found += self._stand(record, event.venue, event.symbol)
        return found

    # --- latency ---

    def _decided(self, record: Record, event: Intent) -> Iterator[Sample]:
        group = action_of(event)
        self._pending[record.seq] = _Pending(record, group)
        if len(self._pending) > ORDERS_KEPT:
            del self._pending[next(iter(self._pending))]
        heard = self._heard.get((event.venue, event.symbol))
        if heard is not None:
            yield _latency("frame to intent", event, group, record.recv - heard.recv, (heard.seq, record.seq))
        if isinstance(event, PlaceOrder):
            market = self.shared.market(event.venue, event.symbol)
            self._orders[event.venue, event.client_id] = _Order(record, _mid(market))
            if len(self._orders) > ORDERS_KEPT:
                del self._orders[next(iter(self._orders))]

    def _wire(self, until: int) -> None:
        """Frames that left before `until`: each tells when the intents whose orders it names left."""
        while self._next_frame is not None and self._next_frame.recv <= until:
            frame = self._next_frame
            for pending in self._pending.values():
                name = getattr(pending.record.event, "client_id", "")
                waits = pending.wire is None and name and pending.record.event.venue == frame.venue
                if waits and (name.encode() in frame.body or name in frame.url):
                    pending.wire, pending.frame = frame.recv, frame.id
            self._next_frame = next(self._sent, None)

    def _answered(self, record: Record, event: Accepted | Rejected | Unknown) -> Iterator[Sample]:
        pending = self._pending.pop(record.cause, None)
        if pending is None:
            return
        decided, seqs = pending.record, (pending.record.seq, record.seq)
        yield _latency("intent to answer", event, pending.group, record.recv - decided.recv, seqs)
        if pending.wire is not None:
            frames = (pending.frame,)
            yield _latency("intent to wire", event, pending.group, pending.wire - decided.recv, seqs[:1], frames)
            yield _latency("wire to answer", event, pending.group, record.recv - pending.wire, seqs[1:], frames)
        order = self._orders.get((event.venue, event.client_id))
        if order is not None and isinstance(event, Accepted) and event.action == "place":
            order.accepted = record

    # --- fills ---

    def _filled(self, record: Record, event: Fill) -> Iterator[Sample]:
        key = (event.venue, event.symbol, event.side, event.fill_id)
        if key in self._fill_ids:
            return
        self._fill_ids[key] = None
        if len(self._fill_ids) > ORDERS_KEPT:
            del self._fill_ids[next(iter(self._fill_ids))]
        for horizon in HORIZONS_S:
            self._number += 1
            heappush(self._marks, (record.recv + horizon * 1_000_000_000, horizon, self._number, record))
        known = self.shared.account(event.venue).orders.order_of(event)
        order = self._orders.get((event.venue, event.client_id or (known.client_id if known is not None else "")))
        if order is None:
            return
        placed, part = order.placed, _part(event)
        if not order.is_filled:
            order.is_filled = True
            yield _latency("intent to fill", event, part, record.recv - placed.recv, (placed.seq, record.seq))
            if order.accepted is not None:
                seqs = (order.accepted.seq, record.seq)
                yield _latency("answer to fill", event, part, record.recv - order.accepted.recv, seqs)
        if order.mid is not None:
            bps = (order.mid / float(event.price) - 1) * 10_000 * sign(event.side)
            yield Sample("slippage", event.venue, event.symbol, part, bps, (placed.seq, record.seq))

    def _mark(self, now: int) -> Iterator[Sample]:
        """Fills whose horizon is over: the mid that stood at that time."""
        while self._marks and self._marks[0][0] <= now:
            _, horizon, _, record = heappop(self._marks)
            event = record.event
            assert isinstance(event, Fill)
            mid = _mid(self.shared.market(event.venue, event.symbol))
            if mid is not None:
                bps = (mid / float(event.price) - 1) * 10_000 * sign(event.side)
                heard = self._heard.get((event.venue, event.symbol))
                seqs = (record.seq,) if heard is None else (record.seq, heard.seq)
                yield Sample(f"markout {horizon}s", event.venue, event.symbol, _part(event), bps, seqs)

    # --- the top of the book ---

    def _best_orders(self, venue: str, symbol: str) -> tuple[float | None, float | None]:
        """Our highest bid and our lowest ask that the venue has spoken of."""
        bids: list[float] = []
        asks: list[float] = []
        for order in self.shared.account(venue).orders.working(symbol):
            if order.price is not None and order.status != "pending":
                (bids if order.side == "buy" else asks).append(float(order.price))
        return max(bids, default=None), min(asks, default=None)

    def _stand(self, record: Record, venue: str, symbol: str) -> Iterator[Sample]:
        bid, ask = self._best[venue, symbol]
        book = self.shared.market(venue, symbol).book
        for side, price, at_top in (
            ("buy", bid, bid is not None and book.is_ok and bid >= book.bid),
            ("sell", ask, ask is not None and book.is_ok and ask <= book.ask),
        ):
            key: tuple[str, str, Side] = (venue, symbol, "buy" if side == "buy" else "sell")
            standing = self._standing.get(key)
            if standing is None:
                if price is None:
                    continue
                standing = self._standing[key] = _Standing()
            if (price is not None) != bool(standing.quoting) or at_top != bool(standing.top):
                yield from self._turn(record, *key, standing, price is not None, at_top)

    def _turn(
        self, record: Record, venue: str, symbol: str, side: Side, standing: _Standing, quoting: bool, at_top: bool
    ) -> Iterator[Sample]:
        if quoting != bool(standing.quoting):
            if standing.quoting:
                seqs = (standing.quoting_seq, record.seq)
                yield Sample("quoting", venue, symbol, side, (record.recv - standing.quoting) / 1e9, seqs)
            standing.quoting, standing.quoting_seq = (record.recv, record.seq) if quoting else (0, 0)
        if at_top != bool(standing.top):
            if standing.top:
                seqs = (standing.top_seq, record.seq)
                yield Sample("top of book", venue, symbol, side, (record.recv - standing.top) / 1e9, seqs)
            standing.top, standing.top_seq = (record.recv, record.seq) if at_top else (0, 0)

    def end(self, record: Record) -> Iterator[Sample]:
        """What still stood at the session's last record."""
        for (venue, symbol, side), standing in self._standing.items():
            yield from self._turn(record, venue, symbol, side, standing, quoting=False, at_top=False)


def samples(log: Log, session: str) -> Iterator[tuple[Record, Sequence[Sample]]]:
    """Each record with the samples that it completes, most with none; memory does not grow with the session."""
    with log.reading() as frames:
        sampler = Sampler(frames.sent_frames(session))
        last: Record | None = None
        for block in log.blocks(session):
            for record in block:
                if last is not None:
                    yield last, sampler.read(last)
                last = record
        if last is not None:
            yield last, [*sampler.read(last), *sampler.end(last)]


def _latency(
    metric: str, event: AnyEvent, group: str, took_ns: int, seqs: tuple[int, ...], frames: tuple[int, ...] = ()
) -> Sample:
    return Sample(metric, event.venue, event.symbol, group, took_ns / 1e6, seqs, frames)


def _mid(market: Market) -> float | None:
    return market.book.mid if market.book.is_ok else None


def _part(event: Fill) -> str:
    return "fill" if event.maker is None else "maker" if event.maker else "taker"
