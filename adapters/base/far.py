"""Market orders of venues that have none: an order that never rests, with a limit far away."""

from decimal import Decimal

from state.instruments import exact
from state.words import Side

SLIPPAGE = Decimal("0.05")


def far(side: Side, price: float) -> Decimal:
    """A limit that is reached in any market that lives; it may stand beside the grid."""
    return exact(price) * (1 + SLIPPAGE if side == "buy" else 1 - SLIPPAGE)
