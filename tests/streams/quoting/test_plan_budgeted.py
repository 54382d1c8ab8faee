"""The plan under budgets: of no greater cost than the best that brute force finds, and never of one message too many."""

import os
from collections.abc import Iterator
from decimal import Decimal
from itertools import product
from random import Random

import pytest

from state.errors import ConfigurationError
from state.events import AmendOrder, CancelOrder, PlaceOrder
from state.instruments import Instrument
from state.orders import Order
from state.words import Side
from streams.quoting import Budget, Budgets, Costs
from streams.quoting.budgets import Meter
from streams.quoting.plan import Rules, Wanted, plan
from streams.quoting.plan_budgeted import Budgeted, plan_budgeted
from streams.testing import SYMBOL, TICK, VENUE, instrument

CASES = int(os.environ.get("TAPELINE_PLANS", "3000"))
MARKET = Instrument.defined(instrument())
RULES = Rules("one", TICK, Decimal("0.1"), "post_only")
LABELS: tuple[tuple[str, Side], ...] = (
    ("b0", "buy"), ("a0", "sell"), ("b1", "buy"), ("a1", "sell"), ("b2", "buy"), ("a2", "sell"),
)  # fmt: skip
AMPLE = Budget(100, 100, 100)

Situation = tuple[dict[str, Wanted], list[Order], dict[str, float]]


def order(label: str, side: Side, price: Decimal, size: Decimal, **changes: object) -> Order:
    made = Order(
        VENUE, SYMBOL, f"id-{label}", side, "limit", "post_only", price, size,
        status="open", acknowledged=True, strategy="one", label=label,
    )  # fmt: skip
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def situation(random: Random, most: int = 6) -> Situation:
    """Quotes that do not cross each other, orders that do not, of up to six levels, some of them busy."""
    wanted: dict[str, Wanted] = {}
    orders: list[Order] = []
    for into in (wanted, orders):
        middle = 1000 + random.randint(-8, 8)
        for label, side in LABELS[: random.randint(1, most)]:
            if random.random() < 0.3:
                continue
            steps = middle - random.randint(0, 12) if side == "buy" else middle + random.randint(1, 12)
            price, size = steps * TICK, random.randint(1, 6) * Decimal("0.5")
            if into is wanted:
                wanted[label] = Wanted(side, price, size, reduce_only=random.random() < 0.1)
            else:
                orders.append(order(label, side, price, size))
                if random.random() < 0.15:
                    orders[-1].pending_cancel = True
                elif random.random() < 0.1:
                    orders[-1].amends = ((7, price, size),)
    return wanted, orders, {label: random.choice([0.0, 0.0, 3.0, 12.0]) for label, _ in LABELS}


def costs(random: Random) -> Costs:
    return Costs(
        create=random.random(), amend=random.random(), cancel=random.random(), missing=random.uniform(0, 15),
        unwanted=random.uniform(0, 20), behind_per_tick=random.random(), ahead_per_tick=2 * random.random(),
        shrinking=random.choice([0.0, 0.5, 1.0]),
    )  # fmt: skip


def budget(random: Random) -> Budget:
    return Budget(random.randint(0, 4), random.randint(0, 4), random.randint(0, 4))


# --- what a plan is worth, said once more and in another way ---


def can(label: str, wanted: dict[str, Wanted], orders: list[Order]) -> list[str]:
    """What may be done about one label."""
    want = wanted.get(label)
    mine = [one for one in orders if one.label == label]
    others = [one for one in orders if want is not None and one.side != want.side]
    blocked = any(
        (want.price >= one.price if want.side == "buy" else want.price <= one.price) for one in others
    )  # fmt: skip
    if not mine:
        return ["leave"] if want is None or blocked else ["leave", "create"]
    (one,) = mine
    if one.pending_cancel:
        return ["leave"]
    if want is None or want.side != one.side or want.reduce_only != one.reduce_only:
        return ["leave", "cancel"]
    return ["leave"] if one.amends or blocked or is_right(one, want, wanted) else ["leave", "amend", "cancel"]


def is_right(one: Order, want: Wanted, wanted: dict[str, Wanted]) -> bool:
    near = abs(one.price - want.price) <= TICK and abs(one.size - want.size) <= Decimal("0.1") * want.size
    if one.price == want.price:
        return near
    meets = [
        other for other in wanted.values()
        if other.side != one.side and (other.price <= one.price if one.side == "buy" else other.price >= one.price)
    ]  # fmt: skip
    return near and not meets


