"""Bybit's own Python library reads and trades on the loopback venue as it would on Bybit."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from pybit import _websocket_stream, _websocket_trading, unified_trading
from pybit.exceptions import InvalidRequestError

from tests.patience import PATIENCE_S

QUIET = {"testnet": False, "restart_on_error": False, "ping_interval": 60, "ping_timeout": 1, "private_auth_expire": 10}
"""Its thread looks up once a `ping_timeout`: the default of 10 s would hold up the end of each test."""
KEYS = {"api_key": "APIKEY", "api_secret": "SECRET"}


@pytest.fixture
def http(threaded):
    session = unified_trading.HTTP(**KEYS)
    session.endpoint = threaded.venue.rest_url
    yield session
    session.client.close()


def one_at_a_time(lock, method):
    """pybit notes what it waits for after it has sent the request: on one machine the answer may come before."""

    def run(*args, **named):
        with lock:
            return method(*args, **named)

    return run


@pytest.fixture
def sockets(threaded, monkeypatch) -> Iterator[Callable]:
    """Opens pybit's sockets against the venue and closes them at the end."""
    address = threaded.venue.rest_url.removeprefix("http://")
    monkeypatch.setattr(unified_trading, "PUBLIC_WSS", f"ws://{address}/v5/public/{{CHANNEL_TYPE}}")
    monkeypatch.setattr(unified_trading, "PRIVATE_WSS", threaded.venue.private_url)
    monkeypatch.setattr(_websocket_trading, "TRADE_WSS", threaded.venue.trade_url)
    lock = threading.RLock()
    for manager, sends in (
        (_websocket_trading._V5TradeWebSocketManager, "_send_order_operation"),
        (_websocket_stream._V5WebSocketManager, "subscribe"),
    ):
        for name in (sends, "_handle_incoming_message"):
            monkeypatch.setattr(manager, name, one_at_a_time(lock, getattr(manager, name)))
    opened = []

    def open_socket(kind: str):
        if kind == "trade":
            opened.append(unified_trading.WebSocketTrading(**QUIET, **KEYS))
        else:
            keys = KEYS if kind == "private" else {}
            opened.append(unified_trading.WebSocket(channel_type=kind, **QUIET, **keys))
        return opened[-1]

    yield open_socket
    for socket in opened:
        socket.exit()
        socket.wst.join(5)


def place(http, **fields):
    order = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.010"}
    return http.place_order(**(order | fields))["result"]


def levels(rows):
    return [(Decimal(price), Decimal(size)) for price, size in rows]


def best(rows, choose):
    """The best level of a side that pybit keeps in no order."""
    return choose(levels(rows))


def test_the_public_calls_answer_what_the_venue_knows(threaded, http) -> None:
    book = threaded.call(lambda venue: venue.books["BTCUSDT"])
    listed = http.get_orderbook(category="linear", symbol="BTCUSDT", limit=50)["result"]
    assert [(Decimal(p), Decimal(s)) for p, s in listed["b"]] == book.bids[:50]
    assert [(Decimal(p), Decimal(s)) for p, s in listed["a"]] == book.asks[:50]
    assert int(http.get_server_time()["result"]["timeNano"]) > 0
    terms = http.get_instruments_info(category="linear", symbol="BTCUSDT")["result"]["list"][0]
    assert (terms["priceFilter"]["tickSize"], terms["lotSizeFilter"]["qtyStep"]) == ("0.10", "0.001")
    assert http.get_tickers(category="linear", symbol="BTCUSDT")["result"]["list"][0]["bid1Price"] == str(
        book.bids[0][0]
    )
    assert len(http.get_public_trade_history(category="linear", symbol="BTCUSDT", limit=5)["result"]["list"]) == 5
    candles = http.get_kline(category="linear", symbol="BTCUSDT", interval="1")["result"]["list"]
    assert [int(c[0]) for c in candles] == sorted((int(c[0]) for c in candles), reverse=True)
    limits = http.get_price_limit(category="linear", symbol="BTCUSDT")["result"]
    assert Decimal(limits["sellLmt"]) < book.bids[0][0] < Decimal(limits["buyLmt"])


def test_paging_with_a_cursor_lists_every_instrument_once(http) -> None:
    first = http.get_instruments_info(category="linear", limit=1)["result"]
    second = http.get_instruments_info(category="linear", limit=1, cursor=first["nextPageCursor"])["result"]
    assert [first["list"][0]["symbol"], second["list"][0]["symbol"]] == ["BTCUSDT", "ETHUSDT"]
    assert second["nextPageCursor"] == ""


