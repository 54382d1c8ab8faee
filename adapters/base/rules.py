"""The rules of markets as they were told: read at the start, and again where the venue refuses orders by them.

A venue changes ticks, lots and minima while sessions run, and halts or delists what it lists; few say so on a stream.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from decimal import Decimal
from functools import partial

from msgspec.structs import replace

from state.clock import Clock
from state.errors import WrongUse
from state.events import AnyEvent, InstrumentDefined, Rejected
from state.instruments import Instrument
from state.record import Frame, Inbox

AGAIN_NS = 60_000_000_000  # a market is asked for no more often
BY_RULES = frozenset({"rule", "market_state"})
FINEST = Decimal("1e-18")
OF_OURS = frozenset({"local", "lookup"})  # codes of what no venue said


class Rules:
    """Reads them with `read`, which gives those of one market, and feeds what is new; `later` runs what may fail."""

    def __init__(
        self,
        read: Callable[[str], Awaitable[Sequence[InstrumentDefined]]],
        inbox: Inbox,
        clock: Clock,
        later: Callable[[Callable[[], Awaitable[object]]], object],
    ) -> None:
        self._read = read
        self._inbox = inbox
        self._clock = clock
        self._later = later
        self._told: dict[str, InstrumentDefined] = {}
        self._asked_ns: dict[str, int] = {}

    async def define(self, symbols: Iterable[str], market: str) -> None:
        """Feeds the rules of each of them; raises `WrongUse` for one that the venue does not have."""
        for symbol in symbols:
            if not any(event.symbol == symbol for event in await self._tell(symbol)):
                raise WrongUse(f"{market} {symbol!r}")

    def lot(self, symbol: str) -> Decimal:
        """The step of sizes; where the rules of a market were not told, one so fine that nothing is rounded by it."""
        told = self._told.get(symbol)
        return FINEST if told is None else told.lot

    def heed(self, events: Iterable[AnyEvent]) -> None:
        """Reads the rules of a market again whose orders the venue refuses by them."""
        for event in events:
            if not (type(event) is Rejected and event.refusal in BY_RULES and event.code not in OF_OURS):
                continue
            symbol, now = event.symbol, self._clock.now_ns()
            if symbol in self._told and now - self._asked_ns.get(symbol, 0) >= AGAIN_NS:
                self._asked_ns[symbol] = now
                self._later(partial(self._tell, symbol))

    async def _tell(self, symbol: str) -> Sequence[InstrumentDefined]:
        """All that was read; fed is what differs from what was told before, by more than its time."""
        found = await self._read(symbol)
        for event in found:
            Instrument.defined(event)  # raises for a grid that nothing could be put on: nobody is told of it
        new = [event for event in found if self._told.get(event.symbol) != replace(event, ts=None)]
        self._told |= {event.symbol: replace(event, ts=None) for event in new}
        if new:
            self._inbox.feed(self._clock.now_ns(), new)
        return found


class Heeding:
    """The inbox, whose events the rules hear of as well."""

    def __init__(self, inbox: Inbox, rules: Rules) -> None:
        self._inbox = inbox
        self._rules = rules

    def feed(self, recv: int, events: Sequence[AnyEvent], cause: int = 0, frame: Frame | None = None) -> None:
        self._inbox.feed(recv, events, cause, frame)
        self._rules.heed(events)
