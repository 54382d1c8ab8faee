"""OKX's own Python SDK reads and trades on the loopback venue, over REST and over its sockets."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal

import pytest
import websockets
from okx.Account import AccountAPI
from okx.MarketData import MarketAPI
from okx.PublicData import PublicAPI
from okx.Trade import TradeAPI
from okx.websocket.WsPrivateAsync import WsPrivateAsync
from okx.websocket.WsPublicAsync import WsPublicAsync

from tests.adapters.loopback.okx.okx_wire import BTC, BTC_CODE, CONTRACT, KEY, PASSPHRASE, SECRET, coded, order
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload raw:DeprecationWarning")
LIMIT = {"instId": BTC, "tdMode": "cross", "side": "buy", "ordType": "limit", "sz": "1", "px": "64500"}


class Sdk:
    """The four parts of the SDK on one venue."""

    def __init__(self, url: str, secret: str = SECRET, passphrase: str = PASSPHRASE) -> None:
        keys = (KEY, secret, passphrase)
        self.trade, self.account = TradeAPI(*keys, domain=url), AccountAPI(*keys, domain=url)
        self.market, self.public = MarketAPI(domain=url), PublicAPI(domain=url)

    def close(self) -> None:
        for part in (self.trade, self.account, self.market, self.public):
            part.close()


@contextmanager
def speaking(url: str, **keys):
    sdk = Sdk(url, **keys)
    try:
        yield sdk
    finally:
        sdk.close()


@pytest.fixture
def sdk(threaded):
    with speaking(threaded.venue.rest_url) as speaker:
        yield speaker


def rows(answer: dict) -> list:
    """The data of an answer that must be a success."""
    assert answer["code"] == "0", answer
    return answer["data"]


PUBLIC = [
    ("public", "get_instruments", {"instType": "SWAP"}),
    ("public", "get_instruments", {"instType": "SWAP", "instId": BTC}),
    ("public", "get_system_time", {}),
    ("public", "get_mark_price", {"instType": "SWAP"}),
    ("public", "get_funding_rate", {"instId": BTC}),
    ("public", "funding_rate_history", {"instId": BTC}),
    ("public", "get_open_interest", {"instType": "SWAP", "instId": BTC}),
    ("public", "get_price_limit", {"instId": BTC}),
    ("public", "get_underlying", {"instType": "SWAP"}),
    ("public", "get_position_tiers", {"instType": "SWAP", "tdMode": "cross", "instFamily": "BTC-USDT"}),
    ("market", "get_tickers", {"instType": "SWAP"}),
    ("market", "get_ticker", {"instId": BTC}),
    ("market", "get_index_tickers", {"instId": "BTC-USDT"}),
    ("market", "get_index_tickers", {"quoteCcy": "USDT"}),
    ("market", "get_candlesticks", {"instId": BTC, "bar": "1m"}),
    ("market", "get_history_candlesticks", {"instId": BTC, "bar": "1m"}),
    ("market", "get_index_candlesticks", {"instId": "BTC-USDT"}),
    ("market", "get_mark_price_candlesticks", {"instId": BTC, "bar": "1Dutc"}),
    ("market", "get_trades", {"instId": BTC, "limit": "10"}),
    ("market", "get_history_trades", {"instId": BTC, "limit": "10"}),
]
PRIVATE = [
    ("account", "get_account_balance", {"ccy": "USDT"}),
    ("account", "get_positions", {"instType": "SWAP"}),
    ("account", "get_account_bills", {"type": "8"}),
    ("account", "get_account_bills_archive", {"instType": "SWAP"}),
    ("account", "get_account_config", {}),
    ("account", "get_instruments", {"instType": "SWAP"}),
    ("account", "get_max_order_size", {"instId": BTC, "tdMode": "cross"}),
    ("account", "get_max_avail_size", {"instId": BTC, "tdMode": "cross"}),
    ("account", "get_leverage", {"mgnMode": "cross", "instId": BTC}),
    ("account", "set_leverage", {"lever": "20", "mgnMode": "cross", "instId": BTC}),
    ("account", "get_fee_rates", {"instType": "SWAP"}),
    ("trade", "get_order_list", {"instType": "SWAP"}),
    ("trade", "get_orders_history", {"instType": "SWAP"}),
    ("trade", "get_orders_history_archive", {"instType": "SWAP"}),
    ("trade", "get_fills", {"instId": BTC}),
    ("trade", "get_fills_history", {"instType": "SWAP"}),
]


def test_every_call_is_answered_with_rows(threaded, sdk) -> None:
    rows(sdk.trade.place_order(**LIMIT))
    rows(sdk.trade.place_order(**LIMIT | {"side": "sell", "ordType": "market", "px": "", "sz": "3"}))
    threaded.call(lambda venue: venue.floor.fund(BTC, time.time_ns() // 1_000_000))
    for part, name, fields in PUBLIC + PRIVATE:
        assert rows(getattr(getattr(sdk, part), name)(**fields)), name
    truth = threaded.call(lambda venue: venue.books[BTC])
    book = rows(sdk.market.get_orderbook(BTC, "20"))[0]
    assert [(Decimal(p), Decimal(s) * CONTRACT) for p, s, _, _ in book["bids"]] == truth.bids[:20]
    funding = rows(sdk.account.get_account_bills(type="8"))[0]
    assert Decimal(funding["balChg"]) == threaded.call(lambda venue: venue.truth(KEY)).funding > 0


def test_an_order_is_placed_amended_asked_for_and_cancelled(sdk) -> None:
    placed = rows(sdk.trade.place_order(**LIMIT | {"ordType": "post_only"}, clOrdId="s1", tag="t1"))[0]
    amended = rows(sdk.trade.amend_order(BTC, clOrdId="s1", newSz="2", newPx="64600", reqId="q1"))[0]
    assert (amended["ordId"], amended["reqId"]) == (placed["ordId"], "q1")
    asked = rows(sdk.trade.get_order(BTC, ordId=placed["ordId"]))[0]
    assert [asked[k] for k in ("clOrdId", "px", "sz", "state", "tag")] == ["s1", "64600", "2", "live", "t1"]
    assert rows(sdk.trade.get_order_list(instId=BTC, state="live")) == [asked]
    rows(sdk.trade.cancel_order(BTC, ordId=placed["ordId"]))
    assert rows(sdk.trade.get_order(BTC, clOrdId="s1"))[0]["state"] == "canceled"
    gone = sdk.trade.cancel_order(BTC, ordId=placed["ordId"])
    assert (gone["code"], gone["data"][0]["sCode"]) == ("1", "51400")


def test_a_market_order_makes_fills_a_position_and_a_fee_that_is_negative(threaded, sdk) -> None:
    rows(sdk.trade.place_order(**LIMIT | {"ordType": "market", "px": "", "sz": "2.5"}))
    fills = rows(sdk.trade.get_fills(instType="SWAP"))
    assert sum(Decimal(fill["fillSz"]) for fill in fills) == Decimal("2.5")
    paid = sum(Decimal(fill["fee"]) for fill in fills)
    assert paid < 0
    held = rows(sdk.account.get_positions(instId=BTC))[0]
    assert (held["pos"], Decimal(held["fee"]), held["mgnMode"], held["posSide"]) == ("2.5", paid, "cross", "net")
    cash = Decimal(rows(sdk.account.get_account_balance())[0]["details"][0]["cashBal"])
    assert cash == 100_000 + paid == threaded.call(lambda venue: venue.truth(KEY)).wallet
    assert rows(sdk.trade.close_positions(BTC, "cross"))[0]["instId"] == BTC
    assert rows(sdk.account.get_positions(instType="SWAP")) == []


def test_a_batch_answers_each_item_for_itself(sdk) -> None:
    answer = sdk.trade.place_multiple_orders([order(clOrdId="b1"), order(clOrdId="b-2"), order(clOrdId="b3")])
    assert (answer["code"], [item["sCode"] for item in answer["data"]]) == ("2", ["0", "51000", "0"])
    change = [{"instId": BTC, "clOrdId": name, "newSz": "2"} for name in ("b1", "b3")]
    assert [item["clOrdId"] for item in rows(sdk.trade.amend_multiple_orders(change))] == ["b1", "b3"]
    answer = sdk.trade.cancel_multiple_orders([{"instId": BTC, "clOrdId": name} for name in ("b1", "b2")])
    assert (answer["code"], [item["sCode"] for item in answer["data"]]) == ("2", ["0", "51400"])
    assert [row["clOrdId"] for row in rows(sdk.trade.get_order_list())] == ["b3"]


@pytest.mark.parametrize(
    ("keys", "code"),
    [({"secret": "wrong"}, "50113"), ({"passphrase": "wrong"}, "50105")],
    ids=["a wrong secret", "a wrong passphrase"],
)
def test_an_intruder_is_refused(threaded, keys, code) -> None:
    with speaking(threaded.venue.rest_url, **keys) as other:
        assert other.account.get_account_balance()["code"] == code


class Plain:
    """Opens the SDK's connection; its own factory insists on TLS."""

    def __init__(self, url: str) -> None:
        self._url, self.socket = url, None

    async def connect(self):
        self.socket = await websockets.connect(self._url)
        return self.socket

    async def close(self) -> None:
        await self.socket.close()


