# ruff: noqa: E501 - tables are not wrapped
"""The exchange in virtual time, its venue a script: what is limited, what is by symbol, and what is kept of it."""

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from adapters.base.client import Response, SignedRequest
from adapters.base.limits import Priority
from adapters.base.query import Query
from adapters.base.settings import Subscription, VenueSettings
from adapters.binance.exchange import Exchange
from state.errors import OutcomeUnknown, WrongUse
from state.events import (
    Accepted,
    AmendOrder,
    CancelAll,
    CancelOrder,
    FeedStatus,
    Fill,
    FundingPayment,
    OrderUpdate,
    PlaceOrder,
    PositionUpdate,
    Rejected,
)
from state.record import Record
from state.secrets import Credentials, Secret
from tests.adapters.base.conftest import Heard, World

D = Decimal
KEYS = Credentials(Secret("THEKEY"), Secret("THESECRET"))
OK = {"orderId": 7, "symbol": "BTCUSDT", "status": "NEW", "updateTime": 5}


def said(body: Any, status: int = 200, **headers: str) -> Response:
    return Response(status, {name.replace("_", "-"): word for name, word in headers.items()}, json.dumps(body).encode())


class Desk:
    """An exchange without sockets; answers come from the script by method and path, else an empty list."""

    def __init__(self, script: dict[str, Any], **settings: Any) -> None:
        self.world, self.heard, self.script = World(), Heard(), script
        self.world.answer = self._answer
        self.fatal: list[str] = []
        self.exchange = Exchange(
            VenueSettings("binance", order_entry="rest", look_up_s=1.0, **settings), self.heard, self.world, "s", KEYS, self.world
        )  # fmt: skip
        self.exchange.on_fatal = self.fatal.append
        self.seq = 0

    def _answer(self, request: SignedRequest) -> Response | Exception:
        found = self.script.get(f"{request.method} {urlsplit(request.url).path.rpartition('/')[2]}", said([]))
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        return found(request) if callable(found) else found  # type: ignore[no-any-return]

    def intend(self, *events: Any) -> list[int]:
        records = [Record(self.seq + n, 0, 0, event) for n, event in enumerate(events, 1)]
        self.seq += len(records)
        self.exchange.submit(records)
        return [record.seq for record in records]

    def sent(self, method: str, path: str) -> list[dict[str, str]]:
        """What was sent there, without the parts of a signature."""
        found = []
        for request in self.world.requests:
            parts = urlsplit(request.url)
            if (request.method, parts.path.rpartition("/")[2]) == (method, path):
                form = parse_qs(parts.query or request.body.decode())
                found.append({k: v[0] for k, v in form.items() if k not in ("signature", "timestamp", "recvWindow")})
        return found


def played(story: Callable[[Desk], Any], script: dict[str, Any] | None = None, **settings: Any) -> Desk:
    async def main() -> Desk:
        desk = Desk(script or {}, **settings)
        try:
            await story(desk)
        finally:
            await desk.exchange.close()
        return desk

    return asyncio.run(asyncio.wait_for(main(), 20))


def place(client_id: str, symbol: str = "BTCUSDT") -> PlaceOrder:
    return PlaceOrder("binance", symbol, "sell", D(1), D(100), client_id=client_id)


def open_order(client_id: str, symbol: str = "BTCUSDT") -> OrderUpdate:
    return OrderUpdate("binance", symbol, 1, client_id, "7", "open", "buy", "limit", "gtc", D(1), D(1), D(0), version=1)


