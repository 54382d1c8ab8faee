"""How often a quote is hit at a distance, learnt from trades as they come: A and k of A exp(-k d)."""

from collections.abc import Callable
from math import exp, expm1, isfinite, log, log1p
from typing import NamedTuple

from reactivex import abc

from state.errors import WrongUse
from state.events import Trade
from streams.operators.lift import Operator, lift, positive
from streams.scheduler import clock_of


class Intensity(NamedTuple):
    """Hits a second of one side at no distance, and how fast they fall with it, per bps."""

    a_per_s: float
    k_per_bps: float


def fitted(arrivals: float, depths_bps: float, seconds: float, step_bps: float = 0.0) -> Intensity | None:
    """The most likely A and k of both sides together, from how many trades came, the sum of their depths, and how long.

        k = n / sum d_i                          where distances are continuous
        k = ln(1 + n step / sum d_i) / step      where they come in steps (ticks): a geometric distribution
        A = n / (2 T)

    Trades that reach distance d or beyond come at the rate A exp(-k d) a side (a Poisson process, thinned), so depths
    are exponential: and these are their maximum likelihood estimates. None where
    nothing tells k.
    """
    if arrivals <= 0 or depths_bps <= 0 or seconds <= 0:
        return None
    k = log1p(arrivals * step_bps / depths_bps) / step_bps if step_bps else arrivals / depths_bps
    return Intensity(arrivals / seconds / 2, k)


def arrival_intensity(
    half_life_s: float, *, min_arrivals: int = 20, nearest_bps: float = 0.0, step_bps: float = 0.0
) -> Operator[tuple[Trade, float], Intensity]:
    """A and k from trades with the mid that each found, with an exponential memory; at each trade once there are enough.

        (trade, mid)         --10 bps deep--2 bps deep--
        arrival_intensity()  -----------------(A, k)----

    What one order takes comes as several trades of one side at one instant: it counts once, with its deepest. Depth is
    |price - mid| / mid in bps. Those nearer than `nearest_bps` (half of the usual spread: nobody can trade there) are
    left out, and A is told for the distance 0 all the same: A = A(nearest) exp(k nearest). `step_bps` is one tick.
    Feed `market.trades.pipe(op.with_latest(mid), arrival_intensity(600))`. Constant time and memory.

    Method: Avellaneda, Stoikov (2008), section 2.5; estimator in `fitted`. Raises `NotDeterministic` where no scheduler
    is passed down.
    """
    rate = -log(2) / (positive("half_life_s", half_life_s) * 1e9)
    kernel_s = half_life_s / log(2)
    if min_arrivals < 1 or nearest_bps < 0 or step_bps < 0:
        raise WrongUse("min_arrivals must be at least one, nearest_bps and step_bps not negative")

    def start(
        emit: Callable[[Intensity], None], scheduler: abc.SchedulerBase | None
    ) -> Callable[[tuple[Trade, float]], None]:
        clock = clock_of(scheduler)
        first: int | None = None
        at = heard = 0
        arrivals = depths = 0.0  # decayed
        last_side, last_depth = "", 0.0

        def on_next(said: tuple[Trade, float]) -> None:
            nonlocal first, at, heard, arrivals, depths, last_side, last_depth
            trade, mid = said
            if not (mid > 0 and isfinite(mid)) or trade.backfilled:
                return
            now = clock()
            first = now if first is None else first
            depth = abs(trade.price / mid - 1) * 10_000 - nearest_bps
            if depth < 0:
                return
            if now == at and trade.side == last_side:  # the same order, deeper in the book
                depths += max(0.0, depth - last_depth)
                last_depth = max(last_depth, depth)
            else:
                decay = exp(rate * (now - at))
                arrivals, depths, heard = arrivals * decay + 1, depths * decay + depth, heard + 1
                at, last_side, last_depth = now, trade.side, depth
            if heard < min_arrivals:
                return
            found = fitted(arrivals, depths, kernel_s * -expm1(rate * (now - first)), step_bps)
            if found is not None:
                emit(Intensity(found.a_per_s * exp(min(found.k_per_bps * nearest_bps, 50.0)), found.k_per_bps))

        return on_next

    return lift(start)
