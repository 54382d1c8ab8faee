"""The words of a matching engine: sides, orders, executions, refusals. No venue's spelling, no wire, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

ZERO = Decimal(0)


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY

    @property
    def sign(self) -> int:
        return 1 if self is Side.BUY else -1


class Kind(StrEnum):
    LIMIT = "limit"
    MARKET = "market"


class Tif(StrEnum):
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    POST_ONLY = "post_only"


class SelfMatch(StrEnum):
    """Who goes when an account meets itself; the incoming order's word decides."""

    ALLOW = "allow"
    CANCEL_MAKER = "cancel_maker"
    CANCEL_TAKER = "cancel_taker"
    CANCEL_BOTH = "cancel_both"


class Status(StrEnum):
    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self is Status.FILLED or self is Status.CANCELLED


class Reason(StrEnum):
    """Why an order ended without being filled whole."""

    NONE = "none"
    BY_USER = "by_user"
    WOULD_TAKE = "would_take"
    NO_LIQUIDITY = "no_liquidity"
    NOT_WHOLE = "not_whole"
    SELF_MATCH = "self_match"
    REDUCE_ONLY = "reduce_only"
    DISCONNECTED = "disconnected"
    EXPIRED = "expired"
    """Its own time was over."""


class Refusal(StrEnum):
    """Why a command was not taken at all."""

    UNKNOWN_ORDER = "unknown_order"
    ALREADY_FINAL = "already_final"
    NOTHING_TO_REDUCE = "nothing_to_reduce"
    WRONG_SIDE_TO_REDUCE = "wrong_side_to_reduce"
    SIZE_NOT_ABOVE_FILLED = "size_not_above_filled"
    NOTHING_CHANGED = "nothing_changed"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    TOO_MANY_ORDERS = "too_many_orders"
    DUPLICATE_CLIENT_ID = "duplicate_client_id"


class RefusedError(Exception):
    """A command that the engine or the ledger did not take; nothing has changed."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


@dataclass(slots=True)
class Order:
    """One order from entry to end; the engine alone writes to it."""

    order_id: str
    account: str
    side: Side
    kind: Kind
    tif: Tif
    price: Decimal
    """The limit; zero for a market order."""
    size: Decimal
    client_id: str = ""
    reduce_only: bool = False
    self_match: SelfMatch = SelfMatch.ALLOW
    filled: Decimal = ZERO
    value: Decimal = ZERO
    fee: Decimal = ZERO
    pnl: Decimal = ZERO
    status: Status = Status.NEW
    reason: Reason = Reason.NONE
    met_order_id: str = ""
    created_ms: int = 0
    updated_ms: int = 0
    last_price_on_created: Decimal = ZERO
    number: int = 0
    """Which of its account's orders it is, counted from 1."""

    @property
    def leaves(self) -> Decimal:
        """What may still trade; nothing once the order is final."""
        return ZERO if self.status.is_final else self.size - self.filled

    @property
    def average(self) -> Decimal:
        return self.value / self.filled if self.filled else ZERO

    def crosses(self, price: Decimal) -> bool:
        """Would this order trade against a resting order at `price`?"""
        if self.kind is Kind.MARKET:
            return True
        return self.price >= price if self.side is Side.BUY else self.price <= price


@dataclass(frozen=True, slots=True)
class Execution:
    """One match of a taker with a maker."""

    number: int
    seq: int
    price: Decimal
    size: Decimal
    taker: Order
    maker: Order
    ts_ms: int


@dataclass(slots=True)
class Outcome:
    """What one command did: matches in order, orders touched, and the levels' new sizes."""

    executions: list[Execution] = field(default_factory=list)
    orders: dict[str, Order] = field(default_factory=dict)
    levels: dict[tuple[Side, Decimal], Decimal] = field(default_factory=dict)
