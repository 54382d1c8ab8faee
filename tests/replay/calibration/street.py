"""A market with a true first-in-first-out queue in virtual time, and sessions traded on it whose every parameter is known."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from heapq import heappop, heappush
from itertools import count

from adapters.loopback.floor import Change, Floor, Ticket
from adapters.loopback.flow import Flow
from adapters.loopback.ledger import Account
from adapters.loopback.orders import Kind, RefusedError, Status, Tif
from adapters.loopback.orders import Side as FloorSide
from adapters.loopback.symbols import Contract
from adapters.paper import PaperSettings, PaperVenue
from state.events import (
    Accepted,
    AnyEvent,
    BalanceUpdate,
    BookDelta,
    BookSnapshot,
    CancelOrder,
    Fill,
    InstrumentDefined,
    Intent,
    OrderUpdate,
    PlaceOrder,
    Rejected,
    SessionClosed,
    SessionOpened,
    Trade,
)
from state.record import Record
from state.words import Side

VENUE, SYMBOL, KEY = "bybit", "BTCUSDT", "us"
MS = 1_000_000
START = 1_700_000_000_000  # ms
STEP_MS = 20
CONTRACT = Contract(
    symbol=SYMBOL, number=5, base="BTC", quote="USDT", tick=Decimal("0.1"), lot=Decimal("0.001"),
    max_size=Decimal(1500), max_market_size=Decimal(150), max_price=Decimal(1_999_999), price_scale=2,
    price_limit_ratio=Decimal("0.01"), launched_ms=1_584_230_400_000, start_price=Decimal(65_000), typical_lots=120.0,
    swing_ticks=0.06,
)  # fmt: skip
DEFINED = InstrumentDefined(
    VENUE, SYMBOL, None, "BTC", "USDT", "USDT", "perpetual", CONTRACT.tick, CONTRACT.lot, CONTRACT.lot, Decimal(5),
    maker_fee=Decimal("0.0002"), taker_fee=Decimal("0.00055"),
)  # fmt: skip


class Street:
    """The floor with its flow; `step` gives what its feeds say, trades before the book that shows them."""

    def __init__(self, seed: int) -> None:
        self.floor = Floor([CONTRACT], [Account(KEY, "secret", Decimal(10_000_000))], seed)
        self._flow = Flow(self.floor, SYMBOL, seed)
        self._engine = self.floor.markets[SYMBOL].engine
        self._shown: dict[FloorSide, dict[Decimal, Decimal]] = {}
        self._trades: list[Trade] = []
        self.changes: list[Change] = []
        self.floor.listeners.append(self._heard)
        self._flow.open(START)
        for _ in range(300):
            self._flow.step(START)
        self._trades.clear()

    def snapshot(self, now_ms: int) -> BookSnapshot:
        self._shown = {side: dict(self._engine.depth(side)) for side in FloorSide}
        bids, asks = (
            [(float(price), float(size)) for price, size in self._shown[side].items()]
            for side in (FloorSide.BUY, FloorSide.SELL)
        )
        return BookSnapshot(VENUE, SYMBOL, now_ms * MS, bids, asks, 1)

    def flow(self, now_ms: int) -> None:
        self._flow.step(now_ms)

    def told(self, now_ms: int) -> list[AnyEvent]:
        """What the feeds have to say since they last spoke."""
        events: list[AnyEvent] = [*self._trades]
        self._trades.clear()
        changed = [self._changed(side) for side in (FloorSide.BUY, FloorSide.SELL)]
        if any(changed):
            events.append(BookDelta(VENUE, SYMBOL, now_ms * MS, *changed))
        return events

    def _changed(self, side: FloorSide) -> list[tuple[float, float]]:
        now, before = dict(self._engine.depth(side)), self._shown[side]
        self._shown[side] = now
        levels = [(float(price), float(size)) for price, size in now.items() if before.get(price) != size]
        return levels + [(float(price), 0.0) for price in before if price not in now]

    def _heard(self, change: Change) -> None:
        if change.orders or change.fills:
            self.changes.append(change)
        self._trades += [
            Trade(VENUE, SYMBOL, row.ts_ms * MS, row.trade_id, float(row.price), float(row.size), _side(row.side))
            for row in change.trades
        ]


@dataclass
class Quoter:
    """Joins both sides near the touch now and then, and cancels after a while; by chance, but the same each time."""

    seed: int = 1
    life_ms: tuple[int, int] = (2_000, 20_000)
    every_ms: int = 400
    size: tuple[int, int] = (20, 400)  # lots
    _random: random.Random = field(init=False)
    _due: list[tuple[int, str]] = field(default_factory=list)
    _count: int = 0
    _next: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def wishes(self, now_ms: int, bid: float, ask: float) -> list[Intent]:
        wishes: list[Intent] = []
        while self._due and self._due[0][0] <= now_ms:
            wishes.append(CancelOrder(VENUE, SYMBOL, heappop(self._due)[1]))
        if now_ms < self._next:
            return wishes
        self._next = now_ms + self.every_ms
        self._count += 1
        name = f"c{self._count}"
        side: Side = "buy" if self._random.random() < 0.5 else "sell"
        away = self._random.choice((0, 0, 0, 1))
        price = Decimal(repr(bid if side == "buy" else ask)) - CONTRACT.tick * away * (1 if side == "buy" else -1)
        size = CONTRACT.lot * self._random.randint(*self.size)
        heappush(self._due, (now_ms + self._random.randint(*self.life_ms), name))
        return [*wishes, PlaceOrder(VENUE, SYMBOL, side, size, price, "limit", "post_only", client_id=name)]


def simulated(settings: PaperSettings, seconds: int, seed: int = 1) -> list[Record]:
    """A session on this market whose orders were matched by a paper venue with these settings: the truth is known to the bit."""
    street, venue, quoter, feed_ms = (
        Street(seed),
        PaperVenue(VENUE, settings, "truth"),
        Quoter(seed),
        settings.feed_latency_ms,
    )
    log = _Log()
    now_ms = START
    log.add((now_ms + feed_ms) * MS, DEFINED)
    venue.observe(DEFINED, round((now_ms + feed_ms) * MS))
    first = street.snapshot(now_ms)
    venue.observe(first, round((now_ms + feed_ms) * MS))
    log.add((now_ms + feed_ms) * MS, first, *venue.opening(now_ms * MS))
    bid, ask = first.bids[0][0], first.asks[0][0]
    for number in range(1, seconds * 1000 // STEP_MS):
        now_ms = START + number * STEP_MS
        recv = round((now_ms + feed_ms) * MS)
        _hear(venue, log, recv)
        street.flow(now_ms)
        for event in street.told(now_ms):
            venue.observe(event, recv)
            log.add(recv, event)
        bid, ask = _touch(street, bid, ask)
        for wish in quoter.wishes(now_ms, bid, ask):
            venue.submit(log.add(recv, wish), recv)
    while (end := venue.on_its_way()) is not None:
        _hear(venue, log, end)
    log.add(log.recv, SessionClosed("over"))
    return log.records


def on_the_floor(entry_ms: int, response_ms: int, feed_ms: int, seconds: int, seed: int = 1) -> list[Record]:
    """The same market and quoter, but our orders stand in the venue's own queue and are in its book: a real venue's session."""
    street, quoter = Street(seed), Quoter(seed)
    there: list[tuple[int, int, Record]] = []  # intents on their way, by arrival
    here: list[tuple[int, int, int, list[AnyEvent]]] = []  # what we hear: recv, order, cause, events
    log, order, numbers = _Log(), count(), dict[str, str]()
    here_first = street.snapshot(START)
    balance = BalanceUpdate(VENUE, "", START * MS, "USDT", Decimal(10_000_000))
    log.add((START + feed_ms) * MS, DEFINED, here_first, balance)
    bid, ask = here_first.bids[0][0], here_first.asks[0][0]
    for number in range(1, seconds * 1000 // STEP_MS):
        step_ms = START + number * STEP_MS
        for now_ms in range(step_ms - STEP_MS + 1, step_ms + 1):
            while there and there[0][0] <= now_ms:
                intent = heappop(there)[2]
                answer = _carry_out(street.floor, intent.event, now_ms, numbers)
                heappush(here, (now_ms + response_ms, next(order), intent.seq, [answer, *_private(street, now_ms)]))
        street.flow(step_ms)
        told = _private(street, step_ms)
        if told:
            heappush(here, (step_ms + response_ms, next(order), 0, told))
        heappush(here, (step_ms + feed_ms, next(order), 0, street.told(step_ms)))
        while here and here[0][0] <= step_ms:
            recv_ms, _, cause, events = heappop(here)
            for event in events:
                log.add(recv_ms * MS, event, cause=cause)
        bid, ask = _touch(street, bid, ask)
        for wish in quoter.wishes(step_ms, bid, ask):
            record = log.add(step_ms * MS, wish)
            heappush(there, (step_ms + entry_ms, record.seq, record))
    log.add(log.recv, SessionClosed("over"))
    return log.records


class _Log:
    def __init__(self) -> None:
        self.records = [Record(1, START * MS, 0, SessionOpened("truth", 1))]

    @property
    def recv(self) -> int:
        return self.records[-1].recv

    def add(self, recv: float, *events: AnyEvent, cause: int = 0) -> Record:
        for event in events:
            self.records.append(Record(len(self.records) + 1, max(self.recv, round(recv)), cause, event))
        return self.records[-1]


def _hear(venue: PaperVenue, log: _Log, until: int) -> None:
    for recv, cause, events in venue.collect(until):
        log.add(recv, *events, cause=cause)


def _touch(street: Street, bid: float, ask: float) -> tuple[float, float]:
    best = [street.floor.markets[SYMBOL].engine.best(side) for side in (FloorSide.BUY, FloorSide.SELL)]
    return (float(best[0][0]) if best[0] else bid), (float(best[1][0]) if best[1] else ask)


def _carry_out(floor: Floor, intent: AnyEvent, now_ms: int, numbers: dict[str, str]) -> AnyEvent:
    ts = now_ms * MS
    try:
        if isinstance(intent, PlaceOrder):
            side = FloorSide.BUY if intent.side == "buy" else FloorSide.SELL
            ticket = Ticket(
                SYMBOL, side, Kind.LIMIT, Tif.POST_ONLY, intent.price or Decimal(0), intent.size, intent.client_id
            )
            placed = floor.place(KEY, ticket, now_ms)
            numbers[intent.client_id] = placed.order_id
            return Accepted(VENUE, SYMBOL, ts, "place", intent.client_id, placed.order_id)
        assert isinstance(intent, CancelOrder)
        floor.cancel(KEY, numbers[intent.client_id], now_ms)
        return Accepted(VENUE, SYMBOL, ts, "cancel", intent.client_id, numbers[intent.client_id])
    except RefusedError:
        assert isinstance(intent, CancelOrder)
        return Rejected(VENUE, SYMBOL, ts, "cancel", intent.client_id, "gone", "gone", "is over")


def _private(street: Street, now_ms: int) -> list[AnyEvent]:
    """What the private stream says of our orders since it last spoke."""
    told = list(_private_events(street.changes, now_ms * MS))
    street.changes.clear()
    return told


def _private_events(changes: list[Change], ts: int) -> Iterator[AnyEvent]:
    for change in changes:
        for fill in change.fills:
            yield Fill(
                VENUE, SYMBOL, ts, fill.exec_id, fill.order_id, fill.client_id, _side(fill.side), fill.price, fill.size,
                -fill.fee, "USDT", fill.is_maker,
            )  # fmt: skip
        for order in change.orders:
            yield OrderUpdate(
                VENUE, SYMBOL, ts, order.client_id, order.order_id, _STATUS[order.status], filled=order.filled
            )


_STATUS = {
    Status.NEW: "open",
    Status.PARTIALLY_FILLED: "partially_filled",
    Status.FILLED: "filled",
    Status.CANCELLED: "cancelled",
}


def _side(side: FloorSide) -> Side:
    return "buy" if side is FloorSide.BUY else "sell"
