"""`avellaneda_stoikov` and `glft`: quotes by the papers, with volatility and arrivals learnt from the market itself.

Distances are in bps of the fair price, the inventory in orders (`size`), so that a risk aversion means the same in any market.
"""

from collections.abc import Callable

from reactivex import Observable

from state.events import Decision
from streams import operators as op
from streams.feeds import Feeds
from streams.quoting import (
    Distances,
    Intensity,
    Quote,
    Rung,
    arrival_intensity,
    at_extreme,
    stand,
    within_position,
)
from streams.quoting import avellaneda_stoikov as by_avellaneda_stoikov
from streams.quoting import glft as by_glft
from streams.risk import risk_desk
from streams.strategies.quoted import Quoted, above_zero, desk_of, not_negative, require, send


class Optimal(Quoted, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What both share; `risk_aversion` is per bps and order of `size`."""

    risk_aversion: float = 0.01
    level_spacing_bps: float = 2.0
    fair_half_life_s: float = 0.25
    volatility_half_life_s: float = 60.0
    intensity_half_life_s: float = 600.0
    min_arrivals: int = 20  # trades before it quotes

    def check(self) -> None:
        above_zero(self, "risk_aversion", "fair_half_life_s", "volatility_half_life_s", "intensity_half_life_s")
        not_negative(self, "level_spacing_bps")
        kind = type(self).__name__
        require(self.min_arrivals >= 2, kind, f"min_arrivals must be at least two, is {self.min_arrivals}")
        require(
            self.levels == 1 or self.level_spacing_bps > 0, kind, "several levels need a level_spacing_bps above zero"
        )

    def reach_bps(self, nearest_bps: float) -> float:
        return (self.levels - 1) * self.level_spacing_bps


class AvellanedaStoikov(Optimal, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `avellaneda_stoikov`."""

    horizon_s: float = 60.0  # how long a position is thought to be held: it never comes nearer

    def check(self) -> None:
        Optimal.check(self)
        above_zero(self, "horizon_s")


class Glft(Optimal, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `glft`."""


def avellaneda_stoikov(feeds: Feeds, p: AvellanedaStoikov) -> Observable[Decision]:
    """Quotes by Avellaneda, Stoikov (2008) with a horizon that rolls along, since these markets have no close.

    It waits for `min_arrivals` trades. Do not use it where the price jumps or trends: it knows diffusion alone.
    """

    def distances(inventory: float, volatility: float, intensity: Intensity) -> Distances:
        return by_avellaneda_stoikov(inventory, volatility, p.risk_aversion, intensity.k_per_bps, p.horizon_s)

    return _quoting(feeds, p, distances)


def glft(feeds: Feeds, p: Glft) -> Observable[Decision]:
    """Quotes by Guéant, Lehalle, Fernandez-Tapia (2013), far from any end of trading.

    It waits for `min_arrivals` trades. Do not use it where few trade: A and k are then guesses.
    """

    def distances(inventory: float, volatility: float, intensity: Intensity) -> Distances:
        return by_glft(inventory, volatility, p.risk_aversion, intensity.a_per_s, intensity.k_per_bps)

    return _quoting(feeds, p, distances)


def _quoting(
    feeds: Feeds, p: Optimal, distances: Callable[[float, float, Intensity], Distances]
) -> Observable[Decision]:
    market = feeds.market(p.venue, p.symbol)
    fair = market.book.pipe(op.microprice(), op.ema(p.fair_half_life_s))
    volatility = market.book.pipe(op.throttle(p.requote_s), op.mid(), op.ewma_volatility(p.volatility_half_life_s))
    lean = feeds.account(p.venue).position(p.symbol).pipe(op.utilisation(p.max_position))
    intensity = market.trades.pipe(
        op.with_latest(market.book.pipe(op.mid())),
        arrival_intensity(p.intensity_half_life_s, min_arrivals=p.min_arrivals),
    )
    size, max_position = float(p.size), float(p.max_position)
    nearest, furthest = p.min_bps / 2, p.max_bps / 2

    def rungs(away_bps: float) -> list[Rung]:
        first = min(max(away_bps, nearest), furthest)
        return [Rung(first + level * p.level_spacing_bps, size) for level in range(p.levels)]

    def quotes(wish: tuple[float, float, float, Intensity]) -> tuple[Quote, ...]:
        fair, volatility, lean, intensity = wish
        position = lean * max_position
        bid, ask = distances(position / size, volatility, intensity)
        wished = stand(fair, rungs(bid), rungs(ask))
        if abs(lean) >= 1:
            return at_extreme(wished, lean, position)
        return within_position(wished, position, max_position)

    wishes = op.combine_every(p.requote_s, fair, volatility, lean, intensity).pipe(op.map(quotes))
    return send(feeds, p, wishes).pipe(risk_desk(desk_of(p.desk, p.risk), feeds))
