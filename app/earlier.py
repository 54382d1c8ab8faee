"""Orders that this session did not place: what earlier sessions of the same log left resting, and what is not ours at all.

A session that was killed cancels nothing. What it left would go on filling with nobody to manage it, so the next one names
each such order as a difference and, unless told to leave them, cancels it. Orders of anybody else are touched only where
the configuration says so.
"""

from collections.abc import Iterator, Sequence

from adapters import order_ids_of
from adapters.base.orderid import OrderID
from adapters.base.settings import ForeignOrders
from state.commands import as_command
from state.events import AnyEvent, CancelAll, CancelOrder, Reconciled
from state.log import Log
from state.order import Order
from state.shared import Account


class EarlierOrders:
    """Knows the orders of sessions that have ended by their ids alone."""

    def __init__(self, sessions: Sequence[str], *, cancel: bool) -> None:
        self._sessions = sessions
        self._cancel = cancel
        self._ids: dict[str, list[tuple[str, OrderID]]] = {}  # by venue

    @classmethod
    def of(cls, log: Log, *, cancel: bool) -> "EarlierOrders":
        """Of all sessions of a log but those that some process still runs."""
        return cls([row.id for row in log.sessions() if row.status != "running"], cancel=cancel)

    def session_of(self, venue: str, client_id: str) -> str | None:
        """The session that placed an order; None for one that is not ours."""
        ids = self._ids.get(venue)
        if ids is None:
            make = order_ids_of(venue)
            ids = self._ids[venue] = [(session, make(session)) for session in self._sessions]
        return next((session for session, each in ids if each.parse(client_id) is not None), None)

    def takes(self, venue: str, client_id: str) -> bool:
        """True for an order of an earlier session that this one is to end."""
        return self._cancel and self.session_of(venue, client_id) is not None

    def found(self, account: Account) -> Iterator[Sequence[AnyEvent]]:
        """One burst for each order of theirs that still works."""
        for order in account.orders.working():
            session = self.session_of(order.venue, order.client_id)
            if session is None:
                continue
            yield (_named(order, f"left by session {session}"),)
            if self._cancel:
                yield (as_command(CancelOrder(order.venue, order.symbol, order.client_id)),)

    def foreign(self, account: Account, policy: ForeignOrders) -> Iterator[Sequence[AnyEvent]]:
        """One burst for each working order that no session of ours placed, unless they are to be left alone.

        Where they are to be cancelled and one of them has no client id, all of its market are.
        """
        if policy == "leave":
            return
        nameless: set[str] = set()
        for order in account.orders.working():
            if order.placed_seq or self.session_of(order.venue, order.client_id) is not None:
                continue
            yield (_named(order, "not ours, adopted" if policy == "adopt" else "not ours, to be cancelled"),)
            if policy == "adopt":
                continue
            if order.client_id:
                yield (as_command(CancelOrder(order.venue, order.symbol, order.client_id)),)
            elif order.symbol not in nameless:
                nameless.add(order.symbol)
                yield (as_command(CancelAll(order.venue, order.symbol)),)


def _named(order: Order, ours: str) -> Reconciled:
    theirs = f"{order.status} {order.side} {order.size} at {order.price}, filled {order.filled}"
    return Reconciled(order.venue, order.symbol, "order", order.client_id or order.order_id or "", ours, theirs)
