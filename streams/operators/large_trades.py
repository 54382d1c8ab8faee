"""Trades that stand out by their size."""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable
from math import ceil, inf

from reactivex import abc

from state.errors import WrongUse
from state.events import Trade
from streams.operators.lift import Operator, lift
from streams.operators.rolling import at_least


def large_trades(quantile: float = 0.99, count: int = 1000, warmup: int = 100) -> Operator[Trade, Trade]:
    """Trades whose size is above the `quantile` of the sizes (base) of the last `count` trades before them.

        trades                        --1---2---1---9---1---
        large_trades(0.9, warmup=3)   --------------9-------

    The quantile is the smallest size that at least this share of them does not exceed (Hyndman, Fan, "Sample quantiles in
    statistical packages" (1996), definition 1). Says nothing before `warmup` trades. Trades without size are left out. Time
    grows with log(count); `count` numbers of memory, twice.
    """
    if not 0 < quantile <= 1:
        raise WrongUse(f"quantile must be above 0 and at most 1, not {quantile}")
    at_least("warmup", warmup, 1)
    at_least("count", count, warmup)

    def start(emit: Callable[[Trade], None], _: abc.SchedulerBase | None) -> Callable[[Trade], None]:
        recent: deque[float] = deque()
        ordered: list[float] = []

        def on_next(trade: Trade) -> None:
            size = trade.size
            if not 0 < size < inf:
                return
            known = len(ordered)
            is_large = known >= warmup and size > ordered[ceil(quantile * known - 1e-9) - 1]
            if known == count:
                del ordered[bisect_left(ordered, recent.popleft())]
            recent.append(size)
            insort(ordered, size)
            if is_large:
                emit(trade)

        return on_next

    return lift(start)
