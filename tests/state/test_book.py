"""The book against a naive model, and tables for what is read from it."""

import math
from collections.abc import Sequence
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.book import Book
from state.events import BookDelta, BookSnapshot, Level
from state.words import FeedState, Side

V, S = "venue", "BTC"


def snapshot(bids: Sequence[Level], asks: Sequence[Level], update_id: int | None = None) -> BookSnapshot:
    return BookSnapshot(V, S, 1, list(bids), list(asks), update_id, 50)


def delta(bids: Sequence[Level] = (), asks: Sequence[Level] = (), update_id: int | None = None) -> BookDelta:
    return BookDelta(V, S, 2, list(bids), list(asks), update_id)


def book(bids: Sequence[Level] = (), asks: Sequence[Level] = ()) -> Book:
    known = Book(V, S)
    known.replace(snapshot(bids, asks))
    return known


# --- against a naive model ---------------------------------------------------------------------------------------

PRICES = st.integers(1, 30).map(lambda tick: tick / 10)
LEVELS = st.lists(st.tuples(PRICES, st.sampled_from([0.0, 0.5, 1.0, 2.5])), max_size=8)
EVENTS = st.one_of(st.builds(snapshot, LEVELS, LEVELS), st.builds(delta, LEVELS, LEVELS))


class Naive:
    """Two dicts, sorted at each look."""

    def __init__(self) -> None:
        self.bids: dict[float, float] = {}
        self.asks: dict[float, float] = {}

    def fold(self, event: BookSnapshot | BookDelta) -> None:
        if isinstance(event, BookSnapshot):
            self.bids, self.asks = {}, {}
        for side, changes in ((self.bids, event.bids), (self.asks, event.asks)):
            for price, size in changes:
                side[price] = size
            for price in [price for price, size in side.items() if not size]:
                del side[price]


@given(st.lists(EVENTS, max_size=15), st.floats(0.1, 20), st.floats(0, 20_000))
def test_the_book_is_what_a_naive_one_would_be(events: list[BookSnapshot | BookDelta], size: float, bps: float) -> None:
    known, naive = Book(V, S), Naive()
    for event in events:
        if isinstance(event, BookSnapshot):
            event = snapshot([*dict(event.bids).items()], [*dict(event.asks).items()])  # a snapshot names a price once
            known.replace(event)
        else:
            known.update(event)
        naive.fold(event)
    bids, asks = sorted(naive.bids.items(), reverse=True), sorted(naive.asks.items())
    assert (list(known.bids()), list(known.asks())) == (bids, asks)
    assert (list(known.bids(3)), list(known.asks(3))) == (bids[:3], asks[:3])
    assert known.levels() == (len(bids), len(asks))
    assert (known.bid_size, known.ask_size) == (bids[0][1] if bids else 0.0, asks[0][1] if asks else 0.0)
    assert known.is_crossed == bool(bids and asks and bids[0][0] >= asks[0][0])
    assert all(known.size_at("buy", price) == resting for price, resting in bids)
    assert known.size_at("sell", 99.0) == 0.0
    full = 50  # of the snapshots' depth: fewer levels than that are all that there are
    assert known.sees("buy", 0.01) == (known.depth == full) == known.sees("sell", 99.0)
    if bids and asks:
        assert known.touch() == (*bids[0], *asks[0])
        mid = (bids[0][0] + asks[0][0]) / 2
        deep_bids = sum(resting for price, resting in bids if price >= mid * (1 - bps / 10_000))
        deep_asks = sum(resting for price, resting in asks if price <= mid * (1 + bps / 10_000))
        assert known.depth_size("buy", bps) == pytest.approx(deep_bids)
        assert known.depth_size("sell", bps) == pytest.approx(deep_asks)
    assert known.price_for("buy", size) == pytest.approx(average(asks, size), nan_ok=True)
    assert known.price_for("sell", size) == pytest.approx(average(bids, size), nan_ok=True)


