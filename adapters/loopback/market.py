"""The public face of one symbol: its trades, minute candles, day's statistics, mark price and funding schedule."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice

from adapters.loopback.engine import Engine
from adapters.loopback.orders import ZERO, Side
from adapters.loopback.symbols import Contract

MINUTE_MS = 60_000
DAY_MINUTES = 1_440
WEEK_OFFSET_MS = 4 * 86_400_000  # 1970-01-05 was a Monday
KEPT_TRADES = 1_000


@dataclass(frozen=True, slots=True)
class PublicTrade:
    trade_id: str
    side: Side
    price: Decimal
    size: Decimal
    ts_ms: int
    seq: int
    tick: str
    """PlusTick, ZeroPlusTick, MinusTick or ZeroMinusTick: against the trade before."""


@dataclass(frozen=True, slots=True)
class Liquidated:
    """A position taken over by the venue; `side` is the position's."""

    side: Side
    price: Decimal
    size: Decimal
    ts_ms: int


@dataclass(slots=True)
class Candle:
    start_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO
    turnover: Decimal = ZERO
    trades: int = 0
    bought: Decimal = ZERO
    """How much of the volume takers bought, and for how much."""
    bought_turnover: Decimal = ZERO

    def trade(self, side: Side, price: Decimal, size: Decimal) -> None:
        self.high, self.low, self.close = max(self.high, price), min(self.low, price), price
        self.volume += size
        self.turnover += price * size
        self.trades += 1
        if side is Side.BUY:
            self.bought += size
            self.bought_turnover += price * size

    def absorb(self, later: Candle) -> None:
        self.high, self.low, self.close = max(self.high, later.high), min(self.low, later.low), later.close
        self.volume += later.volume
        self.turnover += later.turnover
        self.trades += later.trades
        self.bought += later.bought
        self.bought_turnover += later.bought_turnover

    def copy(self, start_ms: int) -> Candle:
        return replace(self, start_ms=start_ms)


@dataclass(frozen=True, slots=True)
class Span:
    """A candle interval: a number of minutes, or the calendar's week or month."""

    word: str
    minutes: int

    def start(self, ts_ms: int) -> int:
        """When the interval that holds `ts_ms` began."""
        if self.word == "M":
            day = datetime.fromtimestamp(ts_ms / 1000, UTC)
            return int(datetime(day.year, day.month, 1, tzinfo=UTC).timestamp() * 1000)
        width = self.minutes * MINUTE_MS
        offset = WEEK_OFFSET_MS if self.word == "W" else 0
        return (ts_ms - offset) // width * width + offset

    def end(self, start_ms: int) -> int:
        """The last millisecond of the interval that began at `start_ms`."""
        if self.word == "M":
            day = datetime.fromtimestamp(start_ms / 1000, UTC)
            turn = datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC)
            return int(turn.timestamp() * 1000) - 1
        return start_ms + self.minutes * MINUTE_MS - 1


SPANS: dict[str, Span] = {str(m): Span(str(m), m) for m in (1, 3, 5, 15, 30, 60, 120, 240, 360, 720)} | {
    "D": Span("D", DAY_MINUTES),
    "W": Span("W", 7 * DAY_MINUTES),
    "M": Span("M", 31 * DAY_MINUTES),
}


@dataclass(frozen=True, slots=True)
class Day:
    """The last 24 hours, as far as the venue has lived through them."""

    open: Decimal
    high: Decimal
    low: Decimal
    volume: Decimal
    turnover: Decimal
    hour_ago: Decimal


