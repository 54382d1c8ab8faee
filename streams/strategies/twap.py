"""`twap`: one order, worked in equal parts over a time."""

from decimal import Decimal

import msgspec
from reactivex import Observable

from state.book import Book
from state.events import Decision, PlaceOrder
from state.words import OrderKind, Side
from streams import operators as op
from streams.execution import Twap, work
from streams.feeds import Feeds
from streams.risk import DeskLimits, RiskLimits, check_feasible, risk_desk
from streams.strategies.quoted import above_zero, desk_of, not_negative, require


class TwapOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `twap`."""

    venue: str
    symbol: str
    side: Side
    size: Decimal  # of the whole
    duration_s: float
    parts: int
    worst_price: Decimal | None = None  # no part goes beyond
    slippage_bps: float = 5.0  # how far through the touch a part may go
    reduce_only: bool = False
    risk: RiskLimits = RiskLimits()
    desk: DeskLimits = DeskLimits()

    def __post_init__(self) -> None:
        require(bool(self.venue and self.symbol), "twap", "venue and symbol must be named")
        require(0 < self.size < Decimal("inf"), "twap", f"size must be above zero, not {self.size}")
        require(self.parts >= 1, "twap", f"parts must be at least one, is {self.parts}")
        require(self.worst_price is None or self.worst_price > 0, "twap", "worst_price must be above zero")
        above_zero(self, "duration_s")
        not_negative(self, "slippage_bps")
        check_feasible(self, self.risk)

    @property
    def order_size(self) -> Decimal:
        """Size of one part, base units."""
        return self.size / self.parts

    @property
    def order_count(self) -> int:
        """Orders in the market at once."""
        return 1

    @property
    def furthest_bps(self) -> float:
        """How far through the touch it reaches."""
        return self.slippage_bps


def twap(feeds: Feeds, p: TwapOrder) -> Observable[Decision]:
    """Begins as soon as the market and the account are known, and ends when all is done, or less is left than the venue takes.

    What a part missed comes with a later one. Do not use it where you know better than the clock when to trade.
    """
    market, account = feeds.market(p.venue, p.symbol), feeds.account(p.venue)
    is_begun = False

    def order(book: Book) -> tuple[PlaceOrder, ...]:
        nonlocal is_begun
        if is_begun or not book.is_ok or not account.is_ready or market.instrument is None:
            return ()
        check_feasible(p, p.risk, market.instrument)
        is_begun = True
        kind: OrderKind = "limit" if p.worst_price is not None else "market"
        return (
            PlaceOrder(
                p.venue, p.symbol, p.side, p.size, p.worst_price, kind, reduce_only=p.reduce_only, label="twap"
            ),
        )  # fmt: skip

    begun: Observable[Decision] = market.book.pipe(op.map(order), op.each())
    tactic = Twap(p.duration_s, p.parts, p.slippage_bps)
    return begun.pipe(work(feeds, p.venue, p.symbol, tactic), risk_desk(desk_of(p.desk, p.risk), feeds))
