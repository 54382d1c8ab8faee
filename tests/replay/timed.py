"""Strategies that live on timers, chance and failure; named in manifests as `tests.replay.timed:…`, so any process finds them.

Each keeps at most one small order far from the touch: it is placed at one beat and taken back at the next.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Literal

import msgspec
import reactivex
from reactivex import Observable
from reactivex import operators as ops

from state.events import CancelOrder, Decision, PlaceOrder
from state.order import Order
from streams.feeds import Feeds


class Timed(msgspec.Struct, frozen=True):
    """Where, how large and how far away; `beat_s` is the timer's."""

    symbol: str
    size: Decimal
    away_bps: float = 30.0
    beat_s: float = 0.3
    side: Literal["buy", "sell"] = "buy"


def debounced(feeds: Feeds, p: Timed) -> Observable[Decision]:
    """Whenever the trades have paused for a moment."""
    return feeds.market("bybit", p.symbol).trades.pipe(ops.debounce(p.beat_s / 10), _turn(feeds, p))


def sampled(feeds: Feeds, p: Timed) -> Observable[Decision]:
    """The book, looked at now and then."""
    return feeds.market("bybit", p.symbol).book.pipe(ops.sample(p.beat_s), _turn(feeds, p))


def beating(feeds: Feeds, p: Timed) -> Observable[Decision]:
    """Time alone."""
    return reactivex.interval(p.beat_s).pipe(_turn(feeds, p))


def timed_out(feeds: Feeds, p: Timed) -> Observable[Decision]:
    """The liquidations, and a beat of its own once they have been silent."""
    silence: Observable[object] = reactivex.interval(p.beat_s)
    liquidations: Observable[object] = feeds.market("bybit", p.symbol).liquidations.pipe(ops.map(_any))
    return liquidations.pipe(ops.timeout(p.beat_s, silence), _turn(feeds, p))


def gambling(feeds: Feeds, p: Timed) -> Observable[Decision]:
    """A distance and a beat by chance, seeded from the session."""

    def away_bps() -> float:
        return p.away_bps * (1 + feeds.random.random())

    return reactivex.interval(p.beat_s).pipe(
        ops.delay_with_mapper(lambda _: reactivex.timer(feeds.random.random() * p.beat_s)), _turn(feeds, p, away_bps)
    )


def failing(feeds: Feeds, p: Timed) -> Observable[Decision]:
    """Places, and raises at the third beat after that, while its order rests."""
    beats_resting = 0

    def decide(_: object) -> list[Decision]:
        nonlocal beats_resting
        if not _mine(feeds, p):
            return _placed(feeds, p, p.away_bps)
        beats_resting += 1
        if beats_resting == 3:
            raise ZeroDivisionError("midway")
        return []

    return reactivex.interval(p.beat_s).pipe(ops.flat_map(lambda beat: reactivex.from_iterable(decide(beat))))


def _turn(
    feeds: Feeds, p: Timed, away_bps: Callable[[], float] | None = None
) -> Callable[[Observable[object]], Observable[Decision]]:
    """At each item: places where nothing rests, else takes back what does, once."""

    def decide(_: object) -> list[Decision]:
        mine = _mine(feeds, p)
        if not mine:
            return _placed(feeds, p, p.away_bps if away_bps is None else away_bps())
        return [CancelOrder("bybit", p.symbol, order.client_id) for order in mine if not order.pending_cancel]

    return ops.flat_map(lambda item: reactivex.from_iterable(decide(item)))


def _mine(feeds: Feeds, p: Timed) -> list[Order]:
    working = feeds.account("bybit").state.orders.working(p.symbol)
    return [order for order in working if order.strategy == feeds.strategy]


def _placed(feeds: Feeds, p: Timed, away_bps: float) -> list[Decision]:
    market = feeds.market("bybit", p.symbol)
    if market.instrument is None or not market.state.book.is_ok or not feeds.account("bybit").is_ready:
        return []
    away = away_bps / 1e4 * (-1 if p.side == "buy" else 1)
    price = market.instrument.price(p.side, market.state.book.mid * (1 + away))
    return [PlaceOrder("bybit", p.symbol, p.side, p.size, price, tif="post_only")]


def _any(item: object) -> object:
    return item
