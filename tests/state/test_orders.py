"""Orders: races, doubt, adoption, bounds and snapshots."""

from collections.abc import Callable
from functools import partial
from itertools import permutations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from state import orders as orders_module
from state.events import (
    CancelAll,
    Fill,
    Rejected,
)
from state.order_index import ENDED_KEPT, FORMER_KEPT
from state.orders import Order, Orders, OrdersSnapshot
from tests.state.heard import (
    AMEND,
    CANCEL,
    PLACE,
    QUIET_EVENTS,
    WORD_EVENTS,
    D,
    Heard,
    S,
    V,
    accepted,
    after,
    fill,
    fold,
    rejected,
    told,
    unknown,
)


def test_a_placed_order_carries_its_intent() -> None:
    order = after()
    assert (order.status, order.placed_seq, order.strategy, order.label) == ("pending", 1, "plain", "l")
    assert (order.remaining, order.is_open, order.acknowledged, order.unknown) == (D("10"), True, False, False)


def test_acceptance_acknowledges_and_opens_nothing() -> None:
    order = after(accepted())
    assert (order.status, order.acknowledged, order.order_id) == ("pending", True, "v1")


def test_fills_and_reported_size_are_never_added() -> None:
    order = after(told("partially_filled", "4"), fill("f1", "3"))
    assert order.filled == D("4")
    order = after(fill("f1", "3"), fill("f2", "3"), told("partially_filled", "4"))
    assert order.filled == D("6")


def test_average_price_is_that_of_the_fills_once_they_are_all_there() -> None:
    order = after(fill("f1", "1", price="90"), fill("f2", "3", price="110"))
    assert order.avg_price == D("105")


def test_a_fill_id_on_both_sides_is_a_trade_with_oneself_and_two_fills() -> None:
    orders = Orders(V)
    buy = fill("f1", "1")
    assert orders.filled(buy, 1)
    assert orders.filled(msgspec.structs.replace(buy, side="sell", order_id="v2", client_id="c2"), 2)
    assert not orders.filled(buy, 3)


def test_an_order_that_may_have_grown_is_not_full_at_its_old_size() -> None:
    order = after(AMEND, fill("f1", "10"))
    assert order.status == "partially_filled"
    assert order.pending_amend == (D("101"), D("20"))
    order = after(AMEND, fill("f1", "10"), rejected("amend"))
    assert order.status == "filled"


def test_two_amendments_are_answered_by_their_cause() -> None:
    orders = fold(Orders(V), [PLACE, told("open"), AMEND, msgspec.structs.replace(AMEND, price=D("102"))])
    order = orders.get("c1")
    assert order is not None
    orders.rejected(rejected("amend"), 5, cause=4)
    assert order.pending_amend == (D("101"), D("20"))
    answered = orders.accepted(accepted("amend"), 6, cause=3)
    assert answered is order
    assert (answered.price, answered.size, answered.pending_amend) == (D("101"), D("20"), None)


def test_the_stream_answers_an_amendment_too() -> None:
    order = after(told("open"), AMEND, told("open", price="101", size="20"))
    assert (order.price, order.size, order.pending_amend) == (D("101"), D("20"), None)


def test_an_older_version_is_dropped_whole_unless_it_is_the_end() -> None:
    orders = fold(Orders(V), [PLACE, told("open", version=5)])
    assert orders.updated(told("partially_filled", "3", version=4), 3) is None
    assert orders.updated(told("cancelled", version=4, firm=False), 4) is None
    ended = orders.updated(told("cancelled", version=4, price="101"), 5)
    assert ended is not None
    assert (ended.status, ended.price) == ("cancelled", D("100")), "an end is an end, but its terms are old ones"


def test_an_older_venue_time_does_not_bring_back_old_terms() -> None:
    order = after(told("open", ts=5, price="101", size="20"), told("open", ts=4))
    assert (order.price, order.size) == (D("101"), D("20"))


def test_a_repeat_is_no_news() -> None:
    orders = fold(Orders(V), [PLACE, told("open", "0")])
    assert orders.updated(told("open", "0"), 3) is None
    order = orders.get("c1")
    assert order is not None
    assert order.updated_seq == 2
    fold(orders, [told("filled", "10")], 4)
    for late in (told("filled", "10"), told("open", "0"), told("partially_filled", "3")):
        assert orders.updated(late, 5) is None


