"""One side of a paper market: our resting orders laid over what others show there, and what we have taken of that.

It is asked at every change of the book. Mostly nothing of ours is concerned, which is to be found out at little cost.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from math import inf, nan

from sortedcontainers import SortedDict

from adapters.paper.orders import PaperOrder
from adapters.paper.queue import QueueModel
from state.book import Book
from state.events import Level
from state.instruments import exact
from state.words import Side, sign

_ZERO = Decimal(0)


class OwnSide:
    """`first` is the price of our first order, which nothing reaches where none rests; `at` has our orders by price."""

    __slots__ = (
        "_book",
        "_edge",
        "_is_buy",
        "_nearest",
        "_queue",
        "_resting",
        "_unsure",
        "at",
        "first",
        "name",
        "taken",
    )

    def __init__(self, name: Side, book: Book, queue: QueueModel) -> None:
        self.name = name
        self.first = _nowhere(name)
        self.at: dict[float, list[PaperOrder]] = {}
        self.taken: dict[float, Decimal] = {}  # of what others show on this side, what is ours by now
        self._is_buy = name == "buy"
        self._book = book
        self._queue = queue
        self._resting: SortedDict[tuple[float, int], PaperOrder] = SortedDict()
        self._unsure: dict[str, PaperOrder] = {}  # beyond what the book reaches: a change of its edge may tell of them
        self._edge = 0.0  # of the book when they were last looked at
        self._nearest = _nowhere(name)  # no taken level is better than this price

    # --- our orders ---

    def orders(self) -> list[PaperOrder]:
        """First to fill first."""
        resting = self._resting
        return [resting[key] for key in resting]  # its view of values asks for each through two generators

    def first_order(self) -> PaperOrder | None:
        return self._resting.peekitem(0)[1] if self._resting else None

    def put(self, order: PaperOrder) -> None:
        """At the back of its level."""
        order.mark = float(order.limit)
        order.shown = self._book.size_at(self.name, order.mark)
        visible = bool(order.shown) or self._book.sees(self.name, order.mark)
        order.place = self._queue.join(exact(order.shown) if visible else None)
        self._resting[self._key(order)] = order
        self.at.setdefault(order.mark, []).append(order)
        if not visible:
            self._doubt(order)
        self._find_first()

    def remove(self, order: PaperOrder) -> None:
        """One that does not rest is no news."""
        if self._resting.pop(self._key(order), None) is None:
            return
        level = self.at[order.mark]
        level.remove(order)
        if not level:
            del self.at[order.mark]
        self._unsure.pop(order.order_id, None)
        self._find_first()

    # --- what others show ---

    def available(self) -> Iterator[tuple[Decimal, Decimal]]:
        """Price and size of what others show and nobody of ours has taken, best first."""
        book, taken = self._book, self.taken
        for price, size in book.bids() if self._is_buy else book.asks():
            free = exact(size) - taken.get(price, _ZERO)
            if free > 0:
                yield exact(price), free

    def take(self, price: Decimal, size: Decimal) -> None:
        """Notes that this much of what is shown at a price is ours now."""
        mark = float(price)
        self.taken[mark] = self.taken.get(mark, _ZERO) + size
        self._nearest = max(mark, self._nearest) if self._is_buy else min(mark, self._nearest)
        self._edge = nan

    def changed(self, levels: list[Level], ts: int | None) -> None:
        """Looks at what is ours at changed levels, and, where the book's edge moved, at what lay beyond it."""
        ours, taken = self.at, self.taken
        if ours:
            for price, _ in levels:
                if price in ours:
                    for order in ours[price]:
                        self._look(order, ts)
        if taken and (told := {price: None for price, _ in levels if price in taken}):
            self._forget(told)
        if (self._unsure or taken) and self._edge_moved():
            for order in list(self._unsure.values()):
                self._look(order, ts)
            self._forget(list(taken))

    def replaced(self, ts: int | None) -> None:
        """Looks at everything of ours that the new book can tell of."""
        reach = self._book.reach(self.name)
        if self.at:
            seen = self.first >= reach if self._is_buy else self.first <= reach
            if seen or len(self._unsure) < len(self._resting):
                self._look_at_all(ts)
            else:  # all out of sight, as most are in a shallow book, and known to be
                self._edge = nan
        if self.taken and (self._nearest >= reach if self._is_buy else self._nearest <= reach):
            self._forget(list(self.taken))

    # --- how ---

    def _look(self, order: PaperOrder, ts: int | None) -> None:
        """Tells the queue what others show at an order's price, where it can be seen; else it is asked again each time."""
        place = order.place
        assert place is not None
        shown = self._book.size_at(self.name, order.mark)
        if shown == order.shown and (shown or not place.ahead):
            self._unsure.pop(order.order_id, None)
        elif shown or self._book.sees(self.name, order.mark):
            self._queue.shown(place, exact(order.shown), exact(shown), ts)
            order.shown = shown
            self._unsure.pop(order.order_id, None)
        else:
            self._doubt(order)

    def _look_at_all(self, ts: int | None) -> None:
        """The same for every order; one that is out of sight still is in doubt at once."""
        book, unsure = self._book, self._unsure
        for mark, level in self.at.items():
            if book.sees(self.name, mark):
                for order in level:
                    self._look(order, ts)
                continue
            for order in level:
                if order.order_id not in unsure:
                    self._look(order, ts)
            self._edge = nan

    def _doubt(self, order: PaperOrder) -> None:
        self._unsure[order.order_id] = order
        self._edge = nan  # so that the next look is not held for one at the same edge

    def _edge_moved(self) -> bool:
        book, before = self._book, self._edge
        edge = self._edge = book.edge(self.name)
        return edge != before or (book.depth is not None and book.levels()[not self._is_buy] < book.depth)

    def _forget(self, marks: Iterable[float]) -> None:
        """What we took stays taken until the level shows less, or is gone; what is added to it can be taken."""
        taken, book = self.taken, self._book
        for mark in marks:
            shown = book.size_at(self.name, mark)
            if shown:
                taken[mark] = min(taken[mark], exact(shown))
            elif book.sees(self.name, mark):
                del taken[mark]
        self._nearest = max(taken, default=-inf) if self._is_buy else min(taken, default=inf)

    def _find_first(self) -> None:
        resting = self._resting
        self.first = resting.peekitem(0)[1].mark if resting else _nowhere(self.name)

    def _key(self, order: PaperOrder) -> tuple[float, int]:
        return (-order.mark if self._is_buy else order.mark), order.priority


def _nowhere(side: Side) -> float:
    """The price that no order of a side is worse than."""
    return -inf * sign(side)
