"""ccxt and ccxt.pro, unchanged but for their addresses, read and trade on the loopback Binance."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from adapters.loopback.binance import BinanceVenue, RateLimits
from tests.adapters.loopback.binance.binance_wire import CUSTOMER, KEY
from tests.later import Later
from tests.patience import PATIENCE_S

ccxt = Later("ccxt")
ccxt_pro = Later("ccxt.pro")

SYMBOL = "BTC/USDT:USDT"
KEYS = {"apiKey": "APIKEY", "secret": "SECRET", "enableRateLimit": False}
VERSIONS = {"V2": "v2", "V3": "v3"}


def pointed_at(exchange, venue: BinanceVenue):
    """The exchange with every address of the futures and of spot replaced by the venue's."""
    api = exchange.urls["api"]
    for name in [name for name in api if name.startswith("fapi")]:
        api[name] = f"{venue.rest_url}/fapi/{VERSIONS.get(name[-2:], 'v1')}"
    api["public"] = f"{venue.rest_url}/api/v3"
    if "ws" in api:
        api["ws"] |= {"linear": f"{venue.stream_url}/ws", "spot": f"{venue.stream_url}/stream"}
        api["ws"]["ws-api"]["linear"] = venue.trade_url
    exchange.has["fetchCurrencies"] = False
    return exchange


@asynccontextmanager
async def opened():
    """A venue and ccxt.pro's client on it."""
    venue = BinanceVenue(("BTCUSDT", "ETHUSDT"), seed=5, accounts=[CUSTOMER], rate_limits=RateLimits.off())
    await venue.start()
    exchange = pointed_at(ccxt_pro.binanceusdm(KEYS), venue)
    try:
        await exchange.load_markets()
        yield venue, exchange
    finally:
        await exchange.close()
        await venue.stop()


def levels(side) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(str(price)), Decimal(str(size))) for price, size, *_ in side]


def test_ccxt_loads_the_markets_and_reads_the_public_side(threaded) -> None:
    exchange = pointed_at(ccxt.binanceusdm(KEYS), threaded.venue)
    markets = exchange.load_markets()
    assert set(markets) == {"BTC/USDT:USDT", "ETH/USDT:USDT"}
    assert (markets[SYMBOL]["precision"]["price"], markets[SYMBOL]["precision"]["amount"]) == (0.1, 0.001)
    truth = threaded.call(lambda venue: venue.books["BTCUSDT"])
    assert levels(exchange.fetch_order_book(SYMBOL, 50)["bids"]) == truth.bids[:50]
    assert exchange.fetch_bids_asks([SYMBOL])[SYMBOL]["bid"] == float(truth.bids[0][0])
    assert exchange.fetch_ticker(SYMBOL)["last"] > 0
    assert len(exchange.fetch_trades(SYMBOL, limit=10)) == 10
    assert exchange.fetch_ohlcv(SYMBOL, "1m")[-1][4] > 0
    assert exchange.fetch_funding_rate(SYMBOL)["fundingRate"] == 0.0001
    assert abs(exchange.fetch_time() - exchange.milliseconds()) < 5_000


def test_ccxt_places_edits_cancels_and_sees_its_fills(threaded) -> None:
    exchange = pointed_at(ccxt.binanceusdm(KEYS), threaded.venue)
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
    assert [o["status"] for o in exchange.fetch_orders(SYMBOL)] == ["canceled"]
    exchange.create_order(SYMBOL, "market", "buy", 0.01)
    mine = exchange.fetch_my_trades(SYMBOL)
    assert sum(trade["amount"] for trade in mine) == pytest.approx(0.01)
    position = exchange.fetch_positions([SYMBOL])[0]
    assert (position["side"], position["contracts"]) == ("long", 0.01)
    paid = sum(Decimal(str(trade["fee"]["cost"])) for trade in mine)
    marked = threaded.call(lambda v: v.floor.unrealized(v.floor.desks[KEY]))
    assert Decimal(str(exchange.fetch_balance()["USDT"]["total"])) == Decimal(100_000) - paid + marked


