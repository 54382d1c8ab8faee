# ruff: noqa: E501 - exact bytes are not wrapped
"""Intent in, exact bytes out; and signatures that the venue and its own client would make."""

import hashlib
import hmac
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pybit._http_manager import generate_signature

from adapters.base.client import Request
from adapters.base.query import Query, parse_arguments
from adapters.base.settings import Subscription, VenueSettings
from adapters.bybit.client import Client
from adapters.bybit.endpoints import Endpoints
from adapters.bybit.formats import Formats
from adapters.bybit.websocket import (
    PrivateWebsocket,
    TradeWebsocket,
    Websocket,
    split,
    topic_of,
    websocket_signature,
)
from state.errors import UnknownWord, WrongUse
from state.events import AmendOrder, CancelAll, CancelOrder, PlaceOrder
from state.secrets import Credentials, Secret

KEYS = Credentials(Secret("APIKEY"), Secret("SECRET"))
FORMATS = Formats("bybit", "linear", ("USDT", "USDC"))
NOW_MS = 1672211918471
DOC = b'{"category":"linear","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.001","price":"50000","timeInForce":"PostOnly","orderLinkId":"mm-1","reduceOnly":false,"positionIdx":0}'  # fmt: skip


def order(**more: Any) -> PlaceOrder:
    fields = {"price": Decimal("50000"), "tif": "post_only", "client_id": "mm-1"} | more
    side, size = fields.pop("side", "buy"), fields.pop("size", Decimal("0.001"))
    return PlaceOrder("bybit", "BTCUSDT", side, size, **fields)


AMEND = AmendOrder("bybit", "BTCUSDT", "mm-1", Decimal("50000.10"), Decimal("0.002"))
CANCEL = CancelOrder("bybit", "BTCUSDT", "mm-1")
HEAD = b'{"category":"linear",'


@pytest.mark.parametrize(
    ("action", "arguments", "body"),
    [
        pytest.param("place", order(), DOC, id="a post-only limit is the documentation's own example"),
        pytest.param("place", order(side="sell", tif="ioc", size=Decimal("1E+1"), reduce_only=True),
            HEAD + b'"symbol":"BTCUSDT","side":"Sell","orderType":"Limit","qty":"10","price":"50000","timeInForce":"IOC","orderLinkId":"mm-1","reduceOnly":true,"positionIdx":0}',
            id="a size never goes out with an exponent"),
        pytest.param("place", order(kind="market", price=None, tif="gtc", client_id=""),
            HEAD + b'"symbol":"BTCUSDT","side":"Buy","orderType":"Market","qty":"0.001","timeInForce":"IOC","reduceOnly":false,"positionIdx":0}',
            id="a market order is an IOC without a price"),
        pytest.param("place", order(tif="fok", size=Decimal("0.0000001")),
            HEAD + b'"symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.0000001","price":"50000","timeInForce":"FOK","orderLinkId":"mm-1","reduceOnly":false,"positionIdx":0}',
            id="a small size has all its zeros"),
        pytest.param("amend", AMEND, HEAD + b'"symbol":"BTCUSDT","orderLinkId":"mm-1","qty":"0.002","price":"50000.10"}', id="an amend gives both numbers"),
        pytest.param("cancel", CANCEL, HEAD + b'"symbol":"BTCUSDT","orderLinkId":"mm-1"}', id="a cancel by our id"),
        pytest.param("cancel_all", CancelAll("bybit", "BTCUSDT"), HEAD + b'"symbol":"BTCUSDT"}', id="cancel all of a symbol"),
        pytest.param("cancel_all", CancelAll("bybit", ""), HEAD + b'"settleCoin":"USDT"}', id="cancel all names a settle coin"),
        pytest.param("cancel_all", Query(coin="USDC"), HEAD + b'"settleCoin":"USDC"}', id="cancel all of another coin"),
        pytest.param("place_batch", [order(), order(client_id="mm-2", side="sell")],
            HEAD + b'"request":[' + DOC.replace(HEAD, b"{") + b',{"symbol":"BTCUSDT","side":"Sell","orderType":"Limit","qty":"0.001","price":"50000","timeInForce":"PostOnly","orderLinkId":"mm-2","reduceOnly":false,"positionIdx":0}]}',
            id="a batch holds each order's own fields"),
        pytest.param("amend_batch", [AMEND], HEAD + b'"request":[{"symbol":"BTCUSDT","orderLinkId":"mm-1","qty":"0.002","price":"50000.10"}]}', id="a batch of amends"),
        pytest.param("cancel_batch", [CANCEL, CANCEL], HEAD + b'"request":[{"symbol":"BTCUSDT","orderLinkId":"mm-1"},{"symbol":"BTCUSDT","orderLinkId":"mm-1"}]}', id="a batch of cancels"),
        pytest.param("set_leverage", Query(symbol="BTCUSDT", leverage=Decimal(5)), HEAD + b'"symbol":"BTCUSDT","buyLeverage":"5","sellLeverage":"5"}', id="leverage is the same on both sides"),
        pytest.param("set_position_mode", Query(), HEAD + b'"coin":"USDT","mode":0}', id="one-way mode of a coin"),
        pytest.param("set_position_mode", Query(symbol="BTCUSDT", hedge=True), HEAD + b'"symbol":"BTCUSDT","mode":3}', id="hedge mode of a symbol"),
        pytest.param("disconnect_cancel_all", Query(window_s=30), b'{"product":"DERIVATIVES","timeWindow":30}', id="the dead-man's switch is for derivatives"),
    ],
)  # fmt: skip
def test_what_is_posted_to_the_byte(action: str, arguments: Any, body: bytes) -> None:
    request = FORMATS.request(action, arguments)
    assert request.body == body
    assert request.query == ""
    assert request.endpoint.method == "POST"
    assert request.cost == (len(arguments) if action.endswith("_batch") else 1)


