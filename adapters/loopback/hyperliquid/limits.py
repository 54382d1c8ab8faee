"""Rate limits: request weight per address of the network and minute, actions per account, and what one socket may do."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus

from adapters.loopback.hyperliquid.refusals import ActionRefusedError, RequestRefusedError

MINUTE_MS = 60_000
TRICKLE_MS = 10_000
"""An account that has used up its actions may do one in this time."""
CANCELS_MORE = 100_000


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The defaults are those of an ordinary customer, zero is no limit.

    https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/rate-limits-and-user-limits
    """

    weight_per_min: int = 1_200
    actions_at_first: int = 10_000
    connections: int = 10
    connections_per_min: int = 30
    subscriptions: int = 1_000
    users: int = 10
    messages_per_min: int = 2_000
    posts: int = 100
    scheduled_cancel_usd: int = 1_000_000
    """What an account must have traded before it may schedule a cancel."""

    @classmethod
    def off(cls) -> RateLimits:
        return cls(0, 0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(slots=True)
class _Window:
    """What was used since a multiple of a minute."""

    start_ms: int = 0
    used: int = 0

    def take(self, cost: int, now_ms: int) -> int:
        start_ms = now_ms - now_ms % MINUTE_MS
        if start_ms != self.start_ms:
            self.start_ms, self.used = start_ms, 0
        self.used += cost
        return self.used


@dataclass(slots=True)
class _Actions:
    """What an account has done, and when it last did something beyond its limit."""

    used: int = 0
    trickled_ms: int = 0


class Limiter:
    """Counts what is used; time is an argument."""

    def __init__(self, limits: RateLimits) -> None:
        self.limits = limits
        self._weight: dict[str, _Window] = {}
        self._messages: dict[str, _Window] = {}
        self._opened: dict[str, _Window] = {}
        self._actions: dict[str, _Actions] = {}

    def weigh(self, address: str, weight: int, now_ms: int) -> None:
        """Counts the weight of a request; raises RequestRefusedError with 429."""
        used = self._weight.setdefault(address, _Window()).take(weight, now_ms)
        if 0 < self.limits.weight_per_min < used:
            raise RequestRefusedError(HTTPStatus.TOO_MANY_REQUESTS, "null")

    def open(self, address: str, there: int, now_ms: int) -> None:
        """Counts a socket that is opened beside those that are; raises RequestRefusedError with 429."""
        opened = self._opened.setdefault(address, _Window()).take(1, now_ms)
        limits = self.limits
        if 0 < limits.connections <= there or 0 < limits.connections_per_min < opened:
            raise RequestRefusedError(HTTPStatus.TOO_MANY_REQUESTS, "Too many connections.")

    def message(self, address: str, now_ms: int) -> bool:
        """Counts a message on a socket; false where too many came."""
        sent = self._messages.setdefault(address, _Window()).take(1, now_ms)
        return not 0 < self.limits.messages_per_min < sent

    def act(self, key: str, items: int, cancels: bool, volume: Decimal, now_ms: int) -> None:
        """Counts the items of an account's action; raises ActionRefusedError where it has traded too little for so many."""
        done = self._actions.setdefault(key, _Actions())
        cap = self.cap(volume)
        allowed = min(cap + CANCELS_MORE, 2 * cap) if cancels else cap
        if self.limits.actions_at_first and done.used + items > allowed:
            if now_ms - done.trickled_ms < TRICKLE_MS:
                raise ActionRefusedError(
                    f"Too many cumulative requests sent ({done.used + items} > {allowed}) for cumulative volume traded "
                    f"${volume:.2f}. Place taker orders to free up 1 request per USDC traded."
                )
            done.trickled_ms = now_ms
        done.used += items

    def cap(self, volume: Decimal) -> int:
        return int(volume) + (self.limits.actions_at_first or RateLimits().actions_at_first)

    def used(self, key: str) -> int:
        return self._actions.get(key, _Actions()).used
