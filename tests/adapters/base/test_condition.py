"""What a venue's REST side and its clock are worth: told when it changes, and told when it is over."""

import json
from collections.abc import Callable

from adapters.base.client import Response
from adapters.base.condition import Condition
from adapters.base.offset import ClockOffset
from state.errors import ConnectionFailed
from state.events import FeedStatus
from tests.adapters.base.conftest import SECOND, Heard, World
from tests.adapters.base.desk import ACK, CREATE, Desk, place, said

TIME = "/v5/market/time"
BANNED = Response(403, {}, b"access too frequent")


def told(heard: Heard, channel: str) -> list[str]:
    return [e.status for e in heard.events if isinstance(e, FeedStatus) and (e.symbol, e.channel) == ("", channel)]


def time_of(world: World, ahead_s: float = 0.0) -> Response:
    now = world.now + round(ahead_s * SECOND)
    body = {"retCode": 0, "retMsg": "OK", "result": {"timeSecond": str(now // SECOND), "timeNano": str(now)}, "time": 1}
    return Response(200, {}, json.dumps(body).encode())


def test_a_ban_is_over_when_an_answer_says_so_though_nobody_had_anything_to_ask(
    play: Callable[..., Desk], world: World, heard: Heard
) -> None:
    async def story(desk: Desk) -> None:
        desk.script[TIME] = [time_of(world)]
        desk.intend(place("a"))
        await desk.world.passing(1.0)
        assert told(heard, "rest") == ["banned"]
        await desk.world.passing(3_600.0)
        assert told(heard, "rest") == ["banned", "ok"]

    play(story, {CREATE: [BANNED, ACK]})


def test_failing_polls_are_told_once_and_so_is_their_end(play: Callable[..., Desk], world: World, heard: Heard) -> None:
    async def story(desk: Desk) -> None:
        desk.script[TIME] = [ConnectionFailed("nobody there")]
        for _ in range(2):
            desk.exchange.sender.resync_clock()
            await desk.world.passing(60.0)
        assert told(heard, "rest") == ["stale"]
        desk.script[TIME] = [time_of(world)]
        desk.exchange.sender.resync_clock()
        await desk.world.passing(1.0)
        assert told(heard, "rest") == ["stale", "ok"]

    play(story)


def test_a_clock_that_the_venue_refuses_is_skewed_until_it_is_known_again(
    play: Callable[..., Desk], world: World, heard: Heard
) -> None:
    async def story(desk: Desk) -> None:
        desk.script[TIME] = [time_of(world, 3.0)]
        desk.intend(place("a"))
        await desk.world.passing(5.0)
        assert told(heard, "clock") == ["skewed", "ok"]
        reasons = [e.reason for e in heard.events if isinstance(e, FeedStatus) and e.channel == "clock"]
        assert reasons[-1] == "the venue's clock is 3000 ms ahead of ours"
        assert desk.exchange.sender.offset.ns == 3 * SECOND

    play(story, {CREATE: [said(10002, "invalid request, please check your server timestamp"), ACK]})


def test_an_offset_is_told_when_it_moved_and_not_when_it_trembles(heard: Heard) -> None:
    condition, offset = Condition("v", heard), ClockOffset()
    for second, offset_ms in enumerate((10, -40, 2_000, 2_100, 2_000)):
        offset = ClockOffset()
        offset.sample(second * SECOND, second * SECOND, second * SECOND + offset_ms * 1_000_000)
        condition.clock(second * SECOND, offset)
    assert [e.reason for e in heard.events] == ["the venue's clock is 2000 ms ahead of ours"]


def test_a_clock_that_was_not_heard_for_three_minutes_is_not_known(heard: Heard) -> None:
    condition, offset = Condition("v", heard), ClockOffset()
    offset.sample(0, 0, 0)
    condition.clock(170 * SECOND, offset)
    condition.clock(181 * SECOND, offset)
    offset.sample(190 * SECOND, 190 * SECOND, 190 * SECOND)
    condition.clock(190 * SECOND, offset)
    assert told(heard, "clock") == ["skewed", "ok"]
