"""The table of an order's life, walked in full through the real folds."""

from pathlib import Path
from typing import get_args

import pytest

from state.order_table import FACETS, TRANSITIONS, WORDS, QuietWord, Word, drawn
from state.words import TERMINAL, OrderStatus
from tests.state.heard import (
    AMEND,
    CANCEL,
    QUIET_EVENTS,
    REACHED,
    WORD_EVENTS,
    Heard,
    after,
)


def test_the_table_has_a_cell_for_every_status_and_every_word() -> None:
    assert set(TRANSITIONS) == set(get_args(OrderStatus))
    assert all(tuple(row) == WORDS for row in TRANSITIONS.values())
    assert set(FACETS) == set(get_args(QuietWord)) == set(QUIET_EVENTS)
    assert set(WORD_EVENTS) == set(WORDS)


@pytest.mark.parametrize("status", TRANSITIONS)
@pytest.mark.parametrize("word", WORDS)
def test_what_is_folded_is_what_the_table_says(status: OrderStatus, word: Word) -> None:
    order = after(*REACHED[status], WORD_EVENTS[word])
    assert order.status == TRANSITIONS[status][word]
    assert order.is_open == (order.status not in TERMINAL)


@pytest.mark.parametrize("status", TRANSITIONS)
@pytest.mark.parametrize("word", QUIET_EVENTS)
@pytest.mark.parametrize("intents", [(), (AMEND,), (CANCEL,), (AMEND, CANCEL)], ids=["idle", "amend", "cancel", "both"])
def test_quiet_words_never_move_the_status(status: OrderStatus, word: QuietWord, intents: tuple[Heard, ...]) -> None:
    order = after(*REACHED[status], *intents, QUIET_EVENTS[word])
    assert order.status == status
    if not order.is_open:
        assert not order.pending_cancel
        assert order.pending_amend is None
        assert not order.unknown


def test_status_only_climbs() -> None:
    ranks = {status: rank for rank, status in enumerate(TRANSITIONS)}
    for status, row in TRANSITIONS.items():
        assert all(ranks[end] >= ranks[status] for end in row.values())
        assert status not in TERMINAL or all(end in TERMINAL for end in row.values())


def test_the_order_of_two_words_of_the_stream_never_matters() -> None:
    spoken = [word for word in WORDS if word != "place refused"]  # an answer, weaker than the stream by rule 2
    for status, row in TRANSITIONS.items():
        for one in spoken:
            for other in spoken:
                assert TRANSITIONS[row[one]][other] == TRANSITIONS[row[other]][one], (status, one, other)


def test_the_page_about_an_orders_life_is_drawn_from_the_table() -> None:
    page = Path(__file__).parents[2] / "docs" / "order-life.md"
    assert page.read_text() == drawn()
