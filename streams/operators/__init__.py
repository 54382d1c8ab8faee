"""Operators for strategies: `from streams import operators as op`, then `market.book.pipe(op.microprice(), op.ema(0.25))`.

Each is a `Callable[[Observable[T]], Observable[U]]` as RxPY's own are and mixes with them; `map` and `filter` are
RxPY's. State lives in a closure, fresh for each subscriber; time is the scheduler's that subscribing passes down,
never the machine's.
"""

from reactivex.operators import filter as filter
from reactivex.operators import map as map

from streams.operators.candles import candles
from streams.operators.clamp import clamp
from streams.operators.combine import combine
from streams.operators.conflate import conflate
from streams.operators.ema import ema
from streams.operators.ewma_volatility import ewma_volatility
from streams.operators.imbalance import imbalance
from streams.operators.lift import Operator, lift
from streams.operators.losses import Losses
from streams.operators.microprice import microprice
from streams.operators.mid import mid
from streams.operators.realized_volatility import realized_volatility
from streams.operators.spread import spread
from streams.operators.throttle import throttle
from streams.operators.trade_imbalance import trade_imbalance
from streams.operators.trusted import trusted
from streams.operators.utilisation import utilisation
from streams.operators.vwap import vwap
from streams.operators.when import when
from streams.operators.with_latest import with_latest

__all__ = [
    "Losses",
    "Operator",
    "candles",
    "clamp",
    "combine",
    "conflate",
    "ema",
    "ewma_volatility",
    "filter",
    "imbalance",
    "lift",
    "map",
    "microprice",
    "mid",
    "realized_volatility",
    "spread",
    "throttle",
    "trade_imbalance",
    "trusted",
    "utilisation",
    "vwap",
    "when",
    "with_latest",
]
