"""Whose an order is: what this session answers for, and ends when it ends. What is not ours is nobody's to touch."""

from collections.abc import Callable, Sequence

from adapters.base.orderid import OrderID
from adapters.base.settings import ForeignOrders
from state.events import CancelOrder, OrderUpdate, PlaceOrder
from state.record import Record

NAMED_FEW = 1_000  # ids that others than us chose: with more, those whose orders have ended are forgotten now and then


class Ours:
    """The orders of one account that are this session's, told by their client ids.

    They are those whose ids are computed from the session, those that it placed under an id that a person or a strategy
    chose, and those that it took over: of `earlier` sessions, and of everybody where the configuration says so.
    """

    def __init__(
        self, venue: str, ids: OrderID, policy: ForeignOrders, may_rest: Callable[[], Sequence[tuple[str, str]]]
    ) -> None:
        """`may_rest` tells symbol and client id of every order that may rest, whosever it is."""
        self.means_all = policy != "leave"
        self.earlier: Callable[[str], bool] = lambda client_id: False
        self._may_rest = may_rest
        self._venue = venue
        self._ids = ids
        self._named: set[str] = set()
        self._most = NAMED_FEW

    def has(self, client_id: str | None) -> bool:
        if self.means_all:
            return True
        if not client_id:
            return False
        return self._ids.parse(client_id) is not None or client_id in self._named or self.earlier(client_id)

    def note(self, intents: Sequence[Record]) -> None:
        """Orders on their way out."""
        for record in intents:
            event = record.event
            if type(event) is PlaceOrder and self._ids.parse(event.client_id) is None:
                if len(self._named) >= self._most:
                    self._named &= {name for _, name in self._may_rest()}
                    self._most = max(NAMED_FEW, 2 * len(self._named))
                self._named.add(event.client_id)

    def resting(self, symbol: str = "") -> list[CancelOrder]:
        """Cancels of our orders that may rest, as far as anything was told."""
        return [
            CancelOrder(self._venue, at, client_id)
            for at, client_id in self._may_rest()
            if symbol in ("", at) and self.has(client_id)
        ]

    def among(self, listed: Sequence[OrderUpdate]) -> list[OrderUpdate]:
        """Those of the venue's list that are ours."""
        return [order for order in listed if self.has(order.client_id)]
