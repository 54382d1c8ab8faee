"""Volatility from highs and lows."""

from collections.abc import Callable
from math import log, sqrt

from reactivex import abc

from state.events import Candle
from streams.operators.lift import Operator, lift
from streams.operators.rolling import Moments, at_least


def parkinson(count: int) -> Operator[Candle, float]:
    """1e4 x sqrt(mean(ln(high / low)^2) / (4 ln 2 x interval_s)) of the last `count` closed candles, bps per sqrt(second).

        candles (1 s) --(h 100.1 l 100)---(h 100 l 100)---
        parkinson(2)  --6.0---------------4.2-------------

    Parkinson, "The extreme value method for estimating the variance of the rate of return" (1980). Candles still open, without
    an interval, or with prices not above zero are left out. Biased low where trades are few. Constant time, `count` numbers of
    memory.
    """
    at_least("count", count, 1)

    def start(emit: Callable[[float], None], _: abc.SchedulerBase | None) -> Callable[[Candle], None]:
        ranges = Moments(count)

        def on_next(candle: Candle) -> None:
            if candle.closed and candle.interval_s > 0 and candle.high >= candle.low > 0:
                spread = log(candle.high / candle.low)
                ranges.add(spread * spread / candle.interval_s)
                emit(1e4 * sqrt(max(0.0, ranges.mean()) / (4 * log(2))))

        return on_next

    return lift(start)
