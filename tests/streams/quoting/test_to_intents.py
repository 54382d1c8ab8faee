"""From wished quotes to orders on a pipeline: converges, pulls when it must, never hammers, never doubles."""

from collections.abc import Sequence
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reactivex import Observable, Subject
from reactivex import operators as ops

from state.errors import WrongUse
from state.events import (
    Accepted,
    AmendOrder,
    Blocked,
    CancelOrder,
    Command,
    Decision,
    FeedStatus,
    PlaceOrder,
    Rejected,
    Signal,
    StrategyFailed,
    Unknown,
)
from state.words import Action, Refusal
from streams.feeds import Feeds
from streams.quoting import Quote, QuoteCounts, to_intents
from streams.testing import READY, SYMBOL, VENUE, Session, book, instrument, trade, update

BOTH = (Quote("buy", 99.0, 1.0, "b0"), Quote("sell", 102.0, 1.0, "a0"))


class Desk(Session):
    """A session whose one strategy wishes whatever `wish` was given last, told by a signal."""

    def __init__(self, **session: object) -> None:
        super().__init__(**session)
        self._next: Sequence[Quote] = ()
        self.counts = QuoteCounts()
        self.ended: Subject[object] = Subject()
        self.run(self._strategy)

    def _strategy(self, feeds: Feeds) -> Observable[Decision]:
        return feeds.signal("wish").pipe(
            ops.map(lambda _: self._next),
            ops.take_until(feeds.signal("end")),
            to_intents(feeds, VENUE, SYMBOL, counts=self.counts),
        )

    def wish(self, at_s: float, *quotes: Quote) -> None:
        self._next = quotes
        self.feed(at_s, Signal("wish", 1.0))

    def refuse(self, at_s: float, client_id: str, action: Action, refusal: Refusal = "rule") -> None:
        self.feed(at_s, Rejected(VENUE, SYMBOL, None, action, client_id, refusal, "1", "no"))

    def ladder(self) -> dict[str, tuple[str, Decimal, Decimal]]:
        return {order.label: (order.side, order.price, order.remaining) for order in self.working}


def quoting() -> Desk:
    """Both sides quoted, and the venue has taken them."""
    desk = Desk()
    desk.wish(1, *BOTH)
    desk.answer(1.1)
    assert desk.ladder() == {"b0": ("buy", Decimal(99), Decimal(1)), "a0": ("sell", Decimal(102), Decimal(1))}
    return desk


def since(desk: Desk, count: int) -> list[str]:
    return [type(event).__name__ for event in desk.intents[count:]]


# --- the plain course ---


def test_quotes_become_orders_once() -> None:
    desk = quoting()
    assert [event.label for event in desk.of(PlaceOrder)] == ["b0", "a0"]
    assert {event.tif for event in desk.of(PlaceOrder)} == {"post_only"}
    desk.wish(2, *BOTH)
    desk.wish(3, *BOTH)
    desk.feed(4, book(100, 101.5), trade(100))
    assert len(desk.intents) == 2


def test_moved_quotes_are_amended_and_missing_ones_cancelled() -> None:
    desk = quoting()
    desk.wish(2, Quote("buy", 98.0, 1.0, "b0"))
    assert since(desk, 2) == ["CancelOrder", "AmendOrder"]
    desk.answer(2.1)
    assert desk.ladder() == {"b0": ("buy", Decimal(98), Decimal(1))}


def test_while_an_intent_is_on_its_way_the_level_is_left() -> None:
    desk = Desk()
    desk.wish(1, *BOTH)
    for step in range(10):
        desk.wish(2 + step, Quote("buy", 98.0 - step, 1.0, "b0"), Quote("sell", 103.0 + step, 1.0, "a0"))
    assert len(desk.intents) == 2
    desk.answer(20)
    assert since(desk, 2) == ["AmendOrder", "AmendOrder"]  # to the newest only
    desk.answer(21)
    assert desk.ladder() == {"b0": ("buy", Decimal(89), Decimal(1)), "a0": ("sell", Decimal(112), Decimal(1))}


