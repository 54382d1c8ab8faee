"""How long a recorded session's own intents were on their way: by their outcomes, and by what the venue said of the orders.

An intent arrived when the venue says so: its answer's time, else that of the first update of the order which shows it. Where
neither is told it is taken to have arrived half-way. The venue's clock need not be ours: the least correction is made by
which nothing arrives before it left, is answered before it arrived, or is seen before it happened.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import msgspec

from adapters.paper import OrderLatency
from state.log import Log
from state.words import TERMINAL, Action, OrderStatus

NOTHING_RECORDED: Final[Mapping[str, Sequence[OrderLatency]]] = MappingProxyType({})
_ACTIONS: Final[Mapping[str, Action]] = {
    "PlaceOrder": "place",
    "AmendOrder": "amend",
    "CancelOrder": "cancel",
    "CancelAll": "cancel_all",
}


class Told(msgspec.Struct, frozen=True):
    """What of an intent, an outcome or an order update matters here."""

    ts: int | None = None
    client_id: str | None = None
    price: Decimal | None = None
    size: Decimal | None = None
    status: OrderStatus | None = None


@dataclass(slots=True)
class _Flight:
    action: Action
    left: int
    wish: Told
    there: int | None = None  # the venue's time
    answered: int | None = None


class Flights:
    """Every intent of one venue, told of in order of seq."""

    def __init__(self) -> None:
        self._by_seq: dict[int, _Flight] = {}
        self._by_client_id: dict[str, list[_Flight]] = {}  # without a time of the venue
        self._answered: list[_Flight] = []

    def intent(self, seq: int, recv: int, action: Action, wish: Told) -> None:
        """An intent left."""
        flight = self._by_seq[seq] = _Flight(action, recv, wish)
        if wish.client_id:
            self._by_client_id.setdefault(wish.client_id, []).append(flight)

    def outcome(self, cause: int, recv: int, told: Told, *, accepted: bool) -> None:
        """Its outcome; a refusal without a time of the venue is our own adapter's, and no flight."""
        flight = self._by_seq.pop(cause, None)
        if flight is None or not (accepted or told.ts is not None):
            return
        flight.answered = recv
        flight.there = told.ts if told.ts is not None else flight.there
        self._answered.append(flight)

    def update(self, told: Told) -> None:
        """The venue said what an order is."""
        waiting = self._by_client_id.get(told.client_id or "")
        if not waiting or told.ts is None:
            return
        for flight in waiting:
            if _shows(told, flight):
                waiting.remove(flight)
                if flight.there is None:
                    flight.there = told.ts
                return

    def offset(self, feed_age: int | None = None) -> int:
        """How far the venue's clock is ahead of ours, ns, at least; `feed_age` is the least age of a market event."""
        timed = [flight for flight in self._answered if flight.there is not None]
        most = [flight.there - flight.left for flight in timed if flight.there is not None]
        least = [flight.there - (flight.answered or 0) for flight in timed if flight.there is not None]
        least += [] if feed_age is None else [-feed_age]
        high, low = min(most, default=0), max(least, default=0)
        if low > high:
            return (low + high) // 2
        return min(max(0, low), high)

    def rows(self, offset: int = 0) -> list[OrderLatency]:
        """Every intent that was answered, in order of leaving."""
        rows = [_row(flight, offset) for flight in self._answered]
        return sorted(rows, key=lambda row: row.left)


def recorded_latencies(log: Log, session: str) -> dict[str, list[OrderLatency]]:
    """By venue, in order of time: every intent that was accepted, or that the venue refused with a time."""
    flights: dict[str, Flights] = {}
    for line in log.journal(session, types=(*_ACTIONS, "Accepted", "Rejected", "OrderUpdate")):
        told = msgspec.json.decode(line.payload, type=Told)
        mine = flights.setdefault(line.venue, Flights())
        if line.type in _ACTIONS:
            mine.intent(line.seq, line.recv, _ACTIONS[line.type], told)
        elif line.type == "OrderUpdate":
            mine.update(told)
        else:
            mine.outcome(line.cause, line.recv, told, accepted=line.type == "Accepted")
    return {venue: rows for venue, known in flights.items() if (rows := known.rows(known.offset()))}


def _shows(told: Told, flight: _Flight) -> bool:
    """True for an update that cannot be older than the arrival of an intent."""
    if flight.action == "place":
        return True
    if flight.action == "cancel":
        return told.status in TERMINAL
    return (told.price, told.size) == (flight.wish.price, flight.wish.size)


def _row(flight: _Flight, offset: int) -> OrderLatency:
    answered = flight.left if flight.answered is None else flight.answered
    there = (flight.left + answered) // 2 if flight.there is None else flight.there - offset
    return OrderLatency(flight.action, flight.left, min(max(there, flight.left), answered), answered)
