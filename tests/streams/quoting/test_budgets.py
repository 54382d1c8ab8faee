"""Quotes on a pipeline whose messages are few: what waits is sent when it may, what must go, goes."""

from collections.abc import Sequence

from reactivex import Observable
from reactivex import operators as ops

from state.events import CancelOrder, Decision, FeedStatus, PlaceOrder, Signal
from streams.feeds import Feeds
from streams.quoting import Budgets, Quote, QuoteCounts, to_intents
from streams.testing import SYMBOL, VENUE, Session

FEW = Budgets(creates_per_s=2, amends_per_s=2, cancels_per_s=2, reserve=1)
LADDER = tuple(Quote("buy", 99.0 - level, 1.0, f"b{level}") for level in range(5))


class Desk(Session):
    def __init__(self) -> None:
        super().__init__()
        self._next: Sequence[Quote] = ()
        self.counts = QuoteCounts()
        self.run(self._strategy)

    def _strategy(self, feeds: Feeds) -> Observable[Decision]:
        return feeds.signal("wish").pipe(
            ops.map(lambda _: self._next),
            to_intents(feeds, VENUE, SYMBOL, counts=self.counts, budgets=FEW),
        )

    def wish(self, at_s: float, *quotes: Quote) -> None:
        self._next = quotes
        self.feed(at_s, Signal("wish", 1.0))


def test_what_the_budget_defers_follows_as_it_fills() -> None:
    session = Desk()
    session.wish(1, *LADDER)
    assert [placed.label for placed in session.of(PlaceOrder)] == ["b0", "b1"]
    assert session.counts.deferred > 0
    session.tick(1.49)
    assert len(session.of(PlaceOrder)) == 2
    session.tick(1.5)
    assert len(session.of(PlaceOrder)) == 3
    session.tick(2.5)
    assert {placed.label for placed in session.of(PlaceOrder)} == {"b0", "b1", "b2", "b3", "b4"}


def test_pulling_waits_for_no_budget() -> None:
    session = Desk()
    session.wish(1, *LADDER)
    session.tick(3)
    session.answer(4)
    assert len(session.working) == 5
    session.feed(5, FeedStatus(VENUE, SYMBOL, "book", "gap"))
    assert len(session.of(CancelOrder)) == 5


def test_withdrawing_a_wish_keeps_to_the_budget_of_cancels_and_to_its_reserve() -> None:
    session = Desk()
    session.wish(1, *LADDER)
    session.tick(3)
    session.answer(4)
    session.wish(5, LADDER[0])
    assert len(session.of(CancelOrder)) == 1
    session.answer(5.1)
    session.tick(8)
    assert len(session.of(CancelOrder)) == 4