def average(levels: Sequence[Level], size: float) -> float:
    """Price of taking `size`, level by level."""
    taken = list(accumulate((resting for _, resting in levels), initial=0.0))
    if taken[-1] < size:
        return math.nan
    parts = zip(levels, taken, taken[1:], strict=False)
    paid = sum(price * max(min(size, after) - before, 0.0) for (price, _), before, after in parts)
    return paid / size


# --- status ------------------------------------------------------------------------------------------------------

GOOD = snapshot([(99.0, 1.0)], [(101.0, 1.0)])
STATUS: dict[str, tuple[list[BookSnapshot | BookDelta | FeedState], FeedState, bool]] = {
    # name: what came; status and is_ok after it
    "nothing came": ([], "connecting", False),
    "a delta without a snapshot does not make it good": ([delta([(99.0, 1.0)], [(101.0, 1.0)])], "connecting", False),
    "a snapshot makes it good": ([GOOD], "ok", True),
    "a snapshot of one side is in sequence but not good to quote on": ([snapshot([(99.0, 1.0)], [])], "ok", False),
    "a delta keeps it good": ([GOOD, delta([(100.0, 1.0)])], "ok", True),
    "a bid above the ask crosses it": ([GOOD, delta([(102.0, 1.0)])], "crossed", False),
    "a bid at the ask locks it, which counts as crossed": ([GOOD, delta([(101.0, 1.0)])], "crossed", False),
    "the next delta uncrosses it": ([GOOD, delta([(102.0, 1.0)]), delta([(102.0, 0.0)])], "ok", True),
    "a crossed snapshot is crossed": ([snapshot([(102.0, 1.0)], [(101.0, 1.0)])], "crossed", False),
    "a gap": ([GOOD, "gap"], "gap", False),
    "a gap lasts through deltas": ([GOOD, "gap", delta([(100.0, 1.0)])], "gap", False),
    "a gap ends with a snapshot": ([GOOD, "gap", GOOD], "ok", True),
}


@pytest.mark.parametrize("name", STATUS)
def test_status_says_what_the_book_is_worth(name: str) -> None:
    came, status, is_ok = STATUS[name]
    known = Book(V, S)
    for event in came:
        if isinstance(event, BookSnapshot):
            known.replace(event)
        elif isinstance(event, BookDelta):
            known.update(event)
        else:
            known.distrust(event)
    assert (known.status, known.is_ok) == (status, is_ok)


def test_locked_is_equal_and_crossed_is_at_or_above() -> None:
    locked, crossed, apart = (book([(bid, 1.0)], [(101.0, 1.0)]) for bid in (101.0, 102.0, 100.0))
    assert (locked.is_locked, locked.is_crossed) == (True, True)
    assert (crossed.is_locked, crossed.is_crossed) == (False, True)
    assert (apart.is_locked, apart.is_crossed) == (False, False)


def test_a_snapshot_replaces_all_and_carries_its_id() -> None:
    known = book([(99.0, 1.0), (98.0, 1.0)], [(101.0, 1.0)])
    known.replace(snapshot([(97.0, 2.0)], [(102.0, 3.0), (103.0, 0.0)], 7))
    assert (list(known.bids()), list(known.asks())) == ([(97.0, 2.0)], [(102.0, 3.0)])
    assert (known.update_id, known.depth, known.ts) == (7, 50, 1)
    known.update(delta(update_id=8))
    assert (known.update_id, known.ts) == (8, 2)


# --- numbers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bid_size", "ask_size", "microprice"),
    [(1.0, 1.0, 100.0), (3.0, 1.0, 100.5), (1.0, 3.0, 99.5)],
    ids=["balanced is the mid", "a heavy bid pulls up", "a heavy ask pulls down"],
)
def test_microprice_leans_away_from_the_heavy_side(bid_size: float, ask_size: float, microprice: float) -> None:
    known = book([(99.0, bid_size)], [(101.0, ask_size)])
    assert known.microprice == microprice
    assert (known.mid, known.spread) == (100.0, 2.0)
    assert known.imbalance() == (bid_size - ask_size) / (bid_size + ask_size)


