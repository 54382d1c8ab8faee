"""What the chain remembers of orders: the message each came with, what it filled, and the cancels that outlive their order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from adapters.loopback.dydx.ids import order_uuid
from adapters.loopback.dydx.messages import OrderId, OrderSide, PlaceOrder, TimeInForce
from adapters.loopback.orders import ZERO, Order, Side, Tif

SIDES = {OrderSide.BUY: Side.BUY, OrderSide.SELL: Side.SELL}
TIFS = {TimeInForce.RESTS: Tif.GTC, TimeInForce.IOC: Tif.IOC, TimeInForce.POST_ONLY: Tif.POST_ONLY}


@dataclass(slots=True)
class Placed:
    """An order that was accepted, as it was last placed."""

    uuid: str
    place: PlaceOrder
    ticker: str
    price: Decimal
    size: Decimal
    """The size asked for, with what was filled under the same id before."""
    order: Order | None = None
    """What it is on the floor; nothing while it waits for a block or a trigger."""
    filled_before: Decimal = ZERO
    """What was filled under this id by orders that left the book before this one."""
    is_triggered: bool = False

    @property
    def order_id(self) -> OrderId:
        return self.place.order_id

    @property
    def filled(self) -> Decimal:
        return self.filled_before + (self.order.filled if self.order else ZERO)

    @property
    def is_live(self) -> bool:
        """Is it in the book, or waiting to be?"""
        return self.order is None or not self.order.status.is_final

    @property
    def is_resting(self) -> bool:
        return self.order is not None and not self.order.status.is_final


class Register:
    """Every order that can still matter, by its UUID."""

    def __init__(self) -> None:
        self.placed: dict[str, Placed] = {}
        self._cancels: dict[str, int] = {}

    def find(self, order_id: OrderId) -> Placed | None:
        return self.placed.get(order_uuid(order_id))

    def cancelled_until(self, order_id: OrderId) -> int:
        """The good-til-block of the cancel remembered for a short-term id, else 0."""
        return self._cancels.get(order_uuid(order_id), 0)

    def remember_cancel(self, order_id: OrderId, good_til_block: int) -> None:
        self._cancels[order_uuid(order_id)] = good_til_block

    def open_stateful(self, key: str) -> int:
        """How many long-term and conditional orders a subaccount has."""
        return sum(1 for placed in self._stateful() if placed.order_id.subaccount.key == key and placed.is_live)

    def expired(self, height: int, now_ms: int) -> list[Placed]:
        """The live orders whose time is over once block `height` is made."""
        return [placed for placed in self.placed.values() if placed.is_live and _is_over(placed, height, now_ms)]

    def waiting(self) -> list[Placed]:
        """Conditional orders that are not triggered yet."""
        return [placed for placed in self._stateful() if placed.place.condition and not placed.is_triggered]

    def prune(self, height: int, now_ms: int) -> None:
        """Forgets what no message can touch any more."""
        gone = [
            uuid
            for uuid, placed in self.placed.items()
            if not placed.is_live and (_is_over(placed, height, now_ms) or not placed.order_id.is_short_term)
        ]
        for uuid in gone:
            del self.placed[uuid]
        self._cancels = {uuid: until for uuid, until in self._cancels.items() if until > height}

    def _stateful(self) -> Iterable[Placed]:
        return [placed for placed in self.placed.values() if not placed.order_id.is_short_term]


def _is_over(placed: Placed, height: int, now_ms: int) -> bool:
    place = placed.place
    if place.order_id.is_short_term:
        return height >= place.good_til_block
    return now_ms >= place.good_til_time_s * 1000
