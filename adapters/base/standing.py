"""A connection of the account's owner that is good as soon as it stands, and silent for as long as nothing happens."""

from collections.abc import Sequence

from adapters.base.websocket import Websocket
from state.events import AnyEvent, FeedStatus
from state.words import FeedState


class Standing(Websocket):
    """`channel` names what its feed is worth to: the account, or the order socket itself."""

    private = True
    silence_s: float | None = float("inf")
    channel: str

    def __init__(self, venue: str, name: str, url: str) -> None:
        super().__init__()
        self.venue = venue
        self.name = name
        self.url = url
        self._is_open = False

    @property
    def is_ready(self) -> bool:
        return self._is_open

    def opened(self) -> Sequence[AnyEvent]:
        self._is_open = True
        return ()

    def on_connect(self, now: int) -> list[bytes]:
        return []

    def heartbeat(self, now: int) -> list[bytes]:
        return []

    def on_disconnect(self, reason: str, status: FeedState = "down") -> Sequence[AnyEvent]:
        self._is_open = False
        return [FeedStatus(self.venue, "", self.channel, status, reason)]

    def _odd(self, what: str) -> Sequence[AnyEvent]:
        """A frame that cannot be read is told and kept."""
        self.suspect = True
        return (FeedStatus(self.venue, "", self.channel, "gap", what),)
