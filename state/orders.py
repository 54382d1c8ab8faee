"""All orders of one venue account: who is meant, and what is heard of them. How an order moves: `state/order_table.py`.

Orders are found by our client id and by the venue's order id; either may be missing from what is heard, and the first word
that has both ties them. Nothing here grows without bound: what has ended is kept for a while, so that late words find it.
"""

from collections.abc import Sequence
from copy import copy
from decimal import Decimal
from typing import Self, TypeAlias

import msgspec

from state.events import Accepted, AmendOrder, CancelAll, CancelOrder, Fill, OrderUpdate, PlaceOrder, Rejected, Unknown
from state.order import Order
from state.order_index import ENDED_KEPT, OrderIndex, WorkingOrders

__all__ = ["ENDED_KEPT", "FILL_IDS_KEPT", "ORPHANS_KEPT", "Order", "Orders", "OrdersSnapshot", "WorkingOrders"]

from state.words import TERMINAL, sign

FILL_IDS_KEPT = 100_000
ORPHANS_KEPT = 1_000  # orders of which only fills were heard

_ZERO = Decimal(0)

# A trade between two orders of ours has one id and two sides; some venues count trades per symbol.
_FillKey: TypeAlias = tuple[str, str, str]  # symbol, side, fill_id


class OrdersSnapshot(msgspec.Struct, frozen=True):
    """All that `Orders` knows; `working` in placing order, `ended` in order of their end, `orphans` size and value by id."""

    venue: str
    next_ordinal: int
    working: list[Order]
    ended: list[Order]
    fill_ids: list[_FillKey]
    orphans: list[tuple[str, Decimal, Decimal]]
    owing: list[Order]


