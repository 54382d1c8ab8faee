"""Virtual time, live too: timers fire when records say that their time has come.

The timeline is advanced by the `recv` of records and by nothing else, so a replay fires the same timers between the same
records as the live run did. RxPY's time operators run on it because subscribing passes the scheduler down.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from heapq import heapify, heappop, heappush
from typing import TypeAlias, TypeVar

from reactivex import abc, typing
from reactivex.disposable import Disposable
from reactivex.scheduler.periodicscheduler import PeriodicScheduler

from state.errors import NotDeterministic, WrongUse
from streams.source import Owner, Source

_State = TypeVar("_State")

MAX_SETTLED_STEPS = 100_000  # more in one tick are operators that mark each other without end
_DEAD_KEYS_LEAST = 64  # fewer are not worth the sweep
NEVER = 1 << 63  # later than any int64 ns
TimerKey: TypeAlias = tuple[int, int]  # due (ns), and how many were made before it
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NS = 1_000_000_000


class Timer:
    """One wish to be called at `due` (ns), with the seq of the record during which it was made."""

    __slots__ = ("action", "cause", "due", "owner")

    def __init__(self, due: int, cause: int, action: Callable[[], None], owner: Owner | None) -> None:
        self.due = due
        self.cause = cause
        self.action = action
        self.owner = owner


class Settler:
    """Acts once a tick in which it was marked, when everything that the tick caused has been concluded.

    Those made first act first, so an operator that was subscribed as another's input has spoken by the time that the other
    acts. One that nobody marked costs nothing: a strategy pays only for what it subscribed to.
    """

    __slots__ = ("_act", "_rank", "_timeline", "is_disposed", "is_marked", "owner")

    def __init__(self, timeline: "Timeline", rank: int, act: Callable[[], None], owner: Owner | None) -> None:
        self._timeline = timeline
        self._rank = rank
        self._act = act
        self.owner = owner
        self.is_marked = False
        self.is_disposed = False

    def mark(self) -> None:
        """Something changed in this tick."""
        if not self.is_marked:
            self.is_marked = True
            heappush(self._timeline.marked, (self._rank, self))

    def flush(self) -> None:
        """Acts now if it was marked; what it raises is the caller's."""
        if self.is_marked:
            self.is_marked = False
            marked = self._timeline.marked
            marked.remove((self._rank, self))
            heapify(marked)
            self._act()

    def act(self) -> None:
        """One that raises fails its owner and no other."""
        self.is_marked = False
        if self.is_disposed:
            return
        try:
            self._act()
        except Exception as error:
            if self.owner is None:
                raise
            self.owner.fail(error)

    def dispose(self) -> None:
        self.is_disposed = True


class Timeline:
    """The session's time and its timers, ordered by due time and then by when they were made."""

    __slots__ = (
        "_keys",
        "_settlers",
        "_timers",
        "cause",
        "made",
        "marked",
        "next_due",
        "now_ns",
        "settled",
        "settled_seq",
        "settles",
    )

    def __init__(self, now_ns: int = 0, seq: int = 0) -> None:
        self.now_ns = now_ns
        self.cause = 0  # seq of the record that is being concluded from
        self.next_due = NEVER
        self.settled: Source[int] = Source()
        self.settled_seq = seq  # up to here everything has been concluded from
        self.settles = 0  # ticks so far that have settled
        self.marked: list[tuple[int, Settler]] = []  # a heap by rank
        self._settlers = 0
        self._timers: dict[TimerKey, Timer] = {}
        self._keys: list[TimerKey] = []  # a heap; keys of timers that were taken out stay until they come up
        self.made = 0  # timers so far: the later of two of one instant fires later

    def add(self, due: int, action: Callable[[], None], owner: Owner | None) -> abc.DisposableBase:
        """A timer in the past fires as soon as what is being concluded now is done."""
        key = self.put(due, action, owner)
        return Disposable(lambda: self.remove(key))

    def put(self, due: int, action: Callable[[], None], owner: Owner | None) -> TimerKey:
        """As `add`, for who keeps the key to take the timer out again, or to note it down."""
        due = max(due, self.now_ns)
        self.made += 1
        key = (due, self.made)
        self._timers[key] = Timer(due, self.cause, action, owner)
        heappush(self._keys, key)
        if due < self.next_due:
            self.next_due = due
        return key

    def put_back(self, key: TimerKey, cause: int, action: Callable[[], None], owner: Owner | None) -> None:
        """A timer as it was before a restart: it keeps its place among those of its instant."""
        self._timers[key] = Timer(key[0], cause, action, owner)
        heappush(self._keys, key)
        self._peek()

    def cause_of(self, key: TimerKey) -> int:
        """The record during which a waiting timer was set."""
        return self._timers[key].cause

    def waiting(self, owner: Owner | None) -> list[tuple[TimerKey, Timer]]:
        """The timers of one owner, in the order in which they will fire."""
        return [(key, timer) for key, timer in sorted(self._timers.items()) if timer.owner is owner]

    def settler(self, act: Callable[[], None], owner: Owner | None) -> Settler:
        """One that acts after all that were made before it."""
        self._settlers += 1
        return Settler(self, self._settlers, act, owner)

    def settle(self, seq: int) -> None:
        """Everything up to `seq` has been concluded: who was marked acts, then `settled` says so."""
        self.settled_seq = seq
        marked, steps = self.marked, 0
        while marked:
            _, settler = heappop(marked)
            settler.act()
            steps += 1
            if steps > MAX_SETTLED_STEPS:
                raise WrongUse(
                    f"more than {MAX_SETTLED_STEPS} operators acted on one settled tick: they mark each other"
                )
        self.settles += 1
        if self.settled.is_observed:
            self.settled.emit(seq)

    def forget_marks(self) -> None:
        """Nobody who was marked acts: what they were marked for has been concluded before."""
        for _, settler in self.marked:
            settler.is_marked = False
        self.marked.clear()

    def pop(self) -> Timer:
        """Takes the first timer out; only to be called where `next_due` says that there is one."""
        timer = self._timers.pop(heappop(self._keys))
        self._peek()
        return timer

    def first(self) -> Timer:
        """The first timer, left where it is; only to be called where `next_due` says that there is one."""
        return self._timers[self._keys[0]]

    def __len__(self) -> int:
        return len(self._timers)

    def remove(self, key: TimerKey) -> None:
        """No error where it has fired already."""
        if self._timers.pop(key, None) is None:
            return
        keys = self._keys
        if keys[0] == key:
            self._peek()
        elif len(keys) > 2 * len(self._timers) + _DEAD_KEYS_LEAST:
            self._keys = list(self._timers)
            heapify(self._keys)

    def _peek(self) -> None:
        """Keys of what was taken out go when they come up."""
        keys, timers = self._keys, self._timers
        while keys and keys[0] not in timers:
            heappop(keys)
        self.next_due = keys[0][0] if keys else NEVER


