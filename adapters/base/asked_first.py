"""A stream whose frames say nothing certain before REST has said something."""

from collections.abc import Callable, Sequence

import msgspec

from adapters.base.client import Request
from adapters.base.topics import TopicSocket
from state.errors import VenueError
from state.events import AnyEvent
from state.words import FeedState


class AskedFirst(TopicSocket):
    """Asks before each connection; where the answer does not fit, none is made, and it is asked again."""

    first: Request
    learn: Callable[[bytes], object]  # raises `msgspec.DecodeError`, `ValueError`

    def on_disconnect(self, reason: str, status: FeedState = "down") -> Sequence[AnyEvent]:
        self.wanted = [self.first]
        return super().on_disconnect(reason, status)

    def answered(self, request: Request, body: bytes, recv: int) -> Sequence[AnyEvent]:
        try:
            self.learn(body)
        except (msgspec.DecodeError, ValueError) as error:
            raise VenueError(self.venue, "unreadable", str(error), "unknown") from None
        return ()
