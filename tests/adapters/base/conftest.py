"""A network and a clock that a test owns: sleeping passes time at once, sockets say what they are told to."""

import asyncio
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import Any

import pytest

from adapters.base.client import Response, SignedRequest
from state.errors import ConnectionFailed, OutcomeUnknown
from state.events import AnyEvent
from state.record import Frame
from tests.adapters.base.desk import Desk, Script

SECOND = 1_000_000_000


class FakeSocket:
    """One connection: what was sent over it, and a way to speak as the venue."""

    def __init__(self, url: str, world: "World") -> None:
        self.url = url
        self.sent: list[bytes] = []
        self.closed = False
        self.broken = False
        self._world = world
        self._incoming: asyncio.Queue[bytes | None] = asyncio.Queue()

    def say(self, frame: bytes) -> None:
        self._incoming.put_nowait(frame)

    def cut(self) -> None:
        self._incoming.put_nowait(None)

    async def read(self, on_frame: Callable[[bytes], None]) -> str:
        while (frame := await self._incoming.get()) is not None:
            on_frame(frame)
        return "cut"

    async def send(self, frame: bytes) -> None:
        if self.broken:
            raise OutcomeUnknown("broke while sending")
        self.sent.append(frame)
        self._world.on_sent(self, frame)

    async def close(self) -> None:
        self.closed = True
        self.cut()


class World:
    """Clock and transport in one; `passing` lets time go by until nothing is due before its end."""

    def __init__(self) -> None:
        self.now = 1_700_000_000 * SECOND
        self.sockets: list[FakeSocket] = []
        self.requests: list[SignedRequest] = []
        self.refusals = 0  # how many connections fail before one succeeds
        self.opened_at: list[int] = []
        self.on_sent: Callable[[FakeSocket, bytes], None] = lambda socket, frame: None
        self.answer: Callable[[SignedRequest], Response | Exception] = lambda request: ConnectionFailed("nobody there")
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._count = 0

    def now_ns(self) -> int:
        return self.now

    async def open(self, url: str, ping_s: float = 0.0) -> FakeSocket:
        self.opened_at.append(self.now)
        if self.refusals:
            self.refusals -= 1
            raise ConnectionFailed(f"{url}: refused")
        self.sockets.append(FakeSocket(url, self))
        return self.sockets[-1]

    async def request(self, request: SignedRequest, timeout_s: float) -> Response:
        self.requests.append(request)
        await asyncio.sleep(0)
        answer = self.answer(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def sleep(self, seconds: float) -> None:
        self._count += 1
        due: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heappush(self._sleepers, (self.now + int(seconds * SECOND), self._count, due))
        await due

    async def close(self) -> None:
        return

    async def settle(self) -> None:
        """Lets everything that can run without time passing run."""
        for _ in range(30):
            await asyncio.sleep(0)

    async def passing(self, seconds: float) -> None:
        end = self.now + int(seconds * SECOND)
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, sleeper = heappop(self._sleepers)
            if sleeper.done():
                continue
            self.now = max(self.now, due)
            sleeper.set_result(None)
            await self.settle()
        self.now = end


class Heard:
    """An inbox that remembers."""

    def __init__(self) -> None:
        self.bursts: list[tuple[int, list[AnyEvent], int, Frame | None]] = []

    def feed(self, recv: int, events: Sequence[AnyEvent], cause: int = 0, frame: Frame | None = None) -> None:
        self.bursts.append((recv, list(events), cause, frame))

    @property
    def events(self) -> list[Any]:
        return [event for _, events, _, _ in self.bursts for event in events]

    def outcome(self, seq: int) -> list[Any]:
        return [event for _, events, cause, _ in self.bursts if cause == seq for event in events]

    @property
    def frames(self) -> list[Frame]:
        return [frame for _, _, _, frame in self.bursts if frame is not None]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def play(world: World, heard: Heard) -> Callable[..., Desk]:
    def run(story: Callable[[Desk], Any], script: Script | None = None, **settings: Any) -> Desk:
        async def main() -> Desk:
            desk = Desk(world, heard, script or {}, **settings)
            try:
                await story(desk)
            finally:
                await desk.exchange.close()
            return desk

        return asyncio.run(asyncio.wait_for(main(), 20))

    return run
