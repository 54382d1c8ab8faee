"""Which side of the book is heavier within a distance."""

from collections.abc import Callable

from reactivex import abc

from state.book import Book
from streams.operators.depth import totals_within
from streams.operators.lift import Operator, lift


def imbalance_bps(bps: float) -> Operator[Book, float]:
    """(B - A) / (B + A), B and A the sizes within `bps` of the mid, in [-1, 1], at each change of a trusted book.

        book                --10x1 9x9|11x3 30x9---
        imbalance_bps(1000) --(-0.5)---------------

    Cartea, Donnelly, Jaimungal, "Enhancing trading strategies with order book signals" (2018), eq. 1, by distance instead of by
    level. Says nothing while `book.is_ok` is false, nor where nothing rests so near. Cost grows with what is looked at.
    """
    totals = totals_within(bps, None)

    def start(emit: Callable[[float], None], _: abc.SchedulerBase | None) -> Callable[[Book], None]:
        def on_next(book: Book) -> None:
            if book.is_ok:
                bid_size, _, ask_size, _ = totals(book)
                both = bid_size + ask_size
                if both:
                    emit((bid_size - ask_size) / both)

        return on_next

    return lift(start)
