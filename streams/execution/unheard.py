"""What orders of ours were told to have filled before their fills were heard: it is done, and must not be done again."""

from decimal import Decimal
from typing import NamedTuple

from state.events import Fill
from state.order import Order
from state.orders import Orders
from state.words import Side, sign

_ZERO = Decimal(0)


class Sent(NamedTuple):
    """One order: what the venue told it to have filled, and what was heard of that as fills."""

    side: Side
    told: Decimal = _ZERO
    heard: Decimal = _ZERO


class Unheard:
    """Orders by client id, until each of their fills is heard. `sent` is all its state."""

    def __init__(self, orders: Orders) -> None:
        self.sent: dict[str, Sent] = {}
        self._orders = orders

    def note(self, order: Order) -> None:
        """An order that is out."""
        self.sent.setdefault(order.client_id, Sent(order.side))

    def hear(self, order: Order, fill: Fill) -> None:
        """A fill of an order, the first time that it is told."""
        sent = self.sent.get(order.client_id)
        if sent is not None:
            self.sent[order.client_id] = sent._replace(heard=sent.heard + fill.size)

    def take(self) -> tuple[Decimal, Decimal]:
        """Signed sizes: what is still to be heard, and what nothing will tell of any more, which is said once."""
        coming = lost = _ZERO
        for client_id, sent in list(self.sent.items()):
            order = self._orders.get(client_id)
            if order is not None:
                sent = self.sent[client_id] = sent._replace(told=order.filled)
            missing = max(sent.told - sent.heard, _ZERO) * sign(sent.side)
            if order is None or not (order.is_open or missing):
                del self.sent[client_id]
            if order is None:
                lost += missing
            else:
                coming += missing
        return coming, lost
