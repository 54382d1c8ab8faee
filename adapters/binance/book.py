"""The book by the venue's procedure, and which channel a stream's name says.

https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams (How to manage a local order book)
"""

from collections.abc import Sequence

import msgspec

from adapters.base.chained import ChainedBook
from adapters.base.channel import Channel
from adapters.binance import wire
from adapters.binance.channels import CHANNELS, MS, CandlesChannel, decoder
from state.events import AnyEvent, BookDelta, BookSnapshot

SNAPSHOT_LEVELS = 1000

_depth = decoder(wire.Depth)
_best = decoder(wire.Book)
_book = msgspec.json.Decoder(wire.Book, strict=False).decode


class BookChannel(ChainedBook[wire.Depth]):
    """Futures chain by `pu`, since their ids are shared by all symbols; spot by `U`, which may overlap but not leap."""

    __slots__ = ()

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        d, last = _depth(frame).data, self._last
        if d.pu != last or last < 0:
            return self.take(d)
        self._last, self._fresh = d.u, False
        return (BookDelta(self.venue, self.symbol, (d.T or d.E) * MS, d.b, d.a, d.u, last),)

    def told(self, update: wire.Depth, last: int) -> BookDelta:
        ts = (update.T or update.E) * MS
        return BookDelta(self.venue, self.symbol, ts, update.b, update.a, update.u, last)

    def ids(self, update: wire.Depth) -> tuple[int, int]:
        return update.U - 1 if update.pu < 0 else update.pu, update.u

    def follows(self, update: wire.Depth, last: int, *, fresh: bool) -> bool:
        if update.pu < 0:
            return update.U <= last + 1 <= update.u
        return update.pu == last or (fresh and update.U <= last <= update.u)

    def is_old(self, update: wire.Depth, at: int) -> bool:
        return update.u <= at if update.pu < 0 else update.u < at

    def snapshot(self, body: bytes) -> Sequence[AnyEvent]:
        """As `whole`, from the REST answer. Raises `msgspec.DecodeError`."""
        book = _book(body)
        ts = (book.T or book.E) * MS or None
        whole = BookSnapshot(self.venue, self.symbol, ts, book.bids, book.asks, book.lastUpdateId, SNAPSHOT_LEVELS)
        return self.whole(whole)


class PartialChannel(Channel):
    """The best 5, 10 or 20 levels, whole each time."""

    __slots__ = ("_depth",)
    channel = "book"
    chatty = True
    heals_on_ack = False

    def __init__(self, venue: str, topic: str, symbol: str, depth: int) -> None:
        super().__init__(venue, topic, symbol)
        self._depth = depth

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        """Futures spell it like an update, spot like the REST answer."""
        try:
            d = _depth(frame).data
            whole = BookSnapshot(self.venue, self.symbol, (d.T or d.E) * MS, d.b, d.a, d.u, self._depth)
        except msgspec.ValidationError:
            book = _best(frame).data
            whole = BookSnapshot(self.venue, self.symbol, None, book.bids, book.asks, book.lastUpdateId, self._depth)
        return [whole, *self.trust()]


def channel_of(venue: str, topic: str) -> Channel | None:
    """The channel that a stream's name says, or None for one that is none of ours."""
    name, _, rest = topic.partition("@")
    symbol, kind = name.upper(), rest.partition("@")[0]  # and the speed
    if not symbol or symbol.startswith("!"):
        return None
    if kind == "depth":
        return BookChannel(venue, topic, symbol)
    if kind.startswith("depth") and kind[5:].isdigit():
        return PartialChannel(venue, topic, symbol, int(kind[5:]))
    if kind.startswith("kline_"):
        return CandlesChannel(venue, topic, symbol)
    return CHANNELS[kind](venue, topic, symbol) if kind in CHANNELS else None
