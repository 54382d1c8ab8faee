"""Why there was no quote: every gate that a quote of one side had to pass at one moment, and which of them were shut.

The gates are those of the shared parts (session, strategy, account, market, book, operators, `to_intents`, risk). A strategy
that decides by itself without `to_intents` is followed as far as the values of its operators go.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from replay.journaled import journaled
from replay.why.facts import shown
from replay.why.verdicts import limits_of, messages_before, verdicts
from state.errors import OffGrid
from state.events import (
    AnyEvent,
    Blocked,
    FeedStatus,
    Fill,
    Halted,
    PlaceOrder,
    Rejected,
    RiskChanged,
    StrategyFailed,
)
from state.log import Log
from state.manifest import Manifest
from state.record import Record
from state.shared import SharedState
from state.words import Side
from streams.quoting.ladder import Quote
from streams.trace import Heard

RECENT_NS = 1_000_000_000  # `to_intents` lets a level rest this long after a refusal, unless told otherwise
_TOLD: tuple[type[AnyEvent], ...] = (
    FeedStatus,
    Blocked,
    Rejected,
    Fill,
    PlaceOrder,
    Halted,
    StrategyFailed,
    RiskChanged,
)


class Gate(msgspec.Struct, frozen=True):
    """One thing that a quote needs; `seq` is the record that shut or opened it, 0 where there is none."""

    gate: str
    open: bool
    text: str
    seq: int = 0


class WhyNot(msgspec.Struct, frozen=True):
    """What `tapeline why-not` answers for one strategy in one market; `seq` and `at` are the moment."""

    session: str
    seq: int
    at: int
    strategy: str
    venue: str
    symbol: str
    side: Side
    quotes: list[str]  # orders that stood on that side
    gates: list[Gate]

    @property
    def shut(self) -> list[Gate]:
        return [gate for gate in self.gates if not gate.open]


@dataclass(slots=True)
class _Last:
    """The last word of each kind before the moment."""

    statuses: dict[tuple[str, str, str], Record] = field(default_factory=dict)
    blocked: list[Record] = field(default_factory=list)
    refused: list[Record] = field(default_factory=list)
    filled: Record | None = None
    halted: Record | None = None
    failed: Record | None = None
    risk: Record | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """What is known then: the folded state, what the operators had said (None where they could not be run again)."""

    log: Log
    session: str
    record: Record
    at: int
    shared: SharedState
    heard: Sequence[Heard] | None


def why_not(moment: Moment, manifest: Manifest, strategy: str, venue: str, symbol: str, side: Side) -> WhyNot:
    """The gates of one strategy's quotes on one side of one market."""
    last = _last_words(moment, strategy, venue, symbol, side)
    orders = [
        order
        for order in moment.shared.account(venue).orders.working(symbol)
        if order.side == side and order.strategy == strategy
    ]
    gates = [
        *_session(moment, last, strategy),
        *_market(moment, last, venue, symbol),
        *_wish(moment, strategy, venue, symbol, side),
        *([] if orders else _limits(moment, manifest, strategy, venue, symbol, side)),
        *_rests(moment, last, strategy, venue, symbol),
    ]
    for order in orders:
        if order.pending_cancel or order.unknown or (order.status == "pending" and not order.acknowledged):
            doubt = (
                "is being cancelled"
                if order.pending_cancel
                else "is on its way"
                if not order.unknown
                else "is in doubt"
            )
            gates.append(Gate("in flight", False, f"order {order.client_id} {doubt}", order.updated_seq))
    quotes = [
        f"{order.client_id} {order.remaining:f} at {order.price} {order.status} {order.label}".strip()
        for order in orders
    ]
    return WhyNot(moment.session, moment.record.seq, moment.at, strategy, venue, symbol, side, quotes, gates)


def _session(moment: Moment, last: _Last, strategy: str) -> list[Gate]:
    shared = moment.shared
    halted = last.halted.seq if last.halted is not None else 0
    failed = last.failed.seq if last.failed is not None else 0
    standing = shared.risk.get(strategy)
    state = "active" if standing is None else standing.state
    risk = Gate(
        "risk state",
        state == "active",
        state if standing is None else f"{state}: {standing.reason}",
        last.risk.seq if last.risk is not None else 0,
    )
    return [
        Gate("session", not shared.closed, "closed" if shared.closed else "open"),
        Gate("halted", shared.halted is None, shared.halted or "not halted", halted),
        Gate("strategy", strategy not in shared.failed, shared.failed.get(strategy, "runs"), failed),
        risk,
    ]


