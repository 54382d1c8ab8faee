"""What each market stream last said, and the next thing it has to say. Every feed exists while somebody listens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from adapters.loopback.binance import frames, render
from adapters.loopback.binance.register import UpdateIds
from adapters.loopback.binance.render import exact
from adapters.loopback.binance.rows import Level
from adapters.loopback.binance.tape import Tape
from adapters.loopback.floor import Change
from adapters.loopback.market import Liquidated, Market, Span
from adapters.loopback.orders import Side

USD_M = 1
"""`st` of the symbols that are settled in dollars."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the feeds are drawn from."""

    markets: Mapping[str, Market]
    ids: UpdateIds
    tapes: Mapping[str, Tape]
    spot: bool


class Feed:
    """One stream; nothing to say unless a kind of feed says so."""

    interval_ms = 0
    """How often `due` is asked; 0 is never."""

    def heard(self, change: Change, now_ms: int) -> Iterable[msgspec.Struct]:
        """What to push because of a command just carried out."""
        return ()

    def due(self, now_ms: int) -> Iterable[msgspec.Struct | list[msgspec.Struct]]:
        """What to push now that the interval is over."""
        return ()


class DepthFeed(Feed):
    """`@depth`: what changed since the event before, with the chain of update ids.

    A level that came and went meanwhile is told too: a snapshot that was taken in between shows it.
    """

    def __init__(self, desk: Desk, market: Market, interval_ms: int) -> None:
        self.interval_ms = interval_ms
        self._ids, self._market, self._spot = desk.ids, market, desk.spot
        self._symbol = market.contract.symbol
        self._u, self._first = desk.ids.last(self._symbol), 0
        self._changed: dict[tuple[Side, Decimal], None] = {}

    def heard(self, change: Change, now_ms: int) -> Iterable[msgspec.Struct]:
        self._first = self._first or self._ids.last(self._symbol)
        self._changed |= dict.fromkeys(change.levels)
        return ()

    def due(self, now_ms: int) -> Iterable[msgspec.Struct | list[msgspec.Struct]]:
        if not self._changed:
            return ()
        bids, asks = self._levels(Side.BUY), self._levels(Side.SELL)
        self._changed.clear()
        previous, self._u = self._u, self._ids.last(self._symbol)
        first, self._first = self._ids.first_after(previous, self._first), 0
        frame = frames.DepthUpdate("depthUpdate", now_ms, self._symbol, first, self._u, bids, asks)
        if not self._spot:
            frame.T, frame.pu, frame.ps, frame.st = self._market.engine.last_ms, previous, self._symbol, USD_M
        return (frame,)

    def _levels(self, side: Side) -> list[Level]:
        """The changed levels of a side with their size, best first; those gone with a zero of the lot's form."""
        now, gone = dict(self._market.engine.depth(side)), self._market.contract.lot * 0
        changed = sorted((price for told, price in self._changed if told is side), reverse=side is Side.BUY)
        return [(exact(price), exact(now.get(price, gone))) for price in changed]


class TopFeed(Feed):
    """`@depth5`, `@depth10`, `@depth20`: the best levels whole, each time."""

    def __init__(self, desk: Desk, market: Market, levels: int, interval_ms: int) -> None:
        self.interval_ms = interval_ms
        self._ids, self._market, self._levels, self._spot = desk.ids, market, levels, desk.spot
        self._u = 0

    def due(self, now_ms: int) -> Iterable[msgspec.Struct | list[msgspec.Struct]]:
        symbol, engine = self._market.contract.symbol, self._market.engine
        previous, self._u = self._u, self._ids.last(symbol)
        if previous == self._u:
            return ()
        bids = render.levels(engine.depth(Side.BUY, self._levels))
        asks = render.levels(engine.depth(Side.SELL, self._levels))
        if self._spot:
            return (frames.SpotTop(self._u, bids, asks),)
        return (
            frames.DepthUpdate(
                "depthUpdate",
                now_ms,
                symbol,
                self._u,
                self._u,
                bids,
                asks,
                engine.last_ms,
                previous or self._u,
                symbol,
                USD_M,
            ),
        )


