"""Who was in a hurry lately."""

from collections.abc import Callable
from math import inf

from reactivex import abc

from state.events import Trade
from streams.operators.lift import Operator, lift
from streams.operators.window import Window
from streams.scheduler import clock_of


def trade_imbalance(window_s: float, buckets: int = 60) -> Operator[Trade, float]:
    """(bought - sold) / (bought + sold), sizes of the window's trades by taker side, in [-1, 1], at each trade.

        trades              --buy 3---sell 1---
        trade_imbalance(60) --1-------0.5------

    Order imbalance of Chordia, Roll, Subrahmanyam (2002), scaled by volume. The window is on virtual time (receipt)
    and moves in steps of window_s / buckets (see `Window`). Trades without size are left out. Constant time and
    memory. Raises `NotDeterministic` where no scheduler is passed down.
    """
    Window(window_s, buckets)  # wrong parameters are told where they are written

    def start(emit: Callable[[float], None], scheduler: abc.SchedulerBase | None) -> Callable[[Trade], None]:
        clock = clock_of(scheduler)
        window = Window(window_s, buckets)

        def on_next(trade: Trade) -> None:
            size = trade.size
            if not 0 < size < inf:
                return
            if trade.side == "buy":
                window.add(clock(), size, 0.0)
            else:
                window.add(clock(), 0.0, size)
            bought, sold = window.total_a, window.total_b
            emit((bought - sold) / (bought + sold))

        return on_next

    return lift(start)
