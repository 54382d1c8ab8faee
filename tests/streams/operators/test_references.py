"""Each operator against its formula in numpy, on generated events at generated times."""

from typing import cast

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from reactivex import Observable

from state.book import Book
from state.events import BookSnapshot, Candle, Trade
from streams import operators as op
from streams.operators.forming import Forming
from streams.scheduler import SessionScheduler, Timeline
from streams.source import Source
from tests.streams.test_operator_references import (
    NS,
    START,
    Timed,
    agree,
    as_trades,
    buckets_in,
    gaps,
    hear,
    raw_trades,
    times,
)

numbers = st.lists(st.floats(1, 1000), min_size=1, max_size=60)
counts = st.integers(2, 9)
windows = st.floats(0.1, 20)
sides_of = st.lists(
    st.tuples(st.integers(1, 60), st.floats(0.01, 100)), min_size=1, max_size=10, unique_by=lambda x: x[0]
)


def counted(values: list[float]) -> Timed:
    return [(NS, value) for value in values]


def signed(raw: list) -> np.ndarray:
    return np.array([row[2] if row[3] == "buy" else -row[2] for row in raw])


# --- averages ---


@given(numbers, counts)
def test_wma_by_count_is_the_dot_product_with_a_ramp(values: list[float], count: int) -> None:
    agree(hear(op.wma_n(count), counted(values)), {n: float(wma(values[: n + 1], count)) for n in range(len(values))})


def wma(values: list[float] | np.ndarray, count: int) -> float:
    last = np.asarray(values[-count:])
    return float(np.average(last, weights=np.arange(1, len(last) + 1)))


