"""The public REST calls of the futures and of spot: time, symbols, books, trades, candles, tickers, funding."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from adapters.loopback.binance import codes, render, rows
from adapters.loopback.binance.codes import BinanceError, invalid
from adapters.loopback.binance.limits import Limiter
from adapters.loopback.binance.params import Params
from adapters.loopback.binance.register import UpdateIds
from adapters.loopback.binance.tape import Tape
from adapters.loopback.floor import Floor
from adapters.loopback.market import Market, Span
from adapters.loopback.orders import Side

FUTURES_DEPTHS = (5, 10, 20, 50, 100, 500, 1000)
SPOT_DEPTH = 5_000
Rows = Sequence[msgspec.Struct]


class Quotes:
    """What anybody may ask."""

    def __init__(self, floor: Floor, ids: UpdateIds, tapes: Mapping[str, Tape], limiter: Limiter, spot: bool) -> None:
        self._floor, self._ids, self._tapes, self._limiter, self._spot = floor, ids, tapes, limiter, spot

    def ping(self, _: Params, __: int) -> rows.Empty:
        return rows.Empty()

    def time(self, _: Params, now_ms: int) -> rows.ServerTime:
        return rows.ServerTime(now_ms)

    def exchange_info(self, params: Params, now_ms: int) -> rows.ExchangeInfo:
        draw: Callable[[Market], msgspec.Struct] = self._spot_symbol if self._spot else self._symbol
        listed = [draw(market) for market in self._selected(params)]
        info = rows.ExchangeInfo("UTC", now_ms, list(self._limiter.rules()), [], listed)
        if not self._spot:
            info.futures_type, info.assets = "U_MARGINED", [rows.Asset("USDT")]
        return info

    @staticmethod
    def _symbol(market: Market) -> msgspec.Struct:
        return render.symbol(market.contract)

    @staticmethod
    def _spot_symbol(market: Market) -> msgspec.Struct:
        return render.spot_symbol(market.contract)

    def depth(self, params: Params, now_ms: int) -> rows.Depth:
        """The book as it is now, with the id of its last change."""
        market = self.market(params)
        limit = params.integer("limit", 100 if self._spot else 500, 1, SPOT_DEPTH)
        if not self._spot and limit not in FUTURES_DEPTHS:
            raise invalid("limit")
        engine = market.engine
        row = rows.Depth(
            self._ids.last(market.contract.symbol),
            render.levels(engine.depth(Side.BUY, limit)),
            render.levels(engine.depth(Side.SELL, limit)),
        )
        if not self._spot:
            row.E, row.T = now_ms, engine.last_ms
        return row

    def trades(self, params: Params, _: int) -> Rows:
        """Oldest first."""
        market, limit = self.market(params), params.integer("limit", 500, 1, 1000)
        return [render.trade(printed, self._spot) for printed in list(market.trades)[-limit:]]

    def agg_trades(self, params: Params, now_ms: int) -> Rows:
        """Oldest first: those from `fromId` on, those in the time asked for, or the newest."""
        market, limit = self.market(params), params.integer("limit", 500, 1, 1000)
        first = params.integer("fromId", 0)
        start, end = params.integer("startTime", 0), params.integer("endTime", now_ms)
        kept = self._tapes[market.contract.symbol].all()
        found = [agg.row(self._spot) for agg in kept if agg.number >= first and start <= agg.ts_ms <= end]
        return list(found[:limit] if first or start else found[-limit:])

    def klines(self, params: Params, now_ms: int) -> list[rows.KlineRow]:
        """Oldest first."""
        market, limit = self.market(params), params.integer("limit", 500, 1, 1500)
        span = self._interval(params)
        start, end = params.integer("startTime", 0), params.integer("endTime", now_ms)
        candles = [candle for candle in market.candles(span) if start <= candle.start_ms <= end]
        chosen = candles[:limit] if start else candles[-limit:]
        return [render.kline(candle, span) for candle in chosen]

    @staticmethod
    def _interval(params: Params) -> Span:
        return render.INTERVALS[params.word("interval", render.INTERVALS, codes.BAD_INTERVAL)]

    def premium_index(self, params: Params, now_ms: int) -> msgspec.Struct | Rows:
        return self._one_or_all(params, lambda market: render.premium(market, now_ms))

    def funding_rate(self, params: Params, now_ms: int) -> Rows:
        """Oldest first."""
        limit = params.integer("limit", 100, 1, 1000)
        start, end = params.integer("startTime", 0), params.integer("endTime", now_ms)
        settled = [
            rows.FundingRate(market.contract.symbol, render.money(rate), ts_ms, render.exact(market.mark_price))
            for market in self._selected(params)
            for ts_ms, rate in market.funding_history
            if start <= ts_ms <= end
        ]
        settled.sort(key=lambda row: row.funding_time)
        return list(settled[:limit] if start else settled[-limit:])

    def funding_info(self, _: Params, __: int) -> Rows:
        """Only symbols with terms of their own; here all have the usual ones."""
        return []

    def day(self, params: Params, now_ms: int) -> msgspec.Struct | Rows:
        return self._one_or_all(params, lambda market: render.day(market, now_ms))

    def price(self, params: Params, now_ms: int) -> msgspec.Struct | Rows:
        time_ms = 0 if self._spot else now_ms

        def draw(market: Market) -> rows.Price:
            return rows.Price(market.contract.symbol, render.exact(market.last_price), time_ms)

        return self._one_or_all(params, draw)

    def book_ticker(self, params: Params, now_ms: int) -> msgspec.Struct | Rows:
        def draw(market: Market) -> rows.BookTicker:
            symbol = market.contract.symbol
            (bid, bid_qty), (ask, ask_qty) = render.best(market, Side.BUY), render.best(market, Side.SELL)
            row = rows.BookTicker(symbol, bid, bid_qty, ask, ask_qty)
            if not self._spot:
                row.time, row.last_update_id = now_ms, self._ids.last(symbol)
            return row

        return self._one_or_all(params, draw)

    def open_interest(self, params: Params, now_ms: int) -> rows.OpenInterest:
        market = self.market(params)
        return rows.OpenInterest(market.contract.symbol, render.exact(market.open_interest), now_ms)

    # -- selectors ---------------------------------------------------------------------------------------------------

    def market(self, params: Params) -> Market:
        market = self._floor.markets.get(params.text("symbol"))
        if market is None:
            raise BinanceError(codes.BAD_SYMBOL)
        return market

    def _selected(self, params: Params) -> list[Market]:
        return [self.market(params)] if params.has("symbol") else list(self._floor.markets.values())

    def _one_or_all(self, params: Params, draw: Callable[[Market], msgspec.Struct]) -> msgspec.Struct | Rows:
        """An object for one symbol, a list where none is named."""
        if params.has("symbol"):
            return draw(self.market(params))
        return [draw(market) for market in self._floor.markets.values()]
