"""Operators of trades, candles and numbers on a line of virtual time: what they say, and when."""

from collections.abc import Callable
from math import inf, log, nan, sqrt

import numpy as np
import pytest

from state.errors import WrongUse
from state.events import Candle
from streams import operators as op
from streams.testing import close, hear, trade


def test_signed_volume_nets_and_forgets() -> None:
    trades = (
        (1, trade(10, 3, "buy")),
        (2, trade(10, 1, "sell")),
        (3, trade(10, nan)),
        (30, trade(10, 2, "sell")),
    )
    assert close(hear(op.signed_volume(10, buckets=10), *trades), [(1, 3), (2, 2), (30, -2)])


def test_trade_imbalance_by_count_forgets_the_oldest() -> None:
    trades = (1, trade(10, 3, "buy")), (2, trade(10, 1, "sell")), (3, trade(10, 3, "sell"))
    assert close(hear(op.trade_imbalance_n(2), *trades), [(1, 1), (2, 0.5), (3, -1)])


def test_intensity_jumps_at_trade_and_halves_in_a_half_life() -> None:
    rate = log(2)
    trades = (1, trade(10, 5)), (2, trade(10, 7)), (4, trade(10, 1))
    assert close(hear(op.intensity(1), *trades), [(1, rate), (2, 1.5 * rate), (4, 1.375 * rate)])
    assert close(hear(op.intensity(1, by_size=True), *trades), [(1, 5 * rate), (2, 9.5 * rate), (4, 3.375 * rate)])


def test_large_trades_are_above_the_quantile_of_those_before() -> None:
    sizes = (1, 2, 1, 9, 1, 9, 10)
    trades = [(at, trade(10, size)) for at, size in enumerate(sizes, 1)]
    heard = hear(op.large_trades(0.9, warmup=3), *trades)
    assert [(at, trade.size) for at, trade in heard] == [(4, 9), (7, 10)]


def test_kyle_lambda_is_the_slope_of_price_on_flow() -> None:
    trades = [
        (1, trade(10, 2, "buy")),
        (12, trade(11, 1, "buy")),
        (22, trade(8, 3, "sell")),
        (32, trade(8, 1, "buy")),
        (42, trade(8, 1, "buy")),
    ]
    flow, change = np.array([1.0, -3.0, 1.0]), np.array([1.0, -3.0, 0.0])
    two, three = (np.polyfit(flow[:n], change[:n], 1)[0] for n in (2, 3))
    assert close(hear(op.kyle_lambda(10), *trades), [(32, float(two)), (42, float(three))])


def candle(first: float, high: float, low: float, last: float, interval_s: int = 1, *, closed: bool = True) -> Candle:
    return Candle("venue", "BTC", None, 0, interval_s, first, high, low, last, 1.0, closed=closed)


def test_parkinson_is_of_closed_candles() -> None:
    spread = log(1.001) ** 2
    still, moved = candle(100, 100, 100, 100), candle(100, 100.1, 100, 100)
    heard = hear(op.parkinson(2), (1, moved), (2, candle(1, 9, 1, 9, closed=False)), (3, still), (4, still))
    scale = 4 * log(2)
    assert close(heard, [(1, 1e4 * sqrt(spread / scale)), (3, 1e4 * sqrt(spread / 2 / scale)), (4, 0)])


def test_garman_klass_weighs_range_and_close() -> None:
    moved = candle(100, 100.2, 100, 100.1, interval_s=4)
    expected = 1e4 * sqrt((log(1.002) ** 2 / 2 - (2 * log(2) - 1) * log(1.001) ** 2) / 4)
    assert close(hear(op.garman_klass(3), (1, candle(1, 2, 1, 2, 0)), (2, moved)), [(2, expected)])


def test_bollinger_width_is_relative_to_the_mean() -> None:
    heard = hear(op.bollinger_width(2), (1, 99.0), (2, 101.0), (3, nan), (4, 99.0))
    assert close(heard, [(2, 400), (4, 400)])


