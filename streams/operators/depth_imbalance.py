"""Which side of the book is heavier, looked at from several depths at once."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from reactivex import abc

from state.book import Book
from state.errors import WrongUse
from streams.operators.lift import Operator, lift, positive


def depth_imbalance(depths_bps: Sequence[float], decay: float = 0.5) -> Operator[Book, float]:
    """sum(decay^k I_k) / sum(decay^k), I_k = (B - A) / (B + A) within depths_bps[k] of the mid, in [-1, 1], nearest first.

        book                          --10x1 9x7|11x3 12x1---
        depth_imbalance((1000, 3000)) --(-0.22)--------------   (I = -0.5 and 1/3)

    Cartea, Donnelly, Jaimungal, "Enhancing trading strategies with order book signals" (2018), eq. 1, at several depths; near
    ones count more, as in Xu, Gould, Howison, "Multi-level order-flow imbalance in a limit order book" (2018). A depth within
    which nothing rests is left out. Says nothing while `book.is_ok` is false. One pass over what is within the furthest depth.
    """
    depths = tuple(positive("depths_bps", depth) / 10_000 for depth in depths_bps)
    if not depths or any(near >= far for near, far in pairwise(depths_bps)):
        raise WrongUse(f"depths_bps must be growing, not {tuple(depths_bps)}")
    if not 0 < decay <= 1:
        raise WrongUse(f"decay must be above 0 and at most 1, not {decay}")
    weights = tuple(decay**k for k in range(len(depths)))

    def start(emit: Callable[[float], None], _: abc.SchedulerBase | None) -> Callable[[Book], None]:
        def on_next(book: Book) -> None:
            if not book.is_ok:
                return
            mid = book.mid
            bids = _sizes_within(((mid - price) / mid, size) for price, size in book.bids())
            asks = _sizes_within(((price - mid) / mid, size) for price, size in book.asks())
            total = weight = 0.0
            for each, bid_size, ask_size in zip(weights, bids, asks, strict=True):
                both = bid_size + ask_size
                if both:
                    total += each * (bid_size - ask_size) / both
                    weight += each
            if weight:
                emit(total / weight)

        return on_next

    def _sizes_within(levels: Iterator[tuple[float, float]]) -> list[float]:
        """Size within each depth, of levels by their distance, nearest first."""
        sizes: list[float] = []
        size_so_far, depth = 0.0, 0
        for distance, size in levels:
            while distance > depths[depth]:
                sizes.append(size_so_far)
                depth += 1
                if depth == len(depths):
                    return sizes
            size_so_far += size
        return sizes + [size_so_far] * (len(depths) - depth)

    return lift(start)