class Kept:
    """The subscriptions of one owner whose state can be given back after a restart, in the order in which they were made.

    Each is what its values go to: functions whose closures hold the state, and objects that dump and load it.
    """

    __slots__ = ("_made", "_parts")

    def __init__(self) -> None:
        self._made = 0
        self._parts: dict[int, tuple[str, tuple[object, ...], object]] = {}

    def add(self, name: str, parts: tuple[object, ...], beyond: object = None) -> abc.DisposableBase:
        """`beyond` is the next operator's, and not to be looked into; disposing forgets."""
        self._made += 1
        number = self._made
        self._parts[number] = (name, parts, beyond)
        return Disposable(lambda: self._forget(number))

    def _forget(self, number: int) -> None:
        self._parts.pop(number, None)

    def __iter__(self) -> Iterator[tuple[str, tuple[object, ...], object]]:
        return iter(self._parts.values())


class SessionScheduler(PeriodicScheduler):
    """The timeline as RxPY sees it, in the name of one owner."""

    def __init__(self, timeline: Timeline, owner: Owner | None = None) -> None:
        super().__init__()
        self.timeline = timeline
        self.owner = owner
        self.kept = Kept()

    @property
    def now_ns(self) -> int:
        """Virtual time, ns UTC."""
        return self.timeline.now_ns

    @property
    def now(self) -> datetime:
        return _EPOCH + timedelta(microseconds=self.timeline.now_ns // 1000)

    @property
    def settled(self) -> Source[int]:
        """Says the seq at which everything that one burst of input caused has been concluded."""
        return self.timeline.settled

    def schedule(self, action: typing.ScheduledAction[_State], state: _State | None = None) -> abc.DisposableBase:
        return self.at_ns(self.timeline.now_ns, action, state)

    def schedule_relative(
        self, duetime: typing.RelativeTime, action: typing.ScheduledAction[_State], state: _State | None = None
    ) -> abc.DisposableBase:
        seconds = duetime.total_seconds() if isinstance(duetime, timedelta) else duetime
        return self.at_ns(self.timeline.now_ns + max(0, round(seconds * _NS)), action, state)

    def schedule_absolute(
        self, duetime: typing.AbsoluteTime, action: typing.ScheduledAction[_State], state: _State | None = None
    ) -> abc.DisposableBase:
        if isinstance(duetime, datetime):
            since = duetime - _EPOCH
            return self.at_ns(
                ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1000, action, state
            )
        return self.at_ns(round(duetime * _NS), action, state)

    def at_ns(
        self, due: int, action: typing.ScheduledAction[_State], state: _State | None = None
    ) -> abc.DisposableBase:
        """Calls `action` once the session's time has reached `due` (ns UTC)."""

        def run() -> None:
            action(self, state)

        return self.timeline.add(due, run, self.owner)


def clock_of(scheduler: abc.SchedulerBase | None) -> Callable[[], int]:
    """The virtual clock (ns) that an operator reads; raises `NotDeterministic` where none was passed down."""
    if isinstance(scheduler, SessionScheduler):
        timeline = scheduler.timeline
        return lambda: timeline.now_ns
    if scheduler is None:
        raise NotDeterministic("this operator needs the session's time: subscribe with scheduler=feeds.scheduler")
    # A marble test's virtual scheduler; its datetimes are exact to the microsecond.
    given = scheduler
    return lambda: round((given.now - _EPOCH) / timedelta(microseconds=1)) * 1000
