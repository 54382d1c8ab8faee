"""One object a public topic: a frame in, market events out; books are in `book.py`.

Whatever does not fit raises `msgspec.DecodeError` or `ValueError`; the socket makes a status of it.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from adapters.base.channel import Channel
from adapters.base.seen import SeenTrades
from adapters.hyperliquid import wire
from state.events import AnyEvent, Candle, FeedStatus, Ticker, Trade
from state.words import FeedState, Side

MS = 1_000_000  # ns
HOUR_S = 3_600
SIDES: dict[wire.BookSide, Side] = {"B": "buy", "A": "sell"}
T = TypeVar("T")


def decoder(shape: type[T]) -> Callable[[bytes], wire.Message[T]]:
    """Reads frames of a topic; numbers stand in quotes."""
    return msgspec.json.Decoder(wire.Message[shape], strict=False).decode  # type: ignore[valid-type]


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
        bid, ask = (*said.bbo, None, None)[:2]
        return (
            Ticker(
                self.venue, self.symbol, said.time * MS, None,
                None if bid is None else bid.px, None if bid is None else bid.sz,
                None if ask is None else ask.px, None if ask is None else ask.sz,
            ),
        )  # fmt: skip


class ContextChannel(Channel):
    """Mark, oracle, funding of the hour, open interest."""

    __slots__ = ()

    channel = "ticker"
    chatty = True

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        return (ticker(self.venue, self.symbol, _context(frame).data.ctx),)


class CandlesChannel(Channel):
    """Candles of one interval. The venue never says that one is closed: the next one does."""

    __slots__ = ("_last",)

    channel = "candles"

    def __init__(self, venue: str, topic: str, symbol: str) -> None:
        super().__init__(venue, topic, symbol)
        self._last: Candle | None = None

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        told, last = candle(self.venue, _candle(frame).data), self._last
        if last is not None and told.start < last.start:
            return ()
        self._last = told
        if last is None or told.start == last.start:
            return (told,)
        return (msgspec.structs.replace(last, closed=True), told)

    def distrust(self, status: FeedState, reason: str) -> FeedStatus:
        self._last = None  # what it became is not known
        return super().distrust(status, reason)


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
    "trades": TradesChannel,
    "bbo": TouchChannel,
    "activeAssetCtx": ContextChannel,
    "candle": CandlesChannel,
}
