"""Rate limits: rolling windows per address, account or account and instrument, as each endpoint's page states them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

TWO_S_MS = 2_000
HOUR_MS = 3_600_000
PER_ADDRESS, PER_USER, PER_INSTRUMENT = "address", "user", "instrument"


@dataclass(frozen=True, slots=True)
class RateLimits:
    """What an ordinary customer may do; zero is no limit. https://www.okx.com/docs-v5/en/#overview-rate-limits"""

    orders_per_2s: int = 60
    """Each of placing, amending and cancelling, for each instrument; REST and sockets together."""
    batched_orders_per_2s: int = 300
    account_orders_per_2s: int = 1_000
    """New orders and amendments of an account, over all instruments."""
    requests_per_socket_hour: int = 480
    """Subscribing, unsubscribing and logging in."""
    connections_per_s: int = 3
    endpoints: bool = True
    """Do the other endpoints keep their own limits?"""

    @classmethod
    def off(cls) -> RateLimits:
        return cls(0, 0, 0, 0, 0, endpoints=False)


@dataclass(frozen=True, slots=True)
class Quota:
    """So many requests in a window, and whom they are counted for."""

    most: int
    window_ms: int = TWO_S_MS
    scope: str = PER_USER


class Limiter:
    """Counts in rolling windows; time is an argument."""

    def __init__(self, limits: RateLimits) -> None:
        self.limits = limits
        self._taken: dict[tuple[str, ...], deque[int]] = {}

    def take(self, name: tuple[str, ...], cost: int, quota: Quota, now_ms: int) -> bool:
        """Counts `cost` against a quota; false, and nothing counted, where that would be more than it allows."""
        if not quota.most:
            return True
        taken = self._taken.setdefault(name, deque())
        while taken and taken[0] <= now_ms - quota.window_ms:
            taken.popleft()
        if len(taken) + cost > quota.most:
            return False
        taken.extend([now_ms] * cost)
        return True

    def orders(self, account: str, doing: str, inst_id: str, cost: int, batched: bool, now_ms: int) -> bool:
        """Counts orders of one instrument in a request; a batch of one counts as a single order."""
        limits = self.limits
        quota = Quota(limits.batched_orders_per_2s if batched else limits.orders_per_2s)
        return self.take((account, doing, "batch" if batched else "single", inst_id), cost, quota, now_ms)

    def account_order(self, account: str, now_ms: int) -> bool:
        return self.take((account, "orders"), 1, Quota(self.limits.account_orders_per_2s), now_ms)

    def connects(self, address: str, now_ms: int) -> bool:
        return self.take((address, "connections"), 1, Quota(self.limits.connections_per_s, 1_000), now_ms)

    def asks(self, conn_id: str, now_ms: int) -> bool:
        """Counts a subscription, its end or a login of a socket."""
        quota = Quota(self.limits.requests_per_socket_hour, HOUR_MS)
        return self.take((conn_id, "requests"), 1, quota, now_ms)

    def forget(self, conn_id: str) -> None:
        self._taken.pop((conn_id, "requests"), None)
