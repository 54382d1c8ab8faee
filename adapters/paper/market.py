"""One market of the paper venue: others' book as the feed tells it, and our resting orders laid over it.

Whom a market event fills is decided here; what a fill means for orders and account is the desk's. Two accounts are kept so
that nothing is used twice: of each shown level what we have taken, and of each trade what is left for the next order.
"""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import chain
from math import inf, nan
from typing import TypeAlias

from sortedcontainers import SortedDict

from adapters.paper.fifo import FifoQueue, SingleOrders
from adapters.paper.orders import PaperOrder
from adapters.paper.queue import QueueModel
from state.events import BookDelta, BookOrder, BookSnapshot, Level, Ticker, Trade
from state.instruments import Instrument, exact, snap
from state.market import Market
from state.words import Side, opposite, sign

Execution: TypeAlias = tuple[PaperOrder, Decimal, Decimal]  # order, price, size
Room: TypeAlias = Callable[[PaperOrder], Decimal]  # how much of an order may still fill

_ZERO = Decimal(0)
_THROUGH_THE_BOOK = frozenset({"normal", "liquidation"})  # other trades never met a resting order


class PaperMarket:
    """`trusted` from a snapshot of the book until a gap in it."""

    def __init__(self, venue: str, symbol: str, queue: QueueModel, room: Room) -> None:
        self.venue = venue
        self.symbol = symbol
        self.known = Market(venue, symbol)
        self.trusted = False
        self._queue = queue
        self._room = room
        self._single = SingleOrders() if isinstance(queue, FifoQueue) else None
        self._resting: dict[Side, SortedDict[tuple[float, int], PaperOrder]] = {
            "buy": SortedDict(),
            "sell": SortedDict(),
        }
        self._at: dict[Side, dict[float, list[PaperOrder]]] = {"buy": {}, "sell": {}}  # the same, by price
        self._first: dict[Side, float] = {"buy": -inf, "sell": inf}  # price of our first of each side
        # At prices that the book does not reach: what a change of its edge may tell something about.
        self._unsure: dict[Side, dict[str, PaperOrder]] = {"buy": {}, "sell": {}}
        self._edge: dict[Side, float] = {"buy": 0.0, "sell": 0.0}
        self._taken: dict[Side, dict[float, Decimal]] = {"buy": {}, "sell": {}}  # by the side that was shown
        self._nearest: dict[Side, float] = {"buy": -inf, "sell": inf}  # no taken level is better than this price
        self._arrivals = 0

    @property
    def instrument(self) -> Instrument | None:
        return self.known.instrument

    def resting(self, side: Side) -> list[PaperOrder]:
        """Our orders of one side, first to fill first."""
        return list(self._resting[side].values())

    def price(self) -> Decimal | None:
        """What the market is worth: the mark, else the middle of the book, else the last trade."""
        ticker, book = self.known.ticker, self.known.book
        if ticker is not None and ticker.mark is not None:
            return exact(ticker.mark)
        if book.is_ok:
            return exact(book.mid)
        trade = self.known.last_trade
        return exact(trade.price) if trade is not None else None

    # --- our orders come and go ---

    def rest(self, order: PaperOrder) -> None:
        """Puts an order at the back of its level."""
        book = self.known.book
        self._arrivals += 1
        order.priority = self._arrivals
        order.mark = float(order.limit)
        order.shown = book.size_at(order.side, order.mark)
        visible = bool(order.shown) or self.known.book.sees(order.side, order.mark)
        order.place = self._queue.join(exact(order.shown) if visible else None)
        if self._single is not None and self._single.told:
            order.before = dict(self._single.line(order.side, order.mark))
        self._resting[order.side][self._key(order)] = order
        self._at[order.side].setdefault(order.mark, []).append(order)
        if not visible:
            self._doubt_place(order)
        self._find_first(order.side)

    def remove(self, order: PaperOrder) -> None:
        """Takes an order out; one that does not rest is no news."""
        if self._resting[order.side].pop(self._key(order), None) is None:
            return
        level = self._at[order.side][order.mark]
        level.remove(order)
        if not level:
            del self._at[order.side][order.mark]
        self._unsure[order.side].pop(order.order_id, None)
        self._find_first(order.side)

    def crosses(self, side: Side, price: Decimal) -> bool:
        """True where the shown book would trade with such an order."""
        book = self.known.book
        return float(price) >= book.ask if side == "buy" else float(price) <= book.bid

    def takeable(self, order: PaperOrder) -> tuple[list[tuple[Decimal, Decimal]], bool]:
        """Prices and sizes that an order can take now, best first, and whether an order of our own stands in its way."""
        others = opposite(order.side)
        own = next(iter(self._resting[others].values()), None)
        left, levels = self._room(order), list[tuple[Decimal, Decimal]]()
        for price, size in self._available(others):
            if left <= 0 or not _reaches(order.side, order.price, price):
                break
            if own is not None and not _is_better(others, price, own.limit):
                break
            levels.append((price, min(left, size)))
            left -= size
        return levels, left > 0 and own is not None and _reaches(order.side, order.price, own.limit)

    def take(self, shown: Side, price: Decimal, size: Decimal) -> None:
        """Notes that this much of what is shown at a price is ours now."""
        taken = self._taken[shown]
        mark = float(price)
        taken[mark] = taken.get(mark, _ZERO) + size
        nearest = self._nearest[shown]
        self._nearest[shown] = max(mark, nearest) if shown == "buy" else min(mark, nearest)
        self._edge[shown] = nan

    # --- the market moves ---

    def ticked(self, event: Ticker) -> None:
        self.known.tick(event)

    def doubt(self) -> None:
        """The feed lost something: nothing fills until the next snapshot."""
        self.trusted = False
        if self._single is not None:
            self._single.forget()

    def ordered(self, event: BookOrder) -> Iterable[Execution]:
        """Follows a single order of others, and gives what it fills: what stood before it, when it trades."""
        single = self._single
        if single is None:
            return _NOBODY
        place = single.place_of(event.order_id)
        stays = single.take(event)
        if place is None or not self._at[place[0]]:
            return _NOBODY
        side, price = place
        behind = [
            order
            for order in self._at[side].get(price, ())
            if order.before is None or event.order_id not in order.before
        ]
        if not stays:
            for order in self._at[side].get(price, ()):
                if order.before is not None:
                    order.before.pop(event.order_id, None)
        if event.action != "fill" or not self.trusted:
            return _NOBODY
        return self._outrun(side, price, behind, exact(event.size))

    def _outrun(self, side: Side, price: float, level: list[PaperOrder], left: Decimal) -> Iterator[Execution]:
        """Ours at better prices, then those of the level before whoever traded, share what traded."""
        better = [order for order in self._resting[side].values() if (order.mark - price) * sign(side) > 0]
        for order in (*better, *level):
            size = min(left, self._room(order))
            if size > 0:
                left -= size
                yield order, order.limit, size

    def ahead(self, order: PaperOrder) -> Decimal | None:
        """Others' size before a resting order of ours."""
        if order.before is not None and self._single is not None:
            line = self._single.line(order.side, order.mark)
            return sum((line.get(name, _ZERO) for name in order.before), _ZERO)
        return None if order.place is None else self._queue.ahead(order.place, None)

    def booked(self, event: BookSnapshot | BookDelta) -> Iterable[Execution]:
        """Folds a book event, and gives what the new book fills: an opposite level shown at or through our price."""
        book = self.known.book
        if isinstance(event, BookSnapshot):
            book.replace(event)
            self.trusted = True
            for side in _SIDES:
                if self._at[side]:
                    if len(self._unsure[side]) < len(self._resting[side]) or book.sees(side, self._first[side]):
                        self._look_at_all(side, event.ts)
                    else:  # all out of sight, as most are in a shallow book, and known to be
                        self._edge[side] = nan
                if self._taken[side] and book.sees(side, self._nearest[side]):
                    self._forget(side, list(self._taken[side]))
        else:
            book.update(event)
            if not self.trusted:
                return _NOBODY
            if event.bids:
                self._changed("buy", event.bids, event.ts)
            if event.asks:
                self._changed("sell", event.asks, event.ts)
        if book.status == "ok" and (book.ask <= self._first["buy"] or book.bid >= self._first["sell"]):
            return chain(self._run_over("buy"), self._run_over("sell"))
        return _NOBODY

    def traded(self, trade: Trade) -> Iterable[Execution]:
        """Gives what a trade fills: our orders at better prices first, then those at its price as the queue lets them."""
        self.known.last_trade = trade
        if self._single is not None and self._single.told:
            return _NOBODY  # the fills of single orders tell it better
        if not self.trusted or trade.backfilled or not self.would_fill(trade) or trade.kind not in _THROUGH_THE_BOOK:
            return _NOBODY
        return self._hit(trade)

    def _hit(self, trade: Trade) -> Iterator[Execution]:
        hit: Side = opposite(trade.side)
        left, passed = exact(trade.size), _ZERO
        for order in list(self._resting[hit].values()):
            if left <= 0 and order.mark != trade.price:
                return
            distance = (order.mark - trade.price) * sign(hit)
            if distance < 0:
                return
            if distance == 0:
                assert order.place is not None
                between = max(_ZERO, self._lots(self._queue.ahead(order.place, trade.ts)) - passed)
                before = min(between, left)
                passed, left = passed + before, left - before
                self._queue.passed(order.place, passed, trade.ts, exact(trade.size))
            size = min(left, self._room(order))
            if size > 0:
                left -= size
                yield order, order.limit, size

    def would_fill(self, trade: Trade) -> bool:
        """True where a trade reaches a price of ours, filled or not."""
        return trade.price <= self._first["buy"] if trade.side == "sell" else trade.price >= self._first["sell"]

    # --- how ---

    def _run_over(self, side: Side) -> Iterator[Execution]:
        others = opposite(side)
        for order in list(self._resting[side].values()):
            if not self._touches(order):
                return
            for price, size in list(self._available(others)):
                if not _reaches(side, order.price, price):
                    break
                filled = min(size, self._room(order))
                if filled > 0:
                    self.take(others, price, filled)
                    yield order, order.limit, filled

    def _lots(self, ahead: Decimal) -> Decimal:
        """A guess of a queue model is no size: up to the next lot, so that what reaches us is one."""
        rules = self.known.instrument
        return ahead if rules is None or not ahead.is_finite() else snap(ahead, rules.lot, up=True)

    def _touches(self, order: PaperOrder) -> bool:
        book = self.known.book
        return book.ask <= order.mark if order.side == "buy" else book.bid >= order.mark

    def _available(self, shown: Side) -> Iterator[tuple[Decimal, Decimal]]:
        book, taken = self.known.book, self._taken[shown]
        for price, size in book.bids() if shown == "buy" else book.asks():
            free = exact(size) - taken.get(price, _ZERO)
            if free > 0:
                yield exact(price), free

    def _changed(self, side: Side, levels: list[Level], ts: int | None) -> None:
        """Looks at what is ours at changed levels, and, where the book's edge moved, at what lay beyond it."""
        ours, taken, unsure = self._at[side], self._taken[side], self._unsure[side]
        if ours:
            for price, _ in levels:
                for order in ours.get(price, ()):
                    self._look(order, ts)
        if taken:
            self._forget(side, {price: None for price, _ in levels if price in taken})
        if (unsure or taken) and self._edge_moved(side):
            for order in list(unsure.values()):
                self._look(order, ts)
            self._forget(side, list(taken))

    def _edge_moved(self, side: Side) -> bool:
        book, before = self.known.book, self._edge[side]
        edge = self._edge[side] = book.edge(side)
        return edge != before or (book.depth is not None and book.levels()[side == "sell"] < book.depth)

    def _look(self, order: PaperOrder, ts: int | None) -> None:
        """Tells the queue what others show at an order's price, where it can be seen; else it is asked again each time."""
        place = order.place
        assert place is not None
        shown = self.known.book.size_at(order.side, order.mark)
        if shown == order.shown and (shown or not place.ahead):
            self._unsure[order.side].pop(order.order_id, None)
        elif shown or self.known.book.sees(order.side, order.mark):
            self._queue.shown(place, exact(order.shown), exact(shown), ts)
            order.shown = shown
            self._unsure[order.side].pop(order.order_id, None)
        else:
            self._doubt_place(order)

    def _look_at_all(self, side: Side, ts: int | None) -> None:
        """The same for every order of a side; one that is out of sight still is in doubt at once."""
        book, unsure = self.known.book, self._unsure[side]
        for mark, level in self._at[side].items():
            if book.sees(side, mark):
                for order in level:
                    self._look(order, ts)
                continue
            for order in level:
                if order.order_id not in unsure:
                    self._look(order, ts)
            self._edge[side] = nan

    def _doubt_place(self, order: PaperOrder) -> None:
        self._unsure[order.side][order.order_id] = order
        self._edge[order.side] = nan  # so that the next look is not held for one at the same edge

    def _forget(self, side: Side, marks: Iterable[float]) -> None:
        """What we took stays taken until the level shows less, or is gone; what is added to it can be taken."""
        taken, book = self._taken[side], self.known.book
        for mark in marks:
            shown = book.size_at(side, mark)
            if shown:
                taken[mark] = min(taken[mark], exact(shown))
            elif book.sees(side, mark):
                del taken[mark]
        self._nearest[side] = max(taken, default=-inf) if side == "buy" else min(taken, default=inf)

    def _find_first(self, side: Side) -> None:
        resting = self._resting[side]
        self._first[side] = resting.peekitem(0)[1].mark if resting else -inf * sign(side)

    def _key(self, order: PaperOrder) -> tuple[float, int]:
        return -order.mark * sign(order.side), order.priority


_SIDES: tuple[Side, Side] = ("buy", "sell")
_NOBODY: tuple[Execution, ...] = ()


def _reaches(side: Side, limit: Decimal | None, price: Decimal) -> bool:
    """True where an order with this limit (None: a market order) trades at `price`."""
    return limit is None or (price <= limit if side == "buy" else price >= limit)


def _is_better(shown: Side, price: Decimal, than: Decimal) -> bool:
    """True where a resting order of this side at `price` goes before one at `than`."""
    return price > than if shown == "buy" else price < than
