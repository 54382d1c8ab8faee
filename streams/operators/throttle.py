"""At most one value an interval, the newest."""

from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable, Disposable

from streams.operators.keep import Alarm, Kept, keep
from streams.operators.lift import positive
from streams.operators.losses import Losses
from streams.scheduler import clock_of

T = TypeVar("T")


def throttle(interval_s: float, losses: Losses | None = None) -> Callable[[Observable[T]], Observable[T]]:
    """The first value at once, then no more than one every `interval_s`, always the newest.

        x           --1-23---4---------5---
        throttle(3) --1--3-----4-------5---   (1 character = 1 s; 2 is lost)

    Values that a newer one replaced before their turn are lost and counted: taken = given + lost + held. Completion
    gives what is held; disposal loses it. On virtual time; constant time, one value of memory. Raises
    `NotDeterministic` where no scheduler is passed down.
    """
    interval_ns = round(positive("interval_s", interval_s) * 1e9)
    counts = losses if losses is not None else Losses()

    def operator(source: Observable[T]) -> Observable[T]:
        def subscribe(observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            clock = clock_of(scheduler)
            held: list[T] = []  # at most one
            next_ns: int | None = None

            def give(value: T) -> None:
                nonlocal next_ns
                next_ns = clock() + interval_ns
                counts.given += 1
                observer.on_next(value)

            def due() -> None:
                if held:
                    give(held.pop())

            def on_next(value: T) -> None:
                counts.taken += 1
                if held:
                    counts.lost += 1
                    held[0] = value
                    return
                if next_ns is None or next_ns <= clock():
                    give(value)
                else:
                    held.append(value)
                    alarm.at(next_ns)

            def on_completed() -> None:
                if held:
                    give(held.pop())
                observer.on_completed()

            def drop() -> None:
                counts.lost += len(held)
                held.clear()

            alarm = Alarm(scheduler, due)
            inner = source.subscribe(on_next, observer.on_error, on_completed, scheduler=scheduler)
            return CompositeDisposable(inner, alarm, Disposable(drop), keep(scheduler, on_next))

        return Kept(subscribe)

    return operator
