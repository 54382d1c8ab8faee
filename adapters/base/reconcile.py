"""A fresh look at the account: open orders, fills since the last one known, positions, balances.

Fills first, so that an order is never told filled before its fills; what was open and is not listed any more is asked for
by name. Each difference between what was told before and what the venue says now is an event; a position that differs twice
is taken from the venue.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from decimal import Decimal
from typing import Protocol

from msgspec.structs import replace

from adapters.base.known import LAG_NS, Known
from adapters.base.limits import Priority
from adapters.base.query import Query
from adapters.base.sender import Answer
from state.clock import Clock
from state.errors import TapelineError
from state.events import AnyEvent, FeedStatus, Fill, FundingPayment, OrderUpdate, PositionUpdate, Reconciled
from state.record import Inbox
from state.session_events import TAKEN

OVERLAP_NS = 60_000_000_000
UNLISTED_MOST = 500
_RECOVERED: dict[type, str] = {Fill: "fills recovered", FundingPayment: "payments recovered", Reconciled: "differences"}
GRACE_S = 0.25  # what REST says first, the stream is about to say: that is no difference


class Asked(Protocol):
    """What reconciling asks of an exchange."""

    venue: str
    settle: tuple[str, ...]

    async def poll(
        self, action: str, query: Query, *, feed: bool = False, priority: Priority = Priority.READ
    ) -> Sequence[AnyEvent]: ...

    async def find_order(
        self, symbol: str, client_id: str
    ) -> tuple[Answer, OrderUpdate | None, Sequence[AnyEvent]]: ...

    async def named(self, events: Sequence[AnyEvent]) -> Sequence[AnyEvent]: ...


class Reconciler:
    """Compares the account that was told with the account that is."""

    def __init__(
        self,
        exchange: Asked,
        inbox: Inbox,
        known: Known,
        clock: Clock,
        *,
        is_listening: Callable[[], bool],
        sleep: Callable[[float], Awaitable[None]],
        offset_ns: Callable[[], int],
    ) -> None:
        """`is_listening` says whether the private stream stands: without it a look is old as soon as it is taken.

        `offset_ns` is the venue's clock minus ours.
        """
        self._exchange = exchange
        self._inbox = inbox
        self._known = known
        self._clock = clock
        self._is_listening = is_listening
        self._sleep = sleep
        self._offset_ns = offset_ns
        self._looked_ns = clock.now_ns()  # when the last look began that came to its end
        self._recovered: Counter[str] = Counter()
        self._turn = asyncio.Lock()
        self.priority = Priority.READ  # the last look, of a session that ends, is as urgent as the rest of its end
        self._calls = 0
        self._answered = 0  # calls that a look has begun after
        self.has_run = False

    async def open(self, followed: Iterable[str]) -> None:
        """Tells what is held as the session begins, while no stream can tell of it: folding starts from there.

        Whatever is traded from then on is told as fills, and moves it once: by the stream, or by the first look. A market that
        is followed and not listed is flat. Raises `TapelineError`.
        """
        asked_ns = self._known.opened_ns = self._clock.now_ns() + self._offset_ns()
        listed = [event for event in await self._positions() if isinstance(event, PositionUpdate)]
        held = {event.symbol for event in listed}
        flat = [
            PositionUpdate(self._exchange.venue, symbol, asked_ns, Decimal(0))
            for symbol in followed
            if symbol not in held
        ]
        self._feed([*listed, *flat])

    async def run(self) -> None:
        """One comparison that begins after the call: a look that was under way may have read what was missed since.

        Who calls meanwhile shares the next one.
        """
        self._calls += 1
        call = self._calls
        async with self._turn:
            if self._answered < call:
                await self._look()

    async def _look(self) -> None:
        calls, now, owed = self._calls, self._clock.now_ns(), tuple(self._known.owing)
        if not self._known.opened_ns:
            self._known.opened_ns = self._looked_ns + self._offset_ns()
        self._recovered.clear()
        try:
            await self._run()
        except TapelineError as error:
            self._say("down", f"not reconciled: {error}")
            raise
        self.has_run = True
        self._known.was_read(owed)
        self._answered, self._looked_ns = calls, now
        if self._is_listening() and calls == self._calls:
            self._say("ok", self._told())

    async def _run(self) -> None:
        known, asked_ns = self._known, self._clock.now_ns()
        # From the last look on, not from the last fill: a stream that lost one may have told later ones.
        since = max(self._looked_ns + self._offset_ns() - OVERLAP_NS, known.opened_ns)
        asked = Query(start_ms=since // 1_000_000, limit=100)
        fills = await self._exchange.poll("executions", asked, priority=self.priority)
        fills = sorted(fills, key=_when)  # pages may go back in time, and what a close realizes hangs on their order
        named = await self._exchange.named([event for event in fills if not known.has(event)])
        self._feed([event for event in named if not known.has(event)])  # a stream may have told one meanwhile
        orders: list[OrderUpdate] = []
        for coin in self._exchange.settle:
            listed = await self._exchange.poll("open_orders", Query(coin=coin, limit=50), priority=self.priority)
            orders += [event for event in listed if isinstance(event, OrderUpdate)]
        await self._unlisted(orders)
        positions = await self._positions()
        # A list of what is held leaves out what is flat by now.
        positions += known.flats(positions, asked_ns + self._offset_ns())
        refused = [event for event in positions if isinstance(event, FeedStatus)]
        if refused:
            raise TapelineError(f"{refused[0].symbol}: {refused[0].reason}")
        balances = await self._exchange.poll("wallet", Query(), priority=self.priority)
        if self._compares:
            await self._sleep(GRACE_S)
        told = [event for event in (*orders, *positions, *balances) if not known.is_stale(event, asked_ns)]
        theirs = [self._unnumbered(event) for event in told]
        found = known.differences(theirs)
        self._feed([*theirs, *(each for each in found if self._compares and each.subject != "position")])
        await self._take([each for each in found if each.subject == "position"])

    async def _take(self, found: Sequence[Reconciled]) -> None:
        """A position that differs still when the venue had time to catch up is the venue's: no fill will explain it.

        What was traded meanwhile makes it another question, for the next look.
        """
        if not found:
            return
        await self._sleep(LAG_NS / 1e9)
        asked_ns = self._clock.now_ns()
        positions = await self._positions()
        positions += self._known.flats(positions, asked_ns + self._offset_ns())
        again = [self._unnumbered(event) for event in positions if not self._known.is_stale(event, asked_ns)]
        told = {event.symbol: event for event in again if isinstance(event, PositionUpdate)}
        for each in [each for each in self._known.differences(told.values()) if each in found]:
            taken = each if self._known.may_be_behind(told[each.symbol]) else replace(each, subject=TAKEN)
            self._feed([told[each.symbol], taken])

    def _unnumbered(self, event: AnyEvent) -> AnyEvent:
        """A position that nothing newer was told of is believed, whatever its number: the venue's clock was set back."""
        is_low = isinstance(event, PositionUpdate) and self._known.is_set_back(event)
        return replace(event, version=None) if is_low else event

    async def _positions(self) -> list[AnyEvent]:
        found: list[AnyEvent] = []
        for coin in self._exchange.settle:
            found += await self._exchange.poll("positions", Query(coin=coin, limit=200), priority=self.priority)
        return found

    @property
    def _compares(self) -> bool:
        """At the very first look with nothing known but what was held there is nothing to differ from."""
        return self.has_run or bool(self._known.orders or self._known.balances)

    async def _unlisted(self, listed: Sequence[OrderUpdate]) -> None:
        """Orders that we think open and the venue does not list have ended: how, is asked for one by one."""
        for symbol, client_id in self._known.unlisted(listed)[:UNLISTED_MOST]:
            asked_ns = self._clock.now_ns()
            _, update, fills = await self._exchange.find_order(symbol, client_id)
            self._feed(fills)
            if update is not None and not self._known.is_stale(update, asked_ns):
                self._feed([update, *self._known.differences([update])])

    def _told(self) -> str:
        """With the count of what no stream had told."""
        said = [f"{count} {what}" for what, count in sorted(self._recovered.items())]
        return f"reconciled: {', '.join(said)}" if said else "reconciled"

    def _feed(self, events: Sequence[AnyEvent]) -> None:
        for event in events:
            what = _RECOVERED.get(type(event))
            if what is not None:
                self._recovered[what] += 1
        if events:
            self._inbox.feed(self._clock.now_ns(), events)

    def _say(self, status: str, reason: str) -> None:
        state = FeedStatus(self._exchange.venue, "", "account", "ok" if status == "ok" else "down", reason)
        self._feed([state])


def _when(event: AnyEvent) -> int:
    return event.ts or 0 if isinstance(event, Fill | FundingPayment) else 0