class BookTickerFeed(Feed):
    """`@bookTicker` and `!bookTicker`: the best levels whenever they change."""

    def __init__(self, desk: Desk) -> None:
        self._ids, self._spot = desk.ids, desk.spot
        self._said: dict[str, tuple[Level, Level]] = {}

    def heard(self, change: Change, now_ms: int) -> Iterable[msgspec.Struct]:
        symbol, market = change.market.contract.symbol, change.market
        bid, ask = render.best(market, Side.BUY), render.best(market, Side.SELL)
        if self._said.get(symbol) == (bid, ask):
            return ()
        self._said[symbol] = bid, ask
        frame = frames.BookTicker(self._ids.last(symbol), symbol, *bid, *ask)
        if not self._spot:
            frame.e, frame.T, frame.E = "bookTicker", market.engine.last_ms, now_ms
            frame.ps, frame.st = symbol, USD_M
        return (frame,)


class TradeFeed(Feed):
    """`@trade`: every match."""

    def __init__(self, desk: Desk) -> None:
        self._spot = desk.spot

    def heard(self, change: Change, now_ms: int) -> Iterable[msgspec.Struct]:
        symbol = change.market.contract.symbol
        for printed in change.trades:
            number, price, size = int(printed.trade_id), exact(printed.price), exact(printed.size)
            sold = printed.side is Side.SELL
            frame = frames.Trade("trade", now_ms, printed.ts_ms, symbol, number, price, size, sold)
            if self._spot:
                frame.M = True
            else:
                frame.X, frame.st = "MARKET", USD_M
            yield frame


class AggTradeFeed(Feed):
    """`@aggTrade`: the aggregates as they close."""

    interval_ms = 100

    def __init__(self, desk: Desk, market: Market) -> None:
        self._symbol, self._spot = market.contract.symbol, desk.spot
        self._tape = desk.tapes[self._symbol]
        self._said = self._tape.last_closed

    def due(self, now_ms: int) -> Iterable[msgspec.Struct | list[msgspec.Struct]]:
        for closed in self._tape.closed_after(self._said):
            self._said = closed.number
            frame = frames.AggTrade(
                "aggTrade",
                now_ms,
                self._symbol,
                closed.number,
                exact(closed.price),
                exact(closed.size),
                closed.first_id,
                closed.last_id,
                closed.ts_ms,
                closed.side is Side.SELL,
            )
            if self._spot:
                frame.M = True
            else:
                frame.nq, frame.st = frame.q, USD_M
            yield frame


class KlineFeed(Feed):
    """`@kline_`: the candle in the making while it changes, and once more when it closes."""

    interval_ms = 250

    def __init__(self, desk: Desk, market: Market, word: str, span: Span) -> None:
        self._market, self._word, self._span, self._spot = market, word, span, desk.spot
        self._start_ms = span.start(market.minutes[-1].start_ms)
        self._said = 0, ""

    def due(self, now_ms: int) -> Iterable[msgspec.Struct | list[msgspec.Struct]]:
        start_ms = self._span.start(now_ms)
        if self._start_ms < start_ms:
            closing, self._start_ms = self._start_ms, start_ms
            yield from self._frame(closing, now_ms, is_closed=True)
        yield from self._frame(start_ms, now_ms, is_closed=False)

    def _frame(self, start_ms: int, now_ms: int, is_closed: bool) -> Iterable[frames.Kline]:
        candle, symbol = self._market.candle(self._span, start_ms), self._market.contract.symbol
        if candle is None:
            return
        seen = candle.start_ms, exact(candle.volume)
        if seen == self._said and not is_closed:
            return
        self._said = seen
        row = render.kline(candle, self._span)
        last_id = int(self._market.trades[-1].trade_id) if self._market.trades else -1
        first_id = last_id - candle.trades + 1 if candle.trades else -1
        drawn = frames.Candle(
            t=row[0], T=row[6], s=symbol, i=self._word, f=first_id, L=last_id if candle.trades else -1,
            o=row[1], c=row[4], h=row[2], l=row[3], v=row[5], n=row[8], x=is_closed,
            q=row[7], V=row[9], Q=row[10], B="0",
        )  # fmt: skip
        yield frames.Kline("kline", now_ms, symbol, drawn, None if self._spot else USD_M)


