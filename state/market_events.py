"""The market family of events, and what every event shares. Observed numbers are float; see `state/events.py`."""

from decimal import Decimal
from typing import TypeAlias

import msgspec

from state.words import BookOrderAction, InstrumentKind, InstrumentStatus, Side, TradeKind

Level: TypeAlias = tuple[float, float]  # price, size in base units


class Event(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What all events share: the market they speak of; an empty word where there is none."""

    venue: str
    symbol: str


class BookSnapshot(Event, frozen=True, gc=False, array_like=True, tag=1_01_01):
    """A whole book as the venue tells it, best first; `depth` levels a side, deeper ones are unknown."""

    ts: int | None
    bids: list[Level]
    asks: list[Level]
    update_id: int | None = None
    depth: int | None = None


class BookDelta(Event, frozen=True, gc=False, array_like=True, tag=1_02_01):
    """Absolute sizes of changed levels; size 0 removes a level."""

    ts: int | None
    bids: list[Level]
    asks: list[Level]
    update_id: int | None = None
    prev_update_id: int | None = None


class Trade(Event, frozen=True, gc=False, array_like=True, tag=1_03_01):
    """One public trade; `side` is the taker's."""

    ts: int | None
    trade_id: str
    price: float
    size: float
    side: Side
    kind: TradeKind = "normal"
    backfilled: bool = False


class Ticker(Event, frozen=True, gc=False, array_like=True, tag=1_04_01):
    """What the venue's ticker said now; a field that it left out is None and keeps its last value in the state."""

    ts: int | None
    last: float | None = None
    bid: float | None = None
    bid_size: float | None = None
    ask: float | None = None
    ask_size: float | None = None
    mark: float | None = None
    index: float | None = None
    funding_rate: float | None = None
    funding_interval_s: int | None = None
    next_funding: int | None = None
    open_interest: float | None = None
    volume_24h: float | None = None


class Candle(Event, frozen=True, gc=False, array_like=True, tag=1_05_01):
    """One candle from `start` (ns); `closed` once it can change no more. Volume in base, turnover in quote."""

    ts: int | None
    start: int
    interval_s: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    turnover: float | None = None
    trades: int | None = None
    closed: bool = False


class Liquidation(Event, frozen=True, gc=False, array_like=True, tag=1_06_01):
    """A forced order; `side` is that order's, not the position's."""

    ts: int | None
    side: Side
    price: float
    size: float


class InstrumentDefined(Event, frozen=True, gc=False, array_like=True, tag=1_07_01):
    """The rules of one market. `native` holds what only the adapter understands (asset index, scale), as JSON text."""

    ts: int | None
    base: str
    quote: str
    settle: str
    kind: InstrumentKind
    tick: Decimal
    lot: Decimal
    min_size: Decimal
    min_notional: Decimal
    max_size: Decimal | None = None
    contract_size: Decimal = Decimal(1)
    inverse: bool = False
    maker_fee: Decimal | None = None
    taker_fee: Decimal | None = None
    max_leverage: Decimal | None = None
    funding_interval_s: int | None = None
    status: InstrumentStatus = "trading"
    sig_figs: int | None = None
    max_decimals: int | None = None
    native: str = ""


class BookOrder(Event, frozen=True, gc=False, array_like=True, tag=1_08_01):
    """One single order of others, where a feed tells them (L3); what it makes of its level is told as a `BookDelta` too.

    `price` and `size` are what it has after an add or a change, what it had at a cancel, and what traded at a fill.
    """

    ts: int | None
    action: BookOrderAction
    order_id: str
    side: Side
    price: float
    size: float
