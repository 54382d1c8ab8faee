"""When an account is trusted and when it is not, in virtual time: what streams and answers do to its status."""

import asyncio
import json
from typing import Any, Literal

from adapters.base.client import Response, SignedRequest
from adapters.base.settings import VenueSettings
from adapters.bybit.exchange import Exchange
from state.events import CancelAll, FeedStatus, Fill, OrderUpdate, Reconciled, Unknown
from state.record import Record
from state.secrets import Credentials, Secret
from tests.adapters.base.conftest import FakeSocket, Heard, World
from tests.adapters.base.desk import orders, place, said, wire_order


def friendly(world: World, answers: dict[str, Response]) -> None:
    """A venue that lets everybody in and has nothing to tell but `answers`, by path."""

    def on_sent(socket: FakeSocket, frame: bytes) -> None:
        request = json.loads(frame)
        if "reqId" in request:
            if request["op"] == "auth":
                socket.say(json.dumps({"retCode": 0, "op": "auth", "reqId": "auth"}).encode())
            return  # it takes orders and says nothing of them
        socket.say(json.dumps({"success": True, "op": request["op"], "req_id": request["req_id"]}).encode())

    def answer(request: SignedRequest) -> Response:
        path = request.url.split("bybit.com")[1].split("?")[0]
        if path == "/v5/market/time":
            return said(result={"timeNano": str(world.now)})
        return answers.get(path, orders())

    world.on_sent, world.answer = on_sent, answer


def account(heard: Heard) -> list[str]:
    return [e.status for e in heard.events if isinstance(e, FeedStatus) and e.channel == "account"]


def played(
    world: World,
    heard: Heard,
    answers: dict[str, Response],
    story: Any,
    order_entry: Literal["ws", "rest"] = "rest",
    timeout_s: float = 5.0,
) -> None:
    async def run() -> None:
        friendly(world, answers)
        settings = VenueSettings("bybit", order_entry=order_entry, request_timeout_s=timeout_s)
        exchange = Exchange(settings, heard, world, "s", Credentials(Secret("k"), Secret("s")), world)
        try:
            starting = asyncio.create_task(exchange.start([]))
            await world.passing(1)
            await starting
            await story(exchange)
        finally:
            await exchange.close()

    asyncio.run(asyncio.wait_for(run(), 20))


def test_a_frame_that_did_not_fit_puts_the_account_in_doubt_until_it_is_read_anew(world: World, heard: Heard) -> None:
    async def story(exchange: Exchange) -> None:
        assert account(heard) == ["connecting", "ok"]
        asked = len(world.requests)
        world.sockets[0].say(b"nonsense")
        await world.passing(1)
        assert account(heard) == ["connecting", "ok", "gap", "ok"]
        assert {r.url.split("?")[0].rsplit("/", 1)[1] for r in world.requests[asked:]} == {
            "list", "realtime", "wallet-balance",
        }  # fmt: skip
        assert any(frame.body == b"nonsense" for frame in heard.frames)

    played(world, heard, {}, story)


def test_the_account_is_looked_at_now_and_then_though_all_seems_well(world: World, heard: Heard) -> None:
    answers: dict[str, Response] = {}

    async def story(exchange: Exchange) -> None:
        answers["/v5/order/realtime"] = orders(wire_order("stranger"))
        for _ in range(31):
            await world.passing(10)
            world.sockets[0].say(b'{"op":"pong"}')
        found = [e for e in heard.events if isinstance(e, OrderUpdate)]
        assert {update.client_id for update in found} == {"stranger"}

    played(world, heard, answers, story)


def test_an_answer_older_than_what_the_stream_told_is_not_told(world: World, heard: Heard) -> None:
    async def story(exchange: Exchange) -> None:
        newer = wire_order("a", "PartiallyFilled", cumExecQty="1", updatedTime="9")
        world.sockets[0].say(json.dumps({"topic": "order", "data": [newer]}).encode())
        await world.settle()
        checking = asyncio.create_task(exchange.reconcile())
        await world.passing(1)
        await checking
        updates = [e.version for e in heard.events if isinstance(e, OrderUpdate)]
        assert updates[-1] == 9
        assert not [e for e in heard.events if isinstance(e, Reconciled)]

    played(world, heard, {"/v5/order/realtime": orders(wire_order("a"))}, story)


