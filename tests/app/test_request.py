"""`tapeline request` against pybit: the same call, and a signature that pybit would give to our exact bytes."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pybit.unified_trading import HTTP
from requests.adapters import HTTPAdapter

Cli = Callable[..., Any]
KEY, SECRET, NOW_MS = "APIKEY", "hunter2-secret", 1_672_211_918_471
KEYS = ("--key", KEY, "--secret", SECRET, "--now-ms", str(NOW_MS))
PLACE = {
    "symbol": "BTCUSDT", "side": "buy", "kind": "limit", "price": "50000", "size": "0.001",
    "tif": "post_only", "client_id": "x1", "reduce_only": False,
}  # fmt: skip


class Recorder(HTTPAdapter):
    """Takes what pybit would send; nothing leaves."""

    sent: requests.PreparedRequest

    def send(self, request: requests.PreparedRequest, *args: object, **kwargs: object) -> requests.Response:
        self.sent = request
        answer = requests.Response()
        answer.status_code = 200
        answer._content = b'{"retCode":0,"retMsg":"OK","result":{},"retExtInfo":{},"time":0}'
        return answer


class Theirs:
    """pybit with its requests kept."""

    def __init__(self) -> None:
        self.session = HTTP(api_key=KEY, api_secret=SECRET)
        self.recorder = Recorder()
        self.session.client.mount("https://", self.recorder)

    def request(self, call: str, **parameters: object) -> requests.PreparedRequest:
        getattr(self.session, call)(**parameters)
        return self.recorder.sent

    def signature(self, payload: str) -> str:
        return str(self.session._auth(payload, 5000, NOW_MS))


@pytest.fixture(scope="module")
def pybit() -> Iterator[Theirs]:
    theirs = Theirs()
    yield theirs
    theirs.session.client.close()


def shown(cli: Cli, action: str, arguments: object) -> dict[str, Any]:
    ran = cli("request", "bybit", action, json.dumps(arguments), *KEYS)
    assert (ran.code, ran.err) == (0, "")
    fact = json.loads(ran.out)
    assert list(fact) == ["method", "url", "headers", "body"]
    assert isinstance(fact, dict)
    return fact


def assert_same(ours: dict[str, Any], theirs: requests.PreparedRequest, pybit: Theirs) -> None:
    """Method, path, parameters and headers are pybit's; the signature is what pybit gives to our bytes."""
    there = urlsplit(str(theirs.url))
    here = urlsplit(ours["url"])
    assert (ours["method"], here.netloc, here.path) == (theirs.method, there.netloc, there.path)
    if ours["method"] == "GET":
        assert ours["body"] == ""
        assert sorted(parse_qsl(here.query)) == sorted(parse_qsl(there.query))
    else:
        assert here.query == there.query == ""
        assert json.loads(ours["body"]) == json.loads(str(theirs.body))
    if "X-BAPI-SIGN" in theirs.headers:
        assert ours["headers"]["X-BAPI-SIGN"] == pybit.signature(here.query or ours["body"])
        assert ours["headers"]["X-BAPI-API-KEY"] == theirs.headers["X-BAPI-API-KEY"] == KEY
        assert ours["headers"]["X-BAPI-RECV-WINDOW"] == str(theirs.headers["X-BAPI-RECV-WINDOW"])
        assert ours["headers"]["X-BAPI-TIMESTAMP"] == str(NOW_MS)
    else:
        assert "X-BAPI-SIGN" not in ours["headers"]


TIFS = {"gtc": "GTC", "ioc": "IOC", "fok": "FOK", "post_only": "PostOnly"}
SIDES = {"buy": "Buy", "sell": "Sell"}


def money() -> st.SearchStrategy[str]:
    return st.decimals(min_value="0.0001", max_value="999999", places=4).map(lambda number: f"{Decimal(number):f}")


def orders() -> st.SearchStrategy[dict[str, object]]:
    return st.fixed_dictionaries(
        {
            "symbol": st.sampled_from(["BTCUSDT", "ETHUSDT", "1000PEPEUSDT", "BTC-26DEC25"]),
            "side": st.sampled_from(list(SIDES)),
            "kind": st.just("limit"),
            "price": money(),
            "size": money(),
            "tif": st.sampled_from(list(TIFS)),
            "client_id": st.from_regex(r"[A-Za-z0-9_-]{1,36}", fullmatch=True),
            "reduce_only": st.booleans(),
        }
    )


