"""Each numeric operator against a reference in numpy that keeps everything and computes it anew at every value."""

from collections.abc import Callable

import numpy as np
import reactivex
from hypothesis import given
from hypothesis import strategies as st
from reactivex import Observable

from state.book import Book
from state.events import BookSnapshot, Trade
from streams import operators as op
from streams.operators import Losses
from streams.scheduler import SessionScheduler, Timeline
from streams.source import Source

NS = 1_000_000_000
START = 1_700_000_000 * NS

gaps = st.one_of(st.just(0), st.integers(1, 10_000_000), st.integers(1, 5 * NS))
prices = st.floats(1e-3, 1e6, allow_nan=False)
sizes = st.floats(1e-6, 1e4, allow_nan=False)
sides = st.sampled_from(["buy", "sell"])

Timed = list[tuple[int, object]]


def hear(operator: Callable[[Observable], Observable], values: Timed) -> list[tuple[int, object]]:
    """(index of the value, what was said to it) at times given as gaps in ns."""
    timeline = Timeline(START)
    scheduler = SessionScheduler(timeline)
    source: Source = Source()
    heard: list[tuple[int, object]] = []
    index = 0
    source.pipe(operator).subscribe(lambda said: heard.append((index, said)), scheduler=scheduler)
    for index, (gap, value) in enumerate(values):
        timeline.now_ns += gap
        source.emit(value)
        timeline.settle(index)
    return heard


def times(values: Timed) -> np.ndarray:
    return np.cumsum(np.array([gap for gap, _ in values], dtype=np.int64))


def agree(heard: list[tuple[int, object]], expected: dict[int, float], rel: float = 1e-9, scale: float = 0.0) -> None:
    assert [index for index, _ in heard] == list(expected)
    np.testing.assert_allclose([said for _, said in heard], list(expected.values()), rtol=rel, atol=scale * 1e-12)


