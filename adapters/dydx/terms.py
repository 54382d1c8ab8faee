"""An order in the chain's words: whole numbers, and how long it lives. What the venue wants to know of an order again is kept.

https://docs.dydx.xyz/concepts/trading/orders, /concepts/trading/quantums-and-subticks
"""

from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import NamedTuple

from adapters.dydx import wire
from adapters.dydx.account import GRACE_BLOCKS
from adapters.dydx.types import SHORT_TERM
from state.errors import NotOffered
from state.words import Side, TimeInForce

QUOTE_RESOLUTION = -6
BLOCK_S = 0.55
WINDOW_BLOCKS = 20  # a short-term order lives no longer; by the source twice as long, by the documentation not
REST_BLOCKS = 15  # so a resting order can be amended some times within a block, each amendment living a block longer
AT_ONCE_BLOCKS = 5  # of an order that does not rest
STATEFUL_MOST_S = 95 * 86_400
NONCE_S = 35.0  # a transaction whose nonce is older can be in no block any more
LIVES_MOST = 20_000

# time_in_force of the chain's message.
RESTS, IMMEDIATE, POST_ONLY = 0, 1, 2


class Wanted(NamedTuple):
    """An order; `until` is a block of a short-term order, unix seconds of a stateful one."""

    number: int
    metadata: int
    pair: int
    flags: int
    is_buy: bool
    quantums: int
    subticks: int
    until: int
    tif: int
    reduce_only: bool


class Unwanted(NamedTuple):
    """The end of an order; `until` is no sooner than the order's own."""

    number: int
    pair: int
    flags: int
    until: int


@dataclass(slots=True)
class Life:
    """What is known of an order as the chain has it; `over` once it can fill no more."""

    symbol: str
    flags: int
    side: Side
    tif: TimeInForce
    reduce_only: bool
    until: int
    asked_ns: int = 0  # when it was last placed or amended from here
    taken: bool = False  # by a node
    told: bool = False  # by the Indexer
    over: bool = False
    cancelled_at: int = 0  # height of the last cancel from here

    @property
    def is_short(self) -> bool:
        return self.flags == SHORT_TERM

    def may_live(self, height: int, now_s: float) -> bool:
        """Whether a block can still fill it."""
        if self.over:
            return False
        if self.is_short:
            return height <= self.until + GRACE_BLOCKS
        return now_s <= self.until and (self.told or now_s <= self.asked_ns / 1e9 + NONCE_S)


def blocks_of(life_s: float | None) -> int | None:
    """How many blocks a resting order lives, None where only a stateful one lives so long."""
    if life_s is None:
        return REST_BLOCKS
    blocks = ceil(life_s / BLOCK_S)
    return blocks if blocks <= WINDOW_BLOCKS else None


def quantums(market: wire.Market, size: Decimal) -> int:
    """Exactly so many; raises `NotOffered` between two lots."""
    return _whole(f"{market.ticker}: size {size}", size, -market.atomicResolution, market.stepBaseQuantums)


def subticks(market: wire.Market, price: Decimal) -> int:
    """Exactly so many; raises `NotOffered` between two ticks."""
    scale = market.atomicResolution - market.quantumConversionExponent - QUOTE_RESOLUTION
    return _whole(f"{market.ticker}: price {price}", price, scale, market.subticksPerTick)


def _whole(what: str, number: Decimal, scale: int, step: int) -> int:
    scaled = number.scaleb(scale)
    whole = int(scaled)
    if whole != scaled or whole <= 0 or step <= 0 or whole % step:
        raise NotOffered(f"{what} is {scaled:f} units of the chain, not a multiple of {step}")
    return whole


def amended_until(life: Life, height: int, blocks: int) -> int:
    """A replacement must outlive what it replaces. Raises `NotOffered` where that is beyond what an order may live."""
    until = max(height + blocks, life.until + 1)
    if until > height + WINDOW_BLOCKS:
        raise NotOffered(f"amended {until - height - blocks} times within a block: wait for the next", "busy")
    return until
