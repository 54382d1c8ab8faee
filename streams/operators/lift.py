"""The shape that all operators without a timer share: a closure a subscriber, the scheduler passed down, no lock."""

from collections.abc import Callable
from typing import TypeAlias, TypeVar, cast

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable, Disposable

from state.errors import NotDeterministic, WrongUse
from streams.operators.keep import operator_of
from streams.scheduler import SessionScheduler
from streams.source import Source, pushing

T = TypeVar("T")
U = TypeVar("U")

_TRACE = "streams.trace"  # its listeners are no part of a strategy

# Spelled out, not by this alias, where a type variable is only in the result: mypy infers no `pipe` through it otherwise.
Operator: TypeAlias = Callable[[Observable[T]], Observable[U]]


def lift(start: Callable[[Callable[[U], None], abc.SchedulerBase | None], Callable[[T], None]]) -> Operator[T, U]:
    """An operator from `start(emit, scheduler)`, which makes the state of one subscriber and says what takes its values.

    State is the variables that the function rebinds and the containers that it holds, and can be given back after a
    restart (`streams/checkpoint.py`); an object that it holds has `dump` and `load`, or is a dataclass or Struct.

    Lifted operators in a row become one subscription: each calls the next, without an observer in between.
    """

    def operator(source: Observable[T]) -> Observable[U]:
        root, starts = (source.root, source.starts) if isinstance(source, Lifted) else (source, ())
        return cast(Observable[U], Lifted(root, (*starts, cast(_Start, start))))

    return operator


_Start: TypeAlias = Callable[[Callable[[object], None], abc.SchedulerBase | None], Callable[[object], None]]


class Lifted(Observable[object]):
    """A source behind a row of lifted operators."""

    def __init__(self, root: Observable[object], starts: tuple[_Start, ...]) -> None:
        super().__init__()
        self.root = root
        self.starts = starts

    def subscribe(
        self,
        on_next: abc.ObserverBase[object] | abc.OnNext[object] | None = None,
        on_error: abc.OnError | None = None,
        on_completed: abc.OnCompleted | None = None,
        *,
        scheduler: abc.SchedulerBase | None = None,
    ) -> abc.DisposableBase:
        """Behind a source without an observer of RxPY's in between: it says neither error nor end, and knows who has gone."""
        if not isinstance(self.root, Source):
            return super().subscribe(on_next, on_error, on_completed, scheduler=scheduler)
        failed = getattr(on_next, "on_error", on_error)
        try:
            take, kept = self._started(pushing(on_next), scheduler)
        except Exception as error:
            if failed is None:
                raise
            failed(error)
            return Disposable()
        return CompositeDisposable(self.root.attach(take, scheduler), *kept)

    def _subscribe_core(
        self, observer: abc.ObserverBase[object], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        take, kept = self._started(observer.on_next, scheduler)
        inner = self.root.subscribe(take, observer.on_error, observer.on_completed, scheduler=scheduler)
        return CompositeDisposable(inner, *kept)

    def _started(
        self, take: Callable[[object], None], scheduler: abc.SchedulerBase | None
    ) -> tuple[Callable[[object], None], list[abc.DisposableBase]]:
        """The row's first function, and what is to be disposed with it."""
        kept: list[abc.DisposableBase] = []
        for start in reversed(self.starts):
            emit, take = take, start(take, scheduler)
            if isinstance(scheduler, SessionScheduler) and take is not emit and start.__module__ != _TRACE:
                kept.append(scheduler.kept.add(operator_of(start), (take,), emit))
        return take, kept


def timed(scheduler: abc.SchedulerBase | None) -> abc.SchedulerBase:
    """The scheduler that timers run on; raises `NotDeterministic` where none was passed down."""
    if scheduler is None:
        raise NotDeterministic("this operator needs the session's time: subscribe with scheduler=feeds.scheduler")
    return scheduler


def one_of(name: str, word: str, *words: str) -> str:
    """Raises `WrongUse` for another word: it would be taken for one of these."""
    if word not in words:
        raise WrongUse(f"{name} must be {' or '.join(words)}, not {word}")
    return word


def positive(name: str, number: float) -> float:
    """Raises `WrongUse` where a parameter that must be above zero is not."""
    if not 0 < number < float("inf"):
        raise WrongUse(f"{name} must be above zero and finite, not {number}")
    return number
