"""The pump: keeps one connection of a venue alive and carries its frames to the inbox; knows no venue.

Connect, say what the protocol object wants said, hand it every frame with its time of receipt, feed what it concludes,
ping, notice silence, reconnect with capped exponential back-off and seeded jitter. What could not be read is fed too.
What a stream wants of REST is asked through the exchange; an answer that comes after its connection is gone is dropped.
Market frames that come faster than they are folded wait (`backlog.py`), account frames never.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from random import Random
from typing import Literal, TypeAlias

from msgspec.structs import replace

from adapters.base.backlog import JOINED_MOST, LATE_NS, TURN_NS, Backlog, Load
from adapters.base.client import Request
from adapters.base.conflated import conflated
from adapters.base.sender import Answer
from adapters.base.transport import Socket, Transport
from adapters.base.websocket import Websocket
from state.clock import Clock
from state.errors import ConnectionFailed, OutcomeUnknown, UnknownWord, VenueError
from state.events import AnyEvent, FeedStatus
from state.record import Frame, Inbox

BACKOFF_FIRST_S = 0.25
BACKOFF_MOST_S = 30.0
READY_MOST_S = 15.0  # an answer to a login or a subscription can be lost while the connection lives on
STEADY_S = 60.0  # a connection that was too much to fold after less counts as a failure

Deliver: TypeAlias = Callable[[int, Sequence[AnyEvent], Frame | None], None]
Ask: TypeAlias = Callable[[Request], Awaitable[Answer]]


class Pump:
    """One connection's life. `seed` makes its jitter repeatable; `offset_ns` is the venue's clock minus ours.

    `on_ready` runs once a connection when every subscription stands; `on_fatal` is told what must stop trading; `deliver`
    takes what was concluded in the inbox's place; `ask` reads by REST what a stream wants; `load` is told of lateness.
    """

    def __init__(
        self,
        protocol: Websocket,
        transport: Transport,
        inbox: Inbox,
        clock: Clock,
        *,
        venue: str,
        seed: str,
        silence_s: float = 30.0,
        market_frames: bool = False,
        offset_ns: Callable[[], int] = lambda: 0,
        on_ready: Callable[[], Coroutine[None, None, None]] | None = None,
        on_fatal: Callable[[str], None] = lambda reason: None,
        deliver: Deliver | None = None,
        ask: Ask | None = None,
        load: Load | None = None,
    ) -> None:
        self.protocol = protocol
        self.reconnects = 0
        self._transport = transport
        self._inbox = inbox
        self._clock = clock
        self._venue = venue
        self._jitter = Random(f"{seed}:{protocol.name}")  # noqa: S311 - spreads reconnects, guards nothing
        self._silence_s = silence_s if protocol.silence_s is None else protocol.silence_s
        self._kept = protocol.private or market_frames
        self._offset_ns = offset_ns
        self._on_ready = on_ready
        self._on_fatal = on_fatal
        self._deliver: Deliver = deliver or self._feed
        self._ask = ask
        self._load = load or Load(venue, inbox)
        self._never_waits = protocol.private
        self._backlog = Backlog()
        self._waiting = self._backlog.frames  # asked at each frame
        self._waits = asyncio.Event()  # something is in the backlog
        self._spent = 0  # ns of folding since other sockets were heard
        self._socket: Socket | None = None
        self._ready = asyncio.Event()
        self._heard = self._began = 0
        self._unnamed_url = ""  # told by the first frame of each connection
        self._tasks: set[asyncio.Task[None]] = set()
        self._life: asyncio.Task[None] | None = None

    @property
    def is_up(self) -> bool:
        """Connected, authenticated and subscribed."""
        return self._ready.is_set()

    def start(self) -> None:
        """Begins to connect; the first word is that nothing is known yet."""
        self._feed(self._clock.now_ns(), self.protocol.on_disconnect("first connection", "connecting"))
        self._life = asyncio.create_task(self._live(), name=f"{self._venue} {self.protocol.name}")
        self._life.add_done_callback(self._ended)

    async def wait_ready(self, timeout_s: float) -> bool:
        """True once everything is subscribed."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._ready.wait()
        except TimeoutError:
            return False
        return True

    async def send(self, frame: bytes) -> None:
        """Raises `ConnectionFailed` where there is no connection, `OutcomeUnknown` where it broke while sending."""
        if self._socket is None:
            raise ConnectionFailed(f"{self._venue} {self.protocol.name}: not connected")
        if self.protocol.private:
            now = self._clock.now_ns()
            self._inbox.feed(now, (), 0, self._frame(now, self.protocol.strike(frame), "out"))
        await self._socket.send(frame)

    def renew_book(self, symbol: str, reason: str) -> None:
        """Makes the connection anew where it tells this book."""
        if symbol in self.protocol.books:
            self.protocol.over = reason
            self._attend()

    def doubt(self, since: int, reason: str) -> None:
        """Something was asked at `since` (ns) and not answered: a connection that said nothing at all since is made anew."""
        if self._heard < since and self._socket is not None:
            self.protocol.over = reason
            self._ready.clear()  # who can take another way takes it at once
            self._attend()

    async def stop(self) -> None:
        """Ends the connection and waits for everything that was started here."""
        tasks = [task for task in (self._life, *self._tasks) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._close()

    # --- one connection after another ---

    async def _live(self) -> None:
        failures, protocol = 0, self.protocol
        while True:
            protocol.over = ""
            try:
                for request in protocol.wants():
                    self._answered(request, await self._asked(request))
                self._socket = await self._open()
            except (ConnectionFailed, OutcomeUnknown, VenueError) as failure:
                reason = str(failure).replace(protocol.url, protocol.address)
            else:
                began = self._clock.now_ns()
                reason, is_flooded = await self._session(self._socket)
                steady = not is_flooded or self._clock.now_ns() - began >= STEADY_S * 1e9
                failures = 0 if self._ready.is_set() and steady else failures
                self.reconnects += 1
            self._ready.clear()
            self._deliver(self._clock.now_ns(), protocol.on_disconnect(reason, "down"), None)
            await self._close()  # last: who does not answer does not say good-bye either, and nobody reads it any more
            await self._transport.sleep(self._delay_s(failures))
            failures += 1

    async def _open(self) -> Socket:
        url, ping_s = self.protocol.url, self.protocol.ping_s
        return await (self._transport.open(url, ping_s) if ping_s else self._transport.open(url))

    def _delay_s(self, failures: int) -> float:
        longest = min(BACKOFF_MOST_S, BACKOFF_FIRST_S * 2.0 ** min(failures, 16))
        return longest * (0.5 + self._jitter.random() / 2)

    async def _session(self, socket: Socket) -> tuple[str, bool]:
        """Serves one connection until it ends; why it did, and whether that was for more frames than can be folded."""
        now = self._clock.now_ns()
        self._heard = self._began = now
        self._unnamed_url = self.protocol.address
        try:
            for frame in self.protocol.on_connect(now + self._offset_ns()):
                await self.send(frame)
        except (ConnectionFailed, OutcomeUnknown) as failure:
            return str(failure), False
        self._conclude(now, self.protocol.opened(), None)
        reading, folding = asyncio.create_task(socket.read(self._receive)), asyncio.create_task(self._catch_up())
        tasks = (reading, folding, asyncio.create_task(self._beat()), asyncio.create_task(self._expect()))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended = [task for task in tasks if task.done()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        reason, *_ = [task.result() for task in ended]  # raises what is our own bug
        while self._backlog and not self._backlog.is_late:
            self._turn()
            await asyncio.sleep(0)
        dropped = self._backlog.drop()  # a new connection tells books whole, and trades that were missed are fetched
        reason = self.protocol.over or reason
        return (f"{reason}; {dropped} frames dropped" if dropped else reason), folding in ended

    async def _expect(self) -> str:
        """Ends a connection on which not every subscription stands in time."""
        await self._transport.sleep(READY_MOST_S)
        if self._ready.is_set():
            await asyncio.Event().wait()  # for ever
        return f"not ready within {READY_MOST_S:.0f} s"

    async def _beat(self) -> str:
        """Pings when due and judges silence; returns when the other side has been quiet for too long."""
        beat_ns = int(self.protocol.heartbeat_s * 1e9)
        step_s = min(self.protocol.heartbeat_s, self._silence_s / 3)
        due = self._clock.now_ns() + beat_ns
        while True:
            await self._transport.sleep(step_s)
            now = self._clock.now_ns()
            if now - self._began >= self.protocol.age_most_s * 1e9:
                return f"the connection is {(now - self._began) / 3.6e12:.0f} h old"
            if now - self._heard > self._silence_s * 1e9:
                return f"silent for {(now - self._heard) / 1e9:.0f} s"
            if now >= due:
                due = now + beat_ns
                try:
                    for frame in self.protocol.heartbeat(now):
                        await self.send(frame)
                except (ConnectionFailed, OutcomeUnknown) as failure:
                    return str(failure)
                self._conclude(now, self.protocol.noticed(now), None)
            self._judge(now, self._backlog.lag_ns(now))

    # --- one frame after another ---

    def _receive(self, frame: bytes) -> None:
        self._heard = recv = self._clock.now_ns()
        if self._never_waits:
            self._take(frame, recv)
        elif self._spent > TURN_NS or self._waiting:
            self._backlog.put(frame, recv)
            self._waits.set()
        else:  # most frames
            self._take(frame, recv)
            took = self._clock.now_ns() - recv
            self._spent += took
            if took > LATE_NS or self._backlog.is_late:
                self._judge(recv + took, took)

    def _take(self, frame: bytes, recv: int, together: list[AnyEvent] | None = None) -> None:
        """Reads a frame and delivers what it says, or puts it to what is delivered together."""
        protocol = self.protocol
        try:
            events = protocol.receive(frame, recv)
        except UnknownWord as word:
            self._release(recv, together)
            self._stop_trading(frame, recv, word)
            return
        if self._kept or protocol.suspect:
            self._release(recv, together)
            self._conclude(recv, events, self._frame(recv, protocol.strike(frame), "in"))
        elif protocol.outbox or protocol.wanted or protocol.over or not self._ready.is_set():
            self._release(recv, together)
            self._conclude(recv, events, None)
        elif together is not None:
            together.extend(events)
        elif events:  # most frames
            self._deliver(recv, events, None)

    # --- more than can be folded ---

    async def _catch_up(self) -> str:
        """Folds what waits, between whiles letting other sockets speak; returns why it cannot."""
        while True:
            await self._waits.wait()
            self._waits.clear()
            while self._backlog:
                excess = self._backlog.excess(self._clock.now_ns())
                if excess:
                    return f"overloaded: {excess}"
                self._turn()
                await asyncio.sleep(0)
            self._spent = 0

    def _turn(self) -> None:
        """What is late is folded as one burst, where its frames need not be kept; else as much as a turn allows.

        A frame that waited is received when it is taken up, as one that waits in the kernel is: so records, the frames
        that are kept and the answers of REST between them stand in the order in which they were understood.
        """
        backlog, now = self._backlog, self._clock.now_ns()
        self._judge(now, backlog.lag_ns(now))
        if not backlog.is_late or self._kept:
            recv = now
            while backlog and recv - now <= TURN_NS:
                self._take(backlog.take(), recv)
                recv = self._clock.now_ns()
            return
        together: list[AnyEvent] = []
        frames = min(len(backlog), JOINED_MOST)
        for _ in range(frames):
            self._take(backlog.take(), now, together)
        self._release(now, together)
        backlog.joined += frames
        backlog.bursts += 1

    def _release(self, recv: int, together: list[AnyEvent] | None) -> None:
        if together:
            self._deliver(recv, conflated(together), None)
            together.clear()

    def _judge(self, now: int, lag_ns: int) -> None:
        said = self._backlog.judge(now, lag_ns)
        if said:
            self._load.say(now, self.protocol.name, self._backlog.is_late, said)

    def _conclude(self, recv: int, events: Sequence[AnyEvent], frame: Frame | None) -> None:
        protocol = self.protocol
        protocol.suspect = False
        if events or frame is not None:
            self._deliver(recv, events, frame)
        self._attend()
        if not self._ready.is_set() and protocol.is_ready and self._socket is not None:
            self._ready.set()
            if self._on_ready is not None:
                self._spawn(self._on_ready())

    def _attend(self) -> None:
        """Does what the protocol asked for: answers to send, answers to fetch, a connection to end."""
        protocol = self.protocol
        if protocol.outbox:
            self._spawn(self._answer(protocol.replies()))
        if protocol.wanted and self._socket is not None:
            for request in protocol.wants():
                self._spawn(self._fetch(request))
        if protocol.over and self._socket is not None:
            self._spawn(self._close())

    # --- what only REST can say ---

    async def _fetch(self, request: Request) -> None:
        socket = self._socket
        try:
            answer = await self._asked(request)
        except (ConnectionFailed, OutcomeUnknown, VenueError) as failure:
            if self._socket is socket:
                self._conclude(self._clock.now_ns(), self.protocol.unanswered(request, failure), None)
            return
        if self._socket is socket:
            self._answered(request, answer)

    async def _asked(self, request: Request) -> Answer:
        if self._ask is None:
            raise ConnectionFailed(f"{self._venue} {self.protocol.name}: nobody asks {request.endpoint.path}")
        return await self._ask(request)

    def _answered(self, request: Request, answer: Answer) -> None:
        """An answer is kept as its stream's own: without it the frames that follow say nothing."""
        protocol, said = self.protocol, answer.frame
        events = protocol.answered(request, answer.body, answer.recv)
        kept = None
        if self._kept or protocol.suspect:
            kept = replace(said, channel=protocol.name, body=protocol.strike(said.body))
        self._conclude(answer.recv, events, kept)

    # --- what is said back ---

    async def _answer(self, frames: Sequence[bytes]) -> None:
        try:
            for frame in frames:
                await self.send(frame)
        except (ConnectionFailed, OutcomeUnknown):
            await self._close()  # the reader sees the end and reconnects, and then everything is asked again

    def _stop_trading(self, frame: bytes, recv: int, word: UnknownWord) -> None:
        """To go on trading on an order that was not understood is worse than to stop."""
        status = FeedStatus(self._venue, "", "account", "down", str(word))
        self._inbox.feed(recv, (status,), 0, self._frame(recv, self.protocol.strike(frame), "in"))
        self._on_fatal(str(word))

    def _feed(self, recv: int, events: Sequence[AnyEvent], frame: Frame | None = None) -> None:
        if events or frame is not None:
            self._inbox.feed(recv, events, 0, frame)

    def _frame(self, recv: int, body: bytes, direction: Literal["in", "out"]) -> Frame:
        url, self._unnamed_url = self._unnamed_url, ""
        return Frame(recv, self._venue, self.protocol.name, direction, body, url, self.protocol.private)

    async def _close(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and task.exception() is not None:
            self._on_fatal(f"{self._venue} {self.protocol.name}: {task.exception()!r}")