@given(numbers, st.integers(2, 20))
def test_hma_by_count_is_made_of_three_wmas(values: list[float], count: int) -> None:
    ahead = [2 * wma(values[: n + 1], count // 2) - wma(values[: n + 1], count) for n in range(len(values))]
    expected = {n: wma(ahead[: n + 1], int(np.sqrt(count))) for n in range(len(values))}
    agree(hear(op.hma_n(count), counted(values)), expected, scale=1e4)


def timed_wma(at: np.ndarray, x: np.ndarray, n: int, window_s: float, buckets: int) -> float:
    width = max(1, round(window_s * 1e9 / buckets))
    held = buckets_in(at[: n + 1], at[n], window_s, buckets)
    begins = (at[n] // width - buckets + 1) * width
    return float(np.average(x[: n + 1][held], weights=(at[: n + 1][held] - begins).astype(float)))


@given(st.lists(st.tuples(gaps, st.floats(1, 1000)), min_size=1, max_size=40), windows, st.integers(2, 12))
def test_wma_by_time_weighs_by_the_distance_from_where_the_window_begins(
    values: Timed, window_s: float, buckets: int
) -> None:
    at, x = START + times(values), np.array([value for _, value in values])
    expected = {n: timed_wma(at, x, n, window_s, buckets) for n in range(len(x))}
    agree(hear(op.wma(window_s, buckets), values), expected, rel=1e-7)


@given(st.lists(st.tuples(gaps, st.floats(1, 1000)), min_size=1, max_size=30), windows, st.integers(4, 16))
def test_hma_by_time_is_made_of_three_timed_wmas(values: Timed, window_s: float, buckets: int) -> None:
    at, x = START + times(values), np.array([value for _, value in values])
    whole = np.array([timed_wma(at, x, n, window_s, buckets) for n in range(len(x))])
    period_s, few, root = window_s / buckets, buckets // 2, int(np.sqrt(buckets))
    half = np.array([timed_wma(at, x, n, period_s * few, few) for n in range(len(x))])
    expected = {n: timed_wma(at, 2 * half - whole, n, period_s * root, root) for n in range(len(x))}
    agree(hear(op.hma(window_s, buckets), values), expected, rel=1e-6, scale=1e9)


@given(numbers, st.integers(1, 20))
def test_ema_by_count_is_the_geometric_sum(values: list[float], span: int) -> None:
    weight = 2 / (span + 1)
    expected = {}
    for n in range(len(values)):
        weights = weight * (1 - weight) ** np.arange(n, -1, -1.0)
        weights[0] = (1 - weight) ** n
        expected[n] = float(np.dot(weights, values[: n + 1]))
    agree(hear(op.ema_n(span), counted(values)), expected)


@given(numbers, counts)
def test_zscore_and_bollinger_width_are_of_the_populations_deviation(values: list[float], count: int) -> None:
    score, width = {}, {}
    for n in range(count - 1, len(values)):
        last = np.array(values[n + 1 - count : n + 1])
        assume(last.std() == 0 or last.std() > 1e-3)
        width[n] = float(4e4 * last.std() / last.mean())
        if last.std():
            score[n] = float((last[-1] - last.mean()) / last.std())
    agree(hear(op.zscore(count), counted(values)), score, rel=1e-5, scale=1e6)
    agree(hear(op.bollinger_width(count), counted(values)), width, rel=1e-5, scale=1e7)


@pytest.mark.parametrize(("large", "then"), [(880.0, 1.4328), (548.0, 1.2217), (396.0, 1.4596), (526.0, 1.9265)])
def test_a_far_larger_number_that_has_left_leaves_no_deviation_behind(large: float, then: float) -> None:
    heard = hear(op.zscore(2), counted([1.0, 1.0, large, then, then, then]))
    assert [at for at, _ in heard] == [2, 3], "equal values have no score"


@given(st.lists(st.integers(1, 9), min_size=1, max_size=60), st.integers(1, 9))
def test_percentile_counts_those_below_and_half_of_the_equal(values: list[int], count: int) -> None:
    expected = {}
    for n in range(len(values)):
        last = np.array(values[max(0, n + 1 - count) : n + 1])
        expected[n] = float(100 * ((last < last[-1]).sum() + (last == last[-1]).sum() / 2) / len(last))
    agree(hear(op.percentile(count), counted([float(value) for value in values])), expected)


@given(numbers, counts)
def test_a_ring_is_the_sliding_window_of_numpy(values: list[float], count: int) -> None:
    seen: list[list[float]] = []
    source: Source = Source()
    source.pipe(op.ring(count)).subscribe(lambda window: seen.append(window.tolist()))
    for value in values:
        source.emit(value)
    assert seen == (np.lib.stride_tricks.sliding_window_view(values, count).tolist() if len(values) >= count else [])


@given(numbers, st.integers(1, 9))
def test_momentum_is_the_log_return_over_so_many_values(values: list[float], count: int) -> None:
    returns = 1e4 * np.log(np.array(values[count:]) / np.array(values[:-count]))
    agree(hear(op.momentum(count), counted(values)), {n + count: float(r) for n, r in enumerate(returns)}, scale=1e4)


@given(numbers, st.floats(0.1, 1e5))
def test_time_scaled_multiplies_by_the_root(values: list[float], horizon_s: float) -> None:
    expected = {n: float(value * np.sqrt(horizon_s)) for n, value in enumerate(values)}
    agree(hear(op.time_scaled(horizon_s), counted(values)), expected)


# --- trades ---


@given(raw_trades, windows, st.integers(1, 12))
def test_signed_volume_is_the_net_of_the_window(raw: list, window_s: float, buckets: int) -> None:
    at, flow = START + times(as_trades(raw)), signed(raw)
    held = [buckets_in(at[: n + 1], at[n], window_s, buckets) for n in range(len(raw))]
    expected = {n: float(flow[: n + 1][held[n]].sum()) for n in range(len(raw))}
    agree(hear(op.signed_volume(window_s, buckets), as_trades(raw)), expected, scale=1e4)


@given(raw_trades, counts)
def test_trade_imbalance_by_count_is_the_net_share(raw: list, count: int) -> None:
    flow = signed(raw)
    lasts = [flow[max(0, n + 1 - count) : n + 1] for n in range(len(raw))]
    expected = {n: float(last.sum() / np.abs(last).sum()) for n, last in enumerate(lasts)}
    agree(hear(op.trade_imbalance_n(count), as_trades(raw)), expected, rel=1e-6, scale=1e4)


@given(raw_trades, st.floats(0.01, 100), st.booleans())
def test_intensity_is_the_kernel_sum(raw: list, half_life_s: float, by_size: bool) -> None:
    at = times(as_trades(raw)) / NS
    weight = np.array([row[2] for row in raw]) if by_size else np.ones(len(raw))
    expected = {}
    for n in range(len(raw)):
        kernel = 2.0 ** (-(at[n] - at[: n + 1]) / half_life_s)
        expected[n] = float(np.log(2) / half_life_s * np.sum(weight[: n + 1] * kernel))
    agree(hear(op.intensity(half_life_s, by_size=by_size), as_trades(raw)), expected, rel=1e-6)


@given(raw_trades, st.floats(0.05, 1), st.integers(3, 9))
def test_large_trades_are_above_numpys_quantile(raw: list, quantile: float, count: int) -> None:
    sizes = np.array([row[2] for row in raw])
    expected = [
        n
        for n in range(3, len(raw))
        if sizes[n] > np.quantile(sizes[max(0, n - count) : n], quantile, method="inverted_cdf")
    ]
    said = hear(op.large_trades(quantile, count, warmup=3), as_trades(raw))
    assert [n for n, _ in said] == expected
    assert all(cast(Trade, trade).size == sizes[n] for n, trade in said)


@given(raw_trades, st.floats(0.1, 3), counts)
def test_kyle_lambda_is_numpys_regression(raw: list, interval_s: float, count: int) -> None:
    at = START + times(as_trades(raw))
    interval = at // round(interval_s * 1e9)
    price, flow = np.array([row[1] for row in raw]), signed(raw)
    ended = [n for n in range(len(raw) - 1) if interval[n] != interval[n + 1]]  # last trade of each concluded interval
    change = np.diff(price[ended])
    net = np.array([flow[interval == interval[n]].sum() for n in ended])[1:]
    expected = {}
    for done, n in enumerate(ended):
        x, y = net[max(0, done - count) : done], change[max(0, done - count) : done]
        if done >= 2:
            assume(np.var(x) > 1e-6 * np.mean(x * x))
            expected[n + 1] = float(np.cov(x, y, bias=True)[0, 1] / np.var(x))
    agree(hear(op.kyle_lambda(interval_s, count), as_trades(raw)), expected, rel=1e-6, scale=1e6)


@given(
    st.lists(st.tuples(st.floats(1, 100), st.floats(1, 2), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30),
    counts,
)
def test_parkinson_and_garman_klass_are_their_formulas(raw: list, count: int) -> None:
    low = np.array([row[0] for row in raw])
    high = low * np.array([row[1] for row in raw])
    first, last = (low + (high - low) * np.array([row[place] for row in raw]) for place in (2, 3))
    candles: Timed = [
        (NS, Candle("v", "s", None, 0, 5, *map(float, numbers), 1.0, closed=True))
        for numbers in zip(first, high, low, last, strict=True)
    ]
    ranges = np.log(high / low) ** 2
    klass = 0.5 * ranges - (2 * np.log(2) - 1) * np.log(last / first) ** 2

    def lately(estimates: np.ndarray, n: int) -> float:
        return float(1e4 * np.sqrt(max(0, estimates[max(0, n + 1 - count) : n + 1].mean()) / 5))

    expected = {n: lately(ranges / (4 * np.log(2)), n) for n in range(len(raw))}
    agree(hear(op.parkinson(count), candles), expected, rel=1e-6, scale=1e8)
    agree(hear(op.garman_klass(count), candles), {n: lately(klass, n) for n in range(len(raw))}, rel=1e-6, scale=1e9)


@given(raw_trades, st.integers(1, 5), st.floats(1, 200), st.floats(10, 9000))
def test_bars_hold_every_trade_once_and_close_where_they_must(
    raw: list, most: int, volume: float, value: float
) -> None:
    said = hear(op.bars(trades=most, volume=volume, value=value, forming=True), as_trades(raw))
    open_one: list[tuple[float, float]] = []
    for (_, candle), row in zip(cast("list[tuple[int, Candle]]", said), raw, strict=True):
        open_one.append((row[1], row[2]))
        price, size = np.array(open_one).T
        assert (candle.open, candle.high, candle.low, candle.close) == (price[0], price.max(), price.min(), price[-1])
        np.testing.assert_allclose([candle.volume, candle.turnover], [size.sum(), (price * size).sum()])
        is_done = len(open_one) >= most or candle.volume >= volume or cast(float, candle.turnover) >= value
        assert candle.closed is is_done
        if is_done:
            open_one = []


# --- books ---


def made(bids: list, asks: list) -> tuple[Book, np.ndarray, np.ndarray]:
    """Bids below 100, asks above it, each nearest first."""
    below = sorted(((100.0 - p, s) for p, s in bids), reverse=True)
    above = sorted((100.0 + p, s) for p, s in asks)
    book = Book("v", "s")
    book.replace(BookSnapshot("v", "s", None, below, above))
    return book, np.array(below), np.array(above)


@given(sides_of, sides_of, st.integers(1, 6), st.floats(200, 9000), st.floats(0.01, 300))
def test_operators_of_a_book_are_their_formulas(bids: list, asks: list, levels: int, bps: float, size: float) -> None:
    book, below, above = made(bids, asks)
    mid = (below[0, 0] + above[0, 0]) / 2
    by_level = below[:levels], above[:levels]
    by_bps = below[below[:, 0] >= mid * (1 - bps / 1e4)], above[above[:, 0] <= mid * (1 + bps / 1e4)]

    def said(operator: object) -> list[float]:
        return [cast(float, value) for _, value in hear(operator, [(0, book)])]

    for (bid_side, ask_side), depth in ((by_level, {"levels": levels}), (by_bps, {"bps": bps})):
        if not len(bid_side) or not len(ask_side):
            assert said(op.vamp(**depth)) == said(op.depth_mid(**depth)) == []
            continue
        prices = [np.average(side[:, 0], weights=side[:, 1]) for side in (bid_side, ask_side)]
        totals = [side[:, 1].sum() for side in (bid_side, ask_side)]
        np.testing.assert_allclose(said(op.depth_mid(**depth)), [np.mean(prices)])
        np.testing.assert_allclose(said(op.vamp(**depth)), [np.average(prices, weights=totals[::-1])])
    totals = [side[:, 1].sum() for side in by_level]
    np.testing.assert_allclose(
        said(op.weighted_mid(levels)), [np.average([below[0, 0], above[0, 0]], weights=totals[::-1])]
    )
    near = [side[:, 1].sum() for side in by_bps]
    expected = [(near[0] - near[1]) / sum(near)] if sum(near) else []
    np.testing.assert_allclose(said(op.imbalance_bps(bps)), expected, atol=1e-9)
    filled = np.diff(np.minimum(np.cumsum(above[:, 1]), size), prepend=0.0)
    deep = above[:, 1].sum() >= size * (1 + 1e-9)
    assume(deep or above[:, 1].sum() < size * (1 - 1e-9))
    np.testing.assert_allclose(said(op.impact_price("buy", size)), [np.dot(filled, above[:, 0]) / size] if deep else [])


@given(sides_of, sides_of, st.lists(st.floats(100, 7000), min_size=1, max_size=4, unique=True), st.floats(0.1, 1))
def test_depth_imbalance_is_the_weighted_mean_of_the_depths(
    bids: list, asks: list, bps: list[float], decay: float
) -> None:
    book, below, above = made(bids, asks)
    mid = (below[0, 0] + above[0, 0]) / 2
    found, weights = [], []
    for k, depth in enumerate(sorted(bps)):
        bid = below[(mid - below[:, 0]) / mid <= depth / 1e4, 1].sum()
        ask = above[(above[:, 0] - mid) / mid <= depth / 1e4, 1].sum()
        if bid + ask:
            found.append((bid - ask) / (bid + ask))
            weights.append(decay**k)
    expected = {0: float(np.average(found, weights=weights))} if found else {}
    agree(hear(op.depth_imbalance(sorted(bps), decay), [(0, book)]), expected, rel=1e-6, scale=1e3)


@given(
    st.lists(st.tuples(gaps, st.integers(1, 5), st.integers(1, 9), st.integers(1, 9)), min_size=2, max_size=30), windows
)
def test_order_flow_imbalance_is_the_sum_of_contributions(steps: list, window_s: float) -> None:
    touches = np.array([(90.0 + bid, size, 97.0 + bid % 3, other) for _, bid, size, other in steps])
    values: Timed = []
    for (gap, *_), (bid, bid_size, ask, ask_size) in zip(steps, touches.tolist(), strict=True):
        book = Book("v", "s")
        book.replace(BookSnapshot("v", "s", None, [(bid, bid_size)], [(ask, ask_size)]))
        values.append((gap, book))
    at = START + times(values)
    (bid, bid_size, ask, ask_size), (bid0, bid_size0, ask0, ask_size0) = touches[1:].T, touches[:-1].T
    flow = (bid >= bid0) * bid_size - (bid <= bid0) * bid_size0 - (ask <= ask0) * ask_size + (ask >= ask0) * ask_size0
    expected = {}
    for n in range(1, len(steps)):
        held = buckets_in(at[1 : n + 1], at[n], window_s, 12)
        expected[n] = float(flow[:n][held].sum())
    agree(hear(op.order_flow_imbalance(window_s, 12), values), expected, scale=1e3)


# --- of several ---


@given(
    st.lists(st.tuples(st.integers(0, 40), st.booleans(), st.integers(-9, 9)), min_size=1, max_size=30),
    st.integers(1, 4),
)
def test_lead_lag_is_the_largest_of_numpys_decayed_products(steps: list, most: int) -> None:
    """Events on a grid of quarters of a second, returns on one of seconds."""
    timeline = Timeline(START // NS * NS)
    sources: list[Source[float]] = [Source(), Source()]
    said: list[op.LeadLag] = []
    pair = op.lead_lag(sources[0], sources[1], step_s=1, steps=most, half_life_s=3)
    pair.subscribe(said.append, scheduler=SessionScheduler(timeline))
    prices: list[dict[int, float]] = [{}, {}]
    level = [4.0, 4.0]
    for gap, is_first, move in steps:
        timeline.now_ns += gap * NS // 4
        place = 0 if is_first else 1
        level[place] += move / 200
        prices[place][timeline.now_ns // NS] = level[place]
        sources[place].emit(float(np.exp(level[place])))
    first_step, last_step = min(s for side in prices for s in side), timeline.now_ns // NS
    grid = np.arange(first_step, last_step)
    closes = [
        [next((side[s] for s in range(at, first_step - 1, -1) if s in side), np.nan) for at in grid] for side in prices
    ]
    returns = [np.nan_to_num(np.diff(np.array(close), prepend=np.nan)) for close in closes]
    age = 2.0 ** (-np.arange(len(grid) - 1, -1, -1.0) / 3)
    if min((np.sum(age * r * r) for r in returns), default=0) < 1e-9:
        return
    rho = {}
    for lag in range(-most, most + 1):
        one, other = (returns[0], returns[1]) if lag >= 0 else (returns[1], returns[0])
        shifted = np.concatenate([np.zeros(abs(lag)), one])[: len(other)]
        scale = np.sqrt(np.sum(age * shifted**2) * np.sum(age * other**2))
        rho[lag] = np.sum(age * shifted * other) / scale if scale else 0.0
    best = max(abs(value) for value in rho.values())
    last = said[-1]
    np.testing.assert_allclose(abs(last.correlation), best, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(rho[round(last.lag_s)], last.correlation, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("price", [1.0, 7.5])
def test_a_flat_candle_has_no_trades(price: float) -> None:
    flat = Forming("v", "s", 0, 1, 9, 1, price, 5, 5, 5).flat(7)
    assert (flat.open, flat.high, flat.low, flat.close, flat.volume, flat.trades, flat.start) == (*[price] * 4, 0, 0, 7)


def test_memory_does_not_grow_with_events() -> None:
    """Thousands of values leave nothing behind but the windows."""
    import tracemalloc

    timeline = Timeline(START)
    scheduler = SessionScheduler(timeline)
    trades: Source = Source()
    prices: Source = Source()
    for operator in (
        op.signed_volume(1), op.trade_imbalance_n(50), op.intensity(1), op.large_trades(0.9, 50, 5), op.kyle_lambda(0.05, 20),
        op.bars(trades=7), op.buffer(5, 0.1), op.debounce(0.01), op.hold(1), op.stale_after(1),
    ):  # fmt: skip
        trades.pipe(operator).subscribe(lambda _: None, scheduler=scheduler)
    of_numbers: list[Observable] = [
        prices.pipe(operator)
        for operator in (
            op.wma(1),
            op.hma(1),
            op.wma_n(50),
            op.hma_n(50),
            op.zscore(50),
            op.percentile(50),
            op.ring(50),
        )
    ]
    for one in (*of_numbers, op.lead_lag(prices, prices, step_s=0.01, steps=5), op.premium(prices, prices)):
        one.subscribe(lambda _: None, scheduler=scheduler)
    sold = Trade("v", "s", None, "t", 100.0, 1.0, "sell")

    def feed(count: int) -> None:
        for n in range(count):
            now = timeline.now_ns + 1_000_000
            while timeline.next_due <= now:
                timeline.now_ns = timeline.next_due
                timeline.pop().action()
            timeline.now_ns = now
            trades.emit(sold)
            prices.emit(100.0 + n % 7)
            timeline.settle(0)

    feed(1_000)
    tracemalloc.start()
    feed(500)
    before, _ = tracemalloc.get_traced_memory()
    feed(2_500)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 20_000
