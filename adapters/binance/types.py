"""Two-way tables of the venue's words; an unknown order word raises, an unknown word of reference is kept as reason.

https://developers.binance.com/docs/derivatives/usds-margined-futures/common-definition
"""

from adapters.base.types import Intervals, Words
from state.words import (
    BalanceReason,
    FillKind,
    InstrumentStatus,
    OrderKind,
    OrderStatus,
    Origin,
    Side,
    TimeInForce,
    TradeKind,
)


class Types:
    """Side, order kind, time in force; statuses and kinds of fill, which are only ever read."""

    side: Words[Side] = Words("binance side", {"buy": "BUY", "sell": "SELL"})
    kind: Words[OrderKind] = Words(
        "binance order type",
        {"limit": "LIMIT", "market": "MARKET"},
        also={  # of orders that were made elsewhere, or by the venue itself
            "STOP": "limit", "TAKE_PROFIT": "limit", "LIQUIDATION": "limit",
            "STOP_MARKET": "market", "TAKE_PROFIT_MARKET": "market", "TRAILING_STOP_MARKET": "market",
        },
    )  # fmt: skip
    tif: Words[TimeInForce] = Words(
        "binance time in force",
        {"gtc": "GTC", "ioc": "IOC", "fok": "FOK", "post_only": "GTX"},
        also={"GTD": "gtc", "GTE_GTC": "gtc", "RPI": "post_only"},  # RPI: a maker's order that only retail takes
    )
    status: Words[OrderStatus] = Words(
        "binance order status",
        {
            "open": "NEW", "partially_filled": "PARTIALLY_FILLED", "filled": "FILLED", "cancelled": "CANCELED",
            "rejected": "REJECTED", "expired": "EXPIRED",
        },
        also={"EXPIRED_IN_MATCH": "cancelled", "PENDING_CANCEL": "open", "NEW_INSURANCE": "open", "NEW_ADL": "open"},
    )  # fmt: skip
    fill: Words[FillKind] = Words("binance execution type", {"trade": "TRADE", "liquidation": "CALCULATED"})


SELF_TRADE = "EXPIRE_MAKER"  # pages differ in which is the default, so it is always said

INTERVALS = Intervals("binance", {
    60: "1m", 180: "3m", 300: "5m", 900: "15m", 1_800: "30m", 3_600: "1h", 7_200: "2h", 14_400: "4h", 21_600: "6h",
    28_800: "8h", 43_200: "12h", 86_400: "1d", 259_200: "3d", 604_800: "1w",
    2_592_000: "1M",  # asked for as 30 days; the event carries the true length
})  # fmt: skip

TRADE_KINDS: dict[str, TradeKind] = {"INSURANCE_FUND": "insurance", "ADL": "adl"}  # `X` of a trade that is not MARKET

# Why the venue ended an order, by `er`; where that says nothing, its time was over.
EXPIRED: dict[str, tuple[Origin, str]] = {
    "1": ("stp", "self-trade"),
    "2": ("user", "rest of an immediate order"),
    "3": ("stp", "rest of an immediate order, self-trade"),
    "4": ("venue", "the position no longer allows it"),
    "5": ("liquidation", "liquidation"),
    "6": ("venue", "its condition no longer holds"),
    "7": ("settlement", "delisting"),
    "8": ("venue", "a stop was triggered"),
    "9": ("user", "rest of a market order"),
    "10": ("user", "could not be filled whole"),
    "11": ("user", "would have taken"),
}
SELF_TRADED, FILL_OR_KILL, POST_ONLY = "1", "10", "11"

# Orders that the venue made, by the start of their client id.
MADE_BY_VENUE: dict[str, Origin] = {
    "autoclose-": "liquidation", "adl_autoclose": "adl",
    "settlement_autoclose-": "settlement", "delivery_autoclose": "settlement",
}  # fmt: skip

BALANCE_REASONS: dict[str, BalanceReason] = {
    "ORDER": "order", "FUNDING_FEE": "funding", "INSURANCE_CLEAR": "liquidation", "ADJUSTMENT": "adjustment",
    "AUTO_EXCHANGE": "adjustment", "DEPOSIT": "transfer", "WITHDRAW": "transfer", "MARGIN_TRANSFER": "transfer",
    "ASSET_TRANSFER": "transfer", "ADMIN_DEPOSIT": "transfer", "ADMIN_WITHDRAW": "transfer",
}  # fmt: skip

INSTRUMENT_STATUS: dict[str, InstrumentStatus] = {
    "TRADING": "trading", "PENDING_TRADING": "halted", "BREAK": "halted", "HALT": "halted", "DELIVERED": "closed",
    "CLOSE": "closed", "PRE_DELIVERING": "cancel_only", "DELIVERING": "cancel_only", "PRE_SETTLE": "cancel_only",
    "SETTLING": "cancel_only",
}  # fmt: skip
