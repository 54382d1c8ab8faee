"""`funding_carry`: holds a perpetual on the side that is paid, hedged on another market."""

from decimal import Decimal

import msgspec
import reactivex
from reactivex import Observable

from state.events import Decision, Ticker
from state.instruments import Instrument
from state.ledger import Position
from state.words import Side
from streams import operators as op
from streams.execution import hedged
from streams.feeds import Feeds
from streams.health import health, is_ok
from streams.quoting import Quote, quote_when, to_intents
from streams.risk import DeskLimits, RiskLimits, check_feasible, risk_desk
from streams.strategies.quoted import above_zero, desk_of, not_negative, possible, require

PERIOD_S = 28_800  # rates are compared per eight hours, whatever the venues' own periods are


class FundingCarry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `funding_carry`; funding in bps per eight hours, received by shorts where it is positive."""

    venue: str
    symbol: str
    hedge_venue: str
    hedge_symbol: str
    size: Decimal  # of one order
    max_position: Decimal  # held while it is paid
    enter_bps: float = 1.0  # difference of funding to the hedge market from which on it builds a position
    exit_bps: float = 0.2  # and from which down it closes it
    max_premium_bps: float = 20.0  # how much worse than the hedge market's the price may be when it builds
    offset_bps: float = 0.0  # behind the touch
    hedge_slippage_bps: float = 5.0  # how far through the touch a hedge may go
    hedge_whole: bool = False  # both accounts' positions, and not only what this session was filled
    requote_s: float = 0.5
    tolerance_ticks: float = 1.0
    risk: RiskLimits = RiskLimits()
    desk: DeskLimits = DeskLimits()

    def __post_init__(self) -> None:
        kind = "funding_carry"
        require(bool(self.venue and self.symbol), kind, "venue and symbol must be named")
        require(bool(self.hedge_venue and self.hedge_symbol), kind, "hedge_venue and hedge_symbol must be named")
        require(
            (self.venue, self.symbol) != (self.hedge_venue, self.hedge_symbol), kind, "a market cannot hedge itself"
        )
        require(0 < self.size < Decimal("inf"), kind, f"size must be above zero, not {self.size}")
        require(
            self.size <= self.max_position < Decimal("inf"),
            kind,
            f"max_position {self.max_position} must be at least one order's size {self.size}",
        )
        above_zero(self, "enter_bps", "requote_s")
        not_negative(self, "exit_bps", "max_premium_bps", "offset_bps", "hedge_slippage_bps", "tolerance_ticks")
        require(
            self.exit_bps < self.enter_bps,
            kind,
            f"exit_bps {self.exit_bps} is not below enter_bps {self.enter_bps}: what it builds it would close at once",
        )
        require(self.offset_bps < 10_000, kind, f"an offset of {self.offset_bps} bps: its price is not above zero")
        check_feasible(self, self.risk)

    @property
    def order_size(self) -> Decimal:
        """Size of one order, base units."""
        return self.size

    @property
    def order_count(self) -> int:
        """Orders in the market at once, without hedges."""
        return 1

    @property
    def furthest_bps(self) -> float:
        """Where its order stands, from the touch."""
        return self.offset_bps


def funding_carry(feeds: Feeds, p: FundingCarry) -> Observable[Decision]:
    """Makes a position that is paid funding, hedges each fill at once, and leaves when it is no longer paid.

        carry  = funding here - funding there, bps per eight hours (0 where a market has none, as spot)
        wanted = -max_position from carry >= enter_bps on, +max_position from carry <= -enter_bps on,
                 0 once |carry| <= exit_bps or it has turned

    One post-only order at a time, at the touch. Idea: whoever is long pays to be so; the price is hedged away. Do not use it
    where funding turns faster than both ways in and out are earned, or where base units differ.
    """
    here, there = feeds.market(p.venue, p.symbol), feeds.market(p.hedge_venue, p.hedge_symbol)
    held = feeds.account(p.venue).position(p.symbol)
    most = float(p.max_position)
    direction = 0

    def quotes(now: tuple[tuple[float, float, Position], Ticker]) -> tuple[Quote, ...]:
        nonlocal direction
        (mid, hedge_mid, position), ticker = now
        paid, paid_there = funding_bps(ticker), funding_bps(there.state.ticker)
        if paid is None or (paid_there is None and pays_funding(there.instrument)):
            return ()  # not told yet
        carry = paid - (paid_there or 0.0)
        direction = turned(direction, carry, (mid / hedge_mid - 1) * 10_000, p)
        return towards(float(position.size), direction * most)

    def towards(position: float, wanted: float) -> tuple[Quote, ...]:
        missing = wanted - position
        reduces = position * missing < 0
        size = min(float(p.size), abs(missing), abs(position) if reduces else most)
        if not size:
            return ()
        side: Side = "buy" if missing > 0 else "sell"
        book = here.state.book
        price = book.bid * (1 - p.offset_bps / 10_000) if side == "buy" else book.ask * (1 + p.offset_bps / 10_000)
        return (Quote(side, price, size, "b0" if side == "buy" else "a0", reduces),)

    making = op.combine_every(p.requote_s, here.book.pipe(op.mid()), there.book.pipe(op.mid()), held).pipe(
        op.with_latest(here.ticker),
        op.map(quotes),
        op.map(possible(feeds, p, p.venue, p.symbol, p.risk)),
        quote_when(is_ok(health(feeds, p.venue, p.symbol))),
        quote_when(is_ok(health(feeds, p.hedge_venue, p.hedge_symbol))),
        to_intents(feeds, p.venue, p.symbol, tolerance_ticks=p.tolerance_ticks),
    )
    market, other = (p.venue, p.symbol), (p.hedge_venue, p.hedge_symbol)
    hedges = hedged(feeds, market, other, slippage_bps=p.hedge_slippage_bps, whole=p.hedge_whole)
    return reactivex.merge(making.pipe(risk_desk(desk_of(p.desk, p.risk), feeds)), hedges)


def funding_bps(ticker: Ticker | None) -> float | None:
    """Funding in bps per eight hours; None where the market has told none."""
    if ticker is None or ticker.funding_rate is None:
        return None
    return ticker.funding_rate * 10_000 * PERIOD_S / (ticker.funding_interval_s or PERIOD_S)


def pays_funding(instrument: Instrument | None) -> bool:
    """True for a perpetual, and for what is not known to be none."""
    return instrument is None or instrument.kind == "perpetual"


def turned(direction: int, carry: float, premium_bps: float, p: FundingCarry) -> int:
    """-1 to be short, 1 to be long, 0 to hold nothing; a position is built only at a price that is not too much worse."""
    if direction and -direction * carry > p.exit_bps:
        return direction
    if carry >= p.enter_bps and premium_bps >= -p.max_premium_bps:
        return -1
    return 1 if carry <= -p.enter_bps and premium_bps <= p.max_premium_bps else 0
