"""The plan: as few intents as brute force finds, one order a label, nothing in the way of anything."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.errors import WrongUse
from state.events import AmendOrder, CancelOrder, PlaceOrder
from state.instruments import Instrument
from state.orders import Order
from state.words import Side
from streams.quoting import Quote, QuoteCounts
from streams.quoting.plan import Planned, Rules, Wanted, plan, snapped
from streams.testing import SYMBOL, TICK, VENUE, instrument

MARKET = Instrument.defined(instrument())
RULES = Rules("one", TICK, Decimal(0), "post_only")
LABELS: tuple[tuple[str, Side], ...] = (("b0", "buy"), ("a0", "sell"), ("b1", "buy"), ("a1", "sell"))


def order(label: str, side: Side, price: str | Decimal, size: str | Decimal = "1", **changes: object) -> Order:
    made = Order(
        VENUE, SYMBOL, f"id-{label}", side, "limit", "post_only", Decimal(price), Decimal(size),
        status="open", acknowledged=True, strategy="one", label=label,
    )  # fmt: skip
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def want(side: Side, price: str | Decimal, size: str | Decimal = "1") -> Wanted:
    return Wanted(side, Decimal(price), Decimal(size))


def planned(wanted: dict[str, Wanted], orders: Sequence[Order], **more: object) -> list[Planned]:
    return plan(wanted, orders, MARKET, RULES, **more)


def kinds(intents: Sequence[Planned]) -> list[str]:
    return [type(intent).__name__.removesuffix("Order") for intent in intents]


CASES: dict[str, tuple[dict[str, Wanted], list[Order], list[str]]] = {
    "nothing there, so place": ({"b0": want("buy", "99")}, [], ["Place"]),
    "nothing wanted, so cancel": ({}, [order("b0", "buy", "99")], ["Cancel"]),
    "just so, so leave it": ({"b0": want("buy", "99")}, [order("b0", "buy", "99")], []),
    "within a tick, so leave it": ({"b0": want("buy", "99")}, [order("b0", "buy", "99.1")], []),
    "two ticks away, so amend": ({"b0": want("buy", "99")}, [order("b0", "buy", "99.2")], ["Amend"]),
    "another size, so amend": ({"b0": want("buy", "99", "2")}, [order("b0", "buy", "99")], ["Amend"]),
    "another side, so cancel and wait": ({"x": want("sell", "101")}, [order("x", "buy", "99")], ["Cancel"]),
    "being cancelled, so wait": (
        {"b0": want("buy", "98")}, [order("b0", "buy", "99", pending_cancel=True)], [],
    ),
    "being cancelled and not wanted, so wait": ({}, [order("b0", "buy", "99", pending_cancel=True)], []),
    "being amended, so wait": (
        {"b0": want("buy", "97")}, [order("b0", "buy", "99", amends=((7, Decimal(98), Decimal(1)),))], [],
    ),
    "being placed, so wait": (
        {"b0": want("buy", "97")}, [order("b0", "buy", "99", status="pending", acknowledged=False)], [],
    ),
    "being placed and not wanted, so cancel": (
        {}, [order("b0", "buy", "99", status="pending", acknowledged=False)], ["Cancel"],
    ),
    "of unknown outcome, so leave it": (
        {"b0": want("buy", "97")}, [order("b0", "buy", "99", place_unknown=True)], [],
    ),
    "twice under one label, so cancel the second": (
        {"b0": want("buy", "99")}, [order("b0", "buy", "99"), order("b0", "buy", "98", client_id="second")], ["Cancel"],
    ),
    "an ask in the way, so it retreats and the bid waits": (
        {"b0": want("buy", "102"), "a0": want("sell", "103")},
        [order("b0", "buy", "99"), order("a0", "sell", "101")],
        ["Amend"],
    ),
    "a bid in the way, so it retreats and the ask waits": (
        {"b0": want("buy", "95"), "a0": want("sell", "97")},
        [order("b0", "buy", "99"), order("a0", "sell", "101")],
        ["Amend"],
    ),
    "an ask that leaves is in the way until it has left": (
        {"b0": want("buy", "102")}, [order("a0", "sell", "101", pending_cancel=True)], [],
    ),
    "an ask on its way down is in the way already": (
        {"b0": want("buy", "102"), "a0": want("sell", "103")},
        [order("b0", "buy", "99"), order("a0", "sell", "105", amends=((7, Decimal("101.5"), Decimal(1)),))],
        [],
    ),
    "within a tick but in the way, so it moves": (
        {"b0": want("buy", "99.9"), "a0": want("sell", "100")},
        [order("b0", "buy", "100")],
        ["Amend"],
    ),
    "gone first, then retreats, then advances": (
        {"b0": want("buy", "100"), "a0": want("sell", "105")},
        [order("b0", "buy", "99"), order("a0", "sell", "104"), order("b1", "buy", "98")],
        ["Cancel", "Amend", "Amend"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("wanted", "orders", "expected"), CASES.values(), ids=CASES)
def test_plan(wanted: dict[str, Wanted], orders: list[Order], expected: list[str]) -> None:
    assert kinds(planned(wanted, orders)) == expected


def test_what_retreats_goes_before_what_advances() -> None:
    wanted = {"b0": want("buy", "100"), "a0": want("sell", "105")}
    intents = planned(wanted, [order("b0", "buy", "99"), order("a0", "sell", "104")])
    assert [intent.client_id for intent in intents] == ["id-a0", "id-b0"]


def test_an_amendment_counts_what_is_filled() -> None:
    half = order("b0", "buy", "99", "1", filled=Decimal("0.4"), status="partially_filled")
    (amend,) = planned({"b0": want("buy", "99", "1")}, [half])
    assert isinstance(amend, AmendOrder)
    assert (amend.price, amend.size) == (Decimal(99), Decimal("1.4"))


def test_missing_size_within_tolerance_stays() -> None:
    half = order("b0", "buy", "99", "1", filled=Decimal("0.2"), status="partially_filled")
    rules = Rules("one", TICK, Decimal("0.25"), "post_only")
    assert plan({"b0": want("buy", "99", "1")}, [half], MARKET, rules) == []


def test_an_order_that_would_outgrow_the_venues_maximum_is_replaced() -> None:
    market = Instrument.defined(instrument(max_size=Decimal(1)))
    half = order("b0", "buy", "99", "1", filled=Decimal("0.5"), status="partially_filled")
    assert kinds(plan({"b0": want("buy", "99", "1")}, [half], market, RULES)) == ["Cancel"]


def test_an_order_filled_off_the_lot_is_replaced() -> None:
    odd = order("b0", "buy", "99", "1", filled=Decimal("0.0005"), status="partially_filled")
    assert kinds(planned({"b0": want("buy", "99", "1")}, [odd])) == ["Cancel"]


def test_held_labels_are_not_placed_or_amended_but_cancelled() -> None:
    wanted = {"b0": want("buy", "98"), "b1": want("buy", "97")}
    orders = [order("b0", "buy", "99"), order("a0", "sell", "101")]
    assert kinds(planned(wanted, orders, held={"b0", "b1", "a0"})) == ["Cancel"]
    assert kinds(planned(wanted, orders, held={"b0", "b1", "a0"}, uncancelled={"a0"})) == []


# --- against brute force ---

lots = st.integers(1, 20).map(lambda count: count * Decimal("0.1"))
bid_grid, ask_grid = st.integers(900, 999).map(lambda s: s * TICK), st.integers(1001, 1100).map(lambda s: s * TICK)


@st.composite
def situations(draw: st.DrawFn) -> tuple[dict[str, Wanted], list[Order]]:
    """Quotes and settled orders of up to four levels, bids below 100 and asks above it: nothing is in the way."""
    wanted: dict[str, Wanted] = {}
    orders: list[Order] = []
    for label, side in LABELS:
        price = bid_grid if side == "buy" else ask_grid
        if draw(st.booleans()):
            wanted[label] = Wanted(side, draw(price), draw(lots))
        if draw(st.booleans()):
            near = label in wanted and draw(st.booleans())
            at = wanted[label].price + draw(st.integers(-1, 1)) * TICK if near else draw(price)
            size = wanted[label].size if near else draw(lots)
            orders.append(order(label, side, at, size))
    return wanted, orders


Book = dict[str, tuple[Side, Decimal, Decimal]]


def outcome(orders: Sequence[Order], choices: Sequence[str], wanted: dict[str, Wanted]) -> Book | None:
    """The orders after one choice a label; None where the choice makes no sense."""
    after: Book = {one.label: (one.side, one.price, one.size) for one in orders}
    for (label, _), choice in zip(LABELS, choices, strict=True):
        target = wanted.get(label)
        if choice == "place":
            if label in after or target is None:
                return None
            after[label] = tuple(target[:3])
        elif choice == "amend":
            if label not in after or target is None:
                return None
            after[label] = tuple(target[:3])
        elif choice == "cancel" and after.pop(label, None) is None:
            return None
    return after


def reaches(after: Book, wanted: dict[str, Wanted]) -> bool:
    return after.keys() == wanted.keys() and all(
        side == wanted[label].side and abs(price - wanted[label].price) <= TICK and size == wanted[label].size
        for label, (side, price, size) in after.items()
    )


@given(situations())
def test_no_plan_reaches_the_quotes_with_fewer_intents(situation: tuple[dict[str, Wanted], list[Order]]) -> None:
    wanted, orders = situation
    fewest = min(
        sum(choice != "leave" for choice in choices)
        for choices in product(("leave", "place", "amend", "cancel"), repeat=len(LABELS))
        if (after := outcome(orders, choices, wanted)) is not None and reaches(after, wanted)
    )
    intents = planned(wanted, orders)
    assert len(intents) == fewest
    after = applied(orders, intents)
    assert reaches({one.label: (one.side, one.price, one.size) for one in after}, wanted)
    assert planned(wanted, after) == []  # no oscillation


def applied(orders: Sequence[Order], intents: Sequence[Planned]) -> list[Order]:
    """The orders once the venue has done everything."""
    after = {one.client_id: one for one in orders}
    for intent in intents:
        if isinstance(intent, PlaceOrder):
            after[f"id-{intent.label}"] = order(intent.label, intent.side, intent.price, intent.size)
        elif isinstance(intent, AmendOrder):
            one = after[intent.client_id]
            after[intent.client_id] = order(one.label, one.side, intent.price, intent.size)
        else:
            del after[intent.client_id]
    return list(after.values())


@st.composite
def anywhere(draw: st.DrawFn) -> tuple[dict[str, Wanted], list[Order]]:
    """Quotes that do not cross, orders that do not cross, but each wherever it likes."""
    wanted: dict[str, Wanted] = {}
    orders: list[Order] = []
    for into in (wanted, orders):
        middle = draw(st.integers(910, 1090))
        for label, side in LABELS:
            if not draw(st.booleans()):
                continue
            steps = middle - draw(st.integers(0, 9)) if side == "buy" else middle + draw(st.integers(1, 9))
            price, size = steps * TICK, draw(lots)
            if into is wanted:
                wanted[label] = Wanted(side, price, size)
            else:
                orders.append(order(label, side, price, size))
    return wanted, orders


def crosses(orders: Sequence[Order], intents: Sequence[Planned]) -> bool:
    """Would any order of ours meet another, whichever of the intents the venue does first?"""
    sides = {one.client_id: one.side for one in orders}
    prices = [(one.side, one.price) for one in orders]
    for intent in intents:
        if isinstance(intent, PlaceOrder):
            prices.append((intent.side, intent.price))
        elif isinstance(intent, AmendOrder):
            prices.append((sides[intent.client_id], intent.price))
    bids = [price for side, price in prices if side == "buy"]
    asks = [price for side, price in prices if side == "sell"]
    return bool(bids and asks) and max(bids) >= min(asks)


@given(anywhere())
def test_own_orders_never_meet_and_it_converges_all_the_same(
    situation: tuple[dict[str, Wanted], list[Order]],
) -> None:
    wanted, orders = situation
    for _ in range(6):
        intents = planned(wanted, orders)
        assert not crosses(orders, intents)
        if not intents:
            break
        touched = [getattr(intent, "client_id", "") or f"id-{intent.label}" for intent in intents]  # type: ignore[union-attr]
        assert len(set(touched)) == len(touched)
        orders = applied(orders, intents)
    assert reaches({one.label: (one.side, one.price, one.size) for one in orders}, wanted)
    assert planned(wanted, orders) == []


# --- snapping ---


def test_bids_go_down_and_asks_go_up_and_sizes_go_down() -> None:
    quotes = [Quote("buy", 99.99, 1.2345, "b0"), Quote("sell", 101.01, 1.2345, "a0")]
    assert snapped(quotes, MARKET, QuoteCounts()) == {
        "b0": want("buy", "99.9", "1.234"),
        "a0": want("sell", "101.1", "1.234"),
    }


LEFT_OUT = {
    "below the lot": Quote("buy", 99.0, 0.0005, "b0"),
    "below the least notional": Quote("buy", 99.0, 0.05, "b0"),
    "a price that is no number": Quote("buy", float("nan"), 1.0, "b0"),
    "an endless price": Quote("sell", float("inf"), 1.0, "b0"),
    "a price of nothing": Quote("buy", 0.0, 1.0, "b0"),
    "a price that snaps to nothing": Quote("buy", 0.05, 1000.0, "b0"),
    "a size that is no number": Quote("buy", 99.0, float("nan"), "b0"),
    "a negative size": Quote("buy", 99.0, -1.0, "b0"),
}


@pytest.mark.parametrize("quote", LEFT_OUT.values(), ids=LEFT_OUT)
def test_what_has_no_place_on_the_grid_is_left_out_and_counted(quote: Quote) -> None:
    counts = QuoteCounts()
    assert snapped([quote, Quote("buy", 98.0, 1.0, "b1")], MARKET, counts) == {"b1": want("buy", "98", "1")}
    assert counts.left_out == 1
    assert counts.why


def test_wished_quotes_that_cross_each_other_are_left_out_on_both_sides() -> None:
    counts = QuoteCounts()
    quotes = [
        Quote("buy", 100.0, 1.0, "b0"), Quote("sell", 100.0, 1.0, "a0"),
        Quote("buy", 99.0, 1.0, "b1"), Quote("sell", 101.0, 1.0, "a1"),
    ]  # fmt: skip
    assert set(snapped(quotes, MARKET, counts)) == {"b1", "a1"}
    assert counts.crossed == 2


def test_a_post_only_quote_does_not_reach_across_the_book() -> None:
    touch = (Decimal(100), Decimal("100.5"))
    quotes = [Quote("buy", 103.0, 1.0, "b0"), Quote("sell", 104.0, 1.0, "a0")]
    assert snapped(quotes, MARKET, QuoteCounts(), touch) == {"b0": want("buy", "100.4"), "a0": want("sell", "104")}


@pytest.mark.parametrize("labels", [("b0", "b0"), ("", "b0"), ("~b0",)], ids=["used twice", "empty", "an execution's"])
def test_each_quote_needs_a_label_of_its_own(labels: tuple[str, ...]) -> None:
    with pytest.raises(WrongUse, match="label"):
        snapped([Quote("buy", 99.0, 1.0, label) for label in labels], MARKET, QuoteCounts())


def test_intents_carry_what_the_rules_say() -> None:
    (placed,) = planned({"b0": want("buy", "99")}, [])
    assert placed == PlaceOrder(
        VENUE, SYMBOL, "buy", Decimal(1), Decimal(99), tif="post_only", strategy="one", label="b0"
    )
    (cancelled,) = planned({}, [order("b0", "buy", "99")])
    assert cancelled == CancelOrder(VENUE, SYMBOL, "id-b0", "one")
