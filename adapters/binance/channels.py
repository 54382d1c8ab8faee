"""One object a public stream: a frame in, market events out; books are in `book.py`.

Whatever does not fit raises `msgspec.DecodeError` or `ValueError`; the socket makes a status of it.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from adapters.base.channel import Channel
from adapters.base.rising import RisingTrades
from adapters.binance import wire
from adapters.binance.types import TRADE_KINDS, Types
from state.events import AnyEvent, Candle, Liquidation, Ticker, Trade
from state.words import TradeKind

MS = 1_000_000  # ns
T = TypeVar("T")


def decoder(shape: type[T]) -> Callable[[bytes], wire.Message[T]]:
    """Reads frames of a stream; numbers stand in quotes."""
    return msgspec.json.Decoder(wire.Message[shape], strict=False).decode  # type: ignore[valid-type]


_trade = decoder(wire.Trade)
_quote = decoder(wire.Quote)
_mark = decoder(wire.Mark)
_kline = decoder(wire.KlineEvent)
_forced = decoder(wire.ForcedOrderEvent)


class TradesChannel(RisingTrades):
    """Aggregates join what one taker took at one price within 100 ms, without insurance and deleveraging."""

    __slots__ = ()

    def read(self, frame: bytes) -> Sequence[Trade]:
        return (trade(self.venue, self.symbol, _trade(frame).data),)


class QuoteChannel(Channel):
    """The last price and the volume of 24 hours; spot with the touch."""

    __slots__ = ()
    channel = "ticker"
    decode = staticmethod(_quote)

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        return (ticker(self.venue, self.symbol, self.decode(frame).data),)


class TouchChannel(QuoteChannel):
    """The best bid and ask, as they change."""

    __slots__ = ()
    chatty = True


class MarkChannel(TouchChannel):
    """Mark, index and funding, every second."""

    __slots__ = ()
    decode = staticmethod(_mark)


class CandlesChannel(Channel):
    """Klines of one interval."""

    __slots__ = ()
    channel = "candles"

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        data = _kline(frame).data
        k, ts, seconds = data.k, data.E * MS, (data.k.T + 1 - data.k.t) // 1000
        return (Candle(self.venue, self.symbol, ts, k.t * MS, seconds, k.o, k.h, k.l, k.c, k.v, k.q, k.n, k.x),)


class LiquidationsChannel(Channel):
    """At most the largest one a second is told."""

    __slots__ = ()
    channel = "liquidations"

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        o = _forced(frame).data.o
        return (Liquidation(self.venue, self.symbol, o.T * MS, Types.side.parse(o.S), o.ap or o.p, o.z or o.q),)


def trade(venue: str, symbol: str, t: wire.Trade, *, backfilled: bool = False) -> Trade:
    """A trade event, by stream or REST. Raises `ValueError` where it has no id."""
    trade_id = t.a if t.t is None else t.t
    if trade_id is None:
        raise ValueError("a trade without an id")
    kind: TradeKind = "rpi" if t.nq == 0.0 else TRADE_KINDS.get(t.X, "normal")
    return Trade(venue, symbol, t.T * MS, str(trade_id), t.p, t.q, "sell" if t.m else "buy", kind, backfilled)


def ticker(venue: str, symbol: str, said: wire.Ticker) -> Ticker:
    """A ticker event from what was said, by stream or REST. Raises `ValueError` where that is nothing."""
    if said.last is said.bid is said.mark is said.open_interest is None:
        raise ValueError("a ticker that says nothing")
    return Ticker(
        venue, symbol, (said.engine_ms or said.time_ms) * MS or None, said.last, said.bid, said.bid_size, said.ask,
        said.ask_size, said.mark, said.index, None if said.rate == "" else said.rate, None, said.funding_ms * MS or None,
        said.open_interest, said.volume,
    )  # fmt: skip


CHANNELS: dict[str, Callable[[str, str, str], Channel]] = {
    "trade": TradesChannel,
    "aggTrade": TradesChannel,
    "bookTicker": TouchChannel,
    "markPrice": MarkChannel,
    "ticker": QuoteChannel,
    "forceOrder": LiquidationsChannel,
}
