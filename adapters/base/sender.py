"""The request sender: rate budget, sign, send, classify, retry what may be retried. Orders are sent by `orders.py`, which
knows what an order's outcome is; this file repeats reads only.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from adapters.base.client import Client, Meaning, Request, Response, Verdict
from adapters.base.condition import Condition
from adapters.base.limits import Gate, Priority
from adapters.base.offset import ClockOffset
from adapters.base.once import Bounded
from adapters.base.transport import Transport
from state.clock import Clock
from state.errors import ConnectionFailed, OutcomeUnknown, VenueError
from state.events import AnyEvent, FeedStatus
from state.record import Frame, Inbox

READ_ATTEMPTS = 4
READ_BACKOFF_S = 0.25
UNANSWERED_MOST = 100  # reads whose cost is remembered until the same is answered
RETRY_AFTER_MOST_S = 7 * 86_400  # what a header says is not trusted further


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, when, and the frame that is kept of it."""

    recv: int
    status: int
    body: bytes
    verdict: Verdict
    frame: Frame


class Sender:
    """One account's way to a venue's REST side."""

    def __init__(
        self,
        client: Client,
        transport: Transport,
        inbox: Inbox,
        clock: Clock,
        gate: Gate,
        *,
        venue: str,
        timeout_s: float,
    ) -> None:
        self.gate = gate
        self.offset = ClockOffset()
        self.resync_clock: Callable[[], object] = lambda: None
        self.ask_again: Callable[[float], None] = lambda wait_s: None  # once what stops us is over
        self.condition = Condition(venue, inbox)
        self._client = client
        self._transport = transport
        self._inbox = inbox
        self._clock = clock
        self._venue = venue
        self._timeout_s = timeout_s
        self._heeded: Verdict | None = None
        self._answered: dict[Request, Answer] | None = None
        self._unanswered: Bounded[Request, list[int]] = Bounded(UNANSWERED_MOST)  # when they entered, ns

    async def once(self, request: Request) -> Answer:
        """Signs and sends once, its budget already granted. Raises `ConnectionFailed` or `OutcomeUnknown`."""
        sent = self._clock.now_ns()
        signed = self._client.sign(request, (sent + self.offset.ns) // 1_000_000)
        private = request.endpoint.auth
        if private:
            asked = Frame(sent, self._venue, "rest", "out", signed.kept_body, signed.kept_url, private)
            self._inbox.feed(sent, (), 0, asked)
        response = await self._transport.request(signed, self._timeout_s)
        recv = self._clock.now_ns()
        verdict = self._at_their_word(request, response)
        self._learn(request, response, verdict, recv)
        frame = Frame(recv, self._venue, "rest", "in", response.body, signed.kept_url, private)
        return Answer(recv, response.status, response.body, verdict, frame)

    async def read(
        self, request: Request, priority: Priority = Priority.READ, accepted: Sequence[Meaning] = ("ok",)
    ) -> Answer:
        """Reads, repeating what may succeed later. Raises `VenueError`, `ConnectionFailed` or `OutcomeUnknown`."""
        answered = None if self._answered is None else self._answered.get(request)
        if answered is not None:
            return answered
        attempt = 0
        while True:
            attempt += 1
            await self.gate.enter(request.endpoint.pool, request.cost, priority)
            entered, wait_s = self._clock.now_ns(), READ_BACKOFF_S * 2**attempt
            try:
                answer = await self.once(request)
            except (ConnectionFailed, OutcomeUnknown) as failure:
                if isinstance(failure, ConnectionFailed):
                    self.gate.give_back(request.endpoint.pool, request.cost, entered)
                else:
                    self._unanswered[request] = [*self._unanswered.get(request, ()), entered]
                if attempt >= READ_ATTEMPTS:
                    raise
            else:
                verdict = answer.verdict
                self._weigh(request, answer, entered)
                if verdict.meaning in accepted:
                    if self._answered is not None:
                        self._answered[request] = answer
                    return answer
                final = verdict.meaning not in ("retry", "unknown") or not verdict.known or verdict.banned
                if final or attempt >= READ_ATTEMPTS:
                    raise VenueError(self._venue, verdict.code, verdict.text, verdict.refusal or verdict.meaning)
                wait_s = max(verdict.wait_s, 0.0) or wait_s
            await self._transport.sleep(wait_s)

    def _weigh(self, request: Request, answer: Answer, entered: int) -> None:
        """What was granted and not used comes back; also of the same question, asked before and not answered."""
        unused = request.cost - self._client.weighed(request, answer.status, answer.body)
        times = [entered] if answer.verdict.meaning != "ok" else [entered, *self._unanswered.pop(request, ())]
        for at in times if unused > 0 else ():
            self.gate.give_back(request.endpoint.pool, unused, at)

    @contextmanager
    def asking_once(self) -> Iterator[None]:
        """Within it, the same question is answered by the answer that there is."""
        self._answered = {}
        try:
            yield
        finally:
            self._answered = None

    async def write(self, request: Request, priority: Priority) -> Answer:
        """Sends a change of account settings once, and again only where it was certainly not executed."""
        for attempt in range(1, READ_ATTEMPTS + 1):
            await self.gate.enter(request.endpoint.pool, request.cost, priority)
            answer = await self.once(request)
            verdict = answer.verdict
            if verdict.meaning == "ok":
                return answer
            if verdict.meaning == "unknown" and verdict.known:
                raise OutcomeUnknown(f"{self._venue} {verdict.code}: {verdict.text}")
            if verdict.meaning != "retry" or verdict.banned or attempt == READ_ATTEMPTS:
                raise VenueError(self._venue, verdict.code, verdict.text, verdict.refusal or verdict.meaning)
            await self._transport.sleep(max(verdict.wait_s, READ_BACKOFF_S))
        raise AssertionError("unreachable")

    def _learn(self, request: Request, response: Response, verdict: Verdict, now: int) -> None:
        for pool, budget in self._client.budgets(request, response.headers):
            self.gate.limits.learn(pool, budget, now)
        self.heed(verdict, now)

    def heed(self, verdict: Verdict, now: int) -> None:
        """Acts once on what an answer says of the account as a whole: a ban shuts the gate, a clock error resets the clock."""
        if verdict is self._heeded:
            return
        self._heeded = verdict
        if verdict.meaning == "ok":
            self.condition.answered(now)
        if verdict.banned or verdict.stops:
            until = max(now + int(verdict.wait_s * 1e9), verdict.until_ms * 1_000_000 - self.offset.ns)
            self.gate.limits.block(until, "" if verdict.banned else verdict.stops)
            reason = f"{verdict.text}; {(until - now) / 1e9:.0f} s"
            self.condition.stopped(now, "banned" if verdict.banned else "throttled", reason, until)
            self.ask_again((until - now) / 1e9)
        if verdict.refusal == "clock":
            self.offset.doubt()
            self.condition.clock(now, self.offset, f"the venue refuses our time: {verdict.text}")
            self.resync_clock()
        if not verdict.known:
            self._say(now, FeedStatus(self._venue, "", "rest", "gap", f"unknown code {verdict.code}: {verdict.text}"))

    def _at_their_word(self, request: Request, response: Response) -> Verdict:
        """With the time to wait that the answer's own header names. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after"""
        verdict = self._client.classify(response.status, response.body)
        named = response.headers.get("retry-after", "")
        if verdict.meaning != "retry" or not named.isdecimal():
            return verdict
        return replace(verdict, wait_s=min(self._client.retry_after_s(request, int(named)), RETRY_AFTER_MOST_S))

    def _say(self, now: int, event: AnyEvent) -> None:
        self._inbox.feed(now, (event,))
