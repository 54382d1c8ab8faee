"""Several streams as one, without glitches."""

from collections.abc import Callable
from typing import TypeVar, cast, overload

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable

from state.errors import WrongUse
from streams.operators.keep import UNSAID, Kept, keep
from streams.operators.settling import Settling

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F")


@overload
def combine(a: Observable[A], b: Observable[B], /) -> Observable[tuple[A, B]]: ...
@overload
def combine(a: Observable[A], b: Observable[B], c: Observable[C], /) -> Observable[tuple[A, B, C]]: ...
@overload
def combine(
    a: Observable[A], b: Observable[B], c: Observable[C], d: Observable[D], /
) -> Observable[tuple[A, B, C, D]]: ...
@overload
def combine(
    a: Observable[A], b: Observable[B], c: Observable[C], d: Observable[D], e: Observable[E], /
) -> Observable[tuple[A, B, C, D, E]]: ...
@overload
def combine(
    a: Observable[A], b: Observable[B], c: Observable[C], d: Observable[D], e: Observable[E], f: Observable[F], /
) -> Observable[tuple[A, B, C, D, E, F]]: ...
def combine(*inputs: Observable[object]) -> Observable[tuple[object, ...]]:
    """The latest value of each input, once a settled tick in which any of them spoke, from when all have spoken.

        a             --1-----------2-------
        b             -----x--------y---z---   (2 and y in one tick)
        combine(a, b) -----(1,x)----(2,y)(2,z)

    RxPY's `combine_latest` would also say (2, x), half a diamond that never was. Inputs are subscribed in order, then
    `settled`, so a `combine` of combines is one output a tick too. Completes when all inputs have; an error ends it
    at once. Constant time; one value of memory an input. Raises `NotDeterministic` where no scheduler is passed down.
    """
    if not inputs:
        raise WrongUse("combine needs at least one stream")

    def subscribe(
        observer: abc.ObserverBase[tuple[object, ...]], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        latest: list[object] = [UNSAID] * len(inputs)
        unsaid = running = len(inputs)

        def act() -> None:
            if not unsaid:
                observer.on_next(tuple(latest))

        settling = Settling(scheduler, act)

        def taker(place: int) -> Callable[[object], None]:
            def on_next(value: object) -> None:
                nonlocal unsaid
                if latest[place] is UNSAID:
                    unsaid -= 1
                latest[place] = value
                settling.mark()

            return on_next

        def on_completed() -> None:
            nonlocal running
            running -= 1
            if not running:
                settling.flush()
                observer.on_completed()

        kept = keep(scheduler, on_completed, act, taker(0))
        subscriptions = [
            one.subscribe(taker(place), observer.on_error, on_completed, scheduler=scheduler)
            for place, one in enumerate(inputs)
        ]
        return CompositeDisposable(*subscriptions, settling.start(), kept)

    return cast(Observable[tuple[object, ...]], Kept(subscribe))
