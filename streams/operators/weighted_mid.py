"""The mid moved by what rests on several levels."""

from collections.abc import Callable

from reactivex import abc

from state.book import Book
from streams.operators.depth import totals_within
from streams.operators.lift import Operator, lift


def weighted_mid(levels: int = 1) -> Operator[Book, float]:
    """bid + (ask - bid) x B / (B + A), B and A the sizes of the best `levels`, quote per base, at each change of a trusted book.

        book            --9x1|11x3---9x3|11x1---
        weighted_mid()  --9.5--------10.5-------

    The weighted mid of Stoikov, "The micro-price" (2018), with the imbalance taken over `levels`; with one level it is
    `microprice`. Says nothing while `book.is_ok` is false.
    """
    totals = totals_within(None, levels)

    def start(emit: Callable[[float], None], _: abc.SchedulerBase | None) -> Callable[[Book], None]:
        def on_next(book: Book) -> None:
            if book.is_ok:
                bid, _, ask, _ = book.touch()
                bid_size, _, ask_size, _ = totals(book)
                emit(bid + (ask - bid) * bid_size / (bid_size + ask_size))

        return on_next

    return lift(start)
