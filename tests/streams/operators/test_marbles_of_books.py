"""Operators of books on a line of virtual time: what they say, and when."""

from collections.abc import Callable

import pytest
from reactivex import Observable
from reactivex.testing import ReactiveTest, TestScheduler

from state.book import Book
from state.errors import WrongUse
from state.events import Ticker
from streams import operators as op
from streams.testing import book, close, hear, levels, live

on_next = ReactiveTest.on_next

DEEP = live(levels([(10, 1), (9, 7)], [(11, 3), (12, 1)]))
SHALLOW = live(book(9, 11, 1, 3))
EMPTY = Book("venue", "BTC")
CROSSED = live(book(12, 11, 1, 1))
GAP = live(book(9, 11, 1, 3))
GAP.distrust("gap")

OF_A_BOOK = {
    "weighted mid of the touch": (op.weighted_mid(), 10.25),
    "weighted mid of two levels": (op.weighted_mid(2), 10 + 8 / 12),
    "mid of two levels": (op.depth_mid(levels=2), ((10 + 63) / 8 + (33 + 12) / 4) / 2),
    "mid within 1000 bps": (op.depth_mid(bps=1000), 10.5),
    "vamp of the touch": (op.vamp(levels=1), (10 * 3 + 11 * 1) / 4),
    "vamp of two levels": (op.vamp(levels=2), (73 / 8 * 4 + 45 / 4 * 8) / 12),
    "price of buying four": (op.impact_price("buy", 4), (33 + 12) / 4),
    "price of selling two": (op.impact_price("sell", 2), (10 + 9) / 2),
    "imbalance within 1000 bps": (op.imbalance_bps(1000), -0.5),
    "imbalance within 3000 bps": (op.imbalance_bps(3000), 4 / 12),
    "imbalance of both depths": (op.depth_imbalance((1000, 3000)), (-0.5 + 0.5 / 3) / 1.5),
    "imbalance of both depths alike": (op.depth_imbalance((1000, 3000), decay=1), (-0.5 + 1 / 3) / 2),
}


@pytest.mark.parametrize(("operator", "expected"), OF_A_BOOK.values(), ids=OF_A_BOOK)
def test_of_a_book_only_while_it_can_be_trusted(
    operator: Callable[[Observable[Book]], Observable[float]], expected: float
) -> None:
    heard = hear(operator, (10, DEEP), (20, EMPTY), (30, CROSSED), (40, GAP), (50, DEEP))
    assert close(heard, [(10, expected), (50, expected)])


def test_what_lies_within_no_level_says_nothing() -> None:
    for operator in (op.depth_mid(bps=1), op.vamp(bps=1), op.imbalance_bps(1), op.depth_imbalance((1,))):
        assert hear(operator, (1, DEEP)) == []


def test_a_book_that_is_not_deep_enough_has_no_price_for_the_size() -> None:
    assert hear(op.impact_price("buy", 4.1), (1, DEEP)) == []


WRONG = {
    "neither depth": lambda: op.vamp(),
    "both depths": lambda: op.depth_mid(bps=1, levels=1),
    "no levels": lambda: op.weighted_mid(0),
    "no distance": lambda: op.imbalance_bps(0),
    "depths that do not grow": lambda: op.depth_imbalance((5, 5)),
    "no depths": lambda: op.depth_imbalance(()),
    "decay above one": lambda: op.depth_imbalance((5,), decay=1.1),
    "no size": lambda: op.impact_price("buy", 0),
    "no side": lambda: op.impact_price("bid", 1),
    "no books": lambda: op.nbbo(),
    "no level to watch": lambda: op.depth_changes(0),
}


@pytest.mark.parametrize("make", WRONG.values(), ids=WRONG)
def test_wrong_parameters_are_told_where_they_are_written(make: Callable[[], object]) -> None:
    with pytest.raises(WrongUse):
        make()


def test_depth_changes_are_what_came_and_went_where_both_views_see() -> None:
    books = [
        live(levels([(10, 1), (9, 2)], [(11, 3), (12, 1)])),
        live(levels([(10, 4), (9, 2)], [(11, 3), (12, 1)])),
        live(levels([(10, 4), (9, 2)], [(12, 1), (13, 5)])),  # 13 only came into sight
        live(levels([(10.5, 1), (10, 4)], [(12, 1), (13, 5)])),  # 9 only went out of sight
        live(levels([(10.5, 1), (10, 4)], [(12, 1), (13, 5)])),
    ]
    heard = hear(op.depth_changes(2), *enumerate(books, 1))
    assert heard == [(2, (("buy", 10, 1, 4),)), (3, (("sell", 11, 3, 0),)), (4, (("buy", 10.5, 0, 1),))]


