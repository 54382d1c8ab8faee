"""Where the orders of one account are found: by our client id, by the venue's order id, by symbol while they work.

Nothing here grows without bound: what has ended is kept for a while, so that late words find it, and then forgotten.
"""

from collections.abc import Sequence

from state.order import Order

ENDED_KEPT = 1_000  # orders that have ended, oldest end forgotten first
FORMER_KEPT = 100  # earlier names of one order: where an amended one gets a new name, a night has thousands


class WorkingOrders(tuple[Order, ...]):
    """Open orders in placing order, as a view."""

    __slots__ = ()


class OrderIndex:
    """Orders by every name they have."""

    __slots__ = ("_by_client_id", "_by_order_id", "_ended", "_listed", "_working", "next_ordinal")

    def __init__(self, next_ordinal: int = 1) -> None:
        self.next_ordinal = next_ordinal
        self._by_client_id: dict[str, Order] = {}
        self._by_order_id: dict[str, Order] = {}
        self._working: dict[str, dict[int, Order]] = {}  # symbol -> ordinal -> order
        self._ended: dict[int, Order] = {}  # ordinal -> order
        self._listed: dict[str, WorkingOrders] = {}  # what working() answered since the last change, by symbol

    def working(self, symbol: str) -> WorkingOrders:
        """Orders that have not ended, in placing order; of all symbols where none is named."""
        listed = self._listed.get(symbol)
        if listed is None:
            if symbol:
                listed = WorkingOrders(self._working.get(symbol, {}).values())
            else:
                every = (order for orders in self._working.values() for order in orders.values())
                listed = WorkingOrders(sorted(every, key=_ordinal))
            self._listed[symbol] = listed
        return listed

    def ended(self) -> Sequence[Order]:
        """Orders that ended lately, in order of their end."""
        return tuple(self._ended.values())

    def by_client_id(self, client_id: str) -> Order | None:
        return self._by_client_id.get(client_id)

    def by_order_id(self, order_id: str) -> Order | None:
        return self._by_order_id.get(order_id)

    def find(self, client_id: str | None, order_id: str | None) -> Order | None:
        """Our own name for it goes first."""
        order = self._by_client_id.get(client_id) if client_id else None
        if order is None and order_id:
            order = self._by_order_id.get(order_id)
        return order

    def knows(self, order: Order) -> bool:
        """False of one that was forgotten, or dropped for another."""
        return order.ordinal in self._ended or order.ordinal in self._working.get(order.symbol, ())

    def number(self) -> int:
        """The ordinal of the next order."""
        self.next_ordinal += 1
        return self.next_ordinal - 1

    def add_new(self, order: Order) -> None:
        """As `add`, of an order that was just placed: it gets the next ordinal, and has no name but ours."""
        order.ordinal = ordinal = self.next_ordinal
        self.next_ordinal = ordinal + 1
        symbol = order.symbol
        self._by_client_id[order.client_id] = order
        working = self._working.get(symbol)
        if working is None:
            working = self._working[symbol] = {}
        working[ordinal] = order
        self._listed.pop(symbol, None)
        self._listed.pop("", None)

    def add(self, order: Order) -> None:
        """A new order under all names that it has so far."""
        if order.client_id:
            self._by_client_id[order.client_id] = order
        for order_id in order.former_ids:
            self._by_order_id[order_id] = order
        if order.order_id:
            self._by_order_id[order.order_id] = order
        self.file(order)

    def rename(self, order: Order, order_id: str) -> None:
        """The venue's id of it is known now, or is another one now; the former is kept as a name."""
        if order.order_id is not None:
            self.note_former(order, order.order_id)
        order.former_ids = tuple(former for former in order.former_ids if former != order_id)
        order.order_id = order_id
        self._by_order_id[order_id] = order

    def note_former(self, order: Order, order_id: str) -> None:
        """A name that the venue gave it before."""
        if order_id not in order.former_ids:
            former = (*order.former_ids, order_id)
            for forgotten in former[:-FORMER_KEPT]:
                if self._by_order_id.get(forgotten) is order:
                    del self._by_order_id[forgotten]
            order.former_ids = former[-FORMER_KEPT:]
            self._by_order_id[order_id] = order

    def file(self, order: Order) -> None:
        """Puts an order where its status belongs."""
        if order.is_open:
            if order.ordinal in self._working.get(order.symbol, ()):
                return
            self._ended.pop(order.ordinal, None)
            working = self._working.setdefault(order.symbol, {})
            newest = next(reversed(working), 0)
            working[order.ordinal] = order
            if order.ordinal < newest:  # back to life: its place is where it was
                self._working[order.symbol] = dict(sorted(working.items()))
        else:
            if order.ordinal in self._ended:
                return
            self._leave(order)
            self._ended[order.ordinal] = order
            if len(self._ended) > ENDED_KEPT:
                self._forget(self._ended.pop(next(iter(self._ended))))
        self._unlist(order.symbol)

    def drop(self, order: Order) -> None:
        """Takes an order out under every name: another one stands for it now."""
        self._leave(order)
        self._ended.pop(order.ordinal, None)
        self._forget(order)
        self._unlist(order.symbol)

    def _leave(self, order: Order) -> None:
        working = self._working.get(order.symbol)
        if working is not None and working.pop(order.ordinal, None) is not None and not working:
            del self._working[order.symbol]

    def _forget(self, order: Order) -> None:
        if self._by_client_id.get(order.client_id) is order:
            del self._by_client_id[order.client_id]
        for order_id in (*order.former_ids, order.order_id or ""):
            if self._by_order_id.get(order_id) is order:
                del self._by_order_id[order_id]

    def _unlist(self, symbol: str) -> None:
        self._listed.pop(symbol, None)
        self._listed.pop("", None)


def _ordinal(order: Order) -> int:
    return order.ordinal
