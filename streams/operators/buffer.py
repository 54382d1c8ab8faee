"""Values gathered, never more than so many."""

from collections import deque
from collections.abc import Callable
from typing import Literal, TypeAlias, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable, Disposable

from streams.operators.keep import Alarm, Kept, keep
from streams.operators.lift import one_of, positive
from streams.operators.losses import Losses
from streams.operators.rolling import at_least
from streams.operators.settling import Settling
from streams.scheduler import clock_of

T = TypeVar("T")
Drop: TypeAlias = Literal["oldest", "newest"]


def buffer(
    capacity: int, every_s: float | None = None, *, drop: Drop = "oldest", losses: Losses | None = None
) -> Callable[[Observable[T]], Observable[tuple[T, ...]]]:
    """The values of each settled tick, or of each `every_s` from the first on, as one tuple of at most `capacity`.

        x                       --(1 2 3)---4-------   (parentheses: one tick)
        buffer(2)               --(2,3)-----(4)-----
        buffer(2, drop="newest")--(1,2)-----(4)-----

    What does not fit is lost and counted, the oldest or the newest: taken = given + lost + held, in values. Completion gives what
    is held; disposal loses it. RxJava's bounded `onBackpressureBuffer` (https://github.com/ReactiveX/RxPY/issues/261). Constant
    time, `capacity` values of memory. Raises `NotDeterministic` where no scheduler is passed down.
    """
    at_least("capacity", capacity, 1)
    one_of("drop", drop, "oldest", "newest")
    every_ns = None if every_s is None else round(positive("every_s", every_s) * 1e9)
    counts = losses if losses is not None else Losses()

    def operator(source: Observable[T]) -> Observable[tuple[T, ...]]:
        def subscribe(
            observer: abc.ObserverBase[tuple[T, ...]], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            clock = clock_of(scheduler)
            held: deque[T] = deque()

            def give() -> None:
                if held:
                    values = tuple(held)
                    held.clear()
                    counts.given += len(values)
                    observer.on_next(values)

            def on_next(value: T) -> None:
                counts.taken += 1
                if not held and every_ns is not None:
                    alarm.at(clock() + every_ns)
                if len(held) == capacity:
                    counts.lost += 1
                    if drop == "newest":
                        return
                    held.popleft()
                held.append(value)
                if every_ns is None:
                    settling.mark()

            def on_completed() -> None:
                give()
                observer.on_completed()

            def lose() -> None:
                counts.lost += len(held)

            alarm, settling = Alarm(scheduler, give), Settling(scheduler, give)
            inner = source.subscribe(on_next, observer.on_error, on_completed, scheduler=scheduler)
            return CompositeDisposable(inner, alarm, settling.start(), Disposable(lose), keep(scheduler, on_next))

        return Kept(subscribe)

    return operator
