"""One public topic: frames in, market events out, and what its feed is worth. A venue says how its frames read."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Literal

from adapters.base.settings import MarketChannel
from state.events import AnyEvent, FeedStatus, Trade
from state.words import FeedState


class Channel(ABC):
    """`status` is None until somebody was told. Symbol and venue are interned here once, for all events of the topic."""

    __slots__ = ("heard", "status", "symbol", "topic", "venue")

    channel: MarketChannel | Literal["account"]
    chatty = False  # whether it speaks within seconds on any market that lives

    def __init__(self, venue: str, topic: str, symbol: str) -> None:
        self.venue = venue
        self.topic = topic
        self.symbol = symbol
        self.status: FeedState | None = None
        self.heard = False  # whether it has spoken on this connection

    @abstractmethod
    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        """What a frame of this topic says; raises `msgspec.DecodeError` where it does not fit."""

    def missed(self, trades: Sequence[Trade]) -> Sequence[AnyEvent]:
        """Which of the trades fetched after a reconnect were not told; of a trades topic."""
        return ()

    def incomplete(self, found: int) -> FeedStatus:
        """The word that a fetch did not reach back to what was told last; the feed itself is worth what it was."""
        reason = f"trades since the connection was lost are missing: the venue lists {found} of them, none of before"
        return FeedStatus(self.venue, self.symbol, self.channel, self.status or "ok", reason)

    def distrust(self, status: FeedState, reason: str) -> FeedStatus:
        """What is known is worth nothing until the venue tells it whole again."""
        self.status = status
        return FeedStatus(self.venue, self.symbol, self.channel, status, reason)

    def trust(self) -> list[AnyEvent]:
        """The word that all is well again, where it had been in doubt."""
        doubted = self.status not in (None, "ok")
        self.status = "ok"
        if not doubted:
            return []
        return [FeedStatus(self.venue, self.symbol, self.channel, "ok")]

    @property
    def is_waiting(self) -> bool:
        """True while the venue must be asked again for the whole."""
        return False

    @property
    def heals_on_ack(self) -> bool:
        """A stream of facts is good once subscribed; a book is not before it is whole."""
        return True


class AccountChannel(Channel):
    """One private topic. That all is well again is said by whoever has read by REST what was missed."""

    __slots__ = ("_read",)
    channel = "account"

    def __init__(self, venue: str, topic: str, read: Callable[[str, bytes], Sequence[AnyEvent]]) -> None:
        super().__init__(venue, topic, "")
        self._read = read

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        return self._read(self.topic, frame)

    def trust(self) -> list[AnyEvent]:
        self.status = "ok"
        return []
