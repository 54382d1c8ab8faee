# ruff: noqa: E501 - a table of calls reads best with one a line
"""Requests and signatures beside those of the venue's own client and of ccxt, for the same calls."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import okx.Account
import okx.MarketData
import okx.PublicData
import okx.Trade
import okx.utils
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import iso
from adapters.base.client import SignedRequest
from adapters.base.mac import Mac
from adapters.base.query import Query
from adapters.okx.client import Client, signature
from adapters.okx.endpoints import Endpoints
from adapters.okx.private import TradeWebsocket
from state.errors import WrongUse
from tests.adapters.okx.test_requests import AMEND, BTC, CANCEL, FORMATS, KEYS, NOW_MS, order
from tests.later import Later

ccxt = Later("ccxt")

D = Decimal


# --- as the venue's own client asks ------------------------------------------------------------------------------


class Answered:
    def json(self) -> dict[str, Any]:
        return {}


class Official:
    """python-okx, its HTTP layer in our hands."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.seen: list[tuple[str, str, str, dict[str, str]]] = []
        patch.setattr(okx.utils, "get_timestamp", lambda: iso.stamp(NOW_MS))
        words = ("APIKEY", KEYS.secret.reveal(), "third")
        self.trade = okx.Trade.TradeAPI(*words, flag="1")
        self.account = okx.Account.AccountAPI(*words, flag="1")
        self.market = okx.MarketData.MarketAPI(flag="1")
        self.public = okx.PublicData.PublicAPI(flag="1")
        for api in (self.trade, self.account, self.market, self.public):
            patch.setattr(api, "get", lambda path, headers: self._keep("GET", path, "", headers))
            patch.setattr(api, "post", lambda path, data, headers: self._keep("POST", path, data, headers))

    def _keep(self, method: str, path: str, body: str, headers: dict[str, str]) -> Answered:
        self.seen.append((method, path, body, headers))
        return Answered()


@pytest.fixture(scope="module")
def clients() -> Iterator[Official]:
    with pytest.MonkeyPatch.context() as patch:
        yield Official(patch)


@pytest.fixture
def official(clients: Official) -> Official:
    clients.seen.clear()
    return clients


ROW = {
    "instId": BTC,
    "tdMode": "cross",
    "side": "buy",
    "ordType": "post_only",
    "sz": "1",
    "px": "65000",
    "clOrdId": "mm1",
}
AMENDED = {"instId": BTC, "clOrdId": "mm1", "newSz": "2", "newPx": "65000.1"}
SAME: list[tuple[str, Any, Callable[[Official], object]]] = [
    ("place", order(), lambda o: o.trade.place_order(**ROW)),
    ("place", order(reduce_only=True), lambda o: o.trade.place_order(**ROW, reduceOnly=True)),
    ("amend", AMEND, lambda o: o.trade.amend_order(**AMENDED)),
    ("cancel", CANCEL, lambda o: o.trade.cancel_order(BTC, clOrdId="mm1")),
    ("place_batch", [order()] * 2, lambda o: o.trade.place_multiple_orders([ROW, ROW])),
    ("amend_batch", [AMEND], lambda o: o.trade.amend_multiple_orders([AMENDED])),
    ("cancel_batch", [CANCEL], lambda o: o.trade.cancel_multiple_orders([{"instId": BTC, "clOrdId": "mm1"}])),
    ("order", Query(symbol=BTC, client_id="mm1"), lambda o: o.trade.get_order(BTC, clOrdId="mm1")),
    ("open_orders", Query(limit=50, cursor="9"), lambda o: o.trade.get_order_list("SWAP", after="9", limit="50")),
    (
        "order_history",
        Query(symbol=BTC, start_ms=1),
        lambda o: o.trade.get_orders_history("SWAP", instId=BTC, begin="1"),
    ),
    (
        "executions",
        Query(symbol=BTC, order_id="7", limit=100),
        lambda o: o.trade.get_fills("SWAP", instId=BTC, ordId="7", limit="100"),
    ),
    ("execution_archive", Query(limit=9), lambda o: o.trade.get_fills_history("SWAP", limit="9")),
    ("positions", Query(symbol=BTC), lambda o: o.account.get_positions("SWAP", BTC)),
    ("wallet", Query(coin="BTC"), lambda o: o.account.get_account_balance("BTC")),
    ("set_leverage", Query(symbol=BTC, leverage=D(5)), lambda o: o.account.set_leverage("5", "cross", instId=BTC)),
    ("set_position_mode", Query(hedge=True), lambda o: o.account.set_position_mode("long_short_mode")),
    ("fee_rates", Query(symbol=BTC), lambda o: o.account.get_fee_rates("SWAP", instFamily="BTC-USDT")),
    ("book", Query(symbol=BTC, limit=5), lambda o: o.market.get_orderbook(BTC, "5")),
    ("trades", Query(symbol=BTC, limit=5), lambda o: o.market.get_trades(BTC, "5")),
    ("klines", Query(symbol=BTC, interval_s=300), lambda o: o.market.get_candlesticks(BTC, bar="5m")),
    ("tickers", Query(), lambda o: o.market.get_tickers("SWAP")),
    ("tickers", Query(symbol=BTC), lambda o: o.market.get_ticker(BTC)),
    ("index_tickers", Query(symbol=BTC), lambda o: o.market.get_index_tickers(instId="BTC-USDT")),
    ("instruments", Query(symbol=BTC), lambda o: o.public.get_instruments("SWAP", instId=BTC)),
    ("server_time", Query(), lambda o: o.public.get_system_time()),
    ("mark_prices", Query(symbol=BTC), lambda o: o.public.get_mark_price("SWAP", instId=BTC)),
    ("funding_rate", Query(symbol=BTC), lambda o: o.public.get_funding_rate(BTC)),
    ("open_interest", Query(symbol=BTC), lambda o: o.public.get_open_interest("SWAP", instId=BTC)),
    ("funding", Query(limit=5), lambda o: o.account.get_account_bills("SWAP", type="8", limit="5")),
]


