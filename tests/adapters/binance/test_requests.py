# ruff: noqa: E501 - exact bytes are not wrapped
"""Intent in, exact bytes out; and signatures that the venue and its own client would make."""

import hashlib
import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base.client import Request
from adapters.base.orderid import MAX_SEQ, OrderID
from adapters.base.query import Query
from adapters.base.settings import Subscription, VenueSettings
from adapters.binance.client import Client, signature
from adapters.binance.endpoints import Endpoints
from adapters.binance.exchange import CAPABILITIES
from adapters.binance.formats import Formats
from adapters.binance.private import TradeWebsocket, socket_signature
from adapters.binance.websocket import Websocket, streams_of
from state.errors import WrongUse
from state.events import AmendOrder, CancelAll, CancelOrder, PlaceOrder
from state.secrets import Credentials, Secret
from tests.later import Later

ccxt = Later("ccxt")
configuration = Later("binance_common.configuration")
official = Later("binance_common.utils")

KEYS = Credentials(Secret("APIKEY"), Secret("SECRET"))
FORMATS = Formats("binance", "linear", {"mm-1": "buy", "mm-2": "sell"}.get)
SPOT = Formats("binance.spot", "spot")
NOW_MS = 1_754_000_000_900
D = Decimal


def order(**more: Any) -> PlaceOrder:
    fields = {"price": D("65000.00"), "tif": "post_only", "client_id": "mm-1"} | more
    return PlaceOrder("binance", fields.pop("symbol", "BTCUSDT"), fields.pop("side", "buy"), fields.pop("size", D("0.010")), **fields)  # fmt: skip


AMEND = AmendOrder("binance", "BTCUSDT", "mm-1", D("65000.10"), D("0.020"))
CANCEL = CancelOrder("binance", "BTCUSDT", "mm-1")
PLACED = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTX&quantity=0.010&price=65000.00&newClientOrderId=mm-1&selfTradePreventionMode=EXPIRE_MAKER"


@pytest.mark.parametrize(
    ("action", "arguments", "method", "path", "text"),
    [
        pytest.param("place", order(), "POST", "order", PLACED, id="a post-only limit"),
        pytest.param("place", order(side="sell", tif="ioc", size=D("1E+1"), reduce_only=True), "POST", "order",
            "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=IOC&quantity=10&price=65000.00&reduceOnly=true&newClientOrderId=mm-1&selfTradePreventionMode=EXPIRE_MAKER",
            id="a size never goes out with an exponent"),
        pytest.param("place", order(kind="market", price=None, client_id=""), "POST", "order",
            "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.010&selfTradePreventionMode=EXPIRE_MAKER", id="a market order has neither price nor time in force"),
        pytest.param("amend", AMEND, "PUT", "order", "symbol=BTCUSDT&side=BUY&quantity=0.020&price=65000.10&origClientOrderId=mm-1", id="an amend names the side again"),
        pytest.param("amend", AmendOrder("binance", "BTCUSDT", "x", D(1), D(2)), "PUT", "order", "symbol=BTCUSDT&quantity=2&price=1&origClientOrderId=x", id="an unknown order's side is left out"),
        pytest.param("cancel", CANCEL, "DELETE", "order", "symbol=BTCUSDT&origClientOrderId=mm-1", id="a cancel by our id"),
        pytest.param("cancel_all", CancelAll("binance", "BTCUSDT"), "DELETE", "allOpenOrders", "symbol=BTCUSDT", id="cancel all of a symbol"),
        pytest.param("cancel_batch", [CANCEL, CancelOrder("binance", "BTCUSDT", "mm-2")], "DELETE", "batchOrders", "symbol=BTCUSDT&origClientOrderIdList=%5B%22mm-1%22%2C%22mm-2%22%5D", id="a batch of cancels"),
        pytest.param("amend_batch", [AMEND], "PUT", "batchOrders", "batchOrders=%5B%7B%22symbol%22%3A%22BTCUSDT%22%2C%22side%22%3A%22BUY%22%2C%22quantity%22%3A%220.020%22%2C%22price%22%3A%2265000.10%22%2C%22origClientOrderId%22%3A%22mm-1%22%7D%5D", id="a batch of amends"),
        pytest.param("set_leverage", Query(symbol="BTCUSDT", leverage=D(5)), "POST", "leverage", "symbol=BTCUSDT&leverage=5", id="leverage"),
        pytest.param("set_position_mode", Query(hedge=True), "POST", "positionSide/dual", "dualSidePosition=true", id="hedge mode"),
        pytest.param("disconnect_cancel_all", Query(symbol="BTCUSDT", window_s=120), "POST", "countdownCancelAll", "symbol=BTCUSDT&countdownTime=120000", id="the dead-man's switch of a symbol"),
        pytest.param("book", Query(symbol="BTCUSDT", limit=50), "GET", "depth", "symbol=BTCUSDT&limit=50", id="a book"),
        pytest.param("instruments", Query(symbol="BTCUSDT"), "GET", "exchangeInfo", "", id="instruments come all at once"),
        pytest.param("trades", Query(symbol="币安USDT", limit=5), "GET", "aggTrades", "symbol=%E5%B8%81%E5%AE%89USDT&limit=5", id="a symbol beyond ASCII is quoted"),
        pytest.param("klines", Query(symbol="BTCUSDT", interval_s=300, start_ms=1, limit=2), "GET", "klines", "symbol=BTCUSDT&interval=5m&startTime=1&limit=2", id="klines"),
        pytest.param("order", Query(symbol="BTCUSDT", client_id="x"), "GET", "order", "symbol=BTCUSDT&origClientOrderId=x", id="an order by our id"),
        pytest.param("open_orders", Query(), "GET", "openOrders", "", id="all open orders"),
        pytest.param("executions", Query(symbol="BTCUSDT", start_ms=5, end_ms=9, limit=100), "GET", "userTrades", "symbol=BTCUSDT&startTime=5&endTime=9&limit=100", id="fills of a time"),
        pytest.param("executions", Query(symbol="BTCUSDT", start_ms=5, cursor="77", limit=100), "GET", "userTrades", "symbol=BTCUSDT&fromId=77&limit=100", id="a further page of fills is asked for by id alone"),
        pytest.param("funding", Query(start_ms=5), "GET", "income", "incomeType=FUNDING_FEE&startTime=5", id="funding"),
    ],
)  # fmt: skip
def test_what_is_asked_to_the_byte(action: str, arguments: Any, method: str, path: str, text: str) -> None:
    request = FORMATS.request(action, arguments)
    assert (request.endpoint.method, request.endpoint.path.split("/", 3)[3]) == (method, path)
    body = method in ("POST", "PUT")
    assert (request.query, request.body.decode()) == (("", text) if body else (text, ""))


