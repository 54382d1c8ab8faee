"""Volatility with an exponential memory."""

from collections.abc import Callable
from math import expm1, isfinite, log, sqrt

from reactivex import abc

from state.events import Trade
from streams.operators.lift import Operator, lift, positive
from streams.scheduler import clock_of


def ewma_volatility(half_life_s: float, warmup_s: float = 0.0) -> Operator[Trade | float, float]:
    """sqrt(sum r_i^2 2^(-(t - t_i) / h) / ((h / ln 2) (1 - 2^(-T / h)))) in bps per sqrt(second), at each price.

        price              --100---100.1---100.1---
        ewma_volatility(1) --------8.3------5.9----   (1 s apart: |r| = 10 bps, then 0)

    r_i = 1e4 ln(p_i / p_(i-1)), T the time since the first price, h the half-life. The divisor is the kernel's own
    weight over T, so that there is no start-up bias; several prices at one instant are fine, since returns are never
    divided by their dt. Realized variance (Andersen, Bollerslev, Diebold, Labys 2003) under the RiskMetrics (1996)
    kernel in continuous time. Multiply by sqrt(seconds) for another horizon. Trades bounce between bid and ask; feed
    mids where that matters.

    Says nothing before `warmup_s` have passed, nor before time has passed at all. A price that is not above zero and
    finite is left out. Constant time and memory. Raises `NotDeterministic` where no scheduler is passed down.
    """
    rate = -log(2) / (positive("half_life_s", half_life_s) * 1e9)
    kernel_s = half_life_s / log(2)
    warmup_ns = max(1, round(warmup_s * 1e9))

    def start(emit: Callable[[float], None], scheduler: abc.SchedulerBase | None) -> Callable[[Trade | float], None]:
        clock = clock_of(scheduler)
        first = at = 0
        last = decayed = 0.0  # last price, decayed sum of squared returns

        def on_next(said: Trade | float) -> None:
            nonlocal first, at, last, decayed
            price = said.price if isinstance(said, Trade) else said
            if not (price > 0 and isfinite(price)):
                return
            now = clock()
            if not last:
                first = at = now
                last = price
                return
            if now != at:
                decayed *= 1 + expm1(rate * (now - at))
                at = now
            if price != last:
                change = 1e4 * log(price / last)
                decayed += change * change
                last = price
            if now - first >= warmup_ns:
                emit(sqrt(decayed / (kernel_s * -expm1(rate * (now - first)))))

        return on_next

    return lift(start)
