"""Bybit and Binance beside ccxt, which writes requests on its own: the same calls, and what we say more are defaults."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal as D
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from adapters.base.client import Client
from adapters.base.query import Query
from adapters.binance.client import Client as BinanceClient
from adapters.binance.formats import Formats as BinanceFormats
from adapters.bybit.client import Client as BybitClient
from adapters.bybit.formats import Formats as BybitFormats
from state.events import AmendOrder, CancelAll, CancelOrder, PlaceOrder
from state.secrets import Credentials, Secret
from tests.later import Later

ccxt = Later("ccxt")

KEYS = Credentials(Secret("k"), Secret("s"))
NOW_MS, START = 1_754_000_000_900, 1_753_999_800_000
SYMBOL, THEIRS = "BTCUSDT", "BTC/USDT:USDT"
MARKET: Mapping[str, Any] = {
    "id": SYMBOL, "symbol": THEIRS, "base": "BTC", "quote": "USDT", "settle": "USDT", "baseId": "BTC", "quoteId": "USDT",
    "settleId": "USDT", "type": "swap", "spot": False, "margin": False, "swap": True, "future": False, "option": False,
    "contract": True, "linear": True, "inverse": False, "subType": "linear", "active": True, "contractSize": 1.0,
    "precision": {"price": 0.1, "amount": 0.001}, "marginModes": {}, "created": None,
    "limits": {"amount": {"min": 0.001, "max": 100}, "price": {}, "cost": {}, "leverage": {"min": 1, "max": 100}},
    "info": {"orderTypes": ["LIMIT", "MARKET"]},
}  # fmt: skip
# What we say and ccxt leaves to the venue, whose defaults these are.
DEFAULTS: Mapping[str, tuple[object, ...]] = {
    "positionIdx": (0,), "reduceOnly": (False,), "timeInForce": ("GTC", "IOC"), "openOnly": ("0",),
    "selfTradePreventionMode": ("EXPIRE_MAKER",),
}  # fmt: skip
STAMPS = ("timestamp", "signature", "recvWindow")
SLOW = ("newOrderRespType",)  # ccxt waits for the outcome, which comes by our private stream
Ask = Callable[[Any], object]


def order(venue: str, **more: Any) -> PlaceOrder:
    fields: dict[str, Any] = {"price": D(65000), "tif": "gtc", "client_id": "mm1"} | more
    return PlaceOrder(venue, SYMBOL, fields.pop("side", "buy"), D("0.01"), **fields)


def limit(**params: object) -> Ask:
    return lambda e: e.create_order(THEIRS, "limit", "buy", 0.01, 65000, {"clientOrderId": "mm1", **params})


def market(e: Any) -> object:
    return e.create_order(THEIRS, "market", "buy", 0.01, None, {"clientOrderId": "mm1"})


def two(e: Any) -> object:
    params = {"symbol": THEIRS, "type": "limit", "amount": 0.01, "price": 65000}
    return e.create_orders([
        params | {"side": "buy", "params": {"clientOrderId": "mm1"}},
        params | {"side": "sell", "params": {"clientOrderId": "mm2"}},
    ])  # fmt: skip


def common(venue: str) -> list[tuple[str, object, Ask]]:
    """What both venues have by the same calls of ccxt."""
    asked = Query(symbol=SYMBOL, start_ms=START, limit=5)
    return [
        ("place", order(venue), limit()),
        ("place", order(venue, tif="post_only"), limit(postOnly=True)),
        ("place", order(venue, tif="ioc", reduce_only=True), limit(timeInForce="IOC", reduceOnly=True)),
        ("place", order(venue, tif="fok"), limit(timeInForce="FOK")),
        ("place", order(venue, kind="market", price=None, tif="ioc"), market),
        ("place_batch", [order(venue), order(venue, client_id="mm2", side="sell")], two),
        ("cancel_all", CancelAll(venue, SYMBOL), lambda e: e.cancel_all_orders(THEIRS)),
        ("set_leverage", Query(symbol=SYMBOL, leverage=D(5)), lambda e: e.set_leverage(5, THEIRS)),
        ("set_position_mode", Query(symbol=SYMBOL, hedge=True), lambda e: e.set_position_mode(True, THEIRS)),
        ("open_orders", Query(symbol=SYMBOL), lambda e: e.fetch_open_orders(THEIRS)),
        ("order_history", asked, lambda e: e.fetch_orders(THEIRS, START, 5)),
        ("fee_rates", Query(symbol=SYMBOL), lambda e: e.fetch_trading_fee(THEIRS)),
        ("trades", Query(symbol=SYMBOL, limit=5), lambda e: e.fetch_trades(THEIRS, None, 5)),
        ("book", Query(symbol=SYMBOL, limit=50), lambda e: e.fetch_order_book(THEIRS, 50)),
    ]  # fmt: skip


BYBIT: list[tuple[str, object, Ask]] = [
    *[case for case in common("bybit") if case[0] != "order_history"],
    (
        "amend", AmendOrder("bybit", SYMBOL, "mm1", D("65000.1"), D("0.02")),
        lambda e: e.edit_order(None, THEIRS, "limit", "buy", 0.02, 65000.1, {"orderLinkId": "mm1"}),
    ),
    ("cancel", CancelOrder("bybit", SYMBOL, "mm1"), lambda e: e.cancel_order(None, THEIRS, {"orderLinkId": "mm1"})),
    (
        "cancel_batch", [CancelOrder("bybit", SYMBOL, "mm1"), CancelOrder("bybit", SYMBOL, "mm2")],
        lambda e: e.cancel_orders([], THEIRS, {"clientOrderIds": ["mm1", "mm2"]}),
    ),
    ("cancel_all", CancelAll("bybit", ""), lambda e: e.cancel_all_orders(None)),
    ("disconnect_cancel_all", Query(window_s=30), lambda e: e.cancel_all_orders_after(30_000)),
    ("wallet", Query(), lambda e: e.fetch_balance()),
    (
        "executions", Query(symbol=SYMBOL, start_ms=START, limit=5),
        lambda e: e.privateGetV5ExecutionList({"category": "linear", "symbol": SYMBOL, "startTime": START, "limit": 5}),
    ),
    (
        "klines", Query(symbol=SYMBOL, interval_s=300, start_ms=START, limit=5),
        lambda e: e.fetch_ohlcv(THEIRS, "5m", START, 5),
    ),
]  # fmt: skip
BINANCE: list[tuple[str, object, Ask]] = [
    *common("binance"),
    (
        "amend", AmendOrder("binance", SYMBOL, "mm1", D("65000.1"), D("0.02")),
        lambda e: e.fapiPrivatePutOrder(
            {"symbol": SYMBOL, "side": "BUY", "quantity": "0.02", "price": "65000.1", "origClientOrderId": "mm1"}
        ),
    ),
    ("cancel", CancelOrder("binance", SYMBOL, "mm1"), lambda e: e.cancel_order(None, THEIRS, {"clientOrderId": "mm1"})),
    (
        "disconnect_cancel_all", Query(symbol=SYMBOL, window_s=30),
        lambda e: e.fapiPrivatePostCountdownCancelAll({"symbol": SYMBOL, "countdownTime": 30_000}),
    ),
    ("order", Query(symbol=SYMBOL, client_id="mm1"), lambda e: e.fetch_order(None, THEIRS, {"clientOrderId": "mm1"})),
    (
        "funding", Query(symbol=SYMBOL, start_ms=START, limit=5),
        lambda e: e.fetch_funding_history(THEIRS, START, 5),
    ),
    ("klines", Query(symbol=SYMBOL, interval_s=300, start_ms=START, limit=5), lambda e: e.fetch_ohlcv(THEIRS, "5m", START, 5)),
]  # fmt: skip


@pytest.mark.parametrize(("action", "arguments", "ask"), BYBIT, ids=[f"{n} {case[0]}" for n, case in enumerate(BYBIT)])
def test_what_bybit_is_asked_is_what_ccxt_asks(action: str, arguments: Any, ask: Ask) -> None:
    theirs: Any = ccxt.bybit({"apiKey": "k", "secret": "s", "enableRateLimit": False})
    theirs.is_unified_enabled = lambda *_: [False, True]
    formats = BybitFormats("bybit", "linear", ("USDT",))
    same(theirs, formats, BybitClient("https://api.bybit.com", KEYS), action, arguments, ask)


@pytest.mark.parametrize(
    ("action", "arguments", "ask"), BINANCE, ids=[f"{n} {case[0]}" for n, case in enumerate(BINANCE)]
)
def test_what_binance_is_asked_is_what_ccxt_asks(action: str, arguments: Any, ask: Ask) -> None:
    theirs: Any = ccxt.binanceusdm({"apiKey": "k", "secret": "s", "enableRateLimit": False})
    formats = BinanceFormats("binance", "linear", {"mm1": "buy"}.get)
    same(theirs, formats, BinanceClient("https://fapi.binance.com", KEYS), action, arguments, ask)


def same(theirs: Any, formats: Any, client: Client, action: str, arguments: Any, ask: Ask) -> None:
    """The same method and path, all that they say, and of ours no more than defaults."""
    seen: list[tuple[str, str, str]] = []

    def fetch(url: str, method: str = "GET", headers: object = None, body: str | None = None) -> dict[str, Any]:
        seen.append((method, url, body or ""))
        return {"retCode": 0, "result": {"list": []}}

    theirs.set_markets([MARKET])
    theirs.fetch = fetch
    with suppress(Exception):  # what it makes of the answer is not asked here
        ask(theirs)
    method, url, body = seen[-1]
    signed = client.sign(formats.request(action, arguments), NOW_MS)
    assert (signed.method, signed.url.partition("?")[0]) == (method, url.partition("?")[0])
    beyond(said(urlsplit(signed.url).query, signed.body.decode()), said(urlsplit(url).query, body))


def said(query: str, body: str) -> dict[str, Any]:
    form = json.loads(body) if body[:1] in ("{", "[") else dict(parse_qsl(body))
    whole = dict(parse_qsl(query)) | form
    if "batchOrders" in whole:
        whole["batchOrders"] = json.loads(whole["batchOrders"])
    return {name: value for name, value in whole.items() if name not in STAMPS}


def beyond(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Recursively through lists of orders."""
    for name, value in theirs.items():
        if name in SLOW:
            continue
        if isinstance(value, list):
            assert len(ours[name]) == len(value)
            for mine, each in zip(ours[name], value, strict=True):
                beyond(mine, each)
        else:
            assert ours.get(name) == value, name
    more = {name: value for name, value in ours.items() if name not in theirs}
    assert {name for name, value in more.items() if value not in DEFAULTS.get(name, ())} == set()
