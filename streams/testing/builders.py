"""Events of one made-up market in as few words as they need: what is not said is a plain default."""

from decimal import Decimal

import msgspec

from state.book import Book
from state.events import (
    BookDelta,
    BookSnapshot,
    FeedStatus,
    Fill,
    FundingPayment,
    InstrumentDefined,
    OrderUpdate,
    Ticker,
    Trade,
)
from state.market_events import Level
from state.orders import Order
from state.words import OrderStatus, Side, TradeKind

VENUE, SYMBOL = "venue", "BTC"
TICK, LOT = Decimal("0.1"), Decimal("0.001")
READY = FeedStatus(VENUE, "", "account", "ok")  # the account is reconciled: strategies may quote


def instrument(**changes: object) -> InstrumentDefined:
    """The market's rules; any field of `InstrumentDefined` by its name."""
    rules = InstrumentDefined(
        VENUE, SYMBOL, None, "BTC", "USDT", "USDT", "perpetual", tick=TICK, lot=LOT, min_size=LOT, min_notional=Decimal(5)
    )  # fmt: skip
    return msgspec.structs.replace(rules, **changes)


def book(
    bid: float = 100.0, ask: float = 101.0, bid_size: float = 1.0, ask_size: float = 1.0, symbol: str = SYMBOL
) -> BookSnapshot:
    """A snapshot of one level a side."""
    return BookSnapshot(VENUE, symbol, None, [(bid, bid_size)], [(ask, ask_size)])


def levels(bids: list[Level], asks: list[Level], venue: str = VENUE) -> BookSnapshot:
    """A snapshot of (price, size), best first."""
    return BookSnapshot(venue, SYMBOL, None, bids, asks)


def delta(bids: list[Level] | None = None, asks: list[Level] | None = None) -> BookDelta:
    """Changed levels; size 0 removes one."""
    return BookDelta(VENUE, SYMBOL, None, bids or [], asks or [])


def live(snapshot: BookSnapshot) -> Book:
    """The live book that a snapshot makes: what operators of books are fed with."""
    folded = Book(snapshot.venue, snapshot.symbol)
    folded.replace(snapshot)
    return folded


def trade(price: float, size: float = 1.0, side: Side = "buy", kind: TradeKind = "normal") -> Trade:
    """A public trade; `side` is the taker's."""
    return Trade(VENUE, SYMBOL, None, "t", price, size, side, kind)


def ticker(**fields: float) -> Ticker:
    """What the ticker says; any field of `Ticker` by its name, those left out keep their last value."""
    return msgspec.structs.replace(Ticker(VENUE, SYMBOL, None), **fields)


def fill(
    fill_id: str,
    side: Side,
    price: Decimal | str | float,
    size: Decimal | str | float,
    *,
    order: Order | None = None,
    fee: Decimal | str = "0",
    maker: bool | None = None,
) -> Fill:
    """An execution of ours, of `order` or of nobody's; `fill_id` is what tells two of them apart, a fee paid is negative."""
    client_id = None if order is None else order.client_id
    venue, symbol = (VENUE, SYMBOL) if order is None else (order.venue, order.symbol)
    return Fill(
        venue, symbol, None, fill_id, None if order is None else f"o-{client_id}", client_id, side,
        Decimal(str(price)), Decimal(str(size)), Decimal(fee), "USDT", maker,
    )  # fmt: skip


def funding(payment_id: str, amount: Decimal | str) -> FundingPayment:
    """One payment of funding; one made is negative."""
    return FundingPayment(VENUE, SYMBOL, None, payment_id, Decimal(amount), "USDT")


def update(
    order: Order, status: OrderStatus, price: Decimal | None = None, size: Decimal | None = None, **changes: object
) -> OrderUpdate:
    """What the venue says of an order of ours; any other field of `OrderUpdate` by its name."""
    said = OrderUpdate(
        order.venue, order.symbol, None, order.client_id, f"o-{order.client_id}", status, order.side, order.kind, order.tif,
        price if price is not None else order.price, size if size is not None else order.size,
    )  # fmt: skip
    return msgspec.structs.replace(said, **changes)
