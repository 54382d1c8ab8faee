"""What a place in the queue is worth, and who keeps it."""

from collections.abc import Sequence

import numpy as np
import pytest
from reactivex import Observable
from reactivex import operators as ops

from state.errors import WrongUse
from state.events import BookSnapshot, Decision, FeedStatus, Signal
from streams import operators as op
from streams.feeds import Feeds
from streams.quoting import Costs, Flow, Quote, keep_places, to_intents
from streams.quoting.queue_worth import fill_chance, place_lead, place_value, stays
from streams.strategy import Strategy
from streams.testing import SYMBOL, VENUE, Session, trade
from tests.streams.restarts import assert_goes_on_as_if_never_stopped, record_run

FLOW = Flow(2.0, 0.5, 0.25)


@pytest.mark.parametrize("ahead", [0.0, 1.0, 5.0])
def test_the_chance_of_a_fill_is_that_of_a_simulated_queue(ahead: float) -> None:
    random = np.random.default_rng(5)
    filled = 0
    for _ in range(20_000):
        left = ahead
        while random.random() < FLOW.arrivals_per_s / (FLOW.arrivals_per_s + FLOW.away_per_s):
            left -= random.exponential(FLOW.mean_size)
            if left < 0:
                filled += 1
                break
    assert fill_chance(ahead, FLOW) == pytest.approx(filled / 20_000, abs=0.012)


def test_without_any_flow_nothing_fills() -> None:
    assert fill_chance(0.0, Flow(0.0, 1.0, 0.0)) == 0.0
    assert fill_chance(0.0, Flow(1.0, 1.0, 0.0)) == 1.0
    with pytest.raises(WrongUse):
        fill_chance(-1.0, FLOW)


def test_a_place_at_the_front_stays_and_one_at_the_end_does_not() -> None:
    assert stays(4.0, 0.1, 5.0, 6.0, FLOW)
    assert not stays(4.0, 6.0, 5.0, 6.0, FLOW)
    assert stays(4.9, 6.0, 5.0, 6.0, FLOW, message_bps=1.0)
    assert not stays(0.0, 0.0, 5.0, 100.0, FLOW)  # no edge is left: away with it
    assert place_value(-2.0, 0.0, FLOW) < 0


class Keeper(Session):
    """A strategy that keeps its places, told by a signal what to wish."""

    def __init__(self) -> None:
        super().__init__()
        self._next: Sequence[Quote] = ()
        self.passed: list[Sequence[Quote]] = []
        self.run(self._strategy)

    def _strategy(self, feeds: Feeds) -> Observable[Decision]:
        return feeds.signal("wish").pipe(
            ops.map(lambda _: self._next),
            keep_places(feeds, VENUE, SYMBOL, FLOW),
            ops.do_action(self.passed.append),
            to_intents(feeds, VENUE, SYMBOL, tolerance_ticks=0),
        )

    def wish(self, at_s: float, *quotes: Quote) -> None:
        self._next = quotes
        self.feed(at_s, Signal("wish", 1.0))


def shows(at_99: float, at_98: float) -> BookSnapshot:
    return BookSnapshot(VENUE, SYMBOL, None, [(100.0, 1.0), (99.0, at_99), (98.0, at_98)], [(101.0, 1.0)])


HERE, THERE = Quote("buy", 99.0, 1.0, "b0"), Quote("buy", 98.0, 1.0, "b0")


def test_who_stands_at_the_front_keeps_the_place() -> None:
    session = Keeper()
    session.feed(1, shows(5.0, 50.0))
    session.wish(2, HERE)
    session.answer(3)
    session.feed(4, trade(99.0, 4.9, "sell"))  # what stood before us is taken
    session.wish(5, THERE)
    assert session.passed[-1] == (HERE,)
    assert len(session.intents) == 1


def test_who_stands_at_the_end_moves_as_wished() -> None:
    session = Keeper()
    session.feed(1, shows(50.0, 0.0))
    session.wish(2, HERE)
    session.answer(3)
    session.wish(5, THERE)
    assert session.passed[-1] == (THERE,)
    assert len(session.intents) == 2


