"""Candles that close by what happened instead of by the clock."""

from collections.abc import Callable
from math import inf, isfinite

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable

from state.errors import WrongUse
from state.events import Candle, Trade
from streams.operators.forming import Forming
from streams.operators.keep import Alarm, Kept, keep
from streams.operators.lift import Operator, positive
from streams.scheduler import clock_of


def bars(
    *,
    trades: int | None = None,
    volume: float | None = None,
    value: float | None = None,
    seconds: float | None = None,
    forming: bool = False,
) -> Operator[Trade, Candle]:
    """Each candle, marked closed, once it has so many `trades`, `volume` (base), `value` (quote) or `seconds`, what comes first.

        trades                    --1x1---3x1---2x5---4x1---------|
        bars(trades=2, volume=4)  --------(1 3)-(2 2)-------------      (by count, then by volume)
        bars(trades=2, seconds=9) --------(1 3)-------(2 4)-------

    Tick, volume and dollar bars of López de Prado, "Advances in financial machine learning" (2018), ch. 2.3. The trade that
    reaches a threshold closes its candle and is not divided; the next trade opens the next one, so there are no gaps. Seconds
    count from the first trade (receipt). With `forming`, each trade says the open candle too, marked not closed. `interval_s` is
    0: they have none. Constant time and memory. Raises `NotDeterministic` where no scheduler is passed down.
    """
    is_full = _full(trades=trades, volume=volume, value=value, seconds=seconds)
    longest_ns = round(seconds * 1e9) if seconds else None

    def operator(source: Observable[Trade]) -> Observable[Candle]:
        def subscribe(
            observer: abc.ObserverBase[Candle], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            clock = clock_of(scheduler)
            open_one: Forming | None = None

            def close() -> None:
                nonlocal open_one
                if open_one is not None:
                    done, open_one = open_one.candle(0, closed=True), None
                    alarm.cancel()
                    observer.on_next(done)

            def on_next(trade: Trade) -> None:
                nonlocal open_one
                if not (isfinite(trade.price) and 0 <= trade.size < inf):
                    return
                if open_one is not None and longest_ns is not None and clock() >= open_one.start + longest_ns:
                    close()  # a marble scheduler may call the timer of this instant behind the value
                if open_one is None:
                    open_one = Forming.first(trade, clock())
                    if longest_ns is not None:
                        alarm.at(open_one.start + longest_ns)
                open_one.add(trade)
                if is_full(open_one):
                    close()
                elif forming:
                    observer.on_next(open_one.candle(0, closed=False))

            alarm = Alarm(scheduler, close)
            inner = source.subscribe(on_next, observer.on_error, observer.on_completed, scheduler=scheduler)
            return CompositeDisposable(inner, alarm, keep(scheduler, on_next))

        return Kept(subscribe)

    return operator


def _full(**limits: float | None) -> Callable[[Forming], bool]:
    """Whether a bar has as much as it may; of seconds an alarm knows."""
    if not any(limit is not None for limit in limits.values()):
        raise WrongUse(f"say when a bar closes: {', '.join(limits)}")
    trades, volume, value, _ = (inf if limit is None else positive(name, limit) for name, limit in limits.items())
    return lambda bar: bar.trades >= trades or bar.volume >= volume or bar.turnover >= value
