"""A loopback venue behind a faulty wire, on a thread of its own, and what it knows of its only customer."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from decimal import Decimal
from types import TracebackType
from typing import Self, TypeVar

from adapters.loopback import LOOPBACKS, LoopbackVenue
from adapters.loopback.proxy import FaultyWire, Plan, Upstream
from adapters.loopback.symbols import Contract
from adapters.loopback.truth import BookView, Truth
from state.errors import WrongUse

T = TypeVar("T")

FLOW_PER_S = 100.0
BALANCE = Decimal(1_000_000)
_ANSWER_S = 20.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What the venue knows, taken at one instant of its own."""

    truth: Truth
    books: dict[str, BookView]


class TroubledVenue:
    """Everything that touches venue or wire goes through `call`, into their event loop's thread."""

    def __init__(self, name: str, seed: int, symbols: int = 2) -> None:
        listing = LOOPBACKS.get(name)
        if listing is None:
            raise WrongUse(f"there is no loopback venue {name!r}; there is {', '.join(LOOPBACKS)}")
        self.contracts: tuple[Contract, ...] = tuple(listing.contracts.values())[:symbols]
        self.account = replace(listing.customer, balance=BALANCE)
        self._ahead_ms = 0
        self.venue: LoopbackVenue = listing.opens(
            symbols=[contract.symbol for contract in self.contracts],
            seed=seed,
            accounts=[self.account],
            flow_per_s=FLOW_PER_S,
            clock=self._now_ms,
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="troubled venue")
        self.wire: FaultyWire
        self.upstream: Upstream

    def __enter__(self) -> Self:
        self._thread.start()
        self.upstream = self._run(self._start())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self._run(self._stop())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_ANSWER_S)
            self._loop.close()

    def play(self, plan: Plan) -> None:
        """The troubles begin."""
        self.call(lambda: self.wire.play(plan))

    def calm(self) -> None:
        """No more trouble, and a market that stands still."""
        self.call(self.wire.weather.clear)
        self.call(lambda: self.venue.pace(0.0))

    def seen(self) -> Seen:
        return self.call(lambda: Seen(self.venue.truth(self.account.key), self.venue.books))

    def call(self, function: Callable[[], T]) -> T:
        async def within() -> T:
            return function()

        return self._run(within())

    async def _start(self) -> Upstream:
        await self.venue.start()
        venue = self.venue
        here = Upstream(venue.rest_url, venue.public_url, venue.private_url, venue.trade_url)
        self.wire = FaultyWire(here, self._step_clock)
        return await self.wire.start()

    async def _stop(self) -> None:
        await self.wire.stop()
        await self.venue.stop()
        for _ in range(5):  # a transport that was aborted closes its socket in the loop's next turns
            await asyncio.sleep(0)

    def _now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self._ahead_ms

    def _step_clock(self, seconds: float) -> None:
        self._ahead_ms += round(seconds * 1000)

    def _run(self, work: Coroutine[None, None, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_ANSWER_S)
