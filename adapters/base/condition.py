"""What a venue's REST side and its clock are worth, said when it changes: `FeedStatus` of the channels `rest` and `clock`."""

from adapters.base.offset import ClockOffset
from state.events import FeedStatus
from state.record import Inbox
from state.words import FeedState

TOLD_MS = 500.0  # an offset that moved by less is not told again


class Condition:
    """One venue's; every word is an event, and none is said twice."""

    def __init__(self, venue: str, inbox: Inbox) -> None:
        self._venue = venue
        self._inbox = inbox
        self._rest: FeedState = "ok"
        self._until = 0  # nothing before tells that it is over
        self._clock: FeedState = "ok"
        self._offset_ms = 0.0

    def answered(self, now: int) -> None:
        """An answer as it should be: whatever was wrong is over."""
        if self._rest != "ok" and now >= self._until:
            self._rest = "ok"
            self._say(now, "rest", "ok", "it answers again")

    def stopped(self, now: int, state: FeedState, reason: str, until: int) -> None:
        """The venue shut its door, or a pool of it, until then (ns)."""
        self._rest, self._until = state, max(self._until, until)
        self._say(now, "rest", state, reason)

    def failed(self, now: int, reason: str) -> None:
        """What was asked could not be learnt."""
        if self._rest == "ok":
            self._rest = "stale"
            self._say(now, "rest", "stale", reason)

    def clock(self, now: int, offset: ClockOffset, doubt: str = "") -> None:
        """After a sample, or a doubt. A clock that is off is signed by as it is; one that is not known is `skewed`."""
        doubt = doubt or ("its clock was not heard for too long" if offset.is_stale(now) else "")
        state: FeedState = "skewed" if doubt else "ok"
        offset_ms = offset.ns / 1e6
        if state == self._clock and abs(offset_ms - self._offset_ms) < TOLD_MS:
            return
        self._clock, self._offset_ms = state, offset_ms
        where = "ahead of" if offset_ms >= 0 else "behind"
        self._say(now, "clock", state, doubt or f"the venue's clock is {abs(offset_ms):.0f} ms {where} ours")

    def _say(self, now: int, channel: str, state: FeedState, reason: str) -> None:
        self._inbox.feed(now, (FeedStatus(self._venue, "", channel, state, reason),))