def test_a_batch_holds_each_orders_own_fields() -> None:
    request = FORMATS.request("place_batch", [order(), order(client_id="mm-2", side="sell", kind="market", price=None)])
    (rows,) = parse_qs(request.body.decode())["batchOrders"]
    assert json.loads(rows) == [
        dict(parse_qsl(PLACED)),
        {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.010", "newClientOrderId": "mm-2", "selfTradePreventionMode": "EXPIRE_MAKER"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("formats", "action", "query", "cost"),
    [
        (FORMATS, "book", Query(symbol="X", limit=50), 2),
        (FORMATS, "book", Query(symbol="X"), 10),
        (FORMATS, "book", Query(symbol="X", limit=1000), 20),
        (FORMATS, "open_orders", Query(), 40),
        (FORMATS, "open_orders", Query(symbol="X"), 1),
        (FORMATS, "trades", Query(symbol="X"), 20),
        (FORMATS, "klines", Query(symbol="X", limit=1500), 10),
        (FORMATS, "funding", Query(), 30),
        (SPOT, "book", Query(symbol="X", limit=1000), 50),
        (SPOT, "instruments", Query(symbol="X"), 20),
    ],
)
def test_what_a_call_weighs(formats: Formats, action: str, query: Query, cost: int) -> None:
    assert formats.request(action, query).cost == cost


@pytest.mark.parametrize(
    ("formats", "action", "arguments"),
    [
        pytest.param(FORMATS, "place", order(price=None), id="a limit order without a price"),
        pytest.param(FORMATS, "place", CANCEL, id="a cancel where an order belongs"),
        pytest.param(FORMATS, "place_batch", order(), id="one order where a list belongs"),
        pytest.param(
            FORMATS,
            "cancel_batch",
            [CANCEL, CancelOrder("binance", "ETHUSDT", "x")],
            id="a batch of cancels of two symbols",
        ),
        pytest.param(FORMATS, "dance", Query(), id="an action that does not exist"),
        pytest.param(FORMATS, "klines", Query(symbol="X", interval_s=7), id="an interval that does not exist"),
        pytest.param(FORMATS, "set_leverage", Query(symbol="X"), id="leverage of nothing"),
        pytest.param(FORMATS, "cancel_all", CancelAll("binance", ""), id="cancel all of no symbol"),
        pytest.param(SPOT, "place", order(), id="an order on spot"),
    ],
)
def test_wrong_use_is_told_before_anything_is_sent(formats: Formats, action: str, arguments: Any) -> None:
    with pytest.raises(WrongUse):
        formats.request(action, arguments)


# --- signing -----------------------------------------------------------------------------------------------------

PLACE = Endpoints.ALL["place"]


def signed(request: Request, now_ms: int, keys: Credentials = KEYS) -> tuple[str, str]:
    """What is signed, and the signature, as they stand in the request."""
    made = Client("https://fapi.binance.com", keys).sign(request, now_ms)
    text = made.body.decode() if made.method in ("POST", "PUT") else urlsplit(made.url).query
    payload, _, said = text.rpartition("&signature=")
    return payload, said


def test_every_published_signature_reproduces(recordings: Path) -> None:
    vectors = json.loads((recordings / "signing/binance.json").read_text())["vectors"]
    for vector in vectors:
        want, secret = vector["expected"]["signature"], vector["api_secret"]
        assert signature(secret, vector["string_to_sign"]) == want, vector["id"]
        if "params" in vector:
            assert socket_signature(secret, vector["params"]) == want, vector["id"]
            continue
        assert vector["query"] + vector["body"] == vector["string_to_sign"]
        form = vector["query"] or vector["body"]
        head, _, stamp = form.partition("&recvWindow=5000&timestamp=")
        if not (vector["query"] and vector["body"]) and stamp.isdecimal():
            request = Request(Endpoints.ALL["cancel"], head) if vector["query"] else Request(PLACE, "", head.encode())
            keys = Credentials(Secret(vector["api_key"]), Secret(secret))
            assert signed(request, int(stamp), keys) == (form, want), vector["id"]
    assert len(vectors) == 8


def test_the_sheets_vector_of_the_order_socket() -> None:
    secret = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"
    key = "dbefbc809e3e83c283a984c3a1459732ea7db1360ca80c5c2c8867408d28cc83"
    socket = TradeWebsocket("binance", "", Credentials(Secret(key), Secret(secret)), 5000, Client("", None))
    form = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTX&quantity=0.010&price=65000.00&newClientOrderId=mm-1"
    frame = json.loads(socket.encode(Request(PLACE, "", form.encode()), "r-1", NOW_MS))
    assert (frame["id"], frame["method"]) == ("r-1", "order.place")
    assert frame["params"]["signature"] == "c9c2f2978cffd92ae930010a857e6d294b7f53c7e44d1b0cf7860dda2327488a"
    assert (frame["params"]["timestamp"], frame["params"]["price"]) == (NOW_MS, "65000.00")


WORDS = st.text(st.characters(codec="ascii", categories=("L", "N", "P")), min_size=1, max_size=40)
FORM = st.dictionaries(st.text("abcdefgXYZ", min_size=1, max_size=8), st.text(min_size=1, max_size=20), max_size=6)


@given(secret=WORDS, form=FORM, now=st.integers(1, 9_000_000_000_000), method=st.sampled_from(["place", "cancel"]))
def test_signatures_equal_those_of_the_venues_own_client_and_of_ccxt(
    secret: str, form: dict[str, str], now: int, method: str
) -> None:
    text = "&".join(f"{name}={ccxt.binanceusdm.encode_uri_component(word)}" for name, word in form.items())
    request = Request(PLACE, "", text.encode()) if method == "place" else Request(Endpoints.ALL["cancel"], text)
    payload, said = signed(request, now, Credentials(Secret("k"), Secret(secret)))
    assert payload.endswith(f"recvWindow=5000&timestamp={now}")
    keys = configuration.ConfigurationRestAPI(api_key="k", api_secret=secret, base_path="")
    assert said == official.get_signature(keys, payload)
    assert said == ccxt.binanceusdm.hmac(payload.encode(), secret.encode(), hashlib.sha256)


PARAMS = st.dictionaries(
    st.sampled_from(["symbol", "side", "type", "quantity", "price", "newClientOrderId", "reduceOnly"]),
    st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=20),
    min_size=1,
)


