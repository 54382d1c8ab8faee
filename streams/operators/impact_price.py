"""What an order of some size would pay now."""

from collections.abc import Callable

from reactivex import abc

from state.book import Book
from state.words import Side
from streams.operators.lift import Operator, lift, one_of, positive


def impact_price(side: Side, size: float) -> Operator[Book, float]:
    """sum(price x taken) / size over the levels that a taker of `size` (base) on `side` would sweep, quote per base.

        book                   --10x1|11x1 13x1---10x1|11x3---
        impact_price("buy", 2) --12---------------11----------

    The average execution price of walking the book, as in Irvine, Benston, Kandel, "Liquidity beyond the inside spread" (2000).
    Says nothing while `book.is_ok` is false, nor while the known book is not as deep as `size`. Cost grows with the levels that
    are swept.
    """
    positive("size", size)
    one_of("side", side, "buy", "sell")

    def start(emit: Callable[[float], None], _: abc.SchedulerBase | None) -> Callable[[Book], None]:
        def on_next(book: Book) -> None:
            if book.is_ok:
                price = book.price_for(side, size)
                if price == price:  # NaN: not deep enough
                    emit(price)

        return on_next

    return lift(start)