def meant(body: str) -> Any:
    """Without what was left open: the official client sends that as empty words."""
    said = json.loads(body) if body else {}
    rows = said if isinstance(said, list) else [said]
    kept = [{name: word for name, word in row.items() if word not in ("", None)} for row in rows]
    return kept if isinstance(said, list) else kept[0]


@pytest.mark.parametrize(("action", "arguments", "ask"), SAME, ids=[f"{n} {each[0]}" for n, each in enumerate(SAME)])
def test_each_request_is_what_the_venues_own_client_sends(
    action: str, arguments: Any, ask: Callable[[Official], object], official: Official
) -> None:
    ask(official)
    ((method, path, body, headers),) = official.seen
    signed = Client("https://x", KEYS, is_simulated=True).sign(FORMATS.request(action, arguments), NOW_MS)
    ours = urlsplit(signed.url)
    assert (signed.method, ours.path) == (method, path.partition("?")[0].rstrip("?"))
    assert dict(parse_qsl(ours.query)) == dict(parse_qsl(path.partition("?")[2]))
    assert meant(signed.body.decode()) == meant(body)
    assert signed.headers["x-simulated-trading"] == headers["x-simulated-trading"] == "1"
    if Endpoints.ALL["ticker" if path.startswith("/api/v5/market/ticker?") else action].auth:
        for name in ("OK-ACCESS-KEY", "OK-ACCESS-TIMESTAMP", "OK-ACCESS-PASSPHRASE"):
            assert signed.headers[name] == headers[name]
        if ours.query == path.partition("?")[2] and signed.body.decode() == body:
            assert signed.headers["OK-ACCESS-SIGN"] == headers["OK-ACCESS-SIGN"].decode()  # type: ignore[attr-defined]


# --- as ccxt asks ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ccxt_okx(recordings: Any) -> Any:
    exchange = ccxt.okx(
        {"apiKey": "APIKEY", "secret": KEYS.secret.reveal(), "password": "third", "enableRateLimit": False}
    )
    rows = json.loads((recordings / "okx/nautilus/http_get_instruments_swap.json").read_text())["data"]
    exchange.set_markets(exchange.parse_markets(rows))
    exchange.options |= {"createOrder": "privatePostTradeOrder", "brokerId": ""}
    exchange.milliseconds = lambda: NOW_MS
    return exchange


def asked_by(exchange: Any, ask: Callable[[Any], object]) -> tuple[str, str, str, dict[str, str]]:
    seen: list[tuple[str, str, str, dict[str, str]]] = []

    def fetch(url: str, method: str, headers: dict[str, str] | None = None, body: str | None = None) -> dict[str, Any]:
        seen.append((url, method, body or "", headers or {}))
        return {"code": "0", "data": [{"sCode": "0", "ordId": "1", "clOrdId": "mm1", "posMode": "net_mode"}]}

    exchange.fetch = fetch
    with suppress(KeyError, TypeError, ccxt.BaseError):  # of what it makes of our empty answer
        ask(exchange)
    return seen[-1]


