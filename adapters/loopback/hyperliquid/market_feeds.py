"""What anybody may hear of a market; each feed exists while somebody listens."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from adapters.loopback.faults import Place
from adapters.loopback.floor import Change
from adapters.loopback.hyperliquid import frames, render, rows
from adapters.loopback.hyperliquid.blocks import Block
from adapters.loopback.hyperliquid.quotes import Quotes
from adapters.loopback.market import Market, Span
from adapters.loopback.orders import Side

SLOW_BOOK_MS = 5_000
FAST_BOOK_MS = 500
SECOND_MS = 1_000


class Feed:
    """One subscription; nothing to say unless a kind of feed says so."""

    place = Place.PUBLIC
    channel = ""
    name = ""
    """By which faults know it."""
    interval_ms = 0
    """How often `due` is asked; 0 is never."""

    def opening(self, now_ms: int) -> Iterable[object]:
        """What a new listener hears at once."""
        return ()

    def heard(self, block: Block, now_ms: int) -> Iterable[object]:
        """What to push because of a block."""
        return ()

    def due(self, now_ms: int) -> Iterable[object]:
        """What to push now that the interval is over."""
        return ()


class MarketFeed(Feed):
    """A feed of one coin."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self.name = f"{self.channel}.{market.contract.symbol}"

    def _changes(self, block: Block) -> list[Change]:
        return [change for change in block if change.market is self._market]


class BookFeed(MarketFeed):
    """`l2Book`: the best levels whole, changed or not; fewer and more often where they are wanted fast."""

    channel = "l2Book"

    def __init__(self, market: Market, figures: int | None, mantissa: int | None, fast: bool) -> None:
        super().__init__(market)
        self._figures, self._mantissa, self._fast = figures, mantissa or 1, fast
        self.interval_ms = FAST_BOOK_MS if fast else SLOW_BOOK_MS

    def opening(self, now_ms: int) -> Iterable[object]:
        return self.due(now_ms)

    def due(self, now_ms: int) -> Iterable[object]:
        return (render.book(self._market, now_ms, self._figures, self._mantissa, self._fast),)


class BestFeed(MarketFeed):
    """`bbo`: the best levels in each block that changed them."""

    channel = "bbo"

    def __init__(self, market: Market) -> None:
        super().__init__(market)
        self._said: tuple[rows.Level | None, rows.Level | None] = (None, None)

    def opening(self, now_ms: int) -> Iterable[object]:
        self._said = self._read()
        return (rows.BestPair(self._market.contract.symbol, now_ms, self._said),)

    def heard(self, block: Block, now_ms: int) -> Iterable[object]:
        if not self._changes(block):
            return ()
        now = self._read()
        if now == self._said:
            return ()
        self._said = now
        return (rows.BestPair(self._market.contract.symbol, self._market.engine.last_ms, now),)

    def _read(self) -> tuple[rows.Level | None, rows.Level | None]:
        return render.best(self._market, Side.BUY), render.best(self._market, Side.SELL)


class TradesFeed(MarketFeed):
    """`trades`: those of a block together; at first some that have been."""

    channel = "trades"

    def __init__(self, market: Market, quotes: Quotes) -> None:
        super().__init__(market)
        self._quotes = quotes

    def opening(self, now_ms: int) -> Iterable[object]:
        recent = self._quotes.recent(self._market)
        return (recent,) if recent else ()

    def heard(self, block: Block, now_ms: int) -> Iterable[object]:
        printed = [render.trade(self._market, p, users(c, p.trade_id)) for c in self._changes(block) for p in c.trades]
        return (printed,) if printed else ()


class CandleFeed(MarketFeed):
    """`candle`: the one in the making once a second while it changes, and once more when it closes."""

    channel = "candle"
    interval_ms = SECOND_MS

    def __init__(self, market: Market, span: Span, word: str) -> None:
        super().__init__(market)
        self._span, self._word = span, word
        self._start_ms = span.start(market.minutes[-1].start_ms) if market.minutes else 0
        self._said: list[rows.Candle] = []

    def opening(self, now_ms: int) -> Iterable[object]:
        self._said = []
        return self.due(now_ms)

    def due(self, now_ms: int) -> Iterable[object]:
        start = self._span.start(now_ms)
        starts = [self._start_ms, start] if self._start_ms < start else [start]
        self._start_ms = start
        made = [candle for at in starts if (candle := self._market.candle(self._span, at))]
        drawn = [render.candle(self._market, candle, self._span, self._word) for candle in made]
        if drawn == self._said:
            return ()
        self._said = drawn[-1:]
        return drawn


class ContextFeed(MarketFeed):
    """`activeAssetCtx`: mark, oracle, funding and interest while they change."""

    channel = "activeAssetCtx"
    interval_ms = SECOND_MS

    def __init__(self, market: Market) -> None:
        super().__init__(market)
        self._said: rows.AssetCtx | None = None

    def opening(self, now_ms: int) -> Iterable[object]:
        self._said = None
        return self.due(now_ms)

    def due(self, now_ms: int) -> Iterable[object]:
        now = render.context(self._market)
        if now == self._said:
            return ()
        self._said = now
        return (frames.ContextOf(self._market.contract.symbol, now),)


class MidsFeed(Feed):
    """`allMids`: the middle of every book."""

    channel = name = "allMids"
    interval_ms = SECOND_MS

    def __init__(self, quotes: Quotes) -> None:
        self._quotes = quotes

    def opening(self, now_ms: int) -> Iterable[object]:
        return self.due(now_ms)

    def due(self, now_ms: int) -> Iterable[object]:
        return (frames.Mids(self._quotes.all_mids()),)


def users(change: Change, trade_id: str) -> tuple[str, str]:
    """Buyer and seller of a trade: those who are customers by their addresses."""
    buyer, seller = render.strangers(trade_id)
    for fill in change.fills:
        if fill.exec_id == trade_id and fill.side is Side.BUY:
            buyer = fill.account.lower()
        elif fill.exec_id == trade_id:
            seller = fill.account.lower()
    return buyer, seller


def encoded(channel: str, data: object) -> bytes:
    return msgspec.json.encode(frames.Frame(channel, data))