def test_an_empty_side_is_not_a_number_and_no_error() -> None:
    known = book([(99.0, 1.0)])
    assert all(math.isnan(number) for number in (known.ask, known.mid, known.spread, known.microprice))
    assert math.isnan(known.price_for("buy", 1.0))
    assert math.isnan(book().imbalance())
    with pytest.raises(IndexError):
        known.touch()


@pytest.mark.parametrize(
    ("side", "size", "price"),
    [
        ("buy", 1.0, 101.0),
        ("buy", 2.0, 101.0),
        ("buy", 4.0, 101.5),
        ("buy", 4.1, math.nan),
        ("sell", 1.0, 99.0),
        ("sell", 3.0, 98.0 + 1 / 3),
        ("sell", 3.5, math.nan),
    ],
)
def test_price_for_walks_the_other_side(side: Side, size: float, price: float) -> None:
    known = book([(99.0, 1.0), (98.0, 2.0)], [(101.0, 2.0), (102.0, 2.0)])
    assert known.price_for(side, size) == pytest.approx(price, nan_ok=True)


@pytest.mark.parametrize(
    ("side", "bps", "size"),
    [("buy", 99, 0.0), ("buy", 100, 1.0), ("buy", 300, 3.0), ("sell", 99, 0.0), ("sell", 100, 2.0), ("sell", 1e4, 6.0)],
)
def test_depth_size_counts_what_rests_within_the_distance(side: Side, bps: float, size: float) -> None:
    known = book([(99.0, 1.0), (98.0, 2.0)], [(101.0, 2.0), (102.0, 4.0)])
    assert known.depth_size(side, bps) == size


def test_beyond_the_worst_level_of_a_full_side_nothing_is_seen() -> None:
    known = Book(V, S)
    known.replace(BookSnapshot(V, S, 1, [(10.0, 1.0), (9.0, 1.0)], [(11.0, 1.0)], None, 2))
    assert [known.sees("buy", price) for price in (9.5, 9.0, 8.9)] == [True, True, False]
    assert known.sees("sell", 50.0)  # it has room for another level, which is not there
    assert (known.reach("buy"), known.reach("sell")) == (9.0, math.inf)
    unknown = Book(V, S)
    unknown.replace(BookSnapshot(V, S, 1, [], [(11.0, 1.0)], None, None))
    assert not unknown.sees("buy", 5.0)
    assert (unknown.sees("sell", 11.0), unknown.sees("sell", 11.1)) == (True, False)


@pytest.mark.parametrize(("buy", "sell", "reached"), [(10.9, 10.1, False), (11.0, 99.0, True), (0.0, 10.0, True)])
def test_resting_orders_are_reached_by_the_other_side(buy: float, sell: float, reached: bool) -> None:
    known = book([(10.0, 1.0)], [(11.0, 1.0)])
    assert known.meets(buy, sell) is reached
    known.distrust("gap")
    assert not known.meets(buy, sell)
    assert not Book(V, S).meets(99.0, 0.0)


def test_a_feed_of_best_prices_leaves_nothing_of_the_level_before() -> None:
    known = book([(10.0, 1.0)], [(11.0, 1.0)])
    known.replace(snapshot([(10.0, 2.0)], [(12.0, 3.0)]))
    assert (list(known.bids()), list(known.asks())) == ([(10.0, 2.0)], [(12.0, 3.0)])
    assert (known.size_at("buy", 10.0), known.size_at("sell", 11.0)) == (2.0, 0.0)
    known.update(delta(asks=[(11.0, 4.0)]))
    assert list(known.asks()) == [(11.0, 4.0), (12.0, 3.0)]
    known.replace(snapshot([(10.0, 0.0)], [(12.0, 1.0), (11.0, 0.0)]))
    assert (known.levels(), known.is_ok) == ((0, 1), False)