class Market:
    """One symbol's engine with everything the public may know beside the book."""

    def __init__(self, contract: Contract, engine: Engine) -> None:
        self.contract = contract
        self.engine = engine
        self.trades: deque[PublicTrade] = deque(maxlen=KEPT_TRADES)
        self.minutes: deque[Candle] = deque(maxlen=2 * DAY_MINUTES)
        self.last_price = contract.start_price
        self.index_price = contract.start_price
        self.open_interest = Decimal(20_000) * contract.lot * 1_000
        self.funding_rate = Decimal("0.0001")
        self.next_funding_ms = 0
        self.funding_history: deque[tuple[int, Decimal]] = deque(maxlen=200)
        self._closed_day: Day | None = None
        self._tick = "ZeroPlusTick"

    # -- prices ------------------------------------------------------------------------------------------------------

    @property
    def mark_price(self) -> Decimal:
        """The middle of the book, or the last trade where a side is empty."""
        bid, ask = self.engine.best(Side.BUY), self.engine.best(Side.SELL)
        if bid is None or ask is None:
            return self.last_price
        return self.snap((bid[0] + ask[0]) / 2)

    def snap(self, price: Decimal) -> Decimal:
        """Rounded to the symbol's number of decimals."""
        return price.quantize(Decimal(1).scaleb(-self.contract.price_scale))

    def price_band(self) -> tuple[Decimal, Decimal]:
        """The highest price to buy and the lowest to sell at, on the tick."""
        mark, ratio, tick = self.mark_price, self.contract.price_limit_ratio, self.contract.tick
        highest = mark * (1 + ratio) // tick * tick
        lowest = -(-mark * (1 - ratio) // tick) * tick
        return highest, max(lowest, tick)

    # -- what happens ------------------------------------------------------------------------------------------------

    def tick(self, now_ms: int) -> None:
        """Opens the minute that `now_ms` is in, flat at the last price, and the funding schedule the first time."""
        start = now_ms - now_ms % MINUTE_MS
        if not self.minutes or self.minutes[-1].start_ms < start:
            price = self.last_price
            self.minutes.append(Candle(start, price, price, price, price))
            self._closed_day = None
        if not self.next_funding_ms:
            self.schedule_funding(now_ms)

    def trade(self, trade_id: str, side: Side, price: Decimal, size: Decimal, ts_ms: int, seq: int) -> PublicTrade:
        """Prints a trade on the tape and into the candle of its minute."""
        self.tick(ts_ms)
        if price != self.last_price:
            self._tick = "PlusTick" if price > self.last_price else "MinusTick"
        elif not self._tick.startswith("Zero"):
            self._tick = "Zero" + self._tick
        self.last_price = price
        self.minutes[-1].trade(side, price, size)
        printed = PublicTrade(trade_id, side, price, size, ts_ms, seq, self._tick)
        self.trades.append(printed)
        return printed

    def schedule_funding(self, now_ms: int) -> None:
        """Has the first settlement after `now_ms` be the next one."""
        width = self.contract.funding_interval_min * MINUTE_MS
        self.next_funding_ms = (now_ms // width + 1) * width

    def next_funding(self, now_ms: int) -> None:
        """Writes the settlement just made into the history and schedules the one after."""
        self.funding_history.append((self.next_funding_ms, self.funding_rate))
        self.schedule_funding(now_ms)
        premium = (self.mark_price - self.index_price) / self.index_price
        cap = self.contract.funding_cap
        self.funding_rate = max(-cap, min(cap, Decimal("0.0001") + premium)).quantize(Decimal("0.00000001"))

    # -- what is asked -----------------------------------------------------------------------------------------------

    @property
    def tick_word(self) -> str:
        return self._tick

    def candles(self, span: Span) -> list[Candle]:
        """Candles of an interval out of the minutes kept, oldest first."""
        made: list[Candle] = []
        for minute in self.minutes:
            start = span.start(minute.start_ms)
            if made and made[-1].start_ms == start:
                made[-1].absorb(minute)
            else:
                made.append(minute.copy(start))
        return made

    def candle(self, span: Span, start_ms: int) -> Candle | None:
        """One candle by its start, without folding the ones before it."""
        found: Candle | None = None
        for minute in reversed(self.minutes):
            start = span.start(minute.start_ms)
            if start < start_ms:
                break
            if start == start_ms:
                if found is None:
                    found = minute.copy(start)
                else:
                    earlier = minute.copy(start)
                    earlier.absorb(found)
                    found = earlier
        return found

    def day(self) -> Day:
        """The last 24 hours; the closed minutes are folded once a minute."""
        if not self.minutes:
            price = self.last_price
            return Day(price, price, price, ZERO, ZERO, price)
        if self._closed_day is None:
            self._closed_day = self._fold_closed()
        closed, now = self._closed_day, self.minutes[-1]
        return Day(
            closed.open,
            max(closed.high, now.high),
            min(closed.low, now.low),
            closed.volume + now.volume,
            closed.turnover + now.turnover,
            closed.hour_ago,
        )

    def _fold_closed(self) -> Day:
        count = len(self.minutes)
        window = list(islice(self.minutes, max(0, count - DAY_MINUTES), count))
        closed = window[:-1] or window
        volume = sum((c.volume for c in window[:-1]), ZERO)
        turnover = sum((c.turnover for c in window[:-1]), ZERO)
        hour_ago = window[max(0, len(window) - 60)].open
        return Day(closed[0].open, max(c.high for c in closed), min(c.low for c in closed), volume, turnover, hour_ago)
