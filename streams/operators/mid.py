"""The middle of the best bid and ask."""

from collections.abc import Callable

from reactivex import abc

from state.book import Book
from streams.operators.lift import Operator, lift


def mid() -> Operator[Book, float]:
    """(bid + ask) / 2, quote per base, at each change of a book that can be trusted.

        book  --9|11---9|12---(gap)---
        mid() --10-----10.5-----------

    Nothing is said while `book.is_ok` is false (empty side, gap, crossed): what was said last is then not to be
    relied on, and whoever quotes on it pulls (`to_intents` does).
    """

    def start(emit: Callable[[float], None], _: abc.SchedulerBase | None) -> Callable[[Book], None]:
        def on_next(book: Book) -> None:
            if book.is_ok:
                bid, _, ask, _ = book.touch()
                emit((bid + ask) / 2)

        return on_next

    return lift(start)
