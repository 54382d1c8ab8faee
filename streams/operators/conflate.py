"""The newest value of each settled tick."""

from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable, Disposable

from streams.operators.keep import Kept, keep
from streams.operators.losses import Losses
from streams.operators.settling import Settling

T = TypeVar("T")


def conflate(losses: Losses | None = None) -> Callable[[Observable[T]], Observable[T]]:
    """One value for each settled tick that had any: its last. (A burst of input is one tick.)

        x          --(1 2 3)---4---(5 6)---   (parentheses: one tick)
        conflate() --3---------4---6-------

    The others are lost and counted: taken = given + lost + held. Completion gives what is held; disposal loses it.
    Constant time, one value of memory. Raises `NotDeterministic` where no scheduler is passed down.
    """
    counts = losses if losses is not None else Losses()

    def operator(source: Observable[T]) -> Observable[T]:
        def subscribe(observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            held: list[T] = []  # at most one

            def give() -> None:
                counts.given += 1
                observer.on_next(held.pop())

            def on_next(value: T) -> None:
                counts.taken += 1
                if held:
                    counts.lost += 1
                    held[0] = value
                else:
                    held.append(value)
                settling.mark()

            def on_completed() -> None:
                settling.flush()
                observer.on_completed()

            def drop() -> None:
                counts.lost += len(held)
                held.clear()

            def give_held() -> None:
                if held:
                    give()

            settling = Settling(scheduler, give_held)
            inner = source.subscribe(on_next, observer.on_error, on_completed, scheduler=scheduler)
            return CompositeDisposable(inner, settling.start(), Disposable(drop), keep(scheduler, on_next))

        return Kept(subscribe)

    return operator
