"""The pump in virtual time: connect, subscribe, ping, silence, reconnect, resync, and what is kept of it."""

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from adapters.base.socket import BACKOFF_FIRST_S, BACKOFF_MOST_S, Pump
from adapters.base.websocket import Websocket
from state.errors import UnknownWord
from state.events import AnyEvent, FeedStatus, Signal
from state.words import FeedState

SECOND = 1_000_000_000


class Echo(Websocket):
    """A protocol of five words: it logs in, becomes ready at `ok`, answers `why`, and trips over `odd` and `word`."""

    name = "private"
    url = "wss://venue/private"
    heartbeat_s = 20.0

    def __init__(self, private: bool = True) -> None:
        super().__init__()
        self.private = private
        self.ready = False

    @property
    def is_ready(self) -> bool:
        return self.ready

    def on_connect(self, now: int) -> list[bytes]:
        return [b"login SECRET"]

    def receive(self, frame: bytes, recv: int) -> Sequence[AnyEvent]:
        match frame:
            case b"ok":
                self.ready = True
            case b"why":
                self.outbox.append(b"because")
            case b"odd":
                self.suspect = True
                return (FeedStatus("v", "", "private", "gap", "odd"),)
            case b"word":
                raise UnknownWord("unknown word 'sideways'")
            case b"bug":
                raise ZeroDivisionError
            case b"price":
                return (Signal("price", 1.0),)
        return ()

    def heartbeat(self, now: int) -> list[bytes]:
        return [b"ping"]

    def on_disconnect(self, reason: str, status: FeedState = "down") -> Sequence[AnyEvent]:
        self.ready = False
        return (FeedStatus("v", "", "private", status, reason),)

    def strike(self, frame: bytes) -> bytes:
        return frame.replace(b"SECRET", b"***")


def pump_of(world: Any, heard: Any, protocol: Websocket | None = None, **more: Any) -> Pump:
    return Pump(protocol or Echo(), world, heard, world, venue="v", seed="s", **more)


def played(story: Any) -> None:
    asyncio.run(asyncio.wait_for(story, 20))


def test_it_logs_in_becomes_ready_and_says_so_once_a_connection(world: Any, heard: Any) -> None:
    ready: list[int] = []

    async def note() -> None:
        ready.append(world.now)

    async def story() -> None:
        pump = pump_of(world, heard, on_ready=note)
        pump.start()
        await world.settle()
        assert heard.events[0].status == "connecting"
        (socket,) = world.sockets
        assert socket.sent == [b"login SECRET"]
        assert not pump.is_up
        socket.say(b"ok")
        socket.say(b"ok")
        await world.settle()
        assert pump.is_up
        assert await pump.wait_ready(1)
        assert len(ready) == 1
        await pump.stop()
        assert socket.closed

    played(story())


def test_frames_are_kept_struck_in_both_directions(world: Any, heard: Any) -> None:
    async def story() -> None:
        pump = pump_of(world, heard)
        pump.start()
        await world.settle()
        world.sockets[0].say(b"hello SECRET")
        world.sockets[0].say(b"why")
        await world.settle()
        assert [(f.direction, f.body) for f in heard.frames] == [
            ("out", b"login ***"),
            ("in", b"hello ***"),
            ("in", b"why"),
            ("out", b"because"),
        ]
        assert world.sockets[0].sent == [b"login SECRET", b"because"]
        await pump.stop()

    played(story())


@pytest.mark.parametrize(
    ("more", "frame", "kept"),
    [
        pytest.param({}, b"price", False, id="a market frame is not kept"),
        pytest.param({"market_frames": True}, b"price", True, id="unless it was asked for"),
        pytest.param({}, b"odd", True, id="a market frame that did not fit is kept"),
    ],
)
def test_which_market_frames_are_kept(world: Any, heard: Any, more: dict[str, Any], frame: bytes, kept: bool) -> None:
    async def story() -> None:
        protocol = Echo(private=False)
        pump = pump_of(world, heard, protocol, **more)
        pump.start()
        await world.settle()
        world.sockets[0].say(frame)
        await world.settle()
        assert bool(heard.frames) == kept
        assert not protocol.suspect
        await pump.stop()

    played(story())


def test_it_pings_on_time_and_takes_long_silence_for_a_dead_connection(world: Any, heard: Any) -> None:
    async def story() -> None:
        pump = pump_of(world, heard, silence_s=30)
        pump.start()
        await world.settle()
        first = world.sockets[0]
        first.say(b"ok")
        await world.passing(21)
        assert first.sent[1:] == [b"ping"]
        first.say(b"pong")
        await world.passing(20)
        assert first.sent[1:] == [b"ping", b"ping"]
        assert len(world.sockets) == 1
        await world.passing(25)
        assert first.closed
        assert any("silent for" in e.reason for e in heard.events)
        assert len(world.sockets) == 2, "and it connects again"
        assert world.sockets[1].sent == [b"login SECRET"], "from the beginning"
        await pump.stop()

    played(story())