def test_a_level_of_unknown_outcome_is_left_until_more_is_known() -> None:
    desk = Desk()
    desk.wish(1, BOTH[0])
    (placed,) = desk.of(PlaceOrder)
    desk.feed(2, Unknown(VENUE, SYMBOL, None, "place", placed.client_id, "timed out"), cause=desk.pipeline.seq)
    desk.wish(3, Quote("buy", 97.0, 1.0, "b0"))
    desk.wish(9, Quote("buy", 96.0, 1.0, "b0"))
    assert since(desk, 1) == []
    desk.feed(10, update(desk.working[0], "open"))
    assert since(desk, 1) == ["AmendOrder"]


def test_completion_pulls_the_quotes() -> None:
    desk = quoting()
    desk.feed(2, Signal("end", 1.0))
    assert since(desk, 2) == ["CancelOrder", "CancelOrder"]
    assert desk.of(StrategyFailed) == []


# --- fills ---


@pytest.mark.parametrize("size", [None, "0.4"], ids=["whole", "in part"])
def test_a_filled_level_waits_for_quotes_that_know_of_it(size: str | None) -> None:
    desk = quoting()
    desk.fill(2, desk.working[0], size)
    desk.feed(3, book(100, 101.5), trade(100))
    assert since(desk, 2) == []
    desk.wish(4, *BOTH)
    assert since(desk, 2) == ["PlaceOrder" if size is None else "AmendOrder"]
    desk.answer(5)
    assert desk.ladder() == {"b0": ("buy", Decimal(99), Decimal(1)), "a0": ("sell", Decimal(102), Decimal(1))}


# --- pulling ---

PULLS = {
    "the book has a gap": [FeedStatus(VENUE, SYMBOL, "book", "gap", "u jumped")],
    "the book is crossed": [book(103, 102)],
    "the book is stale": [FeedStatus(VENUE, SYMBOL, "book", "stale")],
    "the account is not ready": [FeedStatus(VENUE, "", "account", "down")],
    "the market does not trade": [instrument(status="halted")],
    "only cancels are taken": [instrument(status="cancel_only")],
    "the session is halted": [Command("", "", "halt", "enough")],
}


@pytest.mark.parametrize("events", PULLS.values(), ids=PULLS)
def test_quotes_are_pulled_at_once_and_only_once(events: list) -> None:
    desk = quoting()
    desk.feed(2, *events)
    assert all(order.pending_cancel for order in desk.working)
    cancels = len(desk.of(CancelOrder))
    desk.wish(3, *BOTH)
    desk.tick(4)
    desk.answer(5)
    desk.wish(6, *BOTH)
    assert len(desk.of(CancelOrder)) == cancels
    assert len(desk.of(PlaceOrder)) == 2
    assert desk.of(Blocked) == []
    assert desk.ladder() == {}


BACK = {
    "the book is whole again": ([FeedStatus(VENUE, SYMBOL, "book", "gap")], [book()]),
    "the account is ready again": ([FeedStatus(VENUE, "", "account", "down")], [READY]),
    "the market trades again": ([instrument(status="halted")], [instrument()]),
}


@pytest.mark.parametrize(("out", "back"), BACK.values(), ids=BACK)
def test_quotes_come_back_with_new_wishes(out: list, back: list) -> None:
    desk = quoting()
    desk.feed(2, *out)
    desk.answer(2.1)
    desk.feed(3, *back)
    desk.wish(4, *BOTH)
    assert len(desk.of(PlaceOrder)) == 4


def test_quotes_of_before_a_gap_are_not_used_after_it() -> None:
    desk = quoting()
    desk.feed(2, FeedStatus(VENUE, SYMBOL, "book", "gap"))
    desk.wish(2.5, *BOTH)  # computed from a book that could not be trusted
    desk.answer(3)
    desk.feed(4, book())
    assert desk.ladder() == {}


