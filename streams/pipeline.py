"""The only loop: one writer, one order.

For each record: timers that were due before it fire, it gets its `seq`, it is appended to the log, folded into state and
published. What subscribers emit meanwhile queues behind it, first in, first out; when nothing is left, the tick has
settled and `settled` says so. Live, import, replay and simulation all run this code and no other.

Only the thread that made the pipeline may touch it.
"""

from collections import deque
from collections.abc import Callable, Sequence
from threading import get_ident
from typing import Protocol, TypeVar

import msgspec

from state.commands import as_command, blocked, conclude
from state.errors import WrongThread, WrongUse
from state.events import (
    AmendOrder,
    AnyEvent,
    CancelAll,
    CancelOrder,
    Candle,
    Command,
    Intent,
    PlaceOrder,
    Tick,
)
from state.record import Frame, Record, RecordSink
from state.reducer import Reducer
from state.shared import SharedState
from streams.guard import Guard
from streams.scheduler import NEVER, SessionScheduler, Timeline
from streams.source import Owner, Source

T = TypeVar("T")

MAX_STEPS_PER_TICK = 10_000  # whoever feeds itself without end is stopped here


class ClientIds(Protocol):
    """The client order id of the intent with this seq, in the venue's own alphabet."""

    def __call__(self, venue: str, seq: int, /) -> str: ...


