"""What is asked of a venue: polls of market and account, and the account's settings.

Each poll returns events, and feeds them where asked. An answer that does not fit is kept and raises `VenueError`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from adapters.base.client import Request
from adapters.base.known import Known
from adapters.base.limits import Priority
from adapters.base.query import Arguments, Query
from adapters.base.sender import Answer, Sender
from state.clock import Clock
from state.errors import TapelineError, VenueError
from state.events import AnyEvent, FeedStatus, Fill, InstrumentDefined, OrderUpdate
from state.record import Inbox

MAX_PAGES = 100
EVERYTHING = Query()

T = TypeVar("T")


class Polls(ABC):
    """The reading half of an exchange."""

    venue: str
    clock: Clock
    inbox: Inbox
    account_inbox: Inbox
    known: Known
    sender: Sender
    fills_are_named = True  # by client ids; else its list of fills has only the venue's

    # --- what a venue must say ---

    @abstractmethod
    def build(self, action: str, arguments: Arguments) -> Request:
        """The unsigned request of an action; raises `WrongUse`."""

    @abstractmethod
    def read(self, action: str, body: bytes, query: Query) -> tuple[Sequence[AnyEvent], str]:
        """The events of an answer, and the cursor of its next page, empty at the end."""

    @abstractmethod
    def server_ns(self, body: bytes) -> int:
        """The venue's time from the answer to `server_time`."""

    @abstractmethod
    def with_fees(self, instrument: InstrumentDefined, body: bytes) -> InstrumentDefined:
        """The instrument with the account's own fee rates from the answer to `fee_rates`."""

    # --- an order ---

    def look_ups(self, symbol: str, client_id: str) -> Sequence[tuple[str, Query]]:
        """Where an order is asked for by its client id, open or ended, in this order."""
        asked = Query(symbol=symbol, client_id=client_id)
        closed = Query(symbol=symbol, client_id=client_id, closed=True)
        return (("open_orders", asked), ("open_orders", closed), ("order_history", asked))

    def fills_of(self, order: OrderUpdate) -> Query:
        """How the fills of an order are asked for."""
        return Query(symbol=order.symbol, client_id=order.client_id or "")

    async def find_order(self, symbol: str, client_id: str) -> tuple[Answer, OrderUpdate | None, Sequence[AnyEvent]]:
        """An order by its client id, open or ended, and the fills that were not told of it.

        Raises `TapelineError` where it cannot be asked.
        """
        for action, query in self.look_ups(symbol, client_id):
            answer = await self.sender.read(self.build(action, query), Priority.CANCEL, accepted=("ok", "gone"))
            events = self._events(action, answer, query)[0] if answer.verdict.meaning == "ok" else ()
            for event in events:
                if isinstance(event, OrderUpdate) and event.client_id == client_id:
                    told = await self.executions(self.fills_of(event)) if self.known.lacks_fills(event) else ()
                    named = (
                        replace(fill, client_id=fill.client_id or client_id) for fill in told if isinstance(fill, Fill)
                    )
                    return answer, event, [fill for fill in named if not self.known.has(fill)]
        return answer, None, ()

    async def named(self, events: Sequence[AnyEvent]) -> Sequence[AnyEvent]:
        """With the client ids of orders of which only their fills were heard: whose they are is asked as they are told."""
        names: dict[str, str | None] = {}
        for event in () if self.fills_are_named else events:
            if (
                isinstance(event, Fill)
                and event.order_id
                and event.order_id not in names
                and self.known.is_strange(event)
            ):
                request = self.build("order", Query(symbol=event.symbol, order_id=event.order_id))
                answer = await self.sender.read(request, accepted=("ok", "gone"))
                told = self._events("order", answer, EVERYTHING)[0] if answer.verdict.meaning == "ok" else ()
                names[event.order_id] = next((each.client_id for each in told if isinstance(each, OrderUpdate)), None)
        return [
            replace(event, client_id=names[event.order_id])
            if isinstance(event, Fill) and event.order_id in names
            else event
            for event in events
        ]

    # --- polls: each returns events, and feeds them where asked ---

    async def server_time(self) -> int:
        """The venue's time, ns; the clock offset learns from it."""
        sent = self.clock.now_ns()
        answer = await self.sender.read(self.build("server_time", Query()))
        venue_ns = self._fitting(answer, self.server_ns)
        self.sender.offset.sample(sent, answer.recv, venue_ns)
        self.sender.condition.clock(answer.recv, self.sender.offset)
        return venue_ns

    async def poll(
        self, action: str, query: Query, *, feed: bool = False, priority: Priority = Priority.READ
    ) -> Sequence[AnyEvent]:
        """All pages of a read."""
        events: list[AnyEvent] = []
        for _ in range(MAX_PAGES):
            answer = await self.sender.read(self.build(action, query), priority)
            page, cursor = self._events(action, answer, query)
            if feed:
                self.account_inbox.feed(answer.recv, page, 0, answer.frame)
            events += page
            if not cursor or not page:
                return events
            query = replace(query, cursor=cursor)
        raise TapelineError(f"{self.venue} {action}: more than {MAX_PAGES} pages")

    async def instruments(self, query: Query = EVERYTHING, *, feed: bool = False) -> Sequence[AnyEvent]:
        return await self.poll("instruments", query, feed=feed)

    async def book(self, query: Query, *, feed: bool = False) -> Sequence[AnyEvent]:
        return await self.poll("book", query, feed=feed)

    async def trades(self, query: Query, *, feed: bool = False) -> Sequence[AnyEvent]:
        return await self.poll("trades", query, feed=feed)

    async def klines(self, query: Query, *, feed: bool = False) -> Sequence[AnyEvent]:
        return await self.poll("klines", query, feed=feed)

    async def tickers(self, query: Query = EVERYTHING, *, feed: bool = False) -> Sequence[AnyEvent]:
        return await self.poll("tickers", query, feed=feed)

    async def open_orders(self, query: Query = EVERYTHING, *, feed: bool = False) -> Sequence[AnyEvent]:
        return await self.poll("open_orders", query, feed=feed)

    async def order_history(self, query: Query = EVERYTHING, *, feed: bool = False) -> Sequence[AnyEvent]:
        return await self.poll("order_history", query, feed=feed)

    async def executions(self, query: Query = EVERYTHING, *, feed: bool = False) -> Sequence[AnyEvent]:
        return await self.poll("executions", query, feed=feed)

    async def positions(self, query: Query = EVERYTHING, *, feed: bool = False) -> Sequence[AnyEvent]:
        return await self.poll("positions", query, feed=feed)

    async def wallet(self, query: Query = EVERYTHING, *, feed: bool = False) -> Sequence[AnyEvent]:
        return await self.poll("wallet", query, feed=feed)

    async def fee_rates(self, instrument: InstrumentDefined) -> InstrumentDefined:
        """The instrument with the fees that this account pays."""
        answer = await self.sender.read(self.build("fee_rates", Query(symbol=instrument.symbol)))
        return self._fitting(answer, lambda body: self.with_fees(instrument, body))

    # --- settings of the account ---

    async def set_leverage(self, symbol: str, leverage: Decimal) -> None:
        await self._set("set_leverage", Query(symbol=symbol, leverage=leverage))

    async def set_position_mode(self, symbol: str = "", *, hedge: bool = False) -> None:
        await self._set("set_position_mode", Query(symbol=symbol, hedge=hedge))

    async def disconnect_cancel_all(self, window_s: int) -> None:
        """Arms the venue's dead-man's switch for so many seconds; 0 disarms it."""
        await self._set("disconnect_cancel_all", Query(window_s=window_s))

    async def _set(self, action: str, query: Query) -> None:
        await self.sender.write(self.build(action, query), Priority.AMEND)

    # --- what an answer says ---

    def _events(self, action: str, answer: Answer, query: Query) -> tuple[Sequence[AnyEvent], str]:
        return self._fitting(answer, lambda body: self.read(action, body, query))

    def _fitting(self, answer: Answer, read: Callable[[bytes], T]) -> T:
        """What an answer says; one that does not fit is kept and raises `VenueError`."""
        try:
            return read(answer.body)
        except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError) as error:
            status = FeedStatus(self.venue, "", "rest", "gap", f"an answer did not fit: {error}")
            self.inbox.feed(answer.recv, (status,), 0, answer.frame)
            raise VenueError(self.venue, "unreadable", str(error), "unknown") from error
