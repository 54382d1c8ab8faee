"""Average price paid over a window of time."""

from collections.abc import Callable
from math import isfinite

from reactivex import abc

from state.events import Trade
from streams.operators.lift import Operator, lift
from streams.operators.window import Window
from streams.scheduler import clock_of


def vwap(window_s: float, buckets: int = 60) -> Operator[Trade, float]:
    """sum(price x size) / sum(size) over the trades of the window, quote per base, at each trade.

        trades   --10x1---13x2---
        vwap(60) --10-----12-----

    Berkowitz, Logue, Noser, "The total cost of transactions on the NYSE" (1988). The window is on virtual time
    (receipt) and moves in steps of window_s / buckets (see `Window`). Between trades it says nothing. Trades without
    size are left out. Constant time and memory. Raises `NotDeterministic` where no scheduler is passed down.
    """
    Window(window_s, buckets)  # wrong parameters are told where they are written

    def start(emit: Callable[[float], None], scheduler: abc.SchedulerBase | None) -> Callable[[Trade], None]:
        clock = clock_of(scheduler)
        window = Window(window_s, buckets)

        def on_next(trade: Trade) -> None:
            size = trade.size
            turnover = trade.price * size
            if size > 0 and isfinite(turnover):
                window.add(clock(), turnover, size)
                emit(window.total_a / window.total_b)

        return on_next

    return lift(start)
