"""Cancelling everything at a venue that has no call for it: what rests is listed, and cancelled in batches."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol, cast

from adapters.base.cancels import SETTLED, Canceller, Cancels
from adapters.base.client import Request, Verdict
from adapters.base.exchange import Exchange
from adapters.base.limits import Priority
from adapters.base.query import Query
from state.errors import TapelineError
from state.events import AnyEvent, OrderUpdate
from state.record import Frame


class Swept(Canceller, Protocol):
    """What sweeping asks of an exchange."""

    async def poll(
        self, action: str, query: Query, *, feed: bool = False, priority: Priority = Priority.READ
    ) -> Sequence[AnyEvent]: ...

    def cancel_listed(self, orders: Sequence[OrderUpdate]) -> Sequence[Request]: ...


class Sweeps(Cancels):
    """Orders that others made are swept too: they are named by the venue's own ids."""

    async def _once(self, scope: Query, priority: Priority) -> tuple[Verdict, Frame | None]:
        """Everything listed was cancelled or gone; a list that could not be read is an unknown outcome."""
        venue = cast(Swept, self._venue)
        try:
            listed = await venue.poll("open_orders", scope, priority=priority)
        except TapelineError as failure:
            return Verdict("unknown", None, "local", str(failure)), None
        verdict = Verdict("ok")
        frame: Frame | None = None
        for request in venue.cancel_listed([event for event in listed if isinstance(event, OrderUpdate)]):
            verdicts, frame = await self._judged(request, request.cost, priority)
            verdict = next((said for said in verdicts if said.meaning not in SETTLED), verdict)
        return verdict, frame


class Sweeping(Exchange):
    """An exchange that cancels all by listing what rests, and whose list of positions holds no flat ones."""

    cancels = Sweeps

    def cancel_scopes(self, symbol: str) -> Sequence[Query]:
        return (Query(symbol=symbol),)

    async def poll(
        self, action: str, query: Query, *, feed: bool = False, priority: Priority = Priority.READ
    ) -> Sequence[AnyEvent]:
        """What was held and is not listed any more is told flat."""
        asked_ns = self.clock.now_ns() + self.sender.offset.ns
        events = await super().poll(action, query, feed=feed, priority=priority)
        return self.with_flats(events, asked_ns, feed=feed) if action == "positions" and not query.symbol else events

    @abstractmethod
    def cancel_listed(self, orders: Sequence[OrderUpdate]) -> Sequence[Request]:
        """The requests that cancel these orders, each with as many as it holds for its cost."""
