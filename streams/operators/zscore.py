"""How unusual a value is."""

from collections.abc import Callable
from math import isfinite, sqrt

from reactivex import abc

from streams.operators.lift import Operator, lift
from streams.operators.rolling import Moments, at_least


def zscore(count: int) -> Operator[float, float]:
    """(x - mean) / sd of the last `count` values, x among them, in deviations, at each value once there are `count`.

        x         --1---3---3---
        zscore(2) ------1-------

    The standard score, Kreyszig, "Advanced engineering mathematics" (1979), with the population's deviation. Says nothing while
    the values do not differ. NaN and infinities are left out. Constant time, `count` numbers of memory.
    """
    at_least("count", count, 2)

    def start(emit: Callable[[float], None], _: abc.SchedulerBase | None) -> Callable[[float], None]:
        recent = Moments(count)

        def on_next(x: float) -> None:
            if not isfinite(x):
                return
            recent.add(x)
            if len(recent.numbers) == count:
                mean, deviation = recent.mean(), sqrt(recent.variance())
                if deviation > 1e-12 * abs(mean):  # below that it is what rounding left of equal numbers
                    emit((x - mean) / deviation)

        return on_next

    return lift(start)
