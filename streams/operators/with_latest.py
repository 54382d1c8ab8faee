"""A stream's values with what others said last."""

from collections.abc import Callable
from typing import TypeVar, overload

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable

from streams.operators.keep import UNSAID, Kept, keep

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")


@overload
def with_latest(a: Observable[A], /) -> Callable[[Observable[T]], Observable[tuple[T, A]]]: ...
@overload
def with_latest(a: Observable[A], b: Observable[B], /) -> Callable[[Observable[T]], Observable[tuple[T, A, B]]]: ...
@overload
def with_latest(
    a: Observable[A], b: Observable[B], c: Observable[C], /
) -> Callable[[Observable[T]], Observable[tuple[T, A, B, C]]]: ...
def with_latest(*others: Observable[object]) -> Callable[[Observable[T]], Observable[tuple[object, ...]]]:
    """Each value with the latest of every other stream, from when all others have spoken; earlier values are left out.

        x              --1------2---3---
        a              -----p-----q-----
        with_latest(a) ---------(2,p)(3,q)

    It pairs at the moment the value comes, so a change of `a` later in the same tick is not in it: where that
    matters, `combine`. Others are subscribed first. Completes with the values. Constant time; one value of memory
    each. Without the lock that RxPY's `with_latest_from` takes for each value.
    """

    def operator(source: Observable[T]) -> Observable[tuple[object, ...]]:
        def subscribe(
            observer: abc.ObserverBase[tuple[object, ...]], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            latest: list[object] = [UNSAID] * len(others)
            unsaid = len(others)

            def taker(place: int) -> Callable[[object], None]:
                def on_next(value: object) -> None:
                    nonlocal unsaid
                    if latest[place] is UNSAID:
                        unsaid -= 1
                    latest[place] = value

                return on_next

            def on_next(value: T) -> None:
                if not unsaid:
                    observer.on_next((value, *latest))

            subscriptions = [
                one.subscribe(taker(place), observer.on_error, scheduler=scheduler) for place, one in enumerate(others)
            ]
            return CompositeDisposable(
                *subscriptions,
                source.subscribe(on_next, observer.on_error, observer.on_completed, scheduler=scheduler),
                keep(scheduler, on_next, taker(0)),
            )

        return Kept(subscribe)

    return operator