def in_their_words(order: dict[str, Any]) -> dict[str, object]:
    return {
        "symbol": order["symbol"],
        "side": SIDES[order["side"]],
        "orderType": "Limit",
        "qty": order["size"],
        "price": order["price"],
        "timeInForce": TIFS[order["tif"]],
        "orderLinkId": order["client_id"],
        "reduceOnly": order["reduce_only"],
        "positionIdx": 0,
    }


RANDOM = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@RANDOM
@given(order=orders())
def test_an_order_is_pybits(cli: Cli, pybit: Theirs, order: dict[str, Any]) -> None:
    theirs = pybit.request("place_order", category="linear", **in_their_words(order))
    assert_same(shown(cli, "place", order), theirs, pybit)


@RANDOM
@given(batch=st.lists(orders(), min_size=1, max_size=20))
def test_a_batch_is_pybits(cli: Cli, pybit: Theirs, batch: list[dict[str, Any]]) -> None:
    theirs = pybit.request("place_batch_order", category="linear", request=[in_their_words(order) for order in batch])
    assert_same(shown(cli, "place_batch", batch), theirs, pybit)


@RANDOM
@given(order=orders())
def test_amend_and_cancel_are_pybits(cli: Cli, pybit: Theirs, order: dict[str, Any]) -> None:
    named = {"symbol": order["symbol"], "orderLinkId": order["client_id"]}
    changed = {**named, "qty": order["size"], "price": order["price"]}
    ours = {name: order[name] for name in ("symbol", "client_id", "price", "size")}
    theirs = pybit.request("amend_order", category="linear", **changed)
    assert_same(shown(cli, "amend", ours), theirs, pybit)
    theirs = pybit.request("amend_batch_order", category="linear", request=[changed])
    assert_same(shown(cli, "amend_batch", [ours]), theirs, pybit)
    gone = {name: order[name] for name in ("symbol", "client_id")}
    theirs = pybit.request("cancel_order", category="linear", **named)
    assert_same(shown(cli, "cancel", gone), theirs, pybit)
    theirs = pybit.request("cancel_batch_order", category="linear", request=[named])
    assert_same(shown(cli, "cancel_batch", [gone]), theirs, pybit)


@pytest.mark.parametrize(
    ("action", "arguments", "call", "parameters"),
    [
        pytest.param("cancel_all", {"symbol": "BTCUSDT"}, "cancel_all_orders", {"symbol": "BTCUSDT"}, id="cancel all"),
        pytest.param("cancel_all", {}, "cancel_all_orders", {"settleCoin": "USDT"}, id="cancel all of all symbols"),
        pytest.param(
            "open_orders", {"symbol": "BTCUSDT"}, "get_open_orders", {"symbol": "BTCUSDT", "openOnly": 0}, id="orders"
        ),
        pytest.param(
            "executions", {"symbol": "BTCUSDT", "limit": 50}, "get_executions", {"symbol": "BTCUSDT", "limit": 50},
            id="executions",
        ),
        pytest.param("positions", {"symbol": "BTCUSDT"}, "get_positions", {"symbol": "BTCUSDT"}, id="positions"),
        pytest.param("positions", {}, "get_positions", {"settleCoin": "USDT"}, id="positions of all symbols"),
        pytest.param("instruments", {"symbol": "BTCUSDT"}, "get_instruments_info", {"symbol": "BTCUSDT"}, id="rules"),
        pytest.param("tickers", {"symbol": "BTCUSDT"}, "get_tickers", {"symbol": "BTCUSDT"}, id="tickers"),
        pytest.param("trades", {"symbol": "BTCUSDT"}, "get_public_trade_history", {"symbol": "BTCUSDT"}, id="trades"),
        pytest.param("book", {"symbol": "BTCUSDT", "limit": 50}, "get_orderbook", {"symbol": "BTCUSDT", "limit": 50}, id="book"),
        pytest.param(
            "klines", {"symbol": "BTCUSDT", "interval_s": 300}, "get_kline", {"symbol": "BTCUSDT", "interval": "5"},
            id="candles",
        ),
    ],
)  # fmt: skip
def test_other_requests_are_pybits(
    cli: Cli, pybit: Theirs, action: str, arguments: object, call: str, parameters: dict[str, object]
) -> None:
    assert_same(shown(cli, action, arguments), pybit.request(call, category="linear", **parameters), pybit)


