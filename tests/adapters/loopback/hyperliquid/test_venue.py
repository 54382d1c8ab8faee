"""The venue as a whole: opened by name with the customer it knows, moving by itself, reproducible."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import aiohttp
import pytest

from adapters.loopback import LOOPBACKS, serve
from adapters.loopback.hyperliquid.venue import HyperliquidVenue
from tests.adapters.loopback.hyperliquid.hyperliquid_wire import Client, order, place, started
from tests.patience import PATIENCE_S


async def test_it_is_served_by_name_and_the_customer_that_it_knows_trades_on_it() -> None:
    told: asyncio.Future[HyperliquidVenue] = asyncio.get_running_loop().create_future()
    customer = LOOPBACKS["hyperliquid"].customer
    running = asyncio.create_task(serve("hyperliquid", accounts=[customer], flow_per_s=0.0, started=told))
    venue = await asyncio.wait_for(told, PATIENCE_S)
    async with aiohttp.ClientSession() as session:
        client = Client(venue, session)
        assert set(await client.info("allMids")) == set(LOOPBACKS["hyperliquid"].contracts)
        assert "resting" in (await client.statuses(place(order("64000"))))[0]
        assert len(venue.truth(customer.key).open_orders) == 1
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(venue.rest_url)


async def test_with_a_rate_the_flow_runs_by_itself() -> None:
    async with started(flow_per_s=500.0, warm_up_steps=2) as client:
        socket = await client.open()
        await socket.subscribe("bbo", coin="BTC")
        times = [(await socket.hear("bbo"))["data"]["time"] for _ in range(4)]
        assert times == sorted(times)


def books(seed: int) -> object:
    venue = HyperliquidVenue(seed=seed, clock=lambda: 1_754_000_000_000, warm_up_steps=30)
    venue.step(100)
    return venue.books, [trade.trade_id for trade in venue.floor.markets["BTC"].trades]


def test_the_same_seed_clock_and_steps_give_the_same_market() -> None:
    assert books(7) == books(7)
    assert books(7) != books(8)


def test_the_other_venues_need_nothing_of_what_knows_a_signature() -> None:
    code = "import sys; import adapters.loopback; sys.exit('coincurve' in sys.modules or 'Crypto' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
