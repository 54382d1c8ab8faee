"""A stream whose frames say nothing certain before REST has said something."""

from collections.abc import Callable, Sequence

import msgspec

from adapters.base.client import Request
from adapters.base.topics import TopicSocket
from state.errors import VenueError
from state.events import AnyEvent
from state.words import FeedState

AGAIN_NS = 60_000_000_000  # what was answered holds so long: an outage makes many connections, out of one budget


class AskedFirst(TopicSocket):
    """Asks before a connection; where the answer does not fit, none is made, and it is asked again."""

    first: Request
    learn: Callable[[bytes], object]  # raises `msgspec.DecodeError`, `ValueError`
    _answered_at: int | None = None
    _heard_at = 0

    def receive(self, frame: bytes, recv: int) -> Sequence[AnyEvent]:
        self._heard_at = recv
        return super().receive(frame, recv)

    def on_disconnect(self, reason: str, status: FeedState = "down") -> Sequence[AnyEvent]:
        if self._answered_at is None or self._heard_at - self._answered_at > AGAIN_NS:
            self.wanted = [self.first]
        return super().on_disconnect(reason, status)

    def answered(self, request: Request, body: bytes, recv: int) -> Sequence[AnyEvent]:
        try:
            self.learn(body)
        except (msgspec.DecodeError, ValueError) as error:
            raise VenueError(self.venue, "unreadable", str(error), "unknown") from None
        self._answered_at = recv
        return ()
