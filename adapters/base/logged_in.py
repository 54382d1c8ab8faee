"""A connection that its owner logs in to first, and that is pinged however quiet it is."""

from abc import abstractmethod
from collections.abc import Sequence

import msgspec

from adapters.base.standing import Standing
from state.events import AnyEvent, FeedStatus
from state.words import FeedState


class LoggedIn(Standing):
    """A venue says how a login reads and sets `_is_open` once it was taken."""

    silence_s = None
    ping: bytes
    pong: bytes

    @abstractmethod
    def login(self, now: int) -> bytes:
        """The first frame."""

    @abstractmethod
    def read(self, frame: bytes) -> Sequence[AnyEvent]:
        """What a frame says; may raise what `receive` makes a status of."""

    def on_connect(self, now: int) -> list[bytes]:
        return [self.login(now)]

    def opened(self) -> Sequence[AnyEvent]:
        return ()

    def heartbeat(self, now: int) -> list[bytes]:
        return [self.ping]

    def receive(self, frame: bytes, recv: int) -> Sequence[AnyEvent]:
        if frame == self.pong:
            return ()
        try:
            return self.read(frame)
        except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError) as error:
            return self._odd(f"a frame did not fit: {error}")

    def _said(self, status: FeedState, reason: str = "") -> FeedStatus:
        return FeedStatus(self.venue, "", self.channel, status, reason)
