"""A book that comes whole on its stream, and whose updates each name the one before; to have it whole again, it is
subscribed to again.
"""

from abc import abstractmethod
from collections import deque
from collections.abc import Sequence

from adapters.base.channel import Channel
from adapters.base.contracts import Contract, Counted
from adapters.base.topics import TopicSocket
from state.events import AnyEvent, FeedStatus
from state.words import FeedState

ASKS_MOST = 3  # at once, where no update ever follows a whole
REPEATS_MOST = 64  # updates that are known again, where several connections tell the same
_LOST = -3  # a position that no update has


class LinkedBook(Counted):
    """Ids need not be contiguous, and may start lower after maintenance; None where a venue tells none."""

    __slots__ = ("_last", "_recent", "_units", "asked_ns", "asks", "depth", "is_asked")
    channel = "book"
    chatty = True
    heals_on_ack = False

    def __init__(self, venue: str, topic: str, symbol: str, contract: Contract, depth: int) -> None:
        super().__init__(venue, topic, symbol, contract)
        self.depth = depth
        self.asked_ns = 0  # when it was last subscribed to
        self.is_asked = False  # and its whole has not come yet
        self.asks = 0  # since an update followed a whole
        self._units = contract.units  # in which the levels are that are known
        self._last: int | None = _LOST
        self._recent: deque[tuple[int | None, int | None]] = deque(maxlen=REPEATS_MOST)

    def begin(self, own: int | None) -> None:
        """A whole of this id came."""
        self._last, self._units, self.is_asked = own, self.contract.units, False
        self._recent.clear()

    def follows(self, before: int | None) -> bool:
        """Whether an update that names the one before it is the next."""
        return before == self._last != _LOST and self._units is self.contract.units

    def follow(self, own: int | None) -> None:
        """The next update was taken."""
        self._recent.append((self._last, own))
        self._last, self.asks = own, 0

    def stray(self, before: int | None, own: int | None) -> Sequence[FeedStatus]:
        """What an update means that is not the next: nothing, where it was told already or a whole is waited for."""
        if self._last == _LOST:
            return () if self.status is not None else (self.distrust("connecting", "waits for its snapshot"),)
        if own is not None and (before, own) in self._recent:
            return ()
        if self._units is not self.contract.units:
            return (self.distrust("gap", "only now is it known how much a contract is"),)
        return (self.distrust("gap", f"expected an update after {self._last}, got one after {before}"),)

    def distrust(self, status: FeedState, reason: str) -> FeedStatus:
        self._last = _LOST
        self._recent.clear()
        return super().distrust(status, reason)

    @property
    def is_waiting(self) -> bool:
        return self._last == _LOST


class LinkedSocket(TopicSocket):
    """Topics that are acknowledged one by one. A whole that did not come is asked for again after `resync_after_s`, and so is
    one that was of no use several times over.
    """

    resync_after_s: float

    @abstractmethod
    def unsubscription(self, topics: Sequence[str]) -> bytes:
        """The request that ends topics."""

    def ask_whole(self, channel: Channel, now: int) -> None:
        if self._is_decoder or not isinstance(channel, LinkedBook):
            return
        if (channel.is_asked or channel.asks >= ASKS_MOST) and now - channel.asked_ns < self.resync_after_s * 1e9:
            return
        channel.asked_ns, channel.is_asked, channel.asks = now, True, channel.asks + 1
        self.outbox += [self.unsubscription([channel.topic]), *self._subscribe([channel.topic])]

    def acknowledged(self, topic: str, recv: int) -> Sequence[AnyEvent]:
        """One topic of a request stands; a book's whole is on its way."""
        for number, topics in list(self._asked.items()):
            if topic in topics:
                topics.remove(topic)
                if not topics:
                    del self._asked[number]
        channel = self._channels.get(topic.encode())
        if isinstance(channel, LinkedBook) and channel.is_waiting:
            channel.asked_ns, channel.is_asked = recv, True
        return channel.trust() if channel is not None and channel.heals_on_ack else ()
