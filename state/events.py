"""Every event that can stand in a log: facts are nouns or past, intents are commands.

An event is a frozen `msgspec.Struct`, stored as an array behind an integer tag. The tag is
`family * 10_000 + kind * 100 + version`; a changed shape gets a new version and an upcaster in `state/log/upcast.py`, and
the old tag is never given away. Amounts are signed from the account's point of view (+ comes in); `None` means
"not said", never zero. Times are int ns UTC: `ts` is the venue's, the record's `recv` is ours.

Observed numbers (market family) are float, owed numbers are Decimal.
"""

from decimal import Decimal
from typing import TypeAlias

from state.market_events import (
    BookDelta,
    BookOrder,
    BookSnapshot,
    Candle,
    Event,
    InstrumentDefined,
    Level,
    Liquidation,
    Ticker,
    Trade,
)
from state.session_events import (
    Command,
    CommandRefused,
    FeedStatus,
    Halted,
    ParametersChanged,
    Reconciled,
    RiskChanged,
    SessionClosed,
    SessionOpened,
    Signal,
    StrategyFailed,
    Tick,
)
from state.words import (
    Action,
    BalanceReason,
    FillKind,
    OrderKind,
    OrderStatus,
    Origin,
    Refusal,
    Side,
    TimeInForce,
)

__all__ = [
    "ACCOUNT",
    "BY_NAME",
    "DERIVED",
    "EVENTS",
    "INTENT",
    "MARKET",
    "OUTCOME",
    "SESSION",
    "Accepted",
    "AccountEvent",
    "AmendOrder",
    "AnyEvent",
    "BalanceUpdate",
    "Blocked",
    "BookDelta",
    "BookOrder",
    "BookSnapshot",
    "CancelAll",
    "CancelOrder",
    "Candle",
    "Command",
    "CommandRefused",
    "Decision",
    "Event",
    "FeedStatus",
    "Fill",
    "FundingPayment",
    "Halted",
    "InstrumentDefined",
    "Intent",
    "Level",
    "Liquidation",
    "MarketEvent",
    "OrderUpdate",
    "Outcome",
    "ParametersChanged",
    "PlaceOrder",
    "PositionUpdate",
    "Reconciled",
    "Rejected",
    "RiskChanged",
    "SessionClosed",
    "SessionEvent",
    "SessionOpened",
    "Signal",
    "StrategyFailed",
    "Tick",
    "Ticker",
    "Trade",
    "Unknown",
    "is_derived",
]


# --- account -----------------------------------------------------------------------------------------------------


class OrderUpdate(Event, frozen=True, gc=False, array_like=True, tag=2_01_01):
    """What the venue says an order is now. `version` (venue's) drops late repeats; not `firm` means it may still change."""

    ts: int | None
    client_id: str | None
    order_id: str | None
    status: OrderStatus
    side: Side | None = None
    kind: OrderKind | None = None
    tif: TimeInForce | None = None
    price: Decimal | None = None
    size: Decimal | None = None
    filled: Decimal | None = None
    avg_price: Decimal | None = None
    reduce_only: bool = False
    reason: str | None = None
    refusal: Refusal | None = None
    origin: Origin = "user"
    firm: bool = True
    replaces: str | None = None
    version: int | None = None


class Fill(Event, frozen=True, gc=False, array_like=True, tag=2_02_01):
    """One execution of ours; `fill_id` is the venue's trade id and the key of de-duplication. A fee paid is negative."""

    ts: int | None
    fill_id: str
    order_id: str | None
    client_id: str | None
    side: Side
    price: Decimal
    size: Decimal
    fee: Decimal
    fee_asset: str
    maker: bool | None = None
    kind: FillKind = "trade"
    realized_pnl: Decimal | None = None
    backfilled: bool = False


class PositionUpdate(Event, frozen=True, gc=False, array_like=True, tag=2_03_01):
    """The position as the venue sees it; `size` is signed."""

    ts: int | None
    size: Decimal
    entry_price: Decimal | None = None
    mark: Decimal | None = None
    liq_price: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    realized_pnl: Decimal | None = None
    leverage: Decimal | None = None
    version: int | None = None


class BalanceUpdate(Event, frozen=True, gc=False, array_like=True, tag=2_04_01):
    """The balance of one asset as the venue sees it; `symbol` is empty."""

    ts: int | None
    asset: str
    total: Decimal
    available: Decimal | None = None
    change: Decimal | None = None
    reason: BalanceReason | None = None


class FundingPayment(Event, frozen=True, gc=False, array_like=True, tag=2_05_01):
    """Funding of one period; a payment made is negative."""

    ts: int | None
    payment_id: str
    amount: Decimal
    asset: str
    rate: Decimal | None = None
    size: Decimal | None = None
    price: Decimal | None = None


# --- intent ------------------------------------------------------------------------------------------------------


