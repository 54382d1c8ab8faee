"""Whether a book can be relied on, as a stream for `when`."""

from collections.abc import Callable

from reactivex import abc

from state.book import Book
from streams.operators.lift import Operator, lift


def trusted() -> Operator[Book, bool]:
    """`book.is_ok`, said when it changes.

        book      --ok---ok---gap---ok---
        trusted() --True------False-True-

    Constant time and memory.
    """

    def start(emit: Callable[[bool], None], _: abc.SchedulerBase | None) -> Callable[[Book], None]:
        said: bool | None = None

        def on_next(book: Book) -> None:
            nonlocal said
            is_ok = book.is_ok
            if is_ok is not said:
                said = is_ok
                emit(is_ok)

        return on_next

    return lift(start)
