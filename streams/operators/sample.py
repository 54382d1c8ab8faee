"""What was said last, whenever another stream speaks."""

from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable, Disposable

from streams.operators.keep import Kept, keep
from streams.operators.losses import Losses
from streams.operators.settling import Settling
from streams.scheduler import SessionScheduler

T = TypeVar("T")


def sample(trigger: Observable[object], losses: Losses | None = None) -> Callable[[Observable[T]], Observable[T]]:
    """The newest value that was not said yet, once a settled tick in which `trigger` spoke.

        x               --1---2---3-------4---
        trigger         ----|-------|---|-|---   (4 and | in one tick)
        sample(trigger) ----1-------3-----4---

    Unlike RxPY's own (https://reactivex.io/documentation/operators/sample.html), a value that the same tick brings after the
    trigger is in it. With `feeds.settled` as the trigger it speaks at the end of every tick that had a value. Values that a
    newer one replaced are lost and counted: taken = given + lost + held; completion and disposal lose what is held. Completes
    with the values. Constant time, one value of memory. Raises `NotDeterministic` where no scheduler is passed down.
    """
    counts = losses if losses is not None else Losses()

    def operator(source: Observable[T]) -> Observable[T]:
        def subscribe(observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            held: list[T] = []  # at most one

            def give() -> None:
                if held:
                    counts.given += 1
                    observer.on_next(held.pop())

            def on_next(value: T) -> None:
                counts.taken += 1
                counts.lost += len(held)
                held[:] = [value]

            def on_trigger(_: object) -> None:
                if is_settled:
                    give()
                else:
                    settling.mark()

            def drop() -> None:
                counts.lost += len(held)
                held.clear()

            settling = Settling(scheduler, give)
            is_settled = isinstance(scheduler, SessionScheduler) and trigger is scheduler.settled
            return CompositeDisposable(
                source.subscribe(on_next, observer.on_error, observer.on_completed, scheduler=scheduler),
                trigger.subscribe(on_trigger, observer.on_error, scheduler=scheduler),
                settling.start(),
                Disposable(drop),
                keep(scheduler, on_next, on_trigger),
            )

        return Kept(subscribe)

    return operator