def test_depth_changes_begin_anew_after_a_gap() -> None:
    heard = hear(
        op.depth_changes(1),
        (1, live(book(9, 11, 1, 1))),
        (2, GAP),
        (3, live(book(9, 11, 2, 1))),
        (4, live(book(9, 11, 3, 1))),
    )
    assert heard == [(4, (("buy", 9, 2, 3),))]


def test_a_book_with_fewer_levels_is_seen_to_its_end() -> None:
    heard = hear(
        op.depth_changes(5), (1, live(levels([(10, 1)], [(11, 1)]))), (2, live(levels([(10, 1), (9, 1)], [(11, 1)])))
    )
    assert heard == [(2, (("buy", 9, 0, 1),))]


def test_order_flow_imbalance_is_what_arrived_at_the_touch() -> None:
    books = [
        live(book(9, 11, 1, 1)),
        live(book(9, 11, 3, 1)),  # bid grew by 2
        live(book(10, 11, 2, 1)),  # a better bid of 2
        live(book(10, 10.5, 2, 4)),  # a better ask of 4
        live(book(9, 10.5, 7, 4)),  # the bid of 2 left
        live(book(9, 12, 7, 1)),  # the ask of 4 left
    ]
    heard = hear(op.order_flow_imbalance(60), *enumerate(books, 1))
    assert close(heard, [(2, 2), (3, 4), (4, 0), (5, -2), (6, 2)])


def test_order_flow_imbalance_forgets_and_begins_anew_after_a_gap() -> None:
    first, more = live(book(9, 11, 1, 1)), live(book(9, 11, 3, 1))
    heard = hear(op.order_flow_imbalance(10, buckets=10), (1, first), (2, more), (3, GAP), (4, first), (30, more))
    assert close(heard, [(2, 2), (30, 2)])


def test_crossing_says_changes_only() -> None:
    books = [live(book(9, 11, 1, 1)), SHALLOW, live(book(11, 11, 1, 1)), CROSSED, GAP, EMPTY, SHALLOW]
    assert hear(op.crossing(), *enumerate(books, 1)) == [(1, "apart"), (3, "locked"), (4, "crossed"), (7, "apart")]


def test_nbbo_names_the_venues_and_speaks_once_an_instant() -> None:
    a, b = live(levels([(9, 1)], [(12, 2)], "a")), live(levels([(8, 3)], [(11, 4)], "b"))
    better = live(levels([(10, 5)], [(12, 2)], "a"))
    lost = live(levels([(9, 1)], [(11, 4)], "b"))
    lost.distrust("gap")
    scheduler = TestScheduler()
    first = scheduler.create_hot_observable(on_next(201, a), on_next(203, better), on_next(204, better))
    second = scheduler.create_hot_observable(on_next(202, b), on_next(203, b), on_next(205, lost))
    heard = scheduler.start(lambda: op.nbbo(first, second)).messages
    assert [(message.time, message.value.value) for message in heard] == [
        (201, op.Nbbo(9, 1, "a", 12, 2, "a")),
        (202, op.Nbbo(9, 1, "a", 11, 4, "b")),
        (203, op.Nbbo(10, 5, "a", 11, 4, "b")),
        (205, op.Nbbo(10, 5, "a", 12, 2, "a")),
    ]
    crossed = op.Nbbo(12, 1, "a", 11, 1, "b")
    assert (crossed.is_crossed, crossed.mid) == (True, 11.5)


def test_basis_is_said_once_all_three_are_known() -> None:
    known = Ticker("venue", "BTC", None, last=102, mark=101, index=100)
    heard = hear(op.basis(), (1, Ticker("venue", "BTC", None, last=102, mark=101)), (2, known))
    assert [at for at, _ in heard] == [2]
    said = heard[0][1]
    assert isinstance(said, op.Basis)
    assert close([(1, said.mark_index_bps)], [(1, 100.0)])
    assert close([(1, said.last_mark_bps)], [(1, 1e4 / 101)])
    assert close([(1, said.last_index_bps)], [(1, 200.0)])