def test_time_scaled_grows_with_the_root_of_time() -> None:
    assert close(hear(op.time_scaled(4), (1, 2.0), (2, 3.0)), [(1, 4), (2, 6)])


def test_ema_by_count_does_not_look_at_the_time() -> None:
    assert close(hear(op.ema_n(3), (1, 10.0), (2, 20.0), (90, 20.0), (91, inf)), [(1, 10), (2, 15), (90, 17.5)])


def test_wma_counts_the_newest_most() -> None:
    assert close(hear(op.wma_n(2), (1, 1.0), (2, 4.0), (3, 4.0)), [(1, 1), (2, 3), (3, 4)])
    assert close(hear(op.wma(2, 2), (1, 1.0), (2, 4.0)), [(1, 1), (2, 4)])
    assert close(hear(op.wma(3, 3), (1, 1.0), (2, 4.0), (9, 5.0)), [(1, 1), (2, 3), (9, 5)])


def test_hull_runs_with_a_line_where_wma_lags() -> None:
    line = [(at, float(at)) for at in range(1, 9)]
    heard = hear(op.hma_n(4), *line)
    assert close(heard[:2], [(1, 1), (2, (1 + 2 * 5 / 3) / 3)])
    assert close(heard[4:], [(at, at) for at in (5, 6, 7, 8)])
    long = [(at, float(at)) for at in range(1, 60)]
    by_time, plain = hear(op.hma(16, 16), *long)[-1][1], hear(op.wma(16, 16), *long)[-1][1]
    assert abs(by_time - 59) < 1
    assert plain < 55


def test_zscore_says_nothing_of_equal_values() -> None:
    assert close(hear(op.zscore(2), (1, 1.0), (2, 3.0), (3, 3.0), (4, nan), (5, 1.0)), [(2, 1), (5, -1)])


def test_percentile_is_the_mid_rank() -> None:
    heard = hear(op.percentile(3), (1, 1.0), (2, 2.0), (3, 0.0), (4, 2.0))
    assert close(heard, [(1, 50), (2, 75), (3, 100 / 6), (4, 100 * 2 / 3)])


def test_momentum_compares_with_what_was_so_many_values_before() -> None:
    heard = hear(op.momentum(2), (1, 100.0), (2, 0.0), (3, 101.0), (4, 102.0))
    assert close(heard, [(4, 1e4 * log(1.02))])


def test_a_ring_is_the_last_values_in_order_and_cannot_be_written() -> None:
    seen: list[list[float]] = []

    def look(values: np.ndarray) -> float:
        seen.append(values.tolist())
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 0
        return float(values.sum())

    hear(lambda source: source.pipe(op.ring(3), op.map(look)), *[(at, float(at)) for at in range(1, 8)])
    assert seen == [[1, 2, 3], [2, 3, 4], [3, 4, 5], [4, 5, 6], [5, 6, 7]]


WRONG = {
    "no count": lambda: op.trade_imbalance_n(0),
    "no window": lambda: op.signed_volume(0),
    "one bucket": lambda: op.wma(1, 1),
    "endless window": lambda: op.wma(inf),
    "hull of one": lambda: op.hma_n(1),
    "hull of few buckets": lambda: op.hma(1, 3),
    "quantile above one": lambda: op.large_trades(1.5),
    "warm-up beyond memory": lambda: op.large_trades(count=5, warmup=6),
    "slope of one": lambda: op.kyle_lambda(1, 1),
    "no deviations": lambda: op.bollinger_width(20, 0),
    "no horizon": lambda: op.time_scaled(0),
    "no half-life": lambda: op.intensity(0),
}


@pytest.mark.parametrize("make", WRONG.values(), ids=WRONG)
def test_wrong_parameters_are_told_where_they_are_written(make: Callable[[], object]) -> None:
    with pytest.raises(WrongUse):
        make()
