"""Rate limits: request weight per address and minute, orders per account and window, the ban of those who do not stop."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

import msgspec

from adapters.loopback.binance.codes import TOO_MANY_ORDERS, TOO_MANY_REQUESTS, BinanceError

MINUTE_MS = 60_000
TEN_S_MS = 10_000
PATIENCE = 5
"""Requests answered with 429 in one minute before the address is banned."""


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The defaults are those of an ordinary customer, zero is no limit; what is used is counted and told in any case."""

    weight_per_min: int = 2_400
    orders_per_10s: int = 300
    orders_per_min: int = 1_200
    messages_per_s: int = 10
    """Incoming messages of one stream socket; it is cut beyond."""
    ban_s: int = 120

    @classmethod
    def off(cls) -> RateLimits:
        return cls(0, 0, 0, 0)


class RateLimit(msgspec.Struct, gc=False, rename="camel", omit_defaults=True):
    """A line of `rateLimits`, with `count` where it says what is used."""

    rate_limit_type: str
    interval: str
    interval_num: int
    limit: int
    count: int | None = None


def seconds(span_ms: int) -> int:
    """A span in whole seconds, rounded up."""
    return -(-span_ms // 1000)


@dataclass(slots=True)
class _Window:
    """What was used since a multiple of the window's length."""

    start_ms: int = 0
    used: int = 0

    def take(self, cost: int, now_ms: int, width_ms: int) -> int:
        start_ms = now_ms - now_ms % width_ms
        if start_ms != self.start_ms:
            self.start_ms, self.used = start_ms, 0
        self.used += cost
        return self.used


class Limiter:
    """Counts what is used; time is an argument."""

    def __init__(self, limits: RateLimits) -> None:
        self._limits = limits
        self._weight: dict[str, _Window] = {}
        self._refused: dict[str, _Window] = {}
        self._banned_until_ms: dict[str, int] = {}
        self._fast: dict[str, _Window] = {}
        self._slow: dict[str, _Window] = {}

    def weigh(self, address: str, weight: int, now_ms: int) -> int:
        """Counts a request's weight and gives what the address has used this minute; raises BinanceError with 429 or 418."""
        until_ms = self._banned_until_ms.get(address, 0)
        if now_ms < until_ms:
            raise self._banned(address, until_ms, now_ms)
        used = self._weight.setdefault(address, _Window()).take(weight, now_ms, MINUTE_MS)
        limit = self._limits.weight_per_min
        if not limit or used <= limit:
            return used
        if self._refused.setdefault(address, _Window()).take(1, now_ms, MINUTE_MS) > PATIENCE:
            until_ms = self._banned_until_ms[address] = now_ms + self._limits.ban_s * 1000
            raise self._banned(address, until_ms, now_ms)
        words = f"Too many requests; current limit of IP({address}) is {limit} requests per minute."
        retry_after_s = seconds(MINUTE_MS - now_ms % MINUTE_MS)
        raise BinanceError(TOO_MANY_REQUESTS, words, HTTPStatus.TOO_MANY_REQUESTS, retry_after_s)

    @staticmethod
    def _banned(address: str, until_ms: int, now_ms: int) -> BinanceError:
        words = f"Way too many requests; IP({address}) banned until {until_ms}."
        return BinanceError(TOO_MANY_REQUESTS, words, 418, seconds(until_ms - now_ms))

    def order(self, account: str, fast: int, slow: int, now_ms: int) -> None:
        """Counts orders of an account in both windows; raises BinanceError -1015."""
        limits = self._limits
        for windows, cost, width_ms, limit, words in (
            (self._fast, fast, TEN_S_MS, limits.orders_per_10s, "10 SECOND"),
            (self._slow, slow, MINUTE_MS, limits.orders_per_min, "MINUTE"),
        ):
            used = windows.setdefault(account, _Window()).take(cost, now_ms, width_ms)
            if limit and used > limit:
                retry_after_s = seconds(width_ms - now_ms % width_ms)
                said = f"Too many new orders; current limit is {limit} orders per {words}."
                raise BinanceError(TOO_MANY_ORDERS, said, HTTPStatus.TOO_MANY_REQUESTS, retry_after_s)

    def counts(self, account: str, now_ms: int) -> tuple[int, int]:
        """The orders of an account in the last ten seconds and minute."""
        fast = self._fast.setdefault(account, _Window()).take(0, now_ms, TEN_S_MS)
        return fast, self._slow.setdefault(account, _Window()).take(0, now_ms, MINUTE_MS)

    def rules(self) -> list[RateLimit]:
        """`rateLimits` of exchangeInfo."""
        said = RateLimits()
        weight, fast, slow = self._limits.weight_per_min, self._limits.orders_per_10s, self._limits.orders_per_min
        return [
            RateLimit("REQUEST_WEIGHT", "MINUTE", 1, weight or said.weight_per_min),
            RateLimit("ORDERS", "MINUTE", 1, slow or said.orders_per_min),
            RateLimit("ORDERS", "SECOND", 10, fast or said.orders_per_10s),
        ]

    def used(self, address: str, account: str, now_ms: int) -> list[RateLimit]:
        """`rateLimits` of an answer on a socket."""
        fast, slow = self.counts(account, now_ms)
        weight = self._weight.setdefault(address, _Window()).take(0, now_ms, MINUTE_MS)
        rules = self.rules()
        for rule, count in zip(rules, (weight, slow, fast), strict=True):
            rule.count = count
        return rules
