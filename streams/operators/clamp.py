"""A number kept between two bounds."""

from collections.abc import Callable
from math import isnan

from reactivex import abc

from state.errors import WrongUse
from streams.operators.lift import Operator, lift


def clamp(lo: float, hi: float) -> Operator[float, float]:
    """min(max(x, lo), hi), in the unit of x; NaN is left out.

    x           --1---5---9---
    clamp(2, 6) --2---5---6---
    """
    if not lo <= hi:
        raise WrongUse(f"clamp({lo}, {hi}): the lower bound is above the upper")

    def start(emit: Callable[[float], None], _: abc.SchedulerBase | None) -> Callable[[float], None]:
        def on_next(x: float) -> None:
            if not isnan(x):
                emit(lo if x < lo else hi if x > hi else x)

        return on_next

    return lift(start)