def _market(moment: Moment, last: _Last, venue: str, symbol: str) -> list[Gate]:
    account, market = moment.shared.account(venue), moment.shared.market(venue, symbol)
    instrument, book = market.instrument, market.book
    trades = instrument is not None and instrument.status in ("trading", "post_only")
    return [
        Gate("account", account.is_ready, *_status(last, venue, "", "account", account.status)),
        Gate("instrument", trades, "not defined yet" if instrument is None else instrument.status),
        Gate("book", book.is_ok, *_status(last, venue, symbol, "book", book.status)),
    ]


def _status(last: _Last, venue: str, symbol: str, channel: str, status: str) -> tuple[str, int]:
    told = last.statuses.get((venue, symbol, channel))
    if told is None:
        return f"{status}: nothing was heard of it", 0
    assert isinstance(told.event, FeedStatus)
    return f"{status} {told.event.reason}".strip(), told.seq


# --- what the strategy wished ---


def _wish(moment: Moment, strategy: str, venue: str, symbol: str, side: Side) -> list[Gate]:
    if moment.heard is None:
        return [Gate("operators", True, "not known: the strategies could not be run again up to here")]
    heard = [stage for stage in moment.heard if stage.strategy == strategy]
    gates = _silent(heard, venue, symbol)
    wished = _wished(heard, venue, symbol)
    if wished is None or not wished.count:
        return gates
    return [*gates, *_quotes(moment, wished, venue, symbol, side), *_held(heard, wished)]


def _wished(heard: Sequence[Heard], venue: str, symbol: str) -> Heard | None:
    """What gives `to_intents` the quotes of one market; a strategy of several markets has one of each."""
    desk = next((stage for stage in heard if stage.operator == f"to_intents {venue} {symbol}"), None)
    return None if desk is None else _before(heard, desk)


def _before(heard: Sequence[Heard], stage: Heard) -> Heard | None:
    """The stage whose values another takes."""
    if stage.after == (stage.pipe, stage.place):
        return None
    return next((it for it in heard if (it.pipe, it.place) == stage.after), None)


def _silent(heard: Sequence[Heard], venue: str, symbol: str) -> list[Gate]:
    """The first stage of each pipe that never had a value, if what decides has had none."""
    named = [stage for stage in heard if stage.operator == f"to_intents {venue} {symbol}"] or [
        stage for stage in heard if stage.operator == "risk_gate"
    ]
    decides = named[0].pipe if named else max((stage.pipe for stage in heard), default=0)
    before_desk = [stage for stage in heard if stage.pipe == decides and (not named or stage.place < named[0].place)]
    if all(stage.count for stage in before_desk):
        return [Gate("inputs", True, "every input of the decision has had a value")]
    gates, seen = [], set()
    for stage in heard:
        if stage.count or stage.pipe in seen or stage.pipe > decides:
            continue
        seen.add(stage.pipe)
        before = _before(heard, stage)
        heard_of = f"its input spoke {before.count} times" if before is not None else "it never spoke"
        gates.append(Gate("inputs", False, f"{stage.operator} ({stage.where}) has had no value: {heard_of}"))
    return gates


def _quotes(moment: Moment, wished: Heard, venue: str, symbol: str, side: Side) -> list[Gate]:
    if not isinstance(wished.value, tuple | list):
        return []
    quotes = [quote for quote in wished.value if isinstance(quote, Quote) and quote.side == side]
    where = f"{wished.operator} ({wished.where})"
    if not quotes:
        return [Gate("wish", False, f"{where} wished no {side} quote: {shown(wished.value)}", wished.seq)]
    gates = [Gate("wish", True, f"{where} wished {shown(tuple(quotes))}", wished.seq)]
    instrument = moment.shared.market(venue, symbol).instrument
    for quote in quotes:
        if instrument is None:
            continue
        try:
            instrument.check(instrument.price(side, quote.price), instrument.size(quote.size))
        except OffGrid as error:
            gates.append(Gate("minimum", False, f"{quote.label}: {error}", wished.seq))
    return gates


def _held(heard: Sequence[Heard], wished: Heard) -> list[Gate]:
    """A throttle between the inputs and the wish that holds something newer."""
    gates = []
    for stage in heard:
        before = _before(heard, stage)
        if stage.operator != "throttle" or stage.pipe != wished.pipe or before is None or before.at <= stage.at:
            continue
        text = f"throttle ({stage.where}) gave its last value at record {stage.seq} and holds a newer one"
        gates.append(Gate("throttled", True, text, before.seq))
    return gates


