"""Linearly weighted average by count."""

from collections.abc import Callable
from math import isfinite

from reactivex import abc

from streams.operators.lift import Operator, lift
from streams.operators.rolling import Ramp, at_least


def wma_n(count: int) -> Operator[float, float]:
    """sum(k x_k) / sum(k) over the last `count` values, k = 1 for the oldest, same unit as x; of fewer while there are fewer.

        x        --1---4---4---
        wma_n(2) --1---3---4---

    The linearly weighted average of Macaulay, "The smoothing of time series" (1931). By time: `wma`. NaN and infinities are left
    out. Constant time, `count` numbers of memory.
    """
    at_least("count", count, 1)

    def start(emit: Callable[[float], None], _: abc.SchedulerBase | None) -> Callable[[float], None]:
        ramp = Ramp(count)

        def on_next(x: float) -> None:
            if isfinite(x):
                emit(ramp.add(x))

        return on_next

    return lift(start)
