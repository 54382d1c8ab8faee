"""The book: each update names the one before it, and where a frame carries a checksum, the text itself is held to it.

https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel
"""

from collections.abc import Iterable, Sequence
from zlib import crc32

import msgspec

from adapters.base.channel import Channel
from adapters.base.contracts import Contract
from adapters.base.linked import LinkedBook
from adapters.base.textbook import TextBook
from adapters.okx import wire
from adapters.okx.channels import MS, plain_channel, rows
from adapters.okx.contracts import Contracts
from adapters.okx.types import named
from state.events import AnyEvent, BookDelta, BookSnapshot, FeedStatus
from state.market_events import Level
from state.words import FeedState

CHECKED_LEVELS = 25

_book = msgspec.json.Decoder(wire.BookPush, strict=False).decode
_texts = rows(wire.BookTexts)


def checksum(book: TextBook) -> int:
    """CRC32, signed, of the best levels' text."""
    found = crc32(":".join(book.alternating(CHECKED_LEVELS)).encode())
    return found - 2**32 if found >= 2**31 else found


class BookChannel(LinkedBook):
    """Snapshot and updates, or the best levels, whole each time.

    No ids were told before 2022, and no checksums are since 2026, when they became 0.
    """

    __slots__ = ("_texts",)

    def __init__(self, venue: str, topic: str, symbol: str, contract: Contract, depth: int) -> None:
        super().__init__(venue, topic, symbol, contract, depth)
        self._texts: TextBook | None = None

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        message = _book(frame)
        told: list[AnyEvent] = []
        for at, row in enumerate(message.data):
            is_whole = message.action == "snapshot"
            if not is_whole and not self.follows(row.prevSeqId):
                told += self.stray(row.prevSeqId, row.seqId)
                continue
            if is_whole:
                self._texts = TextBook() if row.checksum else None
            wrong = self._check(frame, at, row) if self._texts is not None else ()
            if wrong:
                told += wrong
            elif is_whole:
                self.begin(row.seqId)
                told += [snapshot(self.venue, self.symbol, row, self.contract, self.depth), *self.trust()]
            else:
                self.follow(row.seqId)
                bids, asks = levels(row.bids, self.contract), levels(row.asks, self.contract)
                told.append(BookDelta(self.venue, self.symbol, row.ts * MS, bids, asks, row.seqId, row.prevSeqId))
        return told

    def _check(self, frame: bytes, at: int, row: wire.BookRow) -> Sequence[AnyEvent]:
        """What is wrong where the text does not come to the checksum that a frame carries; 0 is none."""
        assert self._texts is not None
        texts = _texts(frame).data[at]
        self._texts.update(texts.bids, texts.asks)
        found = checksum(self._texts)
        if row.checksum in (0, found):
            return ()
        return (self.distrust("gap", f"checksum {row.checksum} where the levels come to {found}"),)

    def distrust(self, status: FeedState, reason: str) -> FeedStatus:
        self._texts = None
        return super().distrust(status, reason)


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


_DEPTHS = {"books": 400, "books-l2-tbt": 400, "books50-l2-tbt": 50, "books5": 5, "bbo-tbt": 1}


def channel_of(venue: str, topic: str, contracts: Contracts, wanted: frozenset[str] = frozenset()) -> Channel | None:
    """The channel that a topic's name says, or None for one that is none of ours."""
    kind, _, more = topic.partition('","')
    of = more.rpartition('":"')[2] if more.startswith('instId":"') else ""
    if of and kind in _DEPTHS:
        return BookChannel(named(venue, of), topic, of, contracts.of(of), _DEPTHS[kind])
    return plain_channel(venue, topic, kind, of, contracts, wanted)
