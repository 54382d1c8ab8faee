"""The book: each update names the one before it, and where a frame carries a checksum, the text itself is held to it.

https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel
"""

from collections import deque
from collections.abc import Iterable, Sequence
from zlib import crc32

import msgspec

from adapters.base.channel import Channel
from adapters.base.contracts import Contract
from adapters.base.textbook import TextBook
from adapters.okx import wire
from adapters.okx.channels import MS, Counted, plain_channel, rows
from adapters.okx.contracts import Contracts
from adapters.okx.types import named
from state.events import AnyEvent, BookDelta, BookSnapshot, FeedStatus
from state.market_events import Level
from state.words import FeedState

CHECKED_LEVELS = 25
REPEATS_MOST = 64  # updates that are known again, where several connections tell the same
_LOST = -3  # a position that no update has

_book = msgspec.json.Decoder(wire.BookPush, strict=False).decode
_texts = rows(wire.BookTexts)


def checksum(book: TextBook) -> int:
    """CRC32, signed, of the best levels' text."""
    found = crc32(":".join(book.alternating(CHECKED_LEVELS)).encode())
    return found - 2**32 if found >= 2**31 else found


class BookChannel(Counted):
    """Ids are not contiguous, and start lower after maintenance; what holds is that each update names the last one's."""

    __slots__ = ("_last", "_recent", "_texts", "_units", "asked_ns", "depth", "is_asked")
    channel = "book"
    chatty = True
    heals_on_ack = False

    def __init__(self, venue: str, topic: str, symbol: str, contract: Contract, depth: int) -> None:
        super().__init__(venue, topic, symbol, contract)
        self.depth = depth
        self.asked_ns = 0  # when it was last subscribed to
        self.is_asked = False  # and no update has followed a snapshot since
        self._units = contract.units  # in which the levels are that are known
        self._last: int | None = _LOST  # None where the venue tells no ids, as it did not before 2022
        self._texts: TextBook | None = None
        self._recent: deque[tuple[int | None, int | None]] = deque(maxlen=REPEATS_MOST)

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        message = _book(frame)
        told: list[AnyEvent] = []
        for at, row in enumerate(message.data):
            if message.action == "snapshot":
                told += self._whole(frame, at, row)
            elif row.prevSeqId == self._last != _LOST and self._units is self._contract.units:
                told += self._next(frame, at, row)
            else:
                told += self._irregular(row)
        return told

    def _whole(self, frame: bytes, at: int, row: wire.BookRow) -> Sequence[AnyEvent]:
        self._texts = TextBook() if row.checksum else None
        wrong = self._check(frame, at, row)
        if wrong:
            return wrong
        self._last, self._units = row.seqId, self._contract.units
        self._recent.clear()
        return [snapshot(self.venue, self.symbol, row, self._contract, self.depth), *self.trust()]

    def _next(self, frame: bytes, at: int, row: wire.BookRow) -> Sequence[AnyEvent]:
        if self._texts is not None:
            wrong = self._check(frame, at, row)
            if wrong:
                return wrong
        before, self._last, self.is_asked = self._last, row.seqId, False
        self._recent.append((before, row.seqId))
        contract = self._contract
        bids, asks = levels(row.bids, contract), levels(row.asks, contract)
        return (BookDelta(self.venue, self.symbol, row.ts * MS, bids, asks, row.seqId, before),)

    def _check(self, frame: bytes, at: int, row: wire.BookRow) -> Sequence[AnyEvent]:
        """What is wrong where the text does not come to the checksum that a frame carries; 0 is none."""
        if self._texts is None:
            return ()
        texts = _texts(frame).data[at]
        self._texts.update(texts.bids, texts.asks)
        found = checksum(self._texts)
        if row.checksum in (0, found):
            return ()
        return (self.distrust("gap", f"checksum {row.checksum} where the levels come to {found}"),)

    def _irregular(self, row: wire.BookRow) -> Sequence[AnyEvent]:
        if self._last == _LOST:
            return () if self.status is not None else (self.distrust("connecting", "waits for its snapshot"),)
        if row.seqId is not None and (row.prevSeqId, row.seqId) in self._recent:
            return ()
        if self._units is not self._contract.units:
            return (self.distrust("gap", "only now is it known how much a contract is"),)
        return (self.distrust("gap", f"expected an update after {self._last}, got one after {row.prevSeqId}"),)

    def distrust(self, status: FeedState, reason: str) -> FeedStatus:
        self._last, self._texts = _LOST, None
        self._recent.clear()
        return super().distrust(status, reason)

    @property
    def is_waiting(self) -> bool:
        return self._last == _LOST


class WholeChannel(Counted):
    """The best level or the best five, whole each time."""

    __slots__ = ("depth",)
    channel = "book"
    chatty = True
    heals_on_ack = False

    def __init__(self, venue: str, topic: str, symbol: str, contract: Contract, depth: int) -> None:
        super().__init__(venue, topic, symbol, contract)
        self.depth = depth

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        told: list[AnyEvent] = [
            snapshot(self.venue, self.symbol, row, self._contract, self.depth) for row in _book(frame).data
        ]
        return [*told, *self.trust()]


def levels(told: Iterable[wire.Level], contract: Contract) -> list[Level]:
    """Price and size in base units."""
    if contract.is_plain:
        return [(level.px, level.sz) for level in told]
    base = contract.base
    return [(level.px, base(level.sz)) for level in told]


def snapshot(venue: str, symbol: str, row: wire.BookRow, contract: Contract, depth: int) -> BookSnapshot:
    """A whole book, by stream or REST."""
    bids, asks = levels(row.bids, contract), levels(row.asks, contract)
    return BookSnapshot(venue, symbol, row.ts * MS, bids, asks, row.seqId, depth)


_DEPTHS = {"books": 400, "books-l2-tbt": 400, "books50-l2-tbt": 50}
_WHOLE = {"books5": 5, "bbo-tbt": 1}


def channel_of(venue: str, topic: str, contracts: Contracts, wanted: frozenset[str] = frozenset()) -> Channel | None:
    """The channel that a topic's name says, or None for one that is none of ours."""
    kind, _, more = topic.partition('","')
    of = more.rpartition('":"')[2] if more.startswith('instId":"') else ""
    venue_of = named(venue, of) if of else venue
    if of and kind in _DEPTHS:
        return BookChannel(venue_of, topic, of, contracts.of(of), _DEPTHS[kind])
    if of and kind in _WHOLE:
        return WholeChannel(venue_of, topic, of, contracts.of(of), _WHOLE[kind])
    return plain_channel(venue, topic, kind, of, contracts, wanted)
