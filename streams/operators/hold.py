"""Something that happened, remembered for a while."""

from collections.abc import Callable

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable

from streams.operators.keep import Alarm, Kept, keep
from streams.operators.lift import positive
from streams.scheduler import clock_of


def hold(hold_s: float) -> Callable[[Observable[object]], Observable[bool]]:
    """True at a value, False at the start and once nothing has come for `hold_s`; said when it changes.

        x       ----x---x---------x-----
        hold(5) F---T--------F----T----F   (1 character = 1 s)

    The retriggerable monostable of Horowitz, Hill, "The art of electronics" (1980): `when(large.pipe(op.hold(5)))` acts for five
    seconds after each large trade. On virtual time; constant time and memory. Raises `NotDeterministic` where no scheduler is
    passed down.
    """
    hold_ns = round(positive("hold_s", hold_s) * 1e9)

    def operator(source: Observable[object]) -> Observable[bool]:
        def subscribe(
            observer: abc.ObserverBase[bool], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            clock = clock_of(scheduler)
            is_held = False

            def let_go() -> None:
                nonlocal is_held
                is_held = False
                observer.on_next(False)

            def on_next(_: object) -> None:
                nonlocal is_held
                alarm.at(clock() + hold_ns)
                if not is_held:
                    is_held = True
                    observer.on_next(True)

            alarm = Alarm(scheduler, let_go)
            observer.on_next(False)
            inner = source.subscribe(on_next, observer.on_error, observer.on_completed, scheduler=scheduler)
            return CompositeDisposable(inner, alarm, keep(scheduler, on_next))

        return Kept(subscribe)

    return operator
