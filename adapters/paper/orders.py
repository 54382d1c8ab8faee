"""One order of ours as the paper venue holds it."""

from dataclasses import dataclass
from decimal import Decimal

from adapters.paper.queue import QueuePlace
from state.events import OrderUpdate, PlaceOrder
from state.words import OrderKind, OrderStatus, Origin, Refusal, Side, TimeInForce

_ZERO = Decimal(0)


@dataclass(slots=True, eq=False)
class PaperOrder:
    """`mark` is its price as the book's keys have it."""

    order_id: str
    client_id: str
    symbol: str
    side: Side
    kind: OrderKind
    tif: TimeInForce
    price: Decimal | None
    size: Decimal
    reduce_only: bool = False
    filled: Decimal = _ZERO
    value: Decimal = _ZERO  # sum of price times size of its fills
    fills: int = 0
    priority: int = 0  # rises with each arrival at a level
    mark: float = 0.0
    shown: float = 0.0  # what others showed at its price when last looked at
    place: QueuePlace | None = None
    before: dict[str, Decimal] | None = None  # single orders of others ahead of it, where they are told

    @classmethod
    def wished(cls, intent: PlaceOrder, order_id: str) -> "PaperOrder":
        """The order that an intent asks for."""
        return cls(
            order_id,
            intent.client_id,
            intent.symbol,
            intent.side,
            intent.kind,
            intent.tif,
            intent.price,
            intent.size,
            intent.reduce_only,
        )

    @property
    def remaining(self) -> Decimal:
        return self.size - self.filled

    @property
    def limit(self) -> Decimal:
        """The price of an order that can rest."""
        assert self.price is not None
        return self.price

    def told(
        self,
        venue: str,
        ts: int,
        status: OrderStatus | None = None,
        *,
        refusal: Refusal | None = None,
        reason: str | None = None,
        origin: Origin = "user",
    ) -> OrderUpdate:
        """What the venue says of it; without `status` what its fills make of it."""
        if status is None:
            status = "filled" if self.remaining <= 0 else "partially_filled" if self.filled else "open"
        return OrderUpdate(
            venue,
            self.symbol,
            ts,
            self.client_id or None,
            self.order_id,
            status,
            self.side,
            self.kind,
            self.tif,
            self.price,
            self.size,
            self.filled,
            self.value / self.filled if self.filled else None,
            self.reduce_only,
            reason,
            refusal,
            origin,
        )
