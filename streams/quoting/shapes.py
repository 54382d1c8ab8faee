"""Shapes of a ladder: how far each level stands from the centre, and how much stands there.

A shape is a list of rungs, the same for both sides or one for each; `stand` makes quotes of them.
"""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

from state.errors import WrongUse
from streams.quoting.ladder import Quote

LEAST_SHARE = 1e-9  # of a ladder's size: what is less is a residue of floats, and no rung


class Rung(NamedTuple):
    """One level: distance from the centre in bps, size in base units."""

    away_bps: float
    size: float


def linear(nearest_bps: float, spacing_bps: float, size: float, levels: int, *, size_step: float = 0.0) -> list[Rung]:
    """away_i = nearest_bps + i x spacing_bps,  size_i = size x (1 + i x size_step),  i = 0 … levels - 1.

    `size_step` is a fraction: 0.5 makes the second level half as large again.
    """
    _check(nearest_bps, size, levels)
    if spacing_bps < 0 or size_step < 0:
        raise WrongUse("spacing_bps and size_step must not be negative")
    return [Rung(nearest_bps + i * spacing_bps, size * (1 + i * size_step)) for i in range(levels)]


def geometric(nearest_bps: float, ratio: float, size: float, levels: int, *, size_ratio: float = 1.0) -> list[Rung]:
    """away_i = nearest_bps x ratio^i,  size_i = size x size_ratio^i: dense at the touch, sparse where moves are rare."""
    _check(nearest_bps, size, levels)
    if not ratio > 1 or not size_ratio > 0:
        raise WrongUse(f"ratio must be above one, not {ratio}, and size_ratio above zero, not {size_ratio}")
    return [Rung(nearest_bps * ratio**i, size * size_ratio**i) for i in range(levels)]


def by_volatility(
    volatility_bps: float, horizon_s: float, deviations: Sequence[float], size: float, *, min_bps: float = 0.0
) -> list[Rung]:
    """away_i = max(min_bps, deviations_i x volatility_bps x sqrt(horizon_s)); levels that fall together become one.

    `volatility_bps` in bps per square root of a second, as `ewma_volatility` says it. A driftless price is beyond d
    deviations after the horizon with the probability that the normal distribution says, so that levels keep their
    chance of a fill while their distance breathes.
    """
    _check(min_bps, size, len(deviations))
    if list(deviations) != sorted(set(deviations)) or deviations[0] <= 0:
        raise WrongUse("deviations must be above zero and ascending")
    if volatility_bps < 0 or horizon_s <= 0:
        raise WrongUse("volatility_bps must not be negative, and horizon_s above zero")
    rungs: list[Rung] = []
    for deviation in deviations:
        away = max(min_bps, deviation * volatility_bps * sqrt(horizon_s))
        if rungs and away <= rungs[-1].away_bps:
            rungs[-1] = Rung(away, rungs[-1].size + size)
        else:
            rungs.append(Rung(away, size))
    return rungs


def by_exposure(
    nearest_bps: float, full_bps: float, exposure: float, levels: int, *, curvature: float = 1.0, held: float = 0.0
) -> list[Rung]:
    """Sizes such that a price that has moved by `full_bps` has led to a position of `exposure`, and not beyond.

        target(d) = exposure x (d / full_bps)^curvature,   size_i = target(away_i) - target(away_(i-1)),   target(away_-1) = 0

    Rungs are equally far apart between both distances. `held` (base units) is what this side has already taken: the
    inner rungs that it stands for are left out, so that fills are not taken twice.
    """
    _check(nearest_bps, exposure, levels)
    if levels > 1 and full_bps <= nearest_bps:
        raise WrongUse(f"full_bps {full_bps} must be further than nearest_bps {nearest_bps}")
    if not curvature > 0:
        raise WrongUse(f"curvature must be above zero, not {curvature}")
    step = (full_bps - nearest_bps) / (levels - 1) if levels > 1 else 0.0
    rungs: list[Rung] = []
    before = max(held, 0.0)
    for level in range(levels):
        away = nearest_bps + level * step
        target = exposure if level == levels - 1 else exposure * (away / full_bps) ** curvature
        if target - before > exposure * LEAST_SHARE:
            rungs.append(Rung(away, target - before))
            before = target
    return rungs


def stand(centre: float, bids: Sequence[Rung], asks: Sequence[Rung]) -> tuple[Quote, ...]:
    """Quotes at their distance from the centre, inner levels first, labelled b0 a0 b1 a1 …; none at or below zero."""
    quotes: list[Quote] = []
    for level in range(max(len(bids), len(asks))):
        if level < len(bids) and bids[level].away_bps < 10_000:
            quotes.append(Quote("buy", centre * (1 - bids[level].away_bps / 10_000), bids[level].size, f"b{level}"))
        if level < len(asks):
            quotes.append(Quote("sell", centre * (1 + asks[level].away_bps / 10_000), asks[level].size, f"a{level}"))
    return tuple(quotes)


def _check(nearest_bps: float, size: float, levels: int) -> None:
    if not 0 <= nearest_bps < float("inf"):
        raise WrongUse(f"the nearest level must be at no negative distance, not {nearest_bps} bps")
    if not 0 < size < float("inf"):
        raise WrongUse(f"size must be above zero and finite, not {size}")
    if levels < 1:
        raise WrongUse("a ladder has at least one level")
