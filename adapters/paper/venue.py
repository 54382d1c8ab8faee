"""The paper venue in virtual time: intents travel there, are matched, and what comes of it travels back.

Nothing here knows the time but from the `recv` that it is given. Who owns it plays, for a market event at time t:

    while (due := venue.due()) is not None and due <= t:    # and timers of the strategies that are due before `due`
        for recv, cause, events in venue.collect(due):
            pipeline.feed(recv, events, cause)              # intents that follow are submitted at their own recv
    venue.observe(event, t)
    pipeline.feed(t, [event])

so that a strategy's answer to a response leaves before the venue moves past it. At one instant funding comes first, then
intents in the order of their arrival, then the market.
"""

from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from heapq import heappop, heappush

from adapters.paper.desk import Desk
from adapters.paper.funding import FundingClock
from adapters.paper.latency import ConstantLatency, LatencyModel, LognormalLatency, OrderLatency, RecordedLatency
from adapters.paper.report import PaperStatistics, assumptions
from adapters.paper.settings import PaperSettings
from state.commands import action_of
from state.errors import WrongUse
from state.events import INTENT, AnyEvent, FeedStatus, Intent, Ticker
from state.instruments import Instrument
from state.record import Record

Burst = tuple[int, int, list[AnyEvent]]  # recv, cause, events


