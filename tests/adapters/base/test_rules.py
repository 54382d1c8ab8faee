"""Rules that a venue changes while a session runs: the refusal that shows it brings the new ones."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from adapters.base.settings import VenueSettings
from adapters.bybit.exchange import Exchange
from state.events import InstrumentDefined, Rejected
from state.record import Record
from state.secrets import Credentials, Secret
from tests.adapters.base.conftest import Heard, World
from tests.adapters.base.desk import BTC, orders, place, said
from tests.adapters.base.test_account_doubt import friendly
from tests.adapters.base.test_opening import RULES

D = Decimal
INSTRUMENTS = "/v5/market/instruments-info"


def played(world: World, heard: Heard, story: Any, refusal: Any) -> None:
    async def run() -> None:
        answers = {INSTRUMENTS: orders(RULES), "/v5/order/create": refusal}
        friendly(world, answers)
        settings = VenueSettings("bybit", order_entry="rest", symbols=(BTC,))
        exchange = Exchange(settings, heard, world, "s", Credentials(Secret("k"), Secret("s")), world)
        try:
            starting = asyncio.create_task(exchange.start([]))
            await world.passing(1)
            await starting
            await story(exchange, answers)
        finally:
            await exchange.close()

    asyncio.run(asyncio.wait_for(run(), 20))


def ticks(heard: Heard) -> list[Decimal]:
    return [event.tick for event in heard.events if isinstance(event, InstrumentDefined)]


def asked(world: World) -> int:
    return sum(INSTRUMENTS in request.url for request in world.requests)


@pytest.mark.parametrize("code", [10001, 110074], ids=["off the new grid", "a market that is closed"])
def test_a_refusal_by_the_rules_brings_the_new_ones_once_a_minute(world: World, heard: Heard, code: int) -> None:
    async def story(exchange: Exchange, answers: dict[str, Any]) -> None:
        answers[INSTRUMENTS] = orders(RULES | {"priceFilter": {"tickSize": "0.5"}})
        before = asked(world)
        for seq in range(7, 10):
            exchange.submit([Record(seq, 0, 0, place(f"a{seq}"))])
            await world.passing(1)
        assert ticks(heard) == [D("0.1"), D("0.5")]
        assert asked(world) == before + 1
        await world.passing(20)
        world.sockets[0].say(b'{"op":"pong"}')
        await world.passing(40)
        exchange.submit([Record(10, 0, 0, place("a10"))])
        await world.passing(1)
        assert asked(world) == before + 2
        assert ticks(heard) == [D("0.1"), D("0.5")], "told once"

    played(world, heard, story, said(code, "Price invalid"))


def test_a_refusal_for_other_reasons_asks_for_nothing(world: World, heard: Heard) -> None:
    async def story(exchange: Exchange, answers: dict[str, Any]) -> None:
        before = asked(world)
        exchange.submit([Record(7, 0, 0, place())])
        await world.passing(1)
        assert [type(event) for event in heard.outcome(7)] == [Rejected]
        assert asked(world) == before

    played(world, heard, story, said(110007, "poor"))
