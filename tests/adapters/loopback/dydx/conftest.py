"""A loopback dYdX on its own thread, for client libraries that block."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.loopback.dydx.limits import RateLimits
from adapters.loopback.dydx.venue import DydxVenue
from tests.adapters.loopback.conftest import ThreadedVenue
from tests.adapters.loopback.dydx.dydx_wire import CUSTOMER


@pytest.fixture
def threaded() -> Iterator[ThreadedVenue]:
    """A venue with two markets whose flow only moves by `step`, and its blocks by `make_block`."""
    venue = DydxVenue(("BTC-USD", "ETH-USD"), seed=11, accounts=[CUSTOMER], rate_limits=RateLimits.off(), block_ms=0)
    with ThreadedVenue(venue) as running:
        yield running
