"""Two-way tables of the venue's words; an unknown order word raises, an unknown word of reference is kept as reason.

https://bybit-exchange.github.io/docs/v5/enum
"""

from adapters.base.types import Intervals, Words
from state.words import FillKind, InstrumentStatus, OrderKind, OrderStatus, Origin, Refusal, Side, TimeInForce


class Types:
    """Side, order kind, time in force; statuses and executions, which are only ever read."""

    side: Words[Side] = Words("bybit side", {"buy": "Buy", "sell": "Sell"})
    kind: Words[OrderKind] = Words("bybit order type", {"limit": "Limit", "market": "Market"})
    tif: Words[TimeInForce] = Words(
        "bybit time in force",
        {"gtc": "GTC", "ioc": "IOC", "fok": "FOK", "post_only": "PostOnly"},
        also={"RPI": "post_only"},  # retail price improvement: a maker's order that only retail takes
    )
    status: Words[OrderStatus] = Words(
        "bybit order status",
        {
            "open": "New", "partially_filled": "PartiallyFilled", "filled": "Filled", "cancelled": "Cancelled",
            "rejected": "Rejected",
        },
        also={
            "Created": "pending", "Untriggered": "pending", "Triggered": "pending", "PendingCancel": "open",
            "PartiallyFilledCanceled": "cancelled", "Deactivated": "cancelled",
        },
    )  # fmt: skip
    execution: Words[FillKind] = Words(
        "bybit execution type",
        {
            "trade": "Trade", "adl": "AdlTrade", "liquidation": "BustTrade", "settlement": "Settle", "delivery": "Delivery",
        },
        also={
            "BlockTrade": "trade", "MovePosition": "trade", "FutureSpread": "trade", "CorporateAction": "settlement",
            "ForwardSplitSettle": "settlement", "ReverseSplitSettle": "settlement",  # fractions of shares, paid out
        },
    )  # fmt: skip


PAYMENTS = ("Funding", "Dividend")  # executions that are no fills

INTERVALS = Intervals("bybit", {
    60: "1", 180: "3", 300: "5", 900: "15", 1_800: "30", 3_600: "60", 7_200: "120", 14_400: "240", 21_600: "360",
    43_200: "720", 86_400: "D", 604_800: "W",
    2_592_000: "M",  # asked for as 30 days; the event carries the true length
})  # fmt: skip

# What a reject reason means to a strategy; others stay words.
REFUSALS: dict[str, Refusal] = {
    "EC_PostOnlyWillTakeLiquidity": "post_only", "EC_NoImmediateQtyToFill": "would_not_fill",
    "EC_CancelForNoFullFill": "would_not_fill", "EC_NoEnoughQtyToFill": "would_not_fill",
    "EC_ReachRiskPriceLimit": "price_band", "EC_ReachMarketPriceLimit": "price_band", "EC_BySelfMatch": "rule",
    "EC_OrigClOrdIDDoesNotExist": "gone", "EC_TooLateToCancel": "gone",
}  # fmt: skip
POST_ONLY_REFUSED = "EC_PostOnlyWillTakeLiquidity"
NO_REASON = frozenset({"", "EC_NoError", "UNKNOWN"})

# Who ended or made an order when it was not its owner.
CANCEL_ORIGINS: dict[str, Origin] = {
    "CancelByPrepareLiq": "liquidation", "CancelAllBeforeLiq": "liquidation", "CancelByPrepareAdl": "adl",
    "CancelAllBeforeAdl": "adl", "CancelBySettle": "settlement", "CancelBySmp": "stp", "CancelByDCP": "dead_man",
    "CancelByAdmin": "venue", "CancelByReduceOnly": "venue", "CancelByTpSlTsClear": "venue",
}  # fmt: skip
CREATE_ORIGINS: dict[str, Origin] = {
    "CreateByLiq": "liquidation", "CreateByTakeOver_PassThrough": "liquidation", "CreateByAdl_PassThrough": "adl",
    "CreateBySettle": "settlement", "CreateByAdminClosing": "venue",
}  # fmt: skip

INSTRUMENT_STATUS: dict[str, InstrumentStatus] = {
    "Trading": "trading", "PreLaunch": "halted", "Delivering": "cancel_only", "Closed": "closed",
}  # fmt: skip
