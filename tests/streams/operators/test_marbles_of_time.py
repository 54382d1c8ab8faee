"""Operators of time, of candles and of several streams on a line of virtual time: what they say, and when."""

from collections.abc import Callable

import pytest
from reactivex.testing import ReactiveTest, TestScheduler

from state.errors import NotDeterministic, WrongUse
from streams import operators as op
from streams.testing import Session, close, hear, trade

on_completed, on_next = ReactiveTest.on_completed, ReactiveTest.on_next

TRADES = [(1, trade(1)), (2, trade(3)), (6, trade(2, 5)), (7, trade(4)), (9, trade(6))]


def shape(heard: list[tuple[float, object]]) -> list[tuple[float, float, float, int | None, bool]]:
    return [(at, said.open, said.close, said.trades, said.closed) for at, said in heard]


def test_bars_close_by_whatever_comes_first() -> None:
    assert shape(hear(op.bars(trades=2), *TRADES)) == [(2, 1, 3, 2, True), (7, 2, 4, 2, True)]
    assert shape(hear(op.bars(volume=4), *TRADES)) == [(6, 1, 2, 3, True)]
    assert shape(hear(op.bars(value=10), *TRADES)) == [(6, 1, 2, 3, True), (9, 4, 6, 2, True)]
    assert shape(hear(op.bars(seconds=3), *TRADES)) == [(4, 1, 3, 2, True), (9, 2, 4, 2, True), (12, 6, 6, 1, True)]
    assert shape(hear(op.bars(trades=2, volume=4, seconds=2), *TRADES)) == [
        (2, 1, 3, 2, True), (6, 2, 2, 1, True), (9, 4, 4, 1, True), (11, 6, 6, 1, True),
    ]  # fmt: skip


def test_open_bars_are_marked_so_and_only_said_where_asked_for() -> None:
    heard = hear(op.bars(trades=2, forming=True), *TRADES[:3])
    assert shape(heard) == [(1, 1, 1, 1, False), (2, 1, 3, 2, True), (6, 2, 2, 1, False)]
    heard = hear(op.candles(5, forming=True), *TRADES[:2], until=6)
    assert shape(heard) == [(1, 1, 1, 1, False), (2, 1, 3, 2, False), (5, 1, 3, 2, True)]


def test_a_bar_of_seconds_that_closed_early_leaves_no_timer_behind() -> None:
    heard = hear(op.bars(trades=2, seconds=5), (1, trade(1)), (2, trade(2)), (4, trade(3)))
    assert shape(heard) == [(2, 1, 2, 2, True), (9, 3, 3, 1, True)]


def test_debounce_waits_for_quiet() -> None:
    losses = op.Losses()
    assert hear(op.debounce(4, losses), (1, 1), (3, 2), (5, 3), (15, 4)) == [(9, 3), (19, 4)]
    assert (losses.taken, losses.given, losses.lost, losses.held) == (4, 2, 2, 0)


def test_debounce_gives_what_it_holds_at_completion() -> None:
    scheduler = TestScheduler()
    source = scheduler.create_hot_observable(on_next(201, 1), on_completed(202))
    assert scheduler.start(lambda: source.pipe(op.debounce(9))).messages == [on_next(202, 1), on_completed(202)]


def test_sample_takes_the_newest_of_the_whole_instant() -> None:
    losses = op.Losses()
    scheduler = TestScheduler()
    trigger = scheduler.create_hot_observable([on_next(200 + at, "|") for at in (2, 4, 5, 7)])
    source = scheduler.create_hot_observable([on_next(200 + at, at) for at in (1, 3, 4, 7, 8)])
    heard = scheduler.start(lambda: source.pipe(op.sample(trigger, losses))).messages
    assert heard == [on_next(202, 1), on_next(204, 4), on_next(207, 7)]
    assert (losses.taken, losses.given, losses.lost, losses.held) == (5, 3, 2, 0)


def test_sample_on_settled_speaks_once_a_burst() -> None:
    session = Session()
    heard = session.watch(lambda feeds: feeds.market("venue", "BTC").trades.pipe(op.sample(feeds.settled)))
    session.feed(1, trade(1), trade(2))
    session.feed(2)
    session.feed(3, trade(3))
    assert [(at, said.price) for at, said in heard] == [(1, 2), (3, 3)]


def test_hold_lasts_from_the_last_value() -> None:
    heard = hear(op.hold(5), (4, "x"), (8, "x"), (18, "x"))
    assert heard == [(0, False), (4, True), (13, False), (18, True), (23, False)]


def test_stale_after_says_changes_only() -> None:
    assert hear(op.stale_after(5), (2, "x"), (6, "x"), (18, "x"), until=20) == [(2, False), (11, True), (18, False)]
    assert hear(op.stale_after(5), until=9) == [(5, True)]


def test_silence_is_learned_from_the_longest_gap_of_late() -> None:
    steady = [(at, "x") for at in range(1, 30)]  # gaps of 1 s
    assert rounded(hear(op.silent(3), *steady, (90, "x"), until=95)) == [(1, False), (32, True), (90, False)]
    assert hear(op.silent(3), (1, "x"), until=95) == [(1, False), (31, True)], "before it has learned, most_s"
    assert hear(op.silent(3, most_s=9), until=95) == [(9, True)], "one that never spoke"


