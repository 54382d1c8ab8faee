"""From intent to outcome in virtual time: every verdict, and what is never done."""

import asyncio
from typing import Any

import pytest

from adapters.base.client import Response
from adapters.base.settings import VenueSettings
from adapters.bybit.exchange import Exchange
from state.errors import ConnectionFailed, NotOffered, OutcomeUnknown, WrongUse
from state.events import (
    Accepted,
    CancelAll,
    FeedStatus,
    Rejected,
    Unknown,
)
from state.record import Record
from tests.adapters.base.desk import (
    ACK,
    AMEND,
    BTC,
    CANCEL,
    CREATE,
    Desk,
    amend,
    cancel,
    orders,
    place,
    said,
    wire_order,
)


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
        desk.exchange.sender.offset.sample(
            desk.world.now, desk.world.now, desk.world.now
        )  # of before the clock was set
        desk.script["/v5/market/time"] = [time_of(desk.world)]
        await story(desk)

    play(with_clock, {CREATE: [said(10002, "time"), ACK]})


def test_a_code_that_no_table_has_is_unknown_and_said_aloud(play: Any) -> None:
    async def story(desk: Desk) -> None:
        (seq,) = desk.intend(place())
        await desk.world.settle()
        assert [type(e) for e in desk.heard.outcome(seq)] == [Unknown]
        loud = [e for e in desk.heard.events if isinstance(e, FeedStatus)]
        assert "unknown code 777777: brand new" in loud[0].reason

    play(story, {CREATE: [said(777777, "brand new")]})


@pytest.mark.parametrize(
    "banned",
    [Response(403, {}, b"access too frequent"), said(10018, "exceeded the IP rate limit")],
    ids=["403", "10018"],
)
def test_a_ban_refuses_at_once_and_shuts_the_door(play: Any, banned: Response) -> None:
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

    play(story, {CREATE: [banned]})


def test_a_cancel_waits_for_the_answer_to_the_order_it_speaks_of(play: Any) -> None:
    async def story(desk: Desk) -> None:
        desk.intend(place("a"), place("b"))
        while not desk.world.requests:  # noqa: ASYNC110 - one turn of the loop, no time
            await asyncio.sleep(0)  # until they have left; the answer is still to come
        desk.intend(cancel("a"), cancel("c"))
        await desk.world.settle()
        paths = [r.url.rsplit("/", 1)[1] for r in desk.world.requests if r.method == "POST"]
        assert paths.index("create-batch") < next(
            n for n, r in enumerate(desk.world.requests) if b'"a"' in r.body and r.url.endswith("cancel")
        )
        assert len(desk.sent(CANCEL)) == 2

    batch = said(result={"list": [{"orderId": "1"}, {"orderId": "2"}]}, ext={"list": [{"code": 0}, {"code": 0}]})
    play(story, {"/v5/order/create-batch": [batch], CANCEL: [said()]})


@pytest.mark.parametrize("in_place", [True, False], ids=["amended in place", "replaced"])
def test_a_cancel_waits_for_an_amendment_only_where_it_is_another_order(play: Any, in_place: bool) -> None:
    async def story(desk: Desk) -> None:
        desk.exchange.amends_in_place = in_place
        at_once = desk.world.request

        async def slow(request: Any, timeout_s: float) -> Response:
            if request.url.endswith(AMEND):
                await desk.world.sleep(3)
            return await at_once(request, timeout_s)

        desk.world.request = slow
        (amended,) = desk.intend(amend("a"))
        await desk.world.settle()
        desk.intend(cancel("a"))
        await desk.world.passing(1)
        assert bool(desk.sent(CANCEL)) == in_place
        await desk.world.passing(5)
        assert len(desk.sent(CANCEL)) == 1
        assert [type(event) for event in desk.heard.outcome(amended)] == [Rejected if in_place else Accepted]

    play(story, {AMEND: [said(110001, "not there") if in_place else said()], CANCEL: [said()]})


