"""Linearly weighted average by time."""

from collections.abc import Callable
from math import isfinite

from reactivex import abc

from streams.operators.lift import Operator, lift
from streams.operators.rolling import RampWindow
from streams.scheduler import clock_of


def wma(window_s: float, buckets: int = 60) -> Operator[float, float]:
    """sum(w_i x_i) / sum(w_i) over the window, w_i the time from where the window begins to x_i, same unit as x, at each value.

        x          --1---4-----   (1 s apart)
        wma(3, 3)  --1---3-----   (weights 1 and 2 s)

    The linearly weighted average of Macaulay, "The smoothing of time series" (1931), for values at uneven times. The window is on
    virtual time and moves in steps of window_s / buckets, whole buckets leaving with it. By count: `wma_n`. NaN and infinities
    are left out. Constant time and memory. Raises `NotDeterministic` where no scheduler is passed down.
    """
    RampWindow.of(window_s, buckets)  # wrong parameters are told where they are written

    def start(emit: Callable[[float], None], scheduler: abc.SchedulerBase | None) -> Callable[[float], None]:
        clock = clock_of(scheduler)
        window = RampWindow.of(window_s, buckets)

        def on_next(x: float) -> None:
            if isfinite(x):
                emit(window.add(clock(), x))

        return on_next

    return lift(start)
