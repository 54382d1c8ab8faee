"""The book, which one node's view lets cross, published so that it never does.

Every level knows the message that told it last. While the best bid is at or above the best ask, the level of the older message
is taken to be stale and goes; of one message, both lose the smaller size.
https://docs.dydx.xyz/interaction/data/watch-orderbook#uncrossing-the-orderbook
"""

from collections.abc import Sequence

import msgspec

from adapters.base.channel import Channel
from adapters.dydx import wire
from state.book import Book
from state.events import AnyEvent, BookDelta, BookSnapshot, FeedStatus, Level
from state.instruments import exact
from state.words import FeedState

SNAPSHOT_LEVELS = 100  # deeper ones are known where an update told them
_NONE = -1

_frame = msgspec.json.Decoder(wire.Frame[wire.Changes | list[wire.Changes]], strict=False).decode


class BookChannel(Channel):
    """A snapshot, then absolute sizes; the venue has no sequence of its own, so a message's number is the update's."""

    __slots__ = ("_asks", "_bids", "_book", "_connection", "_last", "asked_ns")

    channel = "book"
    chatty = True

    def __init__(self, venue: str, topic: str, symbol: str) -> None:
        super().__init__(venue, topic, symbol)
        self.asked_ns = 0  # when the whole was last asked for
        self._last = _NONE
        self._connection = ""
        self._forget()

    def _forget(self) -> None:
        self._book = Book(self.venue, self.symbol)
        self._bids: dict[float, int] = {}  # number of the message that told the level last
        self._asks: dict[float, int] = {}

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        message = _frame(frame)
        is_other = message.connection_id != self._connection
        self._connection = message.connection_id
        if message.type == "subscribed":
            assert isinstance(message.contents, wire.Changes)
            return self._whole(message.contents, message.message_id)
        if is_other and self._last != _NONE:
            return (self.distrust("gap", "another connection, and no snapshot of it"),)
        if self._last == _NONE:
            return (self.distrust("connecting", "waits for its snapshot"),) if self.status is None else ()
        if message.message_id <= self._last:
            return ()  # told before
        return self._changed(message.contents, message.message_id)

    def whole(self, said: wire.Changes) -> BookSnapshot:
        """A book as REST tells it, which no update follows."""
        self._whole(said, 0)
        snapshot = self._snapshot(None)
        self._forget()
        self._last = _NONE
        return snapshot

    def _whole(self, said: wire.Changes, number: int) -> Sequence[AnyEvent]:
        self._forget()
        self._book.replace(BookSnapshot(self.venue, self.symbol, None, _pairs(said.bids), _pairs(said.asks)))
        self._bids = dict.fromkeys((price for price, _ in self._book.bids()), number)
        self._asks = dict.fromkeys((price for price, _ in self._book.asks()), number)
        if self._book.is_crossed:
            self._uncross({}, {}, number)
        self._last = number
        return [self._snapshot(number), *self.trust()]

    def _snapshot(self, number: int | None) -> BookSnapshot:
        bids, asks = list(self._book.bids()), list(self._book.asks())
        return BookSnapshot(self.venue, self.symbol, None, bids, asks, number, SNAPSHOT_LEVELS)

    def _changed(self, said: wire.Changes | list[wire.Changes], number: int) -> Sequence[AnyEvent]:
        bids: dict[float, float] = {}
        asks: dict[float, float] = {}
        for changes in said if isinstance(said, list) else (said,):
            bids.update(_pairs(changes.bids))
            asks.update(_pairs(changes.asks))
        book, last = self._book, self._last
        self._bids.update(dict.fromkeys(bids, number))
        self._asks.update(dict.fromkeys(asks, number))
        book.update(BookDelta(self.venue, self.symbol, None, list(bids.items()), list(asks.items())))
        if book.status == "crossed":
            self._uncross(bids, asks, number)
        for told, known in ((bids, self._bids), (asks, self._asks)):
            for price, size in told.items():
                if not size:
                    known.pop(price, None)
        self._last = number
        delta = BookDelta(self.venue, self.symbol, None, list(bids.items()), list(asks.items()), number, last)
        return (delta,)

    def _uncross(self, bids: dict[float, float], asks: dict[float, float], number: int) -> None:
        """Takes levels from the touch until it is open, and notes in `bids` and `asks` what they are then."""
        book = self._book
        while book.is_crossed:
            bid, bid_size, ask, ask_size = book.touch()
            bid_at, ask_at = self._bids.get(bid, number), self._asks.get(ask, number)
            both = bid_at == ask_at
            told_bids = [(bid, _less(bid_size, ask_size) if both else 0.0)] if bid_at <= ask_at else []
            told_asks = [(ask, _less(ask_size, bid_size) if both else 0.0)] if ask_at <= bid_at else []
            book.update(BookDelta(self.venue, self.symbol, None, told_bids, told_asks))
            bids.update(told_bids)
            asks.update(told_asks)

    def distrust(self, status: FeedState, reason: str) -> FeedStatus:
        self._last = _NONE
        self._forget()
        return super().distrust(status, reason)

    @property
    def is_waiting(self) -> bool:
        return self._last == _NONE

    @property
    def heals_on_ack(self) -> bool:
        return False


def _less(size: float, other: float) -> float:
    """What is left of a size that meets another."""
    return float(exact(size) - exact(other)) if size > other else 0.0


def _pairs(levels: wire.Levels) -> list[Level]:
    return [(level.price, level.size) if isinstance(level, wire.Row) else level for level in levels]
