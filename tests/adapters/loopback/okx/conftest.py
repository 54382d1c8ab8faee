"""A loopback OKX on its own thread, for client libraries that block."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.loopback.okx import OkxVenue, RateLimits
from tests.adapters.loopback.conftest import ThreadedVenue
from tests.adapters.loopback.okx.okx_wire import BTC, CUSTOMER, ETH


@pytest.fixture
def threaded() -> Iterator[ThreadedVenue]:
    """A venue with two swaps whose flow only moves by `step`."""
    venue = OkxVenue((BTC, ETH), seed=11, accounts=[CUSTOMER], rate_limits=RateLimits.off(), warm_up_steps=100)
    with ThreadedVenue(venue) as running:
        yield running
