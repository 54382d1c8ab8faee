"""A position that no fill explains is taken from the venue, once it differs twice; what is only late is not."""

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from adapters.base.client import Response
from adapters.bybit.exchange import Exchange
from state.events import Reconciled
from state.ledger import Position
from state.record import Record
from state.reducer import Reducer
from state.shared import SharedState
from tests.adapters.base.conftest import Heard, World
from tests.adapters.base.desk import BTC, orders, wire_order
from tests.adapters.base.test_account_doubt import account, executed, holding, played

D = Decimal
HOUR = 3_600_000_000_000


def folded(heard: Heard) -> Position:
    shared = SharedState()
    reducer = Reducer(shared)
    for seq, event in enumerate(heard.events, 1):
        reducer.apply(Record(seq, seq, 0, event))
    return shared.account("bybit").ledger.position(BTC)


def told(heard: Heard) -> list[tuple[str, str, str]]:
    found = [event for event in heard.events if isinstance(event, Reconciled)]
    return [(each.subject, each.ours, each.theirs) for each in found]


def pushed(world: World, topic: str, row: dict[str, Any]) -> None:
    world.sockets[0].say(json.dumps({"topic": topic, "creationTime": 1, "data": [row]}).encode())


async def looked(world: World, exchange: Exchange, meanwhile: Callable[[], None] = lambda: None) -> None:
    """One look, with what happens once its first answers are there."""
    checking = asyncio.create_task(exchange.reconcile())
    await world.passing(1)
    meanwhile()
    await world.passing(9)
    await checking


def test_what_no_fill_explains_is_the_venues_from_the_second_look_on(world: World, heard: Heard) -> None:
    answers = {"/v5/position/list": holding("2", world.now - HOUR)}

    async def story(exchange: Exchange) -> None:
        answers["/v5/position/list"] = holding("5", world.now)
        await looked(world, exchange)
        assert told(heard) == [("position taken", "2", "5")]
        position = folded(heard)
        assert (position.size, position.unrealized(D(95))) == (D(5), D(10)), "what was not seen has earned nothing"
        await looked(world, exchange)
        assert len(told(heard)) == 1, "once"
        assert account(heard)[-1] == "ok"

    played(world, heard, answers, story)


def test_a_push_without_its_fill_is_no_explanation(world: World, heard: Heard) -> None:
    answers: dict[str, Response] = {}

    async def story(exchange: Exchange) -> None:
        row = json.loads(holding("1", world.now).body)["result"]["list"][0] | {"category": "linear"}
        pushed(world, "position", row)
        answers["/v5/position/list"] = holding("1", world.now)
        await looked(world, exchange)
        assert folded(heard).size == 1

    played(world, heard, answers, story)


@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param("they agree", id="the list was late"),
        pytest.param("a fill", id="it was traded meanwhile"),
        pytest.param("another size", id="the list moved"),
    ],
)
def test_what_is_only_late_is_neither_told_nor_taken(world: World, heard: Heard, meanwhile: str) -> None:
    answers = {"/v5/position/list": holding("2", world.now - HOUR)}

    async def story(exchange: Exchange) -> None:
        def happens() -> None:
            if meanwhile == "a fill":
                pushed(world, "execution", executed("f", world.now))
            else:
                answers["/v5/position/list"] = holding("2" if meanwhile == "they agree" else "4", world.now)

        answers["/v5/position/list"] = holding("3", world.now)
        await looked(world, exchange, happens)
        assert told(heard) == []
        assert folded(heard).size == (3 if meanwhile == "a fill" else 2)

    played(world, heard, answers, story)


@pytest.mark.parametrize("size", ["1", "0"], ids=["by its own time", "left out of a list, which has none"])
def test_what_may_be_older_than_our_fills_is_told_and_not_taken(world: World, heard: Heard, size: str) -> None:
    answers: dict[str, Response] = {}

    async def story(exchange: Exchange) -> None:
        for name in ("a", "b"):
            pushed(world, "execution", executed(name, world.now))
        if size != "0":
            answers["/v5/position/list"] = holding(size, world.now - 1_000_000)
        await world.passing(20)
        await looked(world, exchange)
        assert told(heard) == [("position", "2", size)]
        assert folded(heard).size == 2
        await world.passing(15)
        world.sockets[0].say(b'{"op":"pong"}')
        await world.passing(20)
        world.sockets[0].say(b'{"op":"pong"}')
        await looked(world, exchange)
        assert folded(heard).size == (0 if size == "0" else 2), "nothing was traded for a minute"

    played(world, heard, answers, story)


def test_an_order_that_ended_while_the_account_was_read_is_not_open_again(world: World, heard: Heard) -> None:
    async def story(exchange: Exchange) -> None:
        checking = asyncio.create_task(exchange.reconcile())
        await world.settle()
        pushed(world, "order", wire_order("a", "Cancelled", updatedTime="9"))
        await world.passing(9)
        await checking
        assert told(heard) == []
        assert exchange.known.orders == {}
        assert exchange.may_rest() == []

    played(world, heard, {"/v5/order/realtime": orders(wire_order("a"))}, story)
