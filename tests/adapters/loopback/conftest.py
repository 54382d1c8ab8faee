"""A loopback Bybit on its own thread, for client libraries that block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TypeVar

import pytest

from adapters.loopback import Account, BybitVenue, RateLimits

T = TypeVar("T")
CUSTOMER = Account("APIKEY", "SECRET", Decimal(100_000), uid=1)


class ThreadedVenue:
    """A venue with its event loop in a thread; everything that touches the venue goes through `call`."""

    def __init__(self, venue: BybitVenue) -> None:
        self.venue = venue
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="loopback")

    def __enter__(self) -> ThreadedVenue:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.venue.start(), self._loop).result(60)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self.venue.stop(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def call(self, function: Callable[[BybitVenue], T]) -> T:
        async def run() -> T:
            return function(self.venue)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(60)


@pytest.fixture
def threaded() -> Iterator[ThreadedVenue]:
    """A venue with two symbols whose flow only moves by `step`."""
    venue = BybitVenue(
        ("BTCUSDT", "ETHUSDT"), seed=11, accounts=[CUSTOMER], rate_limits=RateLimits.off(), warm_up_steps=100
    )
    with ThreadedVenue(venue) as running:
        yield running
