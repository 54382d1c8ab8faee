"""What mypy infers of operators in a row, so that a strategy is checked as it is written: read by `make check`, never run."""

from typing import assert_type

from reactivex import Observable

from state.events import Candle, Trade
from streams import operators as op
from streams.feeds import Feeds


def inferred(feeds: Feeds) -> None:
    market = feeds.market("venue", "BTC")
    mid, micro = market.book.pipe(op.mid()), market.book.pipe(op.microprice())
    assert_type(market.book.pipe(op.vamp(levels=3), op.wma(5), op.zscore(9)), Observable[float])
    assert_type(market.book.pipe(op.depth_changes(5)), Observable[tuple[op.DepthChange, ...]])
    assert_type(market.book.pipe(op.crossing()), Observable[op.Crossing])
    assert_type(market.book.pipe(op.mid(), op.sample(feeds.settled), op.hma_n(9)), Observable[float])
    assert_type(market.trades.pipe(op.bars(trades=5)), Observable[Candle])
    assert_type(market.trades.pipe(op.bars(trades=5), op.parkinson(5), op.time_scaled(60)), Observable[float])
    assert_type(market.trades.pipe(op.large_trades(), op.hold(5)), Observable[bool])
    assert_type(market.trades.pipe(op.debounce(1)), Observable[Trade])
    assert_type(market.trades.pipe(op.buffer(5), op.throttle(1)), Observable[tuple[Trade, ...]])
    assert_type(market.trades.pipe(op.buffer(5), op.each()), Observable[Trade])
    assert_type(market.ticker.pipe(op.basis()), Observable[op.Basis])
    assert_type(op.switch_regime(market.trades.pipe(op.stale_after(1)), {True: mid, False: micro}), Observable[float])
    assert_type(op.lead_lag(mid, micro), Observable[op.LeadLag])
    assert_type(op.nbbo(market.book, market.book), Observable[op.Nbbo])
    assert_type(op.premium(mid, micro), Observable[float])
    assert_type(op.combine(mid, market.trades), Observable[tuple[float, Trade]])
    assert_type(op.combine_every(0.5, mid, market.trades), Observable[tuple[float, Trade]])
