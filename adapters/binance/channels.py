"""One object a public stream: a frame in, market events out, sequence rules kept; books are in `book.py`.

Symbol and venue are interned here once, so that a frame costs one decode and one event. Whatever does not fit raises
`msgspec.DecodeError`; `websocket.py` makes a status of it.
"""

from collections.abc import Callable, Sequence

import msgspec

from adapters.base.settings import MarketChannel
from adapters.binance import wire
from state.events import AnyEvent, Candle, FeedStatus, Liquidation, Ticker, Trade
from state.words import FeedState, TradeKind

MS = 1_000_000  # ns

KINDS: dict[str, TradeKind] = {"INSURANCE_FUND": "insurance", "ADL": "adl"}

_trade = msgspec.json.Decoder(wire.TradeMessage, strict=False).decode
_aggregate = msgspec.json.Decoder(wire.AggregateTradeMessage, strict=False).decode
_touch = msgspec.json.Decoder(wire.BookTickerMessage, strict=False).decode
_mark = msgspec.json.Decoder(wire.MarkPriceMessage, strict=False).decode
_day = msgspec.json.Decoder(wire.DayTickerMessage, strict=False).decode
_kline = msgspec.json.Decoder(wire.KlineMessage, strict=False).decode
_forced = msgspec.json.Decoder(wire.ForcedOrderMessage, strict=False).decode


class Channel:
    """A stream and what its feed is worth; `status` is None until somebody was told, `heard` is False until it spoke."""

    __slots__ = ("heard", "status", "stream", "symbol", "venue")

    channel: MarketChannel
    chatty = False  # whether it must speak within seconds, on any market that lives

    def __init__(self, venue: str, stream: str, symbol: str) -> None:
        self.venue = venue
        self.stream = stream
        self.symbol = symbol
        self.status: FeedState | None = None
        self.heard = False

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        raise NotImplementedError

    def distrust(self, status: FeedState, reason: str) -> FeedStatus:
        """What is known is worth nothing until the venue tells it whole again."""
        self.status = status
        return FeedStatus(self.venue, self.symbol, self.channel, status, reason)

    def trust(self) -> list[AnyEvent]:
        """The word that all is well again, where it had been in doubt."""
        doubted = self.status not in (None, "ok")
        self.status = "ok"
        if not doubted:
            return []
        return [FeedStatus(self.venue, self.symbol, self.channel, "ok")]

    @property
    def is_waiting(self) -> bool:
        """True while the venue must be asked for the whole."""
        return False

    @property
    def heals_on_ack(self) -> bool:
        """A stream of facts is good once subscribed; a book is not before it is whole."""
        return True


class TradesChannel(Channel):
    """Ids rise, so a trade told before, by stream or after a reconnect by REST, is known by its id."""

    __slots__ = ("_gap", "last")

    channel = "trades"

    def __init__(self, venue: str, stream: str, symbol: str) -> None:
        super().__init__(venue, stream, symbol)
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
        t = _trade(frame).data
        if not self.is_news(t.t):
            return ()
        kind = "normal" if t.X == "MARKET" else KINDS.get(t.X, "normal")
        return (Trade(self.venue, self.symbol, t.T * MS, str(t.t), t.p, t.q, "sell" if t.m else "buy", kind),)

    def is_news(self, trade_id: int) -> bool:
        """False for a trade told before; takes note of the others."""
        if trade_id <= self.last:
            return False
        self.last = trade_id
        if self._gap is not None and len(self._gap) == 1:
            self._gap.append(trade_id)
        return True


class AggregatesChannel(TradesChannel):
    """Trades of one taker at one price within 100 ms are one; insurance and deleveraging are not among them."""

    __slots__ = ()

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        t = _aggregate(frame).data
        if not self.is_news(t.a):
            return ()
        return (aggregate(self.venue, self.symbol, t),)


class TouchChannel(Channel):
    """The best bid and ask, as they change."""

    __slots__ = ()

    channel = "ticker"
    chatty = True

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        t = _touch(frame).data
        ts = (t.T or t.E) * MS or None
        return (Ticker(self.venue, self.symbol, ts, None, t.b, t.B, t.a, t.A),)


class MarkChannel(Channel):
    """Mark, index and funding, every second."""

    __slots__ = ()

    channel = "ticker"
    chatty = True

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        m = _mark(frame).data
        return (
            Ticker(
                self.venue,
                self.symbol,
                m.E * MS,
                mark=m.p,
                index=m.i,
                funding_rate=None if m.r == "" else m.r,
                next_funding=m.T * MS or None,
            ),
        )


class DayChannel(Channel):
    """Last price and the volume of 24 hours; spot with the touch."""

    __slots__ = ()

    channel = "ticker"

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        d = _day(frame).data
        return (Ticker(self.venue, self.symbol, d.E * MS, d.c, d.b, d.B, d.a, d.A, volume_24h=d.v),)


class CandlesChannel(Channel):
    """Klines of one interval."""

    __slots__ = ()

    channel = "candles"

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        event = _kline(frame).data
        k, seconds = event.k, (event.k.T + 1 - event.k.t) // 1000
        return (
            Candle(
                self.venue, self.symbol, event.E * MS, k.t * MS, seconds, k.o, k.h, k.l, k.c, k.v, k.q, k.n, k.x
            ),
        )  # fmt: skip


class LiquidationsChannel(Channel):
    """At most the largest one a second is told."""

    __slots__ = ()

    channel = "liquidations"

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        o = _forced(frame).data.o
        side = "buy" if o.S == "BUY" else "sell"
        return (Liquidation(self.venue, self.symbol, o.T * MS, side, o.ap or o.p, o.z or o.q),)  # type: ignore[arg-type]


def aggregate(venue: str, symbol: str, t: wire.AggregateTrade, *, backfilled: bool = False) -> Trade:
    """A trade event from an aggregate, by stream or REST."""
    kind: TradeKind = "rpi" if t.nq == 0.0 else "normal"
    return Trade(venue, symbol, t.T * MS, str(t.a), t.p, t.q, "sell" if t.m else "buy", kind, backfilled)


CHANNELS: dict[str, Callable[[str, str, str], Channel]] = {
    "trade": TradesChannel,
    "aggTrade": AggregatesChannel,
    "bookTicker": TouchChannel,
    "markPrice": MarkChannel,
    "ticker": DayChannel,
    "forceOrder": LiquidationsChannel,
}
