"""An account of the floor, beside the matching: what it holds, and which of its orders still live."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.loopback.ledger import Account, Book
from adapters.loopback.orders import Order

if TYPE_CHECKING:
    from adapters.loopback.floor import Fill


class Desk:
    """An account on the floor: its money and every order it ever had."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.book = Book(account)
        self.orders: dict[str, tuple[str, Order]] = {}
        """By order id, with the symbol, in order of entry."""
        self._living: dict[str, tuple[str, Order]] = {}  # those of them that were not over when last looked at
        self.by_client_id: dict[str, str] = {}
        self.fills: list[Fill] = []

    def enter(self, symbol: str, order: Order) -> None:
        self.orders[order.order_id] = self._living[order.order_id] = symbol, order

    def forget(self, order_id: str) -> None:
        """Makes an order one that never was."""
        self.orders.pop(order_id, None)
        self._living.pop(order_id, None)

    def living(self) -> list[tuple[str, Order]]:
        """The orders that are not over, with their symbols, in order of entry."""
        self._living = {name: entry for name, entry in self._living.items() if not entry[1].status.is_final}
        return list(self._living.values())

    def release(self, client_id: str) -> None:
        """Lets the client id of an order that is over be used again, where a venue asks for unique ids among open orders only."""
        order_id = self.by_client_id.get(client_id)
        if order_id is not None and self.orders[order_id][1].status.is_final:
            del self.by_client_id[client_id]
