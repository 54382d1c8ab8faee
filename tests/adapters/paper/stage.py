"""A paper venue on a stage: each act happens a millisecond after the one before, and what is heard is told in words."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeAlias

from adapters.paper import PaperSettings, PaperVenue
from state.events import (
    Accepted,
    AmendOrder,
    AnyEvent,
    BalanceUpdate,
    BookDelta,
    BookSnapshot,
    CancelAll,
    CancelOrder,
    FeedStatus,
    Fill,
    FundingPayment,
    InstrumentDefined,
    Intent,
    Level,
    OrderUpdate,
    PlaceOrder,
    PositionUpdate,
    Rejected,
    Ticker,
    Trade,
)
from state.record import Record
from state.words import FeedState, InstrumentKind, InstrumentStatus, OrderKind, Side, TimeInForce, TradeKind

VENUE, SYMBOL = "paper", "BTCUSDT"
MS = 1_000_000
INSTANT = PaperSettings(order_latency_ms=0, response_latency_ms=0, maker_fee_bps=Decimal(2), taker_fee_bps=Decimal(5))

Act: TypeAlias = Callable[["Stage"], list[AnyEvent]]


def instrument(
    kind: InstrumentKind = "perpetual",
    status: InstrumentStatus = "trading",
    symbol: str = SYMBOL,
    tick: str = "1",
    lot: str = "0.1",
    min_notional: str = "5",
) -> InstrumentDefined:
    return InstrumentDefined(
        VENUE,
        symbol,
        None,
        "BTC",
        "USDT",
        "USDT",
        kind,
        Decimal(tick),
        Decimal(lot),
        Decimal(lot),
        Decimal(min_notional),
        status=status,
    )


class Stage:
    """By default bids 100 x 5, 99 x 5, 98 x 5 and asks 101 x 5, 102 x 5, 103 x 5."""

    def __init__(self, settings: PaperSettings = INSTANT, defined: InstrumentDefined | None = None) -> None:
        self.venue = PaperVenue(VENUE, settings, "s")
        self.now = 0
        self.seq = 0
        self.observe(defined or instrument())
        self.observe(snapshot(self.tick(0)))

    def tick(self, ms: float = 1) -> int:
        self.now += round(ms * MS)
        return self.now

    def observe(self, event: AnyEvent) -> list[AnyEvent]:
        self.venue.observe(event, self.now)
        return self.heard()

    def submit(self, intent: Intent) -> list[AnyEvent]:
        self.seq += 1
        self.venue.submit(Record(self.seq, self.now, 0, intent), self.now)
        return self.heard()

    def heard(self) -> list[AnyEvent]:
        return [event for _, _, events in self.venue.collect(self.now) for event in events]

    def play(self, *acts: Act) -> list[AnyEvent]:
        """Every event of all acts."""
        told: list[AnyEvent] = []
        for act in acts:
            self.tick()
            told += act(self)
        return told


def words(events: Sequence[AnyEvent]) -> list[str]:
    """What happened to orders, a phrase an event; positions and balances are left out."""
    return [phrase for event in events if (phrase := _phrase(event))]


def _phrase(event: AnyEvent) -> str:
    match event:
        case Accepted():
            return "accepted"
        case Rejected():
            return f"rejected {event.refusal} {event.code}"
        case Fill():
            return f"{event.client_id} {event.side} {_n(event.size)} @ {_n(event.price)} {'maker' if event.maker else 'taker'}"
        case OrderUpdate():
            assert event.filled is not None
            assert event.size is not None
            end = event.refusal or (event.origin if event.origin != "user" else "")
            return f"{event.client_id} {event.status} {_n(event.filled)}/{_n(event.size)} {end}".rstrip()
        case FundingPayment():
            return f"funding {_n(event.amount)} at {_n(event.rate or Decimal(0))}"
        case PositionUpdate() | BalanceUpdate():
            return ""
        case _:
            return type(event).__name__


def _n(number: Decimal) -> str:
    return f"{number.normalize():f}"


# --- acts ---


def snapshot(ts: int, bids: Sequence[Level] | None = None, asks: Sequence[Level] | None = None) -> BookSnapshot:
    return BookSnapshot(
        VENUE,
        SYMBOL,
        ts,
        list(bids if bids is not None else [(100.0, 5.0), (99.0, 5.0), (98.0, 5.0)]),
        list(asks if asks is not None else [(101.0, 5.0), (102.0, 5.0), (103.0, 5.0)]),
        1,
        50,
    )


def book(bids: Sequence[Level] | None = None, asks: Sequence[Level] | None = None) -> Act:
    """A whole new book."""
    return lambda stage: stage.observe(snapshot(stage.now, bids, asks))


def change(bids: Sequence[Level] = (), asks: Sequence[Level] = (), ts: int | None = None) -> Act:
    """Changed levels."""
    return lambda stage: stage.observe(
        BookDelta(VENUE, SYMBOL, stage.now if ts is None else ts, list(bids), list(asks))
    )


def trade(side: Side, size: float, price: float, *, ts: int | None = None, kind: TradeKind = "normal") -> Act:
    """A public trade; `side` is the taker's."""
    return lambda stage: stage.observe(
        Trade(VENUE, SYMBOL, stage.now if ts is None else ts, f"t{stage.now}", price, size, side, kind)
    )


def late_trade(side: Side, size: float, price: float) -> Act:
    """A trade that happened with the book event before, and is told after it."""
    return lambda stage: stage.observe(Trade(VENUE, SYMBOL, stage.now - MS, f"t{stage.now}", price, size, side))


def backfilled(side: Side, size: float, price: float) -> Act:
    """An old trade, fetched after a reconnect."""
    return lambda stage: stage.observe(Trade(VENUE, SYMBOL, stage.now, "old", price, size, side, "normal", True))


def ticker(rate: float | None, next_funding: int | None, mark: float | None = None) -> Act:
    return lambda stage: stage.observe(
        Ticker(VENUE, SYMBOL, stage.now, mark=mark, funding_rate=rate, next_funding=next_funding)
    )


def feed(status: FeedState, channel: str = "book", symbol: str = SYMBOL) -> Act:
    return lambda stage: stage.observe(FeedStatus(VENUE, symbol, channel, status))


def define(defined: InstrumentDefined) -> Act:
    return lambda stage: stage.observe(defined)


def place(
    client_id: str,
    side: Side,
    size: str,
    price: str | None = None,
    tif: TimeInForce = "gtc",
    *,
    reduce_only: bool = False,
    symbol: str = SYMBOL,
) -> Act:
    """A limit order, or a market order where no price is given."""
    kind: OrderKind = "market" if price is None else "limit"
    wished = PlaceOrder(
        VENUE, symbol, side, Decimal(size), Decimal(price) if price else None, kind, tif, reduce_only, client_id
    )
    return lambda stage: stage.submit(wished)


def amend(client_id: str, price: str, size: str) -> Act:
    return lambda stage: stage.submit(AmendOrder(VENUE, SYMBOL, client_id, Decimal(price), Decimal(size)))


def cancel(client_id: str) -> Act:
    return lambda stage: stage.submit(CancelOrder(VENUE, SYMBOL, client_id))


def cancel_all(symbol: str = SYMBOL) -> Act:
    return lambda stage: stage.submit(CancelAll(VENUE, symbol))