def test_a_wallet_is_pybits(cli: Cli, pybit: Theirs) -> None:
    theirs = pybit.request("get_wallet_balance", accountType="UNIFIED", coin="USDT")
    assert_same(shown(cli, "wallet", {"coin": "USDT"}), theirs, pybit)


def test_a_market_order_has_no_price(cli: Cli) -> None:
    order = {"symbol": "BTCUSDT", "side": "sell", "kind": "market", "size": "0.001"}
    body = json.loads(shown(cli, "place", order)["body"])
    assert (body["orderType"], body["qty"]) == ("Market", "0.001")
    assert "price" not in body


def test_every_action_that_a_venue_claims_can_be_asked_for(cli: Cli) -> None:
    [bybit] = [fact for fact in cli("venues", "--json").array() if fact["name"] == "bybit"]
    arguments: dict[str, object] = {
        "place": PLACE, "place_batch": [PLACE],
        "amend": {"symbol": "BTCUSDT", "client_id": "x", "price": "1", "size": "1"},
        "amend_batch": [{"symbol": "BTCUSDT", "client_id": "x", "price": "1", "size": "1"}],
        "cancel": {"symbol": "BTCUSDT", "client_id": "x"}, "cancel_batch": [{"symbol": "BTCUSDT", "client_id": "x"}],
        "cancel_all": {}, "set_leverage": {"symbol": "BTCUSDT", "leverage": "3"},
    }  # fmt: skip
    for action in bybit["actions"]:
        fact = shown(cli, action, arguments.get(action, {"symbol": "BTCUSDT"}))
        assert fact["method"] in ("GET", "POST")
        assert fact["url"].startswith("https://api.bybit.com/v5/")


@pytest.mark.parametrize(
    ("environment", "host"),
    [("mainnet", "api.bybit.com"), ("testnet", "api-testnet.bybit.com"), ("demo", "api-demo.bybit.com")],
)
def test_the_environment_is_the_host(cli: Cli, environment: str, host: str) -> None:
    ran = cli("request", "bybit", "wallet", "{}", *KEYS, "--environment", environment)
    assert urlsplit(json.loads(ran.out)["url"]).netloc == host


