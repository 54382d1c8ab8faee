"""Volatility over a window of time."""

from collections.abc import Callable
from math import isfinite, log, sqrt

from reactivex import abc

from state.events import Trade
from streams.operators.lift import Operator, lift
from streams.operators.window import Window
from streams.scheduler import clock_of


def realized_volatility(window_s: float, buckets: int = 60) -> Operator[Trade | float, float]:
    """sqrt(sum of r_i^2 in the window / seconds that it covers) in bps per sqrt(second), at each price.

        price                  --100---100.1---100.1---
        realized_volatility(9) --------10-------7.1----   (1 s apart: |r| = 10 bps, then 0)

    r_i = 1e4 ln(p_i / p_(i-1)). Realized variance of Andersen, Bollerslev, Diebold, Labys, "Modeling and forecasting
    realized volatility" (2003). The window moves in steps of window_s / buckets (see `Window`) and is as long as what
    has been seen of it. Says nothing before time has passed; a price that is not above zero and finite is left out.
    Constant time and memory. Raises `NotDeterministic` where no scheduler is passed down.
    """
    Window(window_s, buckets)  # wrong parameters are told where they are written

    def start(emit: Callable[[float], None], scheduler: abc.SchedulerBase | None) -> Callable[[Trade | float], None]:
        clock = clock_of(scheduler)
        window = Window(window_s, buckets)
        first = 0
        last = 0.0

        def on_next(said: Trade | float) -> None:
            nonlocal first, last
            price = said.price if isinstance(said, Trade) else said
            if not (price > 0 and isfinite(price)):
                return
            now = clock()
            if not last:
                first = now
                last = price
                return
            change = 1e4 * log(price / last)
            last = price
            window.add(now, change * change)
            covered_ns = now - max(first, window.since_ns)
            if covered_ns > 0:
                emit(sqrt(window.total_a / (covered_ns * 1e-9)))

        return on_next

    return lift(start)
