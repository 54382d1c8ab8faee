"""ccxt and ccxt.pro, unchanged but for their addresses, read and trade on the loopback OKX."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from adapters.loopback.okx import OkxVenue, RateLimits
from adapters.loopback.orders import Kind, Side, Tif
from tests.adapters.loopback.okx.okx_wire import BTC, CONTRACT, CUSTOMER, ETH, KEY, PASSPHRASE, SPOT
from tests.later import Later
from tests.patience import PATIENCE_S

ccxt = Later("ccxt")
ccxt_pro = Later("ccxt.pro")

SYMBOL = "BTC/USDT:USDT"
KEYS = {"apiKey": KEY, "secret": "SECRET", "password": PASSPHRASE, "enableRateLimit": False}


def pointed_at(exchange, venue: OkxVenue):
    """The exchange with its addresses replaced by the venue's."""
    exchange.urls["api"] = {"rest": venue.rest_url, "ws": venue.public_url.rsplit("/", 1)[0]}
    exchange.has["fetchCurrencies"] = False
    return exchange


@asynccontextmanager
async def opened():
    """A venue and ccxt.pro's client on it."""
    venue = OkxVenue((BTC, ETH, SPOT), seed=5, accounts=[CUSTOMER], rate_limits=RateLimits.off(), warm_up_steps=100)
    await venue.start()
    exchange = pointed_at(ccxt_pro.okx(KEYS), venue)
    try:
        await exchange.load_markets()
        yield venue, exchange
    finally:
        await exchange.close()
        await venue.stop()


def levels(side, contract: Decimal = CONTRACT) -> list[tuple[Decimal, Decimal]]:
    """A book's side in base coin, as the venue's truth is."""
    return [(Decimal(str(price)), Decimal(str(size)) * contract) for price, size, *_ in side]


async def settled(venue: OkxVenue, channel: str, waiting: asyncio.Task) -> None:
    """Until the venue has taken note of a private subscription."""
    while not venue.subscribed(KEY, channel):
        await asyncio.wait([waiting], timeout=0.005)


async def test_ccxt_reads_the_public_side_trades_and_knows_the_refusals() -> None:
    async with opened() as (venue, exchange):
        await reads_the_public_side(venue, exchange)
        await places_edits_cancels_and_sees_its_fills(venue, exchange)
        await sends_batches_and_knows_the_refusals(venue, exchange)


async def reads_the_public_side(venue, exchange) -> None:
    market = exchange.market(SYMBOL)
    assert set(exchange.markets) == {SYMBOL, "ETH/USDT:USDT", "BTC/USDT"}
    assert (market["contractSize"], market["precision"]["price"], market["precision"]["amount"]) == (0.01, 0.1, 0.01)
    truth = venue.books[BTC]
    assert levels((await exchange.fetch_order_book(SYMBOL, 50))["bids"]) == truth.bids[:50]
    assert (await exchange.fetch_ticker(SYMBOL))["bid"] == float(truth.bids[0][0])
    assert (await exchange.fetch_tickers(["BTC/USDT:USDT"]))[SYMBOL]["last"] > 0
    assert len(await exchange.fetch_trades(SYMBOL, limit=10)) == 10
    assert (await exchange.fetch_ohlcv(SYMBOL, "1m"))[-1][4] > 0
    assert (await exchange.fetch_funding_rate(SYMBOL))["fundingRate"] == 0.0001
    assert (await exchange.fetch_mark_price(SYMBOL))["markPrice"] > 0
    assert (await exchange.fetch_open_interest(SYMBOL))["openInterestAmount"] > 0
    assert abs(await exchange.fetch_time() - exchange.milliseconds()) < 5_000
    assert levels((await exchange.fetch_order_book("BTC/USDT", 5))["asks"], Decimal(1)) == venue.books[SPOT].asks[:5]


async def places_edits_cancels_and_sees_its_fills(venue, exchange) -> None:
    order = await exchange.create_order(SYMBOL, "limit", "buy", 1, 64500, {"clOrdId": "c1", "postOnly": True})
    assert (await exchange.edit_order(order["id"], SYMBOL, "limit", "buy", 2, 64600))["id"] == order["id"]
    resting = await exchange.fetch_open_orders(SYMBOL)
    seen = [(o["clientOrderId"], o["price"], o["amount"], o["postOnly"], o["status"]) for o in resting]
    assert seen == [("c1", 64600.0, 2.0, True, "open")]
    await exchange.cancel_order(order["id"], SYMBOL)
    assert await exchange.fetch_open_orders(SYMBOL) == []
    assert (await exchange.fetch_order(order["id"], SYMBOL))["status"] == "canceled"
    await exchange.create_order(SYMBOL, "market", "buy", 3)
    mine = await exchange.fetch_my_trades(SYMBOL)
    assert sum(trade["amount"] for trade in mine) == pytest.approx(3)
    assert {trade["takerOrMaker"] for trade in mine} == {"taker"}
    position = (await exchange.fetch_positions([SYMBOL]))[0]
    assert (position["side"], position["contracts"]) == ("long", 3.0)
    paid = sum(Decimal(str(trade["fee"]["cost"])) for trade in mine)
    assert venue.truth(KEY).wallet == 100_000 - paid
    assert venue.truth(KEY).positions[BTC].size == 3 * CONTRACT
    marked = venue.floor.unrealized(venue.floor.desks[KEY])
    assert Decimal(str((await exchange.fetch_balance())["USDT"]["total"])) == 100_000 - paid + marked
    closed = await exchange.fetch_closed_orders(SYMBOL)
    assert [(o["status"], o["filled"]) for o in closed] == [("closed", 3.0)]
    assert (await exchange.fetch_ledger("USDT", params={"type": "swap"}))[-1]["type"] == "trade"
    await exchange.set_leverage(20, SYMBOL, {"marginMode": "cross"})
    assert (await exchange.fetch_leverage(SYMBOL, {"marginMode": "cross"}))["longLeverage"] == 20