def test_keys_come_from_the_environment(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAPELINE_BYBIT_KEY", KEY)
    monkeypatch.setenv("TAPELINE_BYBIT_SECRET", SECRET)
    ran = cli("request", "bybit", "place", json.dumps(PLACE), "--now-ms", str(NOW_MS))
    assert json.loads(ran.out) == shown(cli, "place", PLACE)


def test_public_requests_need_no_keys(cli: Cli) -> None:
    ran = cli("request", "bybit", "instruments", '{"symbol":"BTCUSDT"}')
    assert ran.code == 0
    assert "X-BAPI-SIGN" not in json.loads(ran.out)["headers"]


@pytest.mark.parametrize(
    ("action", "arguments", "more", "said"),
    [
        pytest.param("place", PLACE, ["--now-ms", "1"], "TAPELINE_BYBIT_KEY", id="no keys"),
        pytest.param("place", PLACE, ["--key", "k"], "go together", id="a key without its secret"),
        pytest.param("nope", {}, KEYS, "no action 'nope'", id="an unknown action"),
        pytest.param("place", {**PLACE, "side": "up"}, KEYS, "up", id="an unknown side"),
        pytest.param("place", {**PLACE, "colour": 1}, KEYS, "colour", id="an unknown field"),
        pytest.param("place", {"symbol": "BTCUSDT"}, KEYS, "side", id="a field too few"),
        pytest.param("place", {**PLACE, "symbol": ""}, KEYS, "symbol is empty", id="no symbol"),
        pytest.param("place", {**PLACE, "size": "-1"}, KEYS, "size -1 is not positive", id="a size below nothing"),
        pytest.param(
            "place", {**PLACE, "size": "NaN"}, KEYS, "size NaN is not positive", id="a size that is no number"
        ),
        pytest.param("place", {**PLACE, "price": "Infinity"}, KEYS, "is not positive", id="a price without end"),
        pytest.param("place", {**PLACE, "price": "x"}, KEYS, "price", id="a price that is no number"),
        pytest.param("place", {**PLACE, "price": None}, KEYS, "price", id="a limit order without a price"),
        pytest.param("place", [PLACE], KEYS, "object", id="a list where one is meant"),
        pytest.param("place_batch", PLACE, KEYS, "array", id="one where a list is meant"),
        pytest.param("place_batch", [], KEYS, "empty", id="an empty batch"),
        pytest.param("place_batch", [PLACE, {**PLACE, "size": "0"}], KEYS, "place_batch[1]", id="one bad of a batch"),
        pytest.param("place_batch", [PLACE] * 21, KEYS, "21 are more than the 20", id="more than a request takes"),
        pytest.param(
            "place", {**PLACE, "size": "1e999999"}, KEYS, "nothing that is traded", id="a size of a million digits"
        ),
        pytest.param(
            "place", {**PLACE, "price": "1e-40"}, KEYS, "nothing that is traded", id="a price of next to nothing"
        ),
        pytest.param(
            "set_leverage", {"symbol": "BTCUSDT", "leverage": "NaN"}, KEYS, "leverage", id="a leverage that is none"
        ),
        pytest.param(
            "set_leverage", {"symbol": "BTCUSDT", "leverage": "-3"}, KEYS, "leverage", id="a leverage below nothing"
        ),
        pytest.param("open_orders", {"limit": 0}, KEYS, "limit", id="a limit of none"),
        pytest.param("executions", {"start_ms": -1}, KEYS, "start_ms", id="a time before all time"),
        pytest.param("cancel", {"symbol": "BTCUSDT", "client_id": ""}, KEYS, "client_id", id="a cancel of nothing"),
        pytest.param("klines", {"symbol": "BTCUSDT", "interval_s": 7}, KEYS, "7 s", id="an interval nobody has"),
        pytest.param("open_orders", {"symbol": 5}, KEYS, "symbol", id="a symbol that is no word"),
        pytest.param("place", PLACE, [*KEYS, "--environment", "moon"], "moon", id="an unknown environment"),
        pytest.param("place", PLACE, [*KEYS[:4], "--now-ms", "x"], "--now-ms", id="a time that is no number"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_line(
    cli: Cli, action: str, arguments: object, more: list[str], said: str
) -> None:
    ran = cli("request", "bybit", action, json.dumps(arguments), *more)
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1
    assert said in ran.err
    assert SECRET not in ran.err


@pytest.mark.parametrize("text", ["", "{", "nonsense", '"x"', "null", "\x00", '{"symbol":"\udcff"}'])
def test_what_is_no_json_is_said_in_one_line(cli: Cli, text: str) -> None:
    ran = cli("request", "bybit", "place", text, *KEYS)
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("action", "query"),
    [
        pytest.param("executions", {"cursor": "page2"}, id="a page that is no time"),
        pytest.param("set_leverage", {"symbol": "BTC", "leverage": "Infinity"}, id="a leverage without end"),
        pytest.param("set_leverage", {"symbol": "BTC", "leverage": 10**30}, id="a leverage beyond its encoding"),
    ],
)
def test_what_hyperliquid_cannot_be_asked_is_said_in_one_line(cli: Cli, action: str, query: object) -> None:
    keys = ["--key", "0x" + "11" * 20, "--secret", "0x" + "22" * 32, "--now-ms", "1"]
    ran = cli("request", "hyperliquid", action, json.dumps(query), *keys)
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1


def test_an_unknown_venue_is_said(cli: Cli) -> None:
    ran = cli("request", "nope", "place", "{}", *KEYS)
    assert ran.code == 2
    assert "there is no venue 'nope'" in ran.err
