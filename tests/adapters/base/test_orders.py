"""From intent to outcome in virtual time: every verdict, every way of not knowing, and what is never done."""

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from adapters.base.client import Response, SignedRequest
from adapters.base.settings import VenueSettings
from adapters.bybit.exchange import Exchange
from state.errors import ConnectionFailed, OutcomeUnknown, WrongUse
from state.events import (
    Accepted,
    AmendOrder,
    CancelAll,
    CancelOrder,
    FeedStatus,
    Fill,
    OrderUpdate,
    PlaceOrder,
    Rejected,
    Unknown,
)
from state.record import Record
from state.secrets import Credentials, Secret

BTC = "BTCUSDT"
CREATE, AMEND, CANCEL = "/v5/order/create", "/v5/order/amend", "/v5/order/cancel"
Script = dict[str, list[Response | Exception]]


def said(
    code: int = 0, text: str = "OK", result: Any = None, status: int = 200, ext: Any = None, **headers: str
) -> Response:
    body = {"retCode": code, "retMsg": text, "result": result or {}, "retExtInfo": ext or {}, "time": 1}
    return Response(status, {k.replace("_", "-"): v for k, v in headers.items()}, json.dumps(body).encode())


def wire_order(client_id: str, status: str = "New", **more: str) -> dict[str, Any]:
    return {
        "symbol": BTC, "orderId": f"id-{client_id}", "orderLinkId": client_id, "side": "Buy", "orderType": "Limit",
        "timeInForce": "GTC", "orderStatus": status, "qty": "1", "price": "100", "cumExecQty": "0", "updatedTime": "5",
    } | more  # fmt: skip


def orders(*rows: dict[str, Any]) -> Response:
    return said(result={"list": list(rows), "nextPageCursor": ""})


class Desk:
    """An exchange without sockets whose venue answers from a script, by path; what is not scripted finds nothing."""

    def __init__(self, world: Any, heard: Any, script: Script, **settings: Any) -> None:
        self.world, self.heard, self.script = world, heard, script
        self.fatal: list[str] = []
        self.exchange = Exchange(
            VenueSettings("bybit", order_entry="rest", look_up_s=5.0, **settings),
            heard, world, "s", Credentials(Secret("k"), Secret("s")), world,
        )  # fmt: skip
        self.exchange.on_fatal = self.fatal.append
        self.seq = 0
        world.answer = self._answer

    def _answer(self, request: SignedRequest) -> Response | Exception:
        path = request.url.split("bybit.com")[1].split("?")[0]
        queue = self.script.get(path, [])
        if queue:
            return queue.pop(0) if len(queue) > 1 else queue[0]
        return orders()

    def intend(self, *events: Any) -> list[int]:
        first = self.seq + 1
        records = [Record(first + n, 0, 0, event) for n, event in enumerate(events)]
        self.seq += len(records)
        self.exchange.submit(records)
        return [record.seq for record in records]

    def sent(self, path: str) -> list[dict[str, Any]]:
        return [json.loads(r.body) for r in self.world.requests if r.url.endswith(path)]

    def asked(self, path: str) -> list[str]:
        return [r.url.partition("?")[2] for r in self.world.requests if f"{path}?" in r.url]


def place(client_id: str = "a", size: str = "1") -> PlaceOrder:
    return PlaceOrder("bybit", BTC, "buy", Decimal(size), Decimal(100), client_id=client_id)


def cancel(client_id: str = "a") -> CancelOrder:
    return CancelOrder("bybit", BTC, client_id)


def amend(client_id: str = "a", price: int = 101) -> AmendOrder:
    return AmendOrder("bybit", BTC, client_id, Decimal(price), Decimal(1))


@pytest.fixture
def play(world: Any, heard: Any) -> Callable[..., Desk]:
    def run(story: Callable[[Desk], Any], script: Script | None = None, **settings: Any) -> Desk:
        async def main() -> Desk:
            desk = Desk(world, heard, script or {}, **settings)
            try:
                await story(desk)
            finally:
                await desk.exchange.close()
            return desk

        return asyncio.run(asyncio.wait_for(main(), 20))

    return run


ACK = said(result={"orderId": "id-a", "orderLinkId": "a"})


