"""A strategy that uses every operator, and whose decisions hang on every word that any of them says."""

from collections.abc import Callable
from decimal import Decimal
from zlib import crc32

import reactivex
from reactivex import Observable, abc
from reactivex import operators as rx

from state.book import Book
from state.events import Decision, PlaceOrder, Trade
from state.ledger import Position
from streams import operators as op
from streams.feeds import Feeds
from streams.health import health, is_ok
from streams.operators import Operator
from streams.quoting import Quote, quote_when, to_intents
from streams.risk import RiskLimits, risk_gate
from streams.testing import SYMBOL, VENUE
from tests.streams.restarts import OTHER

LIMITS = RiskLimits(max_messages_per_s=3, max_book_age_s=0.5, max_open_orders=4)


def price_of(trade: Trade) -> float:
    return trade.price


def is_bought(trade: Trade) -> bool:
    return trade.side == "buy"


def fresh(is_stale: bool) -> bool:
    return not is_stale


def word_of(value: object) -> str:
    if isinstance(value, Book):
        return f"{value.bid} {value.ask}"
    if type(value) is tuple:
        return " ".join(word_of(each) for each in value)
    if isinstance(value, Position):
        return str(value.size)
    return str(value.tolist()) if hasattr(value, "tolist") else repr(value)


def digest() -> Operator[object, int]:
    """A running checksum of every value, in the order in which they came."""

    def start(emit: Callable[[int], None], _: abc.SchedulerBase | None) -> Callable[[object], None]:
        checksum = 0

        def on_next(value: object) -> None:
            nonlocal checksum
            checksum = crc32(word_of(value).encode(), checksum)
            emit(checksum)

        return on_next

    return op.lift(start)


def streams(feeds: Feeds) -> list[Observable[object]]:
    market, other = feeds.market(VENUE, SYMBOL), feeds.market(VENUE, OTHER)
    book, trades, position = market.book, market.trades, feeds.account(VENUE).position(SYMBOL)
    prices = trades.pipe(op.map(price_of))
    mid, other_mid = book.pipe(op.mid()), other.book.pipe(op.mid())
    candles = trades.pipe(op.candles(1, gaps="flat"))
    stale = trades.pipe(op.stale_after(0.7))
    of_books = [
        op.microprice(), op.weighted_mid(3), op.depth_mid(bps=5), op.depth_mid(levels=2), op.vamp(levels=3),
        op.impact_price("sell", 4), op.spread(), op.imbalance(), op.imbalance(3), op.imbalance_bps(4),
        op.depth_imbalance((2, 5, 9)), op.depth_changes(3), op.order_flow_imbalance(1, 5), op.crossing(), op.trusted(),
    ]  # fmt: skip
    of_trades = [
        op.signed_volume(2, 4), op.trade_imbalance(2, 4), op.trade_imbalance_n(7), op.intensity(0.5), op.vwap(2, 4),
        op.large_trades(0.7, 9, 3), op.kyle_lambda(0.2, 9), op.candles(2, forming=True), op.realized_volatility(2, 4),
        op.bars(trades=3, volume=9, value=9000, seconds=0.8, forming=True), op.ewma_volatility(1),
        op.hold(0.3), op.debounce(0.1), op.buffer(2), op.buffer(3, 0.5, drop="newest"),
    ]  # fmt: skip
    of_numbers = [
        op.ema(0.5), op.ema_n(5), op.wma(1, 5), op.wma_n(6), op.hma(1, 6), op.hma_n(9), op.zscore(6), op.percentile(9),
        op.momentum(3), op.ring(4), op.clamp(999, 1001), op.throttle(0.4), op.conflate(), op.bollinger_width(5),
    ]  # fmt: skip
    return [
        *[book.pipe(one) for one in of_books],
        *[trades.pipe(one) for one in of_trades],
        *[prices.pipe(one) for one in of_numbers],
        candles.pipe(op.parkinson(3), op.time_scaled(9)),
        candles.pipe(op.garman_klass(3), op.filter(bool)),
        market.ticker.pipe(op.basis()),
        position.pipe(op.utilisation(1)),
        mid.pipe(op.sample(trades)),
        prices.pipe(op.sample(feeds.settled)),
        mid.pipe(op.with_latest(other_mid, position)),
        mid.pipe(op.when(stale.pipe(op.map(fresh)))),
        op.combine(book, position, op.combine(mid, trades)),
        op.combine_every(0.3, mid, position, mid.pipe(op.throttle(0.3))),
        op.premium(mid, other_mid),
        op.nbbo(book, other.book),
        op.lead_lag(mid, other_mid, step_s=0.05, steps=4),
        trades.pipe(op.buffer(3), op.each()),
        trades.pipe(op.silent(1.5, least_s=0.2, most_s=2)),
        health(feeds, VENUE, SYMBOL, factor=1.5, least_s=0.2, most_s=2),
        op.switch_regime(stale, {True: mid, False: other_mid}),
        trades.pipe(rx.filter(is_bought), rx.share(), rx.do_action(print_nothing)),
        feeds.signal("fair"),
        feeds.commands("nod"),
    ]


def print_nothing(_: object) -> None:
    return None


def everything(feeds: Feeds) -> Observable[Decision]:
    drawn = 0  # of a strategy itself, given to `map`

    def quotes(checksum: int) -> tuple[Quote, ...]:
        nonlocal drawn
        drawn += 1
        wobble = (checksum % 64 + drawn % 3 + feeds.random.random()) / 10
        return (Quote("buy", 990 - wobble, 0.01, "b0"), Quote("sell", 1010 + wobble, 0.01 + checksum % 5 / 1000, "a0"))

    def order(checksum: int) -> PlaceOrder:
        return PlaceOrder(VENUE, SYMBOL, "buy", Decimal("0.01"), Decimal(900) + Decimal(checksum % 1000) / 10)

    checksum = reactivex.merge(*streams(feeds)).pipe(digest())
    ladder = checksum.pipe(
        op.throttle(0.3),
        op.map(quotes),
        quote_when(is_ok(health(feeds, VENUE, SYMBOL))),
        to_intents(feeds, VENUE, SYMBOL, backoff_s=0.4),
    )
    single = checksum.pipe(op.throttle(2.5), op.map(order))
    return reactivex.merge(ladder, single).pipe(risk_gate(LIMITS, feeds))
