"""What was placed here, for venues that must be told again what an order is when it is amended."""

from adapters.base.once import Bounded
from adapters.base.query import Arguments
from state.events import PlaceOrder

PLACED_MOST = 10_000


class Placed:
    """By client id; the oldest leave first."""

    def __init__(self) -> None:
        self._orders: Bounded[str, PlaceOrder] = Bounded(PLACED_MOST)

    def note(self, arguments: Arguments) -> None:
        """Remembers the orders among them."""
        for intent in arguments if isinstance(arguments, list | tuple) else (arguments,):
            if isinstance(intent, PlaceOrder) and intent.client_id:
                self._orders[intent.client_id] = intent

    def get(self, client_id: str) -> PlaceOrder | None:
        return self._orders.get(client_id)