# --- limits, refusals, fills ---


def _limits(moment: Moment, manifest: Manifest, strategy: str, venue: str, symbol: str, side: Side) -> list[Gate]:
    """What a wished quote, or one of the smallest size, would meet at the risk gate now."""
    market = moment.shared.market(venue, symbol)
    if market.instrument is None or not market.book.is_ok:
        return []
    price, size = _probe(moment, strategy, venue, symbol, side)
    probe = PlaceOrder(venue, symbol, side, size, price, strategy=strategy)
    record = Record(moment.record.seq, moment.at, 0, probe)
    messages = messages_before(moment.log, moment.session, Record(record.seq + 1, record.recv, 0, probe), strategy)
    found = verdicts(moment.shared, record, limits_of(manifest, strategy), messages)
    return [
        Gate(
            f"limit {fact.rule}",
            fact.held,
            f"a quote of {size:f} comes to {fact.value}, limit {fact.limit} ({fact.set_by})",
        )
        for fact in found
        if fact.rule not in ("halted", "book")
    ]


def _probe(moment: Moment, strategy: str, venue: str, symbol: str, side: Side) -> tuple[Decimal, Decimal]:
    market = moment.shared.market(venue, symbol)
    assert market.instrument is not None
    wished = _wished([stage for stage in moment.heard or () if stage.strategy == strategy], venue, symbol)
    if wished is not None and isinstance(wished.value, tuple | list):
        for quote in wished.value:
            if isinstance(quote, Quote) and quote.side == side and quote.price > 0 and quote.size > 0:
                return market.instrument.price(side, quote.price), market.instrument.size(quote.size)
    touch = market.book.bid if side == "buy" else market.book.ask
    return market.instrument.price(side, touch), market.instrument.min_size


def _rests(moment: Moment, last: _Last, strategy: str, venue: str, symbol: str) -> list[Gate]:
    gates = []
    for record in last.blocked:
        event = record.event
        assert isinstance(event, Blocked)
        ago_s = (moment.at - record.recv) / 1e9
        broke = f"{event.rule}, limit {event.limit}, was {event.value}"
        text = f"{event.label or event.action} was blocked {ago_s:.3f} s before: {broke}"
        gates.append(Gate("blocked", moment.at - record.recv > RECENT_NS, text, record.seq))
    for record in last.refused:
        event = record.event
        assert isinstance(event, Rejected)
        ago_s = (moment.at - record.recv) / 1e9
        text = f"{event.client_id} was refused {ago_s:.3f} s before: {event.refusal}, {event.code} {event.text}; its level rests"
        gates.append(Gate("refused", moment.at - record.recv > RECENT_NS, text, record.seq))
    wished = _wished([stage for stage in moment.heard or () if stage.strategy == strategy], venue, symbol)
    if last.filled is not None and wished is not None:
        waits = wished.at <= last.filled.recv <= moment.at
        text = "the last fill of this side is " + ("newer" if waits else "older") + " than the last wished quotes"
        gates.append(Gate("filled", not waits, text, last.filled.seq))
    return gates


def _last_words(moment: Moment, strategy: str, venue: str, symbol: str, side: Side) -> _Last:
    last = _Last()
    sides: dict[str, Side] = {}
    for record in journaled(moment.log, moment.session, _TOLD, last=moment.record.seq):
        event = record.event
        if isinstance(event, Halted):
            last.halted = record
        elif isinstance(event, RiskChanged):
            last.risk = record if event.strategy == strategy else last.risk
        elif isinstance(event, StrategyFailed):
            last.failed = record if event.strategy == strategy else last.failed
        elif isinstance(event, FeedStatus):
            last.statuses[event.venue, event.symbol, event.channel] = record
        elif (event.venue, event.symbol) != (venue, symbol):
            continue
        elif isinstance(event, PlaceOrder) and event.strategy == strategy:
            sides = {event.client_id: event.side, **dict(list(sides.items())[:1000])}
            if event.side == side:
                last.blocked, last.refused = [], []
        elif isinstance(event, Blocked) and event.strategy == strategy and event.side in (side, None):
            last.blocked = [*last.blocked[-3:], record]
        elif isinstance(event, Rejected) and sides.get(event.client_id) == side:
            last.refused = [*last.refused[-3:], record]
        elif isinstance(event, Fill) and event.side == side:
            last.filled = record
    return last
