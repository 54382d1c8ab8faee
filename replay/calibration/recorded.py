"""What calibration needs of a recorded session, read once: its market, its intents, and what really became of them."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from adapters.paper import OrderLatency
from replay.bursts import is_market
from replay.calibration.footprint import Footprint, others_only
from replay.calibration.lives import Life, Lives
from replay.executions import Executions
from replay.latencies import Flights, Told
from state.commands import action_of
from state.errors import WrongUse
from state.events import (
    INTENT,
    Accepted,
    AnyEvent,
    BookDelta,
    BookSnapshot,
    CancelAll,
    CancelOrder,
    Fill,
    InstrumentDefined,
    Intent,
    OrderUpdate,
    PlaceOrder,
    PositionUpdate,
    Rejected,
    Trade,
)
from state.instruments import exact
from state.record import Record
from state.words import sign


@dataclass(slots=True)
class _Tape:
    """The public trades of a market, in order of receipt."""

    recvs: list[int] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)


@dataclass(slots=True)
class Recorded:
    """`steps` are what the paper venue is shown: market events, intents, and cancels that the venue made by itself."""

    steps: list[Record] = field(default_factory=list)
    lives: Lives = field(default_factory=Lives)
    latencies: dict[str, list[OrderLatency]] = field(default_factory=dict)
    probes: dict[int, list[Life]] = field(default_factory=dict)  # by the number of steps after which they are due
    feed_ages: list[tuple[int, int]] = field(default_factory=list)  # recv, age of a market event in ns
    rates: list[tuple[int, bool, Decimal]] = field(default_factory=list)  # recv, maker, share of the notional paid
    leverage: Decimal = Decimal(1)
    first: int = 0
    last: int = 0
    tapes: dict[tuple[str, str], _Tape] = field(default_factory=dict)

    def split(self, share: float) -> int:
        """The time until which this share of the orders was placed."""
        placed = sorted(life.placed for life in self.lives.orders.values())
        return placed[min(len(placed) - 1, max(0, round(len(placed) * share) - 1))]

    def traded(self, life: Life, first: int, last: int) -> Decimal:
        """What was traded at or through an order's price, from the side that would hit it, in (first, last]."""
        tape = self.tapes.get((life.venue, life.symbol))
        if tape is None or life.price is None:
            return Decimal(0)
        total = Decimal(0)
        for trade in tape.trades[bisect_right(tape.recvs, first) : bisect_left(tape.recvs, last + 1)]:
            if trade.side != life.side and (float(life.price) - trade.price) * sign(life.side) >= 0:
                total += exact(trade.size)
        return total


def read(records: Iterable[Record], progress: Callable[[int], None] | None = None, *, in_book: bool = True) -> Recorded:
    """Reads a session; raises `WrongUse` where it has no orders whose fate could be compared.

    With `in_book`, as at a real venue, the recorded books hold our own orders too, and they are taken out.
    """
    reading = _Reading()
    for record in records:
        reading.take(record)
        if progress is not None:
            progress(1)
    found = reading.end()
    if in_book:
        found.steps = others_only(found.steps, reading.footprint)
    if not found.lives.orders:
        raise WrongUse("the session placed no orders: there is nothing to hold the simulator to")
    if not any(life.fills or life.ended for life in found.lives.orders.values()):
        raise WrongUse("the session does not say what became of its orders")
    return found


