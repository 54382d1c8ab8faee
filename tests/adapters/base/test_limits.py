"""Budgets as windows, the reserve, what answers teach, and who goes first."""

import asyncio
from collections import deque
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base.client import Budget
from adapters.base.limits import MOMENTS, Gate, Limits, Pool, Priority

SECOND = 1_000_000_000
IP = Pool("ip", 20, 5.0, reserve=4)


def limits(*pools: Pool) -> Limits:
    return Limits([IP, *pools], "ip")


def test_a_window_lets_through_its_limit_and_then_waits_for_the_oldest_to_leave() -> None:
    budget = limits(Pool("place", 3, 1.0))
    for n in range(3):
        assert budget.wait_ns("place", 1, Priority.CREATE, n * 100) == 0
        budget.spend("place", 1, n * 100)
    assert budget.wait_ns("place", 1, Priority.CREATE, 500) == SECOND - 500
    assert budget.wait_ns("place", 2, Priority.CREATE, 500) == SECOND - 400
    assert budget.wait_ns("place", 1, Priority.CREATE, SECOND) == 0


def test_a_window_that_is_long_remembers_moments_and_gives_nothing_back_early() -> None:
    """Hyperliquid counts actions over a day: each of them was remembered until it was a day old."""
    day, every = 86_400 * SECOND, 2 * SECOND
    budget = limits(Pool("actions", 2**30, 86_400.0), Pool("place", draws=(("actions", 0),)))
    window = budget._windows["actions"]
    for n in range(60_000):
        assert budget.wait_ns("place", 1, Priority.CREATE, n * every) == 0
        budget.spend("place", 1, n * every)
        if n % 1_000 == 0:
            spent = min(n + 1, day // every)  # what is not a day old
            assert spent <= window.total <= spent + day // MOMENTS // every + 1
    assert len(window.spent) <= 2 * MOMENTS


def test_only_what_is_urgent_uses_the_reserve() -> None:
    budget = limits(Pool("cancel", 10, 1.0, reserve=2))
    for _ in range(8):
        budget.spend("cancel", 1, 0)
    assert budget.wait_ns("cancel", 1, Priority.CANCEL, 1) > 0
    assert budget.wait_ns("cancel", 1, Priority.URGENT, 1) == 0


def test_each_market_has_a_window_of_its_own_and_all_of_them_one_together() -> None:
    pools = Pool("each", 3, 1.0, each=True), Pool("all", 5, 1.0), Pool("place", draws=(("each", 0), ("all", 0)))
    budget = limits(*pools)
    budget.spend("place@A", 3, 0)
    assert budget.wait_ns("place@A", 1, Priority.CREATE, 1) == SECOND - 1
    assert budget.wait_ns("place@B", 2, Priority.CREATE, 1) == 0
    budget.spend("place@B", 2, 1)
    assert budget.wait_ns("place@C", 1, Priority.CREATE, 2) == SECOND - 2, "together they are too many"
    assert budget.wait_ns("each@C", 3, Priority.CREATE, 2) == 0
    budget.block(5 * SECOND, "all")
    assert budget.wait_ns("place@C", 1, Priority.CREATE, 2 * SECOND) == 3 * SECOND
    assert (budget.limit("place"), budget.limit("place@A"), budget.limit("each@new")) == (3, 3, 3)


def test_the_address_has_a_limit_of_its_own() -> None:
    budget = limits(Pool("a", 100, 1.0), Pool("b", 100, 1.0))
    for _ in range(16):
        budget.spend("a", 1, 0)
    assert budget.wait_ns("b", 1, Priority.READ, 1) == 5 * SECOND - 1
    assert budget.wait_ns("b", 1, Priority.URGENT, 1) == 0


def test_a_batch_larger_than_the_limit_waits_for_an_empty_window() -> None:
    budget = limits(Pool("batch", 10, 1.0))
    assert budget.wait_ns("batch", 20, Priority.CREATE, 0) == 0
    budget.spend("batch", 20, 0)
    assert budget.wait_ns("batch", 1, Priority.CREATE, 1) == SECOND - 1


def test_what_the_venue_says_of_its_limit_is_believed() -> None:
    budget = limits(Pool("place", 10, 1.0))
    budget.learn("place", Budget(40, 39, 0), 0)
    assert budget.limit("place") == 40
    budget.learn("place", Budget(40, 2, 0), 0)
    assert budget.wait_ns("place", 2, Priority.CREATE, 1) == 0
    assert budget.wait_ns("place", 3, Priority.CREATE, 1) > 0


def test_a_shut_door_lets_nobody_through() -> None:
    budget = limits(Pool("place", 10, 1.0))
    budget.block(600 * SECOND)
    assert budget.wait_ns("place", 1, Priority.URGENT, 0) == 600 * SECOND
    assert budget.wait_ns("place", 1, Priority.URGENT, 600 * SECOND) == 0


@given(st.lists(st.tuples(st.integers(0, 400_000_000), st.integers(1, 4)), max_size=80))
def test_no_window_ever_holds_more_than_the_limit(steps: list[tuple[int, int]]) -> None:
    budget, now = Limits([Pool("ip", 1000, 5.0), Pool("p", 10, 1.0)], "ip"), 0
    spent: deque[tuple[int, int]] = deque()
    for pause, cost in steps:
        now += pause
        now += budget.wait_ns("p", cost, Priority.CREATE, now)
        assert budget.wait_ns("p", cost, Priority.CREATE, now) == 0, "what it said to wait was enough"
        budget.spend("p", cost, now)
        spent.append((now, cost))
        assert sum(units for when, units in spent if when > now - SECOND) <= 10


def test_the_gate_serves_by_urgency_not_by_arrival(world: Any) -> None:
    entered: list[str] = []

    async def enter(gate: Gate, name: str, priority: Priority) -> None:
        assert await gate.enter("p", 1, priority)
        entered.append(name)

    async def story() -> None:
        gate = Gate(limits(Pool("p", 1, 1.0)), world.now_ns, world.sleep)
        await enter(gate, "first", Priority.CREATE)
        tasks = [
            asyncio.create_task(enter(gate, name, priority))
            for name, priority in (
                ("read", Priority.READ),
                ("create", Priority.CREATE),
                ("amend", Priority.AMEND),
                ("cancel", Priority.CANCEL),
                ("shutdown", Priority.URGENT),
            )
        ]
        await world.passing(0.5)
        assert entered == ["first"]
        await world.passing(10)
        assert entered == ["first", "shutdown", "cancel", "amend", "create", "read"]
        await asyncio.gather(*tasks)
        await gate.close()

    asyncio.run(story())


def test_who_cannot_wait_that_long_is_told_at_once(world: Any) -> None:
    async def story() -> None:
        gate = Gate(limits(Pool("p", 1, 10.0)), world.now_ns, world.sleep)
        assert await gate.enter("p", 1, Priority.CREATE)
        assert not await gate.enter("p", 1, Priority.CREATE, max_wait_s=5)
        await gate.close()

    asyncio.run(story())


def test_closing_the_gate_cancels_who_waits(world: Any) -> None:
    async def story() -> None:
        gate = Gate(limits(Pool("p", 1, 10.0)), world.now_ns, world.sleep)
        await gate.enter("p", 1, Priority.CREATE)
        waiting = asyncio.create_task(gate.enter("p", 1, Priority.CREATE))
        await world.settle()
        await gate.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(story())


@pytest.mark.parametrize(
    ("priority", "pool", "spent", "by_ms"),
    [
        pytest.param(Priority.CANCEL, "cancel", 0, 0, id="a cancel whose budget is whole leaves at once"),
        pytest.param(Priority.READ, "cancel", 0, 0, id="so does what is less urgent, as soon as the gate looks"),
        pytest.param(Priority.CANCEL, "cancel", 2, 100, id="one that must wait waits for its own budget only"),
    ],
)
def test_orders_that_wait_for_their_budget_hold_up_nobody_else(
    world: Any, priority: Priority, pool: str, spent: int, by_ms: int
) -> None:
    async def story() -> None:
        gate = Gate(limits(Pool("place", 1, 1.0), Pool("cancel", 2, 0.1)), world.now_ns, world.sleep)
        assert await gate.enter("place", 1, Priority.CREATE)
        waiting = asyncio.create_task(gate.enter("place", 1, Priority.CREATE))
        await world.passing(0.0001)  # the gate sleeps for the order now
        for _ in range(spent):
            gate.limits.spend("cancel", 1, world.now)
        cancelling = asyncio.create_task(gate.enter(pool, 1, priority))
        await world.passing(by_ms / 1000)
        assert cancelling.done()
        assert not waiting.done()
        await world.passing(1)
        assert waiting.done()
        await gate.close()

    asyncio.run(story())


# --- pools that draw from others ---------------------------------------------------------------------------------


def drawing() -> Limits:
    pools = (
        Pool("weight", 100, 60.0, reserve=10),
        Pool("fast", 10, 10.0),
        Pool("slow", 15, 60.0),
        Pool("orders", draws=(("fast", 1), ("slow", 1))),
        Pool("batches", draws=(("fast", 5), ("slow", 1), ("weight", 5))),
    )
    return Limits(pools, "")


def test_a_pool_that_draws_takes_its_units_whatever_the_cost_and_waits_for_the_slowest() -> None:
    budget = drawing()
    assert budget.limit("orders") == 10
    assert budget.limit("batches") == 10
    for n in range(2):
        assert budget.wait_ns("batches", 3, Priority.CREATE, n) == 0
        budget.spend("batches", 3, n)
    assert budget.wait_ns("orders", 1, Priority.CREATE, 2) > 0, "two batches are ten of the fast counter"
    assert budget.wait_ns("weight", 80, Priority.READ, 2) == 0
    assert budget.wait_ns("weight", 81, Priority.READ, 2) > 0, "and ten of the weight"
    later = 11 * SECOND
    for n in range(10):
        assert budget.wait_ns("orders", 1, Priority.CREATE, later + n) == 0
        budget.spend("orders", 1, later + n)
    later += 10 * SECOND + 10
    for n in range(3):
        assert budget.wait_ns("orders", 1, Priority.CREATE, later + n) == 0
        budget.spend("orders", 1, later + n)
    assert budget.wait_ns("orders", 1, Priority.CREATE, later + 3) > 30 * SECOND, "the slow counter is full"


def test_without_a_shared_pool_a_request_draws_its_own_cost_alone() -> None:
    budget = drawing()
    budget.spend("weight", 90, 0)
    assert budget.wait_ns("orders", 1, Priority.CREATE, 1) == 0
    assert budget.wait_ns("weight", 1, Priority.READ, 1) > 0


def test_a_pool_that_is_stopped_stops_what_draws_from_it_and_nothing_else() -> None:
    budget = drawing()
    budget.block(5 * SECOND, "fast")
    assert budget.wait_ns("orders", 1, Priority.URGENT, 0) == 5 * SECOND
    assert budget.wait_ns("batches", 1, Priority.CREATE, 0) == 5 * SECOND
    assert budget.wait_ns("weight", 1, Priority.CANCEL, 0) == 0
    budget.learn("fast", Budget(4, 0, 0), 6 * SECOND)
    assert budget.limit("orders") == 4
    assert budget.wait_ns("orders", 1, Priority.CREATE, 6 * SECOND) > 0


def test_what_an_answer_did_not_weigh_comes_back_and_what_it_did_leaves_when_it_is_old() -> None:
    budget = limits(Pool("weight", 100, 60.0), Pool("reads", draws=(("weight", 0),)))
    budget.spend("reads", 30, 0)
    budget.spend("reads", 60, SECOND)
    budget.spend("reads", 5, 2 * SECOND)
    assert budget.wait_ns("reads", 20, Priority.READ, 2 * SECOND) > 0
    budget.give_back("reads", 40, SECOND)
    assert budget.wait_ns("reads", 45, Priority.READ, 2 * SECOND) == 0
    assert budget.wait_ns("reads", 46, Priority.READ, 2 * SECOND) == 58 * SECOND, "when the first is a minute old"
    assert budget.wait_ns("reads", 76, Priority.READ, 60 * SECOND) == SECOND, "when the second is: 20 of it stand"
    assert budget.wait_ns("reads", 95, Priority.READ, 61 * SECOND) == 0


def test_what_a_market_was_granted_comes_back_to_that_market() -> None:
    budget = limits(Pool("each", 10, 60.0, each=True))
    for pool in ("each@X", "each@Y"):
        budget.spend(pool, 10, 0)
    budget.give_back("each@X", 10, 0)
    assert budget.wait_ns("each@X", 10, Priority.READ, SECOND) == 0
    assert budget.wait_ns("each@Y", 1, Priority.READ, SECOND) > 0


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 9), st.integers(0, 9)), max_size=40))
def test_what_is_given_back_never_makes_room_before_its_time(asked: list[tuple[int, int, int]]) -> None:
    """Of each request, the ms at which it came, what it was granted, and how much of that it weighed."""
    budget = limits(Pool("weight", 10_000, 0.1))
    window, spent = budget._windows["weight"], list[tuple[int, int]]()
    for at, granted, weighed in sorted(asked):
        now = at * SECOND // 1_000
        budget.wait_ns("weight", 1, Priority.READ, now)
        budget.spend("weight", granted, now)
        budget.give_back("weight", max(granted - weighed, 0), now)
        spent.append((now, min(granted, weighed)))
        true = sum(units for when, units in spent if when > now - SECOND // 10)
        assert window.total == true, "in a window that tells its moments apart, to the unit"


def test_a_gate_lets_others_in_when_something_is_given_back() -> None:
    async def session() -> bool:
        now = 0
        gate = Gate(Limits([Pool("weight", 100, 60.0)], ""), lambda: now, asyncio.sleep)
        assert await gate.enter("weight", 100, Priority.READ)
        waiting = asyncio.create_task(gate.enter("weight", 50, Priority.READ))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        gate.give_back("weight", 49, now)
        await asyncio.sleep(0.01)
        assert not waiting.done()
        gate.give_back("weight", 1, now)
        done, _ = await asyncio.wait([waiting], timeout=0.5)  # the minute is not over in it
        await gate.close()
        return waiting in done and waiting.result()

    assert asyncio.run(session())
