"""Whose orders are cancelled: ours by their ids where a session ends, everybody's where somebody says so."""

import asyncio
from typing import Any

from adapters.base.limits import Priority
from adapters.base.orderid import OrderID
from adapters.base.ours import NAMED_FEW, Ours
from state.errors import OutcomeUnknown
from state.events import Accepted, CancelAll, OrderUpdate, PlaceOrder, Unknown
from state.record import Record
from tests.adapters.base.desk import ACK, BTC, CANCEL, CREATE, Desk, cancel, orders, place, said, wire_order

ALL, LIST, BATCH = "/v5/order/cancel-all", "/v5/order/realtime", "/v5/order/cancel-batch"


def cancelled(desk: Desk) -> list[str]:
    """Client ids, in the order in which their cancels left."""
    batches = [row["orderLinkId"] for body in desk.sent(BATCH) for row in body["request"]]
    return [body["orderLinkId"] for body in desk.sent(CANCEL)] + batches


async def ended(desk: Desk) -> Any:
    """The report of a shutdown, with as much time as it takes."""
    ending = asyncio.create_task(desk.exchange.shutdown("cancel"))
    while not ending.done():
        await desk.world.passing(1)
    return ending.result()


def told_open(desk: Desk, *names: str) -> None:
    """As the private stream would."""
    for name in names:
        update = OrderUpdate("bybit", BTC, 1, name, f"id-{name}", "open", "buy")
        desk.exchange.account_inbox.feed(desk.world.now, [update])


def test_a_shutdown_cancels_ours_by_their_ids_and_counts_the_others(play: Any) -> None:
    async def story(desk: Desk) -> None:
        ours = desk.exchange.order_ids.make(7)
        desk.script[LIST] = [
            orders(wire_order(ours), wire_order("theirs"), wire_order("")),
            orders(wire_order("theirs")),
        ]
        report = await ended(desk)
        assert cancelled(desk) == [ours]
        assert desk.sent(ALL) == []
        assert (report.open_orders, report.clean) == ((), True)
        assert report.foreign == 2, "one for each settlement coin that is asked for"

    play(story, {CANCEL: [said()]})


def test_what_is_known_to_rest_is_cancelled_before_anybody_is_asked_and_though_nobody_answers(play: Any) -> None:
    async def story(desk: Desk) -> None:
        ours = [desk.exchange.order_ids.make(seq) for seq in (7, 8)]
        told_open(desk, *ours, "theirs")
        report = await ended(desk)
        first = next(request.url for request in desk.world.requests)
        assert first.endswith(BATCH)
        assert set(cancelled(desk)) == set(ours)
        assert not report.clean
        assert report.errors

    play(story, {BATCH: [said()], LIST: [OutcomeUnknown("timed out")]})


def test_an_order_under_an_id_of_ones_own_is_ours_once_it_was_sent(play: Any) -> None:
    async def story(desk: Desk) -> None:
        desk.intend(place("mine"))
        await desk.world.passing(1)
        told_open(desk, "mine", "theirs")
        (seq,) = desk.intend(CancelAll("bybit", ""))
        await desk.world.passing(1)
        assert desk.sent(ALL), "said by somebody, it is the venue's own"
        record = Record(seq + 1, 0, 0, CancelAll("bybit", ""))
        desk.exchange.submit([record], halted=True)
        await desk.world.passing(1)
        assert cancelled(desk) == ["mine"]
        assert [type(event) for event in desk.heard.outcome(record.seq)] == [Accepted]
        by_a_person = Record(seq + 2, 0, 0, CancelAll("bybit", "", "operator"))
        before = len(desk.sent(ALL))
        desk.exchange.submit([by_a_person], halted=True)
        await desk.world.passing(1)
        assert len(desk.sent(ALL)) == before + 2
        assert cancelled(desk) == ["mine"]

    play(story, {CREATE: [ACK], CANCEL: [said()], ALL: [said()]})


def test_only_what_is_in_doubt_is_cancelled_again_and_told_and_until_it_is_not(play: Any) -> None:
    """A session that was halted while its venue did not answer left its orders resting after three tries."""

    async def story(desk: Desk) -> None:
        told_open(desk, *(desk.exchange.order_ids.make(seq) for seq in (7, 8)))
        record = Record(1, 0, 0, CancelAll("bybit", ""))
        desk.exchange.submit([record], halted=True)
        await desk.world.passing(1.3)
        assert len(cancelled(desk)) == 2 + 1 + 1
        assert cancelled(desk)[:2] == [desk.exchange.order_ids.make(8)] * 2, "alone"
        assert [type(event) for event in desk.heard.outcome(1)] == [Unknown]
        await desk.world.passing(30)
        desk.script[CANCEL] = [said()]
        await desk.world.passing(10)
        assert [type(event) for event in desk.heard.outcome(1)] == [Unknown, Accepted]
        sent = len(cancelled(desk))
        await desk.world.passing(60)
        assert len(cancelled(desk)) == sent, "and then no more"

    mixed = said(
        result={"list": [{"orderId": "a"}, {"orderId": "b"}]},
        ext={"list": [{"code": 0, "msg": "OK"}, {"code": 10016, "msg": "server error"}]},
    )
    play(story, {BATCH: [mixed], CANCEL: [OutcomeUnknown("lost")]})


def test_a_shutdown_uses_what_was_kept_back_from_everything_else(play: Any) -> None:
    async def story(desk: Desk) -> None:
        limits, ours = desk.exchange.sender.gate.limits, desk.exchange.order_ids.make(7)
        told_open(desk, ours)
        for pool in desk.exchange.pools():
            while not limits.wait_ns(pool.name, 1, Priority.READ, desk.world.now):
                limits.spend(pool.name, 1, desk.world.now)
        desk.intend(cancel("other"))
        ending = asyncio.create_task(desk.exchange.shutdown("cancel"))
        await desk.world.settle()
        assert cancelled(desk) == [ours], "without any time passing"
        ending.cancel()
        await asyncio.gather(ending, return_exceptions=True)

    play(story, {CANCEL: [said()]})


def test_a_shutdown_lets_nothing_leave_that_still_waits_here(play: Any) -> None:
    """A session whose log failed has cancelled nothing: an order waited for its rate budget until all was done, and left then."""

    async def story(desk: Desk) -> None:
        (placed,) = desk.intend(place("a"))
        await desk.world.settle()
        assert desk.heard.outcome(placed) == [], "it waits for its rate budget"
        desk.script[CREATE] = [ACK]
        report = await ended(desk)
        assert (report.clean, report.errors) == (True, ())
        await desk.world.passing(30)
        assert len(desk.sent(CREATE)) == 1, "only the attempt before"
        (refused,) = desk.heard.outcome(placed)
        assert (refused.refusal, refused.code) == ("busy", "local")

    play(story, {CREATE: [said(10006, "slow down")], LIST: [orders()]})


def test_names_of_orders_that_have_ended_are_forgotten_and_none_that_rests() -> None:
    resting: list[tuple[str, str]] = []
    ours = Ours("bybit", OrderID("s"), "leave", lambda: resting)
    for number in range(5 * NAMED_FEW):
        name = f"mine-{number}"
        if number % 100 == 0:
            resting.append((BTC, name))
        ours.note([Record(number + 1, 0, 0, PlaceOrder("bybit", BTC, "buy", place().size, client_id=name))])
    assert all(ours.has(name) for _, name in resting)
    assert not ours.has("mine-1")
    assert len(ours.resting()) == len(resting) == 50
