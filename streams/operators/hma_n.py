"""Hull's average by count."""

from collections.abc import Callable
from math import isfinite, isqrt

from reactivex import abc

from streams.operators.lift import Operator, lift
from streams.operators.rolling import Ramp, at_least


def hma_n(count: int) -> Operator[float, float]:
    """WMA(2 WMA(x, count / 2) - WMA(x, count), sqrt(count)), whole numbers down, same unit as x; of fewer while there are fewer.

        x        --1---2---3---4---5---
        hma_n(4) --1---1.4-2.6-3.9-5---

    Hull, "How to reduce lag in a moving average" (2005), https://alanhull.com/hull-moving-average: it runs ahead where the price
    turns. By time: `hma`. NaN and infinities are left out. Constant time, at most 2 `count` numbers of memory.
    """
    at_least("count", count, 2)

    def start(emit: Callable[[float], None], _: abc.SchedulerBase | None) -> Callable[[float], None]:
        half, whole, last = Ramp(count // 2), Ramp(count), Ramp(isqrt(count))

        def on_next(x: float) -> None:
            if isfinite(x):
                emit(last.add(2 * half.add(x) - whole.add(x)))

        return on_next

    return lift(start)
