"""What the public may know of one market's past, as of the last block: trades, candles, the last day, funding."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from adapters.loopback.dydx import rows
from adapters.loopback.dydx.texts import iso, plain
from adapters.loopback.market import MINUTE_MS, Candle, Market, Span
from adapters.loopback.orders import ZERO, Side

RESOLUTIONS: dict[str, Span] = {
    word: Span(word, minutes)
    for word, minutes in (
        ("1MIN", 1), ("5MINS", 5), ("15MINS", 15), ("30MINS", 30), ("1HOUR", 60), ("4HOURS", 240), ("1DAY", 1_440),
    )
}  # fmt: skip
KEPT_TRADES = 1_000
DAY_MINUTES = 1_440


@dataclass(slots=True)
class Minute:
    """A minute with blocks in it."""

    candle: Candle
    open_interest: Decimal
    mid_open: Decimal
    mid_close: Decimal


class Tape:
    """Written by blocks."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.trades: deque[rows.Trade] = deque(maxlen=KEPT_TRADES)
        self.minutes: deque[Minute] = deque(maxlen=2 * DAY_MINUTES)
        self.funding: deque[rows.HistoricalFunding] = deque(maxlen=200)
        self._funded_ms = 0

    @property
    def ticker(self) -> str:
        return self.market.contract.symbol

    def trade(self, trade: rows.Trade, side: Side, price: Decimal, size: Decimal, block_ms: int) -> None:
        """Prints a trade at its block's time."""
        self.trades.append(trade)
        self.open_minute(price, block_ms)
        minute = self.minutes[-1]
        minute.candle.trade(side, price, size)
        minute.mid_close = self.market.mark_price

    def open_minute(self, price: Decimal | None, block_ms: int) -> bool:
        """Begins the block's minute if no block has; at the last close where nobody has traded in it."""
        start_ms, mid = block_ms - block_ms % MINUTE_MS, self.market.mark_price
        if self.minutes and self.minutes[-1].candle.start_ms >= start_ms:
            return False
        opened = price or (self.minutes[-1].candle.close if self.minutes else self.market.last_price)
        candle = Candle(start_ms, opened, opened, opened, opened)
        self.minutes.append(Minute(candle, self.market.open_interest, mid, mid))
        return True

    def settled(self, height: int, block_ms: int) -> None:
        """Notes the funding that was settled since the last block."""
        for effective_ms, rate in self.market.funding_history:
            if effective_ms > self._funded_ms:
                self._funded_ms = effective_ms
                price = plain(self.market.mark_price)
                self.funding.append(rows.HistoricalFunding(self.ticker, plain(rate), price, iso(block_ms), str(height)))

    def candles(self, resolution: str) -> list[rows.Candle]:
        """Candles of a resolution, newest first; one without trades is flat."""
        span, folded = RESOLUTIONS[resolution], list[Minute]()
        for minute in self.minutes:
            start_ms = span.start(minute.candle.start_ms)
            if folded and folded[-1].candle.start_ms == start_ms:
                folded[-1].candle.absorb(minute.candle)
                folded[-1].mid_close = minute.mid_close
            else:
                mids = minute.mid_open, minute.mid_close
                folded.append(Minute(minute.candle.copy(start_ms), minute.open_interest, *mids))
        return [self._row(one, resolution) for one in reversed(folded)]

    def day(self, now_ms: int) -> tuple[Decimal, Decimal, int]:
        """Price change, value traded and number of trades of the last 24 hours."""
        since = now_ms - DAY_MINUTES * MINUTE_MS
        lately = [minute.candle for minute in self.minutes if minute.candle.start_ms >= since]
        if not lately:
            return ZERO, ZERO, 0
        volume = sum((candle.turnover for candle in lately), ZERO)
        return lately[-1].close - lately[0].open, volume, sum(candle.trades for candle in lately)

    def _row(self, minute: Minute, resolution: str) -> rows.Candle:
        candle = minute.candle
        return rows.Candle(
            iso(candle.start_ms),
            self.ticker,
            resolution,
            plain(candle.low),
            plain(candle.high),
            plain(candle.open),
            plain(candle.close),
            plain(candle.volume),
            plain(candle.turnover),
            candle.trades,
            plain(minute.open_interest),
            plain(minute.mid_open),
            plain(minute.mid_close),
        )


def before_or_at(found: Iterable[rows.Trade], height: int) -> list[rows.Trade]:
    """The trades of blocks up to a height."""
    return [trade for trade in found if int(str(trade.createdAtHeight)) <= height]
