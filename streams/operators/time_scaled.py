"""Volatility for another horizon."""

from collections.abc import Callable
from math import sqrt

from reactivex import abc

from streams.operators.lift import Operator, lift, positive


def time_scaled(horizon_s: float) -> Operator[float, float]:
    """x sqrt(horizon_s): bps per sqrt(second) become bps over the horizon.

        volatility     --2---3---
        time_scaled(4) --4---6---

    The square root of time of Bachelier, "Théorie de la spéculation" (1900): it holds where returns do not depend on each other.
    Constant time, no memory.
    """
    factor = sqrt(positive("horizon_s", horizon_s))

    def start(emit: Callable[[float], None], _: abc.SchedulerBase | None) -> Callable[[float], None]:
        def on_next(x: float) -> None:
            emit(x * factor)

        return on_next

    return lift(start)