def test_a_cancel_refused_as_gone_leaves_it_in_doubt_until_the_stream_speaks() -> None:
    order = after(told("open"), CANCEL, rejected("cancel", "gone"))
    assert (order.is_open, order.unknown, order.pending_cancel) == (True, True, False)
    order = after(told("open"), CANCEL, rejected("cancel", "gone"), told("filled", "10"))
    assert (order.status, order.unknown) == ("filled", False)


@pytest.mark.parametrize(
    ("heard", "is_unknown"),
    [
        ((unknown(),), True),
        ((unknown(), accepted()), False),
        ((unknown(), told("open")), False),
        ((unknown(), fill("f1", "1")), False),
        ((accepted(), unknown()), False),
        ((fill("f1", "1"), unknown()), False),
        ((unknown(), rejected()), False),
        ((rejected("place", "duplicate"),), True),
        ((told("open"), rejected("place", "duplicate")), False),
        ((told("open"), CANCEL, unknown("cancel")), True),
        ((told("open"), CANCEL, unknown("cancel"), told("open")), False),
        ((told("open"), CANCEL, unknown("cancel"), accepted("cancel")), False),
        ((told("open"), AMEND, unknown("amend")), True),
        ((told("open"), AMEND, unknown("amend"), told("open")), False),
        ((told("open"), AMEND, unknown("amend"), accepted("amend")), False),
        ((told("open"), unknown("amend")), False),
    ],
)
def test_doubt_lasts_until_somebody_knows(heard: tuple[Heard, ...], is_unknown: bool) -> None:
    assert after(*heard).unknown is is_unknown


def test_an_unknown_cancel_that_did_not_take_can_be_wished_again() -> None:
    order = after(told("open"), CANCEL, unknown("cancel"))
    assert order.pending_cancel
    order = after(told("open"), CANCEL, unknown("cancel"), told("open"))
    assert not order.pending_cancel


def test_a_refusal_keeps_the_venues_words() -> None:
    order = after(rejected("place", "post_only"))
    assert (order.status, order.refusal, order.reason) == ("rejected", "post_only", "110 no")


def test_the_first_end_keeps_its_words() -> None:
    late = msgspec.structs.replace(told("filled", "10", ts=9), reason="EC_OrigClOrdIDDoesNotExist")
    orders = fold(Orders(V), [PLACE, told("filled", "10", ts=8)])
    assert orders.updated(late, 3) is None


def test_an_end_told_before_the_ack_of_an_amendment_keeps_its_words() -> None:
    end = msgspec.structs.replace(told("cancelled", "0", ts=4), reason="would take", refusal="post_only")
    order = after(AMEND, accepted("amend", ts=5), end)
    assert (order.status, order.refusal, order.reason) == ("cancelled", "post_only", "would take")


def test_a_refusal_that_the_stream_repeats_keeps_its_words() -> None:
    order = after(rejected("place", "funds"), told("rejected"))
    assert (order.status, order.refusal, order.reason, order.refused) == ("rejected", "funds", "110 no", False)


def test_a_foreign_order_is_adopted_and_found_by_the_venues_id() -> None:
    orders = Orders(V)
    order = orders.updated(msgspec.structs.replace(told("open", client_id=None), origin="liquidation"), 7)
    assert order is not None
    assert (order.placed_seq, order.client_id, order.origin, order.updated_seq) == (0, "", "liquidation", 7)
    assert orders.by_order_id("v1") is order
    assert orders.working(S) == (order,)
    assert orders.updated(msgspec.structs.replace(told("open", order_id="v9", client_id=None), side=None), 8) is None


def test_fills_of_a_foreign_order_wait_until_it_is_told_of() -> None:
    orders = Orders(V)
    assert orders.filled(fill("f1", "4", client_id=None), 1)
    order = orders.updated(told("open", "0", client_id=None), 2)
    assert order is not None
    assert (order.status, order.filled, order.avg_price) == ("partially_filled", D("4"), D("100"))


def test_a_stranger_that_turns_out_to_be_ours_is_counted_once() -> None:
    orders = fold(Orders(V), [PLACE, told("partially_filled", "4", client_id=None), accepted()])
    assert [(order.client_id, order.filled) for order in orders.working()] == [("c1", D("4"))]


