"""`combine` and `throttle` in one, for who hears several streams at every change of a book and acts now and then."""

from collections.abc import Callable, Sequence
from typing import TypeVar, cast, overload

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable

from state.errors import WrongUse
from streams.operators.combine import combine
from streams.operators.keep import UNSAID, Alarm, Kept, keep
from streams.operators.lift import positive
from streams.operators.settling import Settling
from streams.operators.throttle import throttle
from streams.scheduler import SessionScheduler

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F")


class _Thinned:
    """The state of one subscriber. While a value is held, an input that speaks is noted down and nothing else is done."""

    def __init__(
        self,
        scheduler: SessionScheduler,
        observer: abc.ObserverBase[tuple[object, ...]],
        inputs: int,
        interval_ns: int,
    ) -> None:
        self.alarm = Alarm(scheduler, self._due)
        self.settling = Settling(scheduler, self._act)
        self._timeline = scheduler.timeline
        self._observer = observer
        self._interval_ns = interval_ns
        self._latest: list[object] = [UNSAID] * inputs
        self._unsaid = self._running = inputs
        self._next_ns: int | None = None
        self._is_held = False
        self._touched = -1  # the tick in which an input spoke last while a value was held
        self._before: tuple[object, ...] = ()  # what was known before that tick

    def taker(self, place: int) -> Callable[[object], None]:
        """What takes the values of one input."""
        latest, timeline = self._latest, self._timeline

        def on_next(value: object) -> None:
            if self._is_held:
                if self._touched != timeline.settles:
                    self._touched = timeline.settles
                    self._before = tuple(latest)
                latest[place] = value
                return
            if latest[place] is UNSAID:
                self._unsaid -= 1
            latest[place] = value
            self.settling.mark()

        return on_next

    def ended(self) -> None:
        """One of the inputs has."""
        self._running -= 1
        if not self._running:
            self.settling.flush()
            if self._is_held:
                self._is_held = False
                self._give(tuple(self._latest))
            self._observer.on_completed()

    def dump(self) -> tuple[object, ...]:
        """Between two ticks what is held is what is known."""
        return tuple(self._latest), self._running, self._next_ns, self._is_held

    def load(self, state: object, /) -> None:
        latest, self._running, self._next_ns, self._is_held = cast(
            "tuple[Sequence[object], int, int | None, bool]", state
        )
        self._latest[:] = latest
        self._unsaid = self._latest.count(UNSAID)
        self._touched = -1

    def _act(self) -> None:
        if self._unsaid:
            return
        if self._next_ns is None or self._next_ns <= self._timeline.now_ns:
            self._give(tuple(self._latest))
        else:
            self._is_held = True
            self.alarm.at(self._next_ns)

    def _due(self) -> None:
        self._is_held = False
        if self._touched == self._timeline.settles:  # by a timer of the same instant: that is for the next turn
            self.settling.mark()
            self._give(self._before)
        else:
            self._give(tuple(self._latest))

    def _give(self, values: tuple[object, ...]) -> None:
        self._next_ns = self._timeline.now_ns + self._interval_ns
        self._observer.on_next(values)


@overload
def combine_every(interval_s: float, a: Observable[A], b: Observable[B], /) -> Observable[tuple[A, B]]: ...
@overload
def combine_every(
    interval_s: float, a: Observable[A], b: Observable[B], c: Observable[C], /
) -> Observable[tuple[A, B, C]]: ...
@overload
def combine_every(
    interval_s: float, a: Observable[A], b: Observable[B], c: Observable[C], d: Observable[D], /
) -> Observable[tuple[A, B, C, D]]: ...
@overload
def combine_every(
    interval_s: float, a: Observable[A], b: Observable[B], c: Observable[C], d: Observable[D], e: Observable[E], /
) -> Observable[tuple[A, B, C, D, E]]: ...
@overload
def combine_every(
    interval_s: float, a: Observable[A], b: Observable[B], c: Observable[C], d: Observable[D], e: Observable[E],
    f: Observable[F], /,
) -> Observable[tuple[A, B, C, D, E, F]]: ...  # fmt: skip
def combine_every(interval_s: float, *inputs: Observable[object]) -> Observable[tuple[object, ...]]:
    """The latest value of each input, at most once every `interval_s`: what `throttle(interval_s)` says behind `combine`.

        a                      --1------2---3----------
        b                      --x--------------y------
        combine_every(8, a, b) --(1,x)---(2,x)---(3,y)-   (1 character = 1 s)

    It costs less than the two: while a value waits for its turn, an input that speaks is noted down, and no tick has to
    settle for it. Completes when all inputs have, with what is held; an error ends it at once. Constant time; two values
    of memory an input. Raises `NotDeterministic` where no scheduler is passed down.
    """
    interval_ns = round(positive("interval_s", interval_s) * 1e9)
    if not inputs:
        raise WrongUse("combine_every needs at least one stream")

    def subscribe(
        observer: abc.ObserverBase[tuple[object, ...]], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        if not isinstance(scheduler, SessionScheduler):
            return throttle(interval_s)(combine(*inputs)).subscribe(observer, scheduler=scheduler)
        thinned = _Thinned(scheduler, observer, len(inputs), interval_ns)

        def on_completed() -> None:
            thinned.ended()

        kept = keep(scheduler, on_completed, thinned.alarm)
        subscriptions = [
            one.subscribe(thinned.taker(place), observer.on_error, on_completed, scheduler=scheduler)
            for place, one in enumerate(inputs)
        ]
        return CompositeDisposable(*subscriptions, thinned.settling.start(), thinned.alarm, kept)

    return cast(Observable[tuple[object, ...]], Kept(subscribe))
