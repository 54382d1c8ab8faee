"""Latency, fees and queue as the first part of a session shows them.

Latencies and fee rates are read off: the median of what was recorded. The queue is searched for: every model of the
paper venue, and the power of those that have one, by the orders' mean distance from what happened (`apart_s`).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from math import exp, log
from statistics import median

import msgspec

from adapters.paper import PaperSettings
from replay.calibration.recorded import Recorded
from replay.calibration.rerun import rerun
from replay.calibration.score import HORIZON_NS, judge
from state.words import Action

WITHOUT_POWER = ("conservative", "risk_averse", "log", "log2")
WITH_POWER = ("power", "power2", "power3")
POWERS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
LEAST_POWER, MOST_POWER = 0.05, 50.0
ROUNDS, POINTS = 4, 3  # each round narrows the power down to between the neighbours of the best, and adds so many
FINE_ROUNDS = 3  # more of the chosen model
EVALUATIONS = len(WITHOUT_POWER) + len(WITH_POWER) * (len(POWERS) + ROUNDS * POINTS) + FINE_ROUNDS * POINTS

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Fitted:
    """The settings that explain the first part best, and how well each queue model did there (mean `apart_s`)."""

    settings: PaperSettings
    queues: dict[str, float]


def fit(recorded: Recorded, settings: PaperSettings, until: int, progress: Progress | None = None) -> Fitted:
    """Looks at orders placed up to `until` (ns) and at what became of them within a minute after that."""
    known = fit_fees(recorded, fit_latencies(recorded, settings, until), until)
    return fit_queue(recorded, known, until, progress)


def fit_latencies(recorded: Recorded, settings: PaperSettings, until: int) -> PaperSettings:
    """Medians; where an action was never answered, or no market event has a venue time, the setting stays."""
    rows = [row for venue in recorded.latencies.values() for row in venue if row.answered <= until]
    if not rows:
        return settings
    there = {action: _median(row.arrived - row.left for row in rows if row.action == action) for action in _ACTIONS}
    feed = _median(age for recv, age in recorded.feed_ages if recv <= until)
    place = settings.order_latency_ms if there["place"] is None else there["place"]
    return msgspec.structs.replace(
        settings,
        latency="constant",
        feed_latency_ms=settings.feed_latency_ms if feed is None else feed,
        order_latency_ms=place,
        amend_latency_ms=None if there["amend"] == place else there["amend"],
        cancel_latency_ms=None if there["cancel"] == place else there["cancel"],
        response_latency_ms=_median(row.answered - row.arrived for row in rows) or 0.0,
    )


def fit_fees(recorded: Recorded, settings: PaperSettings, until: int) -> PaperSettings:
    """The median rate that makers and takers really paid, in bps."""
    rates: dict[bool, Decimal | None] = {}
    for maker in (True, False):
        paid = [rate for recv, made, rate in recorded.rates if made is maker and recv <= until]
        rates[maker] = round(median(paid) * 10_000, 4).normalize() if paid else None
    return msgspec.structs.replace(
        settings,
        maker_fee_bps=settings.maker_fee_bps if rates[True] is None else rates[True],
        taker_fee_bps=settings.taker_fee_bps if rates[False] is None else rates[False],
    )


def fit_queue(recorded: Recorded, settings: PaperSettings, until: int, progress: Progress | None = None) -> Fitted:
    """Tries every model; the settings' own stays unless another is better."""

    def loss(queue: str, power: float) -> float:
        tried = msgspec.structs.replace(settings, queue=queue, queue_power=power)
        scores = judge(recorded, rerun(recorded, tried, until + HORIZON_NS), 0.0, 0, until)
        if progress is not None:
            progress(1)
        return sum(score.apart_s for score in scores) / max(1, len(scores))

    best: dict[str, tuple[float, float]] = {queue: (loss(queue, 1.0), 1.0) for queue in WITHOUT_POWER}
    tried: dict[str, list[tuple[float, float]]] = {}
    for queue in WITH_POWER:
        tried[queue] = _narrowed(partial(loss, queue), [(power, loss(queue, power)) for power in POWERS], ROUNDS)
        best[queue] = _best(tried[queue])
    own = settings.queue
    chosen = min(best, key=lambda queue: (best[queue][0], queue != own))
    power = settings.queue_power
    if chosen in tried:
        best[chosen] = _best(_narrowed(partial(loss, chosen), tried[chosen], FINE_ROUNDS))
        power = best[chosen][1]
    fitted = msgspec.structs.replace(settings, queue=chosen, queue_power=power)
    return Fitted(fitted, {queue: round(apart_s, 6) for queue, (apart_s, _) in sorted(best.items())})


def _narrowed(
    loss: Callable[[float], float], points: Sequence[tuple[float, float]], rounds: int
) -> list[tuple[float, float]]:
    """More points (power, loss) between the neighbours of the best, in order of power."""
    known = dict(points)
    for _ in range(rounds):
        low, high = _around(sorted(known.items()))
        step = (log(high) - log(low)) / (POINTS + 1)
        for number in range(1, POINTS + 1):
            power = exp(log(low) + step * number)
            if all(abs(log(power / other)) > _SAME for other in known):
                known[power] = loss(power)
    return sorted(known.items())


def _best(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The least loss and its power, the middle one where several are as good."""
    least = min(found for _, found in points)
    good = [power for power, found in points if found == least]
    return least, round(exp((log(good[0]) + log(good[-1])) / 2), 4)


def _around(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The neighbours of the best powers."""
    least = min(found for _, found in points)
    places = [place for place, (_, found) in enumerate(points) if found == least]
    low, high = places[0], places[-1]
    return (
        points[low - 1][0] if low else max(LEAST_POWER, points[0][0] / 2),
        points[high + 1][0] if high + 1 < len(points) else min(MOST_POWER, points[-1][0] * 2),
    )


_SAME = 1e-4  # powers whose logarithms are this near are one
_ACTIONS: tuple[Action, ...] = ("place", "amend", "cancel")


def _median(numbers: Iterable[int]) -> float | None:
    known = list(numbers)
    return round(median(known) / 1e6, 6) if known else None
