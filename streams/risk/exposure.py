"""What the orders of one market could become, with those that passed the gate in this tick and are not folded yet."""

from collections.abc import Sequence
from decimal import Decimal

from state.events import AmendOrder, PlaceOrder
from state.ledger import Position
from state.orders import Order
from state.shared import Account, SharedState
from state.words import Side
from streams.scheduler import Timeline

_ZERO = Decimal(0)
SIGN: dict[Side, Decimal] = {"buy": Decimal(1), "sell": Decimal(-1)}


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

    def passing(self, venue: str, symbol: str, side: Side) -> list[Decimal]:
        """Prices of orders of one side that passed in this tick."""
        placed = (each for each in self._placed if (each.venue, each.symbol, each.side) == (venue, symbol, side))
        return [each.price for each in placed if each.price is not None]

    def order(self, venue: str, client_id: str) -> Order | None:
        return self._account(venue).orders.get(client_id)

    def position(self, venue: str, symbol: str) -> Position:
        return self._account(venue).ledger.position(symbol)

    def held(self, venue: str, symbol: str) -> Decimal:
        """The position with what orders were told to have filled before their fills were."""
        return self.position(venue, symbol).size + self._account(venue).orders.unheard(symbol)

    def worst(self, venue: str, symbol: str, side: Side, without: str = "") -> Decimal:
        """The position in the direction of `side`, should everything on that side fill, each order as large as it may be.

        Reduce-only orders close what is open and no more.
        """
        held = self.held(venue, symbol) * SIGN[side]
        return self.worst_of(held, self._working(venue, symbol), venue, symbol, side, without)

    def worst_of(
        self, held: Decimal, working: Sequence[Order], venue: str, symbol: str, side: Side, without: str = ""
    ) -> Decimal:
        """The same for who knows already what is held in that direction, and which orders are `others`."""
        adding = reducing = _ZERO
        for order in working:
            # What a person placed may have no client id, and none is amended where none is named.
            if order.side == side and (order.client_id != without or not without):
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
        worst = held + adding
        return worst if reducing is _ZERO else worst + min(reducing, max(-held, _ZERO))

    def open_orders(self, working: Sequence[Order], venue: str, symbol: str) -> int:
        """Orders of the strategy in one market, of those that are `others` and those that passed in this tick."""
        count = 0
        for order in working:
            count += order.strategy == self._strategy
        for intent in self._placed:
            count += intent.venue == venue and intent.symbol == symbol
        return count

    def others(self, account: Account, symbol: str) -> Sequence[Order]:
        """Working orders other than those made in this tick of what is in `_placed`."""
        working = account.orders.working(symbol)
        return working and [
            order for order in working if order.placed_seq <= self._settled_seq or order.strategy != self._strategy
        ]

    def _working(self, venue: str, symbol: str) -> Sequence[Order]:
        return self.others(self._account(venue), symbol)

    def _account(self, venue: str) -> Account:
        return self._shared.accounts.get(venue) or self._shared.account(venue)

    def _largest(self, order: Order) -> Decimal:
        size = order.size if not order.amends else max((order.size, *(size for _, _, size in order.amends)))
        amended = self._amended.get(order.client_id)
        if amended is not None:
            size = max(size, amended.size)
        return max(size - order.filled, _ZERO)
