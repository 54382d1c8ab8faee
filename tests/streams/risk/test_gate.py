"""The gate: each rule at its limit and one beyond, never in the way of what reduces, and blind to nothing in flight."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
import reactivex
from hypothesis import given
from hypothesis import strategies as st
from reactivex import Observable
from reactivex import operators as ops

from state.events import (
    AmendOrder,
    Blocked,
    CancelAll,
    CancelOrder,
    Decision,
    FeedStatus,
    Fill,
    OrderUpdate,
    PlaceOrder,
    Signal,
)
from state.words import OrderStatus, Side, sign
from streams.feeds import Feeds
from streams.risk import RiskLimits, risk_gate
from streams.testing import READY, SYMBOL, VENUE, Session, book, update

D = Decimal


def buy(size: str = "1", price: str = "100.0", **more: object) -> PlaceOrder:
    return PlaceOrder(VENUE, SYMBOL, "buy", D(size), D(price), **more)


def sell(size: str = "1", price: str = "101.0", **more: object) -> PlaceOrder:
    return PlaceOrder(VENUE, SYMBOL, "sell", D(size), D(price), **more)


class Gated(Session):
    """A session whose one strategy passes on through the gate what it is told to."""

    def __init__(self, limits: RiskLimits, held: str = "0") -> None:
        super().__init__()
        self._next: Sequence[Decision] = ()
        if D(held):
            side: Side = "buy" if D(held) > 0 else "sell"
            self.feed(0, Fill(VENUE, SYMBOL, None, "held", "o", None, side, D(100), abs(D(held)), D(0), "USDT"))

        def strategy(feeds: Feeds) -> Observable[Decision]:
            return feeds.signal("go").pipe(
                ops.flat_map(lambda _: reactivex.from_iterable(self._next, scheduler=_now)), risk_gate(limits, feeds)
            )

        self.run(strategy)

    def decide(self, at_s: float, *decisions: Decision) -> list[str]:
        """What became of them: "pass", or the rule that blocked."""
        before = len(self.events)
        self._next = decisions
        self.feed(at_s, Signal("go", 1.0))
        return [
            event.rule if isinstance(event, Blocked) else "pass"
            for event in self.events[before:]
            if isinstance(event, Blocked | PlaceOrder | AmendOrder | CancelOrder | CancelAll)
        ]


_now = reactivex.scheduler.ImmediateScheduler()

RULES: dict[str, tuple[RiskLimits, list[Decision], list[str]]] = {
    "order size": (RiskLimits(max_order_size=D(2)), [buy("2"), buy("2.001")], ["pass", "max_order_size"]),
    "order notional": (
        RiskLimits(max_order_notional=D(200)), [buy("2", "100.0"), buy("2", "100.1")], ["pass", "max_order_notional"],
    ),
    "notional of a market order": (
        RiskLimits(max_order_notional=D(200)),
        [PlaceOrder(VENUE, SYMBOL, "buy", D("1.9"), None, "market"), PlaceOrder(VENUE, SYMBOL, "buy", D(2), None, "market")],
        ["pass", "max_order_notional"],
    ),
    "position, counting what passed just now": (
        RiskLimits(max_position=D(3)), [buy("2"), buy("1"), buy("0.1"), sell("3"), sell("0.1")],
        ["pass", "pass", "max_position", "pass", "max_position"],
    ),
    "open orders, counting what passed just now": (
        RiskLimits(max_open_orders=2), [buy(), sell(), buy("1", "99.0")], ["pass", "pass", "max_open_orders"],
    ),
    "message rate": (
        RiskLimits(max_messages_per_s=2), [buy(), buy("1", "99.0"), buy("1", "98.0")],
        ["pass", "pass", "max_messages_per_s"],
    ),
    "price collar above": (
        RiskLimits(price_collar_bps=100), [buy("1", "101.5"), buy("1", "101.6")], ["pass", "price_collar_bps"],
    ),
    "price collar below": (
        RiskLimits(price_collar_bps=100), [buy("1", "99.5"), buy("1", "99.4")], ["pass", "price_collar_bps"],
    ),
    "no limits": (RiskLimits(), [buy("1000", "1000.0")], ["pass"]),
}  # fmt: skip


@pytest.mark.parametrize(("limits", "decisions", "expected"), RULES.values(), ids=RULES)
def test_rule_at_its_limit_and_beyond(limits: RiskLimits, decisions: list[Decision], expected: list[str]) -> None:
    assert Gated(limits).decide(1, *decisions) == expected


@pytest.mark.parametrize("end", ["filled", "cancelled", "partially_filled"])
def test_what_an_order_was_told_to_have_filled_counts_before_its_fills_are_heard(end: OrderStatus) -> None:
    session = Gated(RiskLimits(max_position=D(3)))
    session.decide(1, buy("3"))
    session.answer(1.1)
    (order,) = session.working
    session.feed(2, update(order, end, filled=D(2)))
    assert session.decide(3, buy("1.1")) == ["max_position"]
    session.feed(4, Fill(VENUE, SYMBOL, None, "f", order.order_id, order.client_id, "buy", D(100), D(2), D(0), "USDT"))
    assert session.decide(5, buy("1.1")) == ["max_position"], "once"
    if not order.is_open:
        assert session.decide(6, buy("1")) == ["pass"], "and only once"


def test_what_was_never_heard_counts_until_the_account_is_read_whole() -> None:
    session = Gated(RiskLimits(max_position=D(3)))
    session.decide(1, buy("3"))
    session.answer(1.1)
    (order,) = session.working
    session.feed(2, update(order, "filled"))
    assert session.decide(3, buy("1")) == ["max_position"]
    session.feed(4, READY)
    assert session.decide(5, buy("3")) == ["pass"]


def test_blocked_says_rule_limit_value_and_the_whole_intent() -> None:
    session = Gated(RiskLimits(max_order_size=D(2)))
    session.decide(1, buy("3", label="b0"))
    assert session.events[-1] == Blocked(
        VENUE, SYMBOL, "place", "max_order_size", "2", "3", "", "buy", D("100.0"), D(3), "one", "b0"
    )


def test_what_is_blocked_is_never_sent() -> None:
    session = Gated(RiskLimits(max_order_size=D(2)))
    session.decide(1, buy("3"))
    assert session.bursts == []
    assert list(session.working) == []


# --- what reduces ---

TIGHT = RiskLimits(
    max_order_size=D("0.5"),
    max_order_notional=D(10),
    max_position=D("0.5"),
    max_open_orders=1,
    max_messages_per_s=1,
)
REDUCING: dict[str, tuple[str, Decision]] = {
    "a sell of a long position": ("5", sell("5")),
    "a buy of a short position": ("-5", buy("5")),
    "a reduce-only order": ("5", sell("3", reduce_only=True)),
    "a market order that closes": ("5", PlaceOrder(VENUE, SYMBOL, "sell", D(5), None, "market")),
    "a cancel": ("0", CancelOrder(VENUE, SYMBOL, "c1")),
    "all cancels": ("0", CancelAll(VENUE, SYMBOL)),
}


@pytest.mark.parametrize(("held", "decision"), REDUCING.values(), ids=REDUCING)
def test_a_limit_never_blocks_what_reduces(held: str, decision: Decision) -> None:
    session = Gated(TIGHT, held)
    assert session.decide(1, *[CancelOrder(VENUE, SYMBOL, "none")] * 3, decision)[-1] == "pass"


def test_closing_passes_while_the_book_is_not_seen_and_opening_does_not() -> None:
    session = Gated(RiskLimits(max_position=D(9), price_collar_bps=50), "5")
    session.feed(1, FeedStatus(VENUE, SYMBOL, "book", "gap"))
    assert session.decide(2, buy("1"), sell("5", "90.0")) == ["book", "pass"]


def test_a_sell_beyond_the_position_is_no_reduction() -> None:
    assert Gated(RiskLimits(max_order_size=D(2)), "5").decide(1, sell("5.1")) == ["max_order_size"]


def test_two_sells_that_close_the_position_twice_are_no_reduction() -> None:
    limits = RiskLimits(max_order_size=D(2))
    assert Gated(limits, "5").decide(1, sell("4"), sell("4")) == ["pass", "max_order_size"]


def test_a_price_beyond_the_collar_is_no_better_for_closing() -> None:
    assert Gated(RiskLimits(price_collar_bps=50), "5").decide(1, sell("5", "90.0")) == ["price_collar_bps"]


# --- what is in flight ---


def test_working_orders_count_until_they_are_gone() -> None:
    session = Gated(RiskLimits(max_position=D(2)))
    assert session.decide(1, buy("2")) == ["pass"]
    assert session.decide(2, buy("0.1", "99.0")) == ["max_position"]  # in flight
    session.answer(3)
    assert session.decide(4, buy("0.1", "99.0")) == ["max_position"]  # open
    session.decide(5, CancelOrder(VENUE, SYMBOL, session.working[0].client_id))
    assert session.decide(6, buy("0.1", "99.0")) == ["max_position"]  # may still fill
    session.answer(7)
    assert session.decide(8, buy("0.1", "99.0")) == ["pass"]


def test_a_filled_order_counts_once() -> None:
    session = Gated(RiskLimits(max_position=D(2)))
    session.decide(1, buy("1.5"))
    session.answer(2)
    session.fill(3, session.working[0], "1")
    assert session.decide(4, buy("0.5", "99.0"), buy("0.1", "98.0")) == ["pass", "max_position"]


def test_what_an_order_was_told_to_have_filled_counts_before_its_fill_is_heard() -> None:
    """It works no more and is not held yet: between the two, a whole order beyond the limit passed."""
    session = Gated(RiskLimits(max_position=D(2)))
    session.decide(1, buy("2"))
    session.answer(2)
    order = session.working[0]
    session.feed(3, update(order, "partially_filled", filled=D("1.5")))
    assert session.decide(4, buy("0.1", "99.0")) == ["max_position"]
    session.feed(5, update(order, "filled", filled=D(2)))
    assert session.decide(6, buy("0.1", "99.0")) == ["max_position"]
    session.fill(7, order, "2", "100.0")
    assert session.decide(8, buy("0.1", "99.0"), sell("4"), sell("0.1")) == ["max_position", "pass", "max_position"]


def test_what_was_closed_but_for_its_fill_is_not_closed_again() -> None:
    session = Gated(RiskLimits(max_order_size=D(1)), "5")
    session.decide(1, sell("5"))
    session.answer(2)
    session.feed(3, update(session.working[0], "filled", filled=D(5)))
    assert session.decide(4, sell("5")) == ["max_order_size"]  # it would open a short


def test_an_amendment_counts_the_larger_of_both_sizes_until_it_is_answered() -> None:
    session = Gated(RiskLimits(max_position=D(2)))
    session.decide(1, buy("1"))
    session.answer(2)
    order = session.working[0].client_id
    assert session.decide(3, AmendOrder(VENUE, SYMBOL, order, D("99.0"), D("2.1"))) == ["max_position"]
    assert session.decide(4, AmendOrder(VENUE, SYMBOL, order, D("99.0"), D("1.5"))) == ["pass"]
    assert session.decide(5, buy("0.6")) == ["max_position"]
    assert session.decide(6, buy("0.5")) == ["pass"]


def test_an_amendment_to_less_passes_all_size_limits() -> None:
    session = Gated(RiskLimits(max_messages_per_s=1))
    session.decide(1, buy("1"))
    session.answer(1.1)
    order = session.working[0]
    assert session.decide(1.2, AmendOrder(VENUE, SYMBOL, order.client_id, order.price, D("0.5"))) == ["pass"]


def test_an_amendment_that_passed_just_now_counts_already() -> None:
    session = Gated(RiskLimits(max_position=D(2)))
    session.decide(1, buy("1"))
    session.answer(2)
    order = session.working[0].client_id
    grown = AmendOrder(VENUE, SYMBOL, order, D("99.0"), D("1.5"))
    assert session.decide(3, grown, buy("0.6"), buy("0.5")) == ["pass", "max_position", "pass"]


def test_an_order_folded_in_the_same_tick_counts_once() -> None:
    session = Session()

    def strategy(feeds: Feeds) -> Observable[Decision]:
        first = feeds.signal("go").pipe(ops.map(lambda _: buy("1.5")))
        second = feeds.account(VENUE).orders(SYMBOL).pipe(ops.filter(len), ops.take(1), ops.map(lambda _: buy("0.5")))
        return reactivex.merge(first, second).pipe(risk_gate(RiskLimits(max_position=D(2)), feeds))

    session.run(strategy)
    session.feed(1, Signal("go", 1.0))
    assert [event.size for event in session.of(PlaceOrder)] == [D("1.5"), D("0.5")]
    assert session.of(Blocked) == []


def test_an_amendment_to_no_larger_size_moves_even_beyond_the_limit() -> None:
    """The position grew meanwhile: a smaller order at another price makes nothing worse."""
    session = Gated(RiskLimits(max_position=D(2), max_order_size=D(2)))
    session.decide(1, buy("2"))
    session.answer(2)
    session.feed(3, Fill(VENUE, SYMBOL, None, "other", "o", None, "buy", D(100), D(3), D(0), "USDT"))
    order = session.working[0].client_id
    assert session.decide(4, AmendOrder(VENUE, SYMBOL, order, D("99.0"), D(1))) == ["pass"]
    session.answer(5)
    assert session.decide(6, AmendOrder(VENUE, SYMBOL, order, D("99.0"), D("1.1"))) == ["max_position"]


def test_reduce_only_orders_close_what_is_open_and_make_room_for_no_more() -> None:
    session = Gated(RiskLimits(max_position=D(2)), "2")
    assert session.decide(1, sell("5", reduce_only=True)) == ["pass"]
    session.answer(2)
    assert session.decide(3, sell("2.1"), sell("2")) == ["max_position", "pass"]  # two are closed, then two are short


def test_the_rate_is_counted_over_the_last_second_of_virtual_time() -> None:
    session = Gated(RiskLimits(max_messages_per_s=2))
    assert session.decide(1.0, buy()) == ["pass"]
    assert session.decide(1.5, buy()) == ["pass"]
    assert session.decide(1.9, buy()) == ["max_messages_per_s"]
    assert session.decide(2.0, buy()) == ["pass"]
    assert session.decide(2.4, buy()) == ["max_messages_per_s"]
    assert session.decide(2.4, CancelOrder(VENUE, SYMBOL, "x")) == ["pass"]


def test_a_book_that_has_not_changed_for_long_is_stale() -> None:
    session = Gated(RiskLimits(max_book_age_s=2))
    assert session.decide(1, buy()) == ["pass"]
    session.feed(2, book())
    assert session.decide(4, buy()) == ["pass"]
    assert session.decide(4.1, buy()) == ["max_book_age_s"]
    session.feed(5, book())
    assert session.decide(5.1, buy()) == ["pass"]


amounts = st.integers(1, 40).map(lambda lots: lots * D("0.1"))
steps = st.lists(
    st.tuples(
        st.sampled_from(["place", "reduce", "answer", "fill", "cancel", "amend"]),
        st.sampled_from(["buy", "sell"]),
        amounts,
    ),
    max_size=40,
)


@given(steps, st.integers(-30, 30))
def test_the_position_never_goes_further_beyond_its_limit_whatever_fills(
    moves: list[tuple[str, Side, Decimal]], held: int
) -> None:
    """Even if everything that is out fills in the worst order; only reduce-only orders, which always pass, may shift it."""
    limit = D(2)
    session = Gated(RiskLimits(max_position=limit), str(D(held) / 10))
    furthest = max(limit, abs(D(held) / 10))
    shifted = {"buy": D(0), "sell": D(0)}
    at = 1.0
    for what, side, size in moves:
        at += 0.1
        working = [order for order in session.working if order.is_open]
        if what == "place":
            session.decide(
                at, PlaceOrder(VENUE, SYMBOL, side, size, D("100.0")), PlaceOrder(VENUE, SYMBOL, side, size, D("99.0"))
            )
        elif what == "reduce":
            session.decide(at, PlaceOrder(VENUE, SYMBOL, side, size, D("100.0"), reduce_only=True))
            shifted[side] += size
        elif what == "answer":
            session.answer(at)
        elif working and what == "fill":
            open_size = session.shared.account(VENUE).ledger.position(SYMBOL).size * -sign(working[0].side)
            closable = max(open_size, D(0)) if working[0].reduce_only else size
            if taken := min(size, working[0].remaining, closable):
                session.fill(at, working[0], taken)
        elif working and what == "cancel":
            session.decide(at, CancelOrder(VENUE, SYMBOL, working[0].client_id))
        elif working and what == "amend" and not working[0].pending_amend:
            session.decide(at, AmendOrder(VENUE, SYMBOL, working[0].client_id, D("98.0"), working[0].filled + size))
        position = session.shared.account(VENUE).ledger.position(SYMBOL).size
        for towards in ("buy", "sell"):
            held_towards = position * sign(towards)
            out = [order for order in session.working if order.side == towards]
            adding = sum((order.remaining for order in out if not order.reduce_only), D(0))
            reducing = sum((order.remaining for order in out if order.reduce_only), D(0))
            assert held_towards + adding + min(reducing, max(-held_towards, D(0))) <= furthest + shifted[towards]


def test_an_order_that_a_person_placed_without_a_client_id_counts_like_any_other() -> None:
    session = Gated(RiskLimits(max_position=D(3)))
    by_hand = OrderUpdate(VENUE, SYMBOL, None, None, "by hand", "open", "buy", "limit", "gtc", D(99), D(2))
    session.feed(0.5, by_hand)
    assert session.decide(1, buy("1.5"), buy("1"), sell("3")) == ["max_position", "pass", "pass"]
