# ruff: noqa: E501 - a table of requests reads best with one a line
"""What is asked of the venue, to the byte, and what cannot be asked."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.base.orderid import MAX_SEQ
from adapters.base.query import Query
from adapters.okx.contracts import Contracts
from adapters.okx.endpoints import Endpoints
from adapters.okx.exchange import CAPABILITIES
from adapters.okx.formats import Formats
from adapters.okx.orderid import OrderID
from adapters.okx.private import TradeWebsocket
from state.errors import WrongUse
from state.events import AmendOrder, CancelOrder, OrderUpdate, PlaceOrder
from state.secrets import Credentials, Secret

D = Decimal
KEYS = Credentials(Secret("APIKEY"), Secret("22582BD0CFF14C41EDBF1AB98506286D"), Secret("third"))
NOW_MS = 1_607_418_537_715  # 2020-12-08T09:08:57.715Z
BTC = "BTC-USDT-SWAP"
FORMATS = Formats("okx", "swap")


def order(**more: Any) -> PlaceOrder:
    plain = PlaceOrder("okx", BTC, "buy", D("0.01"), D("65000"), tif="post_only", client_id="mm1")
    return replace(plain, **more)


AMEND, CANCEL = AmendOrder("okx", BTC, "mm1", D("65000.1"), D("0.02")), CancelOrder("okx", BTC, "mm1")
PLACED = {
    "instId": BTC,
    "tdMode": "cross",
    "clOrdId": "mm1",
    "side": "buy",
    "ordType": "post_only",
    "px": "65000",
    "sz": "1",
}


# --- by table ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "arguments", "path", "body"),
    [
        pytest.param("place", order(), "trade/order", PLACED, id="a size of base units is so many contracts"),
        pytest.param("place", order(size=D("1E+2"), reduce_only=True, tif="gtc", client_id=""), "trade/order", {"instId": BTC, "tdMode": "cross", "side": "buy", "ordType": "limit", "px": "65000", "sz": "10000", "reduceOnly": True}, id="no exponent, and no id where there is none"),
        pytest.param("place", order(kind="market", side="sell", price=None), "trade/order", {"instId": BTC, "tdMode": "cross", "clOrdId": "mm1", "side": "sell", "ordType": "market", "sz": "1"}, id="a market order has no price"),
        pytest.param("place", order(size=D("0.0001"), tif="fok"), "trade/order", PLACED | {"sz": "0.01", "ordType": "fok"}, id="a hundredth of a contract"),
        pytest.param("place", order(symbol="BTC-USD-SWAP", size=D(3), tif="ioc"), "trade/order", PLACED | {"instId": "BTC-USD-SWAP", "sz": "3", "ordType": "ioc"}, id="an inverse contract is counted as it is"),
        pytest.param("amend", AMEND, "trade/amend-order", {"instId": BTC, "clOrdId": "mm1", "newSz": "2", "newPx": "65000.1"}, id="an amend names both"),
        pytest.param("cancel", CANCEL, "trade/cancel-order", {"instId": BTC, "clOrdId": "mm1"}, id="a cancel by our id"),
        pytest.param("place_batch", [order(), order(client_id="mm2")], "trade/batch-orders", [PLACED, PLACED | {"clOrdId": "mm2"}], id="a batch is a list"),
        pytest.param("amend_batch", [AMEND], "trade/amend-batch-orders", [{"instId": BTC, "clOrdId": "mm1", "newSz": "2", "newPx": "65000.1"}], id="a batch of amends"),
        pytest.param("cancel_batch", [CANCEL], "trade/cancel-batch-orders", [{"instId": BTC, "clOrdId": "mm1"}], id="a batch of cancels"),
        pytest.param("set_leverage", Query(symbol=BTC, leverage=D(5)), "account/set-leverage", {"instId": BTC, "lever": "5", "mgnMode": "cross"}, id="leverage"),
        pytest.param("set_position_mode", Query(), "account/set-position-mode", {"posMode": "net_mode"}, id="net mode"),
        pytest.param("disconnect_cancel_all", Query(window_s=60), "trade/cancel-all-after", {"timeOut": "60"}, id="the switch"),
        pytest.param("disconnect_cancel_all", Query(window_s=0), "trade/cancel-all-after", {"timeOut": "0"}, id="and how it is disarmed"),
    ],
)  # fmt: skip
def test_what_is_posted(action: str, arguments: Any, path: str, body: Any) -> None:
    request = FORMATS.request(action, arguments)
    assert (request.endpoint.method, request.endpoint.path, request.query) == ("POST", f"/api/v5/{path}", "")
    assert request.body.decode() == json.dumps(body, separators=(",", ":"))
    assert request.cost == (len(body) if isinstance(body, list) else 1)


@pytest.mark.parametrize(
    ("action", "query", "path"),
    [
        ("server_time", Query(), "public/time"),
        ("instruments", Query(), "public/instruments?instType=SWAP"),
        ("instruments", Query(symbol="BTC-USDT"), "public/instruments?instType=SPOT&instId=BTC-USDT"),
        ("instruments", Query(symbol="BTC-USD-251226"), "public/instruments?instType=FUTURES&instId=BTC-USD-251226"),
        ("book", Query(symbol=BTC, limit=1000), "market/books?instId=BTC-USDT-SWAP&sz=400"),
        ("trades", Query(symbol=BTC, limit=1000), "market/trades?instId=BTC-USDT-SWAP&limit=500"),
        (
            "klines",
            Query(symbol=BTC, interval_s=3600, start_ms=1000, end_ms=2000, limit=2),
            "market/candles?instId=BTC-USDT-SWAP&bar=1H&after=2001&before=999&limit=2",
        ),
        ("tickers", Query(), "market/tickers?instType=SWAP"),
        ("tickers", Query(symbol=BTC), "market/ticker?instId=BTC-USDT-SWAP"),
        ("index_tickers", Query(symbol=BTC), "market/index-tickers?instId=BTC-USDT"),
        ("mark_prices", Query(symbol=BTC), "public/mark-price?instType=SWAP&instId=BTC-USDT-SWAP"),
        ("funding_rate", Query(symbol=BTC), "public/funding-rate?instId=BTC-USDT-SWAP"),
        ("order", Query(symbol=BTC, client_id="x"), "trade/order?instId=BTC-USDT-SWAP&clOrdId=x"),
        ("open_orders", Query(cursor="77", limit=50), "trade/orders-pending?instType=SWAP&after=77&limit=50"),
        ("order_history", Query(symbol=BTC), "trade/orders-history?instType=SWAP&instId=BTC-USDT-SWAP"),
        (
            "executions",
            Query(start_ms=5, end_ms=9, limit=1000),
            "trade/fills?instType=SWAP&begin=5&end=9&limit=100",
        ),
        ("execution_archive", Query(symbol=BTC, order_id="8"), "trade/fills-history?instType=SWAP&instId=BTC-USDT-SWAP&ordId=8"),
        ("positions", Query(), "account/positions?instType=SWAP"),
        ("wallet", Query(coin="USDT"), "account/balance?ccy=USDT"),
        ("funding", Query(start_ms=5), "account/bills?instType=SWAP&type=8&begin=5"),
        ("fee_rates", Query(symbol=BTC), "account/trade-fee?instType=SWAP&instFamily=BTC-USDT"),
    ],
)  # fmt: skip
def test_what_is_read(action: str, query: Query, path: str) -> None:
    request = FORMATS.request(action, query)
    asked = request.endpoint.path + (f"?{request.query}" if request.query else "")
    assert (request.endpoint.method, asked, request.body) == ("GET", f"/api/v5/{path}", b"")


@pytest.mark.parametrize(
    ("action", "arguments", "why"),
    [
        ("place", order(price=None), "price"),
        ("place", order(size=D("0.0000001"), symbol="ETH-USD-251226-2000-C"), "contract size"),
        ("place", order(client_id="mm-1"), "letters and digits"),
        ("place", order(client_id="x" * 33), "letters and digits"),
        ("place", order(client_id="mm\u0661"), "letters and digits"),
        ("place", CANCEL, "takes a PlaceOrder"),
        ("place_batch", order(), "list"),
        ("dance", Query(), "no action"),
        ("klines", Query(symbol=BTC, interval_s=7), "candles"),
        ("order", Query(), "symbol"),
        ("set_leverage", Query(symbol=BTC), "leverage"),
        ("disconnect_cancel_all", Query(window_s=5), "10 to 120"),
        ("disconnect_cancel_all", Query(window_s=121), "10 to 120"),
    ],
)
def test_wrong_use_is_told_before_anything_is_sent(action: str, arguments: Any, why: str) -> None:
    with pytest.raises(WrongUse, match=why):
        FORMATS.request(action, arguments)


@given(
    contracts=st.decimals(D("0.01"), D(10**9), places=2),
    unit=st.sampled_from(["0.001", "0.01", "0.1", "1", "10", "1000"]),
)
def test_a_size_is_its_number_of_contracts_and_back(contracts: Decimal, unit: str) -> None:
    formats = Formats("okx", "swap", Contracts())
    formats.contracts.learn(BTC, D(unit), D("0.01"))
    contract = formats.contracts.of(BTC)
    size = contract.owed(contracts)
    assert size == contracts * D(unit)
    row = json.loads(formats.request("place", order(size=size)).body)
    assert D(row["sz"]) == contracts
    assert "E" not in row["sz"]
    if len(str(contracts).replace(".", "")) < 15:
        assert D(repr(contract.base(float(contracts)))) == size, "the shortest text of the float is the exact product"


def test_orders_that_a_venue_listed_are_cancelled_by_its_own_ids_twenty_a_market() -> None:
    orders = [OrderUpdate("okx", BTC if n % 2 else "ETH-USDT-SWAP", None, None, str(n), "open") for n in range(45)]
    requests = FORMATS.cancel_listed(orders)
    assert [request.cost for request in requests] == [20, 3, 20, 2]
    rows = [row for request in requests for row in json.loads(request.body)]
    assert sorted(int(row["ordId"]) for row in rows) == list(range(45))
    assert {request.endpoint.pool for request in requests} == {f"cancel_batch@{BTC}", "cancel_batch@ETH-USDT-SWAP"}


# --- order socket and ids ----------------------------------------------------------------------------------------


def test_an_order_frame_names_the_market_by_its_code_and_expires() -> None:
    formats = Formats("okx", "swap")
    assert formats.request("place", order()).endpoint.op == "", "by REST, as long as nobody told the code"
    formats.contracts.learn(BTC, D("0.01"), D("0.01"), 10459)
    socket = TradeWebsocket("okx", "", KEYS, formats.contracts.codes)
    frame = json.loads(socket.encode(formats.request("place", order()), "o7n0", NOW_MS))
    assert frame == {
        "id": "o7n0", "op": "order", "expTime": str(NOW_MS + 5_000),
        "args": [{"instIdCode": 10459} | {name: word for name, word in PLACED.items() if name != "instId"}],
    }  # fmt: skip
    frame = json.loads(socket.encode(formats.request("cancel_batch", [CANCEL, CANCEL]), "o8n0", NOW_MS))
    assert frame == {"id": "o8n0", "op": "batch-cancel-orders", "args": [{"instIdCode": 10459, "clOrdId": "mm1"}] * 2}


@given(session=st.text(max_size=40), seq=st.integers(1, MAX_SEQ))
def test_order_ids_are_of_the_venues_alphabet_and_length_and_read_back(session: str, seq: int) -> None:
    ids = OrderID(session)
    made = ids.make(seq)
    assert len(made) <= 32
    assert made.isascii()
    assert made.isalnum()
    assert ids.parse(made) == seq
    assert FORMATS.request("cancel", CancelOrder("okx", BTC, made))


def test_each_market_has_its_own_budget_and_reads_share_one() -> None:
    assert FORMATS.request("place", order()).endpoint.pool == f"place@{BTC}"
    assert FORMATS.request("place_batch", [order(), order(symbol="BTC-USD-SWAP")]).endpoint.pool == "place_batch"
    assert FORMATS.request("positions", Query(symbol=BTC)).endpoint.pool == "positions"


def test_the_capabilities_are_what_the_endpoints_are() -> None:
    assert set(CAPABILITIES.actions) == set(Endpoints.ALL)
    assert all(endpoint.docs.startswith("https://www.okx.com/docs-v5/en/#") for endpoint in Endpoints.ALL.values())
    pools = {pool.name for pool in Endpoints.POOLS}
    assert {endpoint.pool for endpoint in Endpoints.ALL.values()} <= pools