def test_a_cancel_withdraws_an_amendment_that_still_waits_here(play: Any) -> None:
    async def story(desk: Desk) -> None:
        (amended,) = desk.intend(amend("a"))
        await desk.world.settle()
        assert desk.heard.outcome(amended) == [], "it waits for its rate budget"
        desk.intend(cancel("a"))
        await desk.world.passing(5)
        (refused,) = desk.heard.outcome(amended)
        assert (refused.refusal, refused.text) == ("busy", "cancelled before it was sent")
        assert len(desk.sent(AMEND)) == 1, "only the attempt before"

    async def slowly(desk: Desk) -> None:
        at_once = desk.world.request

        async def slow(request: Any, timeout_s: float) -> Response:
            if request.url.endswith(CANCEL):
                await desk.world.sleep(3)
            return await at_once(request, timeout_s)

        desk.world.request = slow
        await story(desk)

    play(slowly, {AMEND: [said(10006, "slow down")], CANCEL: [said()]})


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


def test_cancelling_everything_withdraws_what_still_waits_here(play: Any) -> None:
    async def story(desk: Desk) -> None:
        (placed,) = desk.intend(place("a"))
        await desk.world.settle()
        (everything,) = desk.intend(CancelAll("bybit", ""))
        await desk.world.passing(5)
        (refused,) = desk.heard.outcome(placed)
        assert (refused.refusal, refused.text) == ("busy", "cancelled before it was sent")
        assert len(desk.sent(CREATE)) == 1, "only the attempt before"
        assert [type(event) for event in desk.heard.outcome(everything)] == [Accepted]

    play(story, {CREATE: [said(10006, "slow down")], "/v5/order/cancel-all": [said()]})


def test_cancelling_everything_withdraws_amendments_that_wait_behind_another_request(play: Any) -> None:
    """Where an order is replaced to be amended, one that left after the cancel would bring it back."""

    async def story(desk: Desk) -> None:
        at_once = desk.world.request

        async def slow(request: Any, timeout_s: float) -> Response:
            if request.url.endswith(CREATE):
                await desk.world.sleep(1)
            return await at_once(request, timeout_s)

        desk.world.request = slow
        desk.exchange.amends_in_place = False
        desk.intend(place("a"))
        await desk.world.settle()
        first, second = desk.intend(amend("a"), amend("a", 102))
        await desk.world.settle()
        desk.intend(CancelAll("bybit", BTC))
        await desk.world.passing(5)
        for seq in (first, second):
            (refused,) = desk.heard.outcome(seq)
            assert (refused.action, refused.text) == ("amend", "cancelled before it was sent")
        assert desk.sent(AMEND) == []

    play(story, {CREATE: [ACK], AMEND: [said()], "/v5/order/cancel-all": [said()]})


@pytest.mark.parametrize("in_place", [True, False], ids=["amended in place", "replaced"])
def test_cancelling_everything_is_done_again_for_an_order_that_took_anothers_place(play: Any, in_place: bool) -> None:
    async def story(desk: Desk) -> None:
        desk.exchange.amends_in_place = in_place
        at_once = desk.world.request

        async def slow(request: Any, timeout_s: float) -> Response:
            if request.url.endswith(AMEND):
                await desk.world.sleep(1)
            return await at_once(request, timeout_s)

        desk.world.request = slow
        desk.intend(amend("a"))
        await desk.world.settle()
        desk.intend(CancelAll("bybit", BTC))
        await desk.world.passing(5)
        assert len(desk.sent("/v5/order/cancel-all")) == (1 if in_place else 2)

    play(story, {AMEND: [said()], "/v5/order/cancel-all": [said()]})


@pytest.mark.parametrize("undoing", [cancel("a"), CancelAll("bybit", "")], ids=["its own cancel", "everything"])
def test_an_order_amended_and_cancelled_in_one_burst_is_not_amended_any_more(play: Any, undoing: Any) -> None:
    async def story(desk: Desk) -> None:
        amended, undone = desk.intend(amend("a"), undoing)
        await desk.world.passing(5)
        (refused,) = desk.heard.outcome(amended)
        assert (refused.action, refused.text) == ("amend", "cancelled before it was sent")
        assert desk.sent(AMEND) == []
        assert len(desk.heard.outcome(undone)) == 1

    play(story, {AMEND: [said()], CANCEL: [said()], "/v5/order/cancel-all": [said()]})