def buckets_in(at: np.ndarray, now: int, window_s: float, buckets: int) -> np.ndarray:
    """Which of the times `at` (absolute, ns) the documented window at `now` holds."""
    width = max(1, round(window_s * 1e9 / buckets))
    return (at // width > now // width - buckets) & (at <= now)


@given(st.lists(st.tuples(gaps, prices), min_size=1, max_size=40), st.floats(0.01, 100))
def test_ema_is_the_weighted_sum_over_instants(values: Timed, half_life_s: float) -> None:
    at, x = times(values), np.array([value for _, value in values])
    expected = {}
    for n in range(len(x)):
        seen_at, last = np.unique(at[: n + 1][::-1], return_index=True)  # the last value of each instant
        seen = x[: n + 1][::-1][last]
        decay = 2.0 ** (-np.diff(seen_at) / (half_life_s * NS))
        weights = np.append([1.0], 1 - decay)
        later = np.append(np.cumprod(decay[::-1])[::-1], [1.0])
        expected[n] = float(np.sum(weights * later * seen))
    agree(hear(op.ema(half_life_s), values), expected, scale=float(x.max()))


@given(st.lists(st.tuples(gaps, prices), min_size=1, max_size=40), st.floats(0.01, 100))
def test_ewma_volatility_is_the_kernel_sum(values: Timed, half_life_s: float) -> None:
    at, price = times(values) / NS, np.array([value for _, value in values])
    ns = times(values)
    squares = (1e4 * np.diff(np.log(price))) ** 2
    expected = {}
    for n in range(1, len(price)):
        elapsed = at[n] - at[0]
        if ns[n] > ns[0]:
            kernel = 2.0 ** (-(at[n] - at[1 : n + 1]) / half_life_s)
            norm = half_life_s / np.log(2) * -np.expm1(-np.log(2) * elapsed / half_life_s)
            expected[n] = float(np.sqrt(np.sum(squares[:n] * kernel) / norm))
    agree(hear(op.ewma_volatility(half_life_s), values), expected, rel=1e-6, scale=1e6)


@given(st.lists(st.tuples(gaps, prices), min_size=1, max_size=40), st.floats(0.1, 20), st.integers(1, 12))
def test_realized_volatility_is_the_mean_square_of_the_window(values: Timed, window_s: float, buckets: int) -> None:
    at, price = START + times(values), np.array([value for _, value in values])
    width = max(1, round(window_s * 1e9 / buckets))
    squares = (1e4 * np.diff(np.log(price))) ** 2
    expected = {}
    for n in range(1, len(price)):
        begins = max(at[0], (at[n] // width - buckets + 1) * width)
        if at[n] > begins:
            held = buckets_in(at[1 : n + 1], at[n], window_s, buckets)
            expected[n] = float(np.sqrt(np.sum(squares[:n][held]) / ((at[n] - begins) / NS)))
    agree(hear(op.realized_volatility(window_s, buckets), values), expected, rel=1e-6, scale=1e6)


def as_trades(values: list[tuple[int, float, float, str]]) -> Timed:
    return [(gap, Trade("v", "s", None, "t", price, size, side)) for gap, price, size, side in values]


raw_trades = st.lists(st.tuples(gaps, prices, sizes, sides), min_size=1, max_size=40)


@given(raw_trades, st.floats(0.1, 20), st.integers(1, 12))
def test_vwap_is_the_weighted_mean_of_the_window(raw: list, window_s: float, buckets: int) -> None:
    values = as_trades(raw)
    at = START + times(values)
    price, size = np.array([row[1] for row in raw]), np.array([row[2] for row in raw])
    expected = {}
    for n in range(len(raw)):
        held = buckets_in(at[: n + 1], at[n], window_s, buckets)
        expected[n] = float(np.sum((price * size)[: n + 1][held]) / np.sum(size[: n + 1][held]))
    agree(hear(op.vwap(window_s, buckets), values), expected)


@given(raw_trades, st.floats(0.1, 20), st.integers(1, 12))
def test_trade_imbalance_is_the_net_share_of_the_window(raw: list, window_s: float, buckets: int) -> None:
    values = as_trades(raw)
    at = START + times(values)
    size = np.array([row[2] for row in raw])
    signed = size * np.array([1 if row[3] == "buy" else -1 for row in raw])
    expected = {}
    for n in range(len(raw)):
        held = buckets_in(at[: n + 1], at[n], window_s, buckets)
        expected[n] = float(np.sum(signed[: n + 1][held]) / np.sum(size[: n + 1][held]))
    agree(hear(op.trade_imbalance(window_s, buckets), values), expected, scale=1.0)


@given(
    st.lists(st.tuples(st.integers(1, 500), sizes), min_size=1, max_size=8, unique_by=lambda level: level[0]),
    st.lists(st.tuples(st.integers(501, 1000), sizes), min_size=1, max_size=8, unique_by=lambda level: level[0]),
    st.integers(1, 6),
)
def test_book_operators_are_their_formulas(bids: list, asks: list, levels: int) -> None:
    bids, asks = sorted(bids, reverse=True), sorted(asks)
    book = Book("v", "s")
    book.replace(BookSnapshot("v", "s", None, [(float(p), s) for p, s in bids], [(float(p), s) for p, s in asks]))
    (bid, bid_size), (ask, ask_size) = bids[0], asks[0]
    said = {name: hear(make, [(0, book)])[0][1] for name, make in {
        "mid": op.mid(), "micro": op.microprice(), "spread": op.spread(), "imbalance": op.imbalance(levels),
    }.items()}  # fmt: skip
    deep_bid, deep_ask = (np.sum([size for _, size in side[:levels]]) for side in (bids, asks))
    np.testing.assert_allclose(said["mid"], np.mean([bid, ask]))
    np.testing.assert_allclose(said["micro"], np.average([bid, ask], weights=[ask_size, bid_size]))
    np.testing.assert_allclose(said["spread"], 1e4 * (ask - bid) / np.mean([bid, ask]))
    np.testing.assert_allclose(said["imbalance"], (deep_bid - deep_ask) / (deep_bid + deep_ask), atol=1e-12)
    assert bid <= said["micro"] <= ask


@given(raw_trades, st.integers(1, 4), st.sampled_from(["skip", "flat"]))
def test_candles_hold_every_trade_once(raw: list, interval_s: int, gaps_word: str) -> None:
    """Against numpy on whole intervals, timers fired as the pipeline fires them."""
    values = as_trades(raw)
    timeline = Timeline(START)
    source: Source = Source()
    heard: list = []
    source.pipe(op.candles(interval_s, gaps_word)).subscribe(
        lambda candle: heard.append((timeline.now_ns, candle)), scheduler=SessionScheduler(timeline)
    )

    def to(now: int) -> None:
        while timeline.next_due <= now:
            timeline.now_ns = timeline.next_due
            timeline.pop().action()
        timeline.now_ns = now

    for gap, trade in values:
        to(timeline.now_ns + gap)
        source.emit(trade)
    interval = interval_s * NS
    to(timeline.now_ns // interval * interval + interval)

    at = START + times(values)
    starts = at // interval * interval
    prices_, sizes_ = np.array([row[1] for row in raw]), np.array([row[2] for row in raw])
    filled = [(now, candle) for now, candle in heard if candle.trades]
    assert [candle.start for _, candle in filled] == list(np.unique(starts))
    for now, candle in heard:
        assert now == candle.start + interval
        held = starts == candle.start
        if not held.any():
            assert (candle.volume, candle.open, candle.high, candle.low) == (0, *[candle.close] * 3)
            continue
        inside = prices_[held]
        assert (candle.open, candle.high, candle.low, candle.close) == (
            inside[0], inside.max(), inside.min(), inside[-1],
        )  # fmt: skip
        np.testing.assert_allclose(candle.volume, sizes_[held].sum())
        np.testing.assert_allclose(candle.turnover, (prices_ * sizes_)[held].sum())
        assert candle.trades == held.sum()
    if gaps_word == "flat":
        opened = [candle.start for _, candle in heard]
        assert opened == list(range(opened[0], opened[-1] + interval, interval))


LOSSY: dict[str, Callable[[Losses], Callable[[Observable], Observable]]] = {
    "throttle": lambda losses: op.throttle(0.5, losses),
    "conflate": lambda losses: op.conflate(losses),
}


@given(
    st.sampled_from(sorted(LOSSY)), st.lists(st.tuples(st.integers(0, NS), st.booleans()), max_size=60), st.booleans()
)
def test_nothing_is_lost_that_is_not_counted(name: str, steps: list[tuple[int, bool]], completes: bool) -> None:
    """At every moment in = out + lost + held; at the end nothing is held. What comes out is in order and the newest."""
    timeline = Timeline(START)
    source: reactivex.Subject = reactivex.Subject()
    losses = Losses()
    heard: list[int] = []
    subscription = source.pipe(LOSSY[name](losses)).subscribe(heard.append, scheduler=SessionScheduler(timeline))
    for number, (gap, settles) in enumerate(steps):
        now = timeline.now_ns + gap
        while timeline.next_due <= now:
            timeline.now_ns = timeline.next_due
            timeline.pop().action()
        timeline.now_ns = now
        source.on_next(number)
        if settles:
            timeline.settle(number)
        assert losses.given == len(heard)
        assert losses.taken == number + 1
        assert losses.held in (0, 1)
    if completes:
        source.on_completed()
        assert heard[-1:] == ([len(steps) - 1] if steps else [])
    subscription.dispose()
    assert losses.held == 0
    assert losses.taken == losses.given + losses.lost == len(steps)
    assert heard == sorted(set(heard))


def test_memory_does_not_grow_with_events() -> None:
    """Twenty thousand trades over twenty seconds leave nothing behind but the windows."""
    import tracemalloc

    timeline = Timeline(START)
    scheduler = SessionScheduler(timeline)
    source: Source = Source()
    for operator in (op.vwap(60), op.trade_imbalance(60), op.ewma_volatility(60), op.realized_volatility(60)):
        source.pipe(operator).subscribe(lambda _: None, scheduler=scheduler)
    trade = Trade("v", "s", None, "t", 100.0, 1.0, "buy")

    def feed(count: int) -> None:
        for _ in range(count):
            timeline.now_ns += 1_000_000
            source.emit(trade)

    feed(2_000)
    tracemalloc.start()
    feed(1_000)
    before, _ = tracemalloc.get_traced_memory()
    feed(20_000)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 10_000