# --- limits ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "wait_s"),
    [
        pytest.param(said({"code": -1003, "msg": "Too many requests."}, 429, retry_after="17"), 17, id="429 as long as the header says"),
        pytest.param(said({"code": -1003, "msg": "Too many requests."}, 429), 60, id="429 without a header, the counter's minute"),
        pytest.param(said({"code": -1003, "msg": "Way too many requests; IP(1.2.3.4) banned until 1700000300000."}, 418), 300, id="418 until the time that the text names"),
        pytest.param(said("", 418, retry_after="240"), 240, id="418 as long as the header says"),
    ],
)  # fmt: skip
def test_too_much_stops_everything_until_the_time_the_venue_names(answer: Response, wait_s: int) -> None:
    async def story(desk: Desk) -> None:
        (seq,) = desk.intend(place("a"))
        await desk.world.passing(0.01)
        (rejected,) = desk.heard.outcome(seq)
        assert isinstance(rejected, Rejected)
        assert rejected.refusal == "rate", "it was certainly not executed"
        assert any(isinstance(e, FeedStatus) and e.status == "banned" for e in desk.heard.events)
        desk.script["POST order"] = said(OK)
        reading = asyncio.create_task(desk.exchange.positions(Query(symbol="BTCUSDT")))
        await desk.world.passing(wait_s - 1)
        assert desk.sent("GET", "positionRisk") == []
        await desk.world.passing(2.5)
        assert len(desk.sent("GET", "positionRisk")) == 1
        await reading

    played(story, {"POST order": answer})


def test_too_many_orders_stop_orders_and_let_cancels_through() -> None:
    async def story(desk: Desk) -> None:
        first = desk.intend(place("a"))[0]
        await desk.world.passing(0.01)
        second, cancel = desk.intend(place("b"), CancelOrder("binance", "BTCUSDT", "c"))
        await desk.world.passing(1.0)
        assert isinstance(desk.heard.outcome(cancel)[0], Accepted)
        assert [order["newClientOrderId"] for order in desk.sent("POST", "order")] == ["a"]
        desk.script["POST order"] = said(OK)
        await desk.world.passing(5.0)
        assert [isinstance(desk.heard.outcome(seq)[0], Accepted) for seq in (first, second)] == [True, True]

    limit = said(
        {"code": -1015, "msg": "Too many new orders; current limit is 300 orders per 10 SECOND."}, 429, retry_after="3"
    )
    played(story, {"POST order": limit, "DELETE order": said(OK)})


def test_what_the_headers_say_is_spent_is_spent() -> None:
    async def story(desk: Desk) -> None:
        desk.intend(place("a"))
        await desk.world.passing(0.01)
        limits = desk.exchange.sender.gate.limits
        now = desk.world.now
        assert limits.wait_ns("weight", 20, Priority.READ, now) == 0
        assert limits.wait_ns("weight", 21, Priority.READ, now) > 0, "1700 of 1920, 200 in reserve"
        assert limits.wait_ns("orders", 1, Priority.CREATE, now) > 0

    played(story, {"POST order": said(OK, x_mbx_used_weight_1m="1700", x_mbx_order_count_10s="280")})


# --- by symbol ---------------------------------------------------------------------------------------------------


def test_everything_is_cancelled_symbol_by_symbol_wherever_an_order_may_rest() -> None:
    async def story(desk: Desk) -> None:
        desk.exchange.known.observe([open_order("x", "SOLUSDT")])
        (seq,) = desk.intend(CancelAll("binance", ""))
        await desk.world.passing(1.0)
        assert [row["symbol"] for row in desk.sent("DELETE", "allOpenOrders")] == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
        assert isinstance(desk.heard.outcome(seq)[0], Accepted)

    done = said({"code": 200, "msg": "The operation of cancel all open order is done."})
    played(story, {"DELETE allOpenOrders": done}, symbols=("BTCUSDT", "ETHUSDT"))


def test_a_burst_of_cancels_is_a_batch_a_symbol_of_ten_at_most() -> None:
    async def story(desk: Desk) -> None:
        orders = [CancelOrder("binance", "BTCUSDT", f"b{n}") for n in range(12)] + [
            CancelOrder("binance", "ETHUSDT", "e")
        ]
        desk.intend(*orders)
        await desk.world.passing(1.0)
        batches = [
            (row["symbol"], len(json.loads(row["origClientOrderIdList"]))) for row in desk.sent("DELETE", "batchOrders")
        ]
        assert sorted(batches) == [("BTCUSDT", 2), ("BTCUSDT", 10)]
        assert desk.sent("DELETE", "order") == [{"symbol": "ETHUSDT", "origClientOrderId": "e"}]

    played(story, {"DELETE order": said(OK)})


