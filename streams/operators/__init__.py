"""Operators for strategies: `from streams import operators as op`, then `market.book.pipe(op.microprice(), op.ema(0.25))`.

Each is a `Callable[[Observable[T]], Observable[U]]` as RxPY's own are and mixes with them; `map` and `filter` are
RxPY's. State lives in a closure, fresh for each subscriber; time is the scheduler's that subscribing passes down,
never the machine's.
"""

from reactivex.operators import filter as filter
from reactivex.operators import map as map

from streams.operators.bars import bars
from streams.operators.basis import Basis, basis
from streams.operators.bollinger_width import bollinger_width
from streams.operators.buffer import buffer
from streams.operators.candles import candles
from streams.operators.clamp import clamp
from streams.operators.combine import combine
from streams.operators.combine_every import combine_every
from streams.operators.conflate import conflate
from streams.operators.crossing import Crossing, crossing
from streams.operators.debounce import debounce
from streams.operators.depth_changes import DepthChange, depth_changes
from streams.operators.depth_imbalance import depth_imbalance
from streams.operators.depth_mid import depth_mid
from streams.operators.each import each
from streams.operators.ema import ema
from streams.operators.ema_n import ema_n
from streams.operators.ewma_volatility import ewma_volatility
from streams.operators.garman_klass import garman_klass
from streams.operators.hma import hma
from streams.operators.hma_n import hma_n
from streams.operators.hold import hold
from streams.operators.imbalance import imbalance
from streams.operators.imbalance_bps import imbalance_bps
from streams.operators.impact_price import impact_price
from streams.operators.intensity import intensity
from streams.operators.keep import Alarm, Kept, keep
from streams.operators.kyle_lambda import kyle_lambda
from streams.operators.large_trades import large_trades
from streams.operators.lead_lag import LeadLag, lead_lag
from streams.operators.lift import Operator, lift
from streams.operators.losses import Losses
from streams.operators.microprice import microprice
from streams.operators.mid import mid
from streams.operators.momentum import momentum
from streams.operators.nbbo import Nbbo, nbbo
from streams.operators.order_flow_imbalance import order_flow_imbalance
from streams.operators.parkinson import parkinson
from streams.operators.percentile import percentile
from streams.operators.premium import premium
from streams.operators.realized_volatility import realized_volatility
from streams.operators.ring import ring
from streams.operators.sample import sample
from streams.operators.signed_volume import signed_volume
from streams.operators.silent import silent
from streams.operators.spread import spread
from streams.operators.stale_after import stale_after
from streams.operators.switch_regime import switch_regime
from streams.operators.throttle import throttle
from streams.operators.time_scaled import time_scaled
from streams.operators.trade_imbalance import trade_imbalance
from streams.operators.trade_imbalance_n import trade_imbalance_n
from streams.operators.trusted import trusted
from streams.operators.utilisation import utilisation
from streams.operators.vamp import vamp
from streams.operators.vwap import vwap
from streams.operators.weighted_mid import weighted_mid
from streams.operators.when import when
from streams.operators.with_latest import with_latest
from streams.operators.wma import wma
from streams.operators.wma_n import wma_n
from streams.operators.zscore import zscore

__all__ = [
    "Alarm",
    "Basis",
    "Crossing",
    "DepthChange",
    "Kept",
    "LeadLag",
    "Losses",
    "Nbbo",
    "Operator",
    "bars",
    "basis",
    "bollinger_width",
    "buffer",
    "candles",
    "clamp",
    "combine",
    "combine_every",
    "conflate",
    "crossing",
    "debounce",
    "depth_changes",
    "depth_imbalance",
    "depth_mid",
    "each",
    "ema",
    "ema_n",
    "ewma_volatility",
    "filter",
    "garman_klass",
    "hma",
    "hma_n",
    "hold",
    "imbalance",
    "imbalance_bps",
    "impact_price",
    "intensity",
    "keep",
    "kyle_lambda",
    "large_trades",
    "lead_lag",
    "lift",
    "map",
    "microprice",
    "mid",
    "momentum",
    "nbbo",
    "order_flow_imbalance",
    "parkinson",
    "percentile",
    "premium",
    "realized_volatility",
    "ring",
    "sample",
    "signed_volume",
    "silent",
    "spread",
    "stale_after",
    "switch_regime",
    "throttle",
    "time_scaled",
    "trade_imbalance",
    "trade_imbalance_n",
    "trusted",
    "utilisation",
    "vamp",
    "vwap",
    "weighted_mid",
    "when",
    "with_latest",
    "wma",
    "wma_n",
    "zscore",
]