class _Reading:
    def __init__(self) -> None:
        self.found = Recorded()
        self.footprint = Footprint()
        self._flights: dict[str, Flights] = {}
        self._executions = Executions()
        self._cancelled: set[str] = set()
        self._rules: dict[tuple[str, str], InstrumentDefined] = {}
        self._waiting: dict[tuple[str, str], list[tuple[int | None, Life]]] = {}  # fills whose market event is to come

    def take(self, record: Record) -> None:
        event, recv, found = self._executions.heard(record.event), record.recv, self.found
        if event is None:
            return
        self.footprint.hear(event, record)
        found.first = found.first or recv
        found.last = recv
        if isinstance(event, INTENT):
            self._intent(record, event)
        elif is_market(event):
            found.steps.append(record)
            self._market(record)
        else:
            found.lives.take(event, recv, record.cause)
            self._account(event, record)

    def end(self) -> Recorded:
        """Everything was read: times of the venue become times of ours."""
        ages = [age for _, age in self.found.feed_ages]
        least_age = min(ages, default=None)
        offsets = [flights.offset(least_age) for flights in self._flights.values()]
        offset = offsets[0] if len(offsets) == 1 else 0  # of several venues each has its own clock, of one feed age
        for venue, flights in self._flights.items():
            if rows := flights.rows(flights.offset(least_age) if len(offsets) == 1 else flights.offset()):
                self.found.latencies[venue] = rows
        self.found.feed_ages = [(recv, max(0, age + offset)) for recv, age in self.found.feed_ages]
        return self.found

    def _of(self, venue: str) -> Flights:
        return self._flights.setdefault(venue, Flights())

    def _intent(self, record: Record, intent: Intent) -> None:
        self._of(intent.venue).intent(record.seq, record.recv, action_of(intent), _told(intent))
        self.found.steps.append(record)
        if isinstance(intent, PlaceOrder):
            self.found.lives.begin(intent, record.recv)
        elif isinstance(intent, CancelOrder):
            self._cancelled.add(intent.client_id)
        elif isinstance(intent, CancelAll):
            self._cancelled.update(self.found.lives.orders)

    def _market(self, record: Record) -> None:
        event, found = record.event, self.found
        if isinstance(event, InstrumentDefined):
            self._rules[event.venue, event.symbol] = event
        elif isinstance(event, Trade | BookDelta | BookSnapshot):
            ts = event.ts
            if ts is not None and not (isinstance(event, Trade) and event.backfilled):
                found.feed_ages.append((record.recv, record.recv - ts))
            key = event.venue, event.symbol
            if isinstance(event, Trade):
                tape = found.tapes.setdefault(key, _Tape())
                tape.recvs.append(record.recv)
                tape.trades.append(event)
            for waiting in list(self._waiting.get(key, ())):
                if ts is None or waiting[0] is None or ts > waiting[0]:
                    found.probes.setdefault(len(found.steps) - 1, []).append(waiting[1])
                    self._waiting[key].remove(waiting)

    def _account(self, event: AnyEvent, record: Record) -> None:
        found = self.found
        match event:
            case Accepted() | Rejected():
                accepted = isinstance(event, Accepted)
                self._of(event.venue).outcome(record.cause, record.recv, Told(event.ts), accepted=accepted)
            case Fill():
                value = self._charged(event)
                if value and event.maker is not None and event.kind == "trade":
                    found.rates.append((record.recv, event.maker, -event.fee / value))
                life = found.lives.orders.get(event.client_id or "")
                if life is not None and event.maker and len(life.fills) == 1:
                    self._waiting.setdefault((event.venue, event.symbol), []).append((event.ts, life))
            case OrderUpdate():
                self._of(event.venue).update(_told(event))
                if event.status in ("cancelled", "expired"):
                    self._ended_by_venue(record, event)
            case PositionUpdate() if event.leverage is not None:
                found.leverage = max(found.leverage, event.leverage)
            case _:
                pass

    def _charged(self, fill: Fill) -> Decimal:
        """What the fee is a share of, in the fee's asset; zero where nobody says what the trade is worth in that."""
        rules = self._rules.get((fill.venue, fill.symbol))
        if rules is not None and fill.fee_asset != rules.settle:
            return fill.size if rules.kind == "spot" and fill.fee_asset == rules.base else Decimal(0)
        if rules is not None and rules.inverse:
            return fill.size * rules.contract_size / fill.price
        return fill.size * fill.price

    def _ended_by_venue(self, record: Record, event: OrderUpdate) -> None:
        """What the venue, or a shutdown, cancelled without an intent of the log is cancelled in the simulation as well."""
        life = self.found.lives.orders.get(event.client_id or "")
        if life is None or life.client_id in self._cancelled or event.refusal is not None:
            return
        self._cancelled.add(life.client_id)
        cancel = CancelOrder(life.venue, life.symbol, life.client_id)
        self.found.steps.append(Record(record.seq, record.recv, 0, cancel))


def _told(event: Intent | OrderUpdate) -> Told:
    match event:
        case CancelAll():
            return Told()
        case OrderUpdate():
            return Told(event.ts, event.client_id, event.price, event.size, event.status)
        case CancelOrder():
            return Told(None, event.client_id)
        case _:
            return Told(None, event.client_id, event.price, event.size)