class SampledFeed(Feed):
    """A stream that draws its symbols anew at every interval: mark prices, tickers; as a list where it is of all symbols."""

    def __init__(
        self,
        markets: Iterable[Market],
        interval_ms: int,
        draw: Callable[[Market, int], msgspec.Struct],
        as_list: bool,
    ) -> None:
        self._markets, self.interval_ms, self._draw, self._as_list = list(markets), interval_ms, draw, as_list

    def due(self, now_ms: int) -> Iterable[msgspec.Struct | list[msgspec.Struct]]:
        drawn = [self._draw(market, now_ms) for market in self._markets]
        return (drawn,) if self._as_list else drawn


class ForceOrderFeed(Feed):
    """`@forceOrder` and `!forceOrder@arr`: one liquidation a second and symbol at most, the latest."""

    interval_ms = 1_000

    def __init__(self) -> None:
        self._latest: dict[str, Liquidated] = {}

    def heard(self, change: Change, now_ms: int) -> Iterable[msgspec.Struct]:
        for event in change.liquidations:
            self._latest[change.market.contract.symbol] = event
        return ()

    def due(self, now_ms: int) -> Iterable[msgspec.Struct | list[msgspec.Struct]]:
        latest, self._latest = self._latest, {}
        return [force_order(symbol, event, now_ms) for symbol, event in latest.items()]


def force_order(symbol: str, event: Liquidated, now_ms: int) -> frames.ForceOrder:
    """`S` is the side of the order that closes the position."""
    price, size = exact(event.price), exact(event.size)
    side = render.SIDES[event.side.opposite]
    order = frames.ForcedOrder(symbol, side, "LIMIT", "IOC", size, price, price, "FILLED", size, size, event.ts_ms)
    return frames.ForceOrder("forceOrder", now_ms, order, USD_M)


def mark_price(market: Market, now_ms: int) -> frames.MarkPrice:
    row = render.premium(market, now_ms)
    mark, index = row.mark_price, row.index_price
    return frames.MarkPrice(
        "markPriceUpdate",
        now_ms,
        row.symbol,
        mark,
        mark,
        index,
        index,
        row.last_funding_rate,
        row.next_funding_time,
        USD_M,
    )


def ticker(market: Market, now_ms: int, spot: bool) -> frames.Ticker:
    day = render.day(market, now_ms)
    frame = frames.Ticker(
        "24hrTicker", now_ms, day.symbol, day.price_change, day.price_change_percent, day.weighted_avg_price,
        day.last_price, day.last_qty, day.open_price, day.high_price, day.low_price, day.volume, day.quote_volume,
        day.open_time, day.close_time, day.first_id, day.last_id, day.count,
    )  # fmt: skip
    if spot:
        (frame.b, frame.B), (frame.a, frame.A) = render.best(market, Side.BUY), render.best(market, Side.SELL)
        frame.x = day.open_price
    else:
        frame.st = USD_M
    return frame


def mini_ticker(market: Market, now_ms: int, spot: bool) -> frames.MiniTicker:
    day = render.day(market, now_ms)
    return frames.MiniTicker(
        "24hrMiniTicker", now_ms, day.symbol, day.last_price, day.open_price, day.high_price, day.low_price,
        day.volume, day.quote_volume, None if spot else USD_M,
    )  # fmt: skip
