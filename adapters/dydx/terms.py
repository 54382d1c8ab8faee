"""How long orders live here. https://docs.dydx.xyz/concepts/trading/orders"""

from math import ceil

from adapters.base.lifetimes import Lifetime
from state.errors import NotOffered

BLOCK_S = 0.55
BLOCK_LATE_S = 10.0  # a chain that makes no block for so long is not to be traded on
WINDOW_BLOCKS = 20  # a short-term order lives no longer; by the source twice as long, by the documentation not
REST_BLOCKS = 15  # so a resting order can be amended some times within a block, each amendment living a block longer
AT_ONCE_BLOCKS = 5  # of an order that does not rest
ARRIVES_BLOCKS = 2  # until a transaction that leaves now is in a block
STATEFUL_MOST_S = 95 * 86_400


def blocks_of(life_s: float | None) -> int | None:
    """How many blocks a resting order lives, None where only a stateful one lives so long."""
    if life_s is None:
        return REST_BLOCKS
    blocks = ceil(life_s / BLOCK_S)
    return blocks if blocks <= WINDOW_BLOCKS else None


def amended_until(life: Lifetime, height: int, blocks: int) -> int:
    """A replacement must outlive what it replaces. Raises `NotOffered` where that is beyond what an order may live."""
    until = max(height + blocks, life.until + 1)
    if until > height + WINDOW_BLOCKS:
        raise NotOffered(f"amended {until - height - blocks} times within a block: wait for the next", "busy")
    return until