class Pipeline:
    """Folds records, publishes them, and gives what is concluded from them its place in the same order."""

    def __init__(
        self,
        sink: RecordSink,
        client_ids: ClientIds,
        *,
        shared: SharedState | None = None,
        on_tick: Callable[[Sequence[Record]], None] | None = None,
        guarded: bool = True,
    ) -> None:
        """`on_tick` is told the intents of each settled tick, to be committed and then sent."""
        self.shared = shared if shared is not None else SharedState()
        self.timeline = Timeline(self.shared.now, self.shared.seq)
        self.scheduler = SessionScheduler(self.timeline)
        self.recorded: Source[Record] = Source()
        self._append = sink.append
        self._client_ids = client_ids
        self._on_tick = on_tick
        self._guard = Guard.here() if guarded else Guard()  # one that nobody asks
        self._thread = get_ident()
        self._queue: deque[tuple[AnyEvent, int, Owner | None]] = deque()
        self._sources: dict[tuple[type, str, str], Source[object]] = {}
        self._apply = Reducer(self.shared, asked=self._sources).apply
        self._kinds: set[type] = set()  # that have a source: most records are of a kind that nobody asked for
        self._intents: list[Record] = []
        self._seq = self.shared.seq
        self._busy = False
        self._turns = 0
        self.shared.order_call = self._order_call

    # --- in ---

    def feed(self, recv: int, events: Sequence[AnyEvent], cause: int = 0, frame: Frame | None = None) -> None:
        """Takes one burst of input: folded together, then concluded from. Raises `WrongThread` or `WrongUse`."""
        if self._busy or get_ident() != self._thread:
            self._refuse()
        self._busy = self._guard.watching = True
        try:
            timeline = self.timeline
            if recv < timeline.now_ns:
                recv = timeline.now_ns  # order is seq; time never runs backwards for whoever reads it
            elif timeline.next_due <= recv:
                self._advance(recv)
            timeline.now_ns = recv
            head = 0
            for event in events:
                record = self._take(recv, head or cause, event, frame)
                head = head or record.seq  # what came in the same burst follows from its first
            if (
                self._queue
                or timeline.marked
                or self._intents
                or timeline.settled.is_observed
                or timeline.next_due <= recv
            ):
                self._settle()
            else:  # most frames: nobody concluded anything
                timeline.settled_seq = self._seq
                timeline.settles += 1
        finally:
            self._busy = self._guard.watching = False

    def tick(self, recv: int) -> None:
        """Nothing arrived, but a timer is due."""
        self.feed(recv, (Tick(),))

    def advance(self, recv: int) -> None:
        """Fires what is due up to `recv` without a record: the end of a replay, where the live run had come this far."""
        self._enter()
        try:
            if self.timeline.next_due <= recv:
                self._advance(recv)
            self.timeline.now_ns = max(self.timeline.now_ns, recv)
        finally:
            self._leave()

    def conclude(self, act: Callable[[], None]) -> None:
        """Runs `act` (subscribing strategies) as part of the last record's tick."""
        self._enter()
        try:
            act()
            self._settle()
        finally:
            self._leave()

    def restore(self, act: Callable[[], None]) -> None:
        """Runs `act`, which gives strategies their state, as if nothing had happened: what it emits is dropped."""
        self._enter()
        try:
            act()
            self._queue.clear()
            self.timeline.forget_marks()
        finally:
            self._leave()

    @property
    def is_settled(self) -> bool:
        """Nothing is left to conclude: what strategies hold can be written down."""
        return not (self._busy or self._queue or self.timeline.marked)

    # --- out ---

    def emit(self, event: AnyEvent, owner: Owner | None = None) -> None:
        """Queues what a subscriber of `owner` concluded; its cause is the record being published now."""
        if get_ident() != self._thread:
            raise WrongThread("a decision was emitted from another thread; only the pipeline's thread may")
        if not self._busy:
            raise WrongUse("a decision was emitted outside of a tick; feed a Command or a Signal instead")
        self._queue.append((event, self.timeline.cause, owner))

    def withdraw(self, owner: Owner) -> None:
        """What one who has just failed decided in this step and has no place in the order yet is not concluded."""
        kept = [step for step in self._queue if step[2] is not owner]
        self._queue.clear()
        self._queue.extend(kept)

    def source(self, kind: type[T], venue: str = "", symbol: str = "") -> Source[T]:
        """The one hot source of (event or view type, venue, symbol), made when first asked for."""
        key = (kind, venue, symbol)
        source = self._sources.get(key)
        if source is None:
            source = self._sources[key] = Source()
            self._kinds.add(kind)
        return source  # type: ignore[return-value]  # the key says what the source carries

    def candles(self, venue: str, symbol: str, interval_s: int) -> Source[Candle]:
        """The source of a market's candles, for who wants those of one interval; they come with the others'."""
        return self.source(Candle, venue, symbol)

    def carries(self, source: Source[object]) -> str:
        """What a source of this pipeline carries, in words."""
        if source is self.timeline.settled:
            return "settled"
        keys = (key for key, known in self._sources.items() if known is source)
        return next((f"{kind.__name__} {venue} {symbol}".strip() for kind, venue, symbol in keys), "a source")

    def next_turn(self) -> int:
        """The place of whoever subscribes now, behind all who did before."""
        self._turns += 1
        return self._turns

    @property
    def subscribers(self) -> int:
        """Subscriptions to all sources."""
        by_kind = sum(source.subscribers for source in self._sources.values())
        return by_kind + self.recorded.subscribers + self.timeline.settled.subscribers

    @property
    def seq(self) -> int:
        """Seq of the last record."""
        return self._seq

    @property
    def next_due(self) -> int | None:
        """When the next timer is due, ns UTC."""
        due = self.timeline.next_due
        return None if due == NEVER else due

    # --- the loop ---

    def _take(self, recv: int, cause: int, event: AnyEvent, frame: Frame | None = None) -> Record:
        self._seq = seq = self._seq + 1
        self.timeline.cause = seq
        record = Record(seq, recv, cause, event)
        self._append(record, frame)
        changed = self._apply(record)
        kind = type(event)
        if kind in self._kinds:
            source = self._sources.get((kind, event.venue, event.symbol))
            if source is not None:
                source.emit(event)
        for key, view in changed:
            source = self._sources.get(key)
            if source is not None:
                source.emit(view)
        if self.recorded.is_observed:
            self.recorded.emit(record)
        if type(event) is Command:
            for follows in conclude(event, self.shared):
                self._queue.append((follows, seq, None))
        return record

    def _settle(self) -> None:
        """Concludes until nothing is left to conclude, then hands the intents over."""
        timeline, queue = self.timeline, self._queue
        trigger, steps = timeline.cause, 0
        endless: list[Owner] = []
        while True:
            while queue or timeline.next_due <= timeline.now_ns:
                steps += 1
                if steps > MAX_STEPS_PER_TICK:
                    self._stop_endless(endless)
                    steps = 0
                elif queue:
                    event, cause, _ = queue.popleft()
                    self._derive(event, cause)
                else:
                    self._fire()
            timeline.cause = trigger
            timeline.settle(self._seq)
            if not queue and not timeline.marked and timeline.next_due > timeline.now_ns:
                break
        if self._intents and self._on_tick is not None:
            intents, self._intents = self._intents, []
            self._guard.watching = False  # whoever sends them acts in the world
            try:
                self._on_tick(intents)
            finally:
                self._guard.watching = True

    def _stop_endless(self, stopped: list[Owner]) -> None:
        """Ends whoever's step would be next; raises `WrongUse` where that is nobody's, or of one who was ended before."""
        owner = self._queue[0][2] if self._queue else self.timeline.first().owner
        error = WrongUse(f"more than {MAX_STEPS_PER_TICK} steps in one tick: a strategy feeds itself")
        if owner is None or owner in stopped:
            raise error
        stopped.append(owner)
        owner.fail(error)

    def _advance(self, recv: int) -> None:
        """Each instant at which timers are due is a tick of its own, at its own time."""
        timeline = self.timeline
        while timeline.next_due <= recv:
            timeline.now_ns = timeline.next_due
            self._fire()
            self._settle()

    def _fire(self) -> None:
        timer = self.timeline.pop()
        self.timeline.cause = timer.cause
        try:
            timer.action()
        except Exception as error:
            if timer.owner is None:
                raise
            timer.owner.fail(error)

    def _derive(self, event: AnyEvent, cause: int) -> None:
        if isinstance(event, _SIZED):
            event = self._stamped(event)
        record = self._take(self.timeline.now_ns, cause, event)
        if self._on_tick is not None and type(event) in _SENT:
            self._intents.append(record)

    def _stamped(self, event: PlaceOrder | AmendOrder) -> AnyEvent:
        """An intent with its client order id, or what holds it back in a halted session."""
        halted = self.shared.halted
        if halted is not None and not (isinstance(event, PlaceOrder) and event.reduce_only):
            return blocked(event, rule="halted", limit="none", value=halted)
        if isinstance(event, PlaceOrder) and not event.client_id:
            return msgspec.structs.replace(event, client_id=self._new_id(event.venue))
        return event

    def _new_id(self, venue: str) -> str:
        """An adapter's word, not a strategy's: it may load its module to say it."""
        self._guard.watching = False
        try:
            return self._client_ids(venue, self._seq + 1)
        finally:
            self._guard.watching = True

    def _order_call(self, intent: Intent) -> None:
        """`shared.exchange` was called: inside a tick it is a conclusion, outside a person's command."""
        if self._busy:
            self.emit(intent)
        else:
            self.feed(self.timeline.now_ns, (as_command(intent),))

    def _enter(self) -> None:
        if self._busy or get_ident() != self._thread:
            self._refuse()
        self._busy = self._guard.watching = True

    def _refuse(self) -> None:
        if get_ident() != self._thread:
            raise WrongThread("only the thread that made the pipeline may feed it")
        raise WrongUse("the pipeline was fed from inside a subscriber; emit a decision instead")

    def _leave(self) -> None:
        self._busy = self._guard.watching = False


_SIZED = (PlaceOrder, AmendOrder)
_SENT = frozenset({PlaceOrder, AmendOrder, CancelOrder, CancelAll})