def test_an_order_is_placed_amended_and_cancelled(threaded, http) -> None:
    placed = place(http, price="64500.00", timeInForce="PostOnly", orderLinkId="mm-1")
    http.amend_order(category="linear", symbol="BTCUSDT", orderLinkId="mm-1", price="64600.00", qty="0.020")
    resting = http.get_open_orders(category="linear", symbol="BTCUSDT")["result"]["list"]
    assert [(o["orderId"], o["price"], o["qty"], o["orderStatus"]) for o in resting] == [
        (placed["orderId"], "64600.00", "0.020", "New")
    ]
    http.cancel_order(category="linear", symbol="BTCUSDT", orderId=placed["orderId"])
    closed = http.get_order_history(category="linear", symbol="BTCUSDT")["result"]["list"]
    assert [(o["orderLinkId"], o["orderStatus"], o["cancelType"]) for o in closed] == [
        ("mm-1", "Cancelled", "CancelByUser")
    ]
    assert threaded.call(lambda venue: venue.truth("APIKEY").open_orders) == {}


def test_a_fill_shows_in_executions_position_wallet_and_statement(http) -> None:
    place(http, orderType="Market", orderLinkId="taker")
    executions = http.get_executions(category="linear", symbol="BTCUSDT")["result"]["list"]
    assert sum(Decimal(e["execQty"]) for e in executions) == Decimal("0.010")
    assert not any(e["isMaker"] for e in executions)
    position = http.get_positions(category="linear", symbol="BTCUSDT")["result"]["list"][0]
    assert (position["side"], position["size"]) == ("Buy", "0.010")
    fees = sum(Decimal(e["execFee"]) for e in executions)
    wallet = http.get_wallet_balance(accountType="UNIFIED")["result"]["list"][0]
    assert Decimal(wallet["totalWalletBalance"]) == Decimal(100_000) - fees
    statement = http.get_transaction_log(accountType="UNIFIED", category="linear")["result"]["list"]
    assert sum(Decimal(line["change"]) for line in statement) == -fees
    http.set_leverage(category="linear", symbol="BTCUSDT", buyLeverage="20", sellLeverage="20")
    place(http, side="Sell", orderType="Market", qty="0", reduceOnly=True, closeOnTrigger=True)
    assert http.get_positions(category="linear", symbol="BTCUSDT")["result"]["list"][0]["size"] == "0"
    assert http.get_account_info()["result"]["unifiedMarginStatus"] == 5
    assert http.get_fee_rates(category="linear", symbol="BTCUSDT")["result"]["list"][0]["makerFeeRate"] == "0.0002"


