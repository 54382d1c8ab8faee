"""ccxt and ccxt.pro, unchanged but for their addresses, read and trade on the loopback venue."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from adapters.loopback import Account, BybitVenue, RateLimits
from tests.later import Later
from tests.patience import PATIENCE_S

ccxt = Later("ccxt")
ccxt_pro = Later("ccxt.pro")

SYMBOL = "BTC/USDT:USDT"


def pointed_at(exchange, venue: BybitVenue):
    """The exchange with every address replaced by the venue's."""
    exchange.urls["api"] |= dict.fromkeys(("spot", "futures", "v2", "public", "private"), venue.rest_url)
    if "ws" in exchange.urls["api"]:
        sockets = exchange.urls["api"]["ws"]
        sockets["public"] = dict.fromkeys(("spot", "inverse", "option", "linear"), venue.public_url)
        sockets["private"] = {
            "spot": {"unified": venue.private_url, "nonUnified": venue.private_url},
            "contract": venue.private_url,
            "usdc": venue.private_url,
            "trade": venue.trade_url,
        }
    exchange.has["fetchCurrencies"] = False
    return exchange


def keys() -> dict[str, object]:
    return {"apiKey": "APIKEY", "secret": "SECRET", "enableRateLimit": False}


@asynccontextmanager
async def opened():
    """A venue and ccxt.pro's client on it."""
    account = Account("APIKEY", "SECRET", Decimal(100_000), uid=1)
    venue = BybitVenue(("BTCUSDT", "ETHUSDT"), seed=5, accounts=[account], rate_limits=RateLimits.off())
    await venue.start()
    exchange = pointed_at(ccxt_pro.bybit(keys()), venue)
    try:
        yield venue, exchange
    finally:
        await exchange.close()
        await venue.stop()


def test_ccxt_loads_the_markets_and_reads_the_public_side(threaded) -> None:
    exchange = pointed_at(ccxt.bybit(keys()), threaded.venue)
    markets = exchange.load_markets()
    assert set(markets) == {"BTC/USDT:USDT", "ETH/USDT:USDT"}
    assert (markets[SYMBOL]["precision"]["price"], markets[SYMBOL]["precision"]["amount"]) == (0.1, 0.001)
    truth = threaded.call(lambda venue: venue.books["BTCUSDT"])
    book = exchange.fetch_order_book(SYMBOL, 50)
    assert [(Decimal(str(p)), Decimal(str(s))) for p, s, *_ in book["bids"]] == truth.bids[:50]
    assert exchange.fetch_ticker(SYMBOL)["bid"] == float(truth.bids[0][0])
    assert len(exchange.fetch_trades(SYMBOL, limit=10)) == 10
    assert exchange.fetch_ohlcv(SYMBOL, "1m")[-1][4] > 0
    assert abs(exchange.fetch_time() - exchange.milliseconds()) < 5_000


def test_ccxt_places_edits_cancels_and_sees_its_fills(threaded) -> None:
    exchange = pointed_at(ccxt.bybit(keys()), threaded.venue)
    exchange.load_markets()
    order = exchange.create_order(SYMBOL, "limit", "buy", 0.01, 64500, {"clientOrderId": "c1", "postOnly": True})
    edited = exchange.edit_order(order["id"], SYMBOL, "limit", "buy", 0.02, 64600)
    assert edited["id"] == order["id"]
    resting = exchange.fetch_open_orders(SYMBOL)
    assert [(o["clientOrderId"], o["price"], o["amount"], o["timeInForce"]) for o in resting] == [
        ("c1", 64600.0, 0.02, "PO")
    ]
    exchange.cancel_order(order["id"], SYMBOL)
    assert exchange.fetch_open_orders(SYMBOL) == []
    assert exchange.fetch_closed_orders(SYMBOL) == []
    assert [o["status"] for o in exchange.fetch_canceled_orders(SYMBOL)] == ["canceled"]
    exchange.create_order(SYMBOL, "market", "buy", 0.01)
    mine = exchange.fetch_my_trades(SYMBOL)
    assert sum(trade["amount"] for trade in mine) == pytest.approx(0.01)
    position = exchange.fetch_positions([SYMBOL])[0]
    assert (position["side"], position["contracts"]) == ("long", 0.01)
    paid = sum(Decimal(str(trade["fee"]["cost"])) for trade in mine)
    assert Decimal(str(exchange.fetch_balance()["USDT"]["total"])) == Decimal(100_000) - paid
    with pytest.raises(ccxt.InvalidOrder):
        exchange.create_order(SYMBOL, "limit", "buy", 0.01, 64500, {"reduceOnly": True})
    batch = [
        {"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": 0.001, "price": price, "params": {}}
        for price in (64400, 64401)
    ]
    assert len(exchange.create_orders(batch)) == 2
    assert len(exchange.cancel_all_orders(SYMBOL)) == 2


async def test_ccxt_pro_keeps_its_book_equal_to_the_venues() -> None:
    async with opened() as (venue, exchange):
        await exchange.watch_order_book(SYMBOL, 50)
        for _ in range(5):
            venue.step(50)
            book = await asyncio.wait_for(exchange.watch_order_book(SYMBOL, 50), PATIENCE_S)
        truth = venue.books["BTCUSDT"]
        assert [(Decimal(str(p)), Decimal(str(s))) for p, s in book["bids"]] == truth.bids[:50]
        assert [(Decimal(str(p)), Decimal(str(s))) for p, s in book["asks"]] == truth.asks[:50]


async def test_ccxt_pro_hears_the_trades() -> None:
    async with opened() as (venue, exchange):
        await exchange.load_markets()
        waiting = asyncio.create_task(exchange.watch_trades(SYMBOL))
        while not waiting.done():
            venue.step(20)
            await asyncio.wait([waiting], timeout=0.02)
        heard = (await waiting)[0]
        printed = {trade.trade_id: trade for trade in venue.floor.markets["BTCUSDT"].trades}
        assert heard["price"] == float(printed[heard["id"]].price)


async def test_ccxt_pro_hears_its_orders_and_trades_over_the_sockets() -> None:
    async with opened() as (venue, exchange):
        await exchange.load_markets()
        await exchange.authenticate(venue.private_url)
        orders = asyncio.create_task(exchange.watch_orders(SYMBOL))
        fills = asyncio.create_task(exchange.watch_my_trades(SYMBOL))
        while not venue.subscribed("APIKEY", "order") or not venue.subscribed("APIKEY", "execution"):
            await asyncio.wait([orders, fills], timeout=0.005)
        placed = await exchange.create_order_ws(SYMBOL, "limit", "buy", 0.01, 64500, {"clientOrderId": "w1"})
        seen = (await asyncio.wait_for(orders, PATIENCE_S))[0]
        assert (seen["id"], seen["clientOrderId"], seen["status"]) == (placed["id"], "w1", "open")
        await exchange.edit_order_ws(placed["id"], SYMBOL, "limit", "buy", 0.02, 64400)
        await exchange.cancel_order_ws(placed["id"], SYMBOL)
        await exchange.create_order_ws(SYMBOL, "market", "sell", 0.01)
        mine = (await asyncio.wait_for(fills, PATIENCE_S))[0]
        assert (mine["side"], mine["amount"]) == ("sell", 0.01)
        assert venue.truth("APIKEY").positions["BTCUSDT"].size == Decimal("-0.010")
