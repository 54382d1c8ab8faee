"""Where a value stands among those before it."""

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable
from math import isfinite

from reactivex import abc

from streams.operators.lift import Operator, lift
from streams.operators.rolling import at_least


def percentile(count: int) -> Operator[float, float]:
    """100 x (below + equal / 2) / n, the percentile rank of x among the last `count` values, x among them, in (0, 100).

        x              --1----2----0------
        percentile(3)  --50---75---16.7---

    The mid-rank of Kendall, "Rank correlation methods" (1948). Of fewer values while there are fewer. NaN and infinities are left
    out. Time grows with log(count); `count` numbers of memory, twice.
    """
    at_least("count", count, 1)

    def start(emit: Callable[[float], None], _: abc.SchedulerBase | None) -> Callable[[float], None]:
        recent: deque[float] = deque()
        ordered: list[float] = []

        def on_next(x: float) -> None:
            if not isfinite(x):
                return
            if len(recent) == count:
                del ordered[bisect_left(ordered, recent.popleft())]
            recent.append(x)
            insort(ordered, x)
            below = bisect_left(ordered, x)
            upto = bisect_right(ordered, x)
            emit(50 * (below + upto) / len(ordered))

        return on_next

    return lift(start)