def test_quotes_wished_before_the_account_is_ready_are_placed_when_it_is() -> None:
    desk = Desk(begin=(instrument(), book()))
    desk.wish(1, *BOTH)
    assert desk.intents == []
    desk.feed(2, READY)
    assert len(desk.of(PlaceOrder)) == 2


def test_nothing_is_placed_before_the_instrument_is_known() -> None:
    desk = Desk(begin=(book(), READY))
    desk.wish(1, *BOTH)
    assert desk.intents == []
    desk.feed(2, instrument())
    assert len(desk.of(PlaceOrder)) == 2


# --- refusals ---


def test_a_refused_level_rests_and_the_others_go_on() -> None:
    desk = Desk()
    desk.wish(1, *BOTH)
    bid = desk.working[0]
    desk.answer_one(1.1, desk.working[1])
    desk.refuse(1.2, bid.client_id, "place", "post_only")
    for step in range(8):
        desk.wish(1.3 + step / 10, Quote("buy", 98.0 - step, 1.0, "b0"), Quote("sell", 102.0, 1.0, "a0"))
    assert len(desk.intents) == 2
    desk.tick(3)  # the rest is over at 2.2, without anything new being wished
    placed = desk.sink.records[-2]
    assert isinstance(placed.event, PlaceOrder)
    assert placed.event.price == Decimal(91)
    assert placed.recv == desk.sink.records[0].recv + 2_200_000_000


def test_an_order_that_the_stream_says_was_rejected_rests_too() -> None:
    desk = Desk()
    desk.wish(1, BOTH[0])
    desk.feed(1.1, update(desk.working[0], "rejected", reason="would cross", refusal="post_only"))
    desk.wish(1.2, BOTH[0])
    assert len(desk.intents) == 1
    desk.tick(2.2)
    assert len(desk.intents) == 2


def test_a_refused_amendment_rests_but_can_be_pulled() -> None:
    desk = quoting()
    desk.wish(2, Quote("buy", 98.0, 1.0, "b0"), BOTH[1])
    bid = desk.working[0]
    desk.refuse(2.1, bid.client_id, "amend")
    desk.wish(2.2, Quote("buy", 97.0, 1.0, "b0"), BOTH[1])
    assert since(desk, 2) == ["AmendOrder"]
    desk.feed(2.3, FeedStatus(VENUE, SYMBOL, "book", "gap"))
    assert since(desk, 2) == ["AmendOrder", "CancelOrder", "CancelOrder"]


@pytest.mark.parametrize("first", ["acceptance", "failure"])
def test_an_amendment_that_failed_after_it_was_accepted_rests_and_is_tried_again(first: str) -> None:
    """Else the same one would leave at each round trip, until the rate limit holds back what would help."""
    desk = quoting()

    def fails(at_s: float) -> None:
        bid = desk.working[0]
        accepted = Accepted(VENUE, SYMBOL, None, "amend", bid.client_id)
        failed = update(bid, "open", Decimal(99), refusal="post_only", reason="would take")
        if first == "failure":
            desk.feed(at_s, failed)
            desk.feed(at_s, accepted, failed, cause=bid.amends[-1][0] if bid.amends else 0)
        else:
            desk.feed(at_s, accepted, cause=bid.amends[-1][0])
            desk.feed(at_s, failed)

    desk.wish(2, Quote("buy", 98.0, 1.0, "b0"), BOTH[1])
    fails(2.1)
    desk.wish(2.2, Quote("buy", 97.0, 1.0, "b0"), BOTH[1])
    assert since(desk, 2) == ["AmendOrder"]
    desk.tick(3.2)
    assert since(desk, 2) == ["AmendOrder", "AmendOrder"]
    fails(3.3)
    desk.wish(3.4, Quote("buy", 96.0, 1.0, "b0"), BOTH[1])
    assert since(desk, 2) == ["AmendOrder", "AmendOrder"]
    desk.tick(4.4)
    assert since(desk, 2) == ["AmendOrder", "AmendOrder", "AmendOrder"]
    desk.answer(4.5)
    assert desk.working[0].refusal is None
    assert desk.working[0].price == 96
    desk.wish(4.6, Quote("buy", 95.0, 1.0, "b0"), BOTH[1])
    assert since(desk, 2)[3:] == ["AmendOrder"], "and what took rests for nothing"


