"""The mid moved to where the queue is thin."""

from collections.abc import Callable

from reactivex import abc

from state.book import Book
from streams.operators.lift import Operator, lift


def microprice() -> Operator[Book, float]:
    """(bid x ask_size + ask x bid_size) / (bid_size + ask_size), quote per base, at each change of a book that can be trusted.

        book         --9x1|11x3---9x3|11x1---(crossed)---
        microprice() --9.5--------10.5-------------------

    First order of Stoikov, "The micro-price" (2018), where it is called the weighted mid. Says nothing while
    `book.is_ok` is false.
    """

    def start(emit: Callable[[float], None], _: abc.SchedulerBase | None) -> Callable[[Book], None]:
        def on_next(book: Book) -> None:
            if book.is_ok:
                bid, bid_size, ask, ask_size = book.touch()
                emit((bid * ask_size + ask * bid_size) / (bid_size + ask_size))

        return on_next

    return lift(start)
