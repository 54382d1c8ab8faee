"""What only REST can say to a stream: asked, handed back, dropped when late; and when a connection is over."""

import asyncio
from collections.abc import Sequence
from typing import Any

from adapters.base.client import Request, Verdict
from adapters.base.endpoints import Endpoint
from adapters.base.keyed import KeyedStream
from adapters.base.sender import Answer
from adapters.base.socket import Pump
from adapters.base.websocket import Websocket
from state.errors import ConnectionFailed, TapelineError
from state.events import AnyEvent, FeedStatus, Signal
from state.record import Frame
from state.words import FeedState

BOOK = Request(Endpoint("GET", "/book", "ip", False, "https://docs"))
KEY = Request(Endpoint("POST", "/key", "ip", True, "https://docs"))
EXTEND = Request(Endpoint("PUT", "/key", "ip", True, "https://docs"))


class Wanting(Websocket):
    """A market stream that wants a book at every `gap`, and is over at `end`."""

    name = "public.0"
    url = "wss://venue/public"
    private = False
    heartbeat_s = 1.0
    is_ready = True

    def on_connect(self, now: int) -> list[bytes]:
        return []

    def opened(self) -> Sequence[AnyEvent]:
        return (Signal("opened", 1.0),)

    def receive(self, frame: bytes, recv: int) -> Sequence[AnyEvent]:
        if frame == b"gap":
            self.wanted.append(BOOK)
        if frame == b"end":
            self.over = "it said so"
        return ()

    def heartbeat(self, now: int) -> list[bytes]:
        return []

    def on_disconnect(self, reason: str, status: FeedState = "down") -> Sequence[AnyEvent]:
        return (FeedStatus("v", "", "book", status, reason),)

    def strike(self, frame: bytes) -> bytes:
        return frame

    def answered(self, request: Request, body: bytes, recv: int) -> Sequence[AnyEvent]:
        return (Signal(body.decode(), float(recv)),)

    def unanswered(self, request: Request, error: TapelineError) -> Sequence[AnyEvent]:
        return (FeedStatus("v", "", "book", "gap", str(error)),)


class Keyed(KeyedStream):
    extend_s, extend_again_s, life_s = 1_800.0, 60.0, 3_480.0
    heartbeat_s = 1.0

    def key_of(self, body: bytes) -> str:
        return body.decode()

    def url_of(self, key: str) -> str:
        return f"wss://venue/private?key={key}"

    def receive(self, frame: bytes, recv: int) -> Sequence[AnyEvent]:
        return ()


