"""From the chain's orders to the floor's: entering and re-entering them, and hearing how they ended."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from adapters.loopback.dydx.contracts import Terms
from adapters.loopback.dydx.ids import FloorIds
from adapters.loopback.dydx.messages import OrderSide, PlaceOrder, TimeInForce
from adapters.loopback.dydx.register import SIDES, TIFS, Placed, Register
from adapters.loopback.floor import Change, Floor, Ticket
from adapters.loopback.orders import Kind, Order, Reason, Refusal, RefusedError, SelfMatch

REMOVALS = {
    Reason.BY_USER: "USER_CANCELED",
    Reason.WOULD_TAKE: "POST_ONLY_WOULD_CROSS_MAKER_ORDER",
    Reason.NO_LIQUIDITY: "IMMEDIATE_OR_CANCEL_WOULD_REST_ON_BOOK",
    Reason.SELF_MATCH: "SELF_TRADE_ERROR",
    Reason.REDUCE_ONLY: "REDUCE_ONLY_RESIZE",
    Reason.EXPIRED: "EXPIRED",
}
"""Why an order is gone, without the words ORDER_REMOVAL_REASON_ before it."""
UNDERCOLLATERALIZED, REPLACED = "UNDERCOLLATERALIZED", "REPLACED"


class Entry:
    """The only code here that changes what rests in the books."""

    def __init__(
        self,
        floor: Floor,
        register: Register,
        ids: FloorIds,
        ended: Callable[[Placed, str], None],
        client_name: Callable[[int, int], str],
    ) -> None:
        self._floor, self._register, self._ids, self._ended = floor, register, ids, ended
        self._client_name = client_name
        self._gone: dict[str, Placed] = {}
        floor.listeners.append(self._heard)

    def placed(self, uuid: str, place: PlaceOrder, terms: Terms) -> Placed:
        """The order as it is remembered, not on the floor yet."""
        return Placed(uuid, place, terms.ticker, terms.price(place.subticks), terms.size(place.quantums))

    def enter(self, placed: Placed, now_ms: int) -> None:
        """Puts an order on the floor; raises RefusedError, and then nothing has changed."""
        place, key = placed.place, placed.order_id.subaccount.key
        ticket = Ticket(
            symbol=placed.ticker,
            side=SIDES[OrderSide(place.side)],
            kind=Kind.LIMIT,
            tif=TIFS[TimeInForce(place.time_in_force)],
            price=placed.price,
            size=placed.size - placed.filled_before,
            client_id=self._name(placed),
            reduce_only=place.reduce_only,
            self_match=SelfMatch.CANCEL_MAKER,
        )
        self._floor.desks[key].by_client_id.pop(ticket.client_id, None)  # unique on the chain is the whole order id
        self._ids.next_order = placed.uuid
        try:
            placed.order = self._floor.place(key, ticket, now_ms)
        finally:
            self._ids.next_order = ""
        if _was_removed(placed.order):
            self._gone[placed.uuid] = placed

    def replace(self, placed: Placed, price: Decimal, size: Decimal, now_ms: int) -> None:
        """Changes a resting order's price and total size and puts it to the back of its level.

        Raises RefusedError, and then nothing has changed.
        """
        key = placed.order_id.subaccount.key
        self._floor.amend(key, placed.uuid, now_ms, price, size - placed.filled_before, renews=True)
        placed.price, placed.size = price, size

    def take_out(self, placed: Placed, now_ms: int, reason: Reason = Reason.BY_USER) -> None:
        self._floor.cancel(placed.order_id.subaccount.key, placed.uuid, now_ms, reason)

    def forget(self, placed: Placed) -> None:
        """Makes a refused order one that never was."""
        self._gone.pop(placed.uuid, None)
        if not placed.filled:
            desk = self._floor.desks[placed.order_id.subaccount.key]
            desk.forget(placed.uuid)
            desk.by_client_id.pop(self._name(placed), None)

    def tell(self) -> None:
        """Says which orders left the book, and why."""
        gone, self._gone = self._gone, {}
        for placed in gone.values():
            if placed.order is not None:
                self._ended(placed, REMOVALS[placed.order.reason])

    def _name(self, placed: Placed) -> str:
        return self._client_name(placed.order_id.client_id, placed.place.client_metadata)

    def _heard(self, change: Change) -> None:
        for order in change.orders:
            placed = self._register.placed.get(order.order_id)
            if placed is not None and placed.order is order and _was_removed(order):
                self._gone[placed.uuid] = placed


def is_short_of_funds(error: RefusedError) -> bool:
    return error.refusal is Refusal.INSUFFICIENT_FUNDS


def _was_removed(order: Order) -> bool:
    return order.reason is not Reason.NONE
