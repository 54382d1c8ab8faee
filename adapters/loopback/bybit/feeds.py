"""What each public topic last said, and the next thing it has to say: books, tickers, candles."""

# The field names are the venue's own.

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from adapters.loopback.bybit import render, rows
from adapters.loopback.bybit.quotes import BookRows
from adapters.loopback.market import Market, Span
from adapters.loopback.orders import Side

BOOK_INTERVAL_MS = {1: 10, 50: 20, 200: 100, 1000: 200}
TICKER_INTERVAL_MS = 100
KLINE_INTERVAL_MS = 1_000
BEST_REPEAT_MS = 3_000
PAIRED = {"bid1Price": "bid1Size", "bid1Size": "bid1Price", "ask1Price": "ask1Size", "ask1Size": "ask1Price"}

Levels = dict[Decimal, Decimal]


class BookFrame(msgspec.Struct, gc=False):
    topic: str
    type: str
    ts: int
    data: BookRows
    cts: int


class TickerFrame(msgspec.Struct, gc=False):
    topic: str
    type: str
    data: dict[str, str]
    cs: int
    ts: int


class KlineFrame(msgspec.Struct, gc=False):
    topic: str
    data: list[rows.Kline]
    ts: int
    type: str = "snapshot"


class TradeFrame(msgspec.Struct, gc=False):
    topic: str
    type: str
    ts: int
    data: list[rows.Trade]


class LiquidationFrame(msgspec.Struct, gc=False):
    topic: str
    type: str
    ts: int
    data: list[rows.Liquidation]


class BookFeed:
    """`orderbook.{depth}.{symbol}`: the view last published, and `u`, one more with each message."""

    def __init__(self, market: Market, depth: int, first_u: int) -> None:
        self.topic = f"orderbook.{depth}.{market.contract.symbol}"
        self.interval_ms = BOOK_INTERVAL_MS[depth]
        self.u = first_u
        self._market, self._depth = market, depth
        self._bids: Levels = {}
        self._asks: Levels = {}
        self._seq = 0
        self._said_ms = 0
        self._read()

    def next(self, now_ms: int) -> bytes | None:
        """The frame that brings subscribers up to the engine's book, or nothing if it says nothing new."""
        if self._market.engine.seq == self._seq:
            return self._repeat(now_ms)
        bids, asks = self._bids, self._asks
        self._read()
        more_bids, more_asks = _changes(bids, self._bids), _changes(asks, self._asks)
        if not more_bids and not more_asks:
            return self._repeat(now_ms)
        self.u += 1
        self._said_ms = now_ms
        if self._depth == 1:
            return self.snapshot(now_ms)
        return self._frame("delta", more_bids, more_asks, now_ms)

    def snapshot(self, now_ms: int) -> bytes:
        """The whole view last published."""
        return self._frame("snapshot", *self.view(), now_ms)

    def view(self) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """The levels last published, best first."""
        return _texts(self._bids.items()), _texts(self._asks.items())

    def rows(self) -> BookRows:
        bids, asks = self.view()
        return BookRows(self._market.contract.symbol, bids, asks, self.u, self._seq)

    def _repeat(self, now_ms: int) -> bytes | None:
        """Depth 1 repeats itself after three seconds of silence, under the same `u`."""
        if self._depth != 1 or now_ms - self._said_ms < BEST_REPEAT_MS:
            return None
        self._said_ms = now_ms
        return self.snapshot(now_ms)

    def _read(self) -> None:
        engine = self._market.engine
        self._bids, self._asks = dict(engine.depth(Side.BUY, self._depth)), dict(engine.depth(Side.SELL, self._depth))
        self._seq = engine.seq

    def _frame(self, kind: str, bids: list[tuple[str, str]], asks: list[tuple[str, str]], now_ms: int) -> bytes:
        book = BookRows(self._market.contract.symbol, bids, asks, self.u, self._seq)
        frame = BookFrame(self.topic, kind, now_ms, book, self._market.engine.last_ms)
        return msgspec.json.encode(frame)


def _texts(levels: Iterable[tuple[Decimal, Decimal]]) -> list[tuple[str, str]]:
    return [(str(price), str(size)) for price, size in levels]


class TickerFeed:
    """`tickers.{symbol}`: a snapshot, then what changed; price and size of a best level always come together."""

    interval_ms = TICKER_INTERVAL_MS

    def __init__(self, market: Market) -> None:
        self.topic = f"tickers.{market.contract.symbol}"
        self._market = market
        self._said = render.ticker(market)

    def next(self, now_ms: int) -> bytes | None:
        fresh = render.ticker(self._market)
        changed = {name for name, value in fresh.items() if self._said[name] != value}
        changed |= {PAIRED[name] for name in changed if name in PAIRED}
        self._said = fresh
        if not changed:
            return None
        return self._frame("delta", {n: v for n, v in fresh.items() if n == "symbol" or n in changed}, now_ms)

    def snapshot(self, now_ms: int) -> bytes:
        return self._frame("snapshot", self._said, now_ms)

    def _frame(self, kind: str, fields: dict[str, str], now_ms: int) -> bytes:
        return msgspec.json.encode(TickerFrame(self.topic, kind, fields, self._market.engine.seq, now_ms))


class KlineFeed:
    """`kline.{interval}.{symbol}`: the candle in the making once a second while it changes, and once more when it closes."""

    interval_ms = KLINE_INTERVAL_MS

    def __init__(self, market: Market, span: Span) -> None:
        self.topic = f"kline.{span.word}.{market.contract.symbol}"
        self._market, self._span = market, span
        self._start_ms = span.start(market.minutes[-1].start_ms) if market.minutes else 0
        self._said = b""

    def next(self, now_ms: int) -> bytes | None:
        start = self._span.start(now_ms)
        closing = self._start_ms if self._start_ms < start else None
        candles = [c for s in (closing, start) if s is not None and (c := self._market.candle(self._span, s))]
        self._start_ms = start
        drawn = [render.kline(candle, self._span, now_ms) for candle in candles]
        if not drawn:
            return None
        seen = msgspec.json.encode([(k.start, k.close, k.volume) for k in drawn])
        if seen == self._said:
            return None
        self._said = seen
        return msgspec.json.encode(KlineFrame(self.topic, drawn, now_ms))

    def snapshot(self, now_ms: int) -> bytes | None:
        """Candles have no snapshot of their own: the one in the making is said again."""
        self._said = b""
        return self.next(now_ms)


Feed = BookFeed | TickerFeed | KlineFeed


def _changes(old: Levels, new: Levels) -> list[tuple[str, str]]:
    """Levels set or changed with their size, and levels gone with size 0."""
    changed = [(str(price), str(size)) for price, size in new.items() if old.get(price) != size]
    return changed + [(str(price), "0") for price in old if price not in new]
