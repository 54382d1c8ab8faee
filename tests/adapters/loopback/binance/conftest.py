"""A loopback Binance on its own thread, for client libraries that block."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.loopback.binance import BinanceVenue, RateLimits
from tests.adapters.loopback.binance.binance_wire import CUSTOMER
from tests.adapters.loopback.conftest import ThreadedVenue


@pytest.fixture
def threaded() -> Iterator[ThreadedVenue]:
    """A venue with two symbols whose flow only moves by `step`."""
    venue = BinanceVenue(
        ("BTCUSDT", "ETHUSDT"), seed=11, accounts=[CUSTOMER], rate_limits=RateLimits.off(), warm_up_steps=100
    )
    with ThreadedVenue(venue) as running:
        yield running
