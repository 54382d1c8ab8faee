"""The order socket of the loopback Binance, and trouble by order on it and over HTTP."""

from __future__ import annotations

import aiohttp
import pytest

from adapters.conformance.leaps import LATE_S, leap
from adapters.loopback import Fault, Place
from adapters.loopback.binance import RateLimits
from tests.adapters.loopback.binance.binance_wire import KEY, Client, Socket, started
from tests.patience import PATIENCE_S

LIMIT = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTX",
    "quantity": "0.010",
    "price": "64500.00",
}
NAMED = {"symbol": "BTCUSDT", "origClientOrderId": "w1"}


async def order_socket(client: Client, query: str = "") -> Socket:
    client.sockets.append(Socket(await client.session.ws_connect(client.venue.trade_url + query)))
    return client.sockets[-1]


async def test_orders_are_placed_modified_asked_for_and_cancelled() -> None:
    async with started() as client:
        socket = await order_socket(client)
        placed = await socket.call("order.place", **LIMIT, newClientOrderId="w1", recvWindow=5000, request_id=7)
        assert (placed["id"], placed["status"], placed["result"]["status"]) == (7, 200, "NEW")
        assert [(line["rateLimitType"], line["interval"], line["count"]) for line in placed["rateLimits"]] == [
            ("REQUEST_WEIGHT", "MINUTE", 5),  # the handshake
            ("ORDERS", "MINUTE", 1),
            ("ORDERS", "SECOND", 1),
        ]
        change = {"side": "BUY", "quantity": "0.020", "price": "64600.00"}
        assert (await socket.call("order.modify", **NAMED, **change))["result"]["origQty"] == "0.020"
        assert (await socket.call("order.status", **NAMED))["result"]["avgPrice"] == "0.00"
        assert (await socket.call("order.cancel", **NAMED))["result"]["status"] == "CANCELED"
        assert (await socket.call("order.cancel", **NAMED))["error"]["code"] == -2011


REFUSED = [
    ("with a wrong signature", "order.place", LIMIT | {"signature": "00"}, {"signed": False}, 400, -1022),
    ("without a signature", "order.place", LIMIT, {"signed": False}, 400, -1102),
    ("with an old timestamp", "order.place", LIMIT | {"timestamp": 1_754_000_000_000}, {}, 400, -1021),
    ("with an unknown key", "order.place", LIMIT | {"apiKey": "nobody"}, {}, 401, -2015),
    ("by a method that there is not", "order.shout", {}, {}, 400, -1000),
    ("to log on with an HMAC key", "session.logon", {}, {}, 400, -4056),
    ("post-only that would take", "order.place", LIMIT | {"price": "65200.00"}, {}, 400, -5022),
]


