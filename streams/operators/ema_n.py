"""Exponential average by count."""

from collections.abc import Callable
from math import isfinite

from reactivex import abc

from streams.operators.lift import Operator, lift
from streams.operators.rolling import at_least


def ema_n(span: int) -> Operator[float, float]:
    """y += 2 / (span + 1) x (x - y) at each value, whatever the time between; y starts at x. Same unit as x.

        x        --10---20---20-----
        ema_n(3) --10---15---17.5---

    Roberts, "Control chart tests based on geometric moving averages" (1959). By time: `ema`. NaN and infinities are left out.
    Constant time and memory.
    """
    weight = 2 / (at_least("span", span, 1) + 1)

    def start(emit: Callable[[float], None], _: abc.SchedulerBase | None) -> Callable[[float], None]:
        value: float | None = None

        def on_next(x: float) -> None:
            nonlocal value
            if isfinite(x):
                value = x if value is None else value + weight * (x - value)
                emit(value)

        return on_next

    return lift(start)
