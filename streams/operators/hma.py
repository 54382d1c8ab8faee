"""Hull's average by time."""

from collections.abc import Callable
from math import isfinite, isqrt

from reactivex import abc

from streams.operators.lift import Operator, lift
from streams.operators.rolling import RampWindow, at_least
from streams.scheduler import clock_of


def hma(window_s: float, buckets: int = 64) -> Operator[float, float]:
    """WMA(2 WMA(x, n / 2) - WMA(x, n), sqrt(n)), averages by time over n = `buckets` periods of window_s / n, same unit as x.

        x       --1---2---3---4---     (1 s apart)
        hma(16) --1---1.4-2.0-2.6-     (still filling; later it runs with the line)

    Hull, "How to reduce lag in a moving average" (2005), https://alanhull.com/hull-moving-average, at each value; n / 2 and
    sqrt(n) are whole numbers, down. By count: `hma_n`. NaN and infinities are left out. Constant time and memory. Raises
    `NotDeterministic` where no scheduler is passed down.
    """
    at_least("buckets", buckets, 4)
    RampWindow.of(window_s, buckets)  # wrong parameters are told where they are written
    period_s = window_s / buckets

    def start(emit: Callable[[float], None], scheduler: abc.SchedulerBase | None) -> Callable[[float], None]:
        clock = clock_of(scheduler)
        half, whole, last = (RampWindow.of(period_s * n, n) for n in (buckets // 2, buckets, isqrt(buckets)))

        def on_next(x: float) -> None:
            if isfinite(x):
                now = clock()
                emit(last.add(now, 2 * half.add(now, x) - whole.add(now, x)))

        return on_next

    return lift(start)
