"""Rate limits: messages of an account in blocks, requests of an address at the indexer, and open orders by equity."""

# https://docs.dydx.xyz/concepts/trading/limits/rate-limits

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from decimal import Decimal

from adapters.loopback.dydx import codes
from adapters.loopback.dydx.codes import ChainError

EQUITY_TIERS: tuple[tuple[Decimal, int], ...] = (
    (Decimal(50_000), 200),
    (Decimal(10_000), 100),
    (Decimal(1_000), 40),
    (Decimal(100), 20),
    (Decimal(20), 10),
    (Decimal(0), 0),
)
"""From this equity on, so many open stateful orders."""
WINDOW_MS = 10_000


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The defaults are those of the chain and of the public indexer; zero is no limit."""

    requests_per_10s: int = 100
    short_term_per_5_blocks: int = 4_000
    stateful_per_block: int = 2
    stateful_per_100_blocks: int = 20
    subscribes_per_s: int = 2
    """To one channel and id on one socket; it is closed beyond."""
    invalid_per_s: int = 2
    """Messages of one socket that say nothing; it is closed beyond."""

    @classmethod
    def off(cls) -> RateLimits:
        return cls(0, 0, 0, 0, 0, 0)


class BlockLimiter:
    """Messages of each address by the block they came before; failed attempts count too."""

    def __init__(self, limits: RateLimits) -> None:
        self._limits = limits
        self._short: dict[str, deque[int]] = {}
        self._stateful: dict[str, deque[int]] = {}

    def short_term(self, address: str, next_height: int, cost: int = 1) -> None:
        """Raises ChainError beyond the limit."""
        spent = self._short.setdefault(address, deque())
        self._spend(spent, next_height, cost, ((5, self._limits.short_term_per_5_blocks),))

    def stateful(self, address: str, next_height: int) -> None:
        """Raises ChainError beyond the limit."""
        spent = self._stateful.setdefault(address, deque())
        windows = ((1, self._limits.stateful_per_block), (100, self._limits.stateful_per_100_blocks))
        self._spend(spent, next_height, 1, windows)

    @staticmethod
    def _spend(spent: deque[int], next_height: int, cost: int, windows: tuple[tuple[int, int], ...]) -> None:
        spent.extend([next_height] * cost)
        while spent and spent[0] <= next_height - windows[-1][0]:
            spent.popleft()
        for blocks, limit in windows:
            used = sum(1 for height in spent if height > next_height - blocks)
            if limit and used > limit:
                raise ChainError(codes.RATE_LIMIT, f"Rate of {used} exceeds configured block rate limit of {limit}")


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the indexer says of its limit in the headers of an answer."""

    limit: int
    remaining: int
    reset_ms: int


class Limiter:
    """Requests of each address in windows of ten seconds."""

    def __init__(self, limits: RateLimits) -> None:
        self._limit = limits.requests_per_10s
        self._windows: dict[str, tuple[int, int]] = {}

    def visit(self, address: str, now_ms: int) -> Allowance:
        """Counts a request; what remains is negative where it was one too many."""
        start_ms = now_ms - now_ms % WINDOW_MS
        before, used = self._windows.get(address, (start_ms, 0))
        used = used + 1 if before == start_ms else 1
        self._windows[address] = start_ms, used
        return Allowance(self._limit, self._limit - used if self._limit else 1, start_ms + WINDOW_MS)


def most_stateful(equity: Decimal) -> int:
    """How many stateful orders a subaccount of this equity may have open."""
    return next((most for least, most in EQUITY_TIERS if equity >= least), 0)
