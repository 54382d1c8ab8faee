"""Trigger orders: take-profits and stops that wait for the mark, alone, with a parent, or with the position they close."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from adapters.loopback.floor import Change, Floor, Ticket
from adapters.loopback.hyperliquid import refusals
from adapters.loopback.hyperliquid.refusals import about
from adapters.loopback.hyperliquid.register import Numbers
from adapters.loopback.market import Market
from adapters.loopback.orders import (
    Kind,
    Order,
    Reason,
    Refusal,
    RefusedError,
    SelfMatch,
    Side,
    Status,
    Tif,
)

SLIPPAGE = Decimal("0.1")
"""How far from the mark a triggered market order may trade.

https://hyperliquid.gitbook.io/hyperliquid-docs/trading/take-profit-and-stop-loss-orders-tp-sl
"""
TRIGGERED = "triggered"
SIBLING = "siblingFilledCanceled"
REJECTIONS = {Refusal.INSUFFICIENT_FUNDS: "perpMarginRejected"}
NAMES = {"tp": "Take Profit", "sl": "Stop"}


@dataclass(slots=True)
class Trigger:
    """What an order waits for; the order itself stands on the floor's list like any other, but in no book."""

    key: str
    symbol: str
    order: Order
    price: Decimal
    above: bool
    is_market: bool
    word: str
    """tp or sl"""
    parent: str = ""
    """The order after whose fill it begins to wait for the mark."""
    group: str = ""
    """Orders of one group end with the first of them that is triggered."""
    whole: bool = False
    """Does it close the position, whatever that is then?"""
    of_position: bool = False
    waits: bool = True
    end: str = ""
    """The venue's word for its state where that is no order's."""

    @property
    def kind(self) -> str:
        return f"{NAMES[self.word]} {'Market' if self.is_market else 'Limit'}"


