"""Two-way tables of the venue's order words; what no table has raises."""

from adapters.base.types import Words
from state.words import OrderKind, OrderStatus, Side, TimeInForce


class Types:
    """Ours on the left, the venue's on the right; `also=` takes its further words that are only read."""

    # ? How does the venue write buy and sell?
    side: Words[Side] = Words("blank side", {})
    # ? And limit and market?
    kind: Words[OrderKind] = Words("blank order type", {})
    # ? And gtc, ioc, fok, post_only? Leave out what it does not have.
    tif: Words[TimeInForce] = Words("blank time in force", {})
    # ? Which states does an order have there, and which of ours is each?
    status: Words[OrderStatus] = Words("blank order status", {})
