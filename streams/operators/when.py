"""Values only while something holds."""

from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable

from streams.operators.keep import Kept, keep
from streams.operators.losses import Losses

T = TypeVar("T")


def when(healthy: Observable[bool], losses: Losses | None = None) -> Callable[[Observable[T]], Observable[T]]:
    """Passes values while `healthy` last said True; before its first word it has not.

        healthy       ----T-------F-----T---
        x             --1---2---3---4-----5-
        when(healthy) ------2---3---------5-

    What comes otherwise is lost and counted. It stops values, it does not pull quotes: `to_intents` does that.
    `healthy` is subscribed first, so a change in the same tick counts already. Completes with the values.
    """
    counts = losses if losses is not None else Losses()

    def operator(source: Observable[T]) -> Observable[T]:
        def subscribe(observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            is_open = False

            def on_health(word: bool) -> None:
                nonlocal is_open
                is_open = word

            def on_next(value: T) -> None:
                counts.taken += 1
                if is_open:
                    counts.given += 1
                    observer.on_next(value)
                else:
                    counts.lost += 1

            return CompositeDisposable(
                healthy.subscribe(on_health, observer.on_error, scheduler=scheduler),
                source.subscribe(on_next, observer.on_error, observer.on_completed, scheduler=scheduler),
                keep(scheduler, on_next, on_health),
            )

        return Kept(subscribe)

    return operator
