"""From intents to outcomes: batches, budgets, order sockets, and what to do when nobody knows.

Three rules. A request is sent again only where it was certainly not executed, and then under the same client id. What left
and was not answered is `Unknown`, and is looked up by its client id until the venue says what became of it: silence is
never a rejection. Requests that speak of the same order never overtake each other, but for a cancel: it waits for no
amendment where the venue amends in place, since what comes to an order that is gone does nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence

from adapters.base.burst import INTENTS, PRIORITIES, Open, chunks, undone
from adapters.base.cancels import ATTEMPTS, RETRY_S, Cancels, Said
from adapters.base.client import ItemVerdict, Request, Verdict
from adapters.base.limits import Priority
from adapters.base.lookup import LookUps, Speaker, all_cancelled, client_id_of, intent_of, rejected, symbol_of
from adapters.base.ours import Ours
from adapters.base.sender import Sender
from adapters.base.socket import Pump
from adapters.base.websocket import OrderSocket
from state.clock import Clock
from state.errors import ConnectionFailed, NotOffered, OutcomeUnknown, WrongUse
from state.events import Accepted, AmendOrder, AnyEvent, FeedStatus, PlaceOrder, Unknown
from state.record import Frame, Inbox, Record
from state.words import Action

SETTLE_S = 0.1
AGAIN_S = 1.0
DOUBTFUL = ("unknown", "retry")

_WITHDRAWN = Verdict("rejected", "busy", "local", "cancelled before it was sent")


class OrderEntry:
    """One account's orders on their way out and their outcomes on the way back."""

    def __init__(
        self,
        speaker: Speaker,
        sender: Sender,
        inbox: Inbox,
        clock: Clock,
        cancels: Cancels,
        ours: Ours,
        *,
        sleep: Callable[[float], Awaitable[None]],
        timeout_s: float,
        look_up_s: float,
        on_fatal: Callable[[str], None],
    ) -> None:
        self.pump: Pump | None = None
        self.cancels = cancels
        self.ours = ours
        self.read_account: Callable[[], object] = lambda: None  # where only its lists tell what became of a request
        self._speaker = speaker
        self._venue = speaker.venue
        self._sender = sender
        self._inbox = inbox
        self._clock = clock
        self._sleep = sleep
        self._timeout_s = timeout_s
        self._look_ups = LookUps(speaker, inbox, clock, sleep=sleep, look_up_s=look_up_s)
        self._on_fatal = on_fatal
        self._tasks: set[asyncio.Task[None]] = set()
        self._asked: dict[str, asyncio.Future[tuple[int, bytes, Frame | None]]] = {}
        self._attempts = 0  # over the order socket
        self._tail: dict[str, asyncio.Event] = {}  # the last request of an order that has no outcome yet
        self._open: dict[int, Open] = {}  # by seq of the intent
        self._withdrawn: set[int] = set()  # seqs of what waits here and need not leave any more
        self._placing: dict[int, tuple[Record, asyncio.Event]] = {}  # orders that may yet arrive, and once that is told

    # --- in ---

    def submit(self, intents: Sequence[Record], *, halted: bool = False) -> None:
        """Sends what is already durable: cancels first, bursts as batches. Never waits.

        What is cancelled in the burst that places or amends it does not leave: its cancel would overtake it. In a session
        that is `halted`, a cancel of everything that neither a strategy nor a person gave is meant for our orders alone.
        """
        self.ours.note(intents)
        overtaken = undone(intents)
        if overtaken:
            intents = [record for record in intents if record.seq not in overtaken]
            for record in overtaken.values():
                self._refuse([record], "place" if type(record.event) is PlaceOrder else "amend", _WITHDRAWN)
        for action, kind in INTENTS.items():
            chosen = [record for record in intents if type(record.event) is kind]
            if action == "cancel_all":
                for record in chosen:
                    self._open[record.seq] = Open(record, action, asyncio.Event())
                    self.withdraw(symbol_of(record))
                    self._spawn(self._cancel_all(record, only_ours=halted and not intent_of(record).strategy))
                continue
            self._submit(action, chosen)

    def _submit(self, action: Action, records: Sequence[Record]) -> None:
        free = []
        for record in records:
            client_id = client_id_of(record)
            before = self._tail.get(client_id)
            opened = self._open[record.seq] = Open(record, action, asyncio.Event())
            self._tail[client_id] = opened.done
            if action == "cancel":
                self._withdraw(lambda waiting, name=client_id: client_id_of(waiting) == name)  # type: ignore[misc]
            if before is None or (action == "cancel" and self._speaker.amends_in_place and not self._places(client_id)):
                free.append(record)
            else:
                self._spawn(self._after(before, action, record))
        shared = [self._speaker.together(action, intent_of(record)) for record in free]
        for each in dict.fromkeys(shared):
            group = [record for record, said in zip(free, shared, strict=True) if said == each]
            for chunk in chunks(group, self._room(action)):
                self._spawn(self._send(action, chunk))

    def _places(self, client_id: str) -> bool:
        """True while an order waits to be placed here, or its placing has no answer."""
        return any(each.action == "place" and client_id_of(each.record) == client_id for each in self._open.values())

    def _room(self, action: Action) -> int:
        """Orders a request: the venue's most, but no more than its rate limit lets through at once."""
        most = self._speaker.batch_sizes[action]
        if most == 1:
            return 1
        pool = self._speaker.build(f"{action}_batch", []).endpoint.pool
        return min(most, self._sender.gate.limits.limit(pool))

    async def _after(self, before: asyncio.Event, action: Action, record: Record) -> None:
        await before.wait()
        await self._send(action, [record])

    def withdraw(self, symbol: str = "") -> None:
        """What still waits here need not leave at all: it is refused instead; of all symbols where none is named."""
        self._withdraw(lambda waiting: symbol in ("", symbol_of(waiting)))

    def _withdraw(self, is_meant: Callable[[Record], bool]) -> None:
        """Orders and amendments: an amendment that left after a cancel would bring an order back where it is replaced."""
        self._withdrawn.update(
            seq
            for seq, each in self._open.items()
            if each.action in ("place", "amend") and not each.left_ns and is_meant(each.record)
        )

    async def close(self) -> None:
        """Stops sending and asking: refused is what has not left, unknown what has and was not answered."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        now, why = self._clock.now_ns(), "the session ended"
        for opened in list(self._open.values()):
            record, action = opened.record, opened.action
            if opened.left_ns:
                unknown = Unknown(self._venue, symbol_of(record), None, action, client_id_of(record), why)
                self._outcome(now, record, (unknown,), None)
            else:
                self._refuse([record], action, Verdict("rejected", "busy", "local", f"{why} before it was sent"))

    @property
    def arriving(self) -> Sequence[tuple[str, str]]:
        """Symbol and client id of orders of which nobody knows yet whether they exist at the venue."""
        return [(symbol_of(record), client_id_of(record)) for record, _ in self._placing.values()]

    async def settled(self, most_s: float) -> None:
        """Waits until every request has its outcome and every doubt its answer, but no longer than that."""
        until = self._clock.now_ns() + int(most_s * 1e9)
        while self._tasks and self._clock.now_ns() < until:
            await self._sleep(SETTLE_S)

    @property
    def in_flight(self) -> int:
        """Requests and look-ups that are not settled."""
        return len(self._tasks)

    # --- out ---

    async def _send(self, action: Action, records: Sequence[Record]) -> None:
        """Sends one request until each of its orders has an outcome."""
        waiting = list(records)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                request = self._request(action, waiting)
            except WrongUse as error:
                refusal = error.refusal if isinstance(error, NotOffered) else "rule"
                self._refuse(waiting, action, Verdict("rejected", refusal, "local", str(error)))
                return
            in_time = await self._sender.gate.enter(
                request.endpoint.pool, request.cost, PRIORITIES[action], self._timeout_s
            )
            if not in_time:
                self._refuse(waiting, action, Verdict("rejected", "rate", "local", "no rate budget in time"))
                return
            waiting = self._without_withdrawn(waiting, action)
            if not waiting:
                return
            if len(waiting) != request.cost:
                request = self._request(action, waiting)
            waiting, wait_s = await self._attempt(action, request, waiting, last=attempt == ATTEMPTS)
            if not waiting:
                return
            await self._sleep(wait_s)

    async def _attempt(
        self, action: Action, request: Request, records: Sequence[Record], *, last: bool
    ) -> tuple[list[Record], float]:
        """Sends once and settles all but those that may be sent again, with how long to wait before that."""
        self._mark(records, left=True)
        try:
            recv, items, frame = await self._transmit(request, records)
        except ConnectionFailed as failure:  # nothing left
            self._mark(records, left=False)
            if last:
                self._refuse(records, action, Verdict("rejected", "busy", "local", str(failure)))
                return [], 0.0
            return list(records), RETRY_S
        except OutcomeUnknown as failure:
            for record in records:
                self._unknown(self._clock.now_ns(), record, action, str(failure), None)
            return [], 0.0
        again: list[Record] = []
        wait_s = RETRY_S
        for record, item in zip(records, items, strict=True):
            verdict = item.verdict
            self._sender.heed(verdict, recv)
            if verdict.meaning == "retry" and not verdict.banned and not last:
                again.append(record)
                wait_s = max(wait_s, verdict.wait_s)
            else:
                self._settle(recv, record, action, item, frame)
        self._mark(again, left=False)
        return again, wait_s

    def _request(self, action: Action, records: Sequence[Record]) -> Request:
        if len(records) == 1:
            return self._speaker.build(action, intent_of(records[0]))
        return self._speaker.build(f"{action}_batch", [intent_of(record) for record in records])

    async def _transmit(
        self, request: Request, records: Sequence[Record]
    ) -> tuple[int, Sequence[ItemVerdict], Frame | None]:
        """Over the order socket where it is up, else by REST. Raises `ConnectionFailed` or `OutcomeUnknown`."""
        count = len(records)
        if self.pump is None or not self.pump.is_up or not request.endpoint.op:
            answer = await self._sender.once(request)
            if answer.verdict.meaning != "ok":  # its headers may have said more than its body
                return answer.recv, [ItemVerdict(answer.verdict)] * count, answer.frame
            return answer.recv, self._speaker.client.items(answer.status, answer.body, count), answer.frame
        protocol = self.pump.protocol
        assert isinstance(protocol, OrderSocket)
        self._attempts += 1  # some venue takes an id once, also that of a request which it has refused
        request_id = f"o{records[0].seq}n{self._attempts}"  # letters and digits: all that another one takes
        answered: asyncio.Future[tuple[int, bytes, Frame | None]] = asyncio.get_running_loop().create_future()
        self._asked[request_id] = answered
        sent = self._clock.now_ns()
        try:
            async with asyncio.timeout(self._timeout_s):
                await self.pump.send(protocol.encode(request, request_id, (sent + self._sender.offset.ns) // 1_000_000))
                recv, body, frame = await answered
        except TimeoutError:
            silence = f"no answer within {self._timeout_s} s"
            self.pump.doubt(sent, silence)  # or cancels would go the same way, until silence is noticed there
            raise OutcomeUnknown(silence) from None
        finally:
            del self._asked[request_id]
        return recv, self._speaker.client.items(200, body, count), frame

    def deliver(self, recv: int, events: Sequence[AnyEvent], frame: Frame | None) -> None:
        """Takes what the order socket said: answers go to who waits for them, the rest to the inbox."""
        assert self.pump is not None
        protocol = self.pump.protocol
        assert isinstance(protocol, OrderSocket)
        taken = False
        for request_id, body in protocol.answers:
            answered = self._asked.get(request_id)
            if answered is not None and not answered.done():
                answered.set_result((recv, body, frame))
                taken = True
        protocol.answers.clear()
        for pool, budget in protocol.budgets:
            self._sender.gate.limits.learn(pool, budget, recv)
        protocol.budgets.clear()
        if events or not taken:
            self._inbox.feed(recv, events, 0, frame)

    def disconnected(self, reason: str) -> None:
        """The order socket is gone: what was asked over it may or may not have arrived."""
        for answered in self._asked.values():
            if not answered.done():
                answered.set_exception(OutcomeUnknown(reason))

    # --- outcomes ---

    def _settle(self, recv: int, record: Record, action: Action, item: ItemVerdict, frame: Frame | None) -> None:
        verdict, client_id = item.verdict, client_id_of(record)
        if verdict.meaning == "unknown" or (verdict.refusal == "duplicate" and action == "place"):
            self._unknown(recv, record, action, f"{verdict.code}: {verdict.text}", frame)
            return
        if verdict.meaning == "ok":
            order_id = item.order_id or self._speaker.order_id_of(intent_of(record))
            ts = None if action == "amend" and self._speaker.accepts_first else item.ts  # it dates no change
            accepted = Accepted(self._venue, symbol_of(record), ts, action, client_id, order_id)
            told = self._speaker.already_told(intent_of(record), self._open[record.seq].left_ns)
            self._outcome(recv, record, (accepted, *told), frame)
            return
        self._outcome(recv, record, (rejected(record, action, verdict),), frame)
        if verdict.meaning == "gone":
            self._spawn(self._look_ups.end(record))
        if verdict.meaning == "fatal":
            status = FeedStatus(self._venue, "", "account", "down", f"{verdict.code}: {verdict.text}")
            self._inbox.feed(recv, (status,))
            self._on_fatal(f"{self._venue} {verdict.code}: {verdict.text}")

    def _unknown(self, recv: int, record: Record, action: Action, why: str, frame: Frame | None) -> None:
        unknown = Unknown(self._venue, symbol_of(record), None, action, client_id_of(record), why)
        self._outcome(recv, record, (unknown,), frame, arrived=False)
        self._spawn(self._look_up(record, action))

    async def _look_up(self, record: Record, action: Action) -> None:
        await self._look_ups.outcome(record, action)
        self._arrived(record)

    def _refuse(self, records: Sequence[Record], action: Action, verdict: Verdict) -> None:
        now = self._clock.now_ns()
        for record in records:
            self._outcome(now, record, (rejected(record, action, verdict),), None)

    def _mark(self, records: Sequence[Record], *, left: bool) -> None:
        """What is on its way may bring an order that nobody has cancelled: a new one, or one in another's place."""
        replaced = not self._speaker.amends_in_place
        for record in records:
            self._open[record.seq].left_ns = self._clock.now_ns() if left else 0
            if not left:
                self._arrived(record)
            elif type(record.event) is PlaceOrder or (replaced and type(record.event) is AmendOrder):
                self._placing[record.seq] = record, asyncio.Event()

    def _arrived(self, record: Record) -> None:
        """It is known now whether the order exists."""
        placing = self._placing.pop(record.seq, None)
        if placing is not None:
            placing[1].set()

    def _without_withdrawn(self, records: Sequence[Record], action: Action) -> list[Record]:
        gone = [record for record in records if record.seq in self._withdrawn]
        self._refuse(gone, action, _WITHDRAWN)
        return [record for record in records if record not in gone] if gone else list(records)

    def _outcome(
        self, recv: int, record: Record, events: Sequence[AnyEvent], frame: Frame | None, *, arrived: bool = True
    ) -> None:
        self._inbox.feed(recv, events, record.seq, frame)
        if arrived:
            self._arrived(record)
        opened, client_id = self._open.pop(record.seq, None), client_id_of(record)
        self._withdrawn.discard(record.seq)
        if opened is None:
            return
        opened.done.set()
        if self._tail.get(client_id) is opened.done:
            del self._tail[client_id]

    # --- cancelling everything ---

    async def _cancel_all(self, record: Record, *, only_ours: bool) -> None:
        """Of a halted session nothing may be left: what is in doubt is told, and cancelled until it is not."""
        self._mark([record], left=True)
        asked = symbol_of(record)
        overtaken = [told for placing, told in self._placing.values() if asked in ("", symbol_of(placing))]
        recv, verdict, frame = await self._cancel_twice(asked, overtaken, only_ours=only_ours)
        event = all_cancelled(record, verdict, goes_on=only_ours)
        self._outcome(recv, record, (event,), frame)
        if isinstance(event, Unknown) and not only_ours:
            self.read_account()  # what rests still can be cancelled again
        while only_ours and verdict.meaning in DOUBTFUL:
            await self._sleep(max(AGAIN_S, verdict.wait_s))
            recv, verdict, frame = await self._cancel_twice(asked, overtaken, only_ours=True)
            if verdict.meaning not in DOUBTFUL:
                self._inbox.feed(recv, (all_cancelled(record, verdict, goes_on=False),), record.seq, frame)

    async def _cancel_twice(self, symbol: str, overtaken: Sequence[asyncio.Event], *, only_ours: bool) -> Said:
        """It is done again once every order has arrived that was on its way and may have been overtaken."""
        said = await self._cancel_meant(symbol, only_ours=only_ours)
        if not overtaken or said[1].meaning != "ok":
            return said
        for told in overtaken:
            await told.wait()
        return await self._cancel_meant(symbol, only_ours=only_ours)

    def _cancel_meant(self, symbol: str, *, only_ours: bool) -> Awaitable[Said]:
        if only_ours and not self.ours.means_all:
            return self.cancels.named(self.ours.resting(symbol), Priority.CANCEL)
        return self.cancels.all_of(symbol, Priority.CANCEL)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._on_fatal(f"{self._venue} order entry: {task.exception()!r}")
