"""`plain`: a ladder around the microprice, wider when the market moves, leaning against the position."""

from decimal import Decimal

import msgspec
from reactivex import Observable

from state.events import Decision
from state.instruments import Instrument
from streams import operators as op
from streams.feeds import Feeds
from streams.health import health, is_ok
from streams.quoting import Quote, ladder, quote_when, to_intents
from streams.risk import DeskLimits, RiskLimits, check_feasible, risk_desk, risk_gate
from streams.strategies.quoted import MAX_LEVELS, above_zero, desk_of, not_negative, require


class Plain(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `plain`; spreads are from best bid to best ask of the ladder, sizes in base units."""

    venue: str
    symbol: str
    size: Decimal  # of each level
    max_position: Decimal
    base_spread_bps: float = 4.0  # in a market that stands still
    volatility_factor: float = 2.0  # bps of spread for each bps per sqrt(second) of volatility
    min_bps: float = 2.0  # the spread is kept within these two
    max_bps: float = 100.0
    skew_bps: float = 2.0  # how far the ladder leans at full position
    levels: int = 3
    level_spacing_bps: float = 2.0
    fair_half_life_s: float = 0.25
    volatility_half_life_s: float = 30.0
    requote_s: float = 0.25
    tolerance_ticks: float = 1.0
    size_tolerance: float = 0.2  # fraction of a level's size that may be missing before it is topped up
    risk: RiskLimits = RiskLimits()
    desk: DeskLimits | None = None  # with one, even an empty one, it has a risk state; without, limits of orders alone

    def __post_init__(self) -> None:
        require(bool(self.venue and self.symbol), "plain", "venue and symbol must be named")
        require(0 < self.size < Decimal("inf"), "plain", f"size must be above zero, not {self.size}")
        require(
            self.size <= self.max_position < Decimal("inf"),
            "plain",
            f"max_position {self.max_position} must be at least one level's size {self.size}",
        )
        require(
            0 < self.min_bps <= self.max_bps, "plain", f"0 < min_bps {self.min_bps} <= max_bps {self.max_bps} must hold"
        )
        not_negative(self, "base_spread_bps", "volatility_factor", "skew_bps", "tolerance_ticks", "level_spacing_bps")
        above_zero(self, "fair_half_life_s", "volatility_half_life_s", "requote_s")
        require(0 <= self.size_tolerance < 1, "plain", f"size_tolerance must be in [0, 1), is {self.size_tolerance}")
        require(1 <= self.levels <= MAX_LEVELS, "plain", f"levels must be 1 to {MAX_LEVELS}, is {self.levels}")
        spaced = self.levels == 1 or self.level_spacing_bps > 0
        require(spaced, "plain", "several levels need a level_spacing_bps above zero")
        widest_bps = self.max_bps / 2 + (self.levels - 1) * self.level_spacing_bps + self.skew_bps
        far = f"the furthest level would be {widest_bps:g} bps away: its price is not above zero"
        require(widest_bps < 10_000, "plain", far)
        check_feasible(self, self.risk)

    @property
    def order_size(self) -> Decimal:
        """Size of one order, base units."""
        return self.size

    @property
    def order_count(self) -> int:
        """Orders in the market at once."""
        return 2 * self.levels

    @property
    def furthest_bps(self) -> float:
        """Where the furthest level stands when the ladder is at its narrowest, from the mid."""
        narrowest = min(max(self.base_spread_bps, self.min_bps), self.max_bps)
        return narrowest / 2 + (self.levels - 1) * self.level_spacing_bps


def plain(feeds: Feeds, p: Plain) -> Observable[Decision]:
    """Quotes both sides of one market.

        fair   = EMA of the microprice
        spread = clamp(base_spread_bps + volatility_factor x volatility, min_bps, max_bps)
        lean   = position / max_position, shifts the ladder by lean x skew_bps and takes size from the adding side

    Idea: Avellaneda, Stoikov (2008), with spread and skew as parameters. Do not use it where the price trends for longer than
    the skew can shed a position, or where the spread is one tick and the queue decides.
    """
    market = feeds.market(p.venue, p.symbol)
    account = feeds.account(p.venue)

    def spread_bps(volatility: float) -> float:
        return p.base_spread_bps + p.volatility_factor * volatility

    fair = market.book.pipe(op.microprice(), op.ema(p.fair_half_life_s))
    spread = market.book.pipe(
        op.throttle(p.requote_s),  # slower than the touch flickers: bounce is not volatility
        op.mid(),
        op.ewma_volatility(p.volatility_half_life_s),
        op.map(spread_bps),
        op.clamp(p.min_bps, p.max_bps),
    )
    lean = account.position(p.symbol).pipe(op.utilisation(p.max_position))
    size, max_position = float(p.size), float(p.max_position)
    checked: Instrument | None = None

    def quotes(wish: tuple[float, float, float]) -> tuple[Quote, ...]:
        nonlocal checked
        instrument = market.instrument
        if instrument is not checked:  # told or changed by the venue: could these parameters still quote?
            check_feasible(p, p.risk, instrument)
            checked = instrument
        fair, width_bps, lean = wish
        return ladder(
            fair,
            width_bps / 2,
            lean,
            size=size,
            levels=p.levels,
            spacing_bps=p.level_spacing_bps,
            skew_bps=p.skew_bps,
            max_position=max_position,
        )

    return op.combine_every(p.requote_s, fair, spread, lean).pipe(
        op.map(quotes),
        quote_when(is_ok(health(feeds, p.venue, p.symbol))),
        to_intents(feeds, p.venue, p.symbol, tolerance_ticks=p.tolerance_ticks, size_tolerance=p.size_tolerance),
        risk_gate(p.risk, feeds) if p.desk is None else risk_desk(desk_of(p.desk, p.risk), feeds),
    )
