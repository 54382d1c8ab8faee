"""Two-way tables of the venue's words. It has no error codes, only texts: those are told apart by how they begin.

https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/error-responses, /info-endpoint
"""

from collections.abc import Mapping
from typing import NamedTuple

from adapters.base.client import Meaning
from adapters.base.types import Intervals, Words
from state.errors import UnknownWord
from state.words import FillKind, OrderKind, OrderStatus, Origin, Refusal, Side, TimeInForce


class Types:
    """Side, order kind, time in force. A market order has no word: it is sent as an immediate one at a far price."""

    side: Words[Side] = Words("hyperliquid side", {"buy": "B", "sell": "A"})
    kind: Words[OrderKind] = Words(
        "hyperliquid order type",
        {"limit": "Limit", "market": "Market"},
        also={"Stop Limit": "limit", "Take Profit Limit": "limit", "Stop Market": "market", "Take Profit Market": "market"},
    )  # fmt: skip
    tif: Words[TimeInForce] = Words(
        "hyperliquid time in force",
        {"gtc": "Gtc", "ioc": "Ioc", "post_only": "Alo"},
        also={"FrontendMarket": "ioc", "LiquidationMarket": "ioc"},
    )


class Fault(NamedTuple):
    """The venue's name of an error, how its text begins, and what that means; the text ends in the asset's number."""

    name: str
    start: str
    meaning: Meaning
    refusal: Refusal


MODIFYING = "Error placing new order during modify: "  # before why the new one was refused: the old one is gone by then
# A wrong signature recovers to an address that nobody has, hence what is fatal.
_TEXTS: Mapping[tuple[Meaning, Refusal], tuple[str, ...]] = {
    ("rejected", "rule"): (
        "Tick: Price must be divisible by tick size", "MinTradeNtl: Order must have minimum value of",
        "BadTriggerPx: Invalid TP/SL price", "Size: Order has invalid size", "Size: Order has zero size",
        "Price: Order has invalid price", "ScheduleCancel: Cannot set scheduled cancel time",
        "ScheduleCancel: Scheduled cancel time too early", "Leverage: Invalid leverage", "Leverage: Cannot switch leverage type",
    ),
    ("rejected", "funds"): (
        "PerpMargin: Insufficient margin to place order", "Deposit: Must deposit before performing actions",
        "InsufficientSpotBalance: Order has insufficient spot balance", "InsufficientSpotBalance: Insufficient spot balance",
    ),
    ("rejected", "reduce_only"): ("ReduceOnly: Reduce only order would increase position",),
    ("rejected", "post_only"): ("BadAloPx: Post only order would have immediately matched",),
    ("rejected", "would_not_fill"): (
        "IocCancel: Order could not immediately match", "MarketOrderNoLiquidity: No liquidity available for market order",
    ),
    ("rejected", "risk"): (
        "OpenInterestIncrease: Order would increase open interest", "Leverage: Cannot decrease leverage",
        "PerpMaxPosition: Order would cause position to exceed margin tier", "PerpMaxPosition: Order would exceed margin tier",
    ),
    ("rejected", "price_band"): (
        "TooAggressiveAtOpenInterestCap: Order rejected due to price more aggressive",
        "Oracle: Order price too far from oracle", "Oracle: Order price cannot be more than",
    ),
    ("rejected", "rate"): ("Address: Too many cumulative requests sent",),
    ("rejected", "market_state"): ("PostOnly: Only post-only orders allowed immediately after",),  # a network upgrade
    ("gone", "gone"): ("MissingOrder: Order was never placed", "MissingOrder: Cannot modify canceled or filled order"),
    ("retry", "clock"): ("Nonce: Invalid nonce", "Nonce: Nonce too low", "Expired: Action expired"),
    ("fatal", "fatal"): ("Signer: User or API Wallet", "Vault: Vault not registered", "Vault: Sub-account user"),
}  # fmt: skip
FAULTS = tuple(
    Fault(name, start, *meaning)
    for meaning, texts in _TEXTS.items() for name, _, start in (text.partition(": ") for text in texts)
)  # fmt: skip

# `orderUpdates` calls an order so that was refused, by the same names.
_REFUSALS: Mapping[str, Refusal] = {
    **{f"{fault.name[0].lower()}{fault.name[1:]}Rejected": fault.refusal for fault in FAULTS},
    "minTradeSpotNtlRejected": "rule",
    "positionIncreaseAtOpenInterestCapRejected": "risk",
    "positionFlipAtOpenInterestCapRejected": "risk",
}
_ENDERS: Mapping[str, Origin] = {
    "canceled": "user", "selfTradeCanceled": "stp", "liquidatedCanceled": "liquidation", "marginCanceled": "venue",
    "scheduledCancel": "dead_man", "delistedCanceled": "settlement",
}  # fmt: skip
_STATUSES: Mapping[str, OrderStatus] = {
    "open": "open", "filled": "filled", "triggered": "open", "rejected": "rejected", "canceled": "cancelled",
}  # fmt: skip


class Said(NamedTuple):
    """What a status of `orderUpdates` means."""

    status: OrderStatus
    refusal: Refusal | None = None
    origin: Origin = "user"
    reason: str | None = None


def status_of(word: str) -> Said:
    """New words keep to their endings. Raises `UnknownWord`."""
    known = _STATUSES.get(word)
    if known is not None:
        return Said(known)
    if word.endswith("Rejected"):
        return Said("rejected", _REFUSALS.get(word, "rule"), "user", word)
    if word.endswith(("Canceled", "Cancel")):
        return Said("cancelled", None, _ENDERS.get(word, "venue"), word)
    raise UnknownWord(f"hyperliquid order status: unknown word {word!r}")


def fill_kind(direction: str, *, ours: bool) -> FillKind:
    """`ours` where it is this account that is liquidated: both sides of such a trade say that it is one."""
    if "Deleveraging" in direction or "ADL" in direction:
        return "adl"
    if direction == "Settlement":
        return "settlement"
    return "liquidation" if ours or direction.startswith("Liquidated") else "trade"


INTERVALS = Intervals("hyperliquid", {
    60: "1m", 180: "3m", 300: "5m", 900: "15m", 1_800: "30m", 3_600: "1h", 7_200: "2h", 14_400: "4h", 28_800: "8h",
    43_200: "12h", 86_400: "1d", 259_200: "3d", 604_800: "1w",
    2_592_000: "1M",  # asked for as 30 days; the event carries the true length
})  # fmt: skip

# The first assets of mainnet. Its list only grows at its end, so their numbers stand for ever; a session reads the whole list.
MAINNET = (
    "BTC", "ETH", "ATOM", "MATIC", "DYDX", "SOL", "AVAX", "BNB", "APE", "OP", "LTC", "ARB", "DOGE", "INJ", "SUI", "kPEPE", "CRV",
)  # fmt: skip