@pytest.mark.parametrize(
    "undoing",
    [
        pytest.param(cancel("a"), id="its own cancel"),
        pytest.param(CancelAll("bybit", ""), id="everything is cancelled"),
        pytest.param(CancelAll("bybit", "BTCUSDT"), id="its market is cancelled"),
    ],
)
def test_an_order_placed_and_cancelled_in_one_burst_never_leaves(play: Any, undoing: Any) -> None:
    async def story(desk: Desk) -> None:
        placed, undone = desk.intend(place("a"), undoing)
        await desk.world.passing(5)
        (refused,) = desk.heard.outcome(placed)
        assert (refused.refusal, refused.text) == ("busy", "cancelled before it was sent")
        assert desk.sent(CREATE) == []
        assert len(desk.heard.outcome(undone)) == 1

    play(story, {CREATE: [ACK], CANCEL: [said(110001, "not there")], "/v5/order/cancel-all": [said()]})


@pytest.mark.parametrize(
    ("answer", "looked_up"),
    [
        pytest.param(ACK, [], id="its acknowledgement comes after"),
        pytest.param(OutcomeUnknown("lost"), [wire_order("a")], id="nobody knows of it until it is looked up"),
    ],
)
def test_cancelling_everything_is_done_again_for_an_order_that_it_may_have_overtaken(
    play: Any, answer: Any, looked_up: list[Any]
) -> None:
    async def story(desk: Desk) -> None:
        at_once = desk.world.request

        async def slow(request: Any, timeout_s: float) -> Response:
            if request.url.endswith(CREATE):
                desk.world.requests.append(request)
                await desk.world.sleep(1)
            return await at_once(request, timeout_s)

        desk.world.request = slow
        desk.intend(place("a"))
        await desk.world.settle()
        (everything,) = desk.intend(CancelAll("bybit", "BTCUSDT"))
        await desk.world.passing(5)
        assert len(desk.sent("/v5/order/cancel-all")) == 2
        assert desk.world.requests[-1].url.endswith("/v5/order/cancel-all"), "after all else"
        assert [type(event) for event in desk.heard.outcome(everything)] == [Accepted]
        (later,) = desk.intend(CancelAll("bybit", "BTCUSDT"))
        await desk.world.passing(5)
        assert [type(event) for event in desk.heard.outcome(later)] == [Accepted]
        assert len(desk.sent("/v5/order/cancel-all")) == 3, "nothing was on its way any more"

    play(story, {CREATE: [answer], "/v5/order/cancel-all": [said()], "/v5/order/realtime": [orders(*looked_up)]})


def test_the_end_is_an_outcome_for_whatever_has_none(play: Any) -> None:
    async def story(desk: Desk) -> None:
        (waiting,) = desk.intend(place("w"))
        await desk.world.settle()
        asked = len(desk.world.requests)
        desk.script[CREATE] = [ACK]
        (sent,) = desk.intend(place("a"))
        (behind,) = desk.intend(amend("a"))
        while len(desk.world.requests) == asked:  # noqa: ASYNC110
            await asyncio.sleep(0)  # until it has left; the answer is still to come
        await desk.exchange.close()
        assert [type(event) for event in desk.heard.outcome(sent)] == [Unknown]
        for seq in (behind, waiting):
            (refused,) = desk.heard.outcome(seq)
            assert (type(refused), refused.text) == (Rejected, "the session ended before it was sent")

    play(story, {CREATE: [said(10006, "slow down")]})


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


def test_what_a_venue_does_not_offer_is_refused_and_nothing_leaves(play: Any) -> None:
    async def story(desk: Desk) -> None:
        build = desk.exchange.build

        def offered(action: str, arguments: Any) -> Any:
            if action == "amend":
                raise NotOffered("no amendments here", "market_state")
            return build(action, arguments)

        desk.exchange.build = offered  # type: ignore[method-assign]
        refused, placed = desk.intend(amend("a"), place("b"))
        await desk.world.settle()
        (outcome,) = desk.heard.outcome(refused)
        assert (outcome.refusal, outcome.code, outcome.text) == ("market_state", "local", "no amendments here")
        assert isinstance(desk.heard.outcome(placed)[0], Accepted)
        assert len(desk.world.requests) == 1

    play(story, {CREATE: [ACK]})


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
