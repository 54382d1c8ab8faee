"""The normalized vocabulary: the only order words that exist beyond `adapters/`."""

from typing import Literal, TypeAlias

Side: TypeAlias = Literal["buy", "sell"]
OrderKind: TypeAlias = Literal["limit", "market"]
TimeInForce: TypeAlias = Literal["gtc", "ioc", "fok", "post_only"]
OrderStatus: TypeAlias = Literal["pending", "open", "partially_filled", "filled", "cancelled", "rejected", "expired"]
Action: TypeAlias = Literal["place", "amend", "cancel", "cancel_all"]

TERMINAL: frozenset[str] = frozenset({"filled", "cancelled", "rejected", "expired"})

InstrumentKind: TypeAlias = Literal["spot", "perpetual", "future", "option"]
InstrumentStatus: TypeAlias = Literal["trading", "post_only", "cancel_only", "halted", "closed"]

# What a feed of single orders says of one.
BookOrderAction: TypeAlias = Literal["add", "change", "cancel", "fill"]

TradeKind: TypeAlias = Literal["normal", "liquidation", "adl", "block", "rpi", "insurance"]
FillKind: TypeAlias = Literal["trade", "liquidation", "adl", "settlement", "delivery"]
Origin: TypeAlias = Literal["user", "liquidation", "adl", "settlement", "stp", "dead_man", "venue"]
BalanceReason: TypeAlias = Literal["order", "funding", "transfer", "fee", "liquidation", "adjustment"]

# What a refusal means to a strategy, whatever the venue's code was.
Refusal: TypeAlias = Literal[
    "gone",
    "duplicate",
    "post_only",
    "would_not_fill",
    "reduce_only",
    "rule",
    "price_band",
    "funds",
    "risk",
    "rate",
    "clock",
    "busy",
    "market_state",
    "fatal",
]

# What a strategy may still do: all, only what brings its position nearer to zero, only reduce-only orders.
RiskState: TypeAlias = Literal["active", "reducing_only", "halted"]

# What a market or an account feed is worth at the moment.
FeedState: TypeAlias = Literal["connecting", "ok", "stale", "gap", "crossed", "skewed", "throttled", "banned", "down"]


def opposite(side: Side) -> Side:
    """The side that takes what `side` offers."""
    return "sell" if side == "buy" else "buy"


def sign(side: Side) -> int:
    """+1 for a buy, -1 for a sell."""
    return 1 if side == "buy" else -1