def test_an_order_of_an_earlier_session_is_amended_on_its_side() -> None:
    async def story(desk: Desk) -> None:
        desk.exchange.known.observe([open_order("old")])
        desk.intend(place("new"))
        await desk.world.passing(0.1)
        desk.intend(AmendOrder("binance", "BTCUSDT", "old", D(2), D(1)))
        desk.intend(AmendOrder("binance", "BTCUSDT", "new", D(3), D(1)))
        await desk.world.passing(0.1)
        assert {row["origClientOrderId"]: row["side"] for row in desk.sent("PUT", "order")} == {
            "old": "BUY",
            "new": "SELL",
        }

    played(story, {"POST order": said(OK), "PUT order": said(OK)})


def test_fills_are_read_symbol_by_symbol_and_week_by_week_with_funding_among_them() -> None:
    trade = {
        "symbol": "BTCUSDT",
        "orderId": 1,
        "side": "BUY",
        "price": "1",
        "qty": "1",
        "commission": "0.1",
        "commissionAsset": "USDT",
    }
    start = 1_700_000_000_000 - 10 * 86_400_000

    def trades(request: SignedRequest) -> Response:
        asked = parse_qs(urlsplit(request.url).query)
        time = int(asked["startTime"][0]) + 60_000
        return said([trade | {"symbol": asked["symbol"][0], "id": time, "time": time}])

    async def story(desk: Desk) -> None:
        events = await desk.exchange.executions(Query(start_ms=start))
        assert [type(event) for event in events] == [Fill, Fill, FundingPayment, Fill, Fill]
        assert [event.ts for event in events] == sorted(event.ts for event in events)  # type: ignore[union-attr,type-var]
        asked = desk.sent("GET", "userTrades")
        assert [row["symbol"] for row in asked] == ["BTCUSDT", "ETHUSDT"] * 2
        assert int(asked[2]["startTime"]) == int(asked[0]["endTime"]) + 1 == start + 7 * 86_400_000

    income = {"symbol": "BTCUSDT", "income": "-1", "asset": "USDT", "time": start + 120_000}
    script = {"GET userTrades": trades, "GET income": [said([income]), said([])]}
    played(story, script, symbols=("BTCUSDT", "ETHUSDT"))


def test_a_position_that_is_no_longer_listed_is_flat() -> None:
    async def story(desk: Desk) -> None:
        held = [PositionUpdate("binance", symbol, 1, D(2)) for symbol in ("BTCUSDT", "ETHUSDT")]
        desk.exchange.known.observe(held)
        events: Any = await desk.exchange.positions()
        assert {event.symbol: event.size for event in events} == {"BTCUSDT": D(2), "ETHUSDT": D(0)}
        assert not desk.exchange.known.is_stale(events[-1], desk.world.now)

    row = {"symbol": "BTCUSDT", "positionSide": "BOTH", "positionAmt": "2", "updateTime": 5}
    played(story, {"GET positionRisk": said([row])})


def test_the_dead_mans_switch_is_armed_for_every_symbol() -> None:
    async def story(desk: Desk) -> None:
        await desk.exchange.disconnect_cancel_all(120)
        armed = {"symbol": "BTCUSDT", "countdownTime": "120000"}
        assert desk.sent("POST", "countdownCancelAll") == [armed, armed | {"symbol": "ETHUSDT"}]

    played(
        story,
        {"POST countdownCancelAll": said({"symbol": "X", "countdownTime": "120000"})},
        symbols=("BTCUSDT", "ETHUSDT"),
    )


# --- unknown outcomes --------------------------------------------------------------------------------------------


