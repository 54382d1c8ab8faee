"""Orders that end by themselves: when a block ends them, which may still be filled, and what is cancelled while it may be."""

from decimal import Decimal
from typing import Any

import pytest

from adapters.base.blocks import TIMES_KEPT, Blocks
from adapters.base.lifetimes import Lifetime, Lifetimes
from state.errors import NotOffered
from state.events import OrderUpdate
from state.words import OrderStatus

GRACE, REQUEST_S = 3, 35.0
NOW_S = 1_700_000_000.0
S = 1_000_000_000


def update(status: OrderStatus = "open", client_id: str = "a", **more: Any) -> OrderUpdate:
    return OrderUpdate("v", "X", 5, client_id, f"id-{client_id}", status, "sell", price=Decimal(9), **more)


def lives(height: int = 100) -> Lifetimes:
    blocks = Blocks(GRACE)
    blocks.passed(height, None)
    made = Lifetimes(blocks, REQUEST_S)
    made.now_s = lambda: NOW_S
    return made


def short(until: int, **more: Any) -> Lifetime:
    return Lifetime("X", 0, "sell", "gtc", False, until, **more)


def timed(until_s: float, **more: Any) -> Lifetime:
    return Lifetime("X", 64, "sell", "gtc", False, int(NOW_S + until_s), **more)


# --- blocks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "end"),
    [
        pytest.param([update()], ("expired", "EXPIRED"), id="it rested"),
        pytest.param([update(), update("cancelled", firm=False, reason="asked")], ("cancelled", "asked"), id="it was a wish"),
        pytest.param([update(), update("cancelled", firm=True)], None, id="it is over already"),
    ],
)  # fmt: skip
def test_a_block_ends_an_order_once_it_is_higher_than_the_last_that_may_tell_of_it(
    words: list[OrderUpdate], end: tuple[str, str] | None
) -> None:
    blocks = Blocks(GRACE)
    for word in words:
        blocks.told(word, 10)
    assert blocks.passed(10 + GRACE, 7) == []
    ended = blocks.passed(11 + GRACE, 8)
    assert [(each.status, each.reason, each.firm, each.ts, each.version) for each in ended] == (
        [] if end is None else [(*end, True, 8, 14)]
    )
    assert blocks.passed(99, 9) == [], "once"


def test_an_end_that_names_no_block_keeps_what_was_told_before() -> None:
    blocks = Blocks(GRACE)
    blocks.told(update(), 10)
    blocks.told(OrderUpdate("v", "", None, "a", "id-a", "cancelled", firm=False), None)
    (ended,) = blocks.passed(50, 8)
    assert (ended.symbol, ended.side, ended.price, ended.status, ended.firm) == ("X", "sell", 9, "cancelled", True)
    blocks.told(update(client_id="b"), None)
    assert blocks.passed(60, 9) == [], "nobody said that it ends"


def test_a_block_that_is_not_newer_changes_nothing_and_old_times_are_forgotten() -> None:
    blocks = Blocks(GRACE)
    blocks.passed(5, 50)
    assert blocks.passed(5, 51) == blocks.passed(4, 52) == ()
    assert (blocks.height, blocks.time_of(5), blocks.time_of(6), blocks.time_of(None)) == (5, 50, 50, 50)
    for height in range(6, 6 + TIMES_KEPT):
        blocks.passed(height, height * 10)
    assert (blocks.time_of(5), blocks.time_of(6)) == (None, 60)


def test_a_block_that_was_asked_for_is_reckoned_from_and_ends_nothing() -> None:
    """Its frames end the same orders again."""
    blocks = Blocks(GRACE)
    blocks.passed(5, int((NOW_S - 60) * S))
    blocks.told(update(), 10)
    blocks.asked(99, int(NOW_S * S))
    blocks.asked(98, int((NOW_S - 60) * S))
    assert blocks.newest(NOW_S, 10.0) == 99
    assert len(blocks.passed(98, 1)) == 1
    assert (blocks.height, blocks.latest) == (98, 99)


def test_no_order_begins_at_a_height_that_is_not_known_or_old() -> None:
    blocks = Blocks(GRACE)
    with pytest.raises(NotOffered, match="no block's height") as unknown:
        blocks.newest(NOW_S, 10.0)
    blocks.passed(5, int((NOW_S - 9) * S))
    assert blocks.newest(NOW_S, 10.0) == 5
    with pytest.raises(NotOffered, match="no block since 5") as late:
        blocks.newest(NOW_S + 2, 10.0)
    assert (unknown.value.refusal, late.value.refusal) == ("busy", "market_state")


# --- lives --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("life", "living"),
    [
        pytest.param(short(97), True, id="its block may still be told of"),
        pytest.param(short(96), False, id="its block is over"),
        pytest.param(short(200, over=True), False, id="it ended before"),
        pytest.param(timed(1, told=True), True, id="its time has not come"),
        pytest.param(timed(-1, told=True), False, id="its time is over"),
        pytest.param(timed(99, asked_ns=int((NOW_S - 34) * S)), True, id="nobody told of it, and it may be on its way"),
        pytest.param(timed(99, asked_ns=int((NOW_S - 36) * S)), False, id="nobody told of it, and it never arrives"),
    ],
)
def test_which_order_may_still_be_filled(life: Lifetime, living: bool) -> None:
    assert lives().may_live(life) == living


def test_an_order_is_overdue_only_once_a_list_that_is_behind_would_know_its_end() -> None:
    known = lives()
    for until, is_open, taken, told, overdue in (
        (94, True, False, True, False), (93, True, False, True, True), (93, False, False, True, False),
        (93, False, True, True, False), (93, False, True, False, True),
    ):  # fmt: skip
        assert known.is_overdue(short(until, taken=taken, told=told), is_open=is_open) == overdue, (until, taken, told)


def test_what_is_told_of_an_order_prolongs_it_ends_it_and_makes_a_stranger_known() -> None:
    known = lives()
    known["a"] = short(105)
    known.note(update(), 0, 110)
    known.note(update("cancelled", firm=False), 0, 104)
    assert (known["a"].until, known["a"].told, known["a"].over) == (110, True, False), "a wish is no end"
    known.note(update("cancelled"), 0, 110)
    assert known["a"].over
    known.note(update(client_id="b", tif="post_only", reduce_only=True), 32, 7)
    assert known["b"] == Lifetime("X", 32, "sell", "post_only", True, 7, told=True)
    known.note(OrderUpdate("v", "X", 5, "c", "id-c", "cancelled"), 0, 9)
    known.note(OrderUpdate("v", "X", 5, None, "id-d", "open", "buy"), 0, 9)
    assert set(known) == {"a", "b"}, "without a side it could not be said again, without a name not be found"


def test_cancels_go_in_batches_once_a_block_and_alone_where_a_time_ends_the_order() -> None:
    known = lives()
    for name, life in (
        ("a", short(110)),
        ("b", short(110)),
        ("c", short(110)),
        ("gone", short(5)),
        ("t", timed(9, told=True)),
    ):
        known[name] = life
    known["y"] = Lifetime("Y", 0, "buy", "gtc", False, 110)
    assert known.cancellable("X", 2) == [["a", "b"], ["c"], ["t"]]
    assert known.cancellable("", 9) == [["a", "b", "c", "y"], ["t"]]
    known["a"].cancelled_at = 100
    assert known.cancellable("X", 2) == [["b", "c"], ["t"]], "this height has heard it"
    known["a"].cancelled_at = 99
    assert known.cancellable("X", 9) == [["a", "b", "c"], ["t"]], "a wish, so it is said again"
