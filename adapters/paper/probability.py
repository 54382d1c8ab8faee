"""Queue models that guess: of what leaves a level without a trade, a share stood before us.

A level that shrinks by more than has traded there since it last changed lost orders. With `front` before us and `back`
behind us the chance that it was lost behind us is p(front, back), and
    front' = min(front - (1 - p) * lost + min(back - p * lost, 0), shown)
Rigtorp, https://rigtorp.se/2013/06/08/estimating-order-queue-position.html, and `ProbQueueModel` of hftbacktest
(hftbacktest/src/backtest/models/queue.rs), whose numbers the tests hold these models to.
"""

from collections.abc import Callable
from decimal import Decimal
from math import inf, log1p, nan
from typing import Protocol

from adapters.paper.fifo import FifoQueue
from adapters.paper.queue import UNSEEN, ZERO, ConservativeQueue, QueueModel, QueuePlace, RiskAverseQueue
from state.instruments import exact


class Chance(Protocol):
    """The chance that what left a level stood behind us; both arguments are not negative."""

    name: str

    def __call__(self, front: float, back: float) -> float: ...

    def formula(self) -> str: ...


class PowerChance:
    """back^n / (back^n + front^n), hftbacktest's `PowerProbQueueFunc`: the larger n, the surer it was the larger part."""

    name = "power"

    def __init__(self, n: float) -> None:
        self._n = n

    def __call__(self, front: float, back: float) -> float:
        f: float = back**self._n
        return _share(f, f + front**self._n)

    def formula(self) -> str:
        return f"back^{self._n:g} / (back^{self._n:g} + front^{self._n:g})"


class Power2Chance:
    """back^n / (back + front)^n, hftbacktest's `PowerProbQueueFunc2`."""

    name = "power2"

    def __init__(self, n: float) -> None:
        self._n = n

    def __call__(self, front: float, back: float) -> float:
        f: float = back**self._n
        return _share(f, (back + front) ** self._n)

    def formula(self) -> str:
        return f"back^{self._n:g} / (back + front)^{self._n:g}"


class Power3Chance:
    """1 - (front / (front + back))^n, hftbacktest's `PowerProbQueueFunc3`: the larger n, the more conservative."""

    name = "power3"

    def __init__(self, n: float) -> None:
        self._n = n

    def __call__(self, front: float, back: float) -> float:
        f: float = _share(front, front + back) ** self._n
        return 1.0 - f

    def formula(self) -> str:
        return f"1 - (front / (front + back))^{self._n:g}"


class LogChance:
    """ln(1 + back) / (ln(1 + back) + ln(1 + front)), hftbacktest's `LogProbQueueFunc`; it depends on the unit of the sizes."""

    name = "log"

    def __call__(self, front: float, back: float) -> float:
        f = log1p(back)
        return _share(f, f + log1p(front))

    def formula(self) -> str:
        return "ln(1 + back) / (ln(1 + back) + ln(1 + front))"


class Log2Chance:
    """ln(1 + back) / ln(1 + back + front), hftbacktest's `LogProbQueueFunc2`; it depends on the unit of the sizes."""

    name = "log2"

    def __call__(self, front: float, back: float) -> float:
        return _share(log1p(back), log1p(back + front))

    def formula(self) -> str:
        return "ln(1 + back) / ln(1 + back + front)"


class ProbabilityQueue:
    """Trades at the price bring us forward, and a share of what leaves the level without one."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance

    def join(self, shown: Decimal | None) -> QueuePlace:
        return QueuePlace(UNSEEN if shown is None else shown)

    def shown(self, place: QueuePlace, before: Decimal, now: Decimal, ts: int | None) -> None:
        traded, place.traded = place.traded, ZERO
        lost = float(before - now - traded)
        if place.ahead == UNSEEN or lost < 0:
            place.ahead = min(place.ahead, now)
            return
        front = float(place.ahead)
        back = max(0.0, float(before) - front)
        behind = self._chance(front, back)
        if behind != behind:  # an empty level: what it shows is all there is
            place.ahead = now
            return
        guessed = front - (1.0 - behind) * lost + min(back - behind * lost, 0.0)
        place.ahead = max(ZERO, min(exact(guessed), now))

    def ahead(self, place: QueuePlace, ts: int | None) -> Decimal:
        return place.ahead

    def passed(self, place: QueuePlace, size: Decimal, ts: int | None, traded: Decimal) -> None:
        place.ahead = max(ZERO, place.ahead - size)
        place.traded += traded

    def words(self) -> str:
        return (
            f"queue ({self._chance.name}): trades at its price bring an order forward; of what leaves its level without a trade "
            f"the share {self._chance.formula()} stood behind it"
        )


def _share(part: float, whole: float) -> float:
    return part / whole if whole and whole < inf else nan


# By the name in the settings; each is given the settings' `queue_power`.
QUEUES: dict[str, Callable[[float], QueueModel]] = {
    "conservative": lambda n: ConservativeQueue(),
    "fifo": lambda n: FifoQueue(),
    "risk_averse": lambda n: RiskAverseQueue(),
    "power": lambda n: ProbabilityQueue(PowerChance(n)),
    "power2": lambda n: ProbabilityQueue(Power2Chance(n)),
    "power3": lambda n: ProbabilityQueue(Power3Chance(n)),
    "log": lambda n: ProbabilityQueue(LogChance()),
    "log2": lambda n: ProbabilityQueue(Log2Chance()),
}
