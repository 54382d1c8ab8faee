"""Folding many records together comes to what folding one after the other does; a book says when it is worth something else."""

from hypothesis import given
from hypothesis import strategies as st

from state.book import Book, BookStatus
from state.events import AnyEvent, BookDelta, BookSnapshot, FeedStatus, Level, Trade
from state.record import Record
from state.reducer import Reducer
from state.shared import SharedState

SYMBOLS = st.sampled_from(["BTC", "ETH"])
LEVELS = st.lists(st.tuples(st.integers(1, 12).map(float), st.sampled_from([0.0, 0.0, 0.5, 2.0])), max_size=6)


def snapshot(symbol: str, bids: list[Level], asks: list[Level]) -> BookSnapshot:
    return BookSnapshot("v", symbol, 1, bids, asks, 1, 10)


def delta(symbol: str, bids: list[Level], asks: list[Level]) -> BookDelta:
    return BookDelta("v", symbol, 2, bids, asks, 2, 1)


def trade(symbol: str) -> Trade:
    return Trade("v", symbol, 3, "t", 5.0, 1.0, "buy")


def word(symbol: str, state: str) -> FeedStatus:
    return FeedStatus("v", symbol, "book", "gap" if state == "gap" else "ok")


DELTAS = st.builds(delta, SYMBOLS, LEVELS, LEVELS)
EVENTS: st.SearchStrategy[AnyEvent] = st.one_of(
    DELTAS,
    DELTAS,
    st.builds(snapshot, SYMBOLS, LEVELS, LEVELS),
    st.builds(trade, SYMBOLS),
    st.builds(word, SYMBOLS, st.sampled_from(["gap", "ok"])),
)


def recorded(events: list[AnyEvent]) -> list[Record]:
    return [Record(seq, 10 * seq, 0, event) for seq, event in enumerate(events, start=1)]


@given(st.lists(EVENTS, max_size=40), st.integers(0, 40))
def test_together_is_as_one_after_the_other(events: list[AnyEvent], first: int) -> None:
    one_by_one, together = SharedState(), SharedState()
    apply, fold, records = Reducer(one_by_one).apply, Reducer(together).fold, recorded(events)
    for record in records:
        apply(record)
    fold(records[:first])
    fold(records[first:])
    assert together.dump() == one_by_one.dump()
    books = [[shared.market("v", symbol).book for symbol in ("BTC", "ETH")] for shared in (one_by_one, together)]
    for ours, theirs in zip(*books, strict=True):
        assert (ours.status, ours.is_ok, ours.ts, ours.update_id) == (
            theirs.status,
            theirs.is_ok,
            theirs.ts,
            theirs.update_id,
        )


@given(st.lists(EVENTS, max_size=40))
def test_what_a_book_is_worth_is_said_when_it_changes_and_before_the_book(events: list[AnyEvent]) -> None:
    shared = SharedState()
    apply = Reducer(shared).apply
    known = {symbol: (Book("v", symbol).status, False) for symbol in ("BTC", "ETH")}
    for record in recorded(events):
        changed = apply(record)
        symbol = record.event.symbol
        now = (shared.market("v", symbol).book.status, shared.market("v", symbol).book.is_ok)
        kinds = [key[0] for key, _ in changed]
        if now != known[symbol]:
            assert kinds == [BookStatus, Book]
            assert changed[0] == ((BookStatus, "v", symbol), now)
        else:
            assert BookStatus not in kinds
        known[symbol] = now
