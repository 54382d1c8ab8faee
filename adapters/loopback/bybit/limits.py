"""Rate limits: per account and endpoint over a rolling second, and per address over five."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

WINDOW_MS = 1_000
IP_WINDOW_MS = 5_000


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Requests a second for each endpoint of a class; the defaults are those of an ordinary customer, zero is no limit.

    https://bybit-exchange.github.io/docs/v5/rate-limit
    """

    orders_per_s: int = 10
    queries_per_s: int = 50
    settings_per_s: int = 10
    slow_per_s: int = 5
    ip_per_5s: int = 600

    @classmethod
    def off(cls) -> RateLimits:
        return cls(0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a request may use and what the headers say about it."""

    granted: int
    limit: int
    remaining: int
    reset_ms: int


class Limiter:
    """Counts requests in rolling windows; time is an argument."""

    def __init__(self, limits: RateLimits) -> None:
        self._limits = limits
        self._taken: dict[tuple[str, str], deque[int]] = {}
        self._visits: dict[str, deque[int]] = {}

    def per_second(self, kind: str) -> int:
        limits = self._limits
        return {
            "orders": limits.orders_per_s,
            "queries": limits.queries_per_s,
            "settings": limits.settings_per_s,
            "slow": limits.slow_per_s,
        }[kind]

    def take(self, account: str, endpoint: str, kind: str, cost: int, now_ms: int) -> Allowance:
        """Takes as much of `cost` as is left in this second for the account on the endpoint."""
        limit = self.per_second(kind)
        if limit == 0:
            return Allowance(cost, 0, 0, now_ms)
        taken = self._taken.setdefault((account, endpoint), deque())
        while taken and taken[0] <= now_ms - WINDOW_MS:
            taken.popleft()
        granted = min(cost, limit - len(taken))
        taken.extend([now_ms] * granted)
        reset_ms = taken[0] + WINDOW_MS if len(taken) == limit else now_ms
        return Allowance(granted, limit, limit - len(taken), reset_ms)

    def visit(self, address: str, now_ms: int) -> bool:
        """Counts a visit of an address; false where it has come too often."""
        limit = self._limits.ip_per_5s
        if limit == 0:
            return True
        visits = self._visits.setdefault(address, deque())
        while visits and visits[0] <= now_ms - IP_WINDOW_MS:
            visits.popleft()
        if len(visits) >= limit:
            return False
        visits.append(now_ms)
        return True
