"""Our own orders in a real venue's book, taken out of it: the paper venue is shown what others have, as its queue expects.

By the venue's times: an order is in the book from its acceptance, less its fills, until its end.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import accumulate
from typing import TypeAlias

import msgspec

from state.events import (
    Accepted,
    AmendOrder,
    AnyEvent,
    BookDelta,
    BookSnapshot,
    Fill,
    Level,
    OrderUpdate,
    PlaceOrder,
)
from state.instruments import exact
from state.record import Record
from state.words import Side

_Place: TypeAlias = tuple[str, str, Side, float]  # venue, symbol, side, price
_ENDED = frozenset({"cancelled", "rejected", "expired"})


@dataclass(slots=True)
class _Order:
    place: _Place
    left: Decimal
    filled: Decimal = Decimal(0)
    rests: bool = False
    ended: int | None = None


@dataclass(slots=True)
class _Line:
    """What of ours stood at one price, as it changed."""

    moves: list[tuple[int, Decimal]] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    sums: list[Decimal] = field(default_factory=list)

    def settle(self) -> None:
        self.moves.sort(key=lambda move: move[0])
        self.times = [at for at, _ in self.moves]
        self.sums = list(accumulate(size for _, size in self.moves))

    def at(self, ts: int) -> Decimal:
        place = bisect_right(self.times, ts)
        return self.sums[place - 1] if place else Decimal(0)


class Footprint:
    """Hears a session's words on our orders, then is asked for the events of the market without us."""

    def __init__(self) -> None:
        self._orders: dict[str, _Order] = {}
        self._amends: dict[int, AmendOrder] = {}
        self._lines: dict[_Place, _Line] = {}

    def hear(self, event: AnyEvent, record: Record) -> None:
        """Takes an intent or what was said of an order, as `Executions` have it, and its record; anything else is no news."""
        recv = record.recv
        match event:
            case PlaceOrder() if event.price is not None:
                place = event.venue, event.symbol, event.side, float(event.price)
                self._orders[event.client_id] = _Order(place, event.size)
            case AmendOrder():
                self._amends[record.seq] = event
            case Accepted():
                self._accepted(event, recv, record.cause)
            case Fill():
                self._filled(event, recv)
            case OrderUpdate():
                self._told(event, recv)
            case _:
                pass

    def settle(self) -> None:
        """Everything was heard."""
        for line in self._lines.values():
            line.settle()

    def without(self, event: AnyEvent, recv: int) -> AnyEvent:
        """A book event as it would be without our orders; any other as it is."""
        if not self._lines or not isinstance(event, BookDelta | BookSnapshot):
            return event
        ts = recv if event.ts is None else event.ts
        bids = self._others(event, "buy", event.bids, ts)
        asks = self._others(event, "sell", event.asks, ts)
        if bids is event.bids and asks is event.asks:
            return event
        return msgspec.structs.replace(event, bids=bids, asks=asks)

    def _others(self, event: BookDelta | BookSnapshot, side: Side, levels: list[Level], ts: int) -> list[Level]:
        changed: list[Level] | None = None
        for number, (price, size) in enumerate(levels):
            line = self._lines.get((event.venue, event.symbol, side, price))
            if line is not None and size and (own := line.at(ts)) > 0:
                changed = list(levels) if changed is None else changed
                changed[number] = price, float(max(Decimal(0), exact(size) - own))
        return levels if changed is None else changed

    def _accepted(self, event: Accepted, recv: int, cause: int) -> None:
        order, ts = self._orders.get(event.client_id), recv if event.ts is None else event.ts
        if order is None or order.ended is not None:
            return
        amend = self._amends.pop(cause, None)
        if event.action == "place":
            self._rest(order, ts)
        elif event.action == "amend" and amend is not None:
            self._add(order, ts, -order.left)
            venue, symbol, side, _ = order.place
            order.place = venue, symbol, side, float(amend.price)
            order.left = amend.size - order.filled
            self._add(order, ts, order.left)

    def _told(self, event: OrderUpdate, recv: int) -> None:
        order, ts = self._orders.get(event.client_id or ""), recv if event.ts is None else event.ts
        if order is None or order.ended is not None:
            return
        if event.status in _ENDED:
            if order.rests:
                self._add(order, ts, -order.left)
            order.ended = ts
        elif not order.rests:
            self._rest(order, ts)

    def _rest(self, order: _Order, ts: int) -> None:
        if not order.rests:
            order.rests = True
            self._add(order, ts, order.left)

    def _filled(self, fill: Fill, recv: int) -> None:
        order, ts = self._orders.get(fill.client_id or ""), recv if fill.ts is None else fill.ts
        if order is not None:
            if order.rests and (order.ended is None or ts < order.ended):
                self._add(order, ts, -fill.size)
                if order.ended is not None:  # the end was told first, and took this with it
                    self._add(order, order.ended, fill.size)
            order.left -= fill.size
            order.filled += fill.size

    def _add(self, order: _Order, ts: int, size: Decimal) -> None:
        if size:
            self._lines.setdefault(order.place, _Line()).moves.append((ts, size))


def others_only(steps: Sequence[Record], footprint: Footprint) -> list[Record]:
    """The steps with our own size taken out of every book."""
    footprint.settle()
    shown = []
    for record in steps:
        event = footprint.without(record.event, record.recv)
        shown.append(record if event is record.event else Record(record.seq, record.recv, record.cause, event))
    return shown
