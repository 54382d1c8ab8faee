"""One object a public topic: a frame in, market events out.

Whatever does not fit raises `msgspec.DecodeError` or `ValueError`; the socket makes a status of it.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from adapters.base.candles import ClosedByNext
from adapters.base.channel import Channel
from adapters.base.joined import Joined
from adapters.base.seen import SeenTrades
from adapters.hyperliquid import wire
from state.events import AnyEvent, BookSnapshot, Candle, FeedStatus, Ticker, Trade
from state.market_events import Level
from state.words import FeedState, Side

MS = 1_000_000  # ns
HOUR_S = 3_600
DEEP, FAST = 20, 5  # levels of a book every five seconds, and twice a second
SIDES: dict[wire.BookSide, Side] = {"B": "buy", "A": "sell"}
T = TypeVar("T")


def decoder(shape: type[T]) -> Callable[[bytes], wire.Message[T]]:
    """Reads frames of a topic; numbers stand in quotes."""
    return msgspec.json.Decoder(wire.Message[shape], strict=False).decode  # type: ignore[valid-type]


_book = decoder(wire.Book)
_trades = decoder(list[wire.Trade])
_touch = decoder(wire.Touch)
_context = decoder(wire.CoinContext)
_candle = decoder(wire.Candle)


class TradesChannel(SeenTrades):
    """The first message of a connection holds trades of before."""

    __slots__ = ()

    def read(self, frame: bytes, *, late: bool) -> Sequence[Trade]:
        rows = _trades(frame).data
        if late:
            rows.sort(key=lambda row: row.time)
        return [trade(self.venue, self.symbol, row, backfilled=late) for row in rows]


class TouchChannel(Channel):
    """The best bid and ask of each block that changes them."""

    __slots__ = ()

    channel = "ticker"

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        said = _touch(frame).data
        sides = ((None, None) if side is None else (side.px, side.sz) for side in (*said.bbo, None, None)[:2])
        (bid, bid_size), (ask, ask_size) = sides
        return (Ticker(self.venue, self.symbol, said.time * MS, None, bid, bid_size, ask, ask_size),)


class ContextChannel(Channel):
    """Mark, oracle, funding of the hour, open interest."""

    __slots__ = ()

    channel = "ticker"
    chatty = True

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        return (ticker(self.venue, self.symbol, _context(frame).data.ctx),)


class CandlesChannel(ClosedByNext):
    __slots__ = ()

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        return self.told([candle(self.venue, _candle(frame).data)])


class BookChannel(Channel):
    """One cadence of a book: whole every time, so that nothing can be missed."""

    __slots__ = ("_joined", "told_at")
    channel = "book"
    chatty = True
    heals_on_ack = False

    def __init__(self, venue: str, topic: str, symbol: str, joined: Joined) -> None:
        super().__init__(venue, topic, symbol)
        self.told_at = 0  # ns, ours
        self._joined = joined

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        said = _book(frame).data
        found = self._joined.take(said.time, *(levels(side) for side in said.levels), quick=said.fast)
        if found is None:
            return ()
        bids, asks, quick = found
        depth, ts = FAST if quick else DEEP, said.time * MS or None
        whole = BookSnapshot(self.venue, self.symbol, ts, bids, asks, None, depth)
        return (whole,) if self.status == "ok" else (whole, *self.trust())

    def distrust(self, status: FeedState, reason: str) -> FeedStatus:
        self._joined.forget()
        return super().distrust(status, reason)


def levels(side: Sequence[wire.Level]) -> list[Level]:
    return [(level.px, level.sz) for level in side]


def trade(venue: str, symbol: str, said: wire.Trade, *, backfilled: bool = False) -> Trade:
    """A trade event, by stream or REST."""
    trade_id = f"{said.time}-{said.tid}"
    return Trade(venue, symbol, said.time * MS, trade_id, said.px, said.sz, SIDES[said.side], "normal", backfilled)


def ticker(venue: str, symbol: str, said: wire.Context) -> Ticker:
    """A ticker event from a context, which has no time of its own."""
    return Ticker(
        venue, symbol, None, mark=said.markPx, index=said.oraclePx, funding_rate=said.funding,
        funding_interval_s=None if said.funding is None else HOUR_S, open_interest=said.openInterest,
        volume_24h=said.dayBaseVlm,
    )  # fmt: skip


def candle(venue: str, said: wire.Candle, *, closed: bool = False) -> Candle:
    """A candle event, by stream or REST."""
    seconds = (said.T + 1 - said.t) // 1_000
    return Candle(
        venue, said.s, None, said.t * MS, seconds, said.o, said.h, said.l, said.c, said.v, None, said.n, closed
    )


CHANNELS: dict[str, Callable[[str, str, str], Channel]] = {
    "trades": TradesChannel, "bbo": TouchChannel, "activeAssetCtx": ContextChannel, "candle": CandlesChannel,
}  # fmt: skip