@pytest.mark.parametrize(
    ("action", "query", "text"),
    [
        pytest.param("server_time", Query(), "", id="time needs nothing"),
        pytest.param("instruments", Query(symbol="BTCUSDT"), "category=linear&symbol=BTCUSDT", id="one instrument"),
        pytest.param("instruments", Query(limit=1000, cursor="a=b%2C"), "category=linear&limit=1000&cursor=a%3Db%252C", id="a cursor is quoted once more"),
        pytest.param("book", Query(symbol="BTCUSDT", limit=50), "category=linear&symbol=BTCUSDT&limit=50", id="a book"),
        pytest.param("trades", Query(symbol="BTCUSDT"), "category=linear&symbol=BTCUSDT", id="trades"),
        pytest.param("klines", Query(symbol="BTCUSDT", interval_s=300, start_ms=1, limit=2), "category=linear&symbol=BTCUSDT&interval=5&start=1&limit=2", id="klines"),
        pytest.param("tickers", Query(), "category=linear", id="all tickers"),
        pytest.param("open_orders", Query(), "category=linear&settleCoin=USDT&openOnly=0", id="open orders of a coin"),
        pytest.param("open_orders", Query(symbol="BTCUSDT", client_id="x", closed=True), "category=linear&symbol=BTCUSDT&orderLinkId=x&openOnly=1", id="an order that ended lately"),
        pytest.param("order_history", Query(symbol="BTCUSDT", start_ms=1, end_ms=2), "category=linear&symbol=BTCUSDT&startTime=1&endTime=2", id="history"),
        pytest.param("executions", Query(start_ms=5, limit=100), "category=linear&startTime=5&limit=100", id="executions"),
        pytest.param("positions", Query(coin="USDC"), "category=linear&settleCoin=USDC", id="positions of a coin"),
        pytest.param("wallet", Query(coin="USDT"), "accountType=UNIFIED&coin=USDT", id="wallet"),
        pytest.param("fee_rates", Query(symbol="BTCUSDT"), "category=linear&symbol=BTCUSDT", id="fees"),
    ],
)  # fmt: skip
def test_what_is_asked_to_the_byte(action: str, query: Query, text: str) -> None:
    request = FORMATS.request(action, query)
    assert request.query == text
    assert request.body == b""
    assert request.endpoint.method == "GET"


@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        pytest.param("place", order(price=None), id="a limit order without a price"),
        pytest.param("place", CANCEL, id="a cancel where an order belongs"),
        pytest.param("place_batch", order(), id="one order where a list belongs"),
        pytest.param("dance", Query(), id="an action that does not exist"),
        pytest.param("klines", Query(symbol="X", interval_s=7), id="an interval that does not exist"),
        pytest.param("set_leverage", Query(symbol="X"), id="leverage of nothing"),
    ],
)
def test_wrong_use_is_told_before_anything_is_sent(action: str, arguments: Any) -> None:
    with pytest.raises(WrongUse):
        FORMATS.request(action, arguments)


def test_an_order_word_that_no_table_has_is_never_sent() -> None:
    with pytest.raises(UnknownWord):
        FORMATS.request("place", msgspec.structs.replace(order(), tif="day"))