class PaperVenue:
    """A venue without a wire, the same for live and for recorded market data."""

    def __init__(
        self, venue: str, settings: PaperSettings, session: str = "", recorded: Sequence[OrderLatency] = ()
    ) -> None:
        """`recorded` is what `latency = "recorded"` goes by; raises `ConfigurationError` where it then has nothing."""
        self.venue = venue
        self.settings = settings
        self._latency = _latency(settings, recorded)
        self._feed = settings.feed_latency
        self._desk = Desk(venue, settings, session)
        self._arriving: list[tuple[int, int, int, Intent]] = []  # time at the venue, order of leaving, cause, intent
        self._returning: deque[Burst] = deque()  # nothing overtakes, so in order of time
        self._funding: dict[str, FundingClock] = {}
        self._funding_due: int | None = None  # the first of them
        self._now = 0
        self._left = 0
        self._last_arrival = 0

    @property
    def statistics(self) -> PaperStatistics:
        return self._desk.statistics

    def assumptions(self) -> list[str]:
        """Everything that the fills rest on, a sentence each."""
        desk = self._desk
        models = (self._latency.words(), desk.queue.words(), desk.fees.words(), desk.throttle.words())
        return assumptions(self.venue, self.settings, models, self.statistics)

    def opening(self, recv: int) -> list[AnyEvent]:
        """What the venue says of the account when it is first asked."""
        return [FeedStatus(self.venue, "", "account", "ok"), *self._desk.opening(recv)]

    def observe(self, event: AnyEvent, recv: int) -> None:
        """A market event, or what a feed of it is worth, came at `recv`; other events say nothing to a market."""
        if event.venue != self.venue:
            raise WrongUse(f"an event of {event.venue or 'no venue'} is none of {self.venue}")
        if recv < self._now:
            recv = self._now
        if self._arriving or self._funding_due is not None:
            self._advance(recv)
        else:
            self._now = recv
        if type(event) is Ticker and self.settings.funding:
            self._clock(event.symbol).told(event, recv)
            self._find_funding()
        told = self._desk.observe(event, recv - self._feed)
        if told:
            self._answer(told, recv)

    def submit(self, record: Record, recv: int) -> None:
        """An intent leaves us at `recv`. Raises `WrongUse` for what is none, or is another venue's."""
        intent = record.event
        if not isinstance(intent, INTENT) or intent.venue != self.venue:
            raise WrongUse(f"{type(intent).__name__} of {intent.venue} is no intent for {self.venue}")
        arrival = recv + self._latency.entry(action_of(intent), recv) + self._feed
        if arrival < self._now:
            self.statistics.late_intents += 1
        self._left += 1
        self._last_arrival = max(arrival, self._now, self._last_arrival)
        heappush(self._arriving, (self._last_arrival, self._left, record.seq, intent))

    def due(self) -> int | None:
        """When the next thing happens at the venue or reaches us, ns UTC."""
        due = self._funding_due
        if self._arriving and (due is None or self._arriving[0][0] < due):
            due = self._arriving[0][0]
        if self._returning and (due is None or self._returning[0][0] < due):
            due = self._returning[0][0]
        return due

    def on_its_way(self) -> int | None:
        """When the last of what was sent is at the venue, or of what was told is with us; None where nothing is."""
        if self._arriving:
            return max(self._last_arrival, self._returning[-1][0] if self._returning else 0)
        return self._returning[-1][0] if self._returning else None

    def collect(self, until: int) -> list[Burst]:
        """Lets the venue come to `until`, and gives what has reached us by then, in order."""
        self._advance(until)
        heard: list[Burst] = []
        while self._returning and self._returning[0][0] <= until:
            heard.append(self._returning.popleft())
        return heard

    def wind_down(self, recv: int, *, flatten: bool) -> list[Burst]:
        """Everything on its way arrives, then every order is cancelled and, where asked, every position closed."""
        leaves = max(recv, self._now)
        self._advance(max(leaves + self._latency.entry("cancel_all", leaves) + self._feed, self._last_arrival))
        self._answer(self._desk.wind_down(self._now - self._feed, flatten=flatten), self._now)
        return self.collect(max(self._now, self._returning[-1][0] if self._returning else 0))

    def open_orders(self) -> tuple[str, ...]:
        """Client ids of what rests."""
        return self._desk.open_orders()

    def positions(self) -> list[tuple[str, Decimal]]:
        """Symbol and signed size of every position in a derivative that is not flat."""
        return self._desk.positions()

    def instrument(self, symbol: str) -> Instrument | None:
        """The rules of a market, once they are known."""
        return self._desk.market(symbol).instrument

    def ahead(self, client_id: str) -> Decimal | None:
        """How much of others' size is taken to stand before a resting order; None for one that does not rest."""
        return self._desk.ahead(client_id)

    # --- time at the venue ---

    def _advance(self, until: int) -> None:
        while True:
            arrival, funding = self._next_arrival(), self._funding_due
            if funding is not None and funding <= until and (arrival is None or funding <= arrival):
                self._fund(funding)
            elif arrival is not None and arrival <= until:
                now, _, cause, intent = heappop(self._arriving)
                self._now = max(self._now, now)
                self._answer(self._desk.take(intent, self._now - self._feed), self._now, cause)
            else:
                self._now = max(self._now, until)
                return

    def _fund(self, due: int) -> None:
        self._now = max(self._now, due)
        for symbol, clock in self._funding.items():
            if clock.due == due - self._feed:
                self._answer(self._desk.fund(symbol, clock.pop(), due - self._feed), self._now)
        self._find_funding()

    def _answer(self, events: list[AnyEvent], now: int, cause: int = 0) -> None:
        if events:
            there = now - self._feed  # true time at the venue: `now` is when its market data reaches us
            heard = max(now, there + self._latency.response(there))
            if self._returning:
                heard = max(heard, self._returning[-1][0])
            self._returning.append((heard, cause, events))

    def _next_arrival(self) -> int | None:
        return self._arriving[0][0] if self._arriving else None

    def _find_funding(self) -> None:
        due = min((due for clock in self._funding.values() if (due := clock.due) is not None), default=None)
        self._funding_due = None if due is None else due + self._feed

    def _clock(self, symbol: str) -> FundingClock:
        clock = self._funding.get(symbol)
        if clock is None:
            clock = self._funding[symbol] = FundingClock()
        return clock


def _latency(settings: PaperSettings, recorded: Sequence[OrderLatency]) -> LatencyModel:
    entry_ms, response_ms = settings.entry_ms(), settings.response_latency_ms
    match settings.latency:
        case "constant":
            return ConstantLatency(entry_ms, response_ms)
        case "lognormal":
            return LognormalLatency(entry_ms, response_ms, settings.latency_sigma, settings.latency_seed)
        case "recorded":
            return RecordedLatency(recorded)