def test_an_order_of_unknown_outcome_is_looked_up_by_its_id_and_its_fills_by_the_venues() -> None:
    async def story(desk: Desk) -> None:
        (seq,) = desk.intend(place("a"))
        await desk.world.passing(3.0)
        unknown, accepted, fill, update = desk.heard.outcome(seq)
        assert "try again later" in unknown.why
        assert isinstance(accepted, Accepted)
        assert (fill.fill_id, fill.order_id, fill.backfilled) == ("5", "7", True)
        assert (update.status, update.client_id) == ("partially_filled", "a")
        assert len(desk.sent("POST", "order")) == 1, "never sent again"
        assert desk.sent("GET", "order")[0] == {"symbol": "BTCUSDT", "origClientOrderId": "a"}
        assert desk.sent("GET", "userTrades") == [{"symbol": "BTCUSDT", "orderId": "7"}]

    order = {
        "symbol": "BTCUSDT", "orderId": 7, "clientOrderId": "a", "status": "PARTIALLY_FILLED", "side": "SELL", "type": "LIMIT",
        "timeInForce": "GTC", "origQty": "1", "executedQty": "0.5", "price": "100", "updateTime": 9,
    }  # fmt: skip
    trade = {"symbol": "BTCUSDT", "id": 5, "orderId": 7, "side": "SELL", "price": "100", "qty": "0.5", "commission": "0.1", "commissionAsset": "USDT", "time": 8}  # fmt: skip
    unknown = said({"code": -1000, "msg": "Unknown error, please check your request or try again later."}, 503)
    gone = said({"code": -2013, "msg": "Order does not exist."}, 400)
    played(story, {"POST order": unknown, "GET order": [gone, said(order)], "GET userTrades": said([trade])})


def test_an_order_that_the_venue_does_not_know_is_gone_only_after_the_waiting_time() -> None:
    async def story(desk: Desk) -> None:
        (seq,) = desk.intend(place("a"))
        await desk.world.passing(0.5)
        assert len(desk.heard.outcome(seq)) == 1, "not found proves nothing yet"
        await desk.world.passing(5.0)
        gone = desk.heard.outcome(seq)[-1]
        assert isinstance(gone, Rejected)
        assert gone.refusal == "gone"

    missing = said({"code": -2013, "msg": "Order does not exist."}, 400)
    played(story, {"POST order": OutcomeUnknown("cut"), "GET order": missing})


# --- what is kept ------------------------------------------------------------------------------------------------


def test_no_key_and_no_signature_is_in_anything_that_is_kept_or_told() -> None:
    async def story(desk: Desk) -> None:
        desk.intend(place("a"))
        await desk.world.passing(3.0)
        await desk.exchange.positions(Query(symbol="BTCUSDT"))
        kept = repr(desk.heard.bursts)
        signatures = [request.secret for request in desk.world.requests]
        assert all(len(signature) == 64 for signature in signatures)
        assert not any(signature in kept for signature in signatures)
        assert "signature=***" in kept
        assert "THEKEY" not in kept
        assert "THESECRET" not in kept

    played(story, {"POST order": said(OK)})


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"market": "inverse"}, id="a market that is not served"),
        pytest.param({"environment": "demo"}, id="an environment that does not exist"),
        pytest.param({"book_depth": 7}, id="a depth that does not exist"),
        pytest.param({"market": "spot"}, id="orders on spot"),
    ],
)
def test_settings_that_cannot_be_served_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(WrongUse, match="binance"):
        Desk({}, **settings)


def test_spot_streams_over_its_own_host_and_needs_no_key() -> None:
    world, heard = World(), Heard()
    exchange = Exchange(VenueSettings("binance.spot", "spot"), heard, world, "s", None, world)
    (socket,) = exchange.public_sockets([Subscription("book", "BTCUSDT"), Subscription("trades", "BTCUSDT")])
    assert socket.url == "wss://stream.binance.com:9443/stream"
    assert (
        exchange.request("instruments", Query(symbol="BTCUSDT")).url
        == "https://api.binance.com/api/v3/exchangeInfo?symbol=BTCUSDT"
    )