async def sends_batches_and_knows_the_refusals(venue, exchange) -> None:
    with pytest.raises(ccxt.InsufficientFunds, match="51008"):
        await exchange.create_order(SYMBOL, "limit", "buy", 100_000, 64500)
    with pytest.raises(ccxt.OrderNotFound, match="51400"):
        await exchange.cancel_order("1", SYMBOL)
    with pytest.raises(ccxt.InvalidOrder, match="51137"):
        await exchange.create_order(SYMBOL, "limit", "buy", 1, 99_000)
    with pytest.raises(ccxt.AuthenticationError, match="50113"):
        await wrong_secret(venue)
    batch = [{"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": size, "price": 64400} for size in (1, 99999)]
    placed = await exchange.create_orders(batch)
    assert [o["info"]["sCode"] for o in placed] == ["0", "51008"]
    amended = await exchange.edit_orders(
        [{"id": placed[0]["id"], "symbol": SYMBOL, "type": "limit", "side": "buy", "amount": 2, "price": 64300}]
    )
    assert amended[0]["info"]["sCode"] == "0"
    assert venue.truth(KEY).open_orders[placed[0]["clientOrderId"]].size == 2 * CONTRACT
    await exchange.cancel_orders([placed[0]["id"]], SYMBOL)
    assert venue.truth(KEY).open_orders == {}
    assert int((await exchange.cancel_all_orders_after(10_000))["data"][0]["triggerTime"]) > 0


async def wrong_secret(venue) -> None:
    other = pointed_at(ccxt_pro.okx(KEYS | {"secret": "wrong"}), venue)
    try:
        await other.fetch_balance()
    finally:
        await other.close()


async def test_ccxt_pro_keeps_its_book_equal_to_the_venues_and_hears_the_public_side() -> None:
    async with opened() as (venue, exchange):
        await exchange.watch_order_book(SYMBOL)
        for _ in range(6):
            venue.step(50)
            book = await asyncio.wait_for(exchange.watch_order_book(SYMBOL), PATIENCE_S)
            assert levels(book["bids"]) == venue.books[BTC].bids
            assert levels(book["asks"]) == venue.books[BTC].asks
        trades = asyncio.create_task(exchange.watch_trades(SYMBOL))
        candles = asyncio.create_task(exchange.watch_ohlcv(SYMBOL, "1m"))
        tickers = asyncio.create_task(exchange.watch_ticker(SYMBOL))
        marks = asyncio.create_task(exchange.watch_mark_price(SYMBOL))
        rates = asyncio.create_task(exchange.watch_funding_rate(SYMBOL))
        forced = asyncio.create_task(exchange.watch_liquidations_for_symbols([SYMBOL]))
        waiting = [trades, candles, tickers, marks, rates, forced]
        while not all(task.done() for task in waiting):
            venue.step(20)
            close_out(venue)
            await asyncio.wait(waiting, timeout=0.02)
        assert marks.result()["markPrice"] > 0
        assert rates.result()["fundingRate"] == 0.0001
        assert forced.result()[0]["contracts"] == 1
        heard = trades.result()[0]
        printed = {trade.trade_id: trade for trade in venue.floor.markets[BTC].trades}
        assert heard["price"] == float(printed[heard["id"]].price)
        assert candles.result()[-1][4] > 0
        assert tickers.result()["last"] > 0


def close_out(venue) -> None:
    """Somebody's position of one contract is taken over."""
    now_ms = venue.floor.markets[BTC].engine.last_ms
    venue.floor.street(BTC, Side.SELL, Kind.MARKET, Tif.IOC, Decimal(0), CONTRACT, now_ms, liquidates=True)


async def test_ccxt_pro_hears_its_account_and_enters_orders_over_the_socket() -> None:
    async with opened() as (venue, exchange):
        orders = asyncio.create_task(exchange.watch_orders(SYMBOL))
        fills = asyncio.create_task(exchange.watch_my_trades(SYMBOL))
        positions = asyncio.create_task(exchange.watch_positions([SYMBOL]))
        await settled(venue, "orders", orders)
        await settled(venue, "positions", positions)
        placed = await exchange.create_order_ws(SYMBOL, "limit", "buy", 1, 64500, {"clOrdId": "w1"})
        seen = (await asyncio.wait_for(orders, PATIENCE_S))[-1]
        assert (seen["id"], seen["clientOrderId"], seen["status"]) == (placed["id"], "w1", "open")
        await exchange.edit_order_ws(placed["id"], SYMBOL, "limit", "buy", 2, 64400)
        assert venue.truth(KEY).open_orders["w1"].size == 2 * CONTRACT
        await exchange.cancel_order_ws(placed["id"], SYMBOL)
        assert venue.truth(KEY).open_orders == {}
        assert await positions == []  # the snapshot
        changed = asyncio.create_task(exchange.watch_positions([SYMBOL]))
        await exchange.create_order_ws(SYMBOL, "market", "sell", 1)
        mine = (await asyncio.wait_for(fills, PATIENCE_S))[-1]
        assert (mine["side"], mine["amount"], mine["takerOrMaker"]) == ("sell", 1.0, "taker")
        held = (await asyncio.wait_for(changed, PATIENCE_S))[-1]
        assert (held["side"], held["contracts"]) == ("short", 1.0)
        with pytest.raises(ccxt.ExchangeError, match="51008"):
            await exchange.create_order_ws(SYMBOL, "limit", "buy", 100_000, 64500)
        balance = await asyncio.wait_for(exchange.watch_balance(), PATIENCE_S)
        assert balance["USDT"]["total"] > 99_000