class Ear:
    """What the SDK's callback is given, in order."""

    def __init__(self) -> None:
        self._heard: asyncio.Queue[str] = asyncio.Queue()

    def __call__(self, message: str) -> None:
        self._heard.put_nowait(message)

    async def until(self, fits) -> dict:
        while True:
            message = json.loads(await asyncio.wait_for(self._heard.get(), PATIENCE_S))
            if fits(message):
                return message

    async def data(self, channel: str) -> dict:
        return await self.until(lambda m: m.get("arg", {}).get("channel") == channel and "data" in m)

    async def answer(self, op: str) -> dict:
        return await self.until(lambda m: m.get("op") == op)


@asynccontextmanager
async def connected(client, url: str):
    client.factory = Plain(url)
    consuming = await client.start()
    try:
        yield client
    finally:
        await client.stop()
        await consuming


async def test_its_sockets_hear_the_market_and_enter_orders_one_by_one_and_in_batches(threaded) -> None:
    venue, ear, own = threaded.venue, Ear(), Ear()
    public, private = WsPublicAsync(venue.public_url), WsPrivateAsync(KEY, PASSPHRASE, SECRET, venue.private_url)
    async with connected(public, venue.public_url), connected(private, venue.private_url):
        await public.subscribe([{"channel": name, "instId": BTC} for name in ("books", "trades", "tickers")], ear)
        assert (await ear.data("books"))["action"] == "snapshot"
        await asyncio.to_thread(threaded.call, lambda v: v.step(200))
        assert (await ear.data("trades"))["data"][0]["instId"] == BTC
        private.callback = own
        await private.login()
        await own.until(lambda message: message.get("event") == "login")
        await private.send("subscribe", [{"channel": "orders", "instType": "SWAP"}])
        await private.place_order([coded(clOrdId="w1")], id="1")
        assert (await own.data("orders"))["data"][0]["state"] == "live"
        assert (await own.answer("order"))["data"][0]["sCode"] == "0"
        change = {"instIdCode": BTC_CODE, "clOrdId": "w1", "newPx": "64400", "reqId": "q1"}
        await private.amend_order([change], id="2")
        amended = (await own.data("orders"))["data"][0]
        assert [amended[k] for k in ("reqId", "amendResult", "px")] == ["q1", "0", "64400"]
        await private.batch_orders([coded(clOrdId="w2"), coded(clOrdId="w3", sz="0")], id="3")
        assert [item["sCode"] for item in (await own.answer("batch-orders"))["data"]] == ["0", "51000"]
        await private.batch_amend_orders([change | {"newPx": "64300"}], id="4")
        assert (await own.answer("batch-amend-orders"))["code"] == "0"
        await private.cancel_order([{"instIdCode": BTC_CODE, "clOrdId": "w1"}], id="5")
        assert (await own.answer("cancel-order"))["code"] == "0"
        await private.batch_cancel_orders([{"instIdCode": BTC_CODE, "clOrdId": name} for name in ("w1", "w2")], id="6")
        assert [item["sCode"] for item in (await own.answer("batch-cancel-orders"))["data"]] == ["51400", "0"]
    assert threaded.call(lambda v: v.truth(KEY)).open_orders == {}
