"""The volume adjusted mid price."""

from collections.abc import Callable

from reactivex import abc

from state.book import Book
from streams.operators.depth import totals_within
from streams.operators.lift import Operator, lift


def vamp(*, bps: float | None = None, levels: int | None = None) -> Operator[Book, float]:
    """(P_b Q_a + P_a Q_b) / (Q_b + Q_a), P and Q each side's average price and size within `bps` or `levels`, quote per base.

        book           --9x1|11x3---9x3|11x1---
        vamp(levels=1) --9.5--------10.5-------

    The microprice of a depth: each side's price counts with the other side's size, so it moves to where the book is thin.
    As `get_vamp` of https://github.com/beatzxbt/mm-toolbox (2024); with one level it is the weighted mid of Stoikov (2018).
    Says nothing while `book.is_ok` is false, nor where a side has nothing so near. Cost grows with what is looked at.
    """
    totals = totals_within(bps, levels)

    def start(emit: Callable[[float], None], _: abc.SchedulerBase | None) -> Callable[[Book], None]:
        def on_next(book: Book) -> None:
            if book.is_ok:
                bid_size, bid_value, ask_size, ask_value = totals(book)
                if bid_size and ask_size:
                    bid, ask = bid_value / bid_size, ask_value / ask_size
                    emit((bid * ask_size + ask * bid_size) / (bid_size + ask_size))

        return on_next

    return lift(start)