@pytest.mark.parametrize(
    ("action", "text", "same"),
    [
        ("place", '{"symbol":"BTCUSDT","side":"buy","kind":"limit","price":"50000","size":"0.001","tif":"post_only","client_id":"mm-1","reduce_only":false}', order()),
        ("amend", '{"symbol":"BTCUSDT","client_id":"mm-1","price":"50000.10","size":"0.002"}', AMEND),
        ("cancel_batch", '[{"symbol":"BTCUSDT","client_id":"mm-1"}]', [CANCEL]),
        ("cancel_all", '{"symbol":"BTCUSDT"}', CancelAll("bybit", "BTCUSDT")),
        ("open_orders", '{"symbol":"BTCUSDT"}', Query(symbol="BTCUSDT")),
    ],
)  # fmt: skip
def test_arguments_are_written_as_json_with_the_intents_own_names(action: str, text: str, same: Any) -> None:
    assert parse_arguments("bybit", action, text) == same


@pytest.mark.parametrize("text", ["", "[]", '{"symbol":"X"}', '{"symbol":"X","side":"up","size":"1"}', '{"sise":1}'])
def test_arguments_that_do_not_fit_are_one_clear_line(text: str) -> None:
    with pytest.raises(WrongUse, match="place: "):
        parse_arguments("bybit", "place", text)


# --- signing -----------------------------------------------------------------------------------------------------


def test_the_sheets_vectors() -> None:
    client = Client("https://api.bybit.com", KEYS)
    signed = client.sign(FORMATS.request("place", order()), NOW_MS)
    assert signed.headers["X-BAPI-SIGN"] == "aff53c0856804ec730d18fdf5b448d823c725a9e1842161454cb5a3b3f73674f"
    assert (signed.method, signed.url) == ("POST", "https://api.bybit.com/v5/order/create")
    asked = Request(Endpoints.ALL["positions"], "category=linear&symbol=BTCUSDT")
    signed = client.sign(asked, NOW_MS)
    assert signed.headers["X-BAPI-SIGN"] == "4e4cc548195ee63f2cc10766242875a5171c77645e30026dd66a14afc904e3f8"
    assert signed.headers["X-BAPI-TIMESTAMP"] == str(NOW_MS)
    assert signed.headers["X-BAPI-RECV-WINDOW"] == "5000"
    assert "Content-Type" not in signed.headers
    assert signed.url.endswith("?category=linear&symbol=BTCUSDT")
    want = "6e7fcee084662c489eaa75b69136dccdf51fd177d87d587d720f623cb74b0258"
    assert websocket_signature("SECRET", 1662350400000) == want


def test_published_strings_to_sign(recordings: Path) -> None:
    for vector in json.loads((recordings / "signing/bybit.json").read_text())["vectors"]:
        client = Client("", Credentials(Secret(vector["api_key"]), Secret("s")), int(vector["recv_window"]))
        endpoint = Endpoints.ALL["positions" if vector["method"] == "GET" else "place"]
        payload = vector["payload"]
        request = Request(endpoint, payload) if vector["method"] == "GET" else Request(endpoint, "", payload.encode())
        want = hmac.new(b"s", vector["expected"]["string_to_sign"].encode(), hashlib.sha256).hexdigest()
        assert client.sign(request, int(vector["timestamp_ms"])).headers["X-BAPI-SIGN"] == want


WORDS = st.text(st.characters(codec="ascii", categories=("L", "N", "P")), min_size=1, max_size=40)


@given(key=WORDS, secret=WORDS, payload=st.text(max_size=200), now=st.integers(1, 9_000_000_000_000), get=st.booleans())
def test_signatures_equal_those_of_the_venues_own_client(
    key: str, secret: str, payload: str, now: int, get: bool
) -> None:
    client = Client("", Credentials(Secret(key), Secret(secret)), 5000)
    endpoint = Endpoints.ALL["positions" if get else "place"]
    request = Request(endpoint, payload) if get else Request(endpoint, "", payload.encode())
    assert client.sign(request, now).headers["X-BAPI-SIGN"] == generate_signature(
        False, secret, f"{now}{key}5000{payload}"
    )


def test_a_signed_request_never_shows_its_headers_and_a_private_one_needs_keys() -> None:
    signed = Client("", KEYS).sign(FORMATS.request("place", order()), NOW_MS)
    assert "APIKEY" not in repr(signed)
    assert "SIGN" not in repr(signed)
    with pytest.raises(WrongUse, match="credentials"):
        Client("", None).sign(FORMATS.request("place", order()), NOW_MS)
    assert Client("", None).sign(FORMATS.request("server_time", Query()), NOW_MS).headers == {}


def test_signing_twice_signs_the_same_request() -> None:
    client, request = Client("", KEYS), FORMATS.request("place", order())
    assert client.sign(request, NOW_MS) == client.sign(request, NOW_MS)
    assert client.sign(request, NOW_MS + 1) != client.sign(request, NOW_MS)