@given(secret=WORDS, params=PARAMS, now=st.integers(1, 9_000_000_000_000))
def test_socket_signatures_equal_those_of_the_venues_own_client(secret: str, params: dict[str, str], now: int) -> None:
    socket = TradeWebsocket("binance", "", Credentials(Secret("KEY"), Secret(secret)), 5000, Client("", None))
    form = "&".join(f"{name}={word}" for name, word in params.items())
    ours = json.loads(socket.encode(Request(PLACE, "", form.encode()), "r", now))["params"]
    theirs = official.websocket_api_signature(
        configuration.ConfigurationWebSocketAPI(api_key="KEY", api_secret=secret),
        {name: word for name, word in ours.items() if name not in ("signature", "apiKey")},
    )
    assert ours["signature"] == theirs["signature"]
    assert {name: str(word) for name, word in ours.items()} == {name: str(word) for name, word in theirs.items()}


@pytest.mark.parametrize("action", ["place", "positions", "cancel", "amend"])
def test_what_may_be_kept_of_a_request_has_neither_key_nor_signature(action: str) -> None:
    arguments = {"place": order(), "cancel": CANCEL, "amend": AMEND}.get(action, Query())
    made = Client("https://x", KEYS).sign(FORMATS.request(action, arguments), NOW_MS)
    assert made.headers["X-MBX-APIKEY"] == "APIKEY"
    assert "APIKEY" not in made.url + made.body.decode() + repr(made)
    assert made.secret in made.url + made.body.decode()
    kept = made.kept_url + made.kept_body.decode() + repr(made)
    assert made.secret not in kept
    assert "signature=***" in kept


