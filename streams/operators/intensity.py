"""How excited the market is."""

from collections.abc import Callable
from math import exp, inf, log

from reactivex import abc

from state.events import Trade
from streams.operators.lift import Operator, lift, positive
from streams.scheduler import clock_of


def intensity(half_life_s: float, *, by_size: bool = False) -> Operator[Trade, float]:
    """(ln 2 / h) x sum(2^(-(t - t_i) / h)) over all trades so far, trades per second (base per second `by_size`), at each trade.

        trades       --x---x-------x---   (1 s, then 2 s apart)
        intensity(1) --0.69-1.04---0.95

    The excitement of Hawkes, "Spectra of some self-exciting and mutually exciting point processes" (1971), with an exponential
    kernel whose half-life is h: in the long run it averages to the rate of trades. Between trades it says nothing, so hold it
    against time with `ema` or `stale_after`. Constant time and memory. Raises `NotDeterministic` where no scheduler is passed
    down.
    """
    rate = -log(2) / (positive("half_life_s", half_life_s) * 1e9)
    jump = log(2) / half_life_s

    def start(emit: Callable[[float], None], scheduler: abc.SchedulerBase | None) -> Callable[[Trade], None]:
        clock = clock_of(scheduler)
        at = 0
        excited = 0.0

        def on_next(trade: Trade) -> None:
            nonlocal at, excited
            weight = trade.size if by_size else 1.0
            if not 0 <= weight < inf:
                return
            now = clock()
            excited = excited * exp(rate * (now - at)) + jump * weight
            at = now
            emit(excited)

        return on_next

    return lift(start)