def test_a_cut_connection_is_told_at_once_and_made_again(world: Any, heard: Any) -> None:
    ready: list[int] = []

    async def note() -> None:
        ready.append(world.now)

    async def story() -> None:
        pump = pump_of(world, heard, on_ready=note)
        pump.start()
        await world.settle()
        world.sockets[0].say(b"ok")
        await world.settle()
        cut_at = world.now
        world.sockets[0].cut()
        await world.settle()
        assert heard.events[-1] == FeedStatus("v", "", "private", "down", "cut")
        assert heard.bursts[-1][0] == cut_at
        assert not pump.is_up
        await world.passing(BACKOFF_FIRST_S)
        world.sockets[1].say(b"ok")
        await world.settle()
        assert len(ready) == 2, "what was missed is fetched after every connection"
        assert pump.reconnects == 1
        await pump.stop()

    played(story())


def test_back_off_doubles_to_a_cap_with_jitter_that_the_seed_repeats(world: Any, heard: Any) -> None:
    async def delays() -> list[float]:
        world.refusals, world.opened_at = 12, []
        pump = pump_of(world, heard)
        pump.start()
        await world.passing(600)
        await pump.stop()
        opened = world.opened_at
        return [(b - a) / SECOND for a, b in itertools.pairwise(opened)]

    async def story() -> None:
        first = (await delays())[:12]
        for n, delay in enumerate(first):
            longest = min(BACKOFF_MOST_S, BACKOFF_FIRST_S * 2**n)
            assert longest / 2 <= delay <= longest + 1e-6
        assert len({delay / min(BACKOFF_MOST_S, BACKOFF_FIRST_S * 2**n) for n, delay in enumerate(first)}) > 6
        assert (await delays())[:12] == pytest.approx(first)

    played(story())


def test_a_good_connection_forgets_earlier_failures(world: Any, heard: Any) -> None:
    async def story() -> None:
        world.refusals = 8
        pump = pump_of(world, heard)
        pump.start()
        while not world.sockets:
            await world.passing(1.0)
        world.sockets[0].say(b"ok")
        await world.settle()
        world.sockets[0].cut()
        await world.passing(BACKOFF_FIRST_S)
        assert len(world.sockets) == 2
        await pump.stop()

    played(story())


def test_an_order_word_that_no_table_has_stops_trading_with_the_frame_kept(world: Any, heard: Any) -> None:
    fatal: list[str] = []

    async def story() -> None:
        pump = pump_of(world, heard, on_fatal=fatal.append)
        pump.start()
        await world.settle()
        world.sockets[0].say(b"word")
        await world.settle()
        assert fatal == ["unknown word 'sideways'"]
        assert heard.events[-1] == FeedStatus("v", "", "account", "down", "unknown word 'sideways'")
        assert heard.frames[-1].body == b"word"
        assert len(world.sockets) == 1, "the connection stays: what rests must still be heard of"
        await pump.stop()

    played(story())


def test_a_bug_of_ours_is_fatal_and_not_swallowed(world: Any, heard: Any) -> None:
    fatal: list[str] = []

    async def story() -> None:
        pump = pump_of(world, heard, on_fatal=fatal.append)
        pump.start()
        await world.settle()
        world.sockets[0].say(b"bug")
        await world.settle()
        assert fatal == ["v private: ZeroDivisionError()"]
        await pump.stop()

    played(story())


def test_sending_without_a_connection_says_that_nothing_was_sent(world: Any, heard: Any) -> None:
    from state.errors import ConnectionFailed

    async def story() -> None:
        with pytest.raises(ConnectionFailed):
            await pump_of(world, heard).send(b"x")

    played(story())


def test_a_connection_whose_login_is_never_answered_is_made_anew(world: Any, heard: Any) -> None:
    async def story() -> None:
        pump = pump_of(world, heard)
        pump.start()
        for _ in range(20):  # the venue pings on, so it is not silent
            await world.passing(1.0)
            world.sockets[-1].say(b"pong")
        assert len(world.sockets) == 2
        assert [event.reason for event in heard.events][-1] == "not ready within 15 s"
        world.sockets[-1].say(b"ok")
        for _ in range(60):
            await world.passing(1.0)
            world.sockets[-1].say(b"pong")
        assert len(world.sockets) == 2, "one that is ready stays"
        await pump.stop()

    played(story())
