"""How far one price is above another."""

from collections.abc import Callable
from math import isfinite

from reactivex import Observable, abc

from streams.operators.combine import combine
from streams.operators.lift import Operator, lift


def premium(price: Observable[float], reference: Observable[float]) -> Observable[float]:
    """1e4 x (price / reference - 1), bps, once a settled tick in which either changed.

        price     --101-------102------
        reference ------100---102------   (102 and 102 in one tick)
        premium   ------100---0--------

    For the distance of a fair price, a mark or another venue from one's own; glitch-free, as `combine` is. Says nothing while
    either is not above zero and finite. The premium of a perpetual, Ackerer, Hugonnier, Jermann, "Perpetual futures pricing"
    (2024). Constant time and memory. Raises `NotDeterministic` where no scheduler is passed down.
    """
    return combine(price, reference).pipe(_bps())


def _bps() -> Operator[tuple[float, float], float]:
    def start(emit: Callable[[float], None], _: abc.SchedulerBase | None) -> Callable[[tuple[float, float]], None]:
        def on_next(both: tuple[float, float]) -> None:
            price, reference = both
            if price > 0 and reference > 0 and isfinite(price) and isfinite(reference):
                emit(1e4 * (price / reference - 1))

        return on_next

    return lift(start)
