"""`skewed`: a geometric ladder that leans with what is about to happen, and against what it holds."""

from reactivex import Observable

from state.events import Decision
from streams import operators as op
from streams.feeds import Feeds
from streams.quoting import (
    Quote,
    at_extreme,
    geometric,
    linear_skew,
    quadratic_skew,
    shifted,
    stand,
    within_position,
)
from streams.risk import risk_desk
from streams.strategies.quoted import Quoted, above_zero, desk_of, not_negative, require, send


class Skewed(Quoted, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `skewed`; the lead venue is left out where `lead_venue` is empty."""

    base_spread_bps: float = 4.0
    volatility_factor: float = 2.0  # bps of spread for each bps per sqrt(second)
    level_ratio: float = 1.5  # of one level's distance to that before
    size_ratio: float = 1.0
    imbalance_levels: int = 5
    imbalance_bps: float = 1.0  # lean at a book that is all bids
    flow_window_s: float = 10.0
    flow_bps: float = 1.0  # lean at trades that are all buys
    lead_venue: str = ""
    lead_symbol: str = ""
    lead_half_life_s: float = 5.0  # what the lead price is compared with
    lead_weight: float = 0.5  # bps of lean for each bps that the lead venue went
    max_signal_bps: float = 5.0  # bound of all these together
    skew_bps: float = 4.0  # lean at full position
    skew: str = "quadratic"  # or linear
    extreme: float = 1.0  # share of max_position from which on it only reduces
    fair_half_life_s: float = 0.25
    volatility_half_life_s: float = 30.0

    def check(self) -> None:
        above_zero(
            self, "flow_window_s", "lead_half_life_s", "fair_half_life_s", "volatility_half_life_s", "size_ratio"
        )
        not_negative(
            self, "base_spread_bps", "volatility_factor", "imbalance_bps", "flow_bps", "lead_weight", "max_signal_bps", "skew_bps"
        )  # fmt: skip
        require(self.level_ratio > 1, "skewed", f"level_ratio must be above one, is {self.level_ratio}")
        require(self.imbalance_levels >= 1, "skewed", "imbalance_levels must be at least one")
        require(self.skew in ("linear", "quadratic"), "skewed", f"skew must be linear or quadratic, is {self.skew!r}")
        require(0 < self.extreme <= 1, "skewed", f"extreme must be in (0, 1], is {self.extreme}")
        require(bool(self.lead_venue) == bool(self.lead_symbol), "skewed", "a lead market needs venue and symbol")

    def reach_bps(self, nearest_bps: float) -> float:
        return nearest_bps * (self.level_ratio ** (self.levels - 1) - 1)


def skewed(feeds: Feeds, p: Skewed) -> Observable[Decision]:
    """Quotes both sides of one market around where the price is thought to go.

        signal = imbalance x imbalance_bps + trade imbalance x flow_bps + (lead / its EMA - 1) x 1e4 x lead_weight
        centre = EMA of the microprice, moved by signal (within max_signal_bps), and by the inventory skew against the position
        spread = clamp(base_spread_bps + volatility_factor x volatility, min_bps, max_bps), levels geometric

    From `extreme` on only the side that reduces is quoted, reduce-only. It waits for a first trade. Do not use it where one
    large order makes the imbalance: it is then led.
    """
    market = feeds.market(p.venue, p.symbol)

    def spread_bps(volatility: float) -> float:
        return p.base_spread_bps + p.volatility_factor * volatility

    fair = market.book.pipe(op.microprice(), op.ema(p.fair_half_life_s))
    spread = market.book.pipe(
        op.throttle(p.requote_s),
        op.mid(),
        op.ewma_volatility(p.volatility_half_life_s),
        op.map(spread_bps),
        op.clamp(p.min_bps, p.max_bps),
    )
    lean = feeds.account(p.venue).position(p.symbol).pipe(op.utilisation(p.max_position))
    size, max_position = float(p.size), float(p.max_position)
    inventory = quadratic_skew if p.skew == "quadratic" else linear_skew

    def quotes(wish: tuple[float, float, float, float]) -> tuple[Quote, ...]:
        fair, width_bps, lean, signal_bps = wish
        rungs = geometric(width_bps / 2, p.level_ratio, size, p.levels, size_ratio=p.size_ratio)
        centre = shifted(fair, signal_bps + inventory(lean, p.skew_bps))
        position = lean * max_position
        if abs(lean) >= p.extreme:
            return at_extreme(stand(centre, rungs, rungs), lean, position, p.extreme)
        return within_position(stand(centre, rungs, rungs), position, max_position)

    wishes = op.combine_every(p.requote_s, fair, spread, lean, signal(feeds, p)).pipe(op.map(quotes))
    return send(feeds, p, wishes).pipe(risk_desk(desk_of(p.desk, p.risk), feeds))


def signal(feeds: Feeds, p: Skewed) -> Observable[float]:
    """Where the price is thought to go, bps."""
    market = feeds.market(p.venue, p.symbol)
    book = market.book.pipe(op.imbalance(p.imbalance_levels))
    flow = market.trades.pipe(op.trade_imbalance(p.flow_window_s))

    def of_two(said: tuple[float, float]) -> float:
        return said[0] * p.imbalance_bps + said[1] * p.flow_bps

    near = op.combine(book, flow).pipe(op.map(of_two))
    bound = op.clamp(-p.max_signal_bps, p.max_signal_bps) if p.max_signal_bps else op.map(_nothing)
    if not p.lead_venue:
        return near.pipe(bound)
    lead = feeds.market(p.lead_venue, p.lead_symbol).book.pipe(op.microprice())

    def with_lead(said: tuple[float, float, float]) -> float:
        here, now, before = said
        return here + (now / before - 1) * 10_000 * p.lead_weight

    return op.combine(near, lead, lead.pipe(op.ema(p.lead_half_life_s))).pipe(op.map(with_lead), bound)


def _nothing(_: float) -> float:
    return 0.0
