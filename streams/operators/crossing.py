"""Whether the best bid and ask are apart."""

from collections.abc import Callable
from typing import Literal, TypeAlias

from reactivex import abc

from state.book import Book
from streams.operators.lift import Operator, lift

Crossing: TypeAlias = Literal["apart", "locked", "crossed"]


def crossing() -> Operator[Book, Crossing]:
    """Says "apart" (bid < ask), "locked" (bid = ask) or "crossed" (bid > ask), when it changes.

        book       --9|11---------11|11-------12|11---------9|11------
        crossing() --apart--------locked------crossed-------apart-----

    Locked and crossed markets as in SEC Regulation NMS, rule 610(d) (2005). Says nothing of a book with a gap or an empty side.
    Constant time and memory.
    """

    def start(emit: Callable[[Crossing], None], _: abc.SchedulerBase | None) -> Callable[[Book], None]:
        said: Crossing | None = None

        def on_next(book: Book) -> None:
            nonlocal said
            if book.status not in ("ok", "crossed"):
                return
            bid, ask = book.bid, book.ask
            word: Crossing
            if bid < ask:
                word = "apart"
            elif bid == ask:
                word = "locked"
            elif bid > ask:
                word = "crossed"
            else:
                return  # NaN: an empty side
            if word != said:
                said = word
                emit(word)

        return on_next

    return lift(start)
