"""`taker`: takes what the book offers when the signals agree, and is out again by the clock."""

from decimal import Decimal

import reactivex
from reactivex import Observable

from state.events import Decision, PlaceOrder
from state.instruments import exact
from state.words import Side, sign
from streams import operators as op
from streams.execution import timed_exits
from streams.feeds import Feeds
from streams.health import health, is_ok
from streams.risk import risk_desk
from streams.strategies.quoted import above_zero, desk_of, not_negative, require
from streams.strategies.skewed import Skewed, signal


class Taker(Skewed, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of `taker`: the signals of `skewed`, and when they are enough. Of a ladder it uses `size` alone."""

    threshold_bps: float = 1.0  # of signal, beyond half the spread and the fee
    fee_bps: float = 0.0
    slippage_bps: float = 1.0  # how far through the touch an order may go
    rest_s: float = 1.0  # between two orders
    exit_after_s: float = 10.0
    exit_slippage_bps: float = 20.0

    def check(self) -> None:
        Skewed.check(self)
        above_zero(self, "threshold_bps", "rest_s", "exit_after_s")
        not_negative(self, "fee_bps", "slippage_bps", "exit_slippage_bps")
        require(
            self.threshold_bps + self.fee_bps < self.max_signal_bps,
            "taker",
            f"the signal is kept within max_signal_bps {self.max_signal_bps} and never passes "
            f"threshold_bps {self.threshold_bps} and fee_bps {self.fee_bps}: it could never trade",
        )
        collar = self.risk.price_collar_bps
        require(
            collar is None or max(self.slippage_bps, self.exit_slippage_bps) < collar,
            "taker",
            f"orders through the touch are beyond risk.price_collar_bps {collar}: they could never leave",
        )

    @property
    def order_count(self) -> int:
        """One to take, one to leave."""
        return 1

    @property
    def furthest_bps(self) -> float:
        """How far through the touch it reaches."""
        return self.slippage_bps

    @property
    def widest_bps(self) -> float:
        return self.slippage_bps


def taker(feeds: Feeds, p: Taker) -> Observable[Decision]:
    """An IOC order of `size` through the touch when |signal| > threshold_bps + fee_bps + half the spread, out by the clock.

    Positions do not grow beyond `max_position`. Do not use it where the fee is larger than what the signal has ever said.
    """
    market, account = feeds.market(p.venue, p.symbol), feeds.account(p.venue)
    resting_until = number = 0

    def decide(said: tuple[float, float]) -> tuple[PlaceOrder, ...]:
        nonlocal resting_until, number
        signal_bps, spread_bps = said
        instrument, now = market.instrument, feeds.now_ns
        needed = p.threshold_bps + p.fee_bps + spread_bps / 2
        if abs(signal_bps) <= needed or now < resting_until or not account.is_ready or instrument is None:
            return ()
        book = market.state.book
        if not book.is_ok:
            return ()
        side: Side = "buy" if signal_bps > 0 else "sell"
        orders = account.state.orders
        held = (account.state.ledger.position(p.symbol).size + orders.unheard(p.symbol)) * sign(side)
        # What is out may fill yet: an answer can take longer than the rest between two orders.
        out = (order for order in orders.working(p.symbol) if order.side == side and not order.reduce_only)
        size = instrument.size(min(p.size, p.max_position - held - sum(order.remaining for order in out)))
        if size < max(instrument.min_size, Decimal(0)) or not size:
            return ()
        reach = 1 + (1 if side == "buy" else -1) * p.slippage_bps / 10_000
        price = instrument.price(side, exact((book.ask if side == "buy" else book.bid) * reach))
        resting_until, number = now + round(p.rest_s * 1e9), number + 1
        return (PlaceOrder(p.venue, p.symbol, side, size, price, tif="ioc", label=f"take{number}"),)

    takes: Observable[Decision] = op.combine(signal(feeds, p), market.book.pipe(op.spread())).pipe(
        op.when(is_ok(health(feeds, p.venue, p.symbol))), op.map(decide), op.filter(_is_any), op.map(_only)
    )
    exits = timed_exits(feeds, p.venue, p.symbol, p.exit_after_s, slippage_bps=p.exit_slippage_bps)
    return reactivex.merge(takes, exits).pipe(risk_desk(desk_of(p.desk, p.risk), feeds))


def _is_any(orders: tuple[PlaceOrder, ...]) -> bool:
    return bool(orders)


def _only(orders: tuple[PlaceOrder, ...]) -> PlaceOrder:
    return orders[0]
