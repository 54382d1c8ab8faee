"""How far mark, index and last price are apart."""

from collections.abc import Callable
from dataclasses import dataclass

from reactivex import abc

from state.events import Ticker
from streams.operators.lift import Operator, lift


@dataclass(frozen=True, slots=True)
class Basis:
    """Distances in bps of the second price named."""

    mark_index_bps: float
    last_mark_bps: float
    last_index_bps: float


def basis() -> Operator[Ticker, Basis]:
    """1e4 x (mark / index - 1), 1e4 x (last / mark - 1), 1e4 x (last / index - 1), bps, at each ticker that knows all three.

        ticker  --mark 101, index 100, last 102---
        basis() --100, 99.0, 200------------------

    The basis of a future, Hull, "Options, futures, and other derivatives" (2017), ch. 3, relative to the index. Feed the merged
    ticker (`market.ticker`): a raw one leaves out what did not change. Constant time.
    """

    def start(emit: Callable[[Basis], None], _: abc.SchedulerBase | None) -> Callable[[Ticker], None]:
        def on_next(ticker: Ticker) -> None:
            mark, index, last = ticker.mark, ticker.index, ticker.last
            if mark is None or index is None or last is None or not (mark > 0 and index > 0 and last > 0):
                return
            emit(Basis(1e4 * (mark / index - 1), 1e4 * (last / mark - 1), 1e4 * (last / index - 1)))

        return on_next

    return lift(start)
