"""Strategies for the look-ahead test: they read ahead in the replay's own tape, or hang on what is in no log."""

import sys
from collections.abc import Callable
from decimal import Decimal
from itertools import count

import msgspec
from reactivex import Observable
from reactivex import operators as rx

from state.book import Book
from state.events import BookDelta, Decision, Trade
from state.record import Record
from streams import operators as op
from streams.feeds import Feeds
from streams.quoting import Quote, to_intents


class Window(msgspec.Struct, frozen=True):
    """Trades to either side of now; `ahead` 0 is honest."""

    ahead: int = 5
    symbol: str = "BTCUSDT"


def _tape() -> list[Record]:
    """The records that the replay is running on, found in the frames below us."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        if isinstance(found := frame.f_locals.get("tape"), list):
            return found
        frame = frame.f_back
    return []


def centred_window(ahead: int, symbol: str, clock: list[int]) -> Callable[[Book], float]:
    """The planted bug: a mean of mid and the next trades' prices."""

    def centred(book: Book) -> float:
        prices = [book.mid]
        if ahead:
            for record in _tape():
                event = record.event
                if isinstance(event, Trade) and event.symbol == symbol and (event.ts or 0) > clock[0]:
                    prices.append(event.price)
                    if len(prices) > ahead:
                        break
        return round(sum(prices) / len(prices), 1)

    return centred


def peeking(feeds: Feeds, p: Window) -> Observable[Decision]:
    """A bid and an offer around the window's mean, twice a second."""
    clock = [0]

    def noted(book: Book) -> Book:
        clock[0] = feeds.scheduler.now_ns
        return book

    def quotes(mean: float) -> tuple[Quote, ...]:
        return Quote("buy", mean - 5, Decimal("0.001"), "b0"), Quote("sell", mean + 5, Decimal("0.001"), "a0")

    means = feeds.market("bybit", p.symbol).book.pipe(
        op.throttle(0.2), rx.map(noted), rx.map(centred_window(p.ahead, p.symbol, clock))
    )
    return means.pipe(op.map(quotes), to_intents(feeds, "bybit", p.symbol))


def seldom(feeds: Feeds, p: Window, lean: Callable[[], float]) -> Observable[Decision]:
    """A bid and an offer every two seconds, moved by `lean`."""

    def quotes(mid: float) -> tuple[Quote, ...]:
        moved = mid + lean()
        return Quote("buy", moved - 5, Decimal("0.001"), "b0"), Quote("sell", moved + 5, Decimal("0.001"), "a0")

    return feeds.market("bybit", p.symbol).book.pipe(
        op.mid(), op.throttle(2.0), op.map(quotes), to_intents(feeds, "bybit", p.symbol)
    )


def next_sizes(feeds: Feeds, p: Window) -> Observable[Decision]:
    """Sees no further than the next change of the book, and of that the sizes alone."""

    def lean() -> float:
        deltas = (
            record.event for record in _tape() if record.recv > feeds.now_ns and isinstance(record.event, BookDelta)
        )
        return 10 * sum(size for _, size in next(deltas, BookDelta("", "", None, [], [])).bids)

    return seldom(feeds, p, lean)


RUNS = count()


def another_each_time(feeds: Feeds, p: Window) -> Observable[Decision]:
    """Decides by what the runs before have left in this module."""
    number = next(RUNS)
    return seldom(feeds, p, lambda: float(number % 7))
