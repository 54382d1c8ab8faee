"""Cancelling everything at a venue that has no call for it: what rests is listed, and cancelled in batches."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol, cast

from adapters.base.client import Client, Request, Verdict
from adapters.base.exchange import Exchange
from adapters.base.limits import Priority
from adapters.base.orders import ATTEMPTS, RETRY_S, OrderEntry
from adapters.base.query import Query
from state.errors import ConnectionFailed, OutcomeUnknown, TapelineError
from state.events import AnyEvent, OrderUpdate
from state.record import Frame

_SETTLED = ("ok", "gone")


class Swept(Protocol):
    """What sweeping asks of an exchange."""

    client: Client

    async def poll(
        self, action: str, query: Query, *, feed: bool = False, priority: Priority = Priority.READ
    ) -> Sequence[AnyEvent]: ...

    def cancel_listed(self, orders: Sequence[OrderUpdate]) -> Sequence[Request]: ...


class SweepingEntry(OrderEntry):
    """Orders that others made are swept too: they are named by the venue's own ids."""

    async def cancel_scope(self, scope: Query, priority: Priority) -> tuple[int, Verdict, Frame | None]:
        """Until everything listed was cancelled or gone; a list that could not be read is an unknown outcome."""
        exchange = cast(Swept, self._speaker)
        verdict, frame = Verdict("unknown", None, "local", "not sent"), None
        for attempt in range(ATTEMPTS):
            if attempt:
                await self._sleep(max(verdict.wait_s, RETRY_S * 2**attempt))
            try:
                listed = await exchange.poll("open_orders", scope, priority=priority)
            except TapelineError as failure:
                verdict = Verdict("unknown", None, "local", str(failure))
                continue
            verdict = Verdict("ok")
            for request in exchange.cancel_listed([event for event in listed if isinstance(event, OrderUpdate)]):
                said, frame = await self._swept(exchange.client, request, priority)
                verdict = verdict if said.meaning in _SETTLED else said
            if verdict.meaning not in ("retry", "unknown") or verdict.banned:
                break
        return self._clock.now_ns(), verdict, frame

    async def _swept(self, client: Client, request: Request, priority: Priority) -> tuple[Verdict, Frame | None]:
        """What became of one batch: the first bad word that was said of any of its orders."""
        await self._sender.gate.enter(request.endpoint.pool, request.cost, priority)
        try:
            answer = await self._sender.once(request)
        except (ConnectionFailed, OutcomeUnknown) as failure:
            return Verdict("unknown", None, "local", str(failure)), None
        verdict = answer.verdict
        if verdict.meaning == "ok":
            items = client.items(answer.status, answer.body, request.cost)
            verdict = next((item.verdict for item in items if item.verdict.meaning not in _SETTLED), Verdict("ok"))
        return verdict, answer.frame


class Sweeping(Exchange):
    """An exchange that cancels all by listing what rests, and whose list of positions holds no flat ones."""

    entry = SweepingEntry

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
