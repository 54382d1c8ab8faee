"""Every shipped strategy, stopped anywhere and given its state back, goes on as if it had never stopped."""

from collections.abc import Mapping, Sequence
from random import Random

import pytest

from state.events import PlaceOrder
from streams.strategies import STRATEGIES, build
from streams.strategy import Strategy
from streams.testing import SYMBOL, VENUE
from tests.depth import depth
from tests.streams.restarts import OTHER, assert_goes_on_as_if_never_stopped, record_run

BASE: Mapping[str, object] = {"venue": VENUE, "symbol": SYMBOL, "size": "0.01", "max_position": "0.05"}
LEADING: Mapping[str, object] = {"lead_venue": VENUE, "lead_symbol": OTHER}
LOSING: Mapping[str, object] = {
    "desk": {
        "strategy": {"max_drawdown": "1000", "max_position_notional": "60"},
        "venues": {VENUE: {"max_daily_loss": "1000"}},
    }
}
KINDS: dict[str, Mapping[str, object]] = {
    "skewed": BASE | LEADING | LOSING,
    "avellaneda_stoikov": BASE,
    "glft": BASE | LOSING,
    "lead_lag": BASE | LEADING,
    "stinky": BASE | {"nearest_bps": 2.0, "furthest_from_mid_bps": 10.0, "tolerance_bps": 0.0, "exit_after_s": 2.0},
    "taker": BASE | LEADING | {"exit_after_s": 2.0, "threshold_bps": 0.1},
    "cross_venue": BASE | LEADING,
    "funding_carry": BASE
    | {"hedge_venue": VENUE, "hedge_symbol": OTHER, "enter_bps": 0.01, "exit_bps": 0.0, "max_premium_bps": 1e6},
    "twap": {"venue": VENUE, "symbol": SYMBOL, "side": "buy", "size": "0.5", "duration_s": 60.0, "parts": 40},
}
STEPS, STRETCH = 500, 100


def test_every_strategy_is_here_or_has_a_test_of_its_own() -> None:
    assert set(KINDS) == set(STRATEGIES) - {"plain"}


@pytest.mark.parametrize("kind", KINDS)
def test_it_goes_on_as_if_never_stopped(kind: str) -> None:
    def strategies() -> Sequence[Strategy]:
        return [build(kind, KINDS[kind], "one")]

    starts = sorted(Random(11).sample(range(STEPS - STRETCH), depth(6, 12)))
    marked = {*starts, *(at + STRETCH for at in starts)}
    run = record_run(strategies, STEPS, marked.__contains__, seed=5)
    assert sum(isinstance(record.event, PlaceOrder) for record in run.records) > 3
    for at in starts:
        assert_goes_on_as_if_never_stopped(run, run.marks[at], run.marks[at + STRETCH], strategies())
