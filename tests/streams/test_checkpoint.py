"""A strategy that is restarted where it was written down goes on as one that never stopped; what cannot be is refused by name."""

from collections.abc import Sequence
from decimal import Decimal
from random import Random

from state.events import PlaceOrder
from streams.risk import RiskLimits
from streams.strategies import Plain, plain
from streams.strategy import Strategy
from tests.streams.harness import SYMBOL, VENUE
from tests.streams.restarts import assert_goes_on_as_if_never_stopped, record_run

STEPS = 1200
STRETCH = 40  # inputs after each restart; from there on by what is written down there
RESTARTS = 100


def plain_ones() -> Sequence[Strategy]:
    risk = RiskLimits(max_messages_per_s=30, max_book_age_s=2.0, max_position=Decimal("0.02"))
    params = Plain(venue=VENUE, symbol=SYMBOL, size=Decimal("0.008"), max_position=Decimal("0.02"), risk=risk)
    return [Strategy("plain", lambda feeds: plain(feeds, params))]


def test_plain_restarted_anywhere_is_plain_that_never_stopped() -> None:
    starts = sorted(Random(11).sample(range(STEPS - STRETCH), RESTARTS))
    marked = {*starts, *(at + STRETCH for at in starts)}
    run = record_run(plain_ones, STEPS, marked.__contains__, seed=5)
    assert sum(isinstance(record.event, PlaceOrder) for record in run.records) > 50
    for at in starts:
        assert_goes_on_as_if_never_stopped(run, run.marks[at], run.marks[at + STRETCH], plain_ones())
