"""What anybody may ask: time, instruments, books, trades, candles, prices, funding, limits. One method for each path."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from adapters.loopback.market import Market
from adapters.loopback.okx import codes, render, rows
from adapters.loopback.okx.codes import OkxError, missing, wrong
from adapters.loopback.okx.listings import INST_TYPES, SPOT, SWAP, Instrument, of_index
from adapters.loopback.okx.params import Params
from adapters.loopback.okx.seqids import SeqIds

Rows = Sequence[object]
Pair = tuple[Instrument, Market]


class Quotes:
    """The public REST calls."""

    def __init__(self, instruments: Mapping[str, Instrument], markets: Mapping[str, Market], seqs: SeqIds) -> None:
        self._instruments, self._markets, self._seqs = instruments, markets, seqs

    # -- selectors ---------------------------------------------------------------------------------------------------

    def _one(self, params: Params) -> Pair:
        """The instrument of `instId`; raises OkxError."""
        instrument = self._instruments.get(params.text("instId"))
        if instrument is None:
            raise OkxError(codes.NO_INSTRUMENT)
        return instrument, self._markets[instrument.inst_id]

    def _swap(self, params: Params) -> Pair:
        instrument, market = self._one(params)
        if not instrument.is_swap:
            raise wrong("instId")
        return instrument, market

    def _of_type(self, params: Params) -> Iterator[Pair]:
        """The instruments that instType, with instId, instFamily or uly, means."""
        kind = params.word("instType", INST_TYPES)
        family = params.text("instFamily", "") or params.text("uly", "")
        chosen = params.text("instId", "")
        if chosen and chosen not in self._instruments:
            raise OkxError(codes.NO_INSTRUMENT)
        for instrument in self._instruments.values():
            if instrument.inst_type != kind or (chosen and instrument.inst_id != chosen):
                continue
            if not family or (instrument.is_swap and instrument.pair == family):
                yield instrument, self._markets[instrument.inst_id]

    def _index(self, params: Params) -> Pair:
        """The market behind an index, which has the name of a pair."""
        instrument = of_index(params.text("instId"), self._instruments.values())
        if instrument is None:
            raise OkxError(codes.NO_INSTRUMENT)
        return instrument, self._markets[instrument.inst_id]

    # -- public data -------------------------------------------------------------------------------------------------

    def time(self, _: Params, now_ms: int) -> Rows:
        return [rows.Time(str(now_ms))]

    def instruments(self, params: Params, _: int) -> Rows:
        """https://www.okx.com/docs-v5/en/#public-data-rest-api-get-instruments"""
        return [render.instrument(instrument) for instrument, _ in self._of_type(params)]

    def underlying(self, params: Params, _: int) -> Rows:
        kind = params.word("instType", (SWAP, "FUTURES", "OPTION"))
        return [[listed.pair for listed in self._instruments.values() if listed.inst_type == kind]]

    def mark_price(self, params: Params, now_ms: int) -> Rows:
        if params.has("instId") and not params.has("instType"):  # documented as required, yet ccxt does without
            return [render.mark_price(*self._one(params), now_ms)]
        params.word("instType", ("MARGIN", SWAP, "FUTURES", "OPTION"))
        return [render.mark_price(instrument, market, now_ms) for instrument, market in self._of_type(params)]

    def funding_rate(self, params: Params, now_ms: int) -> Rows:
        """https://www.okx.com/docs-v5/en/#public-data-rest-api-get-funding-rate"""
        if params.text("instId") == "ANY":
            swaps = [listed for listed in self._instruments.values() if listed.is_swap]
            return [render.funding_rate(listed, self._markets[listed.inst_id], now_ms) for listed in swaps]
        return [render.funding_rate(*self._swap(params), now_ms)]

    def funding_history(self, params: Params, _: int) -> Rows:
        """https://www.okx.com/docs-v5/en/#public-data-rest-api-get-funding-rate-history"""
        instrument, market = self._swap(params)
        after, before = params.whole("after", 1 << 62), params.whole("before", 0)
        limit = params.whole("limit", 400, 1, 400)
        settled = [(ts, rate) for ts, rate in reversed(market.funding_history) if before < ts < after]
        return [
            rows.SettledFunding(SWAP, instrument.inst_id, render.plain(rate), render.plain(rate), str(ts))
            for ts, rate in settled[:limit]
        ]

    def open_interest(self, params: Params, now_ms: int) -> Rows:
        params.word("instType", (SWAP, "FUTURES", "OPTION"))
        return [render.open_interest(instrument, market, now_ms) for instrument, market in self._of_type(params)]

    def price_limit(self, params: Params, now_ms: int) -> Rows:
        return [render.price_limit(*self._one(params), now_ms)]

    def tiers(self, params: Params, _: int) -> Rows:
        params.word("instType", (SWAP, "FUTURES", "OPTION", "MARGIN"))
        params.word("tdMode", ("cross", "isolated"))
        if not any(params.has(name) for name in ("instFamily", "uly", "instId")):
            raise missing("instFamily")
        return [render.tier(instrument) for instrument, _ in self._of_type(params)]

    def status(self, _: Params, __: int) -> Rows:
        """There is no maintenance here."""
        return []

    # -- market data -------------------------------------------------------------------------------------------------

    def book(self, params: Params, now_ms: int) -> Rows:
        """https://www.okx.com/docs-v5/en/#order-book-trading-market-data-get-order-book"""
        instrument, market = self._one(params)
        asks, bids = render.sides(instrument, market, params.whole("sz", 1, 1, render.DEPTH))
        return [rows.Book(asks, bids, str(now_ms), self._seqs.now(market))]

    def trades(self, params: Params, _: int) -> Rows:
        instrument, market = self._one(params)
        newest = list(reversed(market.trades))[: params.whole("limit", 100, 1, 500)]
        return [render.trade(instrument, printed) for printed in newest]

    def older_trades(self, params: Params, _: int) -> Rows:
        """By trade id, or with `type` 2 by time. https://www.okx.com/docs-v5/en/#rest-api-market-data-get-trades-history"""
        instrument, market = self._one(params)
        by_time = params.word("type", ("1", "2"), "1") == "2"
        after, before = params.whole("after", 1 << 62), params.whole("before", 0)
        found = [
            printed
            for printed in reversed(market.trades)
            if before < (printed.ts_ms if by_time else int(printed.trade_id)) < after
        ]
        return [render.trade(instrument, printed) for printed in found[: params.whole("limit", 100, 1, 100)]]

    def candles(self, params: Params, now_ms: int) -> Rows:
        """https://www.okx.com/docs-v5/en/#order-book-trading-market-data-get-candlesticks"""
        return self._candles(*self._one(params), params, now_ms, 300)

    def older_candles(self, params: Params, now_ms: int) -> Rows:
        """Finished ones only."""
        return [row for row in self._candles(*self._one(params), params, now_ms, 100) if row[8] == "1"]

    def mark_candles(self, params: Params, now_ms: int) -> Rows:
        """Those of the trades: the floor keeps no mark prices of the past."""
        return [render.price_candle(row) for row in self._candles(*self._one(params), params, now_ms, 100)]

    def index_candles(self, params: Params, now_ms: int) -> Rows:
        """Those of the trades: the floor keeps no index of the past."""
        return [render.price_candle(row) for row in self._candles(*self._index(params), params, now_ms, 100)]

    @staticmethod
    def _candles(instrument: Instrument, market: Market, params: Params, now_ms: int, most: int) -> list[rows.Candle]:
        span = render.BARS[params.word("bar", render.BARS, "1m")]
        after, before = params.whole("after", 1 << 62), params.whole("before", 0)
        limit = params.whole("limit", 100, 1, most)
        found = [made for made in reversed(market.candles(span)) if before < made.start_ms < after]
        return [render.candle(instrument, made, span, now_ms) for made in found[:limit]]

    def ticker(self, params: Params, now_ms: int) -> Rows:
        return [render.ticker(*self._one(params), now_ms)]

    def tickers(self, params: Params, now_ms: int) -> Rows:
        params.word("instType", (SPOT, SWAP, "FUTURES", "OPTION"))
        return [render.ticker(instrument, market, now_ms) for instrument, market in self._of_type(params)]

    def index_tickers(self, params: Params, now_ms: int) -> Rows:
        if params.has("instId"):
            return [render.index_ticker(*self._index(params), now_ms)]
        coin = params.text("quoteCcy")
        pairs = dict.fromkeys(i.pair for i in self._instruments.values() if i.contract.quote == coin)
        drawn = [of_index(pair, self._instruments.values()) for pair in pairs]
        return [render.index_ticker(i, self._markets[i.inst_id], now_ms) for i in drawn if i is not None]


PublicCall = Callable[[Params, int], Rows]