@pytest.mark.parametrize(
    ("answer", "kind", "refusal", "fatal"),
    [
        pytest.param(ACK, Accepted, None, False, id="a zero is an acceptance"),
        pytest.param(said(110094, "small"), Rejected, "rule", False, id="a rule is a refusal"),
        pytest.param(said(110007, "poor"), Rejected, "funds", False, id="no funds"),
        pytest.param(said(10003, "bad key"), Rejected, "fatal", True, id="a bad key stops everything"),
        pytest.param(Response(400, {}, b"what"), Rejected, "rule", False, id="a malformed request was not executed"),
    ],
)
def test_a_certain_answer_is_one_outcome(
    play: Any, answer: Response, kind: type, refusal: str | None, fatal: bool
) -> None:
    async def story(desk: Desk) -> None:
        (seq,) = desk.intend(place())
        await desk.world.settle()
        (outcome,) = desk.heard.outcome(seq)
        assert isinstance(outcome, kind)
        assert getattr(outcome, "refusal", None) == refusal
        assert bool(desk.fatal) == fatal
        assert len(desk.sent(CREATE)) == 1
        frame = next(frame for _, _, cause, frame in desk.heard.bursts if cause == seq)
        assert frame is not None
        assert (frame.channel, frame.body) == ("rest", answer.body)

    play(story, {CREATE: [answer]})


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(said(10006, "slow down"), id="over the rate limit"),
        pytest.param(said(10429, "overload"), id="overload"),
        pytest.param(Response(429, {}, b""), id="http 429"),
        pytest.param(ConnectionFailed("no route"), id="no connection at all"),
    ],
)
def test_what_was_certainly_not_executed_is_sent_again_under_the_same_id(play: Any, answer: Any) -> None:
    async def story(desk: Desk) -> None:
        (seq,) = desk.intend(place())
        await desk.world.passing(5)
        assert [type(e) for e in desk.heard.outcome(seq)] == [Accepted]
        assert [body["orderLinkId"] for body in desk.sent(CREATE)] == ["a", "a"]

    play(story, {CREATE: [answer, ACK]})


def test_but_only_so_often(play: Any) -> None:
    async def story(desk: Desk) -> None:
        (seq,) = desk.intend(place())
        await desk.world.passing(30)
        (rejected,) = desk.heard.outcome(seq)
        assert (rejected.refusal, rejected.code) == ("rate", "10006")
        assert len(desk.sent(CREATE)) == 3

    play(story, {CREATE: [said(10006, "slow down")]})


def test_a_wrong_clock_is_set_and_the_order_signed_anew(play: Any) -> None:
    async def story(desk: Desk) -> None:
        (seq,) = desk.intend(place())
        await desk.world.passing(5)
        assert [type(e) for e in desk.heard.outcome(seq)] == [Accepted]
        first, second = (r for r in desk.world.requests if r.url.endswith(CREATE))
        ahead = int(second.headers["X-BAPI-TIMESTAMP"]) - int(first.headers["X-BAPI-TIMESTAMP"])
        assert ahead >= 3_600_000, "signed by the venue's clock, an hour ahead"
        assert first.headers["X-BAPI-SIGN"] != second.headers["X-BAPI-SIGN"]

    def time_of(world: Any) -> Response:
        return said(result={"timeSecond": "0", "timeNano": str(world.now + 3_600_000_000_000)})

    async def with_clock(desk: Desk) -> None:
        desk.script["/v5/market/time"] = [time_of(desk.world)]
        await story(desk)

    play(with_clock, {CREATE: [said(10002, "time"), ACK]})


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param(OutcomeUnknown("timed out"), id="a time-out"),
        pytest.param(Response(502, {}, b"bad gateway"), id="a gateway error"),
        pytest.param(Response(200, {}, b"<html>"), id="an answer that cannot be read"),
        pytest.param(said(10000, "server timeout"), id="the venue's own time-out"),
        pytest.param(said(110072, "duplicate"), id="a duplicate id: an earlier send won"),
    ],
)
def test_what_nobody_knows_is_looked_up_and_never_sent_again(play: Any, lost: Any) -> None:
    async def story(desk: Desk) -> None:
        (seq,) = desk.intend(place())
        await desk.world.settle()
        assert [type(e) for e in desk.heard.outcome(seq)] == [Unknown]
        desk.script["/v5/order/realtime"] = [orders(wire_order("a"))]
        await desk.world.passing(3)
        _unknown, accepted, update = desk.heard.outcome(seq)
        assert (type(accepted), accepted.order_id) == (Accepted, "id-a")
        assert (type(update), update.status, update.client_id) == (OrderUpdate, "open", "a")
        assert len(desk.sent(CREATE)) == 1

    play(story, {CREATE: [lost]})


def test_an_order_found_filled_brings_its_fills_first(play: Any) -> None:
    execution = {
        "symbol": BTC, "execId": "e1", "side": "Buy", "execPrice": "100", "execQty": "1", "execFee": "0.1",
        "execType": "Trade", "execTime": "4", "orderId": "id-a", "orderLinkId": "a", "feeCurrency": "USDT",
    }  # fmt: skip

    async def story(desk: Desk) -> None:
        (seq,) = desk.intend(place())
        await desk.world.passing(3)
        kinds = [type(e) for e in desk.heard.outcome(seq)]
        assert kinds == [Unknown, Accepted, Fill, OrderUpdate]
        assert desk.heard.outcome(seq)[2].backfilled

    found = wire_order("a", "Filled", cumExecQty="1", avgPrice="100")
    script: Script = {
        CREATE: [OutcomeUnknown("timed out")],
        "/v5/order/history": [orders(found)],
        "/v5/execution/list": [orders(execution)],
    }
    play(story, script)