def price_of(choice: str, label: str, case: Situation, paid: Costs) -> float:
    wanted, orders, places = case
    want = wanted.get(label)
    one = next((one for one in orders if one.label == label), None)
    if choice == "create":
        return paid.create
    if choice == "cancel":
        fits = want is not None and want.side == one.side and want.reduce_only == one.reduce_only
        return paid.cancel + (paid.missing + places[label] if fits else 0)
    if choice == "amend":
        shrinks = want.price == one.price and want.size <= one.size
        return paid.amend + places[label] * (paid.shrinking if shrinks else 1)
    options = can(label, wanted, orders)
    if options == ["leave"]:
        return 0
    if one is None:
        return paid.missing
    if "amend" not in options:
        return paid.unwanted
    ticks = round((one.price - want.price) / TICK) * (1 if one.side == "buy" else -1)
    off = abs(float(one.size / want.size) - 1)
    wrong = 0.0
    if abs(ticks) > 1:
        wrong += ticks * paid.ahead_per_tick if ticks > 0 else -ticks * paid.behind_per_tick
    if off > 0.1:
        wrong += paid.size * min(1.0, off)
    return wrong or paid.unwanted


def least(case: Situation, left: Budget, paid: Costs) -> float:
    wanted, orders, _ = case
    labels = [label for label, _ in LABELS]
    options = [can(label, wanted, orders) for label in labels]
    sums: Iterator[float] = (
        sum(price_of(choice, label, case, paid) for choice, label in zip(choices, labels, strict=True))
        for choices in product(*options)
        if choices.count("create") <= left.creates
        and choices.count("amend") <= left.amends
        and choices.count("cancel") <= left.cancels
    )
    return min(sums)


def sent(found: Budgeted) -> Budget:
    kinds = [type(intent) for intent in found.intents]
    return Budget(kinds.count(PlaceOrder), kinds.count(AmendOrder), kinds.count(CancelOrder))


def cost_of(found: Budgeted, case: Situation, paid: Costs) -> float:
    """What the intents come to, whatever the plan says of itself."""
    labels = {one.client_id: one.label for one in case[1]}
    done = {label: "leave" for label, _ in LABELS}
    for intent in found.intents:
        if isinstance(intent, PlaceOrder):
            done[intent.label] = "create"
        else:
            done[labels[intent.client_id]] = "amend" if isinstance(intent, AmendOrder) else "cancel"
    return sum(price_of(choice, label, case, paid) for label, choice in done.items())


def run(case: Situation, left: Budget, paid: Costs) -> Budgeted:
    wanted, orders, places = case
    return plan_budgeted(wanted, orders, MARKET, RULES, left, paid, places=places)


def test_no_plan_within_the_budget_costs_less() -> None:
    random = Random(11)
    for number in range(400):
        case, left, paid = situation(random), budget(random), costs(random)
        found = run(case, left, paid)
        assert cost_of(found, case, paid) == pytest.approx(least(case, left, paid)), number
        assert cost_of(found, case, paid) == pytest.approx(found.cost), number


def test_no_plan_is_ever_over_budget_nor_crosses_itself() -> None:
    random = Random(12)
    bound = 0
    for number in range(CASES):
        case, left, paid = situation(random), budget(random), costs(random)
        found = run(case, left, paid)
        assert all(used <= may for used, may in zip(sent(found), left, strict=True)), number
        bound += found.deferred > 0
        asks = [one.price for one in case[1] if one.side == "sell"]
        for intent in found.intents:
            if isinstance(intent, PlaceOrder) and intent.side == "buy" and asks:
                assert intent.price < min(asks), number
    assert bound > CASES / 10  # budgets did bind


def test_with_ample_budgets_and_free_messages_it_is_the_plan_of_fewest_intents() -> None:
    random = Random(13)
    for number in range(1_000):
        wanted, orders, _ = situation(random)
        found = plan_budgeted(wanted, orders, MARKET, RULES, AMPLE)
        assert found.intents == plan(wanted, orders, MARKET, RULES), number
        assert found.deferred == 0


def test_an_order_that_stands_too_near_goes_before_one_that_stands_too_far() -> None:
    wanted = {"b0": Wanted("buy", Decimal(98), Decimal(1)), "b1": Wanted("buy", Decimal(98), Decimal(1))}
    orders = [order("b0", "buy", Decimal(97), Decimal(1)), order("b1", "buy", Decimal(99), Decimal(1))]
    found = plan_budgeted(wanted, orders, MARKET, RULES, Budget(0, 1, 0))
    assert [intent.client_id for intent in found.intents] == ["id-b1"]
    assert found.deferred == 1


