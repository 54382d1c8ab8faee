"""A candle that can still change."""

from typing import Self

import msgspec

from state.events import Candle, Trade


class Forming(msgspec.Struct):
    """Open, high, low, close of the trades so far; volume in base, turnover in quote, `start` in ns."""

    venue: str
    symbol: str
    start: int
    open: float
    high: float
    low: float
    close: float
    volume: float = 0.0
    turnover: float = 0.0
    trades: int = 0

    @classmethod
    def first(cls, trade: Trade, start: int) -> Self:
        """Before the trade is added."""
        price = trade.price
        return cls(trade.venue, trade.symbol, start, price, price, price, price)

    def flat(self, start: int) -> "Forming":
        """The next interval as it looks without a trade."""
        close = self.close
        return Forming(self.venue, self.symbol, start, close, close, close, close)

    def add(self, trade: Trade) -> None:
        price = trade.price
        if not self.trades:
            self.open = self.high = self.low = price
        elif price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.close = price
        self.volume += trade.size
        self.turnover += price * trade.size
        self.trades += 1

    def candle(self, interval_s: int, *, closed: bool) -> Candle:
        """As an event; `ts` is None, since the venue did not say it."""
        return Candle(
            self.venue,
            self.symbol,
            None,
            self.start,
            interval_s,
            self.open,
            self.high,
            self.low,
            self.close,
            self.volume,
            self.turnover,
            self.trades,
            closed=closed,
        )
