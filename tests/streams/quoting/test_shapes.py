"""Ladders and skews against their formulas, and against what a price that moves would do to them."""

from math import sqrt

import numpy as np
import pytest

from state.errors import WrongUse
from state.events import PlaceOrder, Signal
from streams.quoting import (
    Quote,
    adding_scaled,
    at_extreme,
    by_exposure,
    by_volatility,
    geometric,
    linear,
    linear_skew,
    quadratic_skew,
    shifted,
    stand,
    to_intents,
)
from streams.testing import SYMBOL, VENUE, Session


def test_linear_levels_are_equally_far_apart() -> None:
    rungs = linear(5.0, 2.5, 0.1, 5, size_step=0.5)
    assert np.allclose([rung.away_bps for rung in rungs], np.linspace(5, 15, 5))
    assert np.allclose([rung.size for rung in rungs], 0.1 * np.linspace(1, 3, 5))


def test_geometric_levels_are_equally_far_apart_in_the_logarithm() -> None:
    rungs = geometric(2.0, 1.5, 1.0, 6, size_ratio=2.0)
    assert np.allclose([rung.away_bps for rung in rungs], np.geomspace(2, 2 * 1.5**5, 6))
    assert np.allclose([rung.size for rung in rungs], 2.0 ** np.arange(6))


def test_levels_by_volatility_keep_their_chance_of_being_reached() -> None:
    random = np.random.default_rng(1)
    for volatility in (0.5, 4.0):
        ends = random.normal(0, volatility * sqrt(30.0), 200_000)
        one, two = by_volatility(volatility, 30.0, (1.0, 2.0), 0.1)
        assert np.mean(ends > one.away_bps) == pytest.approx(0.1587, abs=0.003)
        assert np.mean(ends > two.away_bps) == pytest.approx(0.0228, abs=0.002)


def test_levels_that_a_still_market_pushes_together_become_one() -> None:
    assert by_volatility(0.0, 30.0, (1.0, 2.0), 0.1, min_bps=3.0) == [(3.0, 0.2)]


@pytest.mark.parametrize("curvature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("move_bps", [0.0, 10.0, 34.0, 50.0, 99.0])
def test_a_price_that_moves_leads_to_the_target_exposure(curvature: float, move_bps: float) -> None:
    rungs = by_exposure(10.0, 50.0, 3.0, 9, curvature=curvature)
    reached = [rung for rung in rungs if rung.away_bps <= move_bps]
    taken = sum(rung.size for rung in reached)
    target = 3.0 * (reached[-1].away_bps / 50.0) ** curvature if reached else 0.0
    assert taken == pytest.approx(target)
    assert taken <= 3.0 + 1e-12


def test_what_was_taken_already_is_not_offered_again() -> None:
    fresh, later = by_exposure(10.0, 50.0, 5.0, 5), by_exposure(10.0, 50.0, 5.0, 5, held=2.5)
    assert sum(rung.size for rung in later) == pytest.approx(2.5)
    assert later[0].away_bps == 30.0  # 1, 2, 3, …: half of the third is taken
    assert later[1:] == fresh[3:]
    assert by_exposure(10.0, 50.0, 5.0, 5, held=5.0) == []


def test_rungs_stand_on_both_sides_of_the_centre() -> None:
    quotes = stand(200.0, linear(10.0, 10.0, 1.0, 2), linear(20.0, 10.0, 2.0, 1))
    assert quotes == (Quote("buy", 199.8, 1.0, "b0"), Quote("sell", 200.4, 2.0, "a0"), Quote("buy", 199.6, 1.0, "b1"))
    assert stand(200.0, linear(10_000.0, 1.0, 1.0, 1), []) == ()  # at no price


WRONG = {
    "a size of nothing": lambda: linear(1.0, 1.0, 0.0, 2),
    "no level": lambda: linear(1.0, 1.0, 1.0, 0),
    "a negative distance": lambda: linear(-1.0, 1.0, 1.0, 2),
    "a ratio that does not grow": lambda: geometric(1.0, 1.0, 1.0, 2),
    "deviations out of order": lambda: by_volatility(1.0, 1.0, (2.0, 1.0), 1.0),
    "a full exposure nearer than the first level": lambda: by_exposure(10.0, 5.0, 1.0, 3),
    "an extreme of nothing": lambda: at_extreme((), 1.0, 1.0, 0.0),
}


@pytest.mark.parametrize("make", WRONG.values(), ids=WRONG)
def test_shapes_that_make_no_ladder_are_refused(make) -> None:
    with pytest.raises(WrongUse):
        make()


@pytest.mark.parametrize("lean", [-2.0, -1.0, -0.3, 0.0, 0.5, 1.0, 7.0])
def test_skews_follow_their_formulas_and_end_at_full_position(lean: float) -> None:
    within = float(np.clip(lean, -1, 1))
    assert linear_skew(lean, 8.0) == pytest.approx(-8 * within)
    assert quadratic_skew(lean, 8.0) == pytest.approx(-8 * np.sign(within) * within**2)
    assert abs(quadratic_skew(lean, 8.0)) <= abs(linear_skew(lean, 8.0)) + 1e-12
    assert shifted(100.0, linear_skew(lean, 8.0)) == pytest.approx(100 - 0.08 * within)


LADDER = stand(100.0, linear(10.0, 10.0, 1.0, 3), linear(10.0, 10.0, 1.0, 3))


def test_below_the_extreme_both_sides_stand() -> None:
    assert at_extreme(LADDER, 0.99, 2.0) == LADDER


@pytest.mark.parametrize(("lean", "position", "side"), [(1.0, 1.5, "sell"), (-1.2, -1.5, "buy")])
def test_at_the_extreme_one_side_reduces_what_there_is_and_no_more(lean: float, position: float, side: str) -> None:
    quotes = at_extreme(LADDER, lean, position)
    assert {quote.side for quote in quotes} == {side}
    assert [quote.size for quote in quotes] == [1.0, 0.5]
    assert all(quote.reduce_only for quote in quotes)


def test_the_adding_side_shrinks_with_the_position() -> None:
    quotes = adding_scaled(LADDER, 0.75)
    assert {quote.size for quote in quotes if quote.side == "buy"} == {0.25}
    assert {quote.size for quote in quotes if quote.side == "sell"} == {1.0}
    assert {quote.side for quote in adding_scaled(LADDER, 1.0)} == {"sell"}
    assert adding_scaled(LADDER, 0.0) == LADDER


def test_a_reduce_only_quote_becomes_a_reduce_only_order_and_replaces_one_that_is_not() -> None:
    session = Session()
    wishes = [[Quote("sell", 102.0, 1.0, "a0")], [Quote("sell", 102.0, 1.0, "a0", reduce_only=True)]]

    def strategy(feeds):
        from reactivex import operators as ops

        return feeds.signal("wish").pipe(ops.map(lambda place: wishes[int(place)]), to_intents(feeds, VENUE, SYMBOL))

    session.run(strategy)
    for at, place in ((1, 0.0), (2, 1.0)):
        session.feed(at, Signal("wish", place))
        session.answer(at + 0.1)
        session.answer(at + 0.2)
    assert [placed.reduce_only for placed in session.of(PlaceOrder)] == [False, True]
    assert [order.reduce_only for order in session.working] == [True]