def test_without_amendments_a_dangerous_order_is_cancelled_and_a_harmless_one_left() -> None:
    wanted = {"b0": Wanted("buy", Decimal(98), Decimal(1)), "b1": Wanted("buy", Decimal(98), Decimal(1))}
    orders = [order("b0", "buy", Decimal("97.5"), Decimal(1)), order("b1", "buy", Decimal(99), Decimal(1))]
    found = plan_budgeted(wanted, orders, MARKET, RULES, Budget(9, 0, 9))
    assert [(type(intent), intent.client_id) for intent in found.intents] == [(CancelOrder, "id-b1")]


def test_a_good_place_in_the_queue_is_not_given_up_for_two_ticks() -> None:
    wanted = {"b0": Wanted("buy", Decimal("98.2"), Decimal(1))}
    orders = [order("b0", "buy", Decimal(98), Decimal(1))]
    assert plan_budgeted(wanted, orders, MARKET, RULES, AMPLE, places={"b0": 5.0}).intents == []
    assert len(plan_budgeted(wanted, orders, MARKET, RULES, AMPLE, places={"b0": 1.0}).intents) == 1


def test_an_order_that_only_shrinks_keeps_its_place() -> None:
    wanted = {"b0": Wanted("buy", Decimal(98), Decimal(1))}
    orders = [order("b0", "buy", Decimal(98), Decimal(2))]
    assert len(plan_budgeted(wanted, orders, MARKET, RULES, AMPLE, places={"b0": 100.0}).intents) == 1
    loses = plan_budgeted(wanted, orders, MARKET, RULES, AMPLE, Costs(shrinking=1.0), places={"b0": 100.0})
    assert loses.intents == []


# --- the meter ---

SECOND = 1_000_000_000


def cancel() -> CancelOrder:
    return CancelOrder(VENUE, SYMBOL, "x")


def test_budgets_fill_with_time_and_the_reserve_is_never_told() -> None:
    meter = Meter(Budgets(creates_per_s=2, amends_per_s=3, cancels_per_s=4, reserve=1), 0)
    assert meter.left(0) == Budget(2, 3, 3)
    for _ in range(3):
        meter.spend(cancel(), 0)
    assert meter.left(0).cancels == 0
    assert meter.next_ns(0) == SECOND // 4
    assert meter.left(SECOND // 4 - 1).cancels == 0
    assert meter.left(SECOND // 4).cancels == 1
    assert meter.left(100 * SECOND) == Budget(2, 3, 3)


def test_pulling_may_use_the_reserve_and_leaves_no_debt() -> None:
    meter = Meter(Budgets(creates_per_s=1, amends_per_s=1, cancels_per_s=2), 0)
    for _ in range(10):
        meter.spend(cancel(), 0)
    assert meter.left(0).cancels == 0
    assert meter.next_ns(0) == SECOND
    assert meter.left(SECOND).cancels == 1


def test_whatever_is_planned_and_spent_no_second_has_more_messages_than_a_burst_and_a_second_of_filling() -> None:
    random, meter = Random(14), Meter(Budgets(creates_per_s=5, amends_per_s=5, cancels_per_s=5, reserve=2), 0)
    times: list[int] = []
    now = 0
    for _ in range(2_000):
        now += random.randint(0, SECOND // 10)
        case = situation(random)
        for intent in run(case, meter.left(now), costs(random)).intents:
            meter.spend(intent, now)
            times += [now] if isinstance(intent, CancelOrder) else []
        assert meter._parts[2] >= 2 * SECOND  # the reserve was not touched
    for at in times:
        assert sum(at - SECOND < other <= at for other in times) <= 5 + 3


@pytest.mark.parametrize(
    "fields",
    [
        {"creates_per_s": 0},
        {"cancels_per_s": 2, "reserve": 2},
        {"reserve": -1},
    ],
    ids=["no creates", "a reserve of everything", "a negative reserve"],
)
def test_budgets_that_could_never_quote_are_refused(fields: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError):
        Budgets(**({"creates_per_s": 5, "amends_per_s": 5, "cancels_per_s": 5} | fields))


def test_a_cost_below_nothing_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="missing"):
        Costs(missing=-1.0)