@pytest.mark.parametrize("arrival", list(permutations(range(3))))
def test_an_order_that_the_venue_replaced_lives_under_its_new_id(arrival: tuple[int, ...]) -> None:
    heard = (told("open", ts=1), told("cancelled", ts=2), told("open", ts=3, order_id="v2", price="101", replaces="v1"))
    orders = fold(Orders(V), (PLACE, *(heard[place] for place in arrival)))
    order = orders.get("c1")
    assert order is not None
    assert (order.status, order.order_id, order.price) == ("open", "v2", D("101"))
    assert orders.by_order_id("v1") is orders.by_order_id("v2") is order
    assert orders.working(S) == (order,)


def test_of_an_order_that_is_replaced_all_night_the_latest_names_are_kept() -> None:
    renewed = (told("open", ts=n, order_id=f"v{n}", replaces=f"v{n - 1}") for n in range(2, 1_000))
    orders = fold(Orders(V), (PLACE, told("open", ts=1), *renewed))
    order = orders.get("c1")
    assert order is not None
    assert (order.status, order.order_id, len(order.former_ids)) == ("open", "v999", FORMER_KEPT)
    assert orders.by_order_id("v998") is orders.by_order_id(f"v{999 - FORMER_KEPT}") is order
    assert orders.by_order_id(f"v{998 - FORMER_KEPT}") is None
    fold(orders, [told("cancelled", ts=1_001, order_id="v999")])
    assert order.status == "cancelled"


def test_cancel_all_means_one_symbol_or_all() -> None:
    other = msgspec.structs.replace(PLACE, symbol="ETH", client_id="c2")
    orders = fold(Orders(V), [PLACE, other])
    assert [order.client_id for order in orders.cancelling_all(CancelAll(V, "ETH"), 3)] == ["c2"]
    assert [order.client_id for order in orders.cancelling_all(CancelAll(V, ""), 4)] == ["c1", "c2"]
    refusal = Rejected(V, "", None, "cancel_all", "", "rate", "10006", "slow down")
    orders.rejected(refusal, 5, cause=4)
    assert not any(order.pending_cancel for order in orders.working())


def test_working_orders_stand_in_placing_order_with_one_back_to_life_in_its_place() -> None:
    others = [msgspec.structs.replace(PLACE, client_id=f"c{place}") for place in (2, 3)]
    orders = fold(Orders(V), [PLACE, *others, rejected()])
    assert [order.client_id for order in orders.working(S)] == ["c2", "c3"]
    fold(orders, [told("open")], 5)
    assert (
        [order.client_id for order in orders.working(S)]
        == ["c1", "c2", "c3"]
        == [o.client_id for o in orders.working()]
    )


@pytest.mark.parametrize(
    "call",
    [
        lambda orders: orders.amending(AMEND, 1),
        lambda orders: orders.cancelling(CANCEL, 1),
        lambda orders: orders.accepted(accepted(), 1),
        lambda orders: orders.rejected(rejected(), 1),
        lambda orders: orders.unknown(unknown(), 1),
    ],
    ids=["amend", "cancel", "accepted", "rejected", "unknown"],
)
def test_words_about_an_order_nobody_knows_change_nothing(call: Callable[[Orders], Order | None]) -> None:
    orders = Orders(V)
    assert call(orders) is None
    assert orders.dump() == Orders(V).dump()


STORY = (
    accepted(), told("open"), told("partially_filled", "4"), told("filled", "10"), told("cancelled", "4"),
    fill("f1", "3"), fill("f2", "1", client_id=None), fill("f3", "6", order_id=None),
)  # fmt: skip


@given(st.lists(st.sampled_from(STORY), max_size=12))
def test_what_was_told_of_an_order_and_what_was_heard_of_it_come_to_what_it_has_filled(story: list[Heard]) -> None:
    orders = fold(Orders(V), [PLACE, *story])
    order = orders.get("c1")
    assert order is not None
    assert order.fills_size + orders.unheard(S) == order.filled
    assert orders.unheard(S, "plain") == orders.unheard(S)
    assert not orders.unheard(S, "another")
    orders.was_read()
    assert not orders.unheard(S)


def test_what_others_placed_owes_us_nothing() -> None:
    """What it had filled before we heard of it is inside the position, as its fills were."""
    assert not fold(Orders(V), [told("partially_filled", "4")]).unheard(S)


# --- bounds and snapshots ----------------------------------------------------------------------------------------


