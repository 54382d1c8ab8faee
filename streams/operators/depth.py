"""How deep into the book an operator looks: so many levels a side, or so many bps from the mid."""

from collections.abc import Callable
from math import inf
from typing import TypeAlias

from state.book import Book
from state.errors import WrongUse
from streams.operators.lift import positive

# Bid size, bid size x price, ask size, ask size x price.
Totals: TypeAlias = tuple[float, float, float, float]


def totals_within(bps: float | None, levels: int | None) -> Callable[[Book], Totals]:
    """Sums over what rests within `bps` of the mid, or on the best `levels`, of a book with two sides.

    Raises `WrongUse` unless just one of the two is given. Costs what is looked at, not the depth of the book.
    """
    if (bps is None) == (levels is None):
        raise WrongUse("say how deep: either bps or levels")
    if levels is not None:
        if levels < 1:
            raise WrongUse(f"levels must be at least 1, not {levels}")
        return lambda book: _sums(book, levels, 0.0, inf)
    reach = positive("bps", bps if bps is not None else 0.0) / 10_000

    def near(book: Book) -> Totals:
        mid = book.mid
        return _sums(book, None, mid * (1 - reach), mid * (1 + reach))

    return near


def _sums(book: Book, levels: int | None, lowest: float, highest: float) -> Totals:
    bid_size = bid_value = ask_size = ask_value = 0.0
    for price, size in book.bids(levels):
        if price < lowest:
            break
        bid_size += size
        bid_value += size * price
    for price, size in book.asks(levels):
        if price > highest:
            break
        ask_size += size
        ask_value += size * price
    return bid_size, bid_value, ask_size, ask_value
