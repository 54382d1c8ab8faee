"""What was said last, once it has been quiet."""

from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable, Disposable

from streams.operators.keep import Alarm, Kept, keep
from streams.operators.lift import positive
from streams.operators.losses import Losses
from streams.scheduler import clock_of

T = TypeVar("T")


def debounce(quiet_s: float, losses: Losses | None = None) -> Callable[[Observable[T]], Observable[T]]:
    """The newest value, once nothing has come for `quiet_s`.

        x           --1-2-3---------4-----
        debounce(4) ----------3---------4-   (1 character = 1 s; 1 and 2 are lost)

    Values that another followed too soon are lost and counted: taken = given + lost + held. Completion gives what is held;
    disposal loses it. As RxPY's own (https://reactivex.io/documentation/operators/debounce.html), which can not be restarted. On
    virtual time; constant time, one value of memory. Raises `NotDeterministic` where no scheduler is passed down.
    """
    quiet_ns = round(positive("quiet_s", quiet_s) * 1e9)
    counts = losses if losses is not None else Losses()

    def operator(source: Observable[T]) -> Observable[T]:
        def subscribe(observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            clock = clock_of(scheduler)
            held: list[T] = []  # at most one

            def give() -> None:
                if held:
                    counts.given += 1
                    observer.on_next(held.pop())

            def on_next(value: T) -> None:
                counts.taken += 1
                counts.lost += len(held)
                held[:] = [value]
                alarm.at(clock() + quiet_ns)

            def on_completed() -> None:
                give()
                observer.on_completed()

            def drop() -> None:
                counts.lost += len(held)
                held.clear()

            alarm = Alarm(scheduler, give)
            inner = source.subscribe(on_next, observer.on_error, on_completed, scheduler=scheduler)
            return CompositeDisposable(inner, alarm, Disposable(drop), keep(scheduler, on_next))

        return Kept(subscribe)

    return operator
