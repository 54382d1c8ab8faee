"""Every venue's own budgets under ten thousand random calls: never exceeded, the reserve kept, a ban confined to its pool."""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from random import Random

import pytest

from adapters.base.limits import Gate, Limits, Pool, Priority
from adapters.conformance.stage import offline
from adapters.conformance.subject import subject_of

VENUES = ("bybit", "binance", "okx", "hyperliquid", "dydx")
CALLS = 10_000
HOUR_S = 3600.0
SECOND = 1_000_000_000
ORDINARY = (Priority.CANCEL, Priority.AMEND, Priority.CREATE, Priority.READ)


class Ledger:
    """What left, by window, written down apart from the code under test."""

    def __init__(self, pools: Sequence[Pool], shared: str) -> None:
        self.pools = {pool.name: pool for pool in pools}
        self.shared = shared
        self.left: dict[str, deque[tuple[int, int]]] = {}

    def windows(self, name: str, cost: int) -> Iterator[tuple[str, Pool, int]]:
        """The windows that a call draws from: name, rule, units. Each named pool, and the shared one, at most once."""
        kind, _, key = name.partition("@")
        for drawn, units in self.pools[kind].draws or ((kind, 0),):
            pool = self.pools[drawn]
            yield f"{drawn}@{key}" if pool.each else drawn, pool, units or cost
        if self.shared:
            yield self.shared, self.pools[self.shared], 1

    def note(self, name: str, cost: int, now: int) -> Iterator[tuple[Pool, int]]:
        """Each window's units within its width, this call among them."""
        for window, pool, units in self.windows(name, cost):
            spent = self.left.setdefault(window, deque())
            spent.append((now, units))
            while spent[0][0] <= now - int(pool.window_s * SECOND):
                spent.popleft()
            yield pool, sum(each for _, each in spent)


def declared(venue: str) -> tuple[list[Pool], str]:
    exchange = offline(*subject_of(venue))
    return list(exchange.pools()), exchange.shared_pool()


def names(pools: Sequence[Pool], shared: str) -> list[str]:
    """What requests name: of a pool kept for each market, two markets."""
    by_name = {pool.name: pool for pool in pools}

    def is_each(pool: Pool) -> bool:
        return pool.each or any(by_name[drawn].each for drawn, _ in pool.draws)

    found = [f"{p.name}@{key}" if key else p.name for p in pools for key in (("A", "B") if is_each(p) else ("",))]
    return [name for name in found if name != shared]


@pytest.mark.parametrize("venue", VENUES)
def test_ten_thousand_random_calls_exceed_no_window_and_touch_no_reserve(venue: str) -> None:
    pools, shared = declared(venue)
    limits, ledger, chance, now = Limits(pools, shared), Ledger(pools, shared), Random(venue), 0
    full = waited = 0
    named = names(pools, shared)
    hot = named[:1]
    for call in range(CALLS):
        if call % 500 == 0:
            hot = chance.sample(named, min(2, len(named)))  # a burst on few pools is what fills them
        name, cost = chance.choice(hot if chance.random() < 0.8 else named), chance.randint(1, 2)
        priority = Priority.URGENT if chance.random() < 0.1 else chance.choice(ORDINARY)
        now += chance.randrange(2_000_000)
        wait = limits.wait_ns(name, cost, priority, now)
        now += wait
        waited += wait > 0
        assert limits.wait_ns(name, cost, priority, now) == 0, "what it said to wait was enough"
        limits.spend(name, cost, now)
        for pool, units in ledger.note(name, cost, now):
            most = pool.limit if priority is Priority.URGENT else pool.limit - pool.reserve
            assert units <= most, (call, name, priority)
            full += units == most
    assert waited, "the calls pressed against the limits"
    assert full


@pytest.mark.parametrize("venue", VENUES)
def test_a_ban_stops_its_pool_and_whatever_draws_from_it_and_no_other(venue: str) -> None:
    pools, shared = declared(venue)
    ledger = Ledger(pools, shared)
    for banned in (pool.name for pool in pools if not pool.draws and not pool.each):
        limits = Limits(pools, shared)
        limits.block(600 * SECOND, banned)
        for name in names(pools, shared):
            draws = {window for window, _, _ in ledger.windows(name, 1)}
            expected = 600 * SECOND if banned in draws else 0
            assert limits.wait_ns(name, 1, Priority.URGENT, 0) == expected, (banned, name)


@pytest.mark.parametrize("venue", VENUES)
def test_what_waits_for_any_of_its_pools_is_served_cancel_amend_create(venue: str) -> None:
    pools, shared = declared(venue)
    days = {pool.name for pool in pools if pool.window_s > HOUR_S}  # a gate looks each second: a day of that is long
    for name in names(pools, shared):
        if name in days:
            continue
        served = asyncio.run(served_of(Limits(pools, shared), name, Random(name)))
        assert served == sorted(served), name
        assert len(served) == 12, name


async def served_of(limits: Limits, name: str, chance: Random) -> list[Priority]:
    """Who was let in, in order, where twelve arrive at random at a pool that has nothing left; waiting takes no time."""
    now, served = 0, []

    async def sleep(seconds: float) -> None:
        nonlocal now
        await asyncio.sleep(0)
        now += max(int(seconds * 1e9), 1)

    async def enter(priority: Priority) -> None:
        assert await gate.enter(name, 1, priority)
        served.append(priority)

    gate = Gate(limits, lambda: now, sleep)
    while not limits.wait_ns(name, 1, Priority.URGENT, now):
        limits.spend(name, 1, now)
    arriving = [Priority.CANCEL, Priority.AMEND, Priority.CREATE] * 4
    chance.shuffle(arriving)
    await asyncio.gather(*(enter(priority) for priority in arriving))
    await gate.close()
    return served
