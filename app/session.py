"""A live session: venues on one side, the pipeline in the middle, the log under both.

An intent leaves only after the log has made it durable, together with everything before it. When the log fails, nothing
more is decided: what rests at the venues is cancelled directly and the session ends with a clear error.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from adapters import order_ids
from adapters.base.exchange import Exchange
from adapters.base.settings import ShutdownReport, Subscription
from adapters.paper import PaperExchange
from app.config import StopPolicy
from state.clock import Clock
from state.commands import action_of
from state.errors import LogError, SessionBroken, TapelineError, VenueFailed
from state.events import (
    AmendOrder,
    AnyEvent,
    CancelAll,
    CancelOrder,
    Command,
    PlaceOrder,
    Rejected,
    SessionClosed,
    SessionOpened,
)
from state.log import SessionWriter
from state.record import Frame, Record
from streams.pipeline import Pipeline
from streams.scheduler import NEVER
from streams.strategy import Strategy, run_strategies

STOP_TIMEOUT_S = 20.0  # how long orders are given to be gone before the venue is asked directly
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class VenueLine:
    """One venue of a session and what is followed there."""

    exchange: Exchange | PaperExchange
    subscriptions: tuple[Subscription, ...]
    trades: bool


class LiveSession:
    """Owns one run; everything in here happens in the event loop's thread."""

    def __init__(
        self, writer: SessionWriter, clock: Clock, *, seed: int, strategies: Sequence[Strategy], snapshot_every: int
    ) -> None:
        self.id = writer.session
        self.failure: TapelineError | None = None
        self.reports: list[ShutdownReport] = []
        self.pipeline = Pipeline(writer, order_ids(self.id), on_tick=self._decided)
        self.intents_sent = 0
        self._writer = writer
        self._clock = clock
        self._seed = seed
        self._strategies = strategies
        self._snapshot_every = snapshot_every
        self._snapshot_due = snapshot_every
        self._venues: dict[str, VenueLine] = {}
        self._loop = asyncio.get_running_loop()
        self._armed = NEVER
        self._timer: asyncio.TimerHandle | None = None
        self._stopping = asyncio.Event()
        self._sealed = False
        self._broken = False
        self._opened = False

    # --- what the adapters call ---

    def feed(self, recv: int, events: Sequence[AnyEvent], cause: int = 0, frame: Frame | None = None) -> None:
        """The inbox of every adapter."""
        if self._sealed or self._broken:
            return  # sockets that are still being shut have nothing more to say
        try:
            if events:
                self.pipeline.feed(recv, events, cause, frame)
            elif frame is not None:
                self._writer.keep(frame)
        except Exception as error:
            self._break(error)
            raise
        if self.pipeline.timeline.next_due < self._armed:
            self._arm()
        if self.pipeline.seq >= self._snapshot_due:
            self._snapshot()

    # --- life ---

    async def start(self, venues: Sequence[VenueLine]) -> None:
        """Opens the session in the log, sets the strategies up, then connects; raises what a venue's start raises."""
        self._venues = {line.exchange.venue: line for line in venues}
        self.feed(self._clock.now_ns(), [SessionOpened(self.id, self._seed)])
        run_strategies(self.pipeline, self._strategies)
        self._opened = True
        for line in venues:
            await line.exchange.start(line.subscriptions)

    def request_stop(self) -> None:
        """At a person's word, a signal, or a failure."""
        self._stopping.set()

    async def wait(self, for_s: float | None = None) -> bool:
        """Until somebody asks to stop, or the time is over: true then."""
        try:
            await asyncio.wait_for(self._stopping.wait(), for_s)
        except TimeoutError:
            return True
        return False

    async def stop(self, policy: StopPolicy, reason: str) -> None:
        """Halts the strategies, cancels, flattens if asked to, asks the venues again, and closes the log."""
        if not self._broken:
            self._command("halt" if policy != "leave" else "halt_and_leave", reason)
        if not self._broken and policy != "leave":
            await self._until(self._nothing_rests)
        for line in self._venues.values():
            if line.trades and self._opened:
                self.reports.append(await line.exchange.shutdown(policy))
        for line in self._venues.values():
            await line.exchange.close()
        self._end(reason)

    def _end(self, reason: str) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self._broken:
            self.feed(self._clock.now_ns(), [SessionClosed(reason)])
        if not self._broken:
            self._snapshot()
        self._sealed = True
        try:
            self._writer.close(self._clock.now_ns(), "crashed" if self._broken else "closed")
        except LogError as error:
            self.failure = self.failure or error

    def _command(self, name: str, payload: str) -> None:
        self.feed(self._clock.now_ns(), [Command("", "", name, payload)])

    def _nothing_rests(self) -> bool:
        accounts = self.pipeline.shared.accounts
        return not any(accounts[venue].orders.working() for venue in self._venues if venue in accounts)

    async def _until(self, holds: Callable[[], bool]) -> None:
        deadline = self._loop.time() + STOP_TIMEOUT_S
        while not holds() and self._loop.time() < deadline and not self._broken:  # noqa: ASYNC110 (rare, and short)
            await asyncio.sleep(_POLL_S)

    # --- time ---

    def _arm(self) -> None:
        """When nothing arrives before the next timer, a `Tick` does."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self._armed = self.pipeline.timeline.next_due
        if due != NEVER and not self._sealed:
            self._timer = self._loop.call_later(max(0, due - self._clock.now_ns()) / 1e9, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._armed = NEVER
        now = self._clock.now_ns()
        if self._sealed or self._broken:
            return
        if self.pipeline.timeline.next_due <= now:
            try:
                self.pipeline.tick(now)
            except Exception as error:
                self._break(error)
                raise
        self._arm()

    def _snapshot(self) -> None:
        self._snapshot_due = self.pipeline.seq + self._snapshot_every
        try:
            self._writer.snapshot(self.pipeline.seq, self.pipeline.shared.dump())
        except LogError as error:
            self._break(error)

    # --- intents ---

    def _decided(self, intents: Sequence[Record]) -> None:
        """Ink before effect: the intents of one tick wait for one commit."""

        def durable(_seq: int) -> None:  # in the log's writer thread
            self._loop.call_soon_threadsafe(self._send, intents)

        self._writer.commit(durable)

    def _send(self, intents: Sequence[Record]) -> None:
        by_venue: dict[str, list[Record]] = {}
        for record in intents:
            by_venue.setdefault(record.event.venue, []).append(record)
        for venue, records in by_venue.items():
            line = self._venues.get(venue)
            if line is not None and line.trades:
                self.intents_sent += len(records)
                line.exchange.submit(records)
            else:
                self._refuse(records, "this session does not trade there")

    def _refuse(self, intents: Sequence[Record], text: str) -> None:
        """An intent that has nowhere to go gets its outcome too."""
        now = self._clock.now_ns()
        for record in intents:
            event = record.event
            assert isinstance(event, PlaceOrder | AmendOrder | CancelOrder | CancelAll)
            client_id = "" if isinstance(event, CancelAll) else event.client_id
            refused = Rejected(
                event.venue, event.symbol, now, action_of(event), client_id, "fatal", "tapeline:no-venue", text
            )
            self.feed(now, [refused], record.seq)

    # --- failure ---

    def log_failed(self, error: LogError) -> None:
        """To be called by the log's writer thread."""
        self._loop.call_soon_threadsafe(self._break, error)

    def _break(self, error: Exception) -> None:
        """The log or the loop itself failed: nothing is decided or recorded any more, only cancelled at the venues."""
        self._broken = True
        self.fail(error if isinstance(error, TapelineError) else SessionBroken(f"a bug of ours: {error!r}"))

    def venue_failed(self, reason: str) -> None:
        """To be called by an adapter when trading must stop."""
        self.fail(VenueFailed(reason))

    def fail(self, error: TapelineError) -> None:
        """The session ends, and this is why."""
        self.failure = self.failure or error
        self._stopping.set()