def test_a_market_that_slows_down_is_followed_and_one_silence_is_no_measure() -> None:
    steady = [(at, "x") for at in range(1, 30)]
    slower = [(30 + 2 * n, "x") for n in range(12)]  # up to 52
    assert rounded(hear(op.silent(3), *steady, *slower, until=70)) == [(1, False), (58, True)]
    muted = [*steady, (60, "x"), (61, "x")]  # 31 s count as the 3 s that were the limit
    assert rounded(hear(op.silent(3), *muted, until=100)) == [(1, False), (32, True), (60, False), (70, True)]


def rounded(heard: list[tuple[float, object]]) -> list[tuple[int, object]]:
    """What fades is not to the millisecond."""
    return [(round(at), word) for at, word in heard]


def test_a_buffer_is_never_larger_and_counts_what_it_dropped() -> None:
    for drop, first in (("oldest", (2, 3)), ("newest", (1, 2))):
        losses = op.Losses()
        assert hear(op.buffer(2, drop=drop, losses=losses), (1, 1), (1, 2), (1, 3), (5, 4)) == [(1, first), (5, (4,))]
        assert (losses.taken, losses.given, losses.lost, losses.held) == (4, 3, 1, 0)


def test_a_buffer_of_time_begins_with_its_first_value() -> None:
    assert hear(op.buffer(9, 5), (1, 1), (4, 2), (7, 3), (30, 4)) == [(6, (1, 2)), (12, (3,)), (35, (4,))]


def test_switch_regime_is_warm_and_speaks_once_an_instant() -> None:
    scheduler = TestScheduler()
    regime = scheduler.create_hot_observable(
        on_next(201, "calm"), on_next(206, "wild"), on_next(208, "calm"), on_next(209, "none"), on_next(210, "wild")
    )
    calm = scheduler.create_hot_observable(on_next(202, 1), on_next(204, 2), on_next(206, 3))
    wild = scheduler.create_hot_observable(on_next(203, 8), on_next(207, 9))
    heard = scheduler.start(lambda: op.switch_regime(regime, {"calm": calm, "wild": wild})).messages
    assert heard == [
        on_next(202, 1), on_next(204, 2), on_next(206, 8), on_next(207, 9), on_next(208, 3), on_next(210, 9),
    ]  # fmt: skip


def test_premium_has_no_half_of_a_change() -> None:
    scheduler = TestScheduler()
    price = scheduler.create_hot_observable(on_next(201, 101.0), on_next(203, 102.0), on_next(204, 0.0))
    reference = scheduler.create_hot_observable(on_next(202, 100.0), on_next(203, 102.0))
    heard = scheduler.start(lambda: op.premium(price, reference)).messages
    assert close([(one.time - 200, one.value.value) for one in heard], [(2, 100), (3, 0)])


def test_lead_lag_finds_who_moves_first() -> None:
    moves = [1.0, -2.0, 3.0, 1.0, -1.0, 2.0, -3.0, 1.0, 1.0, -2.0] * 3
    prices = [100.0]
    for move in moves:
        prices.append(prices[-1] * (1 + move / 100))
    for delay, lag in ((2, 2), (0, 0), (-3, -3)):
        scheduler = TestScheduler()
        first = scheduler.create_hot_observable([on_next(210 + at, price) for at, price in enumerate(prices)])
        second = scheduler.create_hot_observable(
            [on_next(210 + delay + at, price / 2) for at, price in enumerate(prices)]
        )
        heard = scheduler.start(lambda one=first, two=second: op.lead_lag(one, two, step_s=1, steps=4)).messages
        assert heard[-1].value.value.lag_s == lag
        assert heard[-1].value.value.correlation > 0.95


WRONG: dict[str, Callable[[], object]] = {
    "no trigger": lambda: op.bars(),
    "a bar of no volume": lambda: op.bars(volume=0),
    "no quiet": lambda: op.debounce(0),
    "no capacity": lambda: op.buffer(0),
    "a drop that there is not": lambda: op.buffer(1, drop="both"),
    "gaps that there are not": lambda: op.candles(60, gaps="fill"),
    "no interval": lambda: op.buffer(1, 0),
    "no age": lambda: op.stale_after(-1),
    "no factor": lambda: op.silent(0),
    "least above most": lambda: op.silent(least_s=9, most_s=8),
    "no regimes": lambda: op.switch_regime(None, {}),
}


@pytest.mark.parametrize("make", WRONG.values(), ids=WRONG)
def test_wrong_parameters_are_told_where_they_are_written(make: Callable[[], object]) -> None:
    with pytest.raises(WrongUse):
        make()


WITHOUT_TIME = [
    op.debounce(1), op.hold(1), op.stale_after(1), op.silent(), op.buffer(1), op.bars(seconds=1), op.intensity(1), op.wma(1),
    op.hma(1),
    op.order_flow_imbalance(1), op.signed_volume(1), op.kyle_lambda(1),
]  # fmt: skip


@pytest.mark.parametrize("operator", WITHOUT_TIME)
def test_time_that_nobody_passes_down_is_an_error(operator: Callable) -> None:
    import reactivex

    with pytest.raises(NotDeterministic):
        operator(reactivex.never()).subscribe(print)
