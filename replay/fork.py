"""What if: a session's history up to a record, and from there on the same market with something changed.

Up to the fork everything is as recorded: the session's own strategies decide again (and must decide the same), while changed
ones listen beside them without a voice. From the fork on the changed ones decide. As long as nothing differs, what the venue
answered is known and need not be simulated; with the first decision, or the first fill of the paper venue, that is not the
recorded one, the paper venue takes over with the orders, positions and intents on their way of that moment.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from adapters.paper import OrderLatency, PaperSettings, PaperVenue
from adapters.paper.takeover import take_over
from replay.bursts import bursts, is_market
from replay.latencies import NOTHING_RECORDED
from replay.others import Others
from replay.simulate import MAX_ROUNDS
from state.errors import ReplayDiverged, WrongUse
from state.events import (
    INTENT,
    Accepted,
    AmendOrder,
    AnyEvent,
    Blocked,
    CancelAll,
    CancelOrder,
    Command,
    Fill,
    FundingPayment,
    OrderUpdate,
    PlaceOrder,
    Rejected,
    SessionOpened,
    Unknown,
    is_derived,
)
from state.record import Frame, Record
from state.shared import SharedState
from streams.pipeline import ClientIds, Pipeline
from streams.scheduler import NEVER
from streams.strategy import Running, Strategy

_TOLD = (Fill, Accepted, Rejected, OrderUpdate, FundingPayment)  # what a venue answers, and a simulated one the same
_KEPT = (*INTENT, Blocked, Rejected, Fill, FundingPayment)


@dataclass(frozen=True, slots=True)
class FirstDifference:
    """Where original and fork part: a decision, or a fill; a side that has none there is None."""

    at: int
    what: Literal["decision", "fill"]
    original: Record | None
    fork: Record | None


@dataclass(slots=True)
class Forked:
    """`records` are the fork's intents, refusals, fills and funding after the fork; `shared` is its state at the end."""

    shared: SharedState
    seq: int
    difference: FirstDifference | None
    records: list[Record] = field(default_factory=list)
    assumptions: tuple[str, ...] = ()


class _Voice(Running):
    """A strategy that can be without a voice for a while, and that can be ended without a trace."""

    silent = False

    def fail(self, error: Exception) -> None:
        if self.silent:
            raise WrongUse(f"strategy {self.name} fails on the history before the fork: {error}") from error
        super().fail(error)

    def _decided(self, decision: AnyEvent) -> None:
        if not self.silent:
            super()._decided(decision)  # type: ignore[arg-type]  # checked there

    def leave(self) -> None:
        self.is_ended = True
        self._subscription.dispose()
        for key, _ in self.pipeline.timeline.waiting(self):
            self.pipeline.timeline.remove(key)


