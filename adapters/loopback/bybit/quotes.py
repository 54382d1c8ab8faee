"""The public REST calls: time, instruments, book, trades, candles, tickers, funding, price limits."""

# ruff: noqa: N815
# The field names are the venue's own.

from __future__ import annotations

from collections.abc import Callable

import msgspec

from adapters.loopback.bybit import render, rows
from adapters.loopback.bybit.actions import Actions, require_linear
from adapters.loopback.bybit.codes import parameter
from adapters.loopback.bybit.params import Params, cursor
from adapters.loopback.floor import Floor
from adapters.loopback.market import SPANS

CATEGORIES = frozenset({"linear", "inverse", "spot", "option"})


class Time(msgspec.Struct, gc=False):
    timeSecond: str
    timeNano: str


class Instruments(msgspec.Struct, gc=False):
    category: str
    list: list[rows.Instrument]
    nextPageCursor: str = ""


class BookRows(msgspec.Struct, gc=False):
    """A book as REST and the socket carry it, prices with sizes, best first."""

    s: str
    b: list[tuple[str, str]]
    a: list[tuple[str, str]]
    u: int
    seq: int
    ts: int | msgspec.UnsetType = msgspec.UNSET
    cts: int | msgspec.UnsetType = msgspec.UNSET


class Trades(msgspec.Struct, gc=False):
    category: str
    list: list[rows.RecentTrade]


class Klines(msgspec.Struct, gc=False):
    symbol: str
    category: str
    list: list[tuple[str, str, str, str, str, str, str]]


class Tickers(msgspec.Struct, gc=False):
    category: str
    list: list[dict[str, str]]


class FundingRow(msgspec.Struct, gc=False):
    symbol: str
    fundingRate: str
    fundingRateTimestamp: str


class FundingHistory(msgspec.Struct, gc=False):
    category: str
    list: list[FundingRow]


class PriceLimit(msgspec.Struct, gc=False):
    symbol: str
    buyLmt: str
    sellLmt: str
    ts: str


class Quotes:
    """What anybody may ask."""

    def __init__(self, floor: Floor, actions: Actions, book: Callable[[str, int], BookRows]) -> None:
        self._floor, self._actions, self._book = floor, actions, book

    def time(self, _: Params, now_ms: int) -> Time:
        """https://bybit-exchange.github.io/docs/v5/market/time"""
        return Time(str(now_ms // 1000), str(now_ms * 1_000_000))

    def instruments(self, params: Params, _: int) -> Instruments:
        """https://bybit-exchange.github.io/docs/v5/market/instrument"""
        category = params.word("category", CATEGORIES)
        limit, offset = params.integer("limit", 500, 1, 1000), params.offset()
        if category != "linear" or params.text("status", "Trading") != "Trading":
            return Instruments(category, [])
        contracts = [m.contract for m in self._floor.markets.values()]
        if params.has("symbol"):
            contracts = [self._actions.listed(params.text("symbol")).contract]
        elif params.has("baseCoin"):
            contracts = [c for c in contracts if c.base == params.text("baseCoin")]
        page = contracts[offset : offset + limit]
        return Instruments(category, [render.instrument(c) for c in page], cursor(offset, len(page), len(contracts)))

    def orderbook(self, params: Params, now_ms: int) -> BookRows:
        """https://bybit-exchange.github.io/docs/v5/market/orderbook"""
        require_linear(params)
        market, limit = self._actions.market(params), params.integer("limit", 25, 1, 1000)
        book = self._book(market.contract.symbol, now_ms)
        book.b, book.a = book.b[:limit], book.a[:limit]
        book.ts, book.cts = now_ms, market.engine.last_ms
        return book

    def trades(self, params: Params, _: int) -> Trades:
        """https://bybit-exchange.github.io/docs/v5/market/recent-trade"""
        require_linear(params)
        market, limit = self._actions.market(params), params.integer("limit", 500, 1, 1000)
        newest = list(reversed(market.trades))[:limit]
        return Trades("linear", [render.recent_trade(market.contract.symbol, printed) for printed in newest])

    def klines(self, params: Params, now_ms: int) -> Klines:
        """https://bybit-exchange.github.io/docs/v5/market/kline"""
        if params.has("category"):
            require_linear(params)
        market, span = self._actions.market(params), SPANS[params.word("interval", SPANS)]
        limit, start = params.integer("limit", 200, 1, 1000), params.integer("start", 0)
        end = params.integer("end", now_ms)
        candles = [c for c in market.candles(span) if start <= c.start_ms <= end]
        chosen = candles[:limit] if params.has("start") and not params.has("end") else candles[-limit:]
        listed = [render.kline(candle, span, now_ms) for candle in reversed(chosen)]
        return Klines(
            market.contract.symbol,
            "linear",
            [(str(k.start), k.open, k.high, k.low, k.close, k.volume, k.turnover) for k in listed],
        )

    def tickers(self, params: Params, _: int) -> Tickers:
        """https://bybit-exchange.github.io/docs/v5/market/tickers"""
        require_linear(params)
        markets = [self._actions.market(params)] if params.has("symbol") else list(self._floor.markets.values())
        listed = [render.ticker(market) for market in markets]
        for row in listed:
            del row["tickDirection"]
            row |= {"basisRate": "", "basis": "", "deliveryTime": "0", "deliveryFeeRate": ""}
            row["predictedDeliveryPrice"] = ""
        return Tickers("linear", listed)

    def funding_history(self, params: Params, now_ms: int) -> FundingHistory:
        """https://bybit-exchange.github.io/docs/v5/market/history-fund-rate"""
        require_linear(params)
        market, limit = self._actions.market(params), params.integer("limit", 200, 1, 200)
        if params.has("startTime") and not params.has("endTime"):
            raise parameter("endTime is required with startTime")
        start, end = params.integer("startTime", 0), params.integer("endTime", now_ms)
        settled = [(ts, rate) for ts, rate in reversed(market.funding_history) if start <= ts <= end]
        symbol = market.contract.symbol
        listed = [FundingRow(symbol, render.plain(rate), str(ts)) for ts, rate in settled[:limit]]
        return FundingHistory("linear", listed)

    def price_limit(self, params: Params, now_ms: int) -> PriceLimit:
        """https://bybit-exchange.github.io/docs/v5/market/order-price-limit"""
        market = self._actions.market(params)
        highest, lowest = market.price_band()
        return PriceLimit(market.contract.symbol, render.exact(highest), render.exact(lowest), str(now_ms))
