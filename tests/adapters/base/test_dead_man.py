"""The dead-man's switch in virtual time: armed, put back in time, its expiry told, a refusal told once, disarmed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from adapters.base.dead_man import DeadMan
from state.errors import ConnectionFailed, VenueError
from tests.adapters.base.conftest import Heard, World

WINDOW_S = 60
REFUSED = VenueError("v", "1", "not for you", "fatal")
LOST = ConnectionFailed("nobody there")


class Venue:
    """Remembers what it was set to and when; says what the test wants."""

    def __init__(self, world: World, *answers: Exception | None) -> None:
        self.world, self.answers = world, list(answers)
        self.set: list[tuple[float, int]] = []
        self.began = world.now

    async def arm(self, window_s: int) -> None:
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        self.set.append(((self.world.now - self.began) / 1e9, window_s))


def played(
    world: World, heard: Heard, venue: Venue, story: Callable[[DeadMan], Awaitable[Any]], *, counts_down: bool = True
) -> tuple[DeadMan, list[str]]:
    expiries: list[int] = []
    switch = DeadMan(
        "v", WINDOW_S, venue.arm, heard, world, counts_down=counts_down, on_expiry=lambda: expiries.append(world.now)
    )

    async def main() -> None:
        await switch.put()
        keeping = asyncio.create_task(switch.keep(world.sleep))
        await story(switch)
        keeping.cancel()

    asyncio.run(main())
    assert len(expiries) == switch.expired
    return switch, [f"{event.status}: {event.reason}" for event in heard.events]


def test_a_countdown_is_put_back_three_times_within_its_window(world: World, heard: Heard) -> None:
    venue = Venue(world)
    switch, told = played(world, heard, venue, lambda _: world.passing(100))
    assert venue.set == [(at, WINDOW_S) for at in (0.0, 20.0, 40.0, 60.0, 80.0, 100.0)]
    assert told == ["ok: armed: 60 s without a sign"]
    assert switch.expired == 0


def test_what_waits_for_a_disconnection_is_armed_once(world: World, heard: Heard) -> None:
    venue = Venue(world, LOST)
    _, told = played(world, heard, venue, lambda _: world.passing(100), counts_down=False)
    assert venue.set == [(20.0, WINDOW_S)]
    assert told == ["stale: not put back: nobody there", "ok: armed: 60 s disconnected"]


def test_one_that_was_not_put_back_in_time_has_fired_and_the_account_is_read(world: World, heard: Heard) -> None:
    venue = Venue(world, None, LOST, LOST, LOST, LOST)
    switch, told = played(world, heard, venue, lambda _: world.passing(100))
    assert switch.expired == 1
    assert told == [
        "ok: armed: 60 s without a sign",
        "stale: not put back: nobody there",
        "down: expired: it was not put back within 60 s, and the venue cancels what rests",
        "stale: not put back: nobody there",
        "ok: armed: 60 s without a sign",
    ]


def test_a_process_that_was_frozen_notices_when_it_goes_on(world: World, heard: Heard) -> None:
    async def frozen(switch: DeadMan) -> None:
        await world.passing(30)
        world.now += 300 * 1_000_000_000
        await world.passing(1)

    switch, told = played(world, heard, Venue(world), frozen)
    assert switch.expired == 1
    assert told[1].startswith("down: expired")
    assert told[2].startswith("ok: armed")


def test_a_refusal_is_told_once_and_not_asked_again(world: World, heard: Heard) -> None:
    venue = Venue(world, REFUSED)
    _, told = played(world, heard, venue, lambda _: world.passing(300))
    assert venue.set == []
    assert told == ["down: the venue refuses to arm it: v 1: not for you (fatal)"]


@pytest.mark.parametrize("meaning", ["rate", "busy", "clock"])
def test_a_venue_that_is_too_busy_has_not_refused(world: World, heard: Heard, meaning: str) -> None:
    busy = VenueError("v", "2", "later", meaning)
    venue = Venue(world, None, busy, None, busy)
    switch, told = played(world, heard, venue, lambda _: world.passing(100))
    assert [at for at, _ in venue.set] == [0.0, 40.0, 80.0, 100.0]
    assert switch.expired == 0
    assert told[1] == f"stale: not put back: v 2: later ({meaning})"


@pytest.mark.parametrize(
    ("answers", "counts_down", "last", "told"),
    [
        pytest.param([], True, 0, "down: disarmed", id="a countdown is disarmed"),
        pytest.param([None, LOST], True, WINDOW_S, "stale: not disarmed: nobody there", id="one that cannot be is told"),
        pytest.param(
            [], False, WINDOW_S, "stale: stays armed: what is left is cancelled 60 s after the connection is gone",
            id="what waits for a disconnection cannot be",
        ),
        pytest.param(
            [REFUSED], True, None, "down: the venue refuses to arm it: v 1: not for you (fatal)", id="one that never was"
        ),
    ],
)  # fmt: skip
def test_a_clean_end(
    world: World, heard: Heard, answers: list[Exception | None], counts_down: bool, last: int | None, told: str
) -> None:
    venue = Venue(world, *answers)
    _, said = played(world, heard, venue, lambda switch: switch.disarm(), counts_down=counts_down)
    assert said[-1] == told
    assert (venue.set[-1][1] if venue.set else None) == last
