"""Binance's older Python connector, which most examples on the web are written with, trades and listens on it too."""

from __future__ import annotations

import json
import queue
from decimal import Decimal

import pytest
from binance.error import ClientError
from binance.um_futures import UMFutures
from binance.websocket.um_futures.websocket_client import UMFuturesWebsocketClient

from tests.adapters.loopback.binance.binance_wire import KEY, SECRET
from tests.patience import PATIENCE_S

LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.010"}


@pytest.fixture
def http(threaded):
    client = UMFutures(KEY, SECRET, base_url=threaded.venue.rest_url)
    yield client
    client.session.close()


def test_orders_are_placed_amended_cancelled_and_seen(threaded, http) -> None:
    assert http.ping() == {}
    placed = http.new_order(**LIMIT, price="64500", newClientOrderId="old-1")
    amended = http.modify_order("BTCUSDT", "BUY", 0.02, 64600, origClientOrderId="old-1")
    assert (amended["orderId"], amended["origQty"]) == (placed["orderId"], "0.020")
    assert [order["clientOrderId"] for order in http.get_orders(symbol="BTCUSDT")] == ["old-1"]
    both = http.new_batch_order([LIMIT | {"price": "64400"}, LIMIT | {"price": "1"}])
    assert (both[0]["status"], both[1]["code"]) == ("NEW", -4164)
    gone = http.cancel_batch_order("BTCUSDT", [both[0]["orderId"], 1], None)
    assert (gone[0]["status"], gone[1]["code"]) == ("CANCELED", -2011)
    assert http.cancel_order("BTCUSDT", origClientOrderId="old-1")["status"] == "CANCELED"
    http.new_order(symbol="BTCUSDT", side="SELL", type="MARKET", quantity="0.010")
    assert http.get_position_risk(symbol="BTCUSDT")[0]["positionAmt"] == "-0.010"
    assert sum(Decimal(fill["qty"]) for fill in http.get_account_trades("BTCUSDT")) == Decimal("0.010")
    with pytest.raises(ClientError) as refused:
        http.cancel_order("BTCUSDT", origClientOrderId="old-1")
    assert (refused.value.status_code, refused.value.error_code) == (400, -2011)


def test_streams_are_heard(threaded, http) -> None:
    heard: queue.Queue = queue.Queue()
    client = UMFuturesWebsocketClient(
        stream_url=f"{threaded.venue.stream_url}/public", on_message=lambda _, text: heard.put(json.loads(text))
    )
    try:
        client.book_ticker("btcusdt", id=7)
        assert heard.get(timeout=PATIENCE_S) == {"result": None, "id": 7}
        threaded.call(lambda venue: venue.step(100))
        event = heard.get(timeout=PATIENCE_S)
        assert (event["e"], event["s"]) == ("bookTicker", "BTCUSDT")
    finally:
        client.stop()
        client.socket_manager.join(5)
        client.socket_manager.ws.shutdown()  # the connector leaves its socket to the collector
