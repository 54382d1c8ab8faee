"""First in, first out by single orders (L3), where a feed tells them: the true queue, up to what our order would have changed.

An order of others keeps its place while it only shrinks; a larger size or another price sends it to the back. What trades with
an order that stands behind ours, or at a worse price, would have traded with ours: ours fills, up to that size. As
`L3FIFOQueueModel` of hftbacktest (hftbacktest/src/backtest/models/queue.rs), which fills whole orders only.
"""

from decimal import Decimal

from adapters.paper.queue import ConservativeQueue
from state.events import BookOrder
from state.instruments import exact
from state.words import Side

_ZERO = Decimal(0)


class FifoQueue(ConservativeQueue):
    """Single orders where they are told; until the first of them is, as `conservative`."""

    def words(self) -> str:
        return (
            "queue (fifo): first in, first out by the single orders of the feed; what trades with an order behind ours "
            f"fills ours, up to its size; without single orders as conservative: {super().words()}"
        )


class SingleOrders:
    """Others' orders as they stand in line, by level; `told` from the first on."""

    def __init__(self) -> None:
        self.told = False
        self._levels: dict[tuple[Side, float], dict[str, Decimal]] = {}
        self._places: dict[str, tuple[Side, float]] = {}

    def line(self, side: Side, price: float) -> dict[str, Decimal]:
        """Sizes by id at a price, first in line first."""
        return self._levels.get((side, price), {})

    def place_of(self, order_id: str) -> tuple[Side, float] | None:
        """Side and price of an order that is known."""
        return self._places.get(order_id)

    def take(self, event: BookOrder) -> bool:
        """Follows the feed; False where the order lost its place, or is gone. An unknown order came before the recording."""
        self.told = True
        if event.action == "add":
            self._put(event)
            return True
        place = self._places.get(event.order_id)
        if place is None:
            return False
        line = self._levels[place]
        left = line[event.order_id] - exact(event.size) if event.action == "fill" else exact(event.size)
        stays = event.action == "fill" or (
            event.action == "change" and place == (event.side, event.price) and left <= line[event.order_id]
        )
        if stays and left > 0:
            line[event.order_id] = left
            return True
        del line[event.order_id], self._places[event.order_id]
        if not line:
            del self._levels[place]
        if event.action == "change":
            self._put(event)
        return False

    def forget(self) -> None:
        """The book was lost: who stands where is not known any more."""
        self._levels.clear()
        self._places.clear()

    def _put(self, event: BookOrder) -> None:
        place = event.side, event.price
        self._places[event.order_id] = place
        self._levels.setdefault(place, {})[event.order_id] = exact(event.size)
