"""The loopback venue as a whole: started by name, with its own flow, reproducible, and gone when it ends."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest
import uvloop

from adapters.loopback import LOOPBACKS, Account, BybitVenue, Place, serve
from adapters.loopback.bybit.venue import active_time_s
from tests.adapters.loopback.bybit_wire import KEY, Client, started
from tests.patience import PATIENCE_S


async def test_a_venue_is_served_by_name_until_cancelled() -> None:
    told: asyncio.Future[BybitVenue] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(serve("bybit", accounts=[Account("a", "b")], started=told))
    venue = await asyncio.wait_for(told, PATIENCE_S)
    async with aiohttp.ClientSession() as session:
        async with session.get(venue.rest_url + "/v5/market/time") as reply:
            assert reply.status == 200
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(venue.rest_url + "/v5/market/time")


async def test_an_unknown_venue_is_an_error() -> None:
    assert set(LOOPBACKS) >= {"bybit"}
    with pytest.raises(KeyError):
        await serve("nope")


async def test_with_a_rate_the_flow_runs_by_itself() -> None:
    async with started(flow_per_s=500.0) as client:
        public = await client.open(client.venue.public_url)
        await public.subscribe("orderbook.50.BTCUSDT", "publicTrade.BTCUSDT")
        assert (await public.hear("publicTrade.BTCUSDT"))["data"]
        for _ in range(3):
            await public.hear("orderbook.50.BTCUSDT")


async def run_by_hand(seed: int) -> object:
    now_ms = 1_754_000_000_000
    async with started(seed=seed, clock=lambda: now_ms) as client:
        client.venue.step(100)
        await client.session.get(client.venue.rest_url + "/v5/market/time")
        return client.venue.books


async def test_the_same_seed_clock_and_steps_give_the_same_books() -> None:
    assert await run_by_hand(7) == await run_by_hand(7)
    assert await run_by_hand(7) != await run_by_hand(8)


MIDNIGHT_MS = 1_754_006_400_000  # every venue settles funding at it


@pytest.mark.parametrize("name", sorted(LOOPBACKS))
def test_a_venue_begins_alike_whether_or_not_funding_was_due_in_its_warm_up(name) -> None:
    def begun(now_ms: int):
        listing = LOOPBACKS[name]
        symbols = list(listing.contracts)[:1]
        venue = listing.opens(symbols=symbols, seed=3, accounts=[], flow_per_s=0.0, clock=lambda: now_ms)
        (market,) = venue.floor.markets.values()
        return market.next_funding_ms, (market.funding_rate, list(market.funding_history), venue.books)

    (_, usual), (due_ms, after) = begun(MIDNIGHT_MS - 1), begun(MIDNIGHT_MS)
    assert usual == after
    assert due_ms > MIDNIGHT_MS


def test_sockets_are_cut_under_uvloop_too() -> None:
    async def run() -> None:
        async with started() as client:
            public = await client.open(client.venue.public_url)
            await public.subscribe("tickers.BTCUSDT")
            assert client.venue.cut_sockets(Place.PUBLIC) == 1
            kinds = [(await public.raw.receive(timeout=PATIENCE_S)).type for _ in range(3)]
            assert {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR} & set(kinds)

    uvloop.run(run())


async def idle(client: Client, url: str) -> aiohttp.WSMessage:
    socket = await client.open(url)
    return await socket.raw.receive(timeout=PATIENCE_S)


async def test_a_private_socket_that_says_nothing_for_its_active_time_is_cut() -> None:
    now_ms = int(time.time() * 1000)
    async with started(clock=lambda: now_ms) as client:
        short = asyncio.create_task(idle(client, client.venue.private_url + "?max_active_time=30s"))
        long = asyncio.create_task(idle(client, client.venue.private_url))
        while len(client.venue.connections(Place.PRIVATE)) < 2:
            await client.get("/v5/account/info")
        now_ms += 31_000
        assert (await short).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        assert not long.done()
        now_ms += 600_000
        await long


ACTIVE = [("", 600.0), ("30s", 30.0), ("1m", 60.0), ("5s", 30.0), ("9999s", 600.0), ("xs", 600.0)]


@pytest.mark.parametrize(("text", "seconds"), ACTIVE, ids=[repr(text) for text, _ in ACTIVE])
def test_the_active_time_of_an_url(text, seconds) -> None:
    assert active_time_s(text) == seconds


async def test_secrets_stay_out_of_every_repr() -> None:
    async with started() as client:
        assert "SECRET" not in repr(client.venue.floor.desks[KEY].account)
