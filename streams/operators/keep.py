"""What makes an operator restartable: its state is told to the scheduler when it is subscribed, its timer can be noted down.

`lift` does it for every operator that it makes. One that is made of an `Observable` of its own says `Kept(subscribe)` instead
of `Observable(subscribe)`, and `keep(scheduler, …)` inside. How state is read and given back: `streams/checkpoint.py`.
"""

from collections.abc import Callable
from enum import Enum
from typing import Protocol, TypeAlias, TypeVar, runtime_checkable

from reactivex import Observable, abc
from reactivex.disposable import Disposable

from state.errors import NotDeterministic
from streams.scheduler import SessionScheduler, TimerKey, clock_of
from streams.source import owner_of

T = TypeVar("T")


class Unsaid(Enum):
    """What stands where a stream has not spoken yet."""

    UNSAID = 0


UNSAID = Unsaid.UNSAID

Noted: TypeAlias = object  # numbers, text, events, and tuples, lists and dicts of them


@runtime_checkable
class Stateful(Protocol):
    """Whatever gives its state, and takes it back."""

    def dump(self) -> Noted: ...

    def load(self, state: Noted, /) -> None: ...


class Kept(Observable[T]):
    """An `Observable` whose `subscribe` tells its state to `keep`; one that says so and does not is a bug of its author."""


def keep(scheduler: abc.SchedulerBase | None, *parts: Callable[..., object] | Stateful) -> abc.DisposableBase:
    """Says where the state of one subscription is: functions, whose closures are read, and objects that dump and load.

    The operator is called by the first function's name. To be disposed with the subscription.
    """
    if not isinstance(scheduler, SessionScheduler):
        return Disposable()
    return scheduler.kept.add(operator_of(parts[0]), parts)


def operator_of(part: object) -> str:
    """The operator in whose body a function was made, or the class of an object."""
    name = getattr(part, "__qualname__", "") or type(part).__qualname__
    return str(name).partition(".<locals>")[0]


class Alarm:
    """One timer of an operator on the scheduler's time, that can be set again and again, and noted down."""

    __slots__ = ("_clock", "_disposed", "_key", "_owner", "_scheduler", "_session", "_waiting", "act")

    def __init__(self, scheduler: abc.SchedulerBase | None, act: Callable[[], None]) -> None:
        """Raises `NotDeterministic` where no scheduler was passed down."""
        if scheduler is None:
            raise NotDeterministic("this operator needs the session's time: subscribe with scheduler=feeds.scheduler")
        self._scheduler = scheduler
        self._session = scheduler if isinstance(scheduler, SessionScheduler) else None
        self._owner = owner_of(scheduler)  # asked once: to look whether it is one takes longer than all the rest
        self._clock = clock_of(scheduler)
        self.act = act
        self._key: TimerKey | None = None
        self._waiting: abc.DisposableBase | None = None  # on a marble test's scheduler
        self._disposed = False

    def at(self, due_ns: int) -> None:
        """Acts once, at `due_ns` and at no other time that was set before."""
        self.cancel()
        if self._disposed:
            return
        if self._session is not None:
            self._key = self._session.timeline.put(due_ns, self._due, self._owner)
        else:
            wait_s = max(0, due_ns - self._clock()) * 1e-9
            self._waiting = self._scheduler.schedule_relative(wait_s, self._marble_due)

    def cancel(self) -> None:
        if self._key is not None and self._session is not None:
            self._session.timeline.remove(self._key)
            self._key = None
        if self._waiting is not None:
            self._waiting.dispose()
            self._waiting = None

    def dispose(self) -> None:
        """It acts no more."""
        self._disposed = True
        self.cancel()

    def dump(self) -> Noted:
        """Its timer's key and cause, or None."""
        if self._key is None or self._session is None:
            return None
        due, made = self._key
        return (due, made, self._session.timeline.cause_of(self._key))

    def load(self, state: Noted, /) -> None:
        self.cancel()
        if self._session is not None and isinstance(state, tuple):
            due, made, cause = state
            self._key = (due, made)
            self._session.timeline.put_back(self._key, cause, self._due, self._owner)

    def _due(self) -> None:
        self._key = None
        self.act()

    def _marble_due(self, _: abc.SchedulerBase, __: object = None) -> abc.DisposableBase | None:
        self._waiting = None
        self.act()
        return None
