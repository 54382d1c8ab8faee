"""One market of the paper venue: others' book as the feed tells it, and our resting orders laid over it.

Whom a market event fills is decided here; what a fill means for orders and account is the desk's. Two accounts are kept so
that nothing is used twice: of each shown level what we have taken, and of each trade what is left for the next order.
"""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import chain
from typing import TypeAlias

from adapters.paper.fifo import FifoQueue, SingleOrders
from adapters.paper.orders import PaperOrder
from adapters.paper.queue import QueueModel
from adapters.paper.side import OwnSide
from state.events import BookDelta, BookOrder, BookSnapshot, Ticker, Trade
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
        self._buys = OwnSide("buy", self.known.book, queue)
        self._sells = OwnSide("sell", self.known.book, queue)
        self._arrivals = 0

    @property
    def instrument(self) -> Instrument | None:
        return self.known.instrument

    def resting(self, side: Side) -> list[PaperOrder]:
        """Our orders of one side, first to fill first."""
        return self._side(side).orders()

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
        self._arrivals += 1
        order.priority = self._arrivals
        self._side(order.side).put(order)
        if self._single is not None and self._single.told:
            order.before = dict(self._single.line(order.side, order.mark))

    def remove(self, order: PaperOrder) -> None:
        """Takes an order out; one that does not rest is no news."""
        self._side(order.side).remove(order)

    def crosses(self, side: Side, price: Decimal) -> bool:
        """True where the shown book would trade with such an order."""
        book = self.known.book
        return float(price) >= book.ask if side == "buy" else float(price) <= book.bid

    def takeable(self, order: PaperOrder) -> tuple[list[tuple[Decimal, Decimal]], bool]:
        """Prices and sizes that an order can take now, best first, and whether an order of our own stands in its way."""
        others = opposite(order.side)
        shown = self._side(others)
        own = shown.first_order()
        left, levels = self._room(order), list[tuple[Decimal, Decimal]]()
        reached = order.price is None or self.crosses(order.side, order.price)  # most orders are to rest
        for price, size in shown.available() if reached else ():
            if left <= 0 or not _reaches(order.side, order.price, price):
                break
            if own is not None and not _is_better(others, price, own.limit):
                break
            levels.append((price, min(left, size)))
            left -= size
        return levels, left > 0 and own is not None and _reaches(order.side, order.price, own.limit)

    def take(self, shown: Side, price: Decimal, size: Decimal) -> None:
        """Notes that this much of what is shown at a price is ours now."""
        self._side(shown).take(price, size)

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
        if place is None:
            return _NOBODY
        side, price = place
        level = self._side(side).at.get(price, ())
        behind = [order for order in level if order.before is None or event.order_id not in order.before]
        if not stays:
            for order in level:
                if order.before is not None:
                    order.before.pop(event.order_id, None)
        if event.action != "fill" or not self.trusted:
            return _NOBODY
        return self._outrun(side, price, behind, exact(event.size))

    def _outrun(self, side: Side, price: float, level: list[PaperOrder], left: Decimal) -> Iterator[Execution]:
        """Ours at better prices, then those of the level before whoever traded, share what traded."""
        better = [order for order in self._side(side).orders() if (order.mark - price) * sign(side) > 0]
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
        book, buys, sells = self.known.book, self._buys, self._sells
        if isinstance(event, BookSnapshot):
            book.replace(event)
            self.trusted = True
            if buys.at or buys.taken:
                buys.replaced(event.ts)
            if sells.at or sells.taken:
                sells.replaced(event.ts)
        else:
            book.update(event)
            if not self.trusted:
                return _NOBODY
            if event.bids and (buys.at or buys.taken):
                buys.changed(event.bids, event.ts)
            if event.asks and (sells.at or sells.taken):
                sells.changed(event.asks, event.ts)
        if (buys.at or sells.at) and book.meets(buys.first, sells.first):
            return chain(self._run_over(buys, sells), self._run_over(sells, buys))
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
        for order in self._side(hit).orders():
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
        return trade.price <= self._buys.first if trade.side == "sell" else trade.price >= self._sells.first

    # --- how ---

    def _run_over(self, side: OwnSide, others: OwnSide) -> Iterator[Execution]:
        for order in side.orders():
            if not self._touches(order):
                return
            for price, size in list(others.available()):
                if not _reaches(side.name, order.price, price):
                    break
                filled = min(size, self._room(order))
                if filled > 0:
                    others.take(price, filled)
                    yield order, order.limit, filled

    def _lots(self, ahead: Decimal) -> Decimal:
        """A guess of a queue model is no size: up to the next lot, so that what reaches us is one."""
        rules = self.known.instrument
        return ahead if rules is None or not ahead.is_finite() else snap(ahead, rules.lot, up=True)

    def _touches(self, order: PaperOrder) -> bool:
        book = self.known.book
        return book.ask <= order.mark if order.side == "buy" else book.bid >= order.mark

    def _side(self, side: Side) -> OwnSide:
        return self._buys if side == "buy" else self._sells


_NOBODY: tuple[Execution, ...] = ()


def _reaches(side: Side, limit: Decimal | None, price: Decimal) -> bool:
    """True where an order with this limit (None: a market order) trades at `price`."""
    return limit is None or (price <= limit if side == "buy" else price >= limit)


def _is_better(shown: Side, price: Decimal, than: Decimal) -> bool:
    """True where a resting order of this side at `price` goes before one at `than`."""
    return price > than if shown == "buy" else price < than
