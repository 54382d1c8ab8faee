"""A loopback venue behind a faulty wire in a process of its own, in the virtual time of the process that opened it.

What the session's process holds on to is then the session's alone: the venue's truth, its sockets and the plan's tasks are here.
"""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias, TypeVar

from adapters.loopback import LOOPBACKS
from adapters.loopback.proxy import FaultyWire, Plan, Upstream
from app.chaos.venue import BALANCE, Seen
from tests.chaos.virtual_time import FollowingLoop, Idle, VirtualClock

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
SYMBOLS = 2
ANSWER_S = 60.0  # of real time: a process that says nothing for so long hangs
BEAT_S = 0.1  # of the venue: its usual hundred a second would be most of the work


@dataclass(frozen=True, slots=True)
class Opening:
    """What the other process is told first."""

    name: str
    seed: int
    flow_per_s: float
    begins_ns: int


class Stage:
    """A venue and its faulty wire, on the running loop."""

    def __init__(self, opening: Opening, loop: FollowingLoop) -> None:
        listing = LOOPBACKS[opening.name]
        self._clock, self._ahead_ms = VirtualClock(loop, opening.begins_ns), 0
        self.key = listing.customer.key
        self.venue = listing.opens(
            symbols=[contract.symbol for contract in tuple(listing.contracts.values())[:SYMBOLS]],
            seed=opening.seed, accounts=[replace(listing.customer, balance=BALANCE)],
            flow_per_s=opening.flow_per_s, clock=self._now_ms,
        )  # fmt: skip

    async def start(self) -> Upstream:
        venue = self.venue
        await venue.start()
        here = Upstream(venue.rest_url, venue.public_url, venue.private_url, venue.trade_url)
        self.wire = FaultyWire(here, self._step_clock)
        return await self.wire.start()

    async def stop(self) -> None:
        await self.wire.stop()
        await self.venue.stop()

    def _now_ms(self) -> int:
        return self._clock.now_ns() // 1_000_000 + self._ahead_ms

    def _step_clock(self, seconds: float) -> None:
        self._ahead_ms += round(seconds * 1000)


Asked: TypeAlias = Callable[[Stage], object]
End: TypeAlias = None
Said: TypeAlias = float | Asked | End  # a turn, with the time; a question; that it is over


class VenueProcess:
    """The opener's end. What is asked for is a module's function, which the other process calls with its stage."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening

    def __enter__(self) -> Self:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", f"from tests.chaos.venue_process import serve; serve({theirs.fileno()})"],
                cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, pass_fds=[theirs.fileno()],
            )  # fmt: skip
        self._line: Connection[Said | Opening, object] = Connection(ours.detach())
        self._over = False
        self._line.send(self._opening)
        upstream = self._hear()
        assert isinstance(upstream, Upstream)
        self.upstream = upstream
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if error is None:
                self.end()
        finally:
            self._line.close()
            self._process.kill()
            self._process.wait()

    def turn(self, now_s: float) -> Idle:
        """Lets it work at this time until it has nothing to do."""
        if self._over:
            return Idle(now_s, float("inf"))
        self._line.send(now_s)
        idle = self._hear()
        assert isinstance(idle, Idle)
        return idle

    def ask(self, function: Callable[[Stage], T]) -> T:
        self._line.send(function)
        answer: T = self._hear()  # type: ignore[assignment]  # what the function returned there
        return answer

    def end(self) -> None:
        """Closes it in order; raises where that failed."""
        if self._over:
            return
        self._over = True
        self._line.send(None)
        code = self._process.wait(ANSWER_S)
        if code:
            raise RuntimeError(f"the venue's process ended with {code}")

    def _hear(self) -> object:
        if not self._line.poll(ANSWER_S):
            raise RuntimeError(f"the venue's process says nothing for {ANSWER_S:.0f} s")
        try:
            return self._line.recv()
        except EOFError:
            raise RuntimeError(f"the venue's process ended with {self._process.wait(ANSWER_S)}") from None


class _Line:
    """The venue's end: answers what is asked between two turns."""

    def __init__(self, line: "Connection[object, Said]", stage: Stage, loop: FollowingLoop) -> None:
        self._line, self._stage, self._loop = line, stage, loop
        self._owes = False  # the end of a turn
        self.ended = asyncio.Event()

    def await_turn(self, idle: Idle) -> float:
        if self._owes:
            self._line.send(idle)
        self._owes = False
        while True:
            said = self._line.recv()
            if said is None:
                self.ended.set()
                self._loop.follow(None)
                return idle.now_s
            if isinstance(said, float):
                self._owes = True
                return said
            self._line.send(said(self._stage))
            self._loop.stir()


def serve(descriptor: int) -> None:
    """The venue's process, from its beginning to its end."""
    line: Connection[object, Opening] = Connection(descriptor)
    opening = line.recv()
    loop = FollowingLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(_stand(opening, line, loop))


async def _stand(opening: Opening, line: "Connection[object, Opening]", loop: FollowingLoop) -> None:
    stage = Stage(opening, loop)
    module = sys.modules[type(stage.venue).__module__]
    module.BEAT_S = BEAT_S  # type: ignore[attr-defined]  # each venue has its own
    line.send(await stage.start())
    lead = _Line(line, stage, loop)  # type: ignore[arg-type]  # the opening was heard: questions come now
    loop.follow(lead)
    await lead.ended.wait()
    await stage.stop()


# --- what is asked ---


def seen(stage: Stage) -> Seen:
    return Seen(stage.venue.truth(stage.key), stage.venue.books)


def counts(stage: Stage) -> tuple[int, int]:
    """Orders and fills."""
    truth = stage.venue.truth(stage.key)
    return len(truth.orders), len(truth.fills)


def playing(plan: Plan) -> Callable[[Stage], None]:
    return partial(_play, plan=plan)


def _play(stage: Stage, plan: Plan) -> None:
    stage.wire.play(plan)


def calm(stage: Stage) -> None:
    """No more trouble, and a market that stands still."""
    stage.wire.weather.clear()
    stage.venue.pace(0.0)


def hits(stage: Stage) -> dict[str, int]:
    """How often each trouble struck."""
    return {f"{kind} {spot}": hit for (kind, spot), hit in sorted(stage.wire.weather.spent.items())}
