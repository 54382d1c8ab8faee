"""The middle between what a seller and a buyer of some depth would get."""

from collections.abc import Callable

from reactivex import abc

from state.book import Book
from streams.operators.depth import totals_within
from streams.operators.lift import Operator, lift


def depth_mid(*, bps: float | None = None, levels: int | None = None) -> Operator[Book, float]:
    """(P_b + P_a) / 2, P the volume-weighted price of each side within `bps` of the mid or on `levels`, quote per base.

        book                --10x1 9x1|11x3 12x1---
        depth_mid(levels=2) --10.375---------------   (9.5 and 11.25)

    P = sum(price x size) / sum(size) over what rests so near. The volume-weighted mid of market makers' toolboxes; the price of
    a round trip through the depth, as in Irvine, Benston, Kandel, "Liquidity beyond the inside spread" (2000). Says nothing
    while `book.is_ok` is false, nor where a side has nothing so near. Cost grows with what is looked at.
    """
    totals = totals_within(bps, levels)

    def start(emit: Callable[[float], None], _: abc.SchedulerBase | None) -> Callable[[Book], None]:
        def on_next(book: Book) -> None:
            if book.is_ok:
                bid_size, bid_value, ask_size, ask_value = totals(book)
                if bid_size and ask_size:
                    emit((bid_value / bid_size + ask_value / ask_size) / 2)

        return on_next

    return lift(start)
