"""How far a price has come."""

from collections import deque
from collections.abc import Callable
from math import isfinite, log

from reactivex import abc

from streams.operators.lift import Operator, lift
from streams.operators.rolling import at_least


def momentum(count: int = 1) -> Operator[float, float]:
    """1e4 x ln(x / x that was `count` values before), bps, at each value once there is one to compare with.

        x           --100---101---100---
        momentum(1) --------99.5--(-99.5)

    Jegadeesh, Titman, "Returns to buying winners and selling losers" (1993), on any price; with count 1 it is the log return. A
    price that is not above zero and finite is left out. Constant time, `count` numbers of memory.
    """
    at_least("count", count, 1)

    def start(emit: Callable[[float], None], _: abc.SchedulerBase | None) -> Callable[[float], None]:
        before: deque[float] = deque(maxlen=count)

        def on_next(x: float) -> None:
            if not (x > 0 and isfinite(x)):
                return
            if len(before) == count:
                emit(1e4 * log(x / before[0]))
            before.append(x)

        return on_next

    return lift(start)
