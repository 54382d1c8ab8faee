"""Exponential average by half-life in time."""

from collections.abc import Callable
from math import expm1, isfinite, log

from reactivex import abc

from streams.operators.lift import Operator, lift, positive
from streams.scheduler import clock_of


def ema(half_life_s: float) -> Operator[float, float]:
    """y += (1 - 2^(-dt / half_life_s)) (x - y), dt the virtual time since the last instant with a value; y starts at x.

        x           --10---20--------20---
        ema(1)      --10---15--------17.5-   (1 s apart)

    The "next point" average for uneven times of Müller, "Specially weighted moving averages with repeated application
    of the EMA operator" (1991), and Eckner, "Algorithms for unevenly spaced time series" (2019): after silence the
    new value counts nearly whole. Of several values of one instant the last stands for it. Same unit as x; NaN and
    infinities are left out. Constant time and memory. Raises `NotDeterministic` where no scheduler is passed down.
    """
    rate = -log(2) / (positive("half_life_s", half_life_s) * 1e9)

    def start(emit: Callable[[float], None], scheduler: abc.SchedulerBase | None) -> Callable[[float], None]:
        clock = clock_of(scheduler)
        at: int | None = None
        before = value = 0.0  # average before this instant, and with it
        weight = 1.0

        def on_next(x: float) -> None:
            nonlocal at, before, value, weight
            if not isfinite(x):
                return
            now = clock()
            if at is None:
                before = x
                at = now
            elif now != at:
                before = value
                weight = -expm1(rate * (now - at))
                at = now
            value = before + weight * (x - before) if weight < 1 else x
            emit(value)

        return on_next

    return lift(start)
