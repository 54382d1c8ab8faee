"""Sockets that stand and say nothing: what they told is not believed for longer, and orders take another way."""

import asyncio
from typing import Any

from adapters.base.socket import Pump
from adapters.bybit.exchange import Exchange
from state.events import Accepted, FeedStatus, Unknown
from state.record import Record
from tests.adapters.base.conftest import FakeSocket, Heard, World
from tests.adapters.base.desk import cancel, place, said
from tests.adapters.base.test_account_doubt import played
from tests.adapters.base.test_socket import SECOND, Echo

TIMEOUT_S = 0.5  # of an answer, in real time


class Reluctant(FakeSocket):
    """Whose other side does not say good-bye: closing takes as long as one is willing to wait."""

    async def close(self) -> None:
        await self._world.sleep(10)
        await super().close()


def test_what_a_silent_connection_told_is_not_believed_while_it_is_being_closed(world: World, heard: Heard) -> None:
    async def open_(url: str, ping_s: float = 0.0) -> FakeSocket:
        world.sockets.append(Reluctant(url, world))
        return world.sockets[-1]

    world.open = open_  # type: ignore[method-assign]

    async def story() -> None:
        pump = Pump(Echo(), world, heard, world, venue="v", seed="s", silence_s=30.0)
        pump.start()
        await world.settle()
        world.sockets[0].say(b"ok")
        began = world.now
        await world.passing(60)
        told = [
            (recv - began) / SECOND for recv, events, *_ in heard.bursts for event in events if event.status == "down"
        ]
        assert told[0] < 45, "told when silence was noticed"
        stopping = asyncio.create_task(pump.stop())
        await world.passing(20)
        await stopping

    asyncio.run(asyncio.wait_for(story(), 20))


def trading(world: World, heard: Heard, story: Any, answers: dict[str, Any]) -> None:
    played(world, heard, answers, story, "ws", TIMEOUT_S)


async def outcome_of(seq: int, heard: Heard, world: World) -> None:
    while not heard.outcome(seq):  # noqa: ASYNC110 - nothing of ours says when
        await asyncio.sleep(0.01)
    await world.settle()


def order_socket(world: World) -> FakeSocket:
    return next(socket for socket in world.sockets if socket.url.endswith("/trade"))


def test_an_order_socket_that_answers_nothing_is_left_after_the_first_time_out(world: World, heard: Heard) -> None:
    async def story(exchange: Exchange) -> None:
        exchange.submit([Record(7, 0, 0, place("a"))])
        await outcome_of(7, heard, world)
        assert [type(event) for event in heard.outcome(7)] == [Unknown]
        assert any("order.create" in frame.decode() for frame in order_socket(world).sent)
        exchange.submit([Record(8, 0, 0, cancel("b"))])
        await world.settle()
        assert [type(event) for event in heard.outcome(8)] == [Accepted], "by REST, at once"
        assert order_socket(world).closed

    trading(world, heard, story, {"/v5/order/cancel": said(result={"orderId": "id-b"})})


def test_an_order_socket_that_speaks_of_others_is_kept(world: World, heard: Heard) -> None:
    async def story(exchange: Exchange) -> None:
        exchange.submit([Record(7, 0, 0, place("a"))])
        await world.settle()
        world.now += 1
        order_socket(world).say(b'{"op":"pong"}')
        await outcome_of(7, heard, world)
        assert [type(event) for event in heard.outcome(7)] == [Unknown]
        assert not order_socket(world).closed
        assert not [e for e in heard.events if isinstance(e, FeedStatus) and (e.channel, e.status) == ("trade", "down")]

    trading(world, heard, story, {})


def test_an_order_that_is_sent_again_over_its_socket_has_another_request_id(world: World, heard: Heard) -> None:
    async def story(exchange: Exchange) -> None:
        exchange.submit([Record(7, 0, 0, place("a"))])
        await world.settle()
        sent = order_socket(world).sent
        order_socket(world).say(b'{"reqId":"%b","retCode":10006,"op":"order.create"}' % request_id(sent[-1]))
        await asyncio.sleep(0)
        await world.passing(2)
        placed = [request_id(frame) for frame in sent if b"order.create" in frame]
        assert len(set(placed)) == len(placed) == 2

    trading(world, heard, story, {})


def request_id(frame: bytes) -> bytes:
    return frame.partition(b'"reqId":"')[2].partition(b'"')[0]
