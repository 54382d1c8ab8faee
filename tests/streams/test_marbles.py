"""Each operator on a line of virtual time, by RxPY's own test scheduler (1 tick = 1 s): what it says, and when."""

from collections.abc import Callable
from decimal import Decimal
from math import log, nan, sqrt

import pytest
import reactivex
from reactivex import Observable
from reactivex import operators as ops
from reactivex.testing import ReactiveTest, TestScheduler

from state.book import Book
from state.errors import WrongUse
from state.events import Candle, Trade
from state.ledger import Position
from streams import operators as op
from streams.testing import book, close, hear, live, trade

on_completed, on_error, on_next = ReactiveTest.on_completed, ReactiveTest.on_error, ReactiveTest.on_next

GOOD = live(book(9, 11, 1, 3))
EMPTY = Book("venue", "BTC")
CROSSED = live(book(12, 11, 1, 1))
GAP = live(book(9, 11, 1, 3))
GAP.distrust("gap")

FROM_BOOK = {
    "mid": (op.mid(), 10.0),
    "microprice": (op.microprice(), 9.5),
    "spread": (op.spread(), 2000.0),
    "imbalance": (op.imbalance(), -0.5),
    "imbalance of three levels": (op.imbalance(3), -0.5),
}


@pytest.mark.parametrize(("operator", "expected"), FROM_BOOK.values(), ids=FROM_BOOK)
def test_of_a_book_only_while_it_can_be_trusted(
    operator: Callable[[Observable[Book]], Observable[float]], expected: float
) -> None:
    heard = hear(operator, (10, GOOD), (20, EMPTY), (30, CROSSED), (40, GAP), (50, GOOD))
    assert heard == [(10, expected), (50, expected)]


def test_trusted_says_changes_only() -> None:
    heard = hear(op.trusted(), (1, GOOD), (2, GOOD), (3, GAP), (4, EMPTY), (5, GOOD))
    assert heard == [(1, True), (3, False), (5, True)]


def test_ema_halves_the_distance_in_a_half_life() -> None:
    assert close(hear(op.ema(1), (0.5, 10.0), (1.5, 20.0), (3.5, 20.0)), [(0.5, 10), (1.5, 15), (3.5, 18.75)])


def test_ema_takes_the_last_value_of_an_instant() -> None:
    heard = hear(op.ema(1), (1, 10.0), (2, 99.0), (2, 20.0), (3, 20.0))
    assert close(heard, [(1, 10), (2, 54.5), (2, 15), (3, 17.5)])


def test_ema_leaves_out_what_is_no_number() -> None:
    assert close(hear(op.ema(1), (1, 10.0), (2, nan), (3, float("inf")), (4, 10.0)), [(1, 10), (4, 10)])


def test_ewma_volatility_decays_and_is_not_biased_at_the_start() -> None:
    change = 1e4 * log(1.001)
    kernel = 1 / log(2)
    expected = [
        (2, change / sqrt(kernel * (1 - 2**-1))),
        (3, change * sqrt(0.5) / sqrt(kernel * (1 - 2**-2))),
    ]
    assert close(hear(op.ewma_volatility(1), (1, 100.0), (2, 100.1), (3, 100.1)), expected)
    trades = hear(op.ewma_volatility(1), (1, trade(100.0)), (2, trade(100.1)), (3, trade(100.1)))
    assert close(trades, expected)


def test_ewma_volatility_waits_for_its_warm_up() -> None:
    heard = hear(op.ewma_volatility(1, warmup_s=2), (1, 100.0), (2, 101.0), (3, 100.0), (4, 100.0))
    assert [at for at, _ in heard] == [3, 4]


def test_realized_volatility_forgets_what_left_the_window() -> None:
    change = 1e4 * log(1.001)
    heard = hear(op.realized_volatility(4, buckets=4), (1, 100.0), (2, 100.1), (3, 100.1), (9, 100.1))
    assert close(heard, [(2, change), (3, change / sqrt(2)), (9, 0.0)])


def test_volatility_leaves_out_prices_that_are_none() -> None:
    for operator in (op.ewma_volatility(1), op.realized_volatility(4)):
        heard = hear(operator, (1, 100.0), (2, 0.0), (3, -1.0), (4, nan), (5, 100.0))
        assert heard == [(5, 0.0)]


def test_vwap_weighs_by_size_and_forgets() -> None:
    heard = hear(op.vwap(10, buckets=10), (1, trade(10, 1)), (2, trade(13, 2)), (3, trade(1, 0)), (30, trade(7, 1)))
    assert close(heard, [(1, 10), (2, 12), (30, 7)])


@pytest.mark.parametrize("operator", [op.vwap(60), op.trade_imbalance(60)], ids=["vwap", "trade imbalance"])
def test_a_window_is_not_spoilt_by_what_is_no_number(
    operator: Callable[[Observable[Trade]], Observable[float]],
) -> None:
    good = hear(operator, (1, trade(10, 1)), (5, trade(12, 1)))
    bad = [(2, trade(10, nan)), (3, trade(10, float("inf"))), (4, trade(10, 0.0))]
    assert hear(operator, (1, trade(10, 1)), *bad, (5, trade(12, 1))) == good
    assert hear(op.vwap(60), (1, trade(10, 1)), (2, trade(nan, 1)), (5, trade(12, 1))) == [(1, 10), (5, 11)]


