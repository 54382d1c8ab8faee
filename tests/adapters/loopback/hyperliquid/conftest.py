"""A loopback Hyperliquid on its own thread, for client libraries that block."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.loopback.hyperliquid.limits import RateLimits
from adapters.loopback.hyperliquid.venue import HyperliquidVenue
from tests.adapters.loopback.conftest import ThreadedVenue
from tests.adapters.loopback.hyperliquid.hyperliquid_wire import ADDRESS, CUSTOMER, SUB_ACCOUNT, SUB_CUSTOMER


@pytest.fixture
def threaded() -> Iterator[ThreadedVenue]:
    """A venue with all its symbols whose flow only moves by `step`."""
    venue = HyperliquidVenue(
        seed=11,
        accounts=[CUSTOMER, SUB_CUSTOMER],
        rate_limits=RateLimits.off(),
        warm_up_steps=100,
        masters={SUB_ACCOUNT: ADDRESS},
    )
    with ThreadedVenue(venue) as running:
        yield running