class Rest:
    """Answers what is asked, in order, each when it is told to."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.asked: list[str] = []
        self.answers: list[bytes | TapelineError] = []
        self.open = asyncio.Event()
        self.open.set()

    async def ask(self, request: Request) -> Answer:
        self.asked.append(f"{request.endpoint.method} {request.endpoint.path}")
        await self.open.wait()
        said = self.answers.pop(0)
        if isinstance(said, TapelineError):
            raise said
        frame = Frame(self.world.now, "v", "rest", "in", said, "https://venue/rest")
        return Answer(self.world.now, 200, said, Verdict("ok"), frame)


def played(world: Any, heard: Any, story: Any, protocol: Websocket | None = None, **more: Any) -> None:
    async def main() -> None:
        rest = Rest(world)
        pump = Pump(protocol or Wanting(), world, heard, world, venue="v", seed="s", ask=rest.ask, **more)
        try:
            await story(pump, rest)
        finally:
            await pump.stop()

    asyncio.run(asyncio.wait_for(main(), 20))


def test_what_is_true_as_soon_as_it_stands_is_told_and_it_is_ready_without_a_word(world: Any, heard: Any) -> None:
    async def story(pump: Pump, rest: Rest) -> None:
        pump.start()
        await world.settle()
        assert Signal("opened", 1.0) in heard.events
        assert pump.is_up

    played(world, heard, story)


def test_an_answer_is_handed_back_and_kept_where_market_frames_are(world: Any, heard: Any) -> None:
    async def story(pump: Pump, rest: Rest) -> None:
        rest.answers = [b"book"]
        pump.start()
        await world.settle()
        world.sockets[0].say(b"gap")
        await world.settle()
        assert rest.asked == ["GET /book"]
        assert heard.events[-1].name == "book"
        kept = [frame for frame in heard.frames if frame.url.startswith("https")]
        assert [(frame.body, frame.channel) for frame in kept] == [(b"book", "public.0")], "as the stream's own"

    played(world, heard, story, market_frames=True)


def test_what_was_asked_in_vain_is_told(world: Any, heard: Any) -> None:
    async def story(pump: Pump, rest: Rest) -> None:
        rest.answers = [ConnectionFailed("nobody there")]
        pump.start()
        await world.settle()
        world.sockets[0].say(b"gap")
        await world.settle()
        assert heard.events[-1] == FeedStatus("v", "", "book", "gap", "nobody there")

    played(world, heard, story)


def test_an_answer_that_comes_after_its_connection_is_gone_is_dropped(world: Any, heard: Any) -> None:
    async def story(pump: Pump, rest: Rest) -> None:
        rest.answers = [b"late"]
        rest.open.clear()
        pump.start()
        await world.settle()
        world.sockets[0].say(b"gap")
        await world.settle()
        world.sockets[0].cut()
        await world.passing(1.0)
        assert len(world.sockets) == 2
        rest.open.set()
        await world.settle()
        assert not rest.answers, "it was answered"
        assert not any(isinstance(event, Signal) and event.name == "late" for event in heard.events)

    played(world, heard, story)


def test_a_connection_that_is_over_or_too_old_is_made_anew_with_the_reason(world: Any, heard: Any) -> None:
    async def story(pump: Pump, rest: Rest) -> None:
        pump.start()
        await world.settle()
        world.sockets[0].say(b"end")
        await world.passing(1.0)
        assert FeedStatus("v", "", "book", "down", "it said so") in heard.events
        assert len(world.sockets) == 2
        for _ in range(24):
            world.sockets[-1].say(b"tick")
            await world.passing(3_600.0)
        reasons = [event.reason for event in heard.events if isinstance(event, FeedStatus)]
        assert "the connection is 23 h old" in reasons
        assert len(world.sockets) == 3

    class Aging(Wanting):
        age_most_s = 23 * 3_600.0
        heartbeat_s = 600.0
        silence_s = float("inf")  # type: ignore[assignment]

    played(world, heard, story, Aging())


def test_a_key_is_asked_for_before_each_connection_and_is_in_nothing_that_is_kept(world: Any, heard: Any) -> None:
    async def story(pump: Pump, rest: Rest) -> None:
        rest.answers = [ConnectionFailed("nobody there"), b"SECRET1", b"SECRET2"]
        pump.start()
        await world.passing(2.0)
        assert [socket.url for socket in world.sockets] == ["wss://venue/private?key=SECRET1"]
        assert pump.is_up
        world.sockets[0].cut()
        world.refusals = 0
        await world.passing(2.0)
        assert world.sockets[-1].url == "wss://venue/private?key=SECRET2"
        assert rest.asked == ["POST /key"] * 3
        assert "SECRET" not in repr(heard.bursts)

    played(world, heard, story, Keyed("v", "private", KEY, EXTEND))


def test_a_refused_connection_does_not_tell_its_key(world: Any, heard: Any) -> None:
    async def story(pump: Pump, rest: Rest) -> None:
        rest.answers = [b"SECRET1", b"SECRET2"]
        world.refusals = 1
        pump.start()
        await world.passing(2.0)
        reasons = [event.reason for event in heard.events if isinstance(event, FeedStatus)]
        assert any("key=***: refused" in reason for reason in reasons)
        assert "SECRET" not in repr(heard.bursts)

    played(world, heard, story, Keyed("v", "private", KEY, EXTEND))


def test_a_key_is_extended_in_time_and_given_up_in_the_end(world: Any, heard: Any) -> None:
    async def story(pump: Pump, rest: Rest) -> None:
        rest.answers = [b"SECRET1", b"{}", *[ConnectionFailed("nobody there")] * 40, b"SECRET2"]
        pump.start()
        await world.passing(1_801.0)
        assert rest.asked == ["POST /key", "PUT /key"]
        await world.passing(3_600.0)
        assert rest.asked[-1] == "POST /key"
        assert rest.asked.count("PUT /key") > 20
        assert any("could not be extended" in e.reason for e in heard.events if isinstance(e, FeedStatus))
        assert world.sockets[-1].url.endswith("SECRET2")

    played(world, heard, story, Keyed("v", "private", KEY, EXTEND))
