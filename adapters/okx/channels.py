"""One object a public topic: a frame in, market events out; books are in `book.py`.

A topic is named by the text of its frames between the channel's word and the end of what it is of. Whatever does not fit
raises `msgspec.DecodeError` or `ValueError`; the socket makes a status of it.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from adapters.base.channel import Channel
from adapters.base.contracts import Contract, Counted
from adapters.base.rising import RisingTrades
from adapters.okx import wire
from adapters.okx.contracts import Contracts
from adapters.okx.types import SECONDS, named
from state.events import AnyEvent, Candle, Liquidation, Ticker, Trade
from state.words import TradeKind

MS = 1_000_000  # ns
T = TypeVar("T")


def rows(shape: type[T]) -> Callable[[bytes], wire.Push[T]]:
    """Reads the rows of a push or of an answer; numbers stand in quotes."""
    return msgspec.json.Decoder(wire.Push[shape], strict=False).decode  # type: ignore[valid-type]


_trades, _tickers, _candles = rows(wire.TradeRow), rows(wire.TickerRow), rows(wire.CandleRow)
_liquidations, _forced = rows(wire.LiquidationRow), rows(wire.ForcedOrder)


class TradesChannel(RisingTrades):
    """One row a taker and price; `trades-all` tells each fill alone."""

    __slots__ = ("_contract", "_merged")

    def __init__(self, venue: str, topic: str, symbol: str, contract: Contract) -> None:
        super().__init__(venue, topic, symbol)
        self._contract = contract
        self._merged = 1

    def read(self, frame: bytes) -> Sequence[Trade]:
        told = _trades(frame).data
        if told:
            self._merged = told[0].count
        return [trade(self.venue, row, self._contract) for row in told]

    def begins(self, trade: Trade) -> int:
        return int(trade.trade_id) - max(self._merged, 1) + 1


class TickerChannel(Counted):
    """Last, touch and volume; the mark price, the index, funding and open interest come on channels of their own."""

    __slots__ = ()
    channel = "ticker"

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        return [ticker(self.venue, self.symbol, row, self.contract) for row in _tickers(frame).data]


class CandlesChannel(Counted):
    """Candles of one interval."""

    __slots__ = ("_interval_s",)
    channel = "candles"

    def __init__(self, venue: str, topic: str, symbol: str, contract: Contract, interval_s: int) -> None:
        super().__init__(venue, topic, symbol, contract)
        self._interval_s = interval_s

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        told = _candles(frame).data
        return [candle(self.venue, self.symbol, row, self.contract, self._interval_s) for row in told]


class LiquidationsChannel(Channel):
    """All markets of a kind come on one topic; of which the asked-for are told, or all where none was."""

    __slots__ = ("_contracts", "_wanted")
    channel = "liquidations"

    def __init__(self, venue: str, topic: str, symbol: str, contracts: Contracts, wanted: frozenset[str]) -> None:
        super().__init__(venue, topic, symbol)
        self._contracts = contracts
        self._wanted = wanted

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        if self.symbol:  # a recorder's own spelling of one market's
            told = [wire.LiquidationRow(self.symbol, _forced(frame).data)]
        else:
            told = [row for row in _liquidations(frame).data if not self._wanted or row.instId in self._wanted]
        orders = [(row.instId, order) for row in told for order in row.details]
        return [
            Liquidation(named(self.venue, at), at, o.ts * MS, o.side, o.bkPx, self._contracts.of(at).base(o.sz))
            for at, o in orders
        ]


def trade(venue: str, row: wire.TradeRow, contract: Contract, *, backfilled: bool = False) -> Trade:
    """A trade event, by stream or REST."""
    size, trade_id = contract.base(row.sz), str(row.tradeId)
    kind: TradeKind = "rpi" if row.source == "1" else "normal"
    return Trade(venue, row.instId, row.ts * MS, trade_id, row.px, size, row.side, kind, backfilled)


def ticker(venue: str, symbol: str, row: wire.TickerRow, contract: Contract) -> Ticker:
    """A ticker event from what was said, by stream or REST. Raises `ValueError` where that is nothing."""
    if row.last == row.bidPx == row.askPx == row.markPx == row.idxPx == row.oi == row.fundingRate == "":
        raise ValueError("a ticker that says nothing")
    following, after = row.fundingTime, row.nextFundingTime
    interval_s = None if following == "" or after == "" else (after - following) // 1000 or None
    return Ticker(
        venue, symbol, None if row.ts == "" else row.ts * MS, _or_none(row.last),
        _or_none(row.bidPx), _or_none(row.bidSz, contract), _or_none(row.askPx), _or_none(row.askSz, contract),
        _or_none(row.markPx), _or_none(row.idxPx), None if row.fundingRate == "" else row.fundingRate, interval_s,
        None if following == "" else following * MS, _or_none(row.oi, contract), _or_none(row.vol24h, contract),
    )  # fmt: skip


def candle(venue: str, symbol: str, row: wire.CandleRow, contract: Contract, interval_s: int) -> Candle:
    """A candle event, by stream or REST. Raises `ValueError` where numbers are missing."""
    start, opened, high, low, close, volume, *more = row
    turnover, closed = (more[1], more[2] == 1) if len(more) > 2 else (None, False)
    ohlc, base = (opened, high, low, close), contract.base(volume)
    return Candle(venue, symbol, None, int(start) * MS, interval_s, *ohlc, base, turnover, None, closed)


def _or_none(said: wire.Said, contract: Contract | None = None) -> float | None:
    return None if said == "" else said if contract is None else contract.base(said)


_TICKERS = frozenset({"tickers", "mark-price", "funding-rate", "open-interest", "index-tickers"})


def plain_channel(
    venue: str, topic: str, kind: str, of: str, contracts: Contracts, wanted: frozenset[str]
) -> Channel | None:
    """The channel of everything that is no book, or None for a topic that is none of ours."""
    if kind == "liquidation-orders" or (kind == "liquidations" and of):
        return LiquidationsChannel(venue, topic, of if kind == "liquidations" else "", contracts, wanted)
    if not of:
        return None
    symbol = f"{of}-SWAP" if kind == "index-tickers" else of  # a swap's name is its index's and an ending
    venue, contract = named(venue, symbol), contracts.of(symbol)
    if kind in ("trades", "trades-all"):
        return TradesChannel(venue, topic, symbol, contract)
    if kind in _TICKERS:
        return TickerChannel(venue, topic, symbol, contract)
    interval_s = SECONDS.get(kind.removeprefix("candle").removesuffix("utc")) if kind.startswith("candle") else None
    return None if interval_s is None else CandlesChannel(venue, topic, symbol, contract, interval_s)
