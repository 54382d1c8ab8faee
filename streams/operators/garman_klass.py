"""Volatility from opens, highs, lows and closes."""

from collections.abc import Callable
from math import log, sqrt

from reactivex import abc

from state.events import Candle
from streams.operators.lift import Operator, lift
from streams.operators.rolling import Moments, at_least

_OF_CLOSE = 2 * log(2) - 1


def garman_klass(count: int) -> Operator[Candle, float]:
    """1e4 x sqrt(mean(ln(h / l)^2 / 2 - (2 ln 2 - 1) ln(c / o)^2) / interval_s) of `count` closed candles, bps per sqrt(second).

        candles (1 s)   --(o 100 h 100.1 l 100 c 100)---
        garman_klass(2) --7.1---------------------------

    Garman, Klass, "On the estimation of security price volatilities from historical data" (1980), the practical estimator.
    Candles still open, without an interval, or with prices not above zero are left out; a mean below zero counts as zero.
    Constant time, `count` numbers of memory.
    """
    at_least("count", count, 1)

    def start(emit: Callable[[float], None], _: abc.SchedulerBase | None) -> Callable[[Candle], None]:
        estimates = Moments(count)

        def on_next(candle: Candle) -> None:
            if not (candle.closed and candle.interval_s > 0 and candle.high >= candle.low > 0 and candle.open > 0):
                return
            if candle.close <= 0:
                return
            spread, change = log(candle.high / candle.low), log(candle.close / candle.open)
            estimates.add((spread * spread / 2 - _OF_CLOSE * change * change) / candle.interval_s)
            emit(1e4 * sqrt(max(0.0, estimates.mean())))

        return on_next

    return lift(start)
