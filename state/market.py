"""One market as it is known: rules, book, merged ticker, last trade, and what each of its channels is worth."""

import msgspec

from state.book import Book, BookStatus
from state.events import BookSnapshot, InstrumentDefined, Ticker, Trade
from state.instruments import Instrument
from state.words import FeedState


class Market:
    """A live view, written by the reducer only."""

    __slots__ = (
        "book", "book_view", "defined", "instrument", "last_trade", "lost_ns", "marked_ns", "statuses", "symbol", "ticker",
        "venue",
    )  # fmt: skip

    def __init__(self, venue: str, symbol: str) -> None:
        self.venue = venue
        self.symbol = symbol
        self.book = Book(venue, symbol)
        self.book_view = (((Book, venue, symbol), self.book),)  # made once: it is published for every book event
        self.ticker: Ticker | None = None
        self.last_trade: Trade | None = None
        self.defined: InstrumentDefined | None = None
        self.instrument: Instrument | None = None
        self.statuses: dict[str, FeedState] = {}
        self.lost_ns = 0  # when its book was last lost, as it was good until then
        self.marked_ns = 0  # when its ticker last told a mark

    @property
    def is_followed(self) -> bool:
        """True where the session hears its book, whatever that is worth at the moment."""
        return self.book.is_ok or "book" in self.statuses

    @property
    def status_views(self) -> tuple[tuple[tuple[type, str, str], object], ...]:
        """What is published when the book is worth something else: that, and the book."""
        key = (BookStatus, self.venue, self.symbol)
        return ((key, BookStatus(self.book.status, self.book.is_ok)), *self.book_view)

    def define(self, event: InstrumentDefined) -> None:
        self.defined = event
        self.instrument = Instrument.defined(event)

    def tick(self, event: Ticker) -> None:
        """What the venue left out keeps its last value."""
        known = self.ticker
        if known is None:
            self.ticker = event
            return
        said = {name: value for name, value in zip(_FIELDS, _values(event), strict=True) if value is not None}
        self.ticker = msgspec.structs.replace(known, **said)

    def dump(self) -> "MarketSnapshot":
        book = self.book
        return MarketSnapshot(
            venue=self.venue,
            symbol=self.symbol,
            book=BookSnapshot(
                self.venue, self.symbol, book.ts, list(book.bids()), list(book.asks()), book.update_id, book.depth
            ),
            book_status=book.status,
            ticker=self.ticker,
            last_trade=self.last_trade,
            defined=self.defined,
            statuses=dict(sorted(self.statuses.items())),
            lost_ns=self.lost_ns,
            marked_ns=self.marked_ns,
        )

    @classmethod
    def load(cls, snapshot: "MarketSnapshot") -> "Market":
        market = cls(snapshot.venue, snapshot.symbol)
        market.book.replace(snapshot.book)
        market.book.distrust(snapshot.book_status)
        market.ticker = snapshot.ticker
        market.last_trade = snapshot.last_trade
        market.statuses = dict(snapshot.statuses)
        market.lost_ns, market.marked_ns = snapshot.lost_ns, snapshot.marked_ns
        if snapshot.defined is not None:
            market.define(snapshot.defined)
        return market


class MarketSnapshot(msgspec.Struct, frozen=True, array_like=True):
    """A market at one seq."""

    venue: str
    symbol: str
    book: BookSnapshot
    book_status: FeedState
    ticker: Ticker | None
    last_trade: Trade | None
    defined: InstrumentDefined | None
    statuses: dict[str, FeedState]
    lost_ns: int
    marked_ns: int


_FIELDS = Ticker.__struct_fields__


def _values(event: Ticker) -> tuple[object, ...]:
    return msgspec.structs.astuple(event)