def test_not_found_counts_only_when_the_waiting_time_is_over(play: Any) -> None:
    async def story(desk: Desk) -> None:
        (seq,) = desk.intend(place())
        await desk.world.passing(4.5)
        assert [type(e) for e in desk.heard.outcome(seq)] == [Unknown]
        await desk.world.passing(5)
        _unknown, gone = desk.heard.outcome(seq)
        assert (type(gone), gone.refusal, gone.action) == (Rejected, "gone", "place")

    play(story, {CREATE: [OutcomeUnknown("timed out")]})


def test_silence_is_never_a_refusal(play: Any) -> None:
    async def story(desk: Desk) -> None:
        (seq,) = desk.intend(place())
        await desk.world.passing(600)
        assert [type(e) for e in desk.heard.outcome(seq)] == [Unknown]
        desk.script["/v5/order/realtime"] = [orders(wire_order("a"))]
        await desk.world.passing(30)
        assert [type(e) for e in desk.heard.outcome(seq)] == [Unknown, Accepted, OrderUpdate]

    play(story, {CREATE: [OutcomeUnknown("lost")], "/v5/order/realtime": [OutcomeUnknown("lost")]})


@pytest.mark.parametrize(
    ("intent", "path", "found", "outcome"),
    [
        pytest.param(cancel(), CANCEL, wire_order("a", "Cancelled"), Accepted, id="a cancel that came through"),
        pytest.param(cancel(), CANCEL, wire_order("a", "Filled"), Accepted, id="an order that ended otherwise is gone too"),
        pytest.param(cancel(), CANCEL, wire_order("a"), Rejected, id="a cancel that never arrived leaves the order"),
        pytest.param(amend(), AMEND, wire_order("a", price="101"), Accepted, id="an amend that came through"),
        pytest.param(amend(), AMEND, wire_order("a"), Rejected, id="an amend that never arrived leaves the order"),
        pytest.param(amend(), AMEND, wire_order("a", "Cancelled"), Rejected, id="an amend of what is gone"),
    ],
)  # fmt: skip
def test_unknown_cancels_and_amends_end_in_what_the_order_is(
    play: Any, intent: Any, path: str, found: Any, outcome: type
) -> None:
    async def story(desk: Desk) -> None:
        (seq,) = desk.intend(intent)
        await desk.world.passing(15)
        events = desk.heard.outcome(seq)
        assert isinstance(events[0], Unknown)
        assert outcome in {type(event) for event in events[1:]}
        assert any(isinstance(event, OrderUpdate) for event in events)
        assert len(desk.sent(path)) == 1

    play(story, {path: [OutcomeUnknown("timed out")], "/v5/order/realtime": [orders(found)]})


def test_a_cancel_of_what_is_gone_learns_how_it_ended(play: Any) -> None:
    async def story(desk: Desk) -> None:
        (seq,) = desk.intend(cancel())
        await desk.world.settle()
        (gone,) = desk.heard.outcome(seq)
        assert (type(gone), gone.refusal) == (Rejected, "gone")
        assert [e.status for e in desk.heard.events if isinstance(e, OrderUpdate)] == ["filled"]

    play(story, {CANCEL: [said(110001, "not there")], "/v5/order/realtime": [orders(wire_order("a", "Filled"))]})


def test_a_code_that_no_table_has_is_unknown_and_said_aloud(play: Any) -> None:
    async def story(desk: Desk) -> None:
        (seq,) = desk.intend(place())
        await desk.world.settle()
        assert [type(e) for e in desk.heard.outcome(seq)] == [Unknown]
        loud = [e for e in desk.heard.events if isinstance(e, FeedStatus)]
        assert "unknown code 777777: brand new" in loud[0].reason

    play(story, {CREATE: [said(777777, "brand new")]})


def test_a_ban_refuses_at_once_and_shuts_the_door(play: Any) -> None:
    async def story(desk: Desk) -> None:
        (first,) = desk.intend(place("a"))
        await desk.world.settle()
        (rejected,) = desk.heard.outcome(first)
        assert rejected.refusal == "rate"
        assert any(isinstance(e, FeedStatus) and e.status == "banned" for e in desk.heard.events)
        (second,) = desk.intend(place("b"))
        await desk.world.settle()
        (local,) = desk.heard.outcome(second)
        assert (local.refusal, local.code) == ("rate", "local")
        assert len(desk.world.requests) == 1, "nothing else was sent"
        await desk.world.passing(601)
        desk.script[CREATE] = [ACK]
        (third,) = desk.intend(place("c"))
        await desk.world.settle()
        assert [type(e) for e in desk.heard.outcome(third)] == [Accepted]

    play(story, {CREATE: [Response(403, {}, b"access too frequent")]})


