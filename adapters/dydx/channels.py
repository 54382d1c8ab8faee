"""One object a public topic but books, which are in `book.py`: a frame in, market events out.

Each answer to a subscription is a snapshot, so that what a reconnect missed is told by the stream itself. Whatever does not fit
raises `msgspec.DecodeError`; the socket makes a status of it.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeVar

import msgspec

from adapters.base.candles import ClosedByNext
from adapters.base.channel import Channel
from adapters.base.iso import ns
from adapters.base.rising import RisingTrades
from adapters.base.uncrossed import UncrossedBook
from adapters.dydx import wire
from adapters.dydx.types import SECONDS, SIDES, TRADE_KINDS
from state.events import AnyEvent, Candle, Level, Liquidation, Ticker, Trade

FUNDING_S = 3_600
SNAPSHOT_LEVELS = 100  # deeper ones are known where an update told them
T = TypeVar("T")

_book = msgspec.json.Decoder(wire.Frame[wire.Changes | list[wire.Changes]], strict=False).decode
_trades = lru_cache(1)(msgspec.json.Decoder(wire.Frame[wire.Trades | list[wire.Trades]], strict=False).decode)
_markets = lru_cache(1)(msgspec.json.Decoder(wire.Frame[wire.Markets | list[wire.Markets]], strict=False).decode)
_candles = msgspec.json.Decoder(wire.Frame[wire.Candles], strict=False).decode
_candle = msgspec.json.Decoder(wire.Frame[wire.Candle | list[wire.Candle]], strict=False).decode


class BookChannel(UncrossedBook):
    """A snapshot, then absolute sizes. The venue has no sequence of its own, so a message's number is the update's.

    https://docs.dydx.xyz/interaction/data/watch-orderbook#uncrossing-the-orderbook
    """

    __slots__ = ("_connection",)

    def __init__(self, venue: str, topic: str, symbol: str) -> None:
        super().__init__(venue, topic, symbol, SNAPSHOT_LEVELS)
        self._connection = ""

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        message = _book(frame)
        is_other = message.connection_id != self._connection
        self._connection = message.connection_id
        if message.type == "subscribed":
            bids, asks = pairs(listed(message)[0])
            return [self.whole(bids, asks, message.message_id), *self.trust()]
        if is_other and not self.is_waiting:
            return (self.distrust("gap", "another connection, and no snapshot of it"),)
        return self.changed(map(pairs, listed(message)), message.message_id)


class TradesChannel(RisingTrades):
    """Ids rise as hexadecimal numbers. A snapshot's trades are history, of which what a recording missed is told; live, what a
    reconnect missed is asked of REST, which keeps more of it.
    """

    __slots__ = ()

    def number(self, trade_id: str) -> int:
        """One of another form, as in recordings of before, has no order: it is the next."""
        try:
            return int(trade_id, 16)
        except ValueError:
            return self.last + 1

    def read(self, frame: bytes) -> Sequence[Trade]:
        message = _trades(frame)
        late = message.type == "subscribed"
        if late and (self.last < 0 or self.status not in (None, "ok")):
            return ()
        told = [trade(self.venue, self.symbol, row, backfilled=late) for each in listed(message) for row in each.trades]
        return sorted(told, key=lambda event: self.number(event.trade_id)) if late else told  # it has the newest first


class LiquidationsChannel(Channel):
    """Forced orders, as the public trades tell them; what was before the subscription is left to the trades."""

    __slots__ = ()
    channel = "liquidations"

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        message = _trades(frame)
        if message.type == "subscribed":
            return ()
        forced = [row for each in listed(message) for row in each.trades if row.type in TRADE_KINDS]
        return [
            Liquidation(self.venue, self.symbol, ns(row.createdAt), SIDES[row.side], row.price, row.size)
            for row in forced
        ]


class MarketsChannel(Channel):
    """Oracle price, funding and open interest of one market, or of all that are told where `symbol` is empty."""

    __slots__ = ()
    channel = "ticker"

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        events = []
        for said in listed(_markets(frame)):
            for symbol, market in (*said.markets.items(), *said.trading.items()):
                if self.symbol in ("", symbol) and (told := ticker(self.venue, symbol, market)) is not None:
                    events.append(told)
            for symbol, price in said.oraclePrices.items():
                if self.symbol in ("", symbol):
                    oracle, ts = price.oraclePrice, ns(price.effectiveAt)
                    events.append(Ticker(self.venue, symbol, ts, mark=oracle, index=oracle))
        return events


class CandlesChannel(ClosedByNext):
    """One resolution; a snapshot begins with history."""

    __slots__ = ()

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        resolution, is_snapshot = self.topic.rpartition("/")[2], b'"candles"' in frame
        rows = _candles(frame).contents.candles if is_snapshot else listed(_candle(frame))
        return self.told([candle(self.venue, row, resolution) for row in rows], anew=is_snapshot)


def pairs(said: wire.Changes) -> tuple[list[Level], list[Level]]:
    """Bids and asks: rows of a snapshot, pairs of an update."""
    sides = (
        [(row.price, row.size) if isinstance(row, wire.Row) else row for row in side] for side in (said.bids, said.asks)
    )
    bids, asks = sides
    return bids, asks


def listed(message: wire.Frame[T | list[T]]) -> list[T]:
    """The contents, batched or not."""
    return message.contents if isinstance(message.contents, list) else [message.contents]


def trade(venue: str, symbol: str, row: wire.Trade, *, backfilled: bool = False) -> Trade:
    """A trade event, by stream or REST."""
    kind = TRADE_KINDS.get(row.type, "normal")
    return Trade(venue, symbol, ns(row.createdAt), row.id, row.price, row.size, SIDES[row.side], kind, backfilled)


def ticker(venue: str, symbol: str, row: wire.Market) -> Ticker | None:
    """What a market says of itself, None where that is nothing; the oracle's price is mark and index here."""
    if row.oraclePrice is row.nextFundingRate is row.openInterest is None:
        return None
    return Ticker(
        venue, symbol, None, mark=row.oraclePrice, index=row.oraclePrice, funding_rate=row.nextFundingRate,
        funding_interval_s=FUNDING_S, open_interest=row.openInterest,
    )  # fmt: skip


def candle(venue: str, row: wire.Candle, resolution: str, *, closed: bool = False) -> Candle:
    """A candle, by stream or REST. Raises `ValueError` for a resolution that no table has."""
    start, seconds = ns(row.startedAt), SECONDS.get(row.resolution or resolution)
    if start is None or seconds is None:
        raise ValueError(f"a candle of {row.resolution!r} from {row.startedAt!r}")
    volume, turnover = row.baseTokenVolume, row.usdVolume
    return Candle(
        venue, row.ticker, None, start, seconds, row.open, row.high, row.low, row.close, volume, turnover, row.trades, closed
    )  # fmt: skip


# How a topic of ours is called on the wire; its channel.
CHANNELS: dict[str, tuple[str, Callable[[str, str, str], Channel]]] = {
    "book": ("v4_orderbook", BookChannel),
    "trades": ("v4_trades", TradesChannel),
    "liquidations": ("v4_trades", LiquidationsChannel),
    "candles": ("v4_candles", CandlesChannel),
    "ticker": ("v4_markets", MarketsChannel),
}
