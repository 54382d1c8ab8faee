"""What nobody knows, in virtual time: it is looked up until it is known, and never sent again."""

from typing import Any

import pytest

from adapters.base.client import Response
from state.errors import OutcomeUnknown
from state.events import (
    Accepted,
    Fill,
    OrderUpdate,
    Rejected,
    Unknown,
)
from tests.adapters.base.desk import (
    ACK,
    AMEND,
    BTC,
    CANCEL,
    CREATE,
    Desk,
    Script,
    amend,
    cancel,
    orders,
    place,
    said,
    wire_order,
)


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
        _, again, fills = await desk.exchange.find_order(BTC, "a")
        assert again is not None
        assert not fills
        assert len(desk.asked("/v5/execution/list")) == 1, "what was told comes to what it filled"

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


def test_a_cancel_that_nobody_answered_is_refused_as_soon_as_the_order_is_seen_to_rest(play: Any) -> None:
    async def story(desk: Desk) -> None:
        (seq,) = desk.intend(cancel())
        await desk.world.passing(0.5)
        refused = desk.heard.outcome(seq)[-1]
        assert (type(refused), refused.refusal, refused.text) == (Rejected, "busy", "the order rests still")

    play(story, {CANCEL: [OutcomeUnknown("timed out")], "/v5/order/realtime": [orders(wire_order("a"))]})


def test_an_order_that_the_venue_has_forgotten_has_ended(play: Any) -> None:
    async def story(desk: Desk) -> None:
        desk.intend(place())
        await desk.world.settle()
        desk.intend(cancel())
        await desk.world.passing(4)
        assert not [e for e in desk.heard.events if isinstance(e, OrderUpdate)], "a denial proves nothing yet"
        await desk.world.passing(4)
        (ended,) = [e for e in desk.heard.events if isinstance(e, OrderUpdate)]
        assert (ended.client_id, ended.status, ended.origin) == ("a", "cancelled", "venue")
        asked = [it for it in desk.world.requests if "/v5/order/realtime" in it.url]
        assert len(asked) == 2 * 2, "open and ended, twice: an outage has many such orders, and one budget"
        assert desk.exchange.may_rest() == []

    play(story, {CREATE: [ACK], CANCEL: [said(110001, "not there")]})


def test_an_order_that_may_be_on_its_way_is_never_taken_for_forgotten(play: Any) -> None:
    async def story(desk: Desk) -> None:
        (placed,) = desk.intend(place())
        await desk.world.settle()
        desk.intend(cancel())
        await desk.world.passing(4.5)
        desk.script["/v5/order/realtime"] = [orders(wire_order("a"))]
        await desk.world.passing(3)
        assert [type(e) for e in desk.heard.outcome(placed)] == [Unknown, Accepted, OrderUpdate]
        assert {e.status for e in desk.heard.events if isinstance(e, OrderUpdate)} == {"open"}

    play(story, {CREATE: [OutcomeUnknown("timed out")], CANCEL: [said(110001, "not there")]})