class Orders:
    """The orders of one venue account. The reducer writes, everyone else reads."""

    __slots__ = ("_fill_ids", "_index", "_orphans", "_owing", "venue")

    def __init__(self, venue: str) -> None:
        self.venue = venue
        self._index = OrderIndex()
        self._fill_ids: dict[_FillKey, None] = {}
        self._orphans: dict[
            str, tuple[Decimal, Decimal]
        ] = {}  # size and value by order id, or by client id without one
        self._owing: dict[int, Order] = {}  # of ours, by ordinal: told to have filled more than their fills come to

    # --- read by everyone ---

    def working(self, symbol: str = "") -> WorkingOrders:
        """Orders that have not ended, in placing order, with those pending or unknown; of all symbols where none is named."""
        return self._index.working(symbol)

    def ended(self) -> Sequence[Order]:
        """Orders that ended lately, in order of their end."""
        return self._index.ended()

    def get(self, client_id: str) -> Order | None:
        return self._index.by_client_id(client_id)

    def by_order_id(self, order_id: str) -> Order | None:
        """The order that has, or once had, this id at the venue."""
        return self._index.by_order_id(order_id)

    def order_of(self, event: Fill | OrderUpdate) -> Order | None:
        """The order that an event speaks of, where it is known."""
        return self._index.find(event.client_id, event.order_id)

    def unheard(self, symbol: str, strategy: str | None = None) -> Decimal:
        """Signed size that our orders of a market were told to have filled and no fill has told yet: the position lacks it."""
        if not self._owing:
            return _ZERO
        owing = (each for each in self._owing.values() if each.symbol == symbol and strategy in (None, each.strategy))
        return sum(((order.told_filled - order.fills_size) * sign(order.side) for order in owing), _ZERO)

    # --- intents ---

    def placed(self, intent: PlaceOrder, seq: int) -> Order:
        """A new order, pending; the same client id again is the same order."""
        known = self._index.by_client_id(intent.client_id)
        if known is not None:
            known.placed_seq = known.placed_seq or seq
            known.strategy, known.label = intent.strategy, intent.label
            return known
        order = Order.wished(intent, seq)
        if order.client_id:
            self._index.add_new(order)
        else:
            order.ordinal = self._index.number()
            self._index.add(order)
        return order

    def amending(self, intent: AmendOrder, seq: int) -> Order | None:
        """None where no such order is open."""
        order = self._index.by_client_id(intent.client_id)
        if order is None or not order.is_open:
            return None
        order.amends = (*order.amends, (seq, intent.price, intent.size))
        order.refusal = None  # of the one before
        order.updated_seq = seq
        return order

    def cancelling(self, intent: CancelOrder, seq: int) -> Order | None:
        """None where no such order is open."""
        order = self._index.by_client_id(intent.client_id)
        if order is None or not order.is_open:
            return None
        _cancel(order, seq)
        return order

    def cancelling_all(self, intent: CancelAll, seq: int, *, ours: bool = False) -> Sequence[Order]:
        """The orders it is meant for; where that is `ours` alone, those that were placed here."""
        orders = [order for order in self.working(intent.symbol) if order.placed_seq or not ours]
        for order in orders:
            _cancel(order, seq)
        return orders

    # --- answers; `cause` is the seq of the intent, 0 where it is not known ---

    def accepted(self, event: Accepted, seq: int, cause: int = 0) -> Order | None:
        """None when nothing changed."""
        if event.action == "cancel_all":
            return None
        order = self._index.find(event.client_id, event.order_id)
        if order is None:
            return None
        before = order.visible()
        self._bind(order, event.order_id)
        order.acknowledged = True
        self._tally(order)  # of what was heard under its venue's id alone
        if event.action == "place":
            order.place_unknown = False
            order.hear("place accepted")
        elif event.action == "amend":
            order.answer_amend(cause, accepted=True, ts=event.ts)
        else:
            order.cancel_unknown = False
        return self._changed(order, before, seq)

    def rejected(self, event: Rejected, seq: int, cause: int = 0) -> Order | None:
        """None when nothing changed; of a refused cancel-all, the last order that changed."""
        if event.action == "cancel_all":
            return self._answer_all(event, cause, seq)
        order = self._index.by_client_id(event.client_id)
        if order is None:
            return None
        before = order.visible()
        if event.action == "place":
            _refuse_placement(order, event)
        elif event.action == "amend":
            order.answer_amend(cause, accepted=False)
        elif cause in (0, order.cancel_seq):
            order.pending_cancel = order.cancel_unknown = False
        if event.action != "place" and event.refusal == "gone":
            order.cancel_unknown = order.is_open
        return self._changed(order, before, seq)

    def unknown(self, event: Unknown, seq: int, cause: int = 0) -> Order | None:
        """None when nothing changed; of a cancel-all without an answer, the last order that changed."""
        if event.action == "cancel_all":
            return self._answer_all(event, cause, seq)
        order = self._index.by_client_id(event.client_id)
        if order is None or not order.is_open:
            return None
        before = order.visible()
        if event.action == "place":
            order.place_unknown = not _heard_of(order)
        elif event.action == "amend":
            order.amend_unknown = any(cause in (0, amend[0]) for amend in order.amends)
        else:
            order.cancel_unknown = order.pending_cancel
        return self._changed(order, before, seq)

    # --- the account stream ---

    def updated(self, event: OrderUpdate, seq: int) -> Order | None:
        """None when nothing changed, or when an order is told of that is not ours and whose side nobody said."""
        order = self._index.find(event.client_id, event.order_id) or self._index.find(event.replaces, event.replaces)
        if order is None:
            return self._adopt(event, seq)
        is_old = event.version is not None and order.version is not None and event.version < order.version
        if is_old and not (event.firm and event.status in TERMINAL):
            return None
        if event.order_id in order.former_ids and not order.is_renamed_by(event):
            return None
        before = order.visible()
        self._bind(order, event.order_id, event)
        order.learn(event, is_old=is_old)
        self._tally(order)
        return self._changed(order, before, seq)

    def filled(self, event: Fill, seq: int) -> bool:
        """True the first time a fill is heard of: then, and only then, the ledger books it."""
        key = (event.symbol, event.side, event.fill_id)
        if key in self._fill_ids:
            return False
        self._fill_ids[key] = None
        if len(self._fill_ids) > FILL_IDS_KEPT:
            del self._fill_ids[next(iter(self._fill_ids))]
        order = self._index.find(event.client_id, event.order_id)
        if order is None:
            self._orphan(event)
            return True
        before = order.visible()
        self._bind(order, event.order_id)
        order.count(event.size, event.price * event.size)
        self._tally(order)
        self._changed(order, before, seq)
        return True

    def was_read(self) -> None:
        """The account was read whole: what was not heard by now never will be."""
        self._owing.clear()

    # --- snapshots ---

    def dump(self) -> OrdersSnapshot:
        """A copy that later events do not change."""
        return OrdersSnapshot(
            venue=self.venue,
            next_ordinal=self._index.next_ordinal,
            working=[copy(order) for order in self.working()],
            ended=[copy(order) for order in self.ended()],
            fill_ids=list(self._fill_ids),
            orphans=[(name, size, value) for name, (size, value) in self._orphans.items()],
            owing=[copy(order) for order in self._owing.values()],
        )

    @classmethod
    def load(cls, snapshot: OrdersSnapshot) -> Self:
        """Orders that answer as the dumped ones did."""
        orders = cls(snapshot.venue)
        orders._index = OrderIndex(snapshot.next_ordinal)
        for order in (*snapshot.working, *snapshot.ended):
            orders._index.add(copy(order))
        orders._fill_ids = dict.fromkeys(snapshot.fill_ids)
        orders._orphans = {name: (size, value) for name, size, value in snapshot.orphans}
        known = {order.ordinal: order for order in (*orders.working(), *orders.ended())}
        orders._owing = {order.ordinal: known.get(order.ordinal, copy(order)) for order in snapshot.owing}
        return orders

    def _tally(self, order: Order) -> None:
        """Whether fills of it are to be heard yet; of an order that was here before the session, nobody knows."""
        if order.placed_seq and order.told_filled > order.fills_size:
            self._owing[order.ordinal] = order
        elif self._owing:
            self._owing.pop(order.ordinal, None)

    def _changed(self, order: Order, before: tuple[object, ...], seq: int) -> Order | None:
        if order.visible() == before:
            return None
        order.updated_seq = seq
        self._index.file(order)
        return order

    def _answer_all(self, event: Rejected | Unknown, cause: int, seq: int) -> Order | None:
        last = None
        for order in self.working(event.symbol):
            if order.pending_cancel and cause in (0, order.cancel_seq):
                before = order.visible()
                order.pending_cancel = order.cancel_unknown = isinstance(event, Unknown)
                last = self._changed(order, before, seq) or last
        return last

    def _adopt(self, event: OrderUpdate, seq: int) -> Order | None:
        if event.side is None:
            return None
        order = Order.adopted(event, event.side, self._index.number())
        self._index.add(order)
        if event.order_id is not None:
            self._index.rename(order, event.order_id)
        self._claim(order)
        order.learn(event)
        order.updated_seq = seq
        self._index.file(order)
        return order

    def _bind(self, order: Order, order_id: str | None, event: OrderUpdate | None = None) -> None:
        """Ties the venue's id to an order, with all that was heard under that id alone."""
        if order_id is None or order_id == order.order_id:
            return
        if order_id in order.former_ids and (event is None or not order.is_renamed_by(event)):
            return
        if order.order_id is not None:
            if event is None or not order.is_succeeded_by(event):
                return  # an old word of an old id
            order.replaced(event.size)
        stranger = self._index.by_order_id(order_id)
        if stranger is not None and stranger is not order:
            self._index.drop(stranger)
            order.absorb(stranger)
        self._index.rename(order, order_id)
        if event is not None and event.replaces is not None and event.replaces != order.client_id:
            self._index.note_former(order, event.replaces)
        self._claim(order)

    def _claim(self, order: Order) -> None:
        """Fills that came before their order was known."""
        for name in (order.order_id, order.client_id):
            if name and name in self._orphans:
                order.count(*self._orphans.pop(name))
        self._tally(order)

    def _orphan(self, fill: Fill) -> None:
        name = fill.order_id or fill.client_id
        if name:
            size, value = self._orphans.get(name, (_ZERO, _ZERO))
            self._orphans[name] = (size + fill.size, value + fill.price * fill.size)
            if len(self._orphans) > ORPHANS_KEPT:
                del self._orphans[next(iter(self._orphans))]


def _cancel(order: Order, seq: int) -> None:
    order.pending_cancel = True
    order.cancel_seq = seq
    order.updated_seq = seq


def _heard_of(order: Order) -> bool:
    """True where anything but our own wish says that it exists."""
    return order.acknowledged or order.status != "pending" or bool(order.filled)


def _refuse_placement(order: Order, event: Rejected) -> None:
    if event.refusal == "duplicate":  # the id is taken: by this order, as far as anyone knows
        order.place_unknown = order.is_open and not _heard_of(order)
        return
    if order.status == "pending":
        order.refused = True
        order.reason, order.refusal = f"{event.code} {event.text}".strip(), event.refusal
    order.hear("place refused")
