"""What each public channel but the books has to say next. A feed exists while somebody listens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import msgspec

from adapters.loopback.floor import Change
from adapters.loopback.market import Market, Span
from adapters.loopback.okx import render, rows
from adapters.loopback.okx.listings import Instrument
from adapters.loopback.okx.seqids import SeqIds


@dataclass(frozen=True, slots=True)
class Said:
    """The data of one frame, and its action where the channel has actions."""

    rows: Sequence[object]
    action: str = ""


class Feed:
    """One stream; nothing to say unless a kind of feed says so."""

    interval_ms = 0
    """How often `due` is asked; 0 is never."""

    def first(self, now_ms: int) -> Iterable[Said]:
        """What somebody is told who has just subscribed; `due` was asked right before."""
        return ()

    def heard(self, change: Change, now_ms: int) -> Iterable[Said]:
        """What to push because of a command just carried out."""
        return ()

    def due(self, now_ms: int) -> Iterable[Said]:
        """What to push now that the interval is over."""
        return ()


class StateFeed(Feed):
    """A channel that says one row whole: when it has changed, and every `repeat_ms` in any case."""

    def __init__(self, draw: Callable[[int], msgspec.Struct], interval_ms: int, repeat_ms: int = 0) -> None:
        self.interval_ms, self._draw, self._repeat_ms = interval_ms, draw, repeat_ms
        self._said: msgspec.Struct | None = None
        self._said_ms = 0

    def first(self, now_ms: int) -> Iterable[Said]:
        return (Said([self._draw(now_ms)]),)

    def due(self, now_ms: int) -> Iterable[Said]:
        state = self._draw(0)
        overdue = self._repeat_ms and now_ms - self._said_ms >= self._repeat_ms
        if state == self._said and not overdue:
            return ()
        self._said, self._said_ms = state, now_ms
        return self.first(now_ms)


class InstrumentsFeed(Feed):
    """`instruments`: all of a type at first, and no changes here."""

    def __init__(self, instruments: Iterable[Instrument], inst_type: str) -> None:
        self._rows = [render.instrument(listed) for listed in instruments if listed.inst_type == inst_type]

    def first(self, now_ms: int) -> Iterable[Said]:
        return (Said(self._rows),) if self._rows else ()


class TradesFeed(Feed):
    """`trades`: one frame for what one order took at one price."""

    def __init__(self, instrument: Instrument, market: Market, seqs: SeqIds) -> None:
        self._instrument, self._market, self._seqs = instrument, market, seqs

    def heard(self, change: Change, now_ms: int) -> Iterable[Said]:
        if change.market is self._market:
            seq = self._seqs.now(self._market)
            for _, alike in groupby(change.trades, lambda printed: (printed.price, printed.side)):
                yield Said([render.merged_trade(self._instrument, list(alike), seq)])


class AllTradesFeed(Feed):
    """`trades-all`: a frame for every trade."""

    def __init__(self, instrument: Instrument, market: Market) -> None:
        self._instrument, self._market = instrument, market

    def heard(self, change: Change, now_ms: int) -> Iterable[Said]:
        if change.market is self._market:
            for printed in change.trades:
                yield Said([render.single_trade(self._instrument, printed)])


class LiquidationsFeed(Feed):
    """`liquidation-orders` of all instruments of a type."""

    def __init__(self, instruments: Iterable[Instrument], inst_type: str) -> None:
        self._instruments = {listed.inst_id: listed for listed in instruments if listed.inst_type == inst_type}

    def heard(self, change: Change, now_ms: int) -> Iterable[Said]:
        listed = self._instruments.get(change.market.contract.symbol)
        if listed is not None:
            for event in change.liquidations:
                yield Said([render.liquidation(listed, event)])


class CandleFeed(Feed):
    """`candle…`: the one in the making once a second while it changes, and the one before once more when it is over."""

    interval_ms = 1_000

    def __init__(self, instrument: Instrument, market: Market, span: Span, prices_only: bool) -> None:
        self._instrument, self._market, self._span = instrument, market, span
        self._prices_only = prices_only
        self._start_ms = span.start(market.minutes[-1].start_ms)
        self._said: rows.Candle | None = None

    def first(self, now_ms: int) -> Iterable[Said]:
        return self._frames([self._said]) if self._said else ()

    def due(self, now_ms: int) -> Iterable[Said]:
        start_ms, before_ms = self._span.start(now_ms), self._start_ms
        self._start_ms = start_ms
        news: list[rows.Candle] = []
        for at_ms in dict.fromkeys((before_ms, start_ms)):
            made = self._market.candle(self._span, at_ms)
            if made is not None:
                drawn = render.candle(self._instrument, made, self._span, now_ms)
                if drawn != self._said:
                    news.append(drawn)
                    self._said = drawn
        return self._frames(news)

    def _frames(self, drawn: Iterable[rows.Candle]) -> Iterable[Said]:
        return [Said([render.price_candle(row) if self._prices_only else row]) for row in drawn]
