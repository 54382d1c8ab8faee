"""What the indexer's REST says to the public: time, markets, books, trades, candles, funding."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from adapters.loopback.dydx import render, rows
from adapters.loopback.dydx.channels import Channels
from adapters.loopback.dydx.query import Query, QueryError
from adapters.loopback.dydx.records import Indexer
from adapters.loopback.dydx.tape import RESOLUTIONS, Tape, before_or_at
from adapters.loopback.dydx.texts import iso, iso_ms


class Time(msgspec.Struct, gc=False):
    iso: str
    epoch: float


class Height(msgspec.Struct, gc=False):
    height: str
    time: str


class Markets(msgspec.Struct, gc=False):
    markets: dict[str, rows.Market]


class Trades(msgspec.Struct, gc=False):
    trades: list[rows.Trade]


class Candles(msgspec.Struct, gc=False):
    candles: list[rows.Candle]


class FundingHistory(msgspec.Struct, gc=False, rename="camel"):
    historical_funding: list[rows.HistoricalFunding]


class Screened(msgspec.Struct, gc=False):
    restricted: bool = False


class Compliance(msgspec.Struct, gc=False):
    status: str = "COMPLIANT"


class Quotes:
    """Reads the indexer; `now_ms` is an argument."""

    def __init__(self, indexer: Indexer, channels: Channels) -> None:
        self._indexer, self._channels = indexer, channels

    def time(self, _: Query, now_ms: int) -> Time:
        return Time(iso(now_ms), now_ms / 1000)

    def height(self, _: Query, __: int) -> Height:
        return Height(str(self._indexer.height), iso(self._indexer.time_ms))

    def markets(self, query: Query, _: int) -> Markets:
        """All of them, or the one named by `market` or `ticker`."""
        name = "market" if query.has("market") else "ticker"
        if not query.has(name):
            return Markets(self._channels.markets())
        ticker = self._tape(query, name).ticker
        tape, indexer = self._indexer.tapes[ticker], self._indexer
        return Markets({ticker: render.market(tape, indexer.oracle[ticker], indexer.time_ms)})

    def book(self, query: Query, _: int) -> rows.Book:
        return self._channels.books[self._tape(query).ticker].snapshot()

    def trades(self, query: Query, _: int) -> Trades:
        """Newest first."""
        found = list(self._tape(query).trades)
        for name in ("createdBeforeOrAtHeight", "startingBeforeOrAtHeight"):
            if query.has(name):
                found = before_or_at(found, query.integer(name))
        return Trades(found[::-1][: query.limit()])

    def candles(self, query: Query, _: int) -> Candles:
        """Newest first, from `fromISO` on and before `toISO`."""
        tape, resolution = self._tape(query), query.word("resolution", RESOLUTIONS)
        if resolution is None:
            raise QueryError(HTTPStatus.BAD_REQUEST, "resolution must be given")
        since, until = query.time_ms("fromISO"), query.time_ms("toISO")
        found = [
            candle
            for candle in tape.candles(resolution)
            if (since is None or iso_ms(candle.startedAt) >= since)
            and (until is None or iso_ms(candle.startedAt) < until)
        ]
        return Candles(found[: query.limit()])

    def funding(self, query: Query, _: int) -> FundingHistory:
        """Newest first."""
        found = list(self._tape(query).funding)
        until = query.time_ms("effectiveBeforeOrAt")
        if until is not None:
            found = [row for row in found if iso_ms(row.effectiveAt) <= until]
        if query.has("effectiveBeforeOrAtHeight"):
            height = query.integer("effectiveBeforeOrAtHeight")
            found = [row for row in found if int(row.effectiveAtHeight) <= height]
        return FundingHistory(found[::-1][: query.limit()])

    def screen(self, query: Query, _: int) -> Screened:
        query.text("address")
        return Screened()

    def compliance(self, query: Query, _: int) -> Compliance:
        query.text("address")
        return Compliance()

    def _tape(self, query: Query, name: str = "ticker") -> Tape:
        ticker = query.text(name)
        found = self._indexer.tapes.get(ticker)
        if found is None:
            raise QueryError(HTTPStatus.BAD_REQUEST, f"{name} must be a valid ticker (BTC-USD, etc)")
        return found
