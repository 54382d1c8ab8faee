"""P7 by hftbacktest, driven from Python call by call: the same made-up market, queue, latencies and fees.

`python -m benchmarks.rivals.hftbacktest_simulate quotes|deltas`; a quote is told as one-level depth events, as its own
examples do. numba compiles nothing of the strategy: it is the Python loop that is compared.
"""

import sys
from typing import Any

import numpy as np
from hftbacktest import (
    BUY_EVENT,
    DEPTH_CLEAR_EVENT,
    DEPTH_EVENT,
    DEPTH_SNAPSHOT_EVENT,
    EXCH_EVENT,
    GTX,
    LIMIT,
    LOCAL_EVENT,
    SELL_EVENT,
    BacktestAsset,
    ROIVectorMarketDepthBacktest,
    event_dtype,
)

from benchmarks.made_market import EVERY, LATENCY_NS, MAKER, OFFSET, SIZE, TAKER, TICK, batches, count, quotes
from benchmarks.measure import WrongAnswer, tell, timed

SIDE = (BUY_EVENT, SELL_EVENT)
BOTH = EXCH_EVENT | LOCAL_EVENT
FEED = 2  # what `wait_next_feed` answers for a market event
WARM = 4_000  # rows: enough that orders are placed, looked up and cancelled
LONG_NS = 10_000_000_000_000
NAMES = {"quotes": "hftbacktest from Python, quotes", "deltas": "hftbacktest from Python, deltas"}


def main(kind: str) -> None:
    rows, units, events = quote_rows() if kind == "quotes" else delta_rows()
    warm = np.array(rows[:WARM], dtype=event_dtype)
    run(ROIVectorMarketDepthBacktest([asset(warm)]), OFFSET[kind])  # numba compiles what is called at its first call
    feed = np.array(rows, dtype=event_dtype)  # it is read where it lies, and must outlive the run
    backtest = ROIVectorMarketDepthBacktest([asset(feed)])
    said: list[tuple[int, int]] = []
    seconds = timed(lambda: said.append(run(backtest, OFFSET[kind])))
    calls, placed = said[0]
    fills = int(backtest.state_values(0).num_trades)
    backtest.close()
    if calls < 0.99 * events or not fills:
        raise WrongAnswer(f"{calls} of {events} events, {fills} fills")
    tell("P7", NAMES[kind], units, seconds, orders=placed, fills=fills)


def asset(rows: Any) -> BacktestAsset:
    return (
        BacktestAsset()
        .data([rows])
        .linear_asset(1.0)
        .constant_order_latency(LATENCY_NS, LATENCY_NS)
        .risk_adverse_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(MAKER, TAKER)
        .tick_size(TICK)
        .lot_size(SIZE)
        .roi_lb(0.0)
        .roi_ub(200_000.0)
        .last_trades_capacity(0)
    )


def run(backtest: Any, offset: float) -> tuple[int, int]:
    calls = placed = last = 0
    order_id = 1
    while backtest.wait_next_feed(False, LONG_NS) == FEED:
        depth = backtest.depth(0)
        mid = (depth.best_bid + depth.best_ask) / 2
        now = backtest.current_timestamp
        if now == last:
            continue
        last = now
        calls += 1
        if calls % EVERY:
            continue
        if order_id > 1:
            orders = backtest.orders(0)
            for known in (order_id - 2, order_id - 1):
                order = orders.get(known)
                if order is not None and order.cancellable:  # cancelling a filled order makes it count its fill again
                    backtest.cancel(0, known, False)
        backtest.clear_inactive_orders(0)
        backtest.submit_buy_order(0, order_id, round((mid - offset) / TICK) * TICK, SIZE, GTX, LIMIT, False)
        backtest.submit_sell_order(0, order_id + 1, round((mid + offset) / TICK) * TICK, SIZE, GTX, LIMIT, False)
        order_id += 2
        placed += 2
    return calls, placed


def quote_rows() -> tuple[list[tuple[Any, ...]], int, int]:
    rows: list[tuple[Any, ...]] = []
    before: tuple[float, float] | None = None
    n = count()
    for ts, bid, bid_size, ask, ask_size in quotes(n):
        if before is not None and bid != before[0]:
            rows.append((DEPTH_EVENT | BOTH | BUY_EVENT, ts, ts, before[0], 0.0, 0, 0, 0.0))
        if before is not None and ask != before[1]:
            rows.append((DEPTH_EVENT | BOTH | SELL_EVENT, ts, ts, before[1], 0.0, 0, 0, 0.0))
        rows.append((DEPTH_EVENT | BOTH | BUY_EVENT, ts, ts, bid, bid_size, 0, 0, 0.0))
        rows.append((DEPTH_EVENT | BOTH | SELL_EVENT, ts, ts, ask, ask_size, 0, 0, 0.0))
        before = (bid, ask)
    return rows, n, n


def delta_rows() -> tuple[list[tuple[Any, ...]], int, int]:
    rows: list[tuple[Any, ...]] = []
    units = events = 0
    for ts, is_snapshot, changes in batches(count()):
        events += 1
        units += len(changes)
        if is_snapshot:
            rows.append((DEPTH_CLEAR_EVENT | BOTH | BUY_EVENT, ts, ts, 30_000.0, 0.0, 0, 0, 0.0))
            rows.append((DEPTH_CLEAR_EVENT | BOTH | SELL_EVENT, ts, ts, 90_000.0, 0.0, 0, 0, 0.0))
        word = DEPTH_SNAPSHOT_EVENT if is_snapshot else DEPTH_EVENT
        rows += [(word | BOTH | SIDE[side], ts, ts, price, size, 0, 0, 0.0) for side, price, size in changes]
    return rows, units, events


if __name__ == "__main__":
    main(sys.argv[1])
