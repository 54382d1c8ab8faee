"""The sockets of the loopback Bybit: sequences, answers in each socket's own form, and the dead man's switch."""

from __future__ import annotations

import time

import pytest

from adapters.loopback.orders import ZERO, Kind, Side, Tif
from tests.adapters.loopback.bybit_wire import KEY, Client, started


async def test_u_rises_by_one_seq_rises_and_the_deltas_make_the_book() -> None:
    async with started(seed=3) as client:
        public = await client.open(client.venue.public_url)
        await public.subscribe("orderbook.200.BTCUSDT")
        first = await public.hear("orderbook.200.BTCUSDT")
        assert first["type"] == "snapshot"
        book = {side: dict(first["data"][side]) for side in "ba"}
        u, seq = first["data"]["u"], first["data"]["seq"]
        for _ in range(20):
            client.venue.step(10)
            frame = await public.hear("orderbook.200.BTCUSDT")
            assert (frame["type"], frame["data"]["u"]) == ("delta", u + 1)
            assert frame["data"]["seq"] > seq
            u, seq = frame["data"]["u"], frame["data"]["seq"]
            for side in "ba":
                for price, size in frame["data"][side]:
                    if size == "0":
                        del book[side][price]
                    else:
                        book[side][price] = size
        truth = client.venue.books["BTCUSDT"]
        assert book["b"] == {str(p): str(s) for p, s in truth.bids[:200]}
        assert book["a"] == {str(p): str(s) for p, s in truth.asks[:200]}


async def test_a_second_subscriber_gets_a_snapshot_that_the_next_delta_continues() -> None:
    async with started(seed=3) as client:
        old, new = await client.open(client.venue.public_url), await client.open(client.venue.public_url)
        topic = "orderbook.50.BTCUSDT"
        await old.subscribe(topic)
        await old.hear(topic)
        client.venue.step(5)
        await new.subscribe(topic)
        fresh = await new.hear(topic)
        client.venue.step(5)
        delta = await new.hear(topic)
        assert (fresh["type"], delta["type"], delta["data"]["u"]) == ("snapshot", "delta", fresh["data"]["u"] + 1)


async def test_resubscribing_brings_a_fresh_snapshot() -> None:
    async with started(seed=3) as client:
        public, topic = await client.open(client.venue.public_url), "orderbook.50.BTCUSDT"
        await public.subscribe(topic)
        await public.hear(topic)
        await public.say(op="unsubscribe", args=[topic])
        assert (await public.hear("unsubscribe"))["success"] is True
        client.venue.step(20)
        await public.subscribe(topic)
        fresh, truth = await public.hear(topic), client.venue.books["BTCUSDT"]
        assert fresh["type"] == "snapshot"
        assert fresh["data"]["b"] == [[str(p), str(s)] for p, s in truth.bids[:50]]


async def test_depth_one_says_snapshots_only_and_repeats_itself_after_three_seconds() -> None:
    now_ms = int(time.time() * 1000)
    async with started(seed=3, clock=lambda: now_ms) as client:
        public, topic = await client.open(client.venue.public_url), "orderbook.1.BTCUSDT"
        await public.subscribe(topic)
        first = await public.hear(topic)
        now_ms += 3_001
        again = await public.hear(topic)
        assert (again["type"], again["data"]) == ("snapshot", first["data"])


async def test_a_ticker_is_a_snapshot_and_then_only_what_changed() -> None:
    async with started(seed=3) as client:
        public, topic = await client.open(client.venue.public_url), "tickers.BTCUSDT"
        await public.subscribe(topic)
        merged = (first := await public.hear(topic))["data"]
        assert first["type"] == "snapshot"
        for _ in range(5):
            client.venue.step(30)
            delta = await public.hear(topic)
            assert delta["type"] == "delta"
            assert len(delta["data"]) < len(merged)
            assert ("bid1Price" in delta["data"]) == ("bid1Size" in delta["data"])
            merged |= delta["data"]
        truth = client.venue.books["BTCUSDT"]
        assert (merged["bid1Price"], merged["ask1Price"]) == (str(truth.bids[0][0]), str(truth.asks[0][0]))


