"""Cancelling everything at a venue that has no call for it: what rests is listed, and cancelled in batches."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from adapters.base.client import Request, Verdict
from adapters.base.exchange import Exchange
from adapters.base.limits import Priority
from adapters.base.orders import ATTEMPTS, RETRY_S
from adapters.base.query import Query
from state.errors import ConnectionFailed, OutcomeUnknown, TapelineError
from state.events import OrderUpdate
from state.record import Frame

_SETTLED = ("ok", "gone")


class Sweeping(Exchange):
    """Orders that others made are swept too: they are named by the venue's own ids."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.orders.sweep = self._sweep

    @abstractmethod
    def cancel_listed(self, orders: Sequence[OrderUpdate]) -> Sequence[Request]:
        """The requests that cancel these orders, each with as many as it holds for its cost."""

    async def _sweep(self, scope: Query, priority: Priority) -> tuple[int, Verdict, Frame | None]:
        """Until everything listed was cancelled or gone; a list that could not be read is an unknown outcome."""
        verdict, frame = Verdict("unknown", None, "local", "not sent"), None
        for attempt in range(ATTEMPTS):
            if attempt:
                await self.transport.sleep(max(verdict.wait_s, RETRY_S * 2**attempt))
            try:
                listed = await self.poll("open_orders", scope, priority=priority)
            except TapelineError as failure:
                verdict = Verdict("unknown", None, "local", str(failure))
                continue
            resting = [event for event in listed if isinstance(event, OrderUpdate)]
            verdict = Verdict("ok")
            for request in self.cancel_listed(resting):
                said, frame = await self._swept(request, priority)
                verdict = verdict if said.meaning in _SETTLED else said
            if verdict.meaning not in ("retry", "unknown") or verdict.banned:
                break
        return self.clock.now_ns(), verdict, frame

    async def _swept(self, request: Request, priority: Priority) -> tuple[Verdict, Frame | None]:
        """What became of one batch: the worst that was said of any of its orders."""
        await self.sender.gate.enter(request.endpoint.pool, request.cost, priority)
        try:
            answer = await self.sender.once(request)
        except (ConnectionFailed, OutcomeUnknown) as failure:
            return Verdict("unknown", None, "local", str(failure)), None
        verdict = answer.verdict
        if verdict.meaning == "ok":
            items = self.client.items(answer.status, answer.body, request.cost)
            verdict = next((item.verdict for item in items if item.verdict.meaning not in _SETTLED), Verdict("ok"))
        return verdict, answer.frame