class PlaceOrder(Event, frozen=True, gc=False, array_like=True, tag=3_01_01):
    """Wish for a new order. The pipeline writes `client_id` when it gives the `seq`; `label` is the strategy's own."""

    side: Side
    size: Decimal
    price: Decimal | None = None
    kind: OrderKind = "limit"
    tif: TimeInForce = "gtc"
    reduce_only: bool = False
    client_id: str = ""
    strategy: str = ""
    label: str = ""


class AmendOrder(Event, frozen=True, gc=False, array_like=True, tag=3_02_01):
    """Wish for another price and size; both are always given, `size` is the new total with what is filled."""

    client_id: str
    price: Decimal
    size: Decimal
    strategy: str = ""


class CancelOrder(Event, frozen=True, gc=False, array_like=True, tag=3_03_01):
    """Wish that an order be gone."""

    client_id: str
    strategy: str = ""


class CancelAll(Event, frozen=True, gc=False, array_like=True, tag=3_04_01):
    """Wish that all orders of a market, or of a venue where `symbol` is empty, be gone."""

    strategy: str = ""


# --- outcome -----------------------------------------------------------------------------------------------------


class Accepted(Event, frozen=True, gc=False, array_like=True, tag=4_01_01):
    """The venue took the intent (cause); what becomes of the order is told by the account stream."""

    ts: int | None
    action: Action
    client_id: str
    order_id: str | None = None


class Rejected(Event, frozen=True, gc=False, array_like=True, tag=4_02_01):
    """The venue refused the intent (cause) for certain: its `code` and words, and the class of the refusal."""

    ts: int | None
    action: Action
    client_id: str
    refusal: Refusal
    code: str
    text: str


class Unknown(Event, frozen=True, gc=False, array_like=True, tag=4_03_01):
    """The intent (cause) left and nothing says what became of it: it is looked up, never sent again."""

    ts: int | None
    action: Action
    client_id: str
    why: str


class Blocked(Event, frozen=True, gc=False, array_like=True, tag=4_04_01):
    """Risk held an intent back before it left: the rule, its limit and the value that broke it."""

    action: Action
    rule: str
    limit: str
    value: str
    client_id: str = ""
    side: Side | None = None
    price: Decimal | None = None
    size: Decimal | None = None
    strategy: str = ""
    label: str = ""


MarketEvent: TypeAlias = (
    BookSnapshot | BookDelta | Trade | Ticker | Candle | Liquidation | InstrumentDefined | BookOrder
)
AccountEvent: TypeAlias = OrderUpdate | Fill | PositionUpdate | BalanceUpdate | FundingPayment
Intent: TypeAlias = PlaceOrder | AmendOrder | CancelOrder | CancelAll
Outcome: TypeAlias = Accepted | Rejected | Unknown
SessionEvent: TypeAlias = (
    SessionOpened
    | FeedStatus
    | Tick
    | Command
    | Signal
    | Reconciled
    | StrategyFailed
    | Halted
    | SessionClosed
    | RiskChanged
    | ParametersChanged
    | CommandRefused
)
AnyEvent: TypeAlias = MarketEvent | AccountEvent | Intent | Outcome | Blocked | SessionEvent
# What a strategy may emit: its intents, what its risk held back, and how that stands.
Decision: TypeAlias = Intent | Blocked | RiskChanged | CommandRefused

MARKET: tuple[type[MarketEvent], ...] = (
    BookSnapshot,
    BookDelta,
    Trade,
    Ticker,
    Candle,
    Liquidation,
    InstrumentDefined,
    BookOrder,
)
ACCOUNT: tuple[type[AccountEvent], ...] = (OrderUpdate, Fill, PositionUpdate, BalanceUpdate, FundingPayment)
INTENT: tuple[type[Intent], ...] = (PlaceOrder, AmendOrder, CancelOrder, CancelAll)
OUTCOME: tuple[type[Outcome | Blocked], ...] = (Accepted, Rejected, Unknown, Blocked)
SESSION: tuple[type[SessionEvent], ...] = (
    SessionOpened,
    FeedStatus,
    Tick,
    Command,
    Signal,
    Reconciled,
    StrategyFailed,
    Halted,
    SessionClosed,
    RiskChanged,
    ParametersChanged,
    CommandRefused,
)
EVENTS: tuple[type[AnyEvent], ...] = (*MARKET, *ACCOUNT, *INTENT, *OUTCOME, *SESSION)
BY_NAME: dict[str, type[AnyEvent]] = {event.__name__: event for event in EVENTS}

# Derived events are functions of the inputs before them and of nothing else; everything else is an input.
DERIVED: frozenset[type] = frozenset(
    {*INTENT, Blocked, StrategyFailed, Halted, RiskChanged, ParametersChanged, CommandRefused}
)


def is_derived(event: AnyEvent) -> bool:
    """True for what replay must conclude again instead of reading it."""
    return type(event) in DERIVED
