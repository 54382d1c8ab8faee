"""Two-way tables of Pond's order words; an unknown one raises.

https://pond.example/docs#orders
"""

from adapters.base.types import Words
from state.words import InstrumentStatus, OrderKind, OrderStatus, Side, TimeInForce


class Types:
    """What is sent and read; statuses are only read."""

    side: Words[Side] = Words("pond side", {"buy": "B", "sell": "S"})
    kind: Words[OrderKind] = Words("pond order type", {"limit": "limit", "market": "market"})
    tif: Words[TimeInForce] = Words("pond time in force", {"gtc": "rest", "ioc": "now", "post_only": "rest_only"})
    status: Words[OrderStatus] = Words(
        "pond order state",
        {"open": "resting", "partially_filled": "part", "filled": "done", "cancelled": "ended", "rejected": "refused"},
    )


MARKET_STATES: dict[str, InstrumentStatus] = {"open": "trading", "shut": "halted"}
