"""A live session: venues on one side, the pipeline in the middle, the log under both.

An intent leaves only after the log has made it durable, together with everything before it. When the log fails, nothing
more is decided: what rests at the venues is cancelled directly and the session ends with a clear error.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from adapters import order_ids
from adapters.base.exchange import Exchange
from adapters.base.settings import ForeignOrders, ShutdownReport, Subscription
from app.crossed import CrossedWatch
from replay.snapshots import Snapshots
from state.clock import Clock
from state.commands import action_of, as_command
from state.errors import LogError, SessionBroken, TapelineError, VenueFailed, WrongUse
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
    Tick,
)
from state.log import SessionWriter
from state.record import Frame, Record
from state.words import Side
from streams.pipeline import Pipeline
from streams.scheduler import NEVER
from streams.strategy import Running, Strategy, run_strategies

if TYPE_CHECKING:  # a session without a paper venue and without shadows loads neither
    from adapters.paper import PaperExchange
    from app.config import StopPolicy
    from app.earlier import EarlierOrders
    from app.shadow import Shadow

T = TypeVar("T")

STOP_TIMEOUT_S = 20.0  # how long orders are given to be gone before the venue is asked directly
FLATTEN_AFTER_S = 5.0  # and before positions are closed, which only reduces them
FLATTEN_ROUNDS = 3  # a thin book may leave some of a position after one market order
FLATTEN_ROUND_S = 3.0
DURABLE_MOST_S = 10.0  # how long an intent may wait for the log before the log counts as failed
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class VenueLine:
    """One venue of a session and what is followed there."""

    exchange: "Exchange | PaperExchange"
    subscriptions: tuple[Subscription, ...]
    trades: bool
    foreign: ForeignOrders = "leave"  # what becomes of the account's orders that are not ours


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
        self.running: list[Running] = []
        self.shadows: Sequence[Shadow] = ()
        self._writer = writer
        self._clock = clock
        self._seed = seed
        self._strategies = strategies
        self._snapshots = Snapshots(writer, self.pipeline, snapshot_every)
        self._venues: dict[str, VenueLine] = {}
        self._loop = asyncio.get_running_loop()
        self._uncommitted: deque[float] = deque()  # since when each tick's intents wait for the log
        self._unanswered: set[int] = set()  # seqs of intents that were sent and have no outcome
        self._armed = NEVER
        self._timer: asyncio.TimerHandle | None = None
        self._stopping = asyncio.Event()
        self.stop_policy: StopPolicy | None = None  # as somebody asked for it
        self.stop_reason = ""
        self._crossed = CrossedWatch()
        self._closing = False
        self._sealed = False
        self._broken = False
        self._touched: set[str] = set()  # venues that may have something of ours

    # --- what the adapters call ---

    def feed(self, recv: int, events: Sequence[AnyEvent], cause: int = 0, frame: Frame | None = None) -> None:
        """The inbox of every adapter; what it cannot take breaks the session and never raises into a socket."""
        if self._sealed or self._broken:
            return  # sockets that are still being shut have nothing more to say
        try:
            if events:
                self.pipeline.feed(recv, events, cause, frame)
            elif frame is not None:
                self._writer.keep(frame)
        except Exception as error:  # noqa: BLE001 (whatever it is, the session must end in order)
            self._break(error)
            return
        if self.shadows:
            # After the intents of this tick are sent; at the time that the record has, which never runs backwards.
            self._loop.call_soon(self._overheard, max(recv, self.pipeline.timeline.now_ns), tuple(events))
        if cause:
            self._unanswered.discard(cause)
        if self.pipeline.timeline.next_due < self._armed:
            self._arm()
        if self.pipeline.seq >= self._snapshots.due:
            self._snapshot()

    def _overheard(self, recv: int, events: Sequence[AnyEvent]) -> None:
        for shadow in self.shadows:
            shadow.hear(recv, events)

    # --- life ---

    async def start(self, venues: Sequence[VenueLine], earlier: "EarlierOrders | None" = None) -> None:
        """Opens the session in the log, sets the strategies up, then connects; raises what a venue's start raises.

        What this session did not place is told and cancelled by intents, as configured, as soon as its venue has started.
        """
        self._venues = {line.exchange.venue: line for line in venues}
        self.feed(self._clock.now_ns(), [SessionOpened(self.id, self._seed)])
        self.running = run_strategies(self.pipeline, self._strategies)
        for line in venues:
            await self._unless_stopped(line.exchange.start(line.subscriptions))
            if line.trades:
                self._touched.add(line.exchange.venue)
                account = self.pipeline.shared.account(line.exchange.venue)
                found = () if earlier is None else (*earlier.found(account), *earlier.foreign(account, line.foreign))
                for events in found:
                    self.feed(self._clock.now_ns(), events)

    async def _unless_stopped(self, work: Coroutine[None, None, None]) -> None:
        """Somebody who asks to stop need not wait for a venue that does not answer."""
        working, stopping = self._loop.create_task(work), self._loop.create_task(self._stopping.wait())
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        for task in (working, stopping):
            if not task.done():
                task.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)
        if not working.cancelled():
            working.result()

    def request_stop(self, policy: "StopPolicy | None" = None, reason: str = "") -> None:
        """At a person's word, a signal, or a failure; a policy takes the place of the configuration's."""
        self.stop_policy = policy or self.stop_policy
        self.stop_reason = reason or self.stop_reason
        self._stopping.set()

    def told(self, name: str, payload: str, venue: str = "", symbol: str = "") -> int:
        """Records a person's command and returns its seq; raises `WrongUse` where the session takes no more."""
        if self._sealed or self._broken or self._stopping.is_set():
            raise WrongUse(f"session {self.id} is ending")
        now = self._clock.now_ns()
        self.feed(now, [Tick()])  # what is due by now has its place before it
        seq = self.pipeline.seq + 1
        self.feed(now, [Command(venue, symbol, name, payload)])
        return seq

    async def wait(self, for_s: float | None = None) -> bool:
        """Until somebody asks to stop, or the time is over: true then."""
        try:
            await asyncio.wait_for(self._stopping.wait(), for_s)
        except TimeoutError:
            return True
        return False

    async def stop(self, policy: "StopPolicy", reason: str) -> None:
        """Halts the strategies, cancels, flattens if asked to, asks the venues again, and closes the log."""
        # What a broken session left, nobody would hear of.
        policy = "cancel" if self._broken and policy == "leave" else policy
        self._closing = policy == "leave"  # a strategy that is halted pulls its quotes, which are to stay here
        if not self._broken:
            self._command("halt" if policy != "leave" and self._touched else "halt_and_leave", reason)
        if policy != "leave":
            await self._until(self._is_quiet, FLATTEN_AFTER_S if policy == "flatten" else STOP_TIMEOUT_S)
        if policy == "flatten":
            await self._flatten()
        touched = [line for line in self._venues.values() if line.exchange.venue in self._touched]
        # All at once: what rests at one venue does not wait for another that does not answer.
        ended = await asyncio.gather(*(self._in_order(line.exchange.shutdown(policy)) for line in touched))
        self.reports += [report for report in ended if report is not None]
        self._closing = True
        for line in self._venues.values():
            await self._in_order(line.exchange.close())
        await self._until(lambda: not self._uncommitted, STOP_TIMEOUT_S)
        self._end(reason)
        await asyncio.sleep(0)  # what the shadows have not heard yet
        for shadow in self.shadows:
            shadow.end(self._clock.now_ns())

    async def _in_order(self, work: Coroutine[None, None, T]) -> T | None:
        """Whatever goes wrong at one venue, the others are shut down too, and the log is closed; None then."""
        try:
            return await work
        except Exception as error:  # noqa: BLE001
            self.fail(_ours(error))
            return None

    async def _flatten(self) -> None:
        """By intents like any other, so that the log has them; what they leave is for the venues' own shutdown."""
        for _ in range(FLATTEN_ROUNDS):
            held = self._held()
            if not held or self._broken:
                return
            for venue, symbol, size in held:
                side: Side = "sell" if size > 0 else "buy"
                order = PlaceOrder(venue, symbol, side, abs(size), kind="market", tif="ioc", reduce_only=True)
                self.feed(self._clock.now_ns(), [as_command(order)])
            await self._until(lambda: self._is_quiet() and not self._held(), FLATTEN_ROUND_S)

    def _held(self) -> list[tuple[str, str, Decimal]]:
        """Venue, symbol and signed size of each position, by the venue's last word, or by fills that it has not heard of."""
        held = []
        for venue, line in self._venues.items():
            account = self.pipeline.shared.accounts.get(venue)
            for symbol, position in account.ledger.positions.items() if account is not None and line.trades else ():
                size = (position.reported.size if position.reported is not None else None) or position.size
                if size:
                    held.append((venue, symbol, size))
        return held

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

    def _is_quiet(self) -> bool:
        """Nothing of ours rests, and every intent has its outcome."""
        accounts = self.pipeline.shared.accounts
        ours = (
            order.placed_seq or line.exchange.owns(order.client_id)
            for venue, line in self._venues.items()
            if venue in accounts
            for order in accounts[venue].orders.working()
        )
        return not (self._unanswered or self._uncommitted or any(ours))

    async def _until(self, holds: Callable[[], bool], timeout_s: float) -> None:
        deadline = self._loop.time() + timeout_s
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
            except Exception as error:  # noqa: BLE001
                self._break(error)
                return
        self._arm()

    def _snapshot(self) -> None:
        try:
            self._snapshots.take(self.running)
        except Exception as error:  # noqa: BLE001 (whatever it is, the session must end in order)
            self._break(error)

    # --- intents ---

    def _decided(self, intents: Sequence[Record]) -> None:
        """Ink before effect: the intents of one tick wait for one commit.

        On a file in this thread, while the writer's is idle: handing the commit over and hearing of it costs more than the
        commit. A server may take its time, and nothing here waits for it.
        """
        self._uncommitted.append(self._loop.time())
        if not self._writer.is_remote:
            self._writer.flush(DURABLE_MOST_S)
            self._loop.call_soon(self._send, intents)
            return

        def durable(_seq: int) -> None:  # in the log's writer thread
            self._loop.call_soon_threadsafe(self._send, intents)

        self._writer.commit(durable)

    def make_durable(self) -> None:
        """To be called now and then: a quiet session would keep its market records in memory until an intent comes."""
        if self._sealed or self._broken:
            return
        try:
            self._writer.commit(lambda seq: None)  # nobody waits for it
            if self._uncommitted and self._loop.time() - self._uncommitted[0] > DURABLE_MOST_S:
                raise LogError(f"the log made nothing durable within {DURABLE_MOST_S:g} s")
        except LogError as error:
            self._break(error)
        for shadow in self.shadows:
            shadow.make_durable()

    def renew_crossed_books(self) -> None:
        """To be called now and then: a book that stays crossed though nothing of it is missing is told whole again."""
        for venue, symbol, reason in self._crossed.look(self.pipeline.shared, self._loop.time()):
            if venue in self._venues:
                self._venues[venue].exchange.renew_book(symbol, reason)

    def _send(self, intents: Sequence[Record]) -> None:
        self._uncommitted.popleft()
        if self._broken:
            return  # its outcome could not be recorded
        by_venue: dict[str, list[Record]] = {}
        for record in intents:
            by_venue.setdefault(record.event.venue, []).append(record)
        for venue, records in by_venue.items():
            line = self._venues.get(venue)
            if line is None or not line.trades:
                self._refuse(records, "this session does not trade there")
            elif self._closing:
                self._refuse(records, "the session is ending")
            else:
                self._touched.add(venue)
                self.intents_sent += len(records)
                self._unanswered.update(record.seq for record in records)
                try:
                    line.exchange.submit(records, halted=self.pipeline.shared.halted is not None)
                except Exception as error:  # noqa: BLE001 (the event loop would only print it)
                    self.fail(_ours(error))

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
        """To be called by whichever thread finds out."""
        self._loop.call_soon_threadsafe(self._break, error)

    def _break(self, error: Exception) -> None:
        """The log or the loop itself failed: nothing is decided or recorded any more, only cancelled at the venues."""
        self._broken = True
        self.fail(_ours(error))

    def venue_failed(self, reason: str) -> None:
        """To be called by an adapter when trading must stop."""
        self.fail(VenueFailed(reason))

    def fail(self, error: TapelineError) -> None:
        """The session ends, and this is why."""
        self.failure = self.failure or error
        self._stopping.set()


def _ours(error: Exception) -> TapelineError:
    """What nobody foresaw is a bug of ours, and is called one."""
    if isinstance(error, TapelineError):
        return error
    broken = SessionBroken(f"a bug of ours: {error!r}")
    broken.__cause__ = error
    return broken