# --- sockets -----------------------------------------------------------------------------------------------------


def test_an_order_over_the_socket_has_the_rest_body() -> None:
    socket = TradeWebsocket("bybit", "", KEYS, 5000)
    frame = socket.encode(FORMATS.request("place", order()), "o7n0", NOW_MS)
    assert frame == (
        b'{"reqId":"o7n0","header":{"X-BAPI-TIMESTAMP":"1672211918471","X-BAPI-RECV-WINDOW":"5000"},'
        b'"op":"order.create","args":[' + DOC + b"]}"
    )


def test_the_private_socket_authenticates_then_subscribes_then_is_ready() -> None:
    socket = PrivateWebsocket("", FORMATS.account, KEYS)
    (auth,) = socket.on_connect(1662350390000 * 1_000_000)
    assert json.loads(auth) == {
        "req_id": "auth",
        "op": "auth",
        "args": ["APIKEY", 1662350400000, websocket_signature("SECRET", 1662350400000)],
    }
    assert json.loads(socket.strike(auth))["args"] == ["***", "***", "***"]
    assert socket.receive(b'{"success":true,"ret_msg":"","op":"auth","conn_id":"x"}', 0) == ()
    assert not socket.is_ready
    (subscribe,) = socket.replies()
    assert json.loads(subscribe)["args"] == ["order", "execution", "position", "wallet"]
    request = json.loads(subscribe)["req_id"]
    socket.receive(json.dumps({"success": True, "op": "subscribe", "req_id": request}).encode(), 0)
    assert socket.is_ready
    (lost,) = socket.on_disconnect("cut")
    assert (lost.channel, lost.status, lost.reason) == ("account", "down", "cut")  # type: ignore[union-attr]
    assert not socket.is_ready


def test_a_refused_key_says_so_on_the_account() -> None:
    socket = PrivateWebsocket("", FORMATS.account, KEYS)
    (status,) = socket.receive(b'{"success":false,"ret_msg":"invalid key","op":"auth"}', 0)
    assert "invalid key" in status.reason  # type: ignore[union-attr]
    assert not socket.outbox


def test_topics_fill_as_few_sockets_as_the_limit_allows_in_requests_of_ten() -> None:
    topics = [f"orderbook.50.SYMBOL{n:04d}USDT" for n in range(2_000)]
    groups = split(topics)
    assert [topic for group in groups for topic in group] == topics
    assert all(len(json.dumps(group, separators=(",", ":"))) <= 21_000 for group in groups)
    assert len(groups) == 3
    frames = Websocket("bybit", "p", "", topics[:25]).on_connect(0)
    assert [len(json.loads(frame)["args"]) for frame in frames] == [10, 10, 5]


@pytest.mark.parametrize(
    ("subscription", "topic"),
    [
        (Subscription("book", "BTCUSDT"), "orderbook.50.BTCUSDT"),
        (Subscription("book", "BTCUSDT", depth=1000), "orderbook.1000.BTCUSDT"),
        (Subscription("trades", "BTCUSDT"), "publicTrade.BTCUSDT"),
        (Subscription("ticker", "BTC-26DEC25"), "tickers.BTC-26DEC25"),
        (Subscription("candles", "BTCUSDT", interval_s=86_400), "kline.D.BTCUSDT"),
        (Subscription("liquidations", "BTCUSDT"), "allLiquidation.BTCUSDT"),
    ],
)
def test_topics_of_subscriptions(subscription: Subscription, topic: str) -> None:
    assert topic_of(subscription, VenueSettings("bybit").book_depth) == topic


def test_one_bad_topic_does_not_take_the_others_along() -> None:
    socket = Websocket("bybit", "p", "", ["publicTrade.BTCUSDT", "publicTrade.NOPE"])
    request = json.loads(socket.on_connect(0)[0])["req_id"]
    refused = {"success": False, "ret_msg": "error:handler not found", "op": "subscribe"}
    assert socket.receive(json.dumps(refused | {"req_id": request}).encode(), 0) == ()
    assert not socket.is_ready
    alone = [json.loads(frame) for frame in socket.replies()]
    assert [a["args"] for a in alone] == [["publicTrade.BTCUSDT"], ["publicTrade.NOPE"]]
    socket.receive(json.dumps({"success": True, "op": "subscribe", "req_id": alone[0]["req_id"]}).encode(), 0)
    (down,) = socket.receive(json.dumps(refused | {"req_id": alone[1]["req_id"]}).encode(), 0)
    assert (down.symbol, down.channel, down.status) == ("NOPE", "trades", "down")  # type: ignore[union-attr]
    assert socket.is_ready, "a refusal is an answer too"
