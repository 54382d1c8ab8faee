"""What came to and went from the levels of a book."""

from collections.abc import Callable
from typing import NamedTuple

from reactivex import abc

from state.book import Book
from state.errors import WrongUse
from state.words import Side
from streams.operators.lift import Operator, lift


class DepthChange(NamedTuple):
    """One level: its size (base) before and after, 0 where there was none."""

    side: Side
    price: float
    before: float
    after: float


def depth_changes(levels: int = 10) -> Operator[Book, tuple[DepthChange, ...]]:
    """(side, price, size before, size after) of each level that changed among the best `levels`, base, bids first, best first.

        book             --10x1|11x3---10x4|11x3---10x4|12x3------------
        depth_changes(1) -------------(b 10 1 4)--(a 11 3 0)-

    A level counts as far as both the view before and the one now can see, so that what only came into sight is no change. The
    queue changes of Cont, Stoikov, Talreja, "A stochastic model for order book dynamics" (2010). After the book could not be
    trusted it begins anew. Cost grows with `levels`.
    """
    if levels < 1:
        raise WrongUse(f"levels must be at least 1, not {levels}")

    def start(emit: Callable[[tuple[DepthChange, ...]], None], _: abc.SchedulerBase | None) -> Callable[[Book], None]:
        bids_before: dict[float, float] = {}  # empty: nothing to compare with
        asks_before: dict[float, float] = {}

        def on_next(book: Book) -> None:
            nonlocal bids_before, asks_before
            if not book.is_ok:
                bids_before, asks_before = {}, {}
                return
            bids, asks = dict(book.bids(levels)), dict(book.asks(levels))
            if bids_before and (bids != bids_before or asks != asks_before):
                changes = _changed("buy", bids_before, bids, levels) + _changed("sell", asks_before, asks, levels)
                if changes:
                    emit(tuple(changes))
            bids_before, asks_before = bids, asks

        return on_next

    return lift(start)


def _changed(side: Side, before: dict[float, float], after: dict[float, float], levels: int) -> list[DepthChange]:
    """Between two views, as far as both can see; a view of fewer than `levels` sees to the end."""
    sign = -1 if side == "buy" else 1
    furthest = min(
        (sign * next(reversed(view)) for view in (before, after) if len(view) == levels), default=float("inf")
    )
    prices = sorted({**before, **after}, reverse=side == "buy")
    return [
        DepthChange(side, price, before.get(price, 0.0), after.get(price, 0.0))
        for price in prices
        if sign * price <= furthest and before.get(price) != after.get(price)
    ]
