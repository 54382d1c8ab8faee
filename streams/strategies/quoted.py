"""What quoting strategies share: parameters of a ladder in one market, their checks, and the way from wishes to intents."""

from collections.abc import Callable, Sequence
from decimal import Decimal

import msgspec
from reactivex import Observable

from state.errors import ConfigurationError
from state.events import Decision
from state.instruments import Instrument
from streams import operators as op
from streams.feeds import Feeds
from streams.health import health, is_ok
from streams.quoting import Quote, quote_when, to_intents
from streams.risk import DeskLimits, Quoting, RiskLimits, check_feasible

MAX_LEVELS = 50


class Quoted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of a ladder; spreads are from best bid to best ask of the ladder, sizes in base units."""

    venue: str
    symbol: str
    size: Decimal  # of each level
    max_position: Decimal
    min_bps: float = 2.0  # the spread is kept within these two
    max_bps: float = 100.0
    levels: int = 3
    requote_s: float = 0.25
    tolerance_ticks: float = 1.0
    size_tolerance: float = 0.2
    risk: RiskLimits = RiskLimits()
    desk: DeskLimits = DeskLimits()  # what is beyond single orders; `risk` stands for its `orders`

    def __post_init__(self) -> None:
        kind = type(self).__name__
        require(bool(self.venue and self.symbol), kind, "venue and symbol must be named")
        require(0 < self.size < Decimal("inf"), kind, f"size must be above zero, not {self.size}")
        require(
            self.size <= self.max_position < Decimal("inf"),
            kind,
            f"max_position {self.max_position} must be at least one level's size {self.size}",
        )
        require(
            0 < self.min_bps <= self.max_bps, kind, f"0 < min_bps {self.min_bps} <= max_bps {self.max_bps} must hold"
        )
        above_zero(self, "requote_s")
        not_negative(self, "tolerance_ticks")
        require(0 <= self.size_tolerance < 1, kind, f"size_tolerance must be in [0, 1), is {self.size_tolerance}")
        require(1 <= self.levels <= MAX_LEVELS, kind, f"levels must be 1 to {MAX_LEVELS}, is {self.levels}")
        self.check()
        require(
            self.widest_bps < 10_000,
            kind,
            f"the furthest level would be {self.widest_bps:g} bps away: its price is not above zero",
        )
        check_feasible(self, self.risk)

    def check(self) -> None:
        """What a strategy asks of its own parameters; raises `ConfigurationError`."""

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
        return self.min_bps / 2 + self.reach_bps(self.min_bps / 2)

    @property
    def widest_bps(self) -> float:
        """Where the furthest level stands when the ladder is at its widest."""
        return self.max_bps / 2 + self.reach_bps(self.max_bps / 2)

    def reach_bps(self, nearest_bps: float) -> float:
        """How much further the last level stands than the first."""
        return 0.0


def send(feeds: Feeds, p: Quoted, wishes: Observable[Sequence[Quote]]) -> Observable[Decision]:
    """The intents that lead to what is wished. Quotes that the venue could never take end the strategy with the reason."""
    return wishes.pipe(
        op.map(possible(feeds, p, p.venue, p.symbol, p.risk)),
        quote_when(is_ok(health(feeds, p.venue, p.symbol))),
        to_intents(feeds, p.venue, p.symbol, tolerance_ticks=p.tolerance_ticks, size_tolerance=p.size_tolerance),
    )


def desk_of(desk: DeskLimits, orders: RiskLimits) -> DeskLimits:
    """All limits of a strategy in one. Raises `ConfigurationError` where those of orders are said in both places."""
    if desk.orders != RiskLimits():
        raise ConfigurationError("limits of orders belong into risk, not into desk.orders")
    return msgspec.structs.replace(desk, orders=orders)


def possible(
    feeds: Feeds, quoting: Quoting, venue: str, symbol: str, limits: RiskLimits
) -> Callable[[Sequence[Quote]], Sequence[Quote]]:
    """Passes quotes on, after a look whether they could ever be placed, each time that the venue tells its rules."""
    market = feeds.market(venue, symbol)
    checked: Instrument | None = None

    def looked_at(quotes: Sequence[Quote]) -> Sequence[Quote]:
        nonlocal checked
        instrument = market.instrument
        if instrument is not checked:
            check_feasible(quoting, limits, instrument)
            checked = instrument
        return quotes

    return looked_at


def require(holds: bool, kind: str, text: str) -> None:
    """Raises `ConfigurationError`, naming the strategy."""
    if not holds:
        raise ConfigurationError(f"{kind.lower()}: {text}")


def above_zero(params: msgspec.Struct, *names: str) -> None:
    for name in names:
        value = getattr(params, name)
        require(0 < value < float("inf"), type(params).__name__, f"{name} must be above zero and finite, is {value}")


def not_negative(params: msgspec.Struct, *names: str) -> None:
    for name in names:
        value = getattr(params, name)
        require(0 <= value < float("inf"), type(params).__name__, f"{name} must not be negative, is {value}")
