"""A line of virtual time (1 character = 1 s) to put operators on, and books and trades to feed them with."""

from collections.abc import Callable
from math import isclose

from reactivex import Observable
from reactivex.testing import ReactiveTest, TestScheduler

from state.book import Book
from state.events import BookSnapshot, Trade
from state.words import Side

on_next, on_completed, on_error = ReactiveTest.on_next, ReactiveTest.on_completed, ReactiveTest.on_error


def run(
    operator: Callable[[Observable[object]], Observable[object]], *values: tuple[float, object], until: float = 1000
) -> list[tuple[float, object]]:
    """(second, value) of what `operator` says to values at their seconds after 200."""
    scheduler = TestScheduler()
    source = scheduler.create_hot_observable([on_next(200 + at, value) for at, value in values])
    heard = scheduler.start(lambda: source.pipe(operator), disposed=200 + until)
    return [(message.time - 200, message.value.value) for message in heard.messages]


def close(heard: list[tuple[float, object]], expected: list[tuple[float, float]]) -> bool:
    return len(heard) == len(expected) and all(
        at == at_expected and isclose(value, expected_value, rel_tol=1e-12, abs_tol=1e-12)
        for (at, value), (at_expected, expected_value) in zip(heard, expected, strict=True)
    )


def a_book(bid: float, bid_size: float, ask: float, ask_size: float) -> Book:
    book = Book("venue", "BTC")
    book.replace(BookSnapshot("venue", "BTC", None, [(bid, bid_size)], [(ask, ask_size)]))
    return book


def a_trade(price: float, size: float = 1.0, side: Side = "buy") -> Trade:
    return Trade("venue", "BTC", None, "t", price, size, side)


def levels_book(bids: list[tuple[float, float]], asks: list[tuple[float, float]], venue: str = "venue") -> Book:
    book = Book(venue, "BTC")
    book.replace(BookSnapshot(venue, "BTC", None, bids, asks))
    return book
