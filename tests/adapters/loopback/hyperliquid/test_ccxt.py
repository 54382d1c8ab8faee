"""ccxt and ccxt.pro, unchanged but for their addresses, read and trade on the loopback Hyperliquid."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from adapters.loopback.hyperliquid.limits import RateLimits
from adapters.loopback.hyperliquid.venue import HyperliquidVenue
from tests.adapters.loopback.hyperliquid.hyperliquid_wire import ADDRESS, CUSTOMER, SECRET
from tests.later import Later
from tests.patience import PATIENCE_S

ccxt = Later("ccxt")
ccxt_pro = Later("ccxt.pro")

SYMBOL = "BTC/USDC:USDC"
KEYS = {
    "walletAddress": ADDRESS,
    "privateKey": SECRET,
    "enableRateLimit": False,
    "options": {"builderFee": False, "refSet": True},
}
CLOID = "0x00000000000000000000000000000009"


def pointed_at(exchange, venue: HyperliquidVenue):
    """The exchange with every address replaced by the venue's."""
    for name in ("public", "private"):
        exchange.urls["api"][name] = venue.rest_url
    if "ws" in exchange.urls["api"]:
        exchange.urls["api"]["ws"]["public"] = venue.public_url
    return exchange


@asynccontextmanager
async def opened():
    """A venue and ccxt.pro's client on it."""
    venue = HyperliquidVenue(seed=5, accounts=[CUSTOMER], rate_limits=RateLimits.off(), warm_up_steps=100)
    await venue.start()
    exchange = pointed_at(ccxt_pro.hyperliquid(KEYS), venue)
    try:
        await exchange.load_markets()
        yield venue, exchange
    finally:
        await exchange.close()
        await venue.stop()


def levels(side) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(str(price)), Decimal(str(size))) for price, size, *_ in side]


async def test_ccxt_loads_the_markets_and_reads_the_public_side() -> None:
    async with opened() as (venue, exchange):
        assert set(exchange.symbols) >= {SYMBOL, "ETH/USDC:USDC", "SOL/USDC:USDC"}
        market = exchange.markets[SYMBOL]
        assert (market["active"], market["precision"]["amount"], market["baseId"]) == (True, 0.00001, "0")
        truth = venue.books["BTC"]
        assert levels((await exchange.fetch_order_book(SYMBOL))["bids"]) == truth.bids[:20]
        assert (await exchange.fetch_ticker(SYMBOL))["last"] > 0
        assert (await exchange.fetch_ohlcv(SYMBOL, "1m"))[-1][4] > 0
        assert (await exchange.fetch_funding_rates([SYMBOL]))[SYMBOL]["fundingRate"] == 0.0000125
        assert abs(await exchange.fetch_time() - venue.clock()) < 5_000


async def test_ccxt_places_edits_cancels_and_sees_its_fills() -> None:
    async with opened() as (venue, exchange):
        placed = await exchange.create_order(
            SYMBOL, "limit", "buy", 0.01, 64_500, {"clientOrderId": CLOID, "postOnly": True}
        )
        edited = await exchange.edit_order(
            placed["id"], SYMBOL, "limit", "buy", 0.02, 64_600, {"clientOrderId": CLOID, "postOnly": True}
        )
        assert edited["id"] != placed["id"]
        (resting,) = await exchange.fetch_open_orders(SYMBOL)
        shown = [resting[name] for name in ("id", "clientOrderId", "price", "amount", "timeInForce")]
        assert shown == [edited["id"], CLOID, 64_600.0, 0.02, "ALO"]
        await exchange.cancel_order("", SYMBOL, {"clientOrderId": CLOID})
        assert (await exchange.fetch_order(edited["id"], SYMBOL))["status"] == "canceled"
        await exchange.create_order(SYMBOL, "market", "buy", 0.01, 65_000)
        mine = await exchange.fetch_my_trades(SYMBOL)
        assert sum(trade["amount"] for trade in mine) == pytest.approx(0.01)
        (position,) = await exchange.fetch_positions([SYMBOL])
        assert (position["side"], position["contracts"]) == ("long", 0.01)
        paid = sum(Decimal(str(trade["fee"]["cost"])) for trade in mine)
        total = Decimal(str((await exchange.fetch_balance())["USDC"]["total"]))
        assert total == 100_000 - paid + venue.floor.unrealized(venue.floor.desks[ADDRESS])


