"""Orders that earlier sessions of the same log left resting at a venue, told by their client ids.

A session that was killed cancels nothing. What it left would go on filling with nobody to manage it, so the next one names
each such order as a difference and, unless told to leave them, cancels it. Orders of anybody else are not touched.
"""

from collections.abc import Iterator, Sequence

from adapters.base.orderid import OrderID
from state.commands import as_command
from state.events import AnyEvent, CancelOrder, Reconciled
from state.log import Log
from state.shared import Account


class EarlierOrders:
    """Knows the orders of sessions that have ended by their ids alone."""

    def __init__(self, sessions: Sequence[str], *, cancel: bool) -> None:
        self._ids = [(session, OrderID(session)) for session in sessions]
        self._cancel = cancel

    @classmethod
    def of(cls, log: Log, *, cancel: bool) -> "EarlierOrders":
        """Of all sessions of a log but those that some process still runs."""
        return cls([row.id for row in log.sessions() if row.status != "running"], cancel=cancel)

    def session_of(self, client_id: str) -> str | None:
        """The session that placed an order; None for one that is not ours."""
        return next((session for session, ids in self._ids if ids.parse(client_id) is not None), None)

    def found(self, account: Account) -> Iterator[Sequence[AnyEvent]]:
        """One burst for each order of theirs that still works."""
        for order in account.orders.working():
            session = self.session_of(order.client_id)
            if session is None:
                continue
            theirs = f"{order.status} {order.side} {order.size} at {order.price}, filled {order.filled}"
            venue, symbol, name = order.venue, order.symbol, order.client_id
            yield (Reconciled(venue, symbol, "order", name, f"left by session {session}", theirs),)
            if self._cancel:
                yield (as_command(CancelOrder(venue, symbol, name)),)