def test_an_older_answer_about_one_order_is_no_difference(world: World, heard: Heard) -> None:
    async def story(exchange: Exchange) -> None:
        newer = wire_order("a", "PartiallyFilled", cumExecQty="0.5", updatedTime="9")
        world.sockets[0].say(json.dumps({"topic": "order", "data": [newer]}).encode())
        await world.settle()
        checking = asyncio.create_task(exchange.reconcile())
        await world.passing(1)
        await checking
        assert not [e for e in heard.events if isinstance(e, Reconciled)]
        assert [e.version for e in heard.events if isinstance(e, OrderUpdate)] == [9]

    played(world, heard, {"/v5/order/history": orders(wire_order("a"))}, story)


def test_an_order_that_the_venue_lists_no_more_is_asked_for_and_the_difference_told(world: World, heard: Heard) -> None:
    answers = {"/v5/order/realtime": orders(wire_order("a"))}

    async def story(exchange: Exchange) -> None:
        answers["/v5/order/realtime"] = orders()
        answers["/v5/order/history"] = orders(wire_order("a", "Cancelled", cancelType="CancelByAdmin", updatedTime="9"))
        checking = asyncio.create_task(exchange.reconcile())
        await world.passing(1)
        await checking
        last = [e for e in heard.events if isinstance(e, OrderUpdate)][-1]
        assert (last.status, last.origin, last.reason) == ("cancelled", "venue", "CancelByAdmin")
        (found,) = [e for e in heard.events if isinstance(e, Reconciled)]
        assert (found.subject, found.what) == ("order", "a")
        assert (found.ours.split()[0], found.theirs.split()[0]) == ("open", "cancelled")

    played(world, heard, answers, story)


def test_an_answer_that_does_not_fit_is_kept_and_the_account_stays_in_doubt(world: World, heard: Heard) -> None:
    answers: dict[str, Response] = {}

    async def story(exchange: Exchange) -> None:
        answers["/v5/position/list"] = said(result={"list": [{"symbol": "X"}]})
        world.sockets[0].cut()
        await world.passing(5)
        assert account(heard)[-1] == "down"
        assert any("an answer did not fit" in e.reason for e in heard.events if isinstance(e, FeedStatus))
        assert any(b'[{"symbol": "X"}]' in frame.body for frame in heard.frames)
        del answers["/v5/position/list"]
        await world.passing(40)
        assert account(heard)[-1] == "ok"

    played(world, heard, answers, story)


def test_a_hedge_mode_position_keeps_the_account_down(world: World, heard: Heard) -> None:
    row = {"symbol": "BTCUSDT", "side": "Buy", "size": "1", "positionIdx": 1}
    answers: dict[str, Response] = {}

    async def story(exchange: Exchange) -> None:
        answers["/v5/position/list"] = said(result={"list": [row]})
        world.sockets[0].cut()
        await world.passing(5)
        assert account(heard)[-1] == "down"
        assert any("hedge mode" in e.reason for e in heard.events if isinstance(e, FeedStatus))

    played(world, heard, answers, story)


def test_orders_by_rest_work_while_the_private_stream_is_down(world: World, heard: Heard) -> None:
    async def story(exchange: Exchange) -> None:
        world.refusals = 100
        world.sockets[0].cut()
        await world.passing(1)
        exchange.submit([Record(7, 0, 0, place())])
        await world.passing(1)
        assert [type(e).__name__ for e in heard.outcome(7)] == ["Accepted"]

    played(world, heard, {"/v5/order/create": said(result={"orderId": "1"})}, story)


def test_what_was_asked_over_a_socket_that_is_lost_is_unknown_at_once(world: World, heard: Heard) -> None:
    async def story(exchange: Exchange) -> None:
        exchange.submit([Record(7, 0, 0, place())])
        await world.settle()
        trade = next(socket for socket in world.sockets if any(b"order.create" in frame for frame in socket.sent))
        world.refusals = 100
        trade.cut()
        await world.passing(0.1)
        assert [type(outcome) for outcome in heard.outcome(7)] == [Unknown]

    played(world, heard, {}, story, "ws")