async def test_ccxt_knows_the_refusals_by_their_words_and_sends_batches() -> None:
    async with opened() as (venue, exchange):
        with pytest.raises(ccxt.InsufficientFunds):
            await exchange.create_order(SYMBOL, "limit", "buy", 100, 64_500)
        with pytest.raises(ccxt.InvalidOrder, match="Post only"):
            await exchange.create_order(SYMBOL, "limit", "buy", 0.01, 65_900, {"postOnly": True})
        with pytest.raises(ccxt.OrderNotFound):
            await exchange.cancel_order("1", SYMBOL)
        with pytest.raises(ccxt.OrderNotFound):
            await exchange.fetch_order("1", SYMBOL)
        stranger = pointed_at(ccxt_pro.hyperliquid(KEYS | {"privateKey": "0x" + "11" * 32}), venue)
        with pytest.raises(ccxt.InvalidOrder, match="does not exist"):
            await stranger.create_order(SYMBOL, "limit", "buy", 0.01, 64_500)
        await stranger.close()
        orders = [
            {"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": 0.01, "price": p} for p in (64_400, 64_300)
        ]
        placed = await exchange.create_orders(orders)
        assert sorted(order["id"] for order in placed) == sorted(
            o.order_id for o in venue.truth(ADDRESS).open_orders.values()
        )
        moved = [o | {"id": p["id"], "price": 64_200} for o, p in zip(orders, placed, strict=True)]
        edited = await exchange.edit_orders(moved)
        await exchange.cancel_orders([order["id"] for order in edited], SYMBOL)
        assert venue.truth(ADDRESS).open_orders == {}


async def test_ccxt_attaches_a_stop_and_a_take_profit_and_sets_leverage_and_a_deadline() -> None:
    async with opened() as (venue, exchange):
        attached = {"stopLoss": {"triggerPrice": 63_000}, "takeProfit": {"triggerPrice": 68_000}}
        await exchange.create_order(SYMBOL, "limit", "buy", 0.01, 64_500, attached)
        waiting = [order for order in await exchange.fetch_open_orders(SYMBOL) if order["triggerPrice"]]
        assert sorted(order["triggerPrice"] for order in waiting) == [63_000.0, 68_000.0]
        assert all(order["reduceOnly"] for order in waiting)
        await exchange.set_leverage(15, SYMBOL)
        assert venue.floor.desks[ADDRESS].book.position("BTC").leverage == 15
        assert (await exchange.cancel_all_orders_after(60_000))["status"] == "ok"
        await exchange.cancel_orders([order["id"] for order in await exchange.fetch_open_orders(SYMBOL)], SYMBOL)
        assert venue.truth(ADDRESS).open_orders == {}


async def test_ccxt_pro_keeps_its_book_equal_to_the_venues_at_every_event() -> None:
    async with opened() as (venue, exchange):
        await exchange.watch_order_book(SYMBOL)
        for _ in range(8):
            venue.step(50)
            book = await asyncio.wait_for(exchange.watch_order_book(SYMBOL), PATIENCE_S)
            truth = venue.books["BTC"]
            assert levels(book["bids"]) == truth.bids[:20]
            assert levels(book["asks"]) == truth.asks[:20]


async def test_ccxt_pro_hears_trades_tickers_and_candles() -> None:
    async with opened() as (venue, exchange):
        watched = {
            "trades": asyncio.create_task(exchange.watch_trades(SYMBOL)),
            "ticker": asyncio.create_task(exchange.watch_ticker(SYMBOL)),
            "candle": asyncio.create_task(exchange.watch_ohlcv(SYMBOL, "1m")),
        }
        await asyncio.wait_for(asyncio.gather(*watched.values()), PATIENCE_S)
        printed = {trade.trade_id: trade for trade in venue.floor.markets["BTC"].trades}
        heard = watched["trades"].result()[-1]
        assert heard["price"] == float(printed[heard["id"]].price)
        assert watched["ticker"].result()["last"] > 0
        assert watched["candle"].result()[-1][4] > 0


async def test_ccxt_pro_hears_its_orders_trades_and_money_and_enters_orders_over_the_socket() -> None:
    async with opened() as (venue, exchange):
        orders = asyncio.create_task(exchange.watch_orders(SYMBOL))
        fills = asyncio.create_task(exchange.watch_my_trades(SYMBOL))
        while not (venue.subscribed("orderUpdates") and venue.subscribed("userFills")):
            await asyncio.wait([orders, fills], timeout=0.005)
        placed = await exchange.create_order_ws(SYMBOL, "limit", "buy", 0.01, 64_500, {"clientOrderId": CLOID})
        (seen,) = await asyncio.wait_for(orders, PATIENCE_S)
        assert (seen["id"], seen["clientOrderId"], seen["status"]) == (placed["id"], CLOID, "open")
        edited = await exchange.edit_order_ws(placed["id"], SYMBOL, "limit", "buy", 0.02, 64_400)
        await exchange.cancel_order_ws(edited["id"], SYMBOL)
        assert venue.truth(ADDRESS).open_orders == {}
        await exchange.create_order_ws(SYMBOL, "market", "sell", 0.01, 65_000)
        mine = (await asyncio.wait_for(fills, PATIENCE_S))[-1]
        assert (mine["side"], mine["amount"]) == ("sell", 0.01)
        (position,) = await asyncio.wait_for(exchange.watch_positions([SYMBOL]), PATIENCE_S)
        assert position["side"] == "short"
        assert venue.truth(ADDRESS).positions["BTC"].size == Decimal("-0.01")
