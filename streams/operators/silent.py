"""Whether a stream has fallen silent, by a cadence that is learned from it."""

from collections.abc import Callable
from math import exp2

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable

from state.errors import WrongUse
from streams.operators.keep import Alarm, Kept, keep
from streams.operators.lift import positive
from streams.scheduler import clock_of

_HALF_LIFE_NS = 300e9
_LEARNED_FROM = 20  # gaps; before, only `most_s` says what is silence


def silent(
    factor: float = 3.0, *, least_s: float = 1.0, most_s: float = 30.0
) -> Callable[[Observable[object]], Observable[bool]]:
    """True once nothing has come for `factor` x its longest gap of late, within `least_s` and `most_s`; False at a value.

        x                 --x-x-x-x-x-x---------x-x---
        silent(3) (learned) F-----------T-------F-----

    The longest gap fades by half in five minutes, so a market that slows down is followed; one that was called silence counts as
    no more than what made it one. Said when it changes, and False at the first value. After Chen, Toueg, Aguilera, "On the
    quality of service of failure detectors" (2002), with a fading maximum as the margin. Constant time and memory. Raises
    `NotDeterministic` where no scheduler is passed down.
    """
    least_ns, most_ns = positive("least_s", least_s) * 1e9, positive("most_s", most_s) * 1e9
    if positive("factor", factor) and least_ns > most_ns:
        raise WrongUse(f"least_s {least_s} must not be above most_s {most_s}")

    def operator(source: Observable[object]) -> Observable[bool]:
        def subscribe(
            observer: abc.ObserverBase[bool], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            clock = clock_of(scheduler)
            said: bool | None = None
            heard_ns = clock()
            longest_ns = 0.0
            gaps = 0

            def limit_ns() -> int:
                return round(min(max(factor * longest_ns, least_ns), most_ns) if gaps >= _LEARNED_FROM else most_ns)

            def due() -> None:
                nonlocal said
                if heard_ns + limit_ns() > clock():
                    alarm.at(heard_ns + limit_ns())
                elif said is not True:
                    said = True
                    observer.on_next(True)

            def on_next(_: object) -> None:
                nonlocal said, heard_ns, longest_ns, gaps
                now = clock()
                gap, heard_ns = now - heard_ns, now
                if said is not None:
                    counted = gap if gap <= least_ns else min(gap, limit_ns())  # no limit is below `least_s`
                    longest_ns = max(longest_ns * exp2(-gap / _HALF_LIFE_NS), counted)
                    gaps += 1
                if said is not False or gaps == _LEARNED_FROM:  # else it is set, and looks again when it is due
                    alarm.at(now + limit_ns())
                if said is not False:
                    said = False
                    observer.on_next(False)

            alarm = Alarm(scheduler, due)
            alarm.at(heard_ns + limit_ns())
            inner = source.subscribe(on_next, observer.on_error, observer.on_completed, scheduler=scheduler)
            return CompositeDisposable(inner, alarm, keep(scheduler, on_next, due))

        return Kept(subscribe)

    return operator
