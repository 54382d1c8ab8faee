"""Public trades whose ids are numbers that rise, so that each is told once: by stream, over sockets, after a reconnect."""

from abc import abstractmethod
from collections.abc import Sequence

from adapters.base.channel import Channel
from state.events import AnyEvent, FeedStatus, Trade
from state.words import FeedState


class RisingTrades(Channel):
    """A venue says how a frame reads in `read`, oldest first."""

    __slots__ = ("_gap", "last")

    channel = "trades"

    def __init__(self, venue: str, topic: str, symbol: str) -> None:
        super().__init__(venue, topic, symbol)
        self.last = -1
        self._gap: list[int] | None = None  # last id before a reconnect, and the first after it

    @abstractmethod
    def read(self, frame: bytes) -> Sequence[Trade]:
        """The trades of a frame, oldest first."""

    def number(self, trade_id: str) -> int:
        return int(trade_id)

    def begins(self, trade: Trade) -> int:
        """The first id of those that a trade of the frame just read stands for, where a venue merges several into one."""
        return self.number(trade.trade_id)

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        events = self.read(frame)
        if events and self.number(events[0].trade_id) <= self.last:
            events = [event for event in events if self.number(event.trade_id) > self.last]
        if events:
            if self._gap is not None and len(self._gap) == 1:
                self._gap.append(self.begins(events[0]))
            self.last = self.number(events[-1].trade_id)
        return events

    def distrust(self, status: FeedState, reason: str) -> FeedStatus:
        if status == "down" and self.last >= 0 and self._gap is None:
            self._gap = [self.last]
        return super().distrust(status, reason)

    def missed(self, trades: Sequence[Trade]) -> Sequence[AnyEvent]:
        """What was traded since the last one before a reconnect and was not told since, or the word that some of it is lost."""
        gap, self._gap = self._gap, None
        if gap is None:
            return ()
        first = gap[1] if len(gap) > 1 else 2**128
        found = [trade for trade in trades if gap[0] < self.number(trade.trade_id) < first]
        self.last = max([self.last, *(self.number(trade.trade_id) for trade in found)])
        whole = any(self.number(trade.trade_id) <= gap[0] for trade in trades)
        return found if whole else [*found, self.incomplete(len(found))]