def test_memory_stays_flat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders_module, "FILL_IDS_KEPT", 50)
    monkeypatch.setattr(orders_module, "ORPHANS_KEPT", 20)
    orders = Orders(V)
    for number in range(ENDED_KEPT + 500):
        name = f"c{number}"
        place = msgspec.structs.replace(PLACE, client_id=name)
        end = told("filled", "10", client_id=name, order_id=f"v{number}")
        fold(
            orders,
            [
                place,
                end,
                fill(f"f{number}", "10", client_id=name),
                fill(f"o{number}", "1", client_id=None, order_id=f"x{number}"),
            ],
        )
    kept = orders.dump()
    assert (len(kept.ended), len(kept.working), len(kept.fill_ids), len(kept.orphans)) == (ENDED_KEPT, 0, 50, 20)
    assert orders.get("c0") is None
    assert orders.by_order_id("v0") is None
    assert orders.get(f"c{ENDED_KEPT + 499}") is not None


EVERYTHING = [
    PLACE,
    AMEND,
    CANCEL,
    CancelAll(V, ""),
    *WORD_EVENTS.values(),
    *QUIET_EVENTS.values(),
    told("open", order_id="v2", replaces="v1", ts=5),
    told("open", order_id="v7", client_id=None),
    fill("f9", "1", client_id=None, order_id="v7"),
    fill("f8", "1", client_id=None, order_id="v8"),
]


@given(st.lists(st.sampled_from(EVERYTHING), max_size=25), st.lists(st.sampled_from(EVERYTHING), max_size=10))
def test_a_snapshot_answers_as_the_original_did(before: list[Heard], later: list[Heard]) -> None:
    original = fold(Orders(V), before)
    taken = msgspec.msgpack.encode(original.dump())
    restored = Orders.load(msgspec.msgpack.decode(taken, type=OrdersSnapshot))
    assert restored.dump() == original.dump()
    continued = partial(fold, events=later, first_seq=100)
    assert continued(restored).dump() == continued(original).dump()
    assert msgspec.msgpack.encode(restored.dump()) == msgspec.msgpack.encode(original.dump())


def test_a_snapshot_does_not_change_with_what_comes_later() -> None:
    orders = fold(Orders(V), [PLACE])
    taken = orders.dump()
    encoded = msgspec.msgpack.encode(taken)
    fold(orders, [told("filled", "10"), fill("f1", "10")], 2)
    assert msgspec.msgpack.encode(taken) == encoded


# --- fills that are still to be heard ---

TELLINGS: dict[str, tuple[list[Heard], str]] = {
    "none was told of": ([told("open")], "0"),
    "the order says so first": ([told("partially_filled", "4")], "4"),
    "and it has ended": ([told("partially_filled", "4"), told("filled", "10")], "10"),
    "some are heard": ([told("filled", "10"), fill("f1", "3")], "7"),
    "all are heard": ([told("filled", "10"), fill("f1", "3"), fill("f2", "7")], "0"),
    "a fill is told twice": ([told("filled", "10"), fill("f1", "3"), fill("f1", "3")], "7"),
    "the fills were first": ([fill("f1", "3"), told("partially_filled", "3")], "0"),
    "no number is told": ([told("filled")], "10"),
    "only the venue's id was known": ([told("partially_filled", "4", client_id=None), accepted()], "4"),
}


@pytest.mark.parametrize(("heard", "expected"), TELLINGS.values(), ids=TELLINGS)
def test_what_an_order_was_told_to_have_filled_is_unheard_until_its_fills_are(
    heard: list[Heard], expected: str
) -> None:
    orders = fold(Orders(V), [PLACE, *heard])
    for each in (orders, Orders.load(orders.dump())):
        assert each.unheard(S) == each.unheard(S, "plain") == D(expected)
        assert each.unheard("ETH") == each.unheard(S, "other") == 0


def test_of_an_order_that_was_here_before_the_session_nothing_is_to_be_heard() -> None:
    """What it had filled is in the position that the account began with."""
    assert fold(Orders(V), [told("partially_filled", "4", client_id="x", order_id="v9")]).unheard(S) == 0


def test_what_an_order_has_filled_is_told_by_its_fills_and_what_is_unheard_in_any_order() -> None:
    events = [told("partially_filled", "4"), fill("f1", "3"), fill("f2", "7"), told("filled", "10")]
    for order in permutations(events):
        orders, booked = Orders(V), D(0)
        fold(orders, [PLACE])
        for seq, event in enumerate(order, 2):
            if isinstance(event, Fill):
                booked += event.size if orders.filled(event, seq) else 0
            else:
                orders.updated(event, seq)
            known = orders.get("c1")
            assert known is not None
            assert known.filled == booked + orders.unheard(S)
