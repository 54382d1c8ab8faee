"""Candles of our own, from trades, on virtual time."""

from typing import Literal

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable, SerialDisposable

from state.errors import WrongUse
from state.events import Candle, Trade
from streams.operators.lift import Operator, timed
from streams.scheduler import clock_of


def candles(interval_s: int, gaps: Literal["skip", "flat"] = "skip") -> Operator[Trade, Candle]:
    """Each candle once, when virtual time reaches its end; intervals start at multiples of `interval_s` since 1970 UTC.

        trades     --1-3-2|-----------|-4--|
        candles(5) -------(o1 h3 l1 c2)----(o4 h4 l4 c4)      gaps="skip"
                   -------(o1 h3 l1 c2)(c2)(o4 h4 l4 c4)      gaps="flat"

    A trade belongs to the interval in which it was received; one at the boundary opens the next. An interval without
    trades gives nothing ("skip") or, after the first candle, one at the last close without volume ("flat"). The
    unfinished candle is never said, not at completion either. Volume in base, turnover in quote. `ts` is None: the
    venue did not say it. Constant time and memory. Raises `NotDeterministic` where no scheduler is passed down.
    """
    if interval_s < 1:
        raise WrongUse(f"interval_s must be at least 1, not {interval_s}")
    interval_ns = interval_s * 1_000_000_000

    def operator(source: Observable[Trade]) -> Observable[Candle]:
        def subscribe(
            observer: abc.ObserverBase[Candle], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            clock, timers = clock_of(scheduler), timed(scheduler)
            forming: _Forming | None = None
            timer = SerialDisposable()

            def close() -> None:
                nonlocal forming
                if forming is not None:
                    done = forming.closed(interval_s)
                    forming = _Forming.flat(forming, forming.start + interval_ns) if gaps == "flat" else None
                    wait()
                    observer.on_next(done)

            def due(_: abc.SchedulerBase, __: object = None) -> abc.DisposableBase | None:
                close()
                return None

            def wait() -> None:
                if forming is not None:
                    left_ns = forming.start + interval_ns - clock()
                    timer.disposable = timers.schedule_relative(left_ns * 1e-9, due)

            def on_next(trade: Trade) -> None:
                nonlocal forming
                while forming is not None and clock() >= forming.start + interval_ns:
                    close()  # a marble scheduler may call the timer of this instant behind the value
                if forming is None:
                    forming = _Forming(trade, clock() // interval_ns * interval_ns)
                    wait()
                forming.add(trade)

            return CompositeDisposable(
                source.subscribe(on_next, observer.on_error, observer.on_completed, scheduler=scheduler), timer
            )

        return Observable(subscribe)

    return operator


class _Forming:
    """A candle that can still change."""

    __slots__ = ("close", "high", "low", "open", "start", "symbol", "trades", "turnover", "venue", "volume")

    def __init__(self, trade: Trade, start: int) -> None:
        self.venue = trade.venue
        self.symbol = trade.symbol
        self.start = start
        self.open = self.high = self.low = self.close = trade.price
        self.volume = self.turnover = 0.0
        self.trades = 0

    @classmethod
    def flat(cls, before: "_Forming", start: int) -> "_Forming":
        """The next interval as it looks without a trade."""
        after = cls.__new__(cls)
        after.venue, after.symbol, after.start = before.venue, before.symbol, start
        after.open = after.high = after.low = after.close = before.close
        after.volume = after.turnover = 0.0
        after.trades = 0
        return after

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

    def closed(self, interval_s: int) -> Candle:
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
            closed=True,
        )
