"""Every order of arrival, or thousands of them, ends the same, and no stream of words breaks what orders promise."""

from itertools import permutations
from math import factorial
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.events import (
    CancelAll,
    Fill,
)
from state.orders import Orders
from state.words import OrderStatus
from tests.depth import depth
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

MOST = factorial(8)  # orders in which eight can arrive
ENDS: dict[str, tuple[tuple[Heard, ...], tuple[Heard, ...], OrderStatus, str]] = {
    # name: intents in their order, what is heard in any order, status and filled size in the end
    "filled in two parts, an update twice": (
        (PLACE,),
        (
            accepted(),
            told("open", "0"),
            told("partially_filled", "4"),
            told("partially_filled", "4"),
            told("filled", "10"),
            fill("f1", "4"),
            fill("f2", "6"),
            fill("f2", "6"),
        ),
        "filled",
        "10",
    ),
    "filled, and no update ever comes": (
        (PLACE,),
        (accepted(), fill("f1", "4"), fill("f2", "6"), fill("f1", "4")),
        "filled",
        "10",
    ),
    "the cancel comes too late and is refused as gone": (
        (PLACE, CANCEL),
        (
            accepted(),
            told("partially_filled", "4"),
            told("filled", "10"),
            fill("f1", "4"),
            fill("f2", "6"),
            rejected("cancel", "gone"),
            accepted("cancel"),
        ),
        "filled",
        "10",
    ),
    "Bybit ends it twice, filled and by the cancel": (
        (PLACE, CANCEL),
        (
            accepted(),
            fill("f1", "4"),
            fill("f2", "6"),
            told("filled", "10"),
            told("filled", "10"),
            told("cancelled", "10"),
            accepted("cancel"),
        ),
        "filled",
        "10",
    ),
    "cancelled after a part was filled": (
        (PLACE, CANCEL),
        (
            accepted(),
            told("open", "0"),
            told("partially_filled", "4"),
            fill("f1", "4"),
            accepted("cancel"),
            told("cancelled", "4"),
            told("cancelled", "4"),
        ),
        "cancelled",
        "4",
    ),
    "a cancel that is not firm, and the last fill comes all the same": (
        (PLACE, CANCEL),
        (
            accepted(),
            told("open", "0"),
            accepted("cancel"),
            told("cancelled", "4", firm=False),
            fill("f1", "4"),
            fill("f2", "6"),
        ),
        "filled",
        "10",
    ),
    "refused, and its cancel, which a venue takes of any order, is told by the venue's id": (
        (PLACE, CANCEL),
        (
            rejected(),
            accepted("cancel"),
            told("cancelled", firm=False, client_id=None),
            told("cancelled", "0", firm=False),
        ),
        "rejected",
        "0",
    ),
    "refused and cancelled by a wish, and filled all the same": (
        (PLACE, CANCEL),
        (rejected(), accepted("cancel"), told("cancelled", "4", firm=False), fill("f1", "4"), fill("f2", "6")),
        "filled",
        "10",
    ),
    "amended to twice the size, then filled": (
        (PLACE, AMEND),
        (
            accepted(ts=1),
            told("open", "0", ts=2),
            fill("f1", "10"),
            accepted("amend", ts=3),
            told("partially_filled", "10", ts=4, price="101", size="20"),
            fill("f2", "10"),
            told("filled", "20", ts=6, price="101", size="20"),
        ),
        "filled",
        "20",
    ),
    "amended to twice the size, filled beyond the first, then cancelled": (
        (PLACE, AMEND, CANCEL),
        (
            accepted(ts=1),
            told("open", "0", ts=2),
            fill("f1", "10"),
            accepted("amend", ts=3),
            told("partially_filled", "10", ts=4, price="101", size="20"),
            fill("f2", "5"),
            accepted("cancel", ts=6),
            told("cancelled", "15", ts=7, price="101", size="20"),
        ),
        "cancelled",
        "15",
    ),
    "the amendment is refused because it was filled": (
        (PLACE, AMEND),
        (
            accepted(),
            fill("f1", "4"),
            told("partially_filled", "4"),
            rejected("amend", "gone"),
            fill("f2", "6"),
            told("filled", "10"),
        ),
        "filled",
        "10",
    ),
    "the placement is lost from sight and found by the stream": (
        (PLACE,),
        (unknown(), told("open", "0"), fill("f1", "10"), told("filled", "10")),
        "filled",
        "10",
    ),
    "the request is refused, the stream knows better": (
        (PLACE,),
        (rejected(), told("open", "0"), told("partially_filled", "4"), fill("f1", "4"), told("cancelled", "4")),
        "cancelled",
        "4",
    ),
    "post-only: taken, then cancelled by the engine": (
        (PLACE,),
        (accepted(), told("pending"), told("cancelled", "0")),
        "cancelled",
        "0",
    ),
    "rejected by the engine after an answer that took it": (
        (PLACE,),
        (accepted(), told("rejected", "0"), told("rejected", "0")),
        "rejected",
        "0",
    ),
}


@pytest.mark.parametrize("name", ENDS)
def test_every_order_of_arrival_ends_the_same(name: str) -> None:
    intents, heard, status, filled = ENDS[name]
    places = [heard.index(event) for event in heard]  # what is heard twice stands at one place, however it is ordered
    arrivals = sorted(set(permutations(places)))
    for arrival in Random(name).sample(arrivals, min(len(arrivals), depth(2_000, MOST))):
        orders = fold(Orders(V), (*intents, *(heard[place] for place in arrival)))
        order = orders.get("c1")
        assert order is not None
        assert (order.status, order.filled) == (status, D(filled)), [heard[place] for place in arrival]
        assert orders.working() == ()


def test_fills_known_only_by_the_venues_id_find_their_order_in_any_order() -> None:
    heard: list[Heard] = [
        accepted(),
        fill("f1", "4", client_id=None),
        fill("f2", "6", client_id=""),
        told("open", "0", client_id=None),
    ]
    for arrival in permutations(range(len(heard))):
        order = after(*(heard[place] for place in arrival))
        assert (order.status, order.filled, order.order_id) == ("filled", D("10"), "v1")


@given(st.data())
def test_any_stream_keeps_the_promises(data: st.DataObject) -> None:
    """Whatever comes, in any number: an end is final, filled never falls, a fill counts once, the lists agree."""
    pool = [*WORD_EVENTS.values(), *QUIET_EVENTS.values(), AMEND, CANCEL, CancelAll(V, "")]
    orders = fold(Orders(V), [PLACE])
    order = orders.get("c1")
    assert order is not None
    filled, booked = D(0), D(0)
    for seq, event in enumerate(data.draw(st.lists(st.sampled_from(pool), max_size=30)), 2):
        was_final = not order.is_open and not order.refused
        if isinstance(event, Fill) and orders.filled(event, seq):
            booked += event.size
        elif not isinstance(event, Fill):
            fold(orders, [event], seq)
        assert not (was_final and order.is_open)
        assert order.filled >= filled
        assert order.filled >= booked
        assert (order in orders.working(S)) == order.is_open == (order not in orders.ended())
        filled = order.filled