def test_a_refused_cancel_is_tried_again_after_a_rest() -> None:
    desk = quoting()
    bid = desk.working[0]
    desk.wish(2, BOTH[1])
    desk.refuse(2.1, bid.client_id, "cancel", "busy")
    desk.wish(2.2, BOTH[1])
    assert since(desk, 2) == ["CancelOrder"]
    desk.tick(4)
    assert since(desk, 2) == ["CancelOrder", "CancelOrder"]


def test_what_risk_blocks_rests() -> None:
    session = Session()

    def strategy(feeds: Feeds) -> Observable[Decision]:
        def block(intent: Decision) -> Decision:
            assert isinstance(intent, PlaceOrder)
            return Blocked(VENUE, SYMBOL, "place", "r", "l", "v", strategy="one", label=intent.label)

        return feeds.signal("wish").pipe(ops.map(lambda _: BOTH), to_intents(feeds, VENUE, SYMBOL), ops.map(block))

    session.run(strategy)
    for step in range(20):
        session.feed(1 + step / 10, Signal("wish", 1.0))
    session.tick(3.5)
    assert len(session.of(Blocked)) == 2 * 3  # at 1, 2 and 3 s


# --- small things ---


def test_own_touch_is_not_crossed_and_minimums_are_counted() -> None:
    desk = Desk()
    desk.wish(1, Quote("buy", 105.0, 1.0, "b0"), Quote("sell", 110.0, 0.0001, "a0"))
    assert desk.ladder() == {"b0": ("buy", Decimal("100.9"), Decimal(1))}
    assert (desk.counts.left_out, desk.counts.placed) == (1, 1)


def test_orders_of_others_are_left_alone() -> None:
    desk = quoting()
    desk.shared.exchange(VENUE).create(SYMBOL, "buy", Decimal(1), Decimal("90.0"), label="b7")
    desk.answer(2)
    desk.wish(3)
    desk.answer(4)
    assert [order.strategy for order in desk.working] == ["operator"]


@pytest.mark.parametrize("wrong", [{"tolerance_ticks": -1}, {"size_tolerance": -0.1}, {"backoff_s": 0.0}])
def test_wrong_parameters_are_told_where_they_are_written(wrong: dict[str, float]) -> None:
    session = Session()
    session.run(lambda feeds: to_intents(feeds, VENUE, SYMBOL, **wrong)(feeds.signal("wish")))
    (failed,) = session.of(StrategyFailed)
    assert failed.error.startswith(WrongUse.__name__)


def test_one_quote_is_not_all_quotes() -> None:
    session = Session()
    quote = Quote("buy", 99.0, 1.0, "b0")
    session.run(lambda feeds: feeds.signal("wish").pipe(ops.map(lambda _: quote), to_intents(feeds, VENUE, SYMBOL)))
    session.feed(1, Signal("wish", 1.0))
    (failed,) = session.of(StrategyFailed)
    assert "a tuple of them" in failed.error


# --- any venue, any order of events ---

LABELS = ("b0", "a0", "b1", "a1")


def wishes(random: Random) -> list[Quote]:
    middle = random.uniform(97, 104)
    return [
        Quote(side, middle * (1 + (0.001 + 0.003 * level) * (1 if side == "sell" else -1)), 1.0, label)
        for label, side, level in (("b0", "buy", 0), ("a0", "sell", 0), ("b1", "buy", 1), ("a1", "sell", 1))
        if random.random() < 0.8
    ]