def test_a_listen_key_is_asked_for_with_the_key_and_without_a_signature() -> None:
    made = Client("https://x", KEYS).sign(FORMATS.request("listen_key", Query()), NOW_MS)
    assert (made.method, made.url, made.body) == ("POST", "https://x/fapi/v1/listenKey", b"")
    assert made.headers["X-MBX-APIKEY"] == "APIKEY"
    with pytest.raises(WrongUse, match="credentials"):
        Client("", None).sign(FORMATS.request("place", order()), NOW_MS)
    assert Client("", None).sign(FORMATS.request("server_time", Query()), NOW_MS).headers == {}


def test_what_is_kept_of_an_order_frame_has_neither_key_nor_signature() -> None:
    socket = TradeWebsocket("binance", "", KEYS, 5000, Client("", None))
    frame = socket.encode(FORMATS.request("place", order()), "o1", NOW_MS)
    kept = json.loads(socket.strike(frame))["params"]
    assert (kept["apiKey"], kept["signature"], kept["symbol"]) == ("***", "***", "BTCUSDT")


# --- sockets and ids ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subscription", "market", "streams"),
    [
        (Subscription("book", "BTCUSDT"), "linear", ["btcusdt@depth@100ms"]),
        (Subscription("book", "BTCUSDT", depth=20), "spot", ["btcusdt@depth20@100ms"]),
        (Subscription("trades", "BTCUSDT"), "linear", ["btcusdt@aggTrade"]),
        (Subscription("trades", "BTCUSDT"), "spot", ["btcusdt@trade"]),
        (Subscription("ticker", "BTCUSDT"), "linear", ["btcusdt@bookTicker", "btcusdt@markPrice@1s", "btcusdt@ticker"]),
        (Subscription("ticker", "BTCUSDT"), "spot", ["btcusdt@bookTicker", "btcusdt@ticker"]),
        (Subscription("candles", "BTCUSDT", interval_s=300), "linear", ["btcusdt@kline_5m"]),
        (Subscription("liquidations", "BTCUSDT"), "linear", ["btcusdt@forceOrder"]),
    ],
)
def test_what_a_subscription_streams(subscription: Subscription, market: str, streams: list[str]) -> None:
    assert streams_of(subscription, market, 50) == streams


def test_each_path_has_its_own_connection_and_each_connection_its_thousand_streams() -> None:
    wanted = [
        Subscription("book", f"S{n}USDT") for n in range(1_200)
    ] + [Subscription("ticker", "BTCUSDT"), Subscription("trades", "BTCUSDT"), Subscription("candles", "BTCUSDT")]  # fmt: skip
    sockets = Websocket.of(VenueSettings("binance"), "wss://fstream.binance.com", wanted)
    assert [(s.url, len(s.channels)) for s in sockets] == [
        ("wss://fstream.binance.com/public/stream", 1_000),
        ("wss://fstream.binance.com/public/stream", 201),
        ("wss://fstream.binance.com/market/stream", 4),
    ]
    assert [len(json.loads(frame)["params"]) for frame in sockets[1].on_connect(0)] == [200, 1]
    assert sockets[0].silence_s is None
    spot = Websocket.of(VenueSettings("binance.spot", "spot"), "wss://stream.binance.com:9443", wanted[-3:])
    assert [s.url for s in spot] == ["wss://stream.binance.com:9443/stream"]


@given(session=st.text(max_size=40), seq=st.integers(1, MAX_SEQ))
def test_order_ids_are_of_the_venues_alphabet_and_length_and_read_back(session: str, seq: int) -> None:
    ids = OrderID(session)
    made = ids.make(seq)
    assert len(made) <= 36
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:/_-")
    assert ids.parse(made) == seq


def test_the_capabilities_are_what_the_endpoints_are() -> None:
    assert set(CAPABILITIES.actions) == set(Endpoints.ALL)
    assert all(endpoint.docs.startswith("https://developers.binance.com/") for endpoint in Endpoints.ALL.values())
