"""A book that its venue lets cross, since it is the union of what one node has heard, published so that it never does.

Every level knows the message that told it last. While the best bid is at or above the best ask, the level of the older message
is taken to be stale and goes; of one message, both lose the smaller size.
"""

from collections.abc import Iterable, Sequence

from adapters.base.channel import Channel
from state.book import Book
from state.events import AnyEvent, BookDelta, BookSnapshot, FeedStatus, Level
from state.instruments import exact
from state.words import FeedState

_NONE = -1


class UncrossedBook(Channel):
    """A venue reads a frame, and says whether it tells the `whole` book or what has `changed`, as of a message's number."""

    __slots__ = ("_asks", "_bids", "_book", "_depth", "last")

    channel = "book"
    chatty = True

    def __init__(self, venue: str, topic: str, symbol: str, depth: int) -> None:
        super().__init__(venue, topic, symbol)
        self._depth = depth
        self._forget()

    def _forget(self) -> None:
        self.last = _NONE  # number of the newest message
        self._book = Book(self.venue, self.symbol)
        self._bids: dict[float, int] = {}  # number of the message that told a level last
        self._asks: dict[float, int] = {}

    def whole(self, bids: list[Level], asks: list[Level], number: int | None) -> BookSnapshot:
        self._forget()
        book, at = self._book, number or 0
        book.replace(BookSnapshot(self.venue, self.symbol, None, bids, asks))
        self._bids, self._asks = dict.fromkeys(dict(bids), at), dict.fromkeys(dict(asks), at)
        self._uncross({}, {})
        self.last = at
        return BookSnapshot(self.venue, self.symbol, None, list(book.bids()), list(book.asks()), number, self._depth)

    def changed(self, changes: Iterable[tuple[list[Level], list[Level]]], number: int) -> Sequence[AnyEvent]:
        """What absolute sizes make of the book; one of before its whole, or told before, makes nothing of it."""
        if self.last == _NONE:
            return (self.distrust("connecting", "waits for its snapshot"),) if self.status is None else ()
        if number <= self.last:
            return ()
        bids: dict[float, float] = {}
        asks: dict[float, float] = {}
        for some_bids, some_asks in changes:
            bids.update(some_bids)
            asks.update(some_asks)
        self._bids.update(dict.fromkeys(bids, number))
        self._asks.update(dict.fromkeys(asks, number))
        self._apply(list(bids.items()), list(asks.items()))
        self._uncross(bids, asks)
        for told, known in ((bids, self._bids), (asks, self._asks)):
            for price, size in told.items():
                if not size:
                    del known[price]
        last, self.last = self.last, number
        return (BookDelta(self.venue, self.symbol, None, list(bids.items()), list(asks.items()), number, last),)

    def _apply(self, bids: list[Level], asks: list[Level]) -> None:
        self._book.update(BookDelta(self.venue, self.symbol, None, bids, asks))

    def _uncross(self, bids: dict[float, float], asks: dict[float, float]) -> None:
        """Takes levels from the touch until it is open, and notes in `bids` and `asks` what they are then."""
        while self._book.status == "crossed":
            bid, bid_size, ask, ask_size = self._book.touch()
            bid_at, ask_at = self._bids[bid], self._asks[ask]
            both = bid_at == ask_at
            told_bids = [(bid, _less(bid_size, ask_size) if both else 0.0)] if bid_at <= ask_at else []
            told_asks = [(ask, _less(ask_size, bid_size) if both else 0.0)] if ask_at <= bid_at else []
            self._apply(told_bids, told_asks)
            bids.update(told_bids)
            asks.update(told_asks)

    def distrust(self, status: FeedState, reason: str) -> FeedStatus:
        self._forget()
        return super().distrust(status, reason)

    @property
    def is_waiting(self) -> bool:
        return self.last == _NONE

    @property
    def heals_on_ack(self) -> bool:
        return False


def _less(size: float, other: float) -> float:
    """What is left of a size that meets another."""
    return float(exact(size) - exact(other)) if size > other else 0.0
