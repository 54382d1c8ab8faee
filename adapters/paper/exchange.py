"""Live paper trading: a venue's real market data, our orders matched here. The same face as a venue's own exchange.

The market data comes from that venue's adapter without credentials; what it feeds is seen by the paper venue on its way to
the pipeline, and what the paper venue answers is fed when its time has come.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from adapters.base.settings import ShutdownPolicy, ShutdownReport, Subscription
from adapters.paper.settings import PaperSettings
from adapters.paper.venue import PaperVenue
from state.clock import Clock
from state.errors import WrongUse
from state.events import ACCOUNT, OUTCOME, AnyEvent
from state.record import Frame, Inbox, Record


class MarketSource(Protocol):
    """What paper trading needs of a venue's exchange."""

    venue: str
    on_fatal: Callable[[str], None]

    async def start(self, subscriptions: Iterable[Subscription]) -> None: ...

    def renew_book(self, symbol: str, reason: str) -> None: ...

    async def close(self) -> None: ...


class PaperExchange:
    """`connect` makes the market source for the inbox that it is given."""

    def __init__(
        self,
        settings: PaperSettings,
        inbox: Inbox,
        clock: Clock,
        session: str,
        connect: Callable[[Inbox], MarketSource],
    ) -> None:
        self.market = connect(self)
        self.venue = self.market.venue
        self.paper = PaperVenue(self.venue, settings, session)
        self._inbox = inbox
        self._clock = clock
        self._timer: asyncio.TimerHandle | None = None

    @property
    def on_fatal(self) -> Callable[[str], None]:
        """Called with the reason when the market data must not be traded on."""
        return self.market.on_fatal

    @on_fatal.setter
    def on_fatal(self, call: Callable[[str], None]) -> None:
        self.market.on_fatal = call

    def feed(self, recv: int, events: Sequence[AnyEvent], cause: int = 0, frame: Frame | None = None) -> None:
        """The market source's inbox: answers that are due go first, then the paper venue sees the market, then the pipeline."""
        self._hear(recv)
        for event in events:
            if isinstance(event, _NOT_MARKET):
                raise WrongUse(f"{self.venue}: {type(event).__name__} came with the market data of a paper account")
            if event.venue == self.venue:
                self.paper.observe(event, recv)
        self._inbox.feed(recv, events, cause, frame)
        self._arm()

    # --- life ---

    async def start(self, subscriptions: Iterable[Subscription]) -> None:
        """The account first, then the market; raises what the market's start raises."""
        now = self._clock.now_ns()
        self._inbox.feed(now, self.paper.opening(now))
        await self.market.start(subscriptions)

    def renew_book(self, symbol: str, reason: str) -> None:
        """Has a book told whole again."""
        self.market.renew_book(symbol, reason)

    async def close(self) -> None:
        """Ends the market data; what is under way here is never heard of."""
        self._disarm()
        await self.market.close()

    async def shutdown(self, policy: ShutdownPolicy) -> ShutdownReport:
        """Cancels everything and flattens where asked, at once, and says what is left."""
        self._disarm()
        cancelled = 0
        if policy != "leave":
            before = self.paper.statistics.cancelled
            for _, cause, events in self.paper.wind_down(self._clock.now_ns(), flatten=policy == "flatten"):
                self._inbox.feed(self._clock.now_ns(), events, cause)
            cancelled = self.paper.statistics.cancelled - before
        positions = tuple((symbol, f"{size:f}") for symbol, size in self.paper.positions())
        return ShutdownReport(policy, cancelled, self.paper.open_orders(), positions)

    # --- orders ---

    def owns(self, client_id: str) -> bool:
        """Nobody else trades on a paper account."""
        return True

    def submit(self, intents: Sequence[Record], *, halted: bool = False) -> None:
        """Sends intents on their way; never waits."""
        now = self._clock.now_ns()
        for record in intents:
            self.paper.submit(record, now)
        self._arm()

    # --- time ---

    def _hear(self, until: int) -> None:
        while (due := self.paper.due()) is not None and due <= until:
            for recv, cause, events in self.paper.collect(due):
                self._inbox.feed(recv, events, cause)

    def _arm(self) -> None:
        self._disarm()
        due = self.paper.due()
        if due is not None:
            delay_s = max(0, due - self._clock.now_ns()) / 1e9
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._ring)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        self._hear(self._clock.now_ns())
        self._arm()


_NOT_MARKET = (*ACCOUNT, *OUTCOME)