def test_a_cancel_waits_for_the_answer_to_the_order_it_speaks_of(play: Any) -> None:
    async def story(desk: Desk) -> None:
        desk.intend(place("a"), place("b"))
        desk.intend(cancel("a"), cancel("c"))
        await desk.world.settle()
        paths = [r.url.rsplit("/", 1)[1] for r in desk.world.requests if r.method == "POST"]
        assert paths.index("create-batch") < next(
            n for n, r in enumerate(desk.world.requests) if b'"a"' in r.body and r.url.endswith("cancel")
        )
        assert len(desk.sent(CANCEL)) == 2

    batch = said(result={"list": [{"orderId": "1"}, {"orderId": "2"}]}, ext={"list": [{"code": 0}, {"code": 0}]})
    play(story, {"/v5/order/create-batch": [batch], CANCEL: [said()]})


def test_a_cancel_withdraws_an_order_that_still_waits_here(play: Any) -> None:
    async def story(desk: Desk) -> None:
        (placed,) = desk.intend(place("a"))
        await desk.world.settle()
        assert desk.heard.outcome(placed) == [], "it waits for its rate budget"
        (cancelled,) = desk.intend(cancel("a"))
        await desk.world.passing(5)
        (refused,) = desk.heard.outcome(placed)
        assert (refused.refusal, refused.text) == ("busy", "cancelled before it was sent")
        assert len(desk.sent(CREATE)) == 1, "only the attempt before"
        assert desk.heard.outcome(cancelled)

    play(story, {CREATE: [said(10006, "slow down")], CANCEL: [said(110001, "not there")]})


def test_only_the_items_that_may_be_are_sent_again(play: Any) -> None:
    async def story(desk: Desk) -> None:
        seqs = desk.intend(place("a"), place("b"), place("c"))
        await desk.world.passing(5)
        assert [[type(e) for e in desk.heard.outcome(seq)] for seq in seqs] == [[Accepted], [Accepted], [Rejected]]
        (batch,) = desk.sent("/v5/order/create-batch")
        assert [row["orderLinkId"] for row in batch["request"]] == ["a", "b", "c"]
        assert [body["orderLinkId"] for body in desk.sent(CREATE)] == ["b"]

    batch = said(
        result={"list": [{"orderId": "1"}, {}, {}]},
        ext={"list": [{"code": 0}, {"code": 10006, "msg": "slow"}, {"code": 110094, "msg": "small"}]},
    )
    play(story, {"/v5/order/create-batch": [batch], CREATE: [ACK]})


def test_cancels_leave_before_amends_before_orders(play: Any) -> None:
    async def story(desk: Desk) -> None:
        desk.intend(place("a"), amend("b"), cancel("c"))
        await desk.world.settle()
        assert [r.url.rsplit("/", 1)[1] for r in desk.world.requests] == ["cancel", "amend", "create"]

    play(story, {CREATE: [ACK], AMEND: [said()], CANCEL: [said()]})


def test_cancel_all_is_repeated_until_it_is_certain(play: Any) -> None:
    async def story(desk: Desk) -> None:
        (seq,) = desk.intend(CancelAll("bybit", ""))
        await desk.world.passing(5)
        assert [type(e) for e in desk.heard.outcome(seq)] == [Accepted]
        assert [body["settleCoin"] for body in desk.sent("/v5/order/cancel-all")] == ["USDT", "USDT", "USDC"]

    play(story, {"/v5/order/cancel-all": [OutcomeUnknown("lost"), said()]})


def test_without_credentials_nothing_can_be_sent(world: Any, heard: Any) -> None:
    exchange = Exchange(VenueSettings("bybit"), heard, world, "s", None, world)
    with pytest.raises(WrongUse, match="no credentials"):
        exchange.submit([Record(1, 0, 0, place())])


def test_no_frame_of_an_order_holds_a_key(play: Any) -> None:
    async def story(desk: Desk) -> None:
        desk.intend(place())
        await desk.world.settle()
        out, back = desk.heard.frames
        assert (out.direction, back.direction) == ("out", "in")
        assert out.body == desk.world.requests[0].body
        assert out.url.endswith(CREATE)
        assert desk.world.requests[0].headers["X-BAPI-SIGN"] not in repr(desk.heard.bursts)

    play(story, {CREATE: [ACK]})