def test_trade_imbalance_nets_sides_and_forgets() -> None:
    heard = hear(
        op.trade_imbalance(10, buckets=10),
        (1, trade(10, 3, "buy")),
        (2, trade(10, 1, "sell")),
        (30, trade(10, 1, "sell")),
    )
    assert close(heard, [(1, 1), (2, 0.5), (30, -1)])


def test_clamp_keeps_within_its_bounds() -> None:
    assert hear(op.clamp(2, 6), (1, 1.0), (2, 5.0), (3, 9.0), (4, nan)) == [(1, 2), (2, 5.0), (3, 6)]


def test_utilisation_is_signed() -> None:
    positions = [Position("venue", "BTC", Decimal(size)) for size in ("0", "5", "-20")]
    heard = hear(op.utilisation(10), *enumerate(positions, 1))
    assert heard == [(1, 0.0), (2, 0.5), (3, -2.0)]


def candle(start: int, first: float, high: float, low: float, last: float, volume: float, trades: int) -> Candle:
    turnover = {1: 4.0, 3: 6.0, 0: 0.0}[trades]
    return Candle("venue", "BTC", None, start * 10**9, 5, first, high, low, last, volume, turnover, trades, closed=True)


CANDLE_TRADES = [(1, trade(1)), (2, trade(3)), (3, trade(2)), (11, trade(4))]


def test_candles_close_on_virtual_time_and_skip_gaps() -> None:
    heard = hear(op.candles(5), *CANDLE_TRADES, until=40)
    assert heard == [(5, candle(200, 1, 3, 1, 2, 3, 3)), (15, candle(210, 4, 4, 4, 4, 1, 1))]


def test_candles_fill_gaps_where_asked_to() -> None:
    heard = hear(op.candles(5, gaps="flat"), *CANDLE_TRADES, until=22)
    assert heard == [
        (5, candle(200, 1, 3, 1, 2, 3, 3)),
        (10, candle(205, 2, 2, 2, 2, 0, 0)),
        (15, candle(210, 4, 4, 4, 4, 1, 1)),
        (20, candle(215, 4, 4, 4, 4, 0, 0)),
    ]


def test_trade_at_the_boundary_opens_the_next_candle() -> None:
    heard = hear(op.candles(5), (4, trade(1)), (5, trade(4)), until=12)
    assert [(at, value.open, value.trades) for at, value in heard] == [(5, 1, 1), (10, 4, 1)]


def test_the_unfinished_candle_is_not_said_at_completion() -> None:
    scheduler = TestScheduler()
    source = scheduler.create_hot_observable(on_next(201, trade(1)), on_completed(203))
    assert scheduler.start(lambda: source.pipe(op.candles(5))).messages == [on_completed(203)]


def test_throttle_gives_the_first_at_once_and_then_the_newest() -> None:
    losses = op.Losses()
    heard = hear(op.throttle(3, losses), (1, 1), (2, 2), (3, 3), (7, 4), (20, 5))
    assert heard == [(1, 1), (4, 3), (7, 4), (20, 5)]
    assert (losses.taken, losses.given, losses.lost, losses.held) == (5, 4, 1, 0)


def test_throttle_gives_what_it_holds_at_completion() -> None:
    losses = op.Losses()
    scheduler = TestScheduler()
    source = scheduler.create_hot_observable(on_next(201, 1), on_next(202, 2), on_completed(203))
    heard = scheduler.start(lambda: source.pipe(op.throttle(10, losses)))
    assert heard.messages == [on_next(201, 1), on_next(203, 2), on_completed(203)]
    assert (losses.lost, losses.held) == (0, 0)


def test_throttle_counts_what_it_held_when_it_is_disposed() -> None:
    losses = op.Losses()
    assert hear(op.throttle(10, losses), (1, 1), (2, 2), until=5) == [(1, 1)]
    assert (losses.taken, losses.given, losses.lost, losses.held) == (2, 1, 1, 0)


def test_conflate_gives_the_last_of_an_instant() -> None:
    losses = op.Losses()
    assert hear(op.conflate(losses), (1, 1), (1, 2), (1, 3), (2, 4)) == [(1, 3), (2, 4)]
    assert (losses.taken, losses.given, losses.lost, losses.held) == (4, 2, 2, 0)


def test_when_passes_only_while_it_holds() -> None:
    losses = op.Losses()
    scheduler = TestScheduler()
    healthy = scheduler.create_hot_observable(on_next(202, True), on_next(205, False), on_next(206, True))
    source = scheduler.create_hot_observable([on_next(200 + at, at) for at in (1, 3, 4, 5, 7)])
    heard = scheduler.start(lambda: source.pipe(op.when(healthy, losses)))
    assert heard.messages == [on_next(203, 3), on_next(204, 4), on_next(207, 7)]
    assert (losses.taken, losses.given, losses.lost) == (5, 3, 2)


