"""How wide the band around the average is."""

from collections.abc import Callable
from math import isfinite, sqrt

from reactivex import abc

from streams.operators.lift import Operator, lift, positive
from streams.operators.rolling import Moments, at_least


def bollinger_width(count: int = 20, deviations: float = 2.0) -> Operator[float, float]:
    """1e4 x 2 x deviations x sd / mean of the last `count` values, bps of their mean, at each value once there are `count`.

        x                  --99---101---99---
        bollinger_width(2) -------400---400--

    Bollinger, "Bollinger on Bollinger Bands" (2001), BandWidth, with the population's deviation. NaN and infinities are left out;
    says nothing while the mean is zero. Constant time, `count` numbers of memory.
    """
    at_least("count", count, 2)
    scale = 2e4 * positive("deviations", deviations)

    def start(emit: Callable[[float], None], _: abc.SchedulerBase | None) -> Callable[[float], None]:
        recent = Moments(count)

        def on_next(x: float) -> None:
            if not isfinite(x):
                return
            recent.add(x)
            if len(recent.numbers) == count:
                mean = recent.mean()
                if mean:
                    emit(scale * sqrt(recent.variance()) / abs(mean))

        return on_next

    return lift(start)
