"""Who was in a hurry in the last so many trades."""

from collections.abc import Callable
from math import inf

from reactivex import abc

from state.events import Trade
from streams.operators.lift import Operator, lift
from streams.operators.rolling import Moments, at_least


def trade_imbalance_n(count: int) -> Operator[Trade, float]:
    """(bought - sold) / (bought + sold), sizes of the last `count` trades by taker side, in [-1, 1], at each trade.

        trades               --buy 3---sell 1---sell 3---
        trade_imbalance_n(2) --1-------0.5------(-1)-----

    Order imbalance of Chordia, Roll, Subrahmanyam (2002), scaled by volume and counted in trades. By time: `trade_imbalance`.
    Trades without size are left out. Constant time; `count` numbers of memory, twice.
    """
    at_least("count", count, 1)

    def start(emit: Callable[[float], None], _: abc.SchedulerBase | None) -> Callable[[Trade], None]:
        signed, plain = Moments(count), Moments(count)

        def on_next(trade: Trade) -> None:
            size = trade.size
            if 0 < size < inf:
                signed.add(size if trade.side == "buy" else -size)
                plain.add(size)
                emit(max(-1.0, min(1.0, signed.mean() / plain.mean())))

        return on_next

    return lift(start)
