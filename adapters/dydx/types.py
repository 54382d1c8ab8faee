"""Two-way tables of the venue's words; an unknown order word raises, an unknown word of reference is kept as reason.

https://docs.dydx.xyz/types/order_status, /types/order_types, indexer/packages/postgres/src/types/order-types.ts
"""

from typing import Final

from adapters.base.types import Intervals, Words
from state.words import (
    FillKind,
    InstrumentStatus,
    OrderKind,
    OrderStatus,
    Origin,
    Refusal,
    Side,
    TimeInForce,
    TradeKind,
)


class Types:
    """Side, order kind, time in force; statuses and fill types, which are only ever read."""

    side: Words[Side] = Words("dydx side", {"buy": "BUY", "sell": "SELL"})
    kind: Words[OrderKind] = Words(
        "dydx order type",
        {"limit": "LIMIT", "market": "MARKET"},
        also={  # of orders that were made elsewhere
            "STOP_LIMIT": "limit", "TAKE_PROFIT": "limit", "TRAILING_STOP": "limit", "TWAP": "limit",
            "TWAP_SUBORDER": "limit", "LIQUIDATED": "limit", "LIQUIDATION": "limit", "DELEVERAGED": "limit",
            "STOP_MARKET": "market", "TAKE_PROFIT_MARKET": "market",
        },
    )  # fmt: skip
    tif: Words[TimeInForce] = Words("dydx time in force", {"gtc": "GTT", "ioc": "IOC", "fok": "FOK"})
    status: Words[OrderStatus] = Words(
        "dydx order status",
        {"pending": "PENDING", "open": "OPEN", "filled": "FILLED", "cancelled": "CANCELED", "rejected": "ERROR"},
        also={"BEST_EFFORT_OPENED": "open", "UNTRIGGERED": "open", "BEST_EFFORT_CANCELED": "cancelled"},
    )
    fill: Words[FillKind] = Words(
        "dydx fill type",
        {"trade": "LIMIT", "liquidation": "LIQUIDATED", "adl": "DELEVERAGED"},
        also={"MARKET": "trade", "LIQUIDATION": "trade", "TWAP_SUBORDER": "trade", "OFFSETTING": "adl"},
    )


SIDES: dict[str, Side] = {"BUY": "buy", "SELL": "sell"}  # of public trades, whose words the frame's shape checks

BEST_EFFORT: Final = "BEST_EFFORT_"  # what one node saw: the order can still change

# Flags of an order's id.
SHORT_TERM, CONDITIONAL, LONG_TERM, TWAP = 0, 32, 64, 128
FLAGS: Final = (SHORT_TERM, LONG_TERM, CONDITIONAL, TWAP)

REMOVAL: Final = "ORDER_REMOVAL_REASON_"
REPLACED: Final = "REPLACED"
EXPIRED: Final = frozenset({"EXPIRED", "INDEXER_EXPIRED"})
REFUSALS: dict[str, Refusal] = {
    "POST_ONLY_WOULD_CROSS_MAKER_ORDER": "post_only",
    "IMMEDIATE_OR_CANCEL_WOULD_REST_ON_BOOK": "would_not_fill",
    "FOK_ORDER_COULD_NOT_BE_FULLY_FULLED": "would_not_fill",
    "FOK_ORDER_COULD_NOT_BE_FULLY_FILLED": "would_not_fill",
    "REDUCE_ONLY_RESIZE": "reduce_only",
    "UNDERCOLLATERALIZED": "funds",
    "EQUITY_TIER": "risk",
    "VIOLATES_ISOLATED_SUBACCOUNT_CONSTRAINTS": "risk",
}
ORIGINS: dict[str, Origin] = {"SELF_TRADE_ERROR": "stp", "FINAL_SETTLEMENT": "settlement", "INTERNAL_ERROR": "venue"}

TRADE_KINDS: dict[str, TradeKind] = {"LIQUIDATED": "liquidation", "DELEVERAGED": "adl"}

INTERVALS = Intervals("dydx", {
    60: "1MIN", 300: "5MINS", 900: "15MINS", 1_800: "30MINS", 3_600: "1HOUR", 14_400: "4HOURS", 86_400: "1DAY",
})  # fmt: skip
SECONDS = {word: seconds for seconds, word in INTERVALS.items()}

INSTRUMENT_STATUS: dict[str, InstrumentStatus] = {
    "ACTIVE": "trading", "POST_ONLY": "post_only", "CANCEL_ONLY": "cancel_only", "PAUSED": "halted",
    "INITIALIZING": "halted", "FINAL_SETTLEMENT": "closed",
}  # fmt: skip
