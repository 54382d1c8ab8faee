"""One time for two processes: it stands still while either works, and jumps to what is due first."""

import asyncio
from math import inf
from operator import attrgetter

import pytest

from tests.chaos.venue_process import Opening, VenueProcess, counts
from tests.chaos.virtual_time import FollowingLoop, Idle, VirtualLoop


def test_a_leader_goes_to_its_followers_timer_first() -> None:
    turns = []

    def follower(now_s: float) -> Idle:
        turns.append(round(now_s, 2))
        return Idle(now_s, 3.0 if now_s < 3.0 else inf)

    async def waits() -> float:
        await asyncio.sleep(5.0)
        return asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=lambda: VirtualLoop(follower)) as runner:
        assert runner.run(waits()) == pytest.approx(5.0, abs=0.01)
    assert turns[:2] == [0.0, 3.0]


def test_time_that_a_follower_took_has_passed_for_the_leader_too() -> None:
    async def waits() -> float:
        await asyncio.sleep(1.0)
        return asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=lambda: VirtualLoop(lambda now_s: Idle(now_s + 0.5, inf))) as runner:
        assert runner.run(waits()) == pytest.approx(1.0, abs=0.51)


class Told:
    """Gives these turns, one after the other, and then lets go."""

    def __init__(self, loop: FollowingLoop, turns: list[float]) -> None:
        self._loop, self._turns = loop, turns
        self.idle: list[Idle] = []

    def await_turn(self, idle: Idle) -> float:
        self.idle.append(idle)
        return self._turns.pop(0)


def test_a_follower_waits_until_its_time_has_come() -> None:
    loop = FollowingLoop()
    lead = Told(loop, [1.0, 2.0, 10.0])

    async def waits() -> float:
        loop.follow(lead)
        await asyncio.sleep(5.0)
        now_s = asyncio.get_running_loop().time()
        loop.follow(None)
        return now_s

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        assert runner.run(waits()) == pytest.approx(10.0, abs=0.01)
    assert [round(idle.due_s, 1) for idle in lead.idle] == [5.0, 5.0, 5.0]


OPENING = Opening("bybit", 1, 1.0, 1_774_742_220 * 10**9)


def test_a_venue_of_another_process_works_in_our_time() -> None:
    with VenueProcess(OPENING) as venue:
        beat = venue.turn(0.0)
        assert venue.turn(beat.now_s).due_s == beat.due_s
        later = venue.turn(beat.due_s + 1.0)
        assert beat.due_s + 1.0 <= later.now_s < later.due_s
        assert venue.ask(counts) == (0, 0)


def test_a_venue_that_fails_in_its_process_is_told() -> None:
    with pytest.raises(RuntimeError, match="the venue's process ended with 1"), VenueProcess(OPENING) as venue:
        venue.ask(attrgetter("nothing"))