class Fork:
    """One what-if. `changed` are the strategies that are other than `strategies` of the same name."""

    def __init__(
        self,
        session: str,
        client_ids: ClientIds,
        strategies: Sequence[Strategy],
        changed: Sequence[Strategy],
        settings: PaperSettings,
        at: int,
        *,
        by_venue: Mapping[str, PaperSettings] | None = None,
        recorded: Mapping[str, Sequence[OrderLatency]] = NOTHING_RECORDED,
        others: Others | None = None,
    ) -> None:
        """`settings` are those of every venue that is not in `by_venue`; paper venues see the market of `others`."""
        self._others = others
        self._by_venue = by_venue or {}
        self._session, self._settings, self._recorded, self._at = session, settings, recorded, at
        self._pipeline = Pipeline(self, client_ids, on_tick=self._decided)
        self._strategies = strategies, changed
        self._originals: list[_Voice] = []
        self._changed: list[_Voice] = []
        self._venues: dict[str, PaperVenue] = {}
        self._expected: deque[Record] = deque()  # recorded decisions that the fork has not come to
        self._told: deque[tuple[int, int, AnyEvent]] = deque()  # of the paper venues, that the session has not come to
        self._unanswered: dict[int, Record] = {}
        self._exact = True  # so far the paper venues have answered as the recorded ones, to the nanosecond
        self._forked = self._simulated = False
        self._result = Forked(self._pipeline.shared, at, None)

    def run(self, records: Iterable[Record], progress: Callable[[int], None] | None = None) -> Forked:
        """Raises `ReplayDiverged` where today's code does not decide the history as it was decided."""
        head: list[Record] | None = None
        decided: list[Record] = []
        last = 0
        for burst in bursts(records):
            last = burst[-1].recv
            if is_derived(burst[0].event):
                decided.append(burst[0])
            else:
                if head is not None:
                    self._step(head, decided)
                head, decided = burst, []
            if progress is not None:
                progress(len(burst))
        if head is not None:
            self._step(head, decided)
        self._end(last)
        self._result.assumptions = tuple(line for venue in self._venues.values() for line in venue.assumptions())
        return self._result

    # --- the sink ---

    def append(self, record: Record, frame: Frame | None = None) -> None:
        """A record of the fork: its decisions are held against the recorded ones for as long as nothing differs."""
        event = record.event
        if isinstance(event, INTENT):
            self._unanswered[record.seq] = record
        elif isinstance(event, Accepted | Rejected | Unknown):
            self._unanswered.pop(record.cause, None)
        if is_derived(event) and not self._simulated and self._result.difference is None:
            expected = self._expected.popleft() if self._expected else None
            if expected != record:
                self._differs("decision", record.recv, expected, record)
        if isinstance(event, _KEPT) and record.seq > self._at:
            self._result.records.append(record)

    def _differs(
        self, what: Literal["decision", "fill"], at: int, original: Record | None, fork: Record | None
    ) -> None:
        if not self._forked:
            seq = (original or fork or Record(0, 0, 0, Command("", "", ""))).seq
            raise ReplayDiverged(f"the session's strategies decide otherwise from record {seq} on", seq)
        if self._result.difference is None:
            self._result.difference = FirstDifference(at, what, original, fork)

    def _decided(self, intents: Sequence[Record]) -> None:
        for record in intents:
            self._venue(record.event.venue).submit(record, record.recv)

    # --- one burst of input ---

    def _step(self, burst: list[Record], decided: list[Record]) -> None:
        """`decided` is what the session concluded until its next input."""
        recv = burst[0].recv
        self._hear(recv)
        if not self._forked and burst[0].seq <= self._at <= burst[-1].seq:
            self._fork()  # the fork hears these inputs, and concludes from them itself
        if not self._simulated:
            self._missing(recv - 1)
            self._compare_fills(burst)
        self._take_over_if_different()
        if self._simulated:
            self._simulate(recv, [record.event for record in burst if is_market(record.event)])
            return
        self._expected.extend(decided)
        for record in burst:
            self._observe(record.event, recv)
        self._pipeline.feed(recv, [record.event for record in burst], burst[0].cause)
        if isinstance(burst[0].event, SessionOpened):
            self._pipeline.conclude(self._subscribe)
        self._missing(recv)
        self._take_over_if_different()
        if not self._forked and self._at <= (decided[-1] if decided else burst[-1]).seq:
            self._pipeline.advance(decided[-1].recv if decided else recv)
            self._fork()

    def _subscribe(self) -> None:
        """Once the session is opened: what a strategy draws by chance begins with its seed."""
        originals, changed = self._strategies
        others = {strategy.name for strategy in changed} if self._forked else ()
        self._originals = [_Voice(self._pipeline, strategy) for strategy in originals if strategy.name not in others]
        self._changed = [_Voice(self._pipeline, strategy) for strategy in changed]
        for voice in self._changed:
            voice.silent = not self._forked
        for voice in (*self._originals, *self._changed):
            voice.subscribe()

    def _missing(self, until: int) -> None:
        """A recorded decision whose time is over and which the fork did not make is a difference too."""
        if self._expected and self._expected[0].recv <= until and self._result.difference is None:
            self._differs("decision", self._expected[0].recv, self._expected[0], None)

    def _observe(self, event: AnyEvent, recv: int) -> None:
        if is_market(event) and event.venue:
            shown = self._shown(event, recv)
            if shown is not None:
                self._venue(event.venue).observe(shown, recv)
        elif self._exact and isinstance(event, _TOLD):
            heard = self._told.popleft() if self._told else None
            self._exact = heard is not None and (heard[0], heard[2]) == (recv, event)

    def _compare_fills(self, burst: Sequence[Record]) -> None:
        """A recorded fill that the paper venue does not make at the same moment is the end of what is known."""
        if not self._forked or burst[0].seq <= self._at or self._result.difference is not None:
            return
        for record in burst:
            if isinstance(record.event, Fill) and not (self._exact and self._is_told(record)):
                self._exact = False
                self._differs("fill", record.recv, record, None)
                return

    def _is_told(self, record: Record) -> bool:
        return any((heard, event) == (record.recv, record.event) for heard, _, event in self._told)

    def _hear(self, recv: int) -> None:
        """Venues and timers in the order of their times, until `recv`."""
        while True:
            timer = self._pipeline.timeline.next_due
            due, name = min(
                ((due, name) for name, paper in self._venues.items() if (due := paper.due()) is not None),
                default=(NEVER, ""),
            )
            if min(timer, due) > recv:
                self._exact = self._exact and not (self._told and self._told[0][0] < recv)
                return
            if timer < due:
                self._pipeline.tick(timer) if self._simulated else self._pipeline.advance(timer)
            else:
                self._answered(self._venues[name].collect(due), recv)
            self._take_over_if_different()

    def _answered(self, answers: Sequence[tuple[int, int, list[AnyEvent]]], now: int) -> None:
        for heard, cause, events in answers:
            if self._simulated:
                self._pipeline.feed(heard, events, cause)
                continue
            if self._exact:
                self._told.extend((heard, cause, event) for event in events if isinstance(event, _TOLD))
            fills = [event for event in events if isinstance(event, Fill)]
            if fills and self._forked and (not self._exact or heard < now):
                self._exact = False
                self._differs("fill", heard, None, Record(self._pipeline.seq + 1, heard, cause, fills[0]))
                self._pipeline.feed(heard, events, cause)

    # --- from the session to the simulation ---

    def _fork(self) -> None:
        self._forked = True
        for voice in self._changed:
            voice.silent = False
            next(each for each in self._originals if each.name == voice.name).leave()
        if not self._exact:
            self._take_over()

    def _take_over_if_different(self) -> None:
        if self._result.difference is None or self._simulated:
            return
        self._simulated = True
        self._expected.clear()
        if self._exact:
            for heard, cause, event in self._told:
                self._pipeline.feed(heard, [event], cause)
        else:
            self._take_over()

    def _take_over(self) -> None:
        self._told.clear()
        for name, venue in self._venues.items():
            account = self._pipeline.shared.account(name)
            sent = [
                record
                for record in self._unanswered.values()
                if record.event.venue == name and _is_awaited(record.event, self._pipeline.shared)
            ]
            take_over(venue, account, sent, self._pipeline.timeline.now_ns)

    def _shown(self, event: AnyEvent, recv: int) -> AnyEvent | None:
        return event if self._others is None else self._others.shown(event, recv)

    def _simulate(self, recv: int, told: list[AnyEvent]) -> None:
        events = [shown for event in told if (shown := self._shown(event, recv)) is not None]
        for event in events:
            if event.venue:
                opening = [] if event.venue in self._venues else self._venue(event.venue).opening(recv)
                self._venue(event.venue).observe(event, recv)
                if opening:
                    self._pipeline.feed(recv, opening)
        if events:
            self._pipeline.feed(recv, events)

    def _end(self, recv: int) -> None:
        """Where it parted, the fork ends as a simulation does: nothing new, everything cancelled, all answers heard."""
        self._hear(recv)
        if not self._simulated:
            self._pipeline.advance(recv)
            self._missing(recv)
        if self._simulated:
            self._pipeline.feed(recv, [Command("", "", "halt", "end of the recording")])
            for _ in range(MAX_ROUNDS):
                last = max((paper.on_its_way() or 0 for paper in self._venues.values()), default=0)
                if not last:
                    return
                self._hear(max(recv, last))

    def _venue(self, name: str) -> PaperVenue:
        venue = self._venues.get(name)
        if venue is None:
            venue = PaperVenue(
                name, self._by_venue.get(name, self._settings), self._session, self._recorded.get(name, ())
            )
            self._venues[name] = venue
        return venue


def _is_awaited(event: AnyEvent, shared: SharedState) -> bool:
    """True for an intent whose answer is still to come."""
    orders = shared.account(event.venue).orders
    match event:
        case PlaceOrder():
            order = orders.get(event.client_id)
            return order is not None and order.status == "pending"
        case AmendOrder():
            order = orders.get(event.client_id)
            return order is not None and order.is_open and order.pending_amend is not None
        case CancelOrder():
            order = orders.get(event.client_id)
            return order is not None and order.is_open and order.pending_cancel
        case CancelAll():
            return any(order.pending_cancel for order in orders.working(event.symbol))
        case _:
            return False