@pytest.mark.parametrize(
    ("method", "params", "how", "status", "code"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
async def test_a_call_is_refused(method, params, how, status, code) -> None:
    async with started(seed=2) as client:
        socket = await order_socket(client)
        answer = await socket.call(method, **params, **how)
        assert (answer["status"], answer["error"]["code"]) == (status, code)
        assert client.venue.truth(KEY).orders == {}


async def test_booleans_are_signed_as_they_are_written() -> None:
    async with started() as client:
        await client.place(type="MARKET", price=None, timeInForce=None)
        socket = await order_socket(client)
        fields = LIMIT | {"side": "SELL", "price": "65500.00", "reduceOnly": True, "returnRateLimits": False}
        answer = await socket.call("order.place", **fields)
        assert answer["result"]["reduceOnly"] is True
        assert "rateLimits" not in answer


async def test_what_needs_no_signature() -> None:
    async with started() as client:
        socket = await order_socket(client, "?returnRateLimits=false")
        start = await socket.call("userDataStream.start", signed=False)
        assert set(start) == {"id", "status", "result"}
        await socket.call("userDataStream.ping", signed=False)
        assert (await socket.call("userDataStream.stop", signed=False))["result"] == {}
        assert (await socket.call("userDataStream.ping", signed=False))["error"]["code"] == -1125
        book = await socket.call("depth", signed=False, symbol="BTCUSDT", limit=5)
        assert len(book["result"]["bids"]) == 5
        assert (await socket.call("session.status", signed=False))["result"]["apiKey"] is None
        assert (await socket.call("v2/account.position"))["result"] == []


async def test_nonsense_is_answered_without_an_id() -> None:
    async with started() as client:
        socket = await order_socket(client)
        await socket.raw.send_str("{")
        answer = await socket.hear()
        assert (answer["id"], answer["status"]) == (None, 400)


async def test_limits_are_shared_with_http() -> None:
    now_ms = 1_754_000_040_000
    limits = RateLimits(orders_per_10s=2)
    async with started(rate_limits=limits, clock=lambda: now_ms) as client:
        socket = await order_socket(client)
        await client.place("a", timestamp=now_ms)
        assert (await socket.call("order.place", **LIMIT, timestamp=now_ms))["status"] == 200
        assert (await socket.call("order.place", **LIMIT, timestamp=now_ms))["error"]["code"] == -1015
        assert (await client.place("b", timestamp=now_ms)).status == 429


async def test_a_reply_is_lost_late_or_told_to_be_unknown() -> None:
    async with started() as client:
        socket = await order_socket(client)
        faults = client.venue.faults
        faults.add(Place.TRADE, "order.place", Fault(drop=True))
        faults.add(Place.TRADE, "order.place", Fault(status=503, carried_out=True))
        faults.add(Place.TRADE, "order.place", Fault(status=429))
        faults.add(Place.TRADE, "order.place", Fault(delay_s=LATE_S))
        for name in ("silent", "unknown", "shed", "late"):
            await socket.tell("order.place", **LIMIT, newClientOrderId=name, request_id=name)
        answers = [await socket.hear() for _ in range(2)]
        leap()
        answers.append(await socket.hear())
        assert [(a["id"], a["status"], a.get("error", {}).get("code")) for a in answers] == [
            ("unknown", 503, -1000),
            ("shed", 429, -1003),
            ("late", 200, None),
        ]
        assert answers[0]["error"]["msg"].startswith("Unknown error")
        assert set(client.venue.truth(KEY).orders) == {"silent", "unknown", "late"}


FAULTS = [
    ("503 whose outcome is unknown, done", Fault(status=503, carried_out=True), 503, "Unknown error", {"x"}),
    ("503 whose outcome is unknown, not done", Fault(status=503), 503, "Unknown error", set()),
    ("503 that failed", Fault(status=503, words="Service Unavailable."), 503, "Service Unavailable.", set()),
    ("429", Fault(status=429), 429, "Too many", set()),
    ("418", Fault(status=418), 418, "Way too many", set()),
    ("408", Fault(status=408, carried_out=True), 408, "Timeout", {"x"}),
]


@pytest.mark.parametrize(("fault", "status", "words", "orders"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
async def test_a_status_in_place_of_an_answer(fault, status, words, orders) -> None:
    async with started() as client:
        client.venue.faults.add(Place.REST, "POST /fapi/v1/order", fault)
        answer = await client.place("x")
        assert (answer.status, answer["msg"].startswith(words)) == (status, True)
        assert ("Retry-After" in answer.headers) == (status in (429, 418))
        assert set(client.venue.truth(KEY).orders) == orders


async def test_a_reply_lost_after_acceptance_leaves_the_order_at_the_venue() -> None:
    async with started() as client:
        client.venue.faults.add(Place.REST, "POST /fapi/v1/order", Fault(drop=True))
        with pytest.raises(aiohttp.ClientError):
            await client.place("lost")
        assert (await client.order("lost"))["status"] == "NEW"
        assert (await client.place("lost")).code == -4116


@pytest.mark.parametrize("place", [Place.PUBLIC, Place.PRIVATE, Place.TRADE])
async def test_all_sockets_of_a_kind_are_cut_and_no_others(place) -> None:
    async with started() as client:
        sockets = {
            Place.PUBLIC: await client.open("/market/ws"),
            Place.PRIVATE: await client.open("/private/ws"),
            Place.TRADE: await order_socket(client),
        }
        for kind, socket in sockets.items():
            await speak(kind, socket)
        assert client.venue.cut_sockets(place) == 1
        ended = await sockets[place].raw.receive(timeout=PATIENCE_S)
        assert ended.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        for kind, socket in sockets.items():
            if kind is not place:
                await speak(kind, socket)


async def speak(kind: Place, socket: Socket) -> None:
    """Says something and hears the answer."""
    if kind is Place.TRADE:
        await socket.call("session.status", signed=False)
    else:
        await socket.ask("LIST_SUBSCRIPTIONS")