async def test_a_candle_closes_with_confirm_and_the_next_begins() -> None:
    now_ms = 1_754_000_010_000
    async with started(seed=3, clock=lambda: now_ms) as client:
        public, topic = await client.open(client.venue.public_url), "kline.1.BTCUSDT"
        await public.subscribe(topic)
        making = (await public.hear(topic))["data"][0]
        assert (making["confirm"], making["end"]) == (False, making["start"] + 59_999)
        now_ms = making["end"] + 1
        closed, fresh = (await public.hear(topic))["data"]
        assert (closed["start"], closed["confirm"]) == (making["start"], True)
        assert (fresh["start"], fresh["confirm"], fresh["open"]) == (making["end"] + 1, False, closed["close"])


PUBLIC_REFUSALS = [
    ("a depth that is not", ["orderbook.7.BTCUSDT"], "error:handler not found,topic:orderbook.7.BTCUSDT"),
    ("an unknown symbol", ["tickers.NOPE"], "error:handler not found,topic:tickers.NOPE"),
    ("an unknown interval", ["kline.2.BTCUSDT"], "error:handler not found,topic:kline.2.BTCUSDT"),
    ("one bad among good", ["tickers.BTCUSDT", "x"], "error:handler not found,topic:x"),
]


@pytest.mark.parametrize(("topics", "words"), [r[1:] for r in PUBLIC_REFUSALS], ids=[r[0] for r in PUBLIC_REFUSALS])
async def test_a_bad_topic_fails_the_whole_request(topics, words) -> None:
    async with started() as client:
        public = await client.open(client.venue.public_url)
        answer = await public.subscribe(*topics)
        assert (answer["success"], answer["ret_msg"]) == (False, words)


async def test_each_socket_answers_a_ping_in_its_own_form() -> None:
    async with started() as client:
        public = await client.open(client.venue.public_url)
        await public.say(op="ping", req_id="7")
        pong = await public.hear()
        assert (pong["op"], pong["ret_msg"], pong["req_id"], pong["success"]) == ("ping", "pong", "7", True)
        private = await client.open(client.venue.private_url)
        await private.say(op="ping", req_id="8")
        pong = await private.hear()
        assert (pong["op"], pong["req_id"], len(pong["args"])) == ("pong", "8", 1)
        trade = await client.open(client.venue.trade_url)
        await trade.say(op="ping")
        pong = await trade.hear()
        assert (pong["op"], pong["retCode"], len(pong["data"])) == ("pong", 0, 1)


async def test_the_public_socket_names_what_it_does_not_understand() -> None:
    async with started() as client:
        public = await client.open(client.venue.public_url)
        await public.raw.send_str("{")
        assert (await public.hear())["ret_msg"] == "error:invalid json"
        await public.say(op="dance")
        assert (await public.hear())["ret_msg"] == "error:invalid op"
        await public.subscribe("tickers.ETHUSDT")
        again = await public.subscribe("tickers.ETHUSDT")
        assert again["ret_msg"] == "error:already subscribed,topic:tickers.ETHUSDT"


async def test_private_topics_need_a_login_and_must_not_be_mixed() -> None:
    async with started() as client:
        private = await client.open(client.venue.private_url)
        assert (await private.subscribe("order"))["success"] is False
        await private.say(op="auth", args=[KEY, 1, "bad"])
        assert (await private.hear("auth"))["success"] is False
        assert (await private.authenticate())["success"] is True
        assert (await private.subscribe("order", "execution.linear"))["success"] is True
        assert (await private.subscribe("order.linear"))["success"] is False
        assert (await private.subscribe("nonsense"))["success"] is False


