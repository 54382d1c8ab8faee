"""ccxt and ccxt.pro, unchanged but for their addresses, read and trade on the loopback dYdX."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

from adapters.loopback.dydx.limits import RateLimits
from adapters.loopback.dydx.venue import DydxVenue
from tests.adapters.loopback.conftest import ThreadedVenue
from tests.adapters.loopback.dydx.dydx_wire import ADDRESS, CUSTOMER, SECRET
from tests.later import Later
from tests.patience import PATIENCE_S

ccxt = Later("ccxt")
ccxt_pro = Later("ccxt.pro")

SYMBOL = "BTC/USDC:USDC"
ORDERS = Path(__file__).with_name("ccxt_orders.py")


def pointed_at(exchange, venue: DydxVenue):
    """The exchange with every address replaced by the venue's."""
    api = exchange.urls["api"]
    api |= {"indexer": f"{venue.rest_url}/v4", "nodeRpc": venue.trade_url, "nodeRest": venue.trade_url}
    api["ws"] = venue.public_url
    exchange.walletAddress = ADDRESS
    return exchange


def levels(side) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(str(price)), Decimal(str(size))) for price, size, *_ in side]


def test_ccxt_loads_the_markets_and_reads_the_public_side(threaded) -> None:
    exchange = pointed_at(ccxt.dydx({"enableRateLimit": False}), threaded.venue)
    assert set(exchange.load_markets()) == {SYMBOL, "ETH/USDC:USDC"}
    precision = exchange.markets[SYMBOL]["precision"]
    assert (precision["price"], precision["amount"]) == (1.0, 0.0001)
    truth = threaded.call(lambda venue: venue.books["BTC-USD"])
    assert levels(exchange.fetch_order_book(SYMBOL)["asks"]) == truth.asks[:100]
    assert len(exchange.fetch_trades(SYMBOL, limit=10)) == 10
    assert exchange.fetch_ohlcv(SYMBOL, "1m")[-1][4] > 0
    assert abs(exchange.fetch_time() - exchange.seconds()) < 5
    assert exchange.fetch_balance()["USDC"]["free"] == 100_000
    assert (exchange.fetch_accounts()[0]["id"], exchange.fetch_positions(), exchange.fetch_orders()) == ("0", [], [])
    assert exchange.fetch_latest_block_height() == threaded.venue.chain.height


@asynccontextmanager
async def opened():
    """A venue and ccxt.pro's client on it."""
    venue = DydxVenue(("BTC-USD",), seed=5, accounts=[CUSTOMER], rate_limits=RateLimits.off(), block_ms=0)
    await venue.start()
    exchange = pointed_at(ccxt_pro.dydx(), venue)
    try:
        await exchange.load_markets()
        yield venue, exchange
    finally:
        await exchange.close()
        await venue.stop()


async def test_ccxt_pro_keeps_its_book_equal_to_the_venues() -> None:
    async with opened() as (venue, exchange):
        await exchange.watch_order_book(SYMBOL)
        book = exchange.orderbooks[SYMBOL]
        for _ in range(5):
            venue.step(50)
            truth = venue.books["BTC-USD"]
            watching = asyncio.create_task(exchange.watch_order_book(SYMBOL))
            while any(levels(book[side])[:50] != getattr(truth, side)[:50] for side in ("bids", "asks")):
                await asyncio.wait([watching], timeout=0.01)
            watching.cancel()
            await asyncio.wait([watching])


async def test_ccxt_pro_hears_trades_and_candles() -> None:
    async with opened() as (venue, exchange):
        for watch in (exchange.watch_trades, exchange.watch_ohlcv):
            await asyncio.wait_for(watch(SYMBOL), PATIENCE_S)  # the snapshot
            waiting = asyncio.create_task(watch(SYMBOL))
            while not waiting.done():
                venue.step(20)
                venue.make_block()
                await asyncio.wait([waiting], timeout=0.02)
            assert await waiting


def test_ccxt_places_and_cancels_through_its_node_calls() -> None:
    """In a process of its own: its generated classes and the official ones cannot live in one."""
    venue = DydxVenue(
        ("BTC-USD",), seed=5, accounts=[CUSTOMER], rate_limits=RateLimits.off(), block_ms=50, chain_id="dydx-mainnet-1"
    )
    with ThreadedVenue(venue) as threaded:
        ran = subprocess.run(
            [sys.executable, str(ORDERS), venue.rest_url, venue.trade_url, ADDRESS, SECRET],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        truth = threaded.call(lambda v: v.truth(ADDRESS))
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    assert said["refused"] == ["InvalidOrder", "InvalidOrder"]
    assert said["open"] == [["LIMIT", "buy", 80_000.0, 0.01, "open"]]
    assert said["cancelled"] == "canceled"
    assert said["batch"] == 0
    assert said["transfers"] == [["out", 5.0]]
    assert said["positions"] == [["long", 0.02]]
    assert sum(fill.size for fill in truth.fills) == Decimal("0.02")
    assert truth.open_orders == {}
