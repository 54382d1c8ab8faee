"""An account's stream behind a key that REST gives, that must be kept alive, and that nobody may see."""

from abc import abstractmethod
from collections.abc import Sequence

from adapters.base.client import Request
from adapters.base.standing import Standing
from state.errors import TapelineError, VenueError
from state.events import AnyEvent
from state.words import FeedState

HIDDEN = "***"


class KeyedStream(Standing):
    """Its key is asked for before each connection, extended every `extend_s`, tried again every `extend_again_s` where that
    fails, and given up after `life_s`. Nothing comes on connecting: REST tells what is, and whoever has read that says "ok".
    """

    channel = "account"
    extend_s: float
    extend_again_s: float
    life_s: float

    def __init__(self, venue: str, name: str, create: Request, extend: Request) -> None:
        super().__init__(venue, name, "")
        self._create, self._extend = create, extend
        self._key = ""
        self._made = self._extend_at = 0

    @abstractmethod
    def key_of(self, body: bytes) -> str:
        """The key in an answer. Raises `VenueError` where there is none."""

    @abstractmethod
    def url_of(self, key: str) -> str:
        """Where the stream behind a key is."""

    @property
    def address(self) -> str:
        return self.url_of(HIDDEN)

    def on_disconnect(self, reason: str, status: FeedState = "down") -> Sequence[AnyEvent]:
        self.wanted = [self._create]
        return super().on_disconnect(reason, status)

    def heartbeat(self, now: int) -> list[bytes]:
        if now >= self._extend_at:
            self._extend_at = now + int(self.extend_again_s * 1e9)
            self.wanted.append(self._extend)
        return []

    def answered(self, request: Request, body: bytes, recv: int) -> Sequence[AnyEvent]:
        """The key, or that it lives on."""
        if request is self._create:
            self._key = self.key_of(body)
            self.url = self.url_of(self._key)
        self._made, self._extend_at = recv, recv + int(self.extend_s * 1e9)
        return ()

    def unanswered(self, request: Request, error: TapelineError) -> Sequence[AnyEvent]:
        """A key that the venue refuses, or that could not be extended in its time, is of no more use."""
        if isinstance(error, VenueError) or self._extend_at - self._made >= self.life_s * 1e9:
            self.over = f"the key could not be extended: {error}"
        return ()

    def strike(self, frame: bytes) -> bytes:
        return frame.replace(self._key.encode(), HIDDEN.encode()) if self._key else frame