def test_a_level_that_shrank_below_what_stood_before_us_brings_us_forward() -> None:
    session = Keeper()
    session.feed(1, shows(50.0, 50.0))
    session.wish(2, HERE)
    session.answer(3)
    session.feed(4, shows(0.1, 50.0))
    session.wish(5, THERE)
    assert session.passed[-1] == (HERE,)


def test_a_place_without_an_edge_is_left() -> None:
    session = Keeper()
    session.feed(1, shows(0.0, 50.0))
    session.wish(2, HERE)
    session.answer(3)
    session.feed(4, BookSnapshot(VENUE, SYMBOL, None, [(98.4, 1.0)], [(98.6, 1.0)]))
    session.wish(5, THERE)
    assert session.passed[-1] == (THERE,)


class Priced(Keeper):
    """`to_intents` that knows what its places are worth."""

    def _strategy(self, feeds: Feeds) -> Observable[Decision]:
        return feeds.signal("wish").pipe(
            ops.map(lambda _: self._next), to_intents(feeds, VENUE, SYMBOL, flow=FLOW, costs=Costs(ahead_per_tick=3.0))
        )


NEAR, SMALLER = Quote("buy", 98.7, 1.0, "b0"), Quote("buy", 99.0, 0.4, "b0")


def at_the_front() -> Priced:
    session = Priced()
    session.feed(1, shows(5.0, 50.0))
    session.wish(2, HERE)
    session.answer(3)
    session.feed(3.5, shows(6.0, 50.0))
    session.feed(4, trade(99.0, 4.9, "sell"))
    return session


def test_to_intents_pays_for_a_place_with_being_three_ticks_too_near() -> None:
    session = at_the_front()
    session.wish(5, NEAR)
    assert len(session.intents) == 1
    session.wish(6, Quote("buy", 95.0, 1.0, "b0"))  # forty ticks are worth more than the place
    assert len(session.intents) == 2


def test_to_intents_moves_an_order_that_has_nothing_to_lose() -> None:
    session = Priced()
    session.feed(1, shows(5.0, 50.0))
    session.wish(2, HERE)
    session.answer(3)
    session.wish(5, NEAR)
    assert len(session.intents) == 2


def test_to_intents_makes_an_order_smaller_without_a_thought_where_that_keeps_its_place() -> None:
    session = at_the_front()
    session.wish(5, SMALLER)
    assert len(session.intents) == 2


def test_quotes_that_must_go_go_whatever_their_place_is_worth() -> None:
    session = at_the_front()
    session.wish(5)
    assert [type(intent).__name__ for intent in session.intents] == ["PlaceOrder", "CancelOrder"]
    session = at_the_front()
    session.feed(5, FeedStatus(VENUE, SYMBOL, "book", "gap"))
    assert [type(intent).__name__ for intent in session.intents] == ["PlaceOrder", "CancelOrder"]


def test_a_lead_is_never_below_nothing() -> None:
    assert place_lead(-5.0, 0.0, 10.0, FLOW) == 0.0
    assert place_lead(5.0, 10.0, 1.0, FLOW) == 0.0
    assert place_lead(5.0, 0.0, 10.0, FLOW) == place_value(5.0, 0.0, FLOW) - place_value(5.0, 10.0, FLOW)


def test_stopped_anywhere_it_goes_on_with_the_places_that_it_knew() -> None:
    def keeping(feeds: Feeds) -> Observable[Decision]:
        def wished(mid: float) -> tuple[Quote, ...]:
            return Quote("buy", mid - 0.4, 10.0, "b0"), Quote("sell", mid + 0.4, 10.0, "a0")

        return feeds.market(VENUE, SYMBOL).book.pipe(
            op.mid(), op.map(wished), keep_places(feeds, VENUE, SYMBOL, FLOW), to_intents(feeds, VENUE, SYMBOL)
        )

    def strategies() -> list[Strategy]:
        return [Strategy("one", keeping)]

    starts = range(20, 320, 25)
    run = record_run(strategies, 400, {*starts, *(at + 60 for at in starts)}.__contains__, seed=5)
    assert sum(b"decimal" in mark.strategies for mark in run.marks.values()) > 5, "there were places to be known"
    for at in starts:
        assert_goes_on_as_if_never_stopped(run, run.marks[at], run.marks[at + 60], strategies())
