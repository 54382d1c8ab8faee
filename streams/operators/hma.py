"""Hull's average by time."""

from collections.abc import Callable
from math import isfinite, sqrt

from reactivex import abc

from streams.operators.lift import Operator, lift
from streams.operators.rolling import RampWindow, at_least
from streams.scheduler import clock_of


def hma(window_s: float, buckets: int = 64) -> Operator[float, float]:
    """WMA(2 WMA(x, window / 2) - WMA(x, window), window / sqrt(buckets)), the averages by time, same unit as x, at each value.

        x       --1---2---3---4---     (1 s apart)
        hma(16) --1---1.4-2.0-2.6-     (still filling; later it runs with the line)

    Hull, "How to reduce lag in a moving average" (2005), https://alanhull.com/hull-moving-average, with a bucket for his period:
    n periods of window / n each, the last average over sqrt(n) of them. By count: `hma_n`. NaN and infinities are left out.
    Constant time and memory. Raises `NotDeterministic` where no scheduler is passed down.
    """
    at_least("buckets", buckets, 4)
    RampWindow.of(window_s, buckets)  # wrong parameters are told where they are written

    def start(emit: Callable[[float], None], scheduler: abc.SchedulerBase | None) -> Callable[[float], None]:
        clock = clock_of(scheduler)
        half, whole = RampWindow.of(window_s / 2, buckets), RampWindow.of(window_s, buckets)
        last = RampWindow.of(window_s / sqrt(buckets), buckets)

        def on_next(x: float) -> None:
            if isfinite(x):
                now = clock()
                emit(last.add(now, 2 * half.add(now, x) - whole.add(now, x)))

        return on_next

    return lift(start)