@given(st.integers(0, 1 << 32))
def test_it_converges_whatever_the_venue_did(seed: int) -> None:
    """Random answers, refusals, fills and outages in any order; then calm: working orders equal the snapped ladder."""
    random = Random(seed)
    desk = Desk(begin=(instrument(), book(50, 150), READY))
    now = 1.0
    for _ in range(40):
        now += random.choice([0.0, 0.01, 0.3])
        what = random.randrange(10)
        working = list(desk.working)
        if what < 4:
            desk.wish(now, *wishes(random))
        elif what < 7 and working:
            desk.answer_one(now, random.choice(working))
        elif what == 7 and working:
            order = random.choice(working)
            action: Action = "cancel" if order.pending_cancel else "amend" if order.pending_amend else "place"
            if action != "place" or order.status == "pending":
                desk.refuse(now, order.client_id, action)
        elif what == 8 and working:
            order = random.choice(working)
            if order.status != "pending":
                desk.fill(now, order, None if random.random() < 0.5 else order.remaining / 2)
        elif what == 9:
            desk.feed(now, FeedStatus(VENUE, SYMBOL, "book", "gap"))
            if random.random() < 0.7:
                desk.feed(now, book(50, 150))
        labels = [order.label for order in desk.working]
        assert len(set(labels)) == len(labels)  # never two orders of one label
        bids = [order.price for order in desk.working if order.side == "buy"]
        asks = [order.price for order in desk.working if order.side == "sell"]
        assert not (bids and asks) or max(bids) < min(asks)
    final = wishes(random)
    desk.feed(now, book(50, 150))
    for _ in range(8):
        now += 2.0
        desk.wish(now, *final)
        desk.answer(now)
    settled = len(desk.intents)
    desk.wish(now + 2, *final)
    desk.tick(now + 4)
    assert len(desk.intents) == settled
    market = desk.shared.instrument(VENUE, SYMBOL)
    expected = {quote.label: (quote.side, market.price(quote.side, quote.price), Decimal(1)) for quote in final}
    assert desk.ladder().keys() == expected.keys()
    for label, (side, price, size) in desk.ladder().items():
        assert (side, size) == (expected[label][0], expected[label][2])
        assert abs(price - expected[label][1]) <= market.tick
    assert desk.of(StrategyFailed) == []


def test_amendments_are_never_stacked() -> None:
    desk = quoting()
    for step in range(5):
        desk.wish(2 + step, Quote("buy", 98.0 - step, 1.0, "b0"), BOTH[1])
    assert len(desk.of(AmendOrder)) == 1


# --- rules that change, and orders that only reduce ---


def test_quotes_that_were_wished_under_other_rules_are_put_on_the_new_grid() -> None:
    desk = Desk()
    desk.wish(1, *BOTH)
    desk.wish(2, Quote("buy", 98.3, 1.0, "b0"), Quote("sell", 103.3, 1.0, "a0"))  # waits for the answers
    desk.feed(3, instrument(tick=Decimal("0.5"), lot=Decimal("0.01")))
    desk.answer(4)
    assert not desk.of(StrategyFailed)
    assert [(amend.price, amend.size) for amend in desk.of(AmendOrder)] == [
        (Decimal("98.0"), Decimal(1)), (Decimal("103.5"), Decimal(1)),
    ]  # fmt: skip


def test_a_small_order_that_only_reduces_can_be_moved() -> None:
    desk = Desk()
    desk.wish(1, Quote("sell", 102.0, 0.01, "a0", reduce_only=True))  # below the least notional of an order that adds
    desk.answer(1.1)
    desk.wish(2, Quote("sell", 103.0, 0.01, "a0", reduce_only=True))
    assert not desk.of(StrategyFailed)
    assert since(desk, 1) == ["AmendOrder"]
