"""Candles of our own, from trades, on virtual time."""

from typing import Literal

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable

from state.errors import WrongUse
from state.events import Candle, Trade
from streams.operators.forming import Forming
from streams.operators.keep import Alarm, Kept, keep
from streams.operators.lift import Operator, one_of
from streams.scheduler import clock_of


def candles(
    interval_s: int, gaps: Literal["skip", "flat"] = "skip", *, forming: bool = False
) -> Operator[Trade, Candle]:
    """Each candle when virtual time reaches its end, marked closed; intervals start at multiples of `interval_s` since 1970 UTC.

        trades     --1-3-2|-----------|-4--|
        candles(5) -------(o1 h3 l1 c2)----(o4 h4 l4 c4)      gaps="skip"
                   -------(o1 h3 l1 c2)(c2)(o4 h4 l4 c4)      gaps="flat"

    A trade belongs to the interval in which it was received; one at the boundary opens the next. An interval without
    trades gives nothing ("skip") or, after the first candle, one at the last close without volume ("flat"). With
    `forming`, each trade says the open candle too, marked not closed; else it is never said, nor at completion.
    Volume in base, turnover in quote. Open, high, low, close as of Nison, "Japanese candlestick charting techniques" (1991).
    `ts` is None: the venue did not say it. Constant time and memory. Raises `NotDeterministic` where no scheduler is passed
    down.
    """
    if interval_s < 1:
        raise WrongUse(f"interval_s must be at least 1, not {interval_s}")
    one_of("gaps", gaps, "skip", "flat")
    interval_ns = interval_s * 1_000_000_000

    def operator(source: Observable[Trade]) -> Observable[Candle]:
        def subscribe(
            observer: abc.ObserverBase[Candle], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            clock = clock_of(scheduler)
            open_one: Forming | None = None

            def close() -> None:
                nonlocal open_one
                if open_one is not None:
                    done = open_one.candle(interval_s, closed=True)
                    open_one = open_one.flat(open_one.start + interval_ns) if gaps == "flat" else None
                    wait()
                    observer.on_next(done)

            def wait() -> None:
                if open_one is not None:
                    alarm.at(open_one.start + interval_ns)

            def on_next(trade: Trade) -> None:
                nonlocal open_one
                while open_one is not None and clock() >= open_one.start + interval_ns:
                    close()  # a marble scheduler may call the timer of this instant behind the value
                if open_one is None:
                    open_one = Forming.first(trade, clock() // interval_ns * interval_ns)
                    wait()
                open_one.add(trade)
                if forming:
                    observer.on_next(open_one.candle(interval_s, closed=False))

            alarm = Alarm(scheduler, close)
            inner = source.subscribe(on_next, observer.on_error, observer.on_completed, scheduler=scheduler)
            return CompositeDisposable(inner, alarm, keep(scheduler, on_next))

        return Kept(subscribe)

    return operator
