"""One object a public topic: a frame in, market events out, sequence rules kept.

Symbol and venue are interned here once, so that a frame costs one decode and one event. Whatever does not fit raises
`msgspec.DecodeError`; `websocket.py` makes a status of it.
"""

from collections.abc import Callable, Sequence

import msgspec

from adapters.base.channel import Channel
from adapters.base.seen import SeenTrades
from adapters.bybit import wire
from state.events import AnyEvent, BookDelta, BookSnapshot, Candle, FeedStatus, Liquidation, Ticker, Trade
from state.words import FeedState, Side

MS = 1_000_000  # ns

# Book positions that no update id takes: nothing is known yet, or a resync is awaited.
_NEW, _LOST = -3, -5

_SIDE: dict[str, Side] = {"Buy": "buy", "Sell": "sell"}
_FORCED: dict[str, Side] = {"Buy": "sell", "Sell": "buy"}  # a liquidated long is sold

_book = msgspec.json.Decoder(wire.BookMessage, strict=False).decode
_trades = msgspec.json.Decoder(wire.Push[wire.TradeItem], strict=False).decode
_ticker = msgspec.json.Decoder(wire.TickerMessage, strict=False).decode
_ticker_text = msgspec.json.Decoder(wire.TickerText, strict=False).decode
_klines = msgspec.json.Decoder(wire.Push[wire.KlineItem], strict=False).decode
_liquidations = msgspec.json.Decoder(wire.Push[wire.LiquidationItem], strict=False).decode


class BookChannel(Channel):
    """`u` rises by exactly one a message; a snapshot starts afresh (also `u` = 1 after the venue's restart)."""

    __slots__ = ("_last", "depth")

    channel = "book"

    def __init__(self, venue: str, topic: str, symbol: str, depth: int) -> None:
        super().__init__(venue, topic, symbol)
        self.depth = depth
        self._last = _NEW

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        message = _book(frame)
        data = message.data
        update_id, last = data.u, self._last
        if message.type == "delta":
            if update_id != last + 1:
                return self._irregular(update_id)
            self._last = update_id
            ts = (message.cts or message.ts) * MS
            return (BookDelta(self.venue, self.symbol, ts, data.b, data.a, update_id, last),)
        self._last = update_id
        ts = (message.cts or message.ts) * MS
        snapshot = BookSnapshot(self.venue, self.symbol, ts, data.b, data.a, update_id, self.depth)
        if self.status is None or self.status == "ok":
            return (snapshot,)
        return [snapshot, *self.trust()]

    def _irregular(self, update_id: int) -> Sequence[AnyEvent]:
        last = self._last
        if last == _LOST or 0 <= update_id <= last:
            return ()
        self._last = _LOST
        expected = "a snapshot" if last == _NEW else f"update {last + 1}"
        return (
            FeedStatus(self.venue, self.symbol, "book", self._gap(), f"expected {expected}, got update {update_id}"),
        )

    def _gap(self) -> FeedState:
        self.status = "gap"
        return "gap"

    def distrust(self, status: FeedState, reason: str) -> FeedStatus:
        self._last = _LOST
        return super().distrust(status, reason)

    @property
    def is_waiting(self) -> bool:
        return self._last == _LOST

    @property
    def heals_on_ack(self) -> bool:
        return False


class TradesChannel(SeenTrades):
    """Ids are no numbers, so those told last are remembered."""

    __slots__ = ()

    def read(self, frame: bytes, *, late: bool) -> Sequence[Trade]:
        venue, symbol = self.venue, self.symbol
        return [
            Trade(venue, symbol, t.T * MS, t.i, t.p, t.v, _SIDE[t.S], "block" if t.BT else "rpi" if t.RPI else "normal")
            for t in _trades(frame).data
        ]


class TickerChannel(Channel):
    """A delta carries only what changed, and so does the event."""

    __slots__ = ()

    channel = "ticker"

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        try:
            message = _ticker(frame)
        except msgspec.ValidationError:
            text = _ticker_text(frame)
            said = {name: word for name, word in text.data.items() if word != ""}
            message = wire.TickerMessage(text.ts, msgspec.convert(said, wire.TickerData, strict=False))
        return (ticker(self.venue, self.symbol, message.ts, message.data),)


class CandlesChannel(Channel):
    """Klines of one interval."""

    __slots__ = ()

    channel = "candles"

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        return [
            Candle(
                self.venue,
                self.symbol,
                k.timestamp * MS,
                k.start * MS,
                (k.end + 1 - k.start) // 1000,
                k.open,
                k.high,
                k.low,
                k.close,
                k.volume,
                k.turnover,
                None,
                k.confirm,
            )
            for k in _klines(frame).data
        ]


class LiquidationsChannel(Channel):
    """The wire names the side of the position; the event that of the forced order."""

    __slots__ = ()

    channel = "liquidations"

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        return [
            Liquidation(self.venue, self.symbol, item.T * MS, _FORCED[item.S], item.p, item.v)
            for item in _liquidations(frame).data
        ]


def ticker(venue: str, symbol: str, ts_ms: int, said: wire.TickerData) -> Ticker:
    """A ticker event from what was said, by stream or REST."""
    hours, following = said.fundingIntervalHour, said.nextFundingTime
    return Ticker(
        venue, symbol, ts_ms * MS, said.lastPrice, said.bid1Price, said.bid1Size, said.ask1Price, said.ask1Size,
        said.markPrice, said.indexPrice, said.fundingRate, None if hours is None else hours * 3600,
        None if following is None else following * MS, said.openInterest, said.volume24h,
    )  # fmt: skip


_PLAIN: dict[str, Callable[[str, str, str], Channel]] = {
    "publicTrade": TradesChannel,
    "tickers": TickerChannel,
    "allLiquidation": LiquidationsChannel,
}


def channel_of(venue: str, topic: str) -> Channel | None:
    """The channel that a topic names, or None for a topic that is none of ours."""
    kind, _, rest = topic.partition(".")
    if kind in _PLAIN:
        return _PLAIN[kind](venue, topic, rest) if rest else None
    parameter, _, symbol = rest.partition(".")
    if not symbol:
        return None
    if kind == "orderbook" and parameter.isdigit():
        return BookChannel(venue, topic, symbol, int(parameter))
    if kind == "kline":
        return CandlesChannel(venue, topic, symbol)
    return None
