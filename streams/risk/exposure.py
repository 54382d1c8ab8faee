"""What the orders of one market could become, with those that passed the gate in this tick and are not folded yet."""

from decimal import Decimal

from state.events import AmendOrder, PlaceOrder
from state.ledger import Position
from state.orders import Order
from state.shared import SharedState
from state.words import Side, sign
from streams.scheduler import Timeline

_ZERO = Decimal(0)


class Exposure:
    """Looked up when an intent is judged.

    What has passed in this tick is remembered until the tick settles; orders made of it meanwhile are told by their
    `placed_seq`, so that nothing counts twice.
    """

    __slots__ = ("_amended", "_placed", "_settled_seq", "_shared", "_strategy", "_timeline")

    def __init__(self, shared: SharedState, timeline: Timeline, strategy: str) -> None:
        self._shared = shared
        self._timeline = timeline
        self._strategy = strategy
        self._placed: list[PlaceOrder] = []
        self._amended: dict[str, AmendOrder] = {}
        self._settled_seq = timeline.settled_seq

    def look(self) -> None:
        """To be called before an intent is judged: what passed before the tick settled has been folded."""
        if self._settled_seq != self._timeline.settled_seq:
            self._settled_seq = self._timeline.settled_seq
            self._placed.clear()
            self._amended.clear()

    def passed(self, intent: PlaceOrder | AmendOrder) -> None:
        if isinstance(intent, PlaceOrder):
            self._placed.append(intent)
        else:
            self._amended[intent.client_id] = intent

    def order(self, venue: str, client_id: str) -> Order | None:
        return self._shared.account(venue).orders.get(client_id)

    def position(self, venue: str, symbol: str) -> Position:
        return self._shared.account(venue).ledger.position(symbol)

    def worst(self, venue: str, symbol: str, side: Side, without: str = "") -> Decimal:
        """The position in the direction of `side`, should everything on that side fill, each order as large as it may be.

        Reduce-only orders close what is open and no more.
        """
        held = self.position(venue, symbol).size * sign(side)
        adding = reducing = _ZERO
        for order in self._working(venue, symbol):
            if order.side == side and order.client_id != without:
                if order.reduce_only:
                    reducing += self._largest(order)
                else:
                    adding += self._largest(order)
        for intent in self._placed:
            if intent.side == side and intent.venue == venue and intent.symbol == symbol:
                if intent.reduce_only:
                    reducing += intent.size
                else:
                    adding += intent.size
        return held + adding + min(reducing, max(-held, _ZERO))

    def open_orders(self, venue: str, symbol: str) -> int:
        """Orders of the strategy in one market."""
        working = sum(order.strategy == self._strategy for order in self._working(venue, symbol))
        return working + sum(intent.venue == venue and intent.symbol == symbol for intent in self._placed)

    def _working(self, venue: str, symbol: str) -> list[Order]:
        """Orders other than those made in this tick of what is in `_placed`."""
        return [
            order
            for order in self._shared.account(venue).orders.working(symbol)
            if order.placed_seq <= self._settled_seq or order.strategy != self._strategy
        ]

    def _largest(self, order: Order) -> Decimal:
        size = max((order.size, *(size for _, _, size in order.amends)))
        amended = self._amended.get(order.client_id)
        if amended is not None:
            size = max(size, amended.size)
        return max(size - order.filled, _ZERO)