def test_combine_says_one_tuple_an_instant_once_all_have_spoken() -> None:
    scheduler = TestScheduler()
    a = scheduler.create_hot_observable(on_next(201, 1), on_next(203, 2), on_completed(210))
    b = scheduler.create_hot_observable(on_next(202, "x"), on_next(203, "y"), on_next(204, "z"), on_completed(205))
    heard = scheduler.start(lambda: op.combine(a, b))
    assert heard.messages == [
        on_next(202, (1, "x")),
        on_next(203, (2, "y")),
        on_next(204, (2, "z")),
        on_completed(210),
    ]


def test_combine_gives_the_last_tick_before_it_completes() -> None:
    scheduler = TestScheduler()
    a = scheduler.create_hot_observable(on_next(201, 1), on_completed(201))
    b = scheduler.create_hot_observable(on_next(201, 2), on_completed(201))
    assert scheduler.start(lambda: op.combine(a, b)).messages == [on_next(201, (1, 2)), on_completed(201)]


def test_combine_ends_with_the_first_error() -> None:
    scheduler = TestScheduler()
    boom = ValueError("boom")
    a = scheduler.create_hot_observable(on_next(201, 1), on_error(202, boom))
    b = scheduler.create_hot_observable(on_next(201, 2), on_next(203, 3))
    assert scheduler.start(lambda: op.combine(a, b)).messages == [on_next(201, (1, 2)), on_error(202, boom)]


def test_each_says_the_items_in_their_order_and_nothing_of_an_empty_one() -> None:
    assert hear(op.each(), (1, (1, 2)), (2, ()), (3, [3])) == [(1, 1), (1, 2), (3, 3)]


def test_with_latest_pairs_at_the_moment_of_the_value() -> None:
    scheduler = TestScheduler()
    other = scheduler.create_hot_observable(on_next(202, "p"), on_next(204, "q"))
    source = scheduler.create_hot_observable(on_next(201, 1), on_next(203, 2), on_next(205, 3), on_completed(206))
    heard = scheduler.start(lambda: source.pipe(op.with_latest(other)))
    assert heard.messages == [on_next(203, (2, "p")), on_next(205, (3, "q")), on_completed(206)]


STATEFUL: dict[str, tuple[Callable[[Observable[object]], Observable[object]], list[object]]] = {
    "ema": (op.ema(1), [1.0, 5.0, 3.0]),
    "ewma_volatility": (op.ewma_volatility(1), [1.0, 1.1, 1.05]),
    "realized_volatility": (op.realized_volatility(4), [1.0, 1.1, 1.05]),
    "vwap": (op.vwap(9), [trade(1), trade(2), trade(3)]),
    "trade_imbalance": (op.trade_imbalance(9), [trade(1, 1, "sell"), trade(2), trade(3)]),
    "candles": (op.candles(1), [trade(1), trade(2), trade(3)]),
    "throttle": (op.throttle(2), [1, 2, 3]),
    "conflate": (op.conflate(), [1, 2, 3]),
    "trusted": (op.trusted(), [GOOD, GAP, GOOD]),
}


@pytest.mark.parametrize(("operator", "values"), STATEFUL.values(), ids=STATEFUL)
def test_state_is_fresh_for_each_subscriber(
    operator: Callable[[Observable[object]], Observable[object]], values: list[object]
) -> None:
    """One operator object, subscribed twice at different times on the same values: the same answers."""
    scheduler = TestScheduler()

    def source() -> Observable[object]:
        return reactivex.timer(1, 1).pipe(ops.take(len(values)), ops.map(lambda count: values[count]))

    shared = source().pipe(operator)
    heard: list[list[tuple[float, object]]] = [[], []]
    for number, start in enumerate((300.0, 400.0)):

        def subscribe(*_: object, number: int = number, start: float = start) -> None:
            shared.subscribe(
                lambda value: heard[number].append((scheduler.clock - start, value)),
                scheduler=scheduler,
            )

        scheduler.schedule_absolute(start, subscribe)
    scheduler.start()
    stripped = [
        [(at, value.close if isinstance(value, Candle) else value) for at, value in one]  # candles know the hour
        for one in heard
    ]
    assert stripped[0]
    assert stripped[0] == stripped[1]


WRONG = {
    "an EMA without a half-life": lambda: op.ema(0),
    "a volatility of a negative half-life": lambda: op.ewma_volatility(-1),
    "a window of no length": lambda: op.vwap(0),
    "a window without buckets": lambda: op.realized_volatility(1, buckets=0),
    "an imbalance of no levels": lambda: op.imbalance(0),
    "bounds the wrong way round": lambda: op.clamp(2, 1),
    "a throttle of no time": lambda: op.throttle(0),
    "candles of no time": lambda: op.candles(0),
    "a utilisation of nothing": lambda: op.utilisation(0),
    "a combination of nothing": lambda: op.combine(),
}


@pytest.mark.parametrize("make", WRONG.values(), ids=WRONG)
def test_wrong_parameters_are_told_where_they_are_written(make: Callable[[], object]) -> None:
    with pytest.raises(WrongUse):
        make()
