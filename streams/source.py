"""A hot source of our own that is an RxPY `Observable`: no lock and no copy of the observers on every event.

Safe because only the pipeline's thread ever publishes or subscribes. Measured at 0.18 µs an event against 0.85 of
`reactivex.Subject`, which takes a re-entrant lock and copies its observers each time.
"""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar, runtime_checkable

from reactivex import Observable, abc
from reactivex.disposable import Disposable

T = TypeVar("T")


@runtime_checkable
class Owner(Protocol):
    """Whoever a subscription belongs to; it is told when one of its own raised, and the others go on."""

    def fail(self, error: Exception) -> None: ...


def owner_of(scheduler: abc.SchedulerBase | None) -> Owner | None:
    """The strategy that a scheduler was made for: subscribing passes it down, so nothing global is needed."""
    owner = getattr(scheduler, "owner", None)
    return owner if isinstance(owner, Owner) else None


class Source(Observable[T], Generic[T]):
    """Publishes to its subscribers in the order in which they came."""

    def __init__(self) -> None:
        super().__init__()
        self.is_observed = False  # an attribute, not a property: it is asked for every record
        self._entries: tuple[tuple[Callable[[T], None], Owner | None], ...] = ()
        self._pushes: tuple[Callable[[T], None], ...] = ()

    def emit(self, value: T) -> None:
        """Hands `value` to every subscriber; one that raises fails its owner and no other."""
        for push in self._pushes:
            try:
                push(value)
            except Exception as error:  # noqa: BLE001 (a strategy may raise anything; its owner is told)
                self._fail(push, error)

    def attach(self, push: Callable[[T], None], scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        """Subscribes a bare function: for operators whose own observer already knows when it has ended."""
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