async def test_a_fast_execution_names_no_client_id_on_a_makers_fill() -> None:
    async with started() as client:
        private = await client.open(client.venue.private_url)
        await private.authenticate()
        await private.subscribe("execution.fast.linear")
        await client.place("take", orderType="Market")
        fast = (await private.hear("execution.fast.linear"))["data"][0]
        assert (fast["orderLinkId"], fast["isMaker"]) == ("take", False)
        best = client.venue.books["BTCUSDT"]
        inside = best.asks[0][0] - client.venue.floor.markets["BTCUSDT"].contract.tick
        await client.place("make", price=str(max(inside, best.bids[0][0])), qty="0.001")
        now_ms = int(time.time() * 1000)
        client.venue.floor.street("BTCUSDT", Side.SELL, Kind.MARKET, Tif.IOC, ZERO, 10 * best.bids[0][1], now_ms)
        fast = (await private.hear("execution.fast.linear"))["data"][0]
        assert (fast["orderLinkId"], fast["isMaker"]) == ("", True)


async def trade_socket(client: Client):
    trade = await client.open(client.venue.trade_url)
    assert (await trade.authenticate())["retCode"] == 0
    return trade


def create(request_id: str, at_ms: int | None = None, **fields) -> dict:
    order = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.001"}
    stamp = str(at_ms if at_ms is not None else int(time.time() * 1000))
    return {
        "reqId": request_id,
        "header": {"X-BAPI-TIMESTAMP": stamp, "X-BAPI-RECV-WINDOW": "5000"},
        "op": "order.create",
        "args": [order | {"price": "64500.00"} | fields],
    }


TRADE_REFUSALS = [
    ("an unknown operation", lambda: create("1") | {"op": "order.cancel-all"}, 10404),
    ("a stale timestamp", lambda: create("1", at_ms=1), 10002),
    ("a request id too long", lambda: create("x" * 37), 10001),
    ("two orders in one", lambda: create("1") | {"args": [{}, {}]}, 10001),
    ("a price off the tick", lambda: create("1", price="64500.01"), 10001),
]


@pytest.mark.parametrize(("write", "code"), [r[1:] for r in TRADE_REFUSALS], ids=[r[0] for r in TRADE_REFUSALS])
async def test_the_trade_socket_refuses(write, code) -> None:
    async with started() as client:
        trade, request = await trade_socket(client), write()
        await trade.say(**request)
        answer = await trade.hear()
        assert (answer["retCode"], answer["reqId"]) == (code, request["reqId"])
        assert client.venue.truth(KEY).orders == {}


async def test_the_trade_socket_needs_a_login_and_takes_one_only() -> None:
    async with started() as client:
        trade = await client.open(client.venue.trade_url)
        await trade.say(**create("1"))
        assert (await trade.hear())["retCode"] == 10007
        assert (await trade.authenticate())["retCode"] == 0
        assert (await trade.authenticate())["retCode"] == 20001


async def test_orders_go_when_the_protected_sockets_are_gone_for_the_window() -> None:
    now_ms = int(time.time() * 1000)
    async with started(clock=lambda: now_ms) as client:
        await client.post("/v5/order/disconnected-cancel-all", product="DERIVATIVES", timeWindow=3)
        told = await client.get("/v5/account/query-dcp-info")
        assert told["result"]["dcpInfos"] == [{"product": "DERIVATIVES", "dcpStatus": "ON", "timeWindow": "3"}]
        protected, watching = await client.open(client.venue.private_url), await client.open(client.venue.private_url)
        for socket, topic in ((protected, "dcp.future"), (watching, "order")):
            await socket.authenticate()
            await socket.subscribe(topic)
        await client.place("held")
        assert (await watching.hear("order"))["data"][0]["orderStatus"] == "New"
        await protected.raw.close()
        while client.venue.subscribed(KEY, "dcp.future"):
            await client.get("/v5/account/info")
        now_ms += 3_000
        gone = (await watching.hear("order"))["data"][0]
        assert (gone["orderStatus"], gone["cancelType"]) == ("Cancelled", "CancelByDCP")