@pytest.mark.parametrize(
    ("action", "arguments", "ask"),
    [
        ("place", order(), lambda x: x.create_order("BTC/USDT:USDT", "limit", "buy", 1, 65000, {"postOnly": True, "clientOrderId": "mm1", "tag": ""})),
        ("place", order(kind="market", price=None, side="sell", reduce_only=True), lambda x: x.create_order("BTC/USDT:USDT", "market", "sell", 1, None, {"clientOrderId": "mm1", "tag": "", "reduceOnly": True})),
        ("place", order(tif="ioc"), lambda x: x.create_order("BTC/USDT:USDT", "limit", "buy", 1, 65000, {"timeInForce": "IOC", "clientOrderId": "mm1", "tag": ""})),
        ("place", order(tif="fok"), lambda x: x.create_order("BTC/USDT:USDT", "limit", "buy", 1, 65000, {"timeInForce": "FOK", "clientOrderId": "mm1", "tag": ""})),
        ("amend", AMEND, lambda x: x.edit_order("", "BTC/USDT:USDT", "limit", "buy", 2, 65000.1, {"clientOrderId": "mm1"})),
        ("cancel", CANCEL, lambda x: x.cancel_order("", "BTC/USDT:USDT", {"clientOrderId": "mm1"})),
        ("order", Query(symbol=BTC, client_id="mm1"), lambda x: x.fetch_order("", "BTC/USDT:USDT", {"clientOrderId": "mm1"})),
        ("set_leverage", Query(symbol=BTC, leverage=D(5)), lambda x: x.set_leverage(5, "BTC/USDT:USDT")),
        ("disconnect_cancel_all", Query(window_s=60), lambda x: x.cancel_all_orders_after(60_000)),
        ("book", Query(symbol=BTC, limit=5), lambda x: x.fetch_order_book("BTC/USDT:USDT", 5)),
    ],
)  # fmt: skip
def test_each_request_is_what_ccxt_sends(
    action: str, arguments: Any, ask: Callable[[Any], object], ccxt_okx: Any
) -> None:
    url, method, body, headers = asked_by(ccxt_okx, ask)
    signed: SignedRequest = Client("https://www.okx.com", KEYS).sign(FORMATS.request(action, arguments), NOW_MS)
    theirs, ours = urlsplit(url), urlsplit(signed.url)
    assert (signed.method, ours.path) == (method, theirs.path)
    assert dict(parse_qsl(ours.query)) == dict(parse_qsl(theirs.query))
    said, wanted = meant(signed.body.decode()), meant(body)
    strangers = ("tag", "clientOrderId")  # its own, which the venue passes over
    assert said == {
        name: str(word) if type(word) is int else word for name, word in wanted.items() if name not in strangers
    }
    if signed.body.decode() == body and ours.query == theirs.query and Endpoints.ALL[action].auth:
        assert signed.headers["OK-ACCESS-SIGN"] == headers["OK-ACCESS-SIGN"]


# --- signing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "arguments", "signed"),
    [
        ("wallet", Query(coin="BTC"), "HiZhvSfMtWJA3uUIVXV3a/bSXNPCWvYFXoGCVS8V4zY="),
        ("place", order(), "ky2AbQN1QusmdSZp+oDcp2w/HDdSHJk+6ew1Tb9hB2w="),
    ],
)
def test_the_sheets_vectors_reproduce(action: str, arguments: Any, signed: str) -> None:
    made = Client("https://www.okx.com", KEYS).sign(FORMATS.request(action, arguments), NOW_MS)
    assert made.headers["OK-ACCESS-SIGN"] == signed
    assert made.headers["OK-ACCESS-TIMESTAMP"] == "2020-12-08T09:08:57.715Z"
    assert ("expTime" in made.headers) == (action == "place")


def test_the_login_is_shaped_as_published_and_signed_as_the_sheet_says(recordings: Any) -> None:
    (vector,) = json.loads((recordings / "signing/okx.json").read_text())["vectors"]
    socket = TradeWebsocket("okx", "", KEYS, {})
    (frame,) = map(json.loads, socket.on_connect(1_704_876_947 * 10**9))
    published = vector["expected"]["frame"]
    assert frame["op"] == published["op"]
    assert list(frame["args"][0]) == list(published["args"][0])
    assert frame["args"][0]["timestamp"] == "1704876947"
    assert frame["args"][0]["sign"] == "5/36BgGV6m/6pmdc20zdqk0mzF5ZalmzzPD2fo3wavU="
    kept = json.loads(socket.strike(json.dumps(frame, separators=(",", ":")).encode()))
    assert kept["args"][0] == {"apiKey": "***", "passphrase": "***", "timestamp": "1704876947", "sign": "***"}


WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=90)


@given(
    secret=WORDS,
    now_ms=st.integers(0, 4_000_000_000_000),
    method=st.sampled_from(["GET", "POST"]),
    path=WORDS,
    body=WORDS,
)
def test_signatures_equal_those_of_the_venues_own_client_and_of_ccxt(
    secret: str, now_ms: int, method: str, path: str, body: str
) -> None:
    text = okx.utils.pre_hash(iso.stamp(now_ms), method, path, body, False)
    ours = signature(Mac(secret.encode()), text.encode())
    assert ours == okx.utils.sign(text, secret).decode()
    assert ours == ccxt.okx.hmac(text.encode(), secret.encode(), hashlib.sha256, "base64")
    assert iso.stamp(now_ms) == ccxt.okx.iso8601(now_ms)


def test_a_private_request_needs_keys_and_shows_none() -> None:
    with pytest.raises(WrongUse, match="credentials"):
        Client("", None).sign(FORMATS.request("place", order()), NOW_MS)
    assert Client("", None).sign(FORMATS.request("server_time", Query()), NOW_MS).headers == {}
    made = Client("https://x", KEYS).sign(FORMATS.request("place", order()), NOW_MS)
    assert not {"APIKEY", "third", KEYS.secret.reveal()} & set(repr(made).split("'"))
    assert "x-simulated-trading" not in made.headers
