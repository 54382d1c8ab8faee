"""Rate budgets: exact sliding windows, a reserve for what must always get through, and a gate that serves by urgency.

`Limits` decides and knows no clock; `Gate` waits. A window, not a bucket: a full bucket plus its refill would pass twice
the limit within one window of the venue's. One that has many requests in it, as a day has, tells only so many moments apart:
what was spent then comes back later by a five-hundredth of the window at most, and never earlier.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from heapq import heappop, heappush

from adapters.base.client import Budget
from state.errors import WrongUse

MAX_WAITING = 10_000
MOMENTS = 500  # of a window; the requests of one are remembered as one where there are more than so many


class Priority(IntEnum):
    """Who goes first. `URGENT` is for shutting down only: the one that may use the reserve."""

    URGENT = 0
    CANCEL = 1
    AMEND = 2
    CREATE = 3
    READ = 4


@dataclass(frozen=True, slots=True)
class Pool:
    """`limit` units in any window of `window_s`; `reserve` of them are kept from everything that is not urgent.

    A pool with `draws` has no window of its own: a request of it takes so many units of each of those, whatever its cost
    (0: as many as it costs). Of an `each` pool there is one window for every key that a request names behind an @, such as
    the market that an order is for.
    """

    name: str
    limit: int = 0
    window_s: float = 0.0
    reserve: int = 0
    draws: tuple[tuple[str, int], ...] = ()
    each: bool = False


class _Window:
    __slots__ = ("limit", "moment_ns", "pool", "shut_until", "spent", "total")

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.limit = pool.limit
        self.moment_ns = max(int(pool.window_s * 1e9) // MOMENTS, 1)
        self.spent: deque[tuple[int, int]] = deque()  # when (the last time of a moment), how much
        self.total = 0
        self.shut_until = 0

    def wait_ns(self, cost: int, priority: Priority, now: int) -> int:
        """0 where `cost` fits now, else how long until it may; a cost beyond the whole limit waits for an empty window."""
        width = int(self.pool.window_s * 1e9)
        spent = self.spent
        while spent and spent[0][0] <= now - width:
            self.total -= spent.popleft()[1]
        usable = self.limit if priority is Priority.URGENT else self.limit - self.pool.reserve
        excess = self.total + min(cost, usable) - usable
        if excess <= 0:
            return 0
        for when, units in spent:
            excess -= units
            if excess <= 0:
                return when + width - now
        return width

    def spend(self, cost: int, now: int) -> None:
        self.total += cost
        spent = self.spent
        if len(spent) >= MOMENTS and spent[-1][0] // self.moment_ns == now // self.moment_ns:
            when, units = spent.pop()
            now, cost = max(when, now), units + cost
        spent.append((now, cost))

    def give_back(self, cost: int, at: int) -> None:
        """Takes back what was spent then, or before where that is not told apart: it never comes back too early."""
        for index in range(len(self.spent) - 1, -1, -1):
            when, units = self.spent[index]
            if when <= at and cost:
                back = min(cost, units)
                self.spent[index] = (when, units - back)
                self.total -= back
                cost -= back


class Limits:
    """All pools of one account; every request also draws one from `shared` (the address's own limit), unless that is empty."""

    def __init__(self, pools: Iterable[Pool], shared: str) -> None:
        pools = list(pools)
        self._windows = {pool.name: _Window(pool) for pool in pools if not pool.draws}
        self._drawn: dict[str, list[tuple[_Window, int]]] = {}  # units a request, 0 for its own cost
        for pool in pools:
            self._drawn[pool.name] = [(self._windows[name], units) for name, units in pool.draws or ((pool.name, 0),)]
        self._own = {name: len(drawn) for name, drawn in self._drawn.items()}  # without the shared one
        for pool in pools:
            if shared:
                self._drawn[pool.name].append((self._windows[shared], 1))
        self._blocked_until = 0

    def limit(self, pool: str) -> int:
        """How many units a window of this pool has, as last learnt; of one that draws from others, of the smallest."""
        kind = pool.partition("@")[0]
        return min(window.limit for window, _ in self._drawn[kind][: self._own[kind]])

    def wait_ns(self, pool: str, cost: int, priority: Priority, now: int) -> int:
        """0 where the request may leave now, else how long to wait."""
        wait = max(self._blocked_until - now, 0)
        for window, units in self._drawn_by(pool):
            wait = max(wait, window.shut_until - now, window.wait_ns(units or cost, priority, now))
        return wait

    def spend(self, pool: str, cost: int, now: int) -> None:
        for window, units in self._drawn_by(pool):
            window.spend(units or cost, now)

    def give_back(self, pool: str, cost: int, at: int) -> None:
        """Of what a request spent at that time, what it turned out not to cost; the address's own limit counts requests."""
        for window, units in self._drawn_by(pool)[: self._own[pool.partition("@")[0]]]:
            if not units:
                window.give_back(cost, at)

    def learn(self, pool: str, budget: Budget, now: int) -> None:
        """Believes the venue: its limit, and that at least as much is spent as it says."""
        window = self._windows[pool]
        window.limit = max(budget.limit, 1)
        window.wait_ns(0, Priority.URGENT, now)
        missing = budget.limit - budget.remaining - window.total
        if missing > 0:
            window.spend(missing, now)

    def block(self, until: int, pool: str = "") -> None:
        """The venue shut its door, or that of one pool: nothing leaves before."""
        if pool:
            self._windows[pool].shut_until = max(self._windows[pool].shut_until, until)
        else:
            self._blocked_until = max(self._blocked_until, until)

    def _drawn_by(self, pool: str) -> list[tuple[_Window, int]]:
        """The windows of a pool; of those kept for each key, the key's own, made when it is first named."""
        drawn = self._drawn.get(pool)
        if drawn is None:
            kind, _, key = pool.partition("@")
            drawn = self._drawn[pool] = [(self._of(window, key), units) for window, units in self._drawn[kind]]
        return drawn

    def _of(self, window: _Window, key: str) -> _Window:
        if not window.pool.each:
            return window
        name = f"{window.pool.name}@{key}"
        return self._windows.setdefault(name, _Window(window.pool))


@dataclass(frozen=True, slots=True)
class _Turn:
    """A request that waits; `latest` is when it is too late for it."""

    pool: str
    cost: int
    latest: int | None
    granted: "asyncio.Future[bool]"


class Gate:
    """Lets requests through as budgets allow, the most urgent first."""

    def __init__(self, limits: Limits, now_ns: Callable[[], int], sleep: Callable[[float], Awaitable[None]]) -> None:
        self.limits = limits
        self._now_ns = now_ns
        self._sleep = sleep
        self._waiting: list[tuple[Priority, int, _Turn]] = []
        self._arrivals = 0
        self._server: asyncio.Task[None] | None = None
        self._wakes = 0  # when the server looks again, ns

    async def enter(self, pool: str, cost: int, priority: Priority, max_wait_s: float | None = None) -> bool:
        """Waits for a place; False where none came within `max_wait_s`: nothing was spent."""
        now = self._now_ns()
        wait = self.limits.wait_ns(pool, cost, priority, now)
        if not wait and (not self._waiting or priority < self._waiting[0][0]):
            self.limits.spend(pool, cost, now)  # who waits for another budget, and is less urgent, holds nobody up
            return True
        if max_wait_s is not None and wait > max_wait_s * 1e9:
            return False
        if len(self._waiting) >= MAX_WAITING:
            raise WrongUse(f"{MAX_WAITING} requests wait for their rate limit already")
        self._arrivals += 1
        latest = None if max_wait_s is None else now + int(max_wait_s * 1e9)
        turn = _Turn(pool, cost, latest, asyncio.get_running_loop().create_future())
        heappush(self._waiting, (priority, self._arrivals, turn))
        self._serve_by(now + wait)
        try:
            return await turn.granted
        finally:
            turn.granted.cancel()

    def give_back(self, pool: str, cost: int, at: int) -> None:
        """What was granted and not used lets others in."""
        self.limits.give_back(pool, cost, at)
        if self._waiting:
            self._serve_by(self._now_ns())

    async def close(self) -> None:
        """Nobody else is let in; who waits is cancelled."""
        for *_, turn in self._waiting:
            turn.granted.cancel()
        self._waiting.clear()
        if self._server is not None:
            self._server.cancel()
            await asyncio.gather(self._server, return_exceptions=True)

    def _serve_by(self, due: int) -> None:
        """Sees to it that the server looks again by then: it may sleep for somebody who has to wait longer."""
        if self._server is not None and not self._server.done():
            if due >= self._wakes:
                return
            self._server.cancel()
        self._wakes = due
        self._server = asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        while self._waiting:
            wait = self._release()
            self._wakes = self._now_ns() + wait
            await self._sleep(wait / 1e9)

    def _release(self) -> int:
        """Lets in whoever fits, by urgency; how long until the next may."""
        now, kept, soonest = self._now_ns(), [], 1_000_000_000
        while self._waiting:
            entry = heappop(self._waiting)
            priority, _, turn = entry
            if turn.granted.done():
                continue
            wait = self.limits.wait_ns(turn.pool, turn.cost, priority, now)
            if not wait:
                self.limits.spend(turn.pool, turn.cost, now)
                turn.granted.set_result(True)
            elif turn.latest is not None and now + wait > turn.latest:
                turn.granted.set_result(False)
            else:
                kept.append(entry)
                soonest = min(soonest, wait)
        self._waiting = kept  # popped in order, so a heap already
        return soonest if kept else 0
