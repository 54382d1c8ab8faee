"""A recorded session as the market of another run: its market events, our strategies, a paper venue for the intents.

The paper venue and the strategies' timers are heard in the order of their times, so an order sees the book as of its
arrival and a strategy never sees a later fill. What is simulated is itself a session that can be recorded, verified and
audited.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from adapters.paper import OrderLatency, PaperSettings, PaperVenue
from replay.bursts import input_bursts, is_market
from replay.latencies import NOTHING_RECORDED
from replay.snapshots import Snapshots
from state.events import AnyEvent, Command, SessionClosed, SessionOpened, Signal
from state.log import SessionWriter
from state.record import Record, RecordSink
from state.shared import SharedState
from streams.pipeline import ClientIds, Pipeline
from streams.scheduler import NEVER
from streams.strategy import Running, Strategy, run_strategies

MAX_ROUNDS = 1_000  # of intents that follow from answers once nothing new is to be decided


@dataclass(frozen=True, slots=True)
class Simulated:
    """What came of it: the state at the end, and every assumption that the fills rest on."""

    shared: SharedState
    records: int
    first_recv: int
    last_recv: int
    assumptions: tuple[str, ...]


class Simulation:
    """One run of strategies over recorded market events against paper venues."""

    def __init__(
        self,
        sink: RecordSink,
        client_ids: ClientIds,
        strategies: Sequence[Strategy],
        settings: PaperSettings,
        *,
        session: str,
        seed: int,
        parent: str = "",
        recorded: Mapping[str, Sequence[OrderLatency]] = NOTHING_RECORDED,
    ) -> None:
        """`recorded` are the session's own latencies by venue, for a paper venue that goes by them."""
        self.running: list[Running] = []
        self._pipeline = Pipeline(sink, client_ids, on_tick=self._decided)
        self._strategies = strategies
        self._settings = settings
        self._recorded = recorded
        self._opening = SessionOpened(session, seed, parent)
        self._session = session
        self._venues: dict[str, PaperVenue] = {}
        self._unopened: list[PaperVenue] = []
        self._first_recv = 0
        self._snapshots = Snapshots(sink, self._pipeline) if isinstance(sink, SessionWriter) else None

    @property
    def now_ns(self) -> int:
        """How far it has come; 0 before its first record."""
        return self._pipeline.timeline.now_ns if self._first_recv else 0

    def run(self, records: Iterable[Record], progress: Callable[[int], None] | None = None) -> Simulated:
        """Feeds every recorded burst of market input at its own time."""
        last = 0

        def read() -> Iterator[Record]:
            nonlocal last
            for record in records:
                last = record.recv
                if progress is not None:
                    progress(1)
                yield record

        for first, events in input_bursts(read()):
            self.hear(first.recv, [event for event in events if is_market(event)])
        return self.end(last)

    def hear(self, recv: int, events: Sequence[AnyEvent]) -> None:
        """The next burst of the market, and whatever is due before it; the first opens the session."""
        if not self._first_recv:
            self._open(recv)
        if events:
            self._up_to(recv)
            self._market(recv, events)
            if self._snapshots is not None and self._pipeline.seq >= self._snapshots.due:
                self._snapshots.take(self.running)

    def told(self, recv: int, command: Command) -> None:
        """A person's word to the strategies."""
        if self._first_recv:
            self._up_to(recv)
            self._pipeline.feed(recv, [command])

    def end(self, recv: int) -> Simulated:
        """Nothing comes after `recv`."""
        if not self._first_recv:
            self._open(recv)
        last = self._close(recv)
        return Simulated(
            self._pipeline.shared,
            self._pipeline.seq,
            self._first_recv,
            last,
            tuple(line for venue in self._venues.values() for line in venue.assumptions()),
        )

    def _open(self, recv: int) -> None:
        self._first_recv = recv
        self._pipeline.feed(recv, [self._opening])
        self.running = run_strategies(self._pipeline, self._strategies)

    def _close(self, recv: int) -> int:
        """Nothing new is decided, what rests is cancelled, and what is on its way still arrives."""
        self._up_to(recv)
        self._pipeline.feed(recv, [Command("", "", "halt", "end of the recording")])
        for _ in range(MAX_ROUNDS):
            last = max((paper.on_its_way() or 0 for paper in self._venues.values()), default=0)
            if not last:
                break
            self._up_to(max(recv, last))
        self._pipeline.feed(recv, [SessionClosed("end of the recording")])
        return self._pipeline.timeline.now_ns

    def _market(self, recv: int, events: Sequence[AnyEvent]) -> None:
        """The venue sees an event before the strategies do: they can only act on what has happened."""
        venues = self._venues
        for event in events:
            venue = venues.get(event.venue)
            if venue is None:
                if type(event) is Signal:
                    continue
                venue = self._venue(event.venue)
            venue.observe(event, recv)
        if self._unopened:
            self._open_venues(recv)
        self._pipeline.feed(recv, events)

    def _up_to(self, recv: int) -> None:
        """Hears venues and timers in the order of their times, until `recv`."""
        timeline = self._pipeline.timeline
        while True:
            timer = timeline.next_due
            venue_due, venue = NEVER, ""
            for name, paper in self._venues.items():
                due = paper.due()
                if due is not None and (due < venue_due or (due == venue_due and name < venue)):
                    venue_due, venue = due, name
            if timer > recv and venue_due > recv:
                return
            if timer < venue_due:
                self._pipeline.tick(timer)
                continue
            for heard, cause, events in self._venues[venue].collect(venue_due):
                self._pipeline.feed(heard, events, cause)

    def _venue(self, name: str) -> PaperVenue:
        venue = self._venues.get(name)
        if venue is None:
            venue = self._venues[name] = PaperVenue(name, self._settings, self._session, self._recorded.get(name, ()))
            self._unopened.append(venue)
        return venue

    def _open_venues(self, recv: int) -> None:
        while self._unopened:
            self._pipeline.feed(recv, self._unopened.pop(0).opening(recv))

    def _decided(self, intents: Sequence[Record]) -> None:
        for record in intents:
            self._venue(record.event.venue).submit(record, record.recv)
