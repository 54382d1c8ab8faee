"""Two-way tables of the venue's words; an unknown order word raises, an unknown word of reference is kept as reason.

https://www.okx.com/docs-v5/en/
"""

from adapters.base.types import Intervals, Words
from state.words import InstrumentKind, InstrumentStatus, OrderKind, OrderStatus, Origin, Refusal, Side, TimeInForce

SPOT, SWAP, FUTURES, OPTION = "SPOT", "SWAP", "FUTURES", "OPTION"
MARKETS = {"swap": SWAP, "spot": SPOT}
VENUES = {"swap": "okx", "spot": "okx.spot"}  # (venue, symbol) names a market


class Types:
    """Side and status; kind and time in force are one word on the wire."""

    side: Words[Side] = Words("okx side", {"buy": "buy", "sell": "sell"})
    status: Words[OrderStatus] = Words(
        "okx order state",
        {"open": "live", "partially_filled": "partially_filled", "filled": "filled", "cancelled": "canceled"},
        also={"mmp_canceled": "cancelled"},
    )
    kind: Words[OrderKind] = Words(
        "okx order type",
        {"limit": "limit", "market": "market"},
        also={
            "post_only": "limit", "ioc": "limit", "fok": "limit", "op_fok": "limit", "mmp": "limit",
            "mmp_and_post_only": "limit", "elp": "limit", "rpi": "limit", "optimal_limit_ioc": "market",
        },
    )  # fmt: skip
    tif: Words[TimeInForce] = Words(
        "okx order type",
        {"gtc": "limit", "post_only": "post_only", "ioc": "ioc", "fok": "fok"},
        also={
            "market": "ioc", "optimal_limit_ioc": "ioc", "op_fok": "fok", "mmp": "gtc",
            "mmp_and_post_only": "post_only", "elp": "post_only", "rpi": "post_only",  # rpi was elp
        },
    )  # fmt: skip


def kind_of(symbol: str) -> str:
    """The venue's word for what kind of instrument a symbol names."""
    parts = symbol.split("-")
    if len(parts) == 2:
        return SPOT
    return SWAP if parts[-1] == "SWAP" else OPTION if parts[-1] in ("C", "P") else FUTURES


def named(venue: str, symbol: str) -> str:
    """One socket serves all markets: which of our venues a symbol belongs to, where `venue` is one of them."""
    if venue not in VENUES.values():
        return venue
    return VENUES["spot" if kind_of(symbol) == SPOT else "swap"]


KINDS: dict[str, InstrumentKind] = {SPOT: "spot", SWAP: "perpetual", FUTURES: "future", OPTION: "option"}
INSTRUMENT_STATUS: dict[str, InstrumentStatus] = {"live": "trading", "expired": "closed"}

INTERVALS = Intervals("okx", {
    60: "1m", 180: "3m", 300: "5m", 900: "15m", 1_800: "30m", 3_600: "1H", 7_200: "2H", 14_400: "4H",
    21_600: "6Hutc", 43_200: "12Hutc", 86_400: "1Dutc", 172_800: "2Dutc", 259_200: "3Dutc", 604_800: "1Wutc",
    2_592_000: "1Mutc",  # asked for as 30 days
})  # fmt: skip
# By the words of other people's recordings too, whose days may begin at midnight in Hong Kong.
SECONDS: dict[str, int] = {word.removesuffix("utc"): seconds for seconds, word in INTERVALS.items()}

# Why an order ended, by `cancelSource`: who ended it, and what that means to a strategy.
ENDED: dict[str, tuple[Origin, Refusal | None, str]] = {
    "": ("user", None, ""), "1": ("user", None, ""),
    "0": ("venue", None, "cancelled by the system"), "2": ("venue", "reduce_only", "the position no longer allows it"),
    "3": ("liquidation", None, "risk: forced liquidation"), "4": ("venue", "risk", "borrowings reached their limit"),
    "6": ("adl", None, "auto-deleveraging"), "7": ("settlement", None, "delivery"),
    "9": ("venue", "funds", "no balance left after funding"), "13": ("user", "would_not_fill", "fill or kill"),
    "14": ("user", "would_not_fill", "the rest of an immediate order"), "15": ("venue", "price_band", "beyond the price limit"),
    "17": ("venue", None, "the position was closed"), "20": ("dead_man", None, "cancel-all-after"),
    "27": ("venue", "price_band", "price band of the counterparty"), "31": ("user", "post_only", "would have taken"),
    "32": ("stp", None, "self-trade prevention"), "33": ("venue", "rule", "too many matches"),
}  # fmt: skip

# Orders that the venue made itself.
MADE_BY: dict[str, Origin] = {
    "full_liquidation": "liquidation", "partial_liquidation": "liquidation", "adl": "adl", "delivery": "settlement",
}  # fmt: skip
