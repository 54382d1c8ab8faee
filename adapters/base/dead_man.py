"""The dead-man's switch of a venue, kept: armed at start, put back in time, disarmed at a clean end, its expiry told.

Two kinds: a countdown that must be put back before it ends, and one that the venue starts when the connection is gone.
What a venue refuses (some want an institution, some a volume) is told once, and trading goes on without it.
"""

from collections.abc import Awaitable, Callable

from state.clock import Clock
from state.errors import TapelineError, VenueError
from state.events import FeedStatus
from state.record import Inbox
from state.words import FeedState

BEATS = 3  # within its time, so that two may be lost
CHANNEL = "dead_man"
PASSING = frozenset({"rate", "busy", "clock", "retry"})  # refusals that say nothing of the switch itself


class DeadMan:
    """One account's switch. `arm` sets the venue's window in seconds, 0 disarms; `on_expiry` is called after it fired."""

    def __init__(
        self,
        venue: str,
        window_s: int,
        arm: Callable[[int], Awaitable[None]],
        inbox: Inbox,
        clock: Clock,
        *,
        counts_down: bool,
        on_expiry: Callable[[], object],
    ) -> None:
        self.expired = 0
        self._venue = venue
        self._window_s = window_s
        self._arm = arm
        self._inbox = inbox
        self._clock = clock
        self._counts_down = counts_down
        self._on_expiry = on_expiry
        self._until_ns: int | None = None  # when the countdown ends; None while not armed
        self._refused = False
        self._told: tuple[FeedState, str] | None = None

    async def put(self) -> None:
        """Arms it, or puts it back; what the venue refuses is told and not raised."""
        asked_ns = self._clock.now_ns()
        if self._counts_down and self._until_ns is not None and asked_ns > self._until_ns:
            self._until_ns = None
            self.expired += 1
            self._say(
                "down", f"expired: it was not put back within {self._window_s} s, and the venue cancels what rests"
            )
            self._on_expiry()
        try:
            await self._arm(self._window_s)
        except TapelineError as error:
            self._refused = isinstance(error, VenueError) and error.meaning not in PASSING
            self._say(
                "down" if self._refused else "stale",
                f"the venue refuses to arm it: {error}" if self._refused else f"not put back: {error}",
            )
        else:
            self._until_ns = asked_ns + self._window_s * 1_000_000_000
            self._say("ok", f"armed: {self._window_s} s {'without a sign' if self._counts_down else 'disconnected'}")

    async def keep(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Puts it back for as long as it runs; one that waits for a disconnection only until it is armed."""
        while not self._refused and (self._counts_down or self._until_ns is None):
            await sleep(self._window_s / BEATS)
            await self.put()

    async def disarm(self) -> None:
        """At a clean end, so that nothing is cancelled that is to stay; one that waits for a disconnection cannot be."""
        if self._until_ns is None:
            return
        if not self._counts_down:
            self._say(
                "stale", f"stays armed: what is left is cancelled {self._window_s} s after the connection is gone"
            )
            return
        try:
            await self._arm(0)
        except TapelineError as error:
            self._say("stale", f"not disarmed: {error}")
        else:
            self._until_ns = None
            self._say("down", "disarmed")

    def _say(self, status: FeedState, reason: str) -> None:
        if (status, reason) != self._told:
            self._told = (status, reason)
            self._inbox.feed(self._clock.now_ns(), (FeedStatus(self._venue, "", CHANNEL, status, reason),))
