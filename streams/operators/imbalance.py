"""Which side of the book is heavier."""

from collections.abc import Callable

from reactivex import abc

from state.book import Book
from state.errors import WrongUse
from streams.operators.lift import Operator, lift


def imbalance(levels: int = 1) -> Operator[Book, float]:
    """(bid size - ask size) / (bid size + ask size) over the best `levels`, in [-1, 1], at each change of a trusted book.

        book           --9x3|11x1---9x1|11x1---
        imbalance(1)   --0.5--------0----------

    Cartea, Donnelly, Jaimungal, "Enhancing trading strategies with order book signals" (2018), eq. 1 (levels = 1).
    Cost grows with `levels`, not with the depth of the book. Says nothing while `book.is_ok` is false.
    """
    if levels < 1:
        raise WrongUse(f"levels must be at least 1, not {levels}")

    def start(emit: Callable[[float], None], _: abc.SchedulerBase | None) -> Callable[[Book], None]:
        def touch(book: Book) -> None:
            if book.is_ok:
                _, bid_size, _, ask_size = book.touch()
                emit((bid_size - ask_size) / (bid_size + ask_size))

        def deep(book: Book) -> None:
            if book.is_ok:
                emit(book.imbalance(levels))

        return touch if levels == 1 else deep

    return lift(start)