def test_a_batch_answers_for_each_item_on_its_own(http) -> None:
    request = [
        {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.001", "price": "64500.00", "orderLinkId": "a"},
        {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.001", "price": "64500.05", "orderLinkId": "b"},
    ]  # fmt: skip
    answer = http.place_batch_order(category="linear", request=request)
    assert [item["code"] for item in answer["retExtInfo"]["list"]] == [0, 10001]
    assert [bool(item["orderId"]) for item in answer["result"]["list"]] == [True, False]
    amended = http.amend_batch_order(
        category="linear", request=[{"symbol": "BTCUSDT", "orderLinkId": "a", "qty": "0.002"}]
    )
    assert amended["retExtInfo"]["list"][0]["code"] == 0
    gone = http.cancel_batch_order(
        category="linear",
        request=[{"symbol": "BTCUSDT", "orderLinkId": "a"}, {"symbol": "BTCUSDT", "orderLinkId": "nope"}],
    )
    assert [item["code"] for item in gone["retExtInfo"]["list"]] == [0, 110001]


def test_cancel_all_takes_every_resting_order_of_the_coin(http) -> None:
    for number in range(3):
        place(http, price="64500.00", orderLinkId=f"n{number}")
    gone = http.cancel_all_orders(category="linear", settleCoin="USDT")["result"]["list"]
    assert {item["orderLinkId"] for item in gone} == {"n0", "n1", "n2"}


REFUSALS = [
    ("a price off the tick", {"price": "64500.05"}, 10001),
    ("a size off the step", {"price": "64500.00", "qty": "0.0105"}, 10001),
    ("a size below the step", {"price": "64500.00", "qty": "0.0001"}, 110017),
    ("less than the minimum notional", {"symbol": "ETHUSDT", "price": "300.00", "qty": "0.01"}, 110094),
    ("a price above the band", {"price": "90000.00"}, 30208),
    ("a reduce-only order without a position", {"price": "64500.00", "reduceOnly": True}, 110017),
    ("more than the account can carry", {"price": "64500.00", "qty": "100"}, 110007),
    ("an unknown symbol", {"symbol": "NOPE", "price": "1.00"}, 10001),
    ("an unknown word", {"price": "64500.00", "timeInForce": "GTX"}, 10001),
    ("a client id of forbidden letters", {"price": "64500.00", "orderLinkId": "a b"}, 10001),
]


@pytest.mark.parametrize(("fields", "code"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_what_breaks_a_rule_is_refused_with_the_rules_code(threaded, http, fields, code) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        place(http, **fields)
    assert refusal.value.status_code == code
    assert threaded.call(lambda venue: venue.truth("APIKEY").orders) == {}


def test_a_client_id_may_be_used_once(http) -> None:
    place(http, price="64500.00", orderLinkId="once")
    with pytest.raises(InvalidRequestError) as refusal:
        place(http, price="64500.00", orderLinkId="once")
    assert refusal.value.status_code == 110072


def test_a_wrong_secret_is_told_from_a_wrong_key(threaded) -> None:
    for keys, code in (
        ({"api_key": "APIKEY", "api_secret": "no"}, 10004),
        ({"api_key": "no", "api_secret": "no"}, 10003),
    ):
        session = unified_trading.HTTP(**keys)
        session.endpoint = threaded.venue.rest_url
        with pytest.raises(InvalidRequestError) as refusal:
            session.get_open_orders(category="linear", symbol="BTCUSDT")
        assert refusal.value.status_code == code
        session.client.close()


def test_the_public_socket_keeps_pybits_book_equal_to_the_venues(threaded, sockets) -> None:
    books, trades, tickers = queue.Queue(), queue.Queue(), queue.Queue()
    public = sockets("linear")
    public.orderbook_stream(50, "BTCUSDT", books.put)
    public.trade_stream("BTCUSDT", trades.put)
    public.ticker_stream("BTCUSDT", tickers.put)
    first = books.get(timeout=PATIENCE_S)
    assert first["type"] == "snapshot"
    tickers.get(timeout=PATIENCE_S)
    threaded.call(lambda venue: venue.step(200))
    threaded.call(lambda venue: venue.step(200))
    truth = threaded.call(lambda venue: venue.books["BTCUSDT"])
    seen = books.get(timeout=PATIENCE_S)["data"]
    while best(seen["b"], max) != truth.bids[0] or best(seen["a"], min) != truth.asks[0]:
        seen = books.get(timeout=PATIENCE_S)["data"]
    assert sorted(levels(seen["b"])) == sorted(truth.bids[:50])
    assert sorted(levels(seen["a"])) == sorted(truth.asks[:50])
    assert trades.get(timeout=PATIENCE_S)["data"][0]["S"] in ("Buy", "Sell")


def test_the_private_socket_tells_the_life_of_an_order(http, sockets) -> None:
    orders, executions, positions, wallets = (queue.Queue() for _ in range(4))
    private = sockets("private")
    private.order_stream(orders.put)
    private.execution_stream(executions.put)
    private.position_stream(positions.put)
    private.wallet_stream(wallets.put)
    place(http, price="64500.00", orderLinkId="rest")
    assert orders.get(timeout=PATIENCE_S)["data"][0]["orderStatus"] == "New"
    place(http, price="65500.00", orderLinkId="cross", timeInForce="PostOnly")
    refused = orders.get(timeout=PATIENCE_S)["data"][0]
    assert (refused["orderStatus"], refused["rejectReason"]) == ("Cancelled", "EC_PostOnlyWillTakeLiquidity")
    place(http, orderType="Market", orderLinkId="take")
    assert orders.get(timeout=PATIENCE_S)["data"][0]["orderStatus"] == "Filled"
    assert executions.get(timeout=PATIENCE_S)["data"][0]["orderLinkId"] == "take"
    held = positions.get(timeout=PATIENCE_S)["data"][0]
    while held["size"] != "0.010":
        held = positions.get(timeout=PATIENCE_S)["data"][0]
    assert held["side"] == "Buy"
    assert wallets.get(timeout=PATIENCE_S)["data"][0]["coin"][0]["coin"] == "USDT"


def test_the_trade_socket_places_amends_cancels_and_batches(threaded, sockets) -> None:
    answers, refusals = queue.Queue(), queue.Queue()
    trade = sockets("trade")
    order = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.001"}
    trade.place_order(answers.put, refusals.put, **order, price="64500.00", orderLinkId="w1")
    placed = answers.get(timeout=PATIENCE_S)
    assert placed["data"]["orderLinkId"] == "w1"
    trade.amend_order(answers.put, refusals.put, category="linear", symbol="BTCUSDT", orderLinkId="w1", qty="0.003")
    assert answers.get(timeout=PATIENCE_S)["data"]["orderId"] == placed["data"]["orderId"]
    trade.cancel_order(answers.put, refusals.put, category="linear", symbol="BTCUSDT", orderLinkId="w1")
    answers.get(timeout=PATIENCE_S)
    trade.cancel_order(answers.put, refusals.put, category="linear", symbol="BTCUSDT", orderLinkId="w1")
    assert refusals.get(timeout=PATIENCE_S)["retCode"] == 110001
    batch = [{**order, "price": "64500.00", "orderLinkId": f"b{n}"} for n in range(2)]
    trade.place_batch_order(answers.put, refusals.put, category="linear", request=batch)
    assert [item["code"] for item in answers.get(timeout=PATIENCE_S)["retExtInfo"]["list"]] == [0, 0]
    assert set(threaded.call(lambda venue: venue.truth("APIKEY").open_orders)) == {"b0", "b1"}
