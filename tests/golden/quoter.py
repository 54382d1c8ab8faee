"""The strategy of the golden tapes. It may never change: what it decided then, it must decide for ever.

So it uses nothing of the library but what a strategy is given, and no operator of ours whose numbers might be bettered.
"""

from decimal import Decimal

import msgspec
import reactivex
from reactivex import Observable
from reactivex import operators as ops

from state.events import CancelOrder, Decision, PlaceOrder, Trade
from streams.feeds import Feeds


class Quoter(msgspec.Struct, frozen=True):
    """Where, how large, how far from the last trade, and how often."""

    venue: str
    symbol: str
    size: Decimal
    tick: Decimal
    away_ticks: int = 3
    beat_s: float = 0.5


def quoter(feeds: Feeds, p: Quoter) -> Observable[Decision]:
    """At each beat: takes back what rests, else places one bid and one ask around the last trade, by chance a tick further."""
    market, account = feeds.market(p.venue, p.symbol), feeds.account(p.venue)

    def price(trade: Trade) -> float:
        return trade.price

    def decide(last: float) -> Observable[Decision]:
        return reactivex.from_iterable(decisions(last))

    def decisions(last: float) -> list[Decision]:
        resting = account.state.orders.working(p.symbol)
        if resting:
            return [CancelOrder(p.venue, p.symbol, order.client_id) for order in resting if not order.pending_cancel]
        if not account.is_ready:
            return []
        middle = (Decimal(repr(last)) / p.tick).to_integral_value() * p.tick
        away = (p.away_ticks + int(feeds.random.random() * 2)) * p.tick
        return [
            PlaceOrder(p.venue, p.symbol, "buy", p.size, middle - away, tif="post_only"),
            PlaceOrder(p.venue, p.symbol, "sell", p.size, middle + away, tif="post_only"),
        ]

    return market.trades.pipe(ops.map(price), ops.sample(p.beat_s), ops.flat_map(decide))
