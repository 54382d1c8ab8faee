"""What crossing the book costs."""

from collections.abc import Callable

from reactivex import abc

from state.book import Book
from streams.operators.lift import Operator, lift


def spread() -> Operator[Book, float]:
    """1e4 x (ask - bid) / mid, in bps, at each change of a book that can be trusted.

        book     --99.99|100.01---99.98|100.02---
        spread() --2--------------4--------------

    Quoted spread of Harris, "Trading and Exchanges" (2003), ch. 21, relative to the mid. Says nothing while
    `book.is_ok` is false.
    """

    def start(emit: Callable[[float], None], _: abc.SchedulerBase | None) -> Callable[[Book], None]:
        def on_next(book: Book) -> None:
            if book.is_ok:
                bid, _, ask, _ = book.touch()
                emit(20_000 * (ask - bid) / (ask + bid))

        return on_next

    return lift(start)
