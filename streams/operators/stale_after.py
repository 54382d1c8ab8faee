"""Whether a stream has fallen silent."""

from collections.abc import Callable

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable

from streams.operators.keep import Alarm, Kept, keep
from streams.operators.lift import positive
from streams.scheduler import clock_of


def stale_after(age_s: float) -> Callable[[Observable[object]], Observable[bool]]:
    """True once nothing has come for `age_s`, False at the next value; said when it changes, and False at the first value.

        x              --x---x-----------x---
        stale_after(5) --F--------T------F---   (1 character = 1 s)

    The watchdog timer of Mahmood, McCluskey, "Concurrent error detection using watchdog processors" (1988), on virtual time: a
    source that never speaks is stale `age_s` after it was subscribed. Constant time and memory. Raises `NotDeterministic` where
    no scheduler is passed down.
    """
    age_ns = round(positive("age_s", age_s) * 1e9)

    def operator(source: Observable[object]) -> Observable[bool]:
        def subscribe(
            observer: abc.ObserverBase[bool], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            clock = clock_of(scheduler)
            said: bool | None = None

            def say(is_stale: bool) -> None:
                nonlocal said
                if is_stale is not said:
                    said = is_stale
                    observer.on_next(is_stale)

            def age() -> None:
                say(True)

            def on_next(_: object) -> None:
                alarm.at(clock() + age_ns)
                say(False)

            alarm = Alarm(scheduler, age)
            alarm.at(clock() + age_ns)
            inner = source.subscribe(on_next, observer.on_error, observer.on_completed, scheduler=scheduler)
            return CompositeDisposable(inner, alarm, keep(scheduler, on_next))

        return Kept(subscribe)

    return operator