class Triggers:
    """Every trigger order that there was, by its oid, which it keeps when it is triggered."""

    def __init__(self, floor: Floor, numbers: Numbers, tell: Callable[[Change], None]) -> None:
        self._floor, self._numbers, self._tell = floor, numbers, tell
        self.all: dict[str, Trigger] = {}
        self._waiting: dict[str, Trigger] = {}

    # -- commands ----------------------------------------------------------------------------------------------------

    def add(
        self, key: str, ticket: Ticket, price: Decimal, word: str, is_market: bool, asset: int, now_ms: int
    ) -> Trigger:
        """Lets an order wait for the mark; raises ItemRefusedError where the mark is there already."""
        market, desk = self._floor.markets[ticket.symbol], self._floor.desks[key]
        above = (word == "tp") == (ticket.side is Side.SELL)
        if _reached(market, price, above):
            raise about(refusals.INVALID_TRIGGER, asset)
        order = Order(
            self._numbers.order(ticket.symbol), key, ticket.side, Kind.LIMIT, Tif.GTC, ticket.price, ticket.size,
            ticket.client_id, ticket.reduce_only, SelfMatch.CANCEL_MAKER, created_ms=now_ms, updated_ms=now_ms,
        )  # fmt: skip
        desk.enter(ticket.symbol, order)
        if order.client_id:
            desk.by_client_id[order.client_id] = order.order_id
        trigger = Trigger(key, ticket.symbol, order, price, above, is_market, word, whole=ticket.size == 0)
        self.all[order.order_id] = self._waiting[order.order_id] = trigger
        self._say(trigger)
        return trigger

    def waits(self, order_id: str) -> bool:
        return order_id in self._waiting

    def cancel(self, order_id: str, now_ms: int, reason: Reason = Reason.BY_USER) -> None:
        """Ends an order that waits."""
        self._end(self._waiting[order_id], reason, "", now_ms)

    def cancel_all(self, key: str, now_ms: int, reason: Reason) -> None:
        """Ends every order of the account that waits."""
        for trigger in [trigger for trigger in self._waiting.values() if trigger.key == key]:
            self._end(trigger, reason, "", now_ms)

    def children(self, order_id: str) -> list[Trigger]:
        """Those that wait for an order to be filled."""
        return [trigger for trigger in self._waiting.values() if trigger.parent == order_id]

    # -- time --------------------------------------------------------------------------------------------------------

    def tick(self, now_ms: int) -> None:
        """Follows parents and positions, then triggers what the mark has reached."""
        for trigger in list(self._waiting.values()):
            if trigger.parent:
                self._follow_parent(trigger, now_ms)
            elif trigger.of_position and not self._held(trigger):
                self._end(trigger, Reason.REDUCE_ONLY, "", now_ms)
        for trigger in list(self._waiting.values()):
            market = self._floor.markets[trigger.symbol]
            here = self.waits(trigger.order.order_id) and not trigger.parent
            if here and _reached(market, trigger.price, trigger.above):
                self._fire(trigger, market, now_ms)

    def _follow_parent(self, trigger: Trigger, now_ms: int) -> None:
        _, parent = self._floor.desks[trigger.key].orders[trigger.parent]
        if parent.status is Status.FILLED:
            trigger.parent = ""
        elif parent.status.is_final:
            self._end(trigger, Reason.BY_USER, "", now_ms)

    def _held(self, trigger: Trigger) -> Decimal:
        """How much of a position the order could close."""
        position = self._floor.desks[trigger.key].book.position(trigger.symbol).size
        return max(Decimal(0), -position * trigger.order.side.sign)

    def _fire(self, trigger: Trigger, market: Market, now_ms: int) -> None:
        """Says that the order is triggered, enters it, and ends the others of its group."""
        del self._waiting[trigger.order.order_id]
        trigger.waits, trigger.end = False, TRIGGERED
        self._say(trigger, now_ms)
        trigger.end = ""
        self._enter(trigger, market, now_ms)
        for other in list(self._waiting.values()):
            if trigger.group and other.group == trigger.group:
                self._end(other, Reason.BY_USER, SIBLING, now_ms)

    def _enter(self, trigger: Trigger, market: Market, now_ms: int) -> None:
        order, desk = trigger.order, self._floor.desks[trigger.key]
        desk.by_client_id.pop(order.client_id, None)
        size = self._held(trigger) if trigger.whole else order.size
        tif, price = (Tif.IOC, _slipped(market, order.side)) if trigger.is_market else (Tif.GTC, order.price)
        ticket = Ticket(
            trigger.symbol,
            order.side,
            Kind.LIMIT,
            tif,
            price,
            size,
            order.client_id,
            order.reduce_only,
            order.self_match,
        )
        self._numbers.reuse(order.order_id)
        try:
            trigger.order = self._floor.place(trigger.key, ticket, now_ms)
        except RefusedError as error:
            self._numbers.reuse("")
            desk.by_client_id[order.client_id] = order.order_id
            order.status, order.reason = Status.CANCELLED, Reason.NONE
            trigger.end = REJECTIONS.get(error.refusal, "reduceOnlyRejected")
            self._say(trigger, now_ms)

    def _end(self, trigger: Trigger, reason: Reason, end: str, now_ms: int) -> None:
        del self._waiting[trigger.order.order_id]
        trigger.order.status, trigger.order.reason = Status.CANCELLED, reason
        trigger.waits, trigger.end = False, end
        self._say(trigger, now_ms)

    def _say(self, trigger: Trigger, now_ms: int | None = None) -> None:
        if now_ms is not None:
            trigger.order.updated_ms = now_ms
        self._tell(Change(self._floor.markets[trigger.symbol], [trigger.order]))


def _reached(market: Market, price: Decimal, above: bool) -> bool:
    mark = market.mark_price
    return mark >= price if above else mark <= price


def _slipped(market: Market, side: Side) -> Decimal:
    """The worst price of a triggered market order, on the tick."""
    tick, mark = market.contract.tick, market.mark_price
    return mark * (1 + side.sign * SLIPPAGE) // tick * tick
