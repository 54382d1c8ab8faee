"""`stinky`: a ladder far from the market for whoever panics, each fill with a timed exit of its own."""

from decimal import Decimal

import msgspec
import reactivex
from reactivex import Observable

from state.events import Decision
from streams import operators as op
from streams.execution import timed_exits
from streams.feeds import Feeds
from streams.health import health, is_ok
from streams.quoting import Quote, ladder, quote_when, to_intents
from streams.risk import DeskLimits, RiskLimits, check_feasible, risk_desk
from streams.strategies.quoted import MAX_LEVELS, above_zero, desk_of, not_negative, possible, require


class Stinky(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `stinky`; distances are from the mid."""

    venue: str
    symbol: str
    size: Decimal  # of each level
    max_position: Decimal
    nearest_bps: float = 100.0
    furthest_from_mid_bps: float = 250.0
    levels: int = 3
    exit_after_s: float = 30.0
    exit_slippage_bps: float = 20.0  # how far through the touch an exit may go
    exit_retry_s: float = 1.0
    fair_half_life_s: float = 1.0
    requote_s: float = 1.0
    tolerance_bps: float = 5.0  # an order that far from its wish stays
    risk: RiskLimits = RiskLimits()
    desk: DeskLimits = DeskLimits()

    def __post_init__(self) -> None:
        require(bool(self.venue and self.symbol), "stinky", "venue and symbol must be named")
        require(0 < self.size < Decimal("inf"), "stinky", f"size must be above zero, not {self.size}")
        require(
            self.size <= self.max_position < Decimal("inf"),
            "stinky",
            f"max_position {self.max_position} must be at least one level's size {self.size}",
        )
        above_zero(self, "nearest_bps", "exit_after_s", "exit_retry_s", "fair_half_life_s", "requote_s")
        not_negative(self, "exit_slippage_bps", "tolerance_bps")
        require(1 <= self.levels <= MAX_LEVELS, "stinky", f"levels must be 1 to {MAX_LEVELS}, is {self.levels}")
        require(
            self.nearest_bps <= self.furthest_from_mid_bps < 10_000,
            "stinky",
            f"nearest_bps {self.nearest_bps} <= furthest_from_mid_bps {self.furthest_from_mid_bps} < 10000 must hold",
        )
        require(
            self.levels == 1 or self.nearest_bps < self.furthest_from_mid_bps, "stinky", "levels on top of each other"
        )
        collar = self.risk.price_collar_bps
        require(
            collar is None or self.exit_slippage_bps < collar,
            "stinky",
            f"an exit {self.exit_slippage_bps} bps through the touch is beyond risk.price_collar_bps {collar}: "
            "it could never leave",
        )
        check_feasible(self, self.risk)

    @property
    def order_size(self) -> Decimal:
        """Size of one order, base units."""
        return self.size

    @property
    def order_count(self) -> int:
        """Orders in the market at once, without exits, which no count holds back."""
        return 2 * self.levels

    @property
    def furthest_bps(self) -> float:
        """Where the furthest level stands, from the mid."""
        return self.furthest_from_mid_bps

    @property
    def spacing_bps(self) -> float:
        """From one level to the next."""
        return (self.furthest_from_mid_bps - self.nearest_bps) / (self.levels - 1) if self.levels > 1 else 0.0


def stinky(feeds: Feeds, p: Stinky) -> Observable[Decision]:
    """Quotes far from both sides of one market, and closes each fill after a while.

    Idea: who trades far from the price was forced to, and the price comes back. A fill is sold again `exit_after_s` later, by
    reduce-only IOC orders, tried until it is gone. Do not use it where a large move is news: it then buys all the way down, up
    to `max_position`.
    """
    market = feeds.market(p.venue, p.symbol)
    fair = market.book.pipe(op.mid(), op.ema(p.fair_half_life_s))
    lean = feeds.account(p.venue).position(p.symbol).pipe(op.utilisation(p.max_position))
    size, max_position = float(p.size), float(p.max_position)
    asked: tuple[tuple[float, float], tuple[Quote, ...]] | None = None

    def quotes(wish: tuple[float, float]) -> tuple[Quote, ...]:
        nonlocal asked
        fair, lean = wish
        if asked is not None and asked[0][1] == lean and abs(fair / asked[0][0] - 1) * 10_000 <= p.tolerance_bps:
            return asked[1]
        wished = ladder(
            fair,
            p.nearest_bps,
            lean,
            size=size,
            levels=p.levels,
            spacing_bps=p.spacing_bps,
            max_position=max_position,
        )
        asked = (wish, wished)
        return wished

    quoting = op.combine_every(p.requote_s, fair, lean).pipe(
        op.map(quotes),
        op.map(possible(feeds, p, p.venue, p.symbol, p.risk)),
        quote_when(is_ok(health(feeds, p.venue, p.symbol))),
        to_intents(feeds, p.venue, p.symbol),
    )
    exits = timed_exits(
        feeds, p.venue, p.symbol, p.exit_after_s, slippage_bps=p.exit_slippage_bps, retry_s=p.exit_retry_s
    )
    return reactivex.merge(quoting, exits).pipe(risk_desk(desk_of(p.desk, p.risk), feeds))