def test_ccxt_knows_the_refusals_by_their_codes_and_sends_batches(threaded) -> None:
    exchange = pointed_at(ccxt.binanceusdm(KEYS), threaded.venue)
    exchange.load_markets()
    with pytest.raises(ccxt.ExchangeError, match="-2019"):
        exchange.create_order(SYMBOL, "limit", "buy", 1000, 64500)
    with pytest.raises(ccxt.InvalidOrder, match="-5022"):
        exchange.create_order(SYMBOL, "limit", "buy", 0.01, 65100, {"postOnly": True})
    with pytest.raises(ccxt.OrderNotFound):
        exchange.cancel_order("1", SYMBOL)
    with pytest.raises(ccxt.AuthenticationError):
        pointed_at(ccxt.binanceusdm(KEYS | {"secret": "wrong"}), threaded.venue).fetch_balance()
    batch = [
        {"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": size, "price": 64400} for size in (0.001, 99999)
    ]
    assert sorted(o["status"] for o in exchange.create_orders(batch)) == ["open", "rejected"]
    exchange.cancel_all_orders(SYMBOL)
    assert threaded.call(lambda venue: venue.truth(KEY)).open_orders == {}


async def test_ccxt_pro_keeps_its_book_equal_to_the_venues_at_every_event() -> None:
    async with opened() as (venue, exchange):
        await exchange.watch_order_book(SYMBOL)
        for _ in range(8):
            venue.step(50)
            book = await asyncio.wait_for(exchange.watch_order_book(SYMBOL), PATIENCE_S)
            truth = venue.books["BTCUSDT"]
            assert levels(book["bids"]) == truth.bids
            assert levels(book["asks"]) == truth.asks


async def test_ccxt_pro_hears_the_trades() -> None:
    async with opened() as (venue, exchange):
        waiting = asyncio.create_task(exchange.watch_trades(SYMBOL))
        while not waiting.done():
            venue.step(20)
            await asyncio.wait([waiting], timeout=0.02)
        heard = (await waiting)[0]
        printed = {trade.trade_id: trade for trade in venue.floor.markets["BTCUSDT"].trades}
        assert heard["price"] == float(printed[heard["id"]].price)


async def test_ccxt_pro_hears_its_orders_and_trades_and_enters_orders_over_the_socket() -> None:
    async with opened() as (venue, exchange):
        orders = asyncio.create_task(exchange.watch_orders(SYMBOL))
        fills = asyncio.create_task(exchange.watch_my_trades(SYMBOL))
        while not venue.subscribed(KEY):
            await asyncio.wait([orders, fills], timeout=0.005)
        placed = await exchange.create_order_ws(SYMBOL, "limit", "buy", 0.01, 64500, {"clientOrderId": "w1"})
        seen = (await asyncio.wait_for(orders, PATIENCE_S))[0]
        assert (seen["id"], seen["clientOrderId"], seen["status"]) == (placed["id"], "w1", "open")
        edited = await exchange.edit_order_ws(placed["id"], SYMBOL, "limit", "buy", 0.02, 64400)
        assert (edited["price"], edited["amount"]) == (64400.0, 0.02)
        gone = await exchange.cancel_order_ws(placed["id"], SYMBOL)
        assert gone["status"] == "canceled"
        await exchange.create_order_ws(SYMBOL, "market", "sell", 0.01)
        mine = (await asyncio.wait_for(fills, PATIENCE_S))[0]
        assert (mine["side"], mine["amount"]) == ("sell", 0.01)
        assert venue.truth(KEY).positions["BTCUSDT"].size == Decimal("-0.010")


async def test_ccxt_pro_keeps_the_book_of_spot_too() -> None:
    venue = BinanceVenue(("BTCUSDT",), seed=5, rate_limits=RateLimits.off(), spot=True)
    await venue.start()
    exchange = pointed_at(
        ccxt_pro.binance({"options": {"fetchMarkets": {"types": ["spot"]}, "fetchMargins": False}}), venue
    )
    try:
        assert set(await exchange.load_markets()) == {"BTC/USDT"}
        await exchange.watch_order_book("BTC/USDT")
        for _ in range(5):
            venue.step(50)
            book = await asyncio.wait_for(exchange.watch_order_book("BTC/USDT"), PATIENCE_S)
            assert levels(book["bids"]) == venue.books["BTCUSDT"].bids
        assert (await exchange.fetch_trades("BTC/USDT"))[-1]["price"] > 0
        assert len(await exchange.fetch_ohlcv("BTC/USDT", "1m")) > 1
    finally:
        await exchange.close()
        await venue.stop()
