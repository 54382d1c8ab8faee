"""An exchange whose orders live until a block or a time, and which may never tell that one has ended.

A list that lacks such an order proves nothing while a block can still take it; once none can, it proves that it has ended.
"""

from abc import abstractmethod
from collections.abc import Iterable, Sequence

import msgspec

from adapters.base.exchange import Exchange
from adapters.base.lifetimes import Lifetime, Lifetimes
from adapters.base.query import Query
from adapters.base.sender import Answer
from adapters.base.settings import Subscription
from state.errors import OutcomeUnknown
from state.events import AmendOrder, AnyEvent, CancelOrder, Intent, OrderUpdate, PlaceOrder
from state.words import TERMINAL, Side, TimeInForce

SWEEP_EVERY_S = 2.0


class GivenOrder(msgspec.Struct, forbid_unknown_fields=True):
    """An order that a person says the venue has; `until` is a block, or unix seconds where it is stateful."""

    symbol: str
    side: Side
    until: int
    tif: TimeInForce = "gtc"
    reduce_only: bool = False
    stateful: bool = False

    def lifetime(self, kind: int) -> Lifetime:
        return Lifetime(self.symbol, kind, self.side, self.tif, self.reduce_only, self.until, told=True)


class Expiring(Exchange):
    """Its order ids are computed: from a client id, a symbol and one of the `kinds` of order that it has."""

    lifetimes: Lifetimes
    kinds: Sequence[int]
    fills_are_named = False

    @abstractmethod
    def computed_id(self, client_id: str, symbol: str, kind: int) -> str:
        """The venue's id of an order."""

    async def start(self, subscriptions: Iterable[Subscription]) -> None:
        await super().start(subscriptions)
        if self.credentials is not None:
            self._spawn(self._every(SWEEP_EVERY_S, self._sweep))

    async def _sweep(self) -> None:
        """Orders that nobody told the end of though their time is over: the venue is asked, and silence is believed then."""
        for client_id, life in list(self.lifetimes.items()):
            if not self.lifetimes.is_overdue(life, is_open=client_id in self.known.orders):
                continue
            _, update, fills = await self.find_order(life.symbol, client_id)
            life.taken = False
            if update is None:
                order_id = self.computed_id(client_id, life.symbol, life.kind)
                update = OrderUpdate(self.venue, life.symbol, None, client_id, order_id, "expired", reason="EXPIRED")
            self.account_inbox.feed(self.clock.now_ns(), [*fills, update])

    def may_rest(self) -> Sequence[tuple[str, str]]:
        """Also what a block can still take though nobody told of it."""
        living = ((life.symbol, name) for name, life in self.lifetimes.items() if self.lifetimes.may_live(life))
        return list(dict.fromkeys((*super().may_rest(), *living)))

    def order_id_of(self, intent: Intent) -> str | None:
        """Of what a node has just accepted."""
        if not isinstance(intent, PlaceOrder | AmendOrder | CancelOrder):
            return None
        life = self.lifetimes.get(intent.client_id)
        if life is None:
            return None
        life.taken = life.taken or isinstance(intent, PlaceOrder)
        return self.computed_id(intent.client_id, intent.symbol, life.kind)

    def look_ups(self, symbol: str, client_id: str) -> Sequence[tuple[str, Query]]:
        """By the venue's id; an order whose kind nobody knows is asked for under each."""
        life = self.lifetimes.get(client_id)
        ids = [self.computed_id(client_id, symbol, kind) for kind in (self.kinds if life is None else (life.kind,))]
        return [("order", Query(symbol=symbol, order_id=each)) for each in ids]

    def fills_of(self, order: OrderUpdate) -> Query:
        return Query(symbol=order.symbol, order_id=order.order_id or "")

    async def find_order(self, symbol: str, client_id: str) -> tuple[Answer, OrderUpdate | None, Sequence[AnyEvent]]:
        """Raises `OutcomeUnknown` where nobody told of an order that a block can still take.

        One that was cancelled the venue may forget; what its stream told of it stands.
        """
        answer, update, fills = await super().find_order(symbol, client_id)
        life, known = self.lifetimes.get(client_id), self.known.orders.get(client_id)
        if update is None and known is not None and known.status in TERMINAL:
            return answer, known, fills
        if update is None and life is not None and not life.told and self.lifetimes.may_live(life):
            raise OutcomeUnknown(f"{self.venue}: {client_id} is not known, and may still arrive until {life.until}")
        return answer, update, fills
