"""One object a public stream: a frame in, market events out; books are in `book.py`.

Whatever does not fit raises `msgspec.DecodeError`; `websocket.py` makes a status of it.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from adapters.base.channel import Channel
from adapters.binance import wire
from adapters.binance.types import TRADE_KINDS
from state.events import AnyEvent, Candle, FeedStatus, Liquidation, Ticker, Trade
from state.words import FeedState, Side, TradeKind

MS = 1_000_000  # ns
T = TypeVar("T")


def decoder(shape: type[T]) -> Callable[[bytes], wire.Message[T]]:
    """Reads frames of a stream; numbers stand in quotes."""
    return msgspec.json.Decoder(wire.Message[shape], strict=False).decode  # type: ignore[valid-type]


_trade = decoder(wire.Trade)
_quote = decoder(wire.Quote)
_mark = decoder(wire.MarkPrice)
_kline = decoder(wire.KlineEvent)
_forced = decoder(wire.ForcedOrderEvent)


class TradesChannel(Channel):
    """Ids rise, so a trade told before, by stream or after a reconnect by REST, is known by its id.

    Aggregates join what one taker took at one price within 100 ms, without insurance and deleveraging.
    """

    __slots__ = ("_gap", "last")

    channel = "trades"

    def __init__(self, venue: str, topic: str, symbol: str) -> None:
        super().__init__(venue, topic, symbol)
        self.last = -1
        self._gap: list[int] | None = None  # last id before a reconnect, and the first after it

    def distrust(self, status: FeedState, reason: str) -> FeedStatus:
        if status == "down" and self.last >= 0:
            self._gap = [self.last]
        return super().distrust(status, reason)

    def missed(self, trades: Sequence[Trade]) -> Sequence[Trade]:
        """What was traded since the last one before a reconnect and was not told since."""
        gap, self._gap = self._gap, None
        if gap is None:
            return ()
        first = gap[1] if len(gap) > 1 else 2**63
        found = [trade for trade in trades if gap[0] < int(trade.trade_id) < first]
        self.last = max([self.last, *(int(trade.trade_id) for trade in found)])
        return found

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        event = trade(self.venue, self.symbol, _trade(frame).data)
        trade_id = int(event.trade_id)
        if trade_id <= self.last:
            return ()
        self.last = trade_id
        if self._gap is not None and len(self._gap) == 1:
            self._gap.append(trade_id)
        return (event,)


class QuoteChannel(Channel):
    """The last price and the volume of 24 hours; spot with the touch."""

    __slots__ = ()
    channel = "ticker"

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        q = _quote(frame).data
        if q.b is None and q.c is None:
            raise ValueError("neither a touch nor a price")
        ts = (q.T or q.E) * MS or None
        return (Ticker(self.venue, self.symbol, ts, q.c, q.b, q.B, q.a, q.A, volume_24h=q.v),)


class TouchChannel(QuoteChannel):
    """The best bid and ask, as they change."""

    __slots__ = ()
    chatty = True


class MarkChannel(Channel):
    """Mark, index and funding, every second."""

    __slots__ = ()
    channel = "ticker"
    chatty = True

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        m = _mark(frame).data
        rate, following = None if m.r == "" else m.r, m.T * MS or None
        told = Ticker(self.venue, self.symbol, m.E * MS, mark=m.p, index=m.i, funding_rate=rate, next_funding=following)
        return (told,)


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
        side: Side = "buy" if o.S == "BUY" else "sell"
        return (Liquidation(self.venue, self.symbol, o.T * MS, side, o.ap or o.p, o.z or o.q),)


def trade(venue: str, symbol: str, t: wire.Trade, *, backfilled: bool = False) -> Trade:
    """A trade event, by stream or REST. Raises `ValueError` where it has no id."""
    trade_id = t.a if t.t is None else t.t
    if trade_id is None:
        raise ValueError("a trade without an id")
    kind: TradeKind = "rpi" if t.nq == 0.0 else TRADE_KINDS.get(t.X, "normal")
    return Trade(venue, symbol, t.T * MS, str(trade_id), t.p, t.q, "sell" if t.m else "buy", kind, backfilled)


CHANNELS: dict[str, Callable[[str, str, str], Channel]] = {
    "trade": TradesChannel,
    "aggTrade": TradesChannel,
    "bookTicker": TouchChannel,
    "markPrice": MarkChannel,
    "ticker": QuoteChannel,
    "forceOrder": LiquidationsChannel,
}
