"""`combine_every` says what `throttle` says behind `combine`, from the same records, also where timers of one instant meet."""

from collections.abc import Callable
from random import Random

import pytest
from reactivex import Observable
from reactivex import operators as ops
from reactivex.testing import ReactiveTest, TestScheduler

from state.errors import WrongUse
from state.events import AnyEvent
from streams import operators as op
from streams.feeds import Feeds
from streams.testing.builders import book, trade
from streams.testing.session import Session

on_next, on_completed, on_error = ReactiveTest.on_next, ReactiveTest.on_completed, ReactiveTest.on_error
_STEP_S = 0.05

Two = Callable[[float, Observable[object], Observable[object], Observable[object]], Observable[object]]


def in_two(
    interval_s: float, a: Observable[object], b: Observable[object], c: Observable[object]
) -> Observable[object]:
    return op.combine(a, b, c).pipe(op.throttle(interval_s))


def in_one(
    interval_s: float, a: Observable[object], b: Observable[object], c: Observable[object]
) -> Observable[object]:
    return op.combine_every(interval_s, a, b, c)


def heard(combined: Two, seed: int) -> list[tuple[float, object]]:
    """What is said of a random market, with the record that it follows from; many inputs are due when the values are."""

    def build(feeds: Feeds) -> Observable[object]:
        market = feeds.market("venue", "BTC")
        mid = market.book.pipe(op.mid())
        traded = market.trades.pipe(op.map(lambda said: said.price), op.throttle(0.2))
        late = op.combine(mid.pipe(op.throttle(0.25)), traded)
        said = combined(0.25, mid.pipe(op.ema(1.0)), late, mid.pipe(op.throttle(0.25)))
        return said.pipe(op.map(lambda value: (feeds.scheduler.timeline.cause, value)))

    session, rng = Session(), Random(seed)
    seen = session.watch(build)
    step = 0
    for _ in range(300):
        step += rng.choice((0, 1, 1, 1, 2, 9))
        burst: list[AnyEvent] = []
        for _ in range(rng.choice((1, 1, 3))):
            middle = 100 + rng.randrange(5)
            burst.append(trade(float(middle)) if rng.random() < 0.4 else book(bid=middle - 1, ask=middle + 1))
        session.feed(step * _STEP_S, *burst)
    session.tick((step + 20) * _STEP_S)
    return list(seen)


@pytest.mark.parametrize("seed", range(6))
def test_it_says_what_the_two_say(seed: int) -> None:
    two = heard(in_two, seed)
    assert heard(in_one, seed) == two
    assert len(two) > 20


def test_it_says_what_its_drawing_says() -> None:
    scheduler = TestScheduler()
    a = scheduler.create_hot_observable(on_next(202, 1), on_next(209, 2), on_next(213, 3), on_completed(230))
    b = scheduler.create_hot_observable(on_next(202, "x"), on_next(217, "y"), on_completed(230))
    said = scheduler.start(lambda: op.combine_every(8, a, b)).messages
    assert said == [on_next(202, (1, "x")), on_next(210, (2, "x")), on_next(218, (3, "y")), on_completed(230)]


def test_what_is_held_is_given_before_the_end() -> None:
    session = Session()
    seen = session.watch(lambda feeds: op.combine_every(9, _until_three(feeds), _until_three(feeds)))
    for at in (1, 2, 3):
        session.feed(at, trade(float(at)))
    assert seen == [(1, (1.0, 1.0)), (3, (2.0, 2.0))]


def _until_three(feeds: Feeds) -> Observable[float]:
    prices = feeds.market("venue", "BTC").trades.pipe(op.map(lambda said: said.price))
    return prices.pipe(ops.take_while(lambda price: price < 3))


def test_an_error_ends_it() -> None:
    scheduler, boom = TestScheduler(), Exception("boom")
    a = scheduler.create_hot_observable(on_next(201, 1), on_error(202, boom))
    b = scheduler.create_hot_observable(on_next(201, 2))
    said = scheduler.start(lambda: op.combine_every(5, a, b)).messages
    assert said == [on_next(201, (1, 2)), on_error(202, boom)]


def test_of_nothing_it_is_wrong_use() -> None:
    with pytest.raises(WrongUse):
        op.combine_every(1.0)  # type: ignore[call-overload]
    with pytest.raises(WrongUse):
        op.combine_every(0.0, op.map(float), op.map(float))  # type: ignore[arg-type]