def executed(fill_id: str, at_ns: int, order: str = "a") -> dict[str, str]:
    return {
        "symbol": "BTCUSDT", "orderId": f"id-{order}", "orderLinkId": order, "side": "Buy", "execId": fill_id,
        "execPrice": "100", "execQty": "1", "execFee": "0", "execType": "Trade", "execTime": str(at_ns // 1_000_000),
    }  # fmt: skip


class Executions:
    """The venue's own list of fills, from the time that is asked for; `slow_s` is how long an answer takes."""

    def __init__(self, world: World) -> None:
        self.rows: list[dict[str, str]] = []
        self.slow_s = 0.0
        self._world = world
        self._at_once = world.request
        world.request = self.request  # type: ignore[method-assign]

    async def request(self, request: SignedRequest, timeout_s: float) -> Response:
        if "/v5/execution/list" not in request.url:
            return await self._at_once(request, timeout_s)
        asked = dict(pair.split("=") for pair in request.url.partition("?")[2].split("&"))
        since = int(asked.get("startTime", "0"))
        found = orders(*(row for row in reversed(self.rows) if int(row["execTime"]) >= since))
        if self.slow_s:
            await self._world.sleep(self.slow_s)
        return found


def fills(heard: Heard) -> list[str]:
    return [event.fill_id for event in heard.events if isinstance(event, Fill)]


def holding(size: str, at_ns: int) -> Response:
    row = {"symbol": "BTCUSDT", "side": "Buy", "size": size, "avgPrice": "90", "markPrice": "95", "positionIdx": 0}
    return orders(row | {"updatedTime": str(at_ns // 1_000_000)})


def test_a_fill_missed_while_the_account_was_being_read_is_found_before_it_is_trusted_again(
    world: World, heard: Heard
) -> None:
    answers: dict[str, Response] = {}

    async def story(exchange: Exchange) -> None:
        venue = Executions(world)
        venue.slow_s = 5.0
        checking = asyncio.create_task(exchange.reconcile())
        await world.settle()  # what was traded so far is on its way
        world.sockets[0].cut()
        venue.rows.append(executed("missed", world.now))
        await world.passing(4.9)
        assert account(heard)[-1] == "down"
        await world.passing(0.5)
        await checking
        assert account(heard)[-1] == "down", "what was read is from before the connection was lost"
        answers["/v5/position/list"] = holding("1", world.now)
        await world.passing(6)
        assert fills(heard) == ["missed"]
        assert account(heard)[-1] == "ok"

    played(world, heard, answers, story)


def test_a_fill_that_the_stream_lost_is_found_though_it_told_later_ones(world: World, heard: Heard) -> None:
    async def story(exchange: Exchange) -> None:
        venue = Executions(world)
        venue.rows.append(executed("lost", world.now))
        await world.passing(10)
        for _ in range(20):
            world.sockets[0].say(b'{"op":"pong"}')
            await world.passing(10)
        told = executed("told", world.now)
        venue.rows.append(told)
        world.sockets[0].say(json.dumps({"topic": "execution", "data": [told]}).encode())
        for _ in range(10):
            await world.passing(10)
            world.sockets[0].say(b'{"op":"pong"}')
        assert fills(heard) == ["told", "lost"]

    played(world, heard, {}, story)


def test_recovered_fills_are_told_in_the_order_in_which_they_were_made(world: World, heard: Heard) -> None:
    answers: dict[str, Response] = {}

    async def story(exchange: Exchange) -> None:
        rows = [executed(str(n), world.now + n * 1_000_000) for n in (4, 3, 2, 1)]
        pages = [said(result={"list": rows[:2], "nextPageCursor": "older"}), orders(*rows[2:])]
        at_once = world.answer

        def paged(request: SignedRequest) -> Response:
            return pages.pop(0) if "/v5/execution/list" in request.url else at_once(request)

        world.answer = paged
        checking = asyncio.create_task(exchange.reconcile())
        await world.passing(1)
        await checking
        assert fills(heard) == ["1", "2", "3", "4"]

    played(world, heard, answers, story)


def test_what_was_traded_before_the_session_is_in_its_first_position_and_in_no_fill(world: World, heard: Heard) -> None:
    venue = Executions(world)
    venue.rows.append(executed("before", world.now - 2_000_000_000))

    async def story(exchange: Exchange) -> None:
        for _ in range(3):
            checking = asyncio.create_task(exchange.reconcile())
            await world.passing(1)
            await checking
        await exchange.orders.close()
        assert (await exchange.find_order("BTCUSDT", "a"))[2] == []
        assert fills(heard) == []

    asked = orders(wire_order("a", "PartiallyFilled", cumExecQty="1"))
    played(world, heard, {"/v5/order/realtime": asked}, story)


def test_an_account_that_could_not_be_read_is_tried_again_soon(world: World, heard: Heard) -> None:
    answers: dict[str, Response] = {}

    async def story(exchange: Exchange) -> None:
        answers["/v5/position/list"] = said(10001, "not now")
        for _ in range(30):
            await world.passing(10)
            world.sockets[0].say(b'{"op":"pong"}')
        assert account(heard)[-1] == "down"
        del answers["/v5/position/list"]
        await world.passing(29)
        assert account(heard)[-1] == "ok"

    played(world, heard, answers, story)


def told_filled(world: World, at_ns: int) -> None:
    row = wire_order("a", "Filled", cumExecQty="1", updatedTime=str(at_ns // 1_000_000))
    world.sockets[0].say(json.dumps({"topic": "order", "data": [row]}).encode())


def test_a_fill_that_only_its_order_told_of_is_asked_for_soon(world: World, heard: Heard) -> None:
    answers: dict[str, Response] = {}

    async def story(exchange: Exchange) -> None:
        Executions(world).rows.append(executed("lost", world.now))
        answers["/v5/position/list"] = holding("1", world.now)
        told_filled(world, world.now)
        await world.passing(4)
        assert fills(heard) == ["lost"]
        asked = len(world.requests)
        await world.passing(10)
        assert len(world.requests) == asked, "once"

    played(world, heard, answers, story)


def test_a_fill_that_comes_a_little_later_than_its_order_is_waited_for(world: World, heard: Heard) -> None:
    async def story(exchange: Exchange) -> None:
        asked = len(world.requests)
        told_filled(world, world.now)
        await world.passing(1)
        late = executed("late", world.now)
        world.sockets[0].say(json.dumps({"topic": "execution", "data": [late]}).encode())
        await world.passing(10)
        assert fills(heard) == ["late"]
        assert len(world.requests) == asked

    played(world, heard, {}, story)


def test_what_an_order_had_filled_before_the_session_is_asked_for_once_at_most(world: World, heard: Heard) -> None:
    async def story(exchange: Exchange) -> None:
        asked = len(world.requests)
        old = wire_order("old", "PartiallyFilled", cumExecQty="0.5", updatedTime="9")
        world.sockets[0].say(json.dumps({"topic": "order", "data": [old]}).encode())
        await world.passing(20)
        assert len(world.requests) == asked, "the first look has seen it"

    was = orders(wire_order("old", "PartiallyFilled", cumExecQty="0.5"))
    played(world, heard, {"/v5/order/realtime": was}, story)


def test_what_became_of_a_cancel_of_everything_that_nobody_answered_is_read_at_once(world: World, heard: Heard) -> None:
    """Until it is, orders that rest still are held for being cancelled, and nobody cancels them again."""
    answers = {"/v5/order/realtime": orders(wire_order("a"))}

    async def story(exchange: Exchange) -> None:
        answers["/v5/order/cancel-all"] = Response(502, {}, b"bad gateway")
        told = len([e for e in heard.events if isinstance(e, OrderUpdate)])
        exchange.submit([Record(7, 0, 0, CancelAll("bybit", "BTCUSDT"))])
        await world.passing(10)
        assert [type(outcome) for outcome in heard.outcome(7)] == [Unknown]
        again = [e for e in heard.events if isinstance(e, OrderUpdate)][told:]
        assert {(e.client_id, e.status) for e in again} == {("a", "open")}

    played(world, heard, answers, story)
