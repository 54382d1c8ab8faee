"""Public trades whose ids say nothing of their order, so that each is told once: by stream, over sockets, after a reconnect."""

from abc import abstractmethod
from collections.abc import Sequence

from adapters.base.channel import Channel
from adapters.base.once import Once
from state.events import AnyEvent, FeedStatus, Trade
from state.words import FeedState

SEEN_MOST = 5_000  # trades of a market that are remembered


class SeenTrades(Channel):
    """A venue says how a frame reads in `read`; `late` is true of the first of a connection, which may repeat what was before."""

    __slots__ = ("_last", "_seen", "_since")

    channel = "trades"

    def __init__(self, venue: str, topic: str, symbol: str) -> None:
        super().__init__(venue, topic, symbol)
        self._seen = Once(SEEN_MOST)
        self._last = 0
        self._since: int | None = None  # of the last one before a reconnect, until what was missed is fetched

    @abstractmethod
    def read(self, frame: bytes, *, late: bool) -> Sequence[Trade]:
        """The trades of a frame."""

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        new = [trade for trade in self.read(frame, late=not self.heard) if self._seen.is_new(trade.trade_id)]
        if new:
            self._last = max(self._last, *(trade.ts or 0 for trade in new))
        return new

    def distrust(self, status: FeedState, reason: str) -> FeedStatus:
        if status == "down":
            self.heard = False
            self._since = self._since or self._last or None
        return super().distrust(status, reason)

    def missed(self, trades: Sequence[Trade]) -> Sequence[AnyEvent]:
        """What was traded since the last one before a reconnect and was not told since, or the word that some of it is lost."""
        since, self._since = self._since, None
        if since is None:
            return ()
        whole = any((trade.ts or 0) <= since and (trade.trade_id,) in self._seen for trade in trades)
        found = [trade for trade in trades if (trade.ts or 0) >= since and self._seen.is_new(trade.trade_id)]
        return found if whole else [*found, self.incomplete(len(found))]
