"""How far the price moves for what is taken."""

from collections.abc import Callable
from math import inf

from reactivex import abc

from state.events import Trade
from streams.operators.lift import Operator, lift, positive
from streams.operators.rolling import Line, at_least
from streams.scheduler import clock_of


def kyle_lambda(interval_s: float = 1.0, count: int = 300) -> Operator[Trade, float]:
    """cov(dp, q) / var(q) over the last `count` intervals, quote per base squared; dp last prices' change, q signed volume.

        trades         |buy 2 @10|buy 1 @11|sell 3 @8|buy …   (| every interval_s)
        kyle_lambda(1) -------------------------------1----   (dp 1 and -3 on q 1 and -3)

    Kyle, "Continuous auctions and insider trading" (1985); estimated by regression over intervals as in Hasbrouck, "Trading costs
    and returns for U.S. equities" (2009). Intervals begin at multiples of `interval_s`; those without trades are left out, and
    each is concluded by the first trade after it. Says nothing before two intervals, nor while q did not vary. Constant time,
    `count` pairs of memory. Raises `NotDeterministic` where no scheduler is passed down.
    """
    interval_ns = round(positive("interval_s", interval_s) * 1e9)
    at_least("count", count, 2)

    def start(emit: Callable[[float], None], scheduler: abc.SchedulerBase | None) -> Callable[[Trade], None]:
        clock = clock_of(scheduler)
        line = Line(count)
        interval: int | None = None
        before: float | None = None  # last price of the interval before
        price = volume = 0.0

        def on_next(trade: Trade) -> None:
            nonlocal interval, before, price, volume
            if not (0 < trade.size < inf and 0 < trade.price < inf):
                return
            now = clock() // interval_ns
            if interval is not None and now != interval:
                if before is not None:
                    line.add(volume, price - before)
                before, volume = price, 0.0
                slope = line.slope() if len(line.xs) > 1 else None
                if slope is not None:
                    emit(slope)
            interval, price = now, trade.price
            volume += trade.size if trade.side == "buy" else -trade.size

        return on_next

    return lift(start)
