"""What buyers took more than sellers."""

from collections.abc import Callable
from math import inf

from reactivex import abc

from state.events import Trade
from streams.operators.lift import Operator, lift
from streams.operators.window import Window
from streams.scheduler import clock_of


def signed_volume(window_s: float, buckets: int = 60) -> Operator[Trade, float]:
    """sum(size of buys) - sum(size of sells) over the window, by taker side, base, at each trade.

        trades            --buy 3---sell 1---
        signed_volume(60) --3-------2--------

    The order flow of Evans, Lyons, "Order flow and exchange rate dynamics" (2002), in size instead of in number. The window is
    on virtual time (receipt) and moves in steps of window_s / buckets (see `Window`). Trades without size are left out.
    Constant time and memory. Raises `NotDeterministic` where no scheduler is passed down.
    """
    Window(window_s, buckets)  # wrong parameters are told where they are written

    def start(emit: Callable[[float], None], scheduler: abc.SchedulerBase | None) -> Callable[[Trade], None]:
        clock = clock_of(scheduler)
        window = Window(window_s, buckets)

        def on_next(trade: Trade) -> None:
            size = trade.size
            if 0 < size < inf:
                window.add(clock(), size if trade.side == "buy" else -size)
                emit(window.total_a)

        return on_next

    return lift(start)
