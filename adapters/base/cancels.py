"""Cancelling many orders at once: all of a scope, whosever they are, or those that are named and nothing else.

Cancelling twice does no harm, so what is not known to have worked is sent again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias

from adapters.base.burst import chunks
from adapters.base.client import Client, Request, Verdict
from adapters.base.limits import Priority
from adapters.base.query import Arguments, Query
from adapters.base.sender import Answer, Sender
from state.clock import Clock
from state.errors import ConnectionFailed, NotOffered, OutcomeUnknown, WrongUse
from state.events import CancelOrder, Intent
from state.record import Frame
from state.words import Action

ATTEMPTS = 3
RETRY_S = 0.2
SETTLED = ("ok", "gone")

Said: TypeAlias = tuple[int, Verdict, Frame | None]  # time of receipt, what came of it, the last answer


class Canceller(Protocol):
    """What cancelling asks of a venue's exchange."""

    client: Client
    batch_sizes: dict[Action, int]

    def cancel_scopes(self, symbol: str) -> Sequence[Query]:
        """What is cancelled one after the other, where all of a symbol, or of the venue, is meant."""
        ...

    def together(self, action: Action, intent: Intent) -> str:
        """What intents must share to leave in one request."""
        ...

    def build(self, action: str, arguments: Arguments) -> Request:
        """Raises `NotOffered` for an intent that cannot leave."""
        ...


class Cancels:
    """One account's way to end many orders; each call tells the worst word that the venue said."""

    def __init__(
        self, venue: Canceller, sender: Sender, clock: Clock, *, sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._venue = venue
        self._sender = sender
        self._clock = clock
        self._sleep = sleep

    async def all_of(self, symbol: str, priority: Priority) -> Said:
        """Everything that rests in a market, or at the venue, whosever it is."""
        recv, verdict, frame = self._clock.now_ns(), Verdict("ok"), None  # where there is nothing to cancel
        for scope in self._venue.cancel_scopes(symbol):
            at, said, told = await self.scope(scope, priority)
            if frame is None or said.meaning != "ok":
                recv, verdict, frame = at, said, told
        return recv, verdict, frame

    async def scope(self, scope: Query, priority: Priority) -> Said:
        """Everything of a symbol or a settlement asset, repeating until it is certain or hopeless."""
        verdict = Verdict("unknown", None, "local", "not sent")
        frame: Frame | None = None
        for attempt in range(ATTEMPTS):
            if attempt:
                await self._sleep(max(verdict.wait_s, RETRY_S * 2**attempt))
            verdict, told = await self._once(scope, priority)
            frame = told or frame
            if verdict.meaning not in ("retry", "unknown") or verdict.banned:
                break
        return self._clock.now_ns(), verdict, frame

    async def _once(self, scope: Query, priority: Priority) -> tuple[Verdict, Frame | None]:
        try:
            request = self._venue.build("cancel_all", scope)
        except NotOffered as failure:
            return Verdict("unknown", None, "local", str(failure)), None
        verdict, answer = await self._ask(request, priority)
        return verdict, None if answer is None else answer.frame

    async def named(self, orders: Sequence[CancelOrder], priority: Priority) -> Said:
        """These orders and no other, as many in a request as may be, repeating until each is certain or hopeless."""
        left, frame = list(orders), None
        refused, verdict = Verdict("ok"), Verdict("ok")
        for attempt in range(ATTEMPTS if left else 0):
            if attempt:
                await self._sleep(max(verdict.wait_s, RETRY_S * 2**attempt))
            groups = self._groups(left)
            answers = await asyncio.gather(*(self._cancel(group, priority) for group in groups))
            left, verdict = [], Verdict("ok")
            for group, (verdicts, told) in zip(groups, answers, strict=True):
                frame = told or frame
                for order, said in zip(group, verdicts, strict=True):
                    if said.meaning in ("retry", "unknown"):
                        left.append(order)
                        verdict = said
                    elif said.meaning not in SETTLED:
                        refused = said
            if not left or verdict.banned:
                break
        return self._clock.now_ns(), verdict if left else refused, frame

    def _groups(self, orders: Sequence[CancelOrder]) -> list[list[CancelOrder]]:
        """What leaves in one request each: the venue's most, but no more than its rate limit lets through at once."""
        most = self._venue.batch_sizes["cancel"]
        if most > 1:
            most = min(most, self._sender.gate.limits.limit(self._venue.build("cancel_batch", []).endpoint.pool))
        shared: dict[str, list[CancelOrder]] = {}
        for order in orders:
            shared.setdefault(self._venue.together("cancel", order), []).append(order)
        return [chunk for group in shared.values() for chunk in chunks(group, most)]

    async def _cancel(self, group: Sequence[CancelOrder], priority: Priority) -> tuple[Sequence[Verdict], Frame | None]:
        try:
            request = (
                self._venue.build("cancel", group[0])
                if len(group) == 1
                else self._venue.build("cancel_batch", list(group))
            )
        except WrongUse as failure:
            return [Verdict("rejected", "rule", "local", str(failure))] * len(group), None
        return await self._judged(request, len(group), priority)

    async def _judged(self, request: Request, count: int, priority: Priority) -> tuple[Sequence[Verdict], Frame | None]:
        """What became of each order of a request."""
        verdict, answer = await self._ask(request, priority)
        if answer is None or verdict.meaning != "ok":
            return [verdict] * count, None if answer is None else answer.frame
        items = self._venue.client.items(answer.status, answer.body, count)
        return [item.verdict for item in items], answer.frame

    async def _ask(self, request: Request, priority: Priority) -> tuple[Verdict, Answer | None]:
        """What an answer means as a whole; without one nobody knows."""
        await self._sender.gate.enter(request.endpoint.pool, request.cost, priority)
        try:
            answer = await self._sender.once(request)
        except (ConnectionFailed, OutcomeUnknown) as failure:
            return Verdict("unknown", None, "local", str(failure)), None
        return answer.verdict, answer
