"""A recording's bursts: inputs that came together, with what was concluded from them passed over."""

from hypothesis import given
from hypothesis import strategies as st

from replay.bursts import bursts, input_bursts, is_market
from state.events import DERIVED, AnyEvent, BookDelta, CancelAll, FeedStatus, OrderUpdate, Tick, Trade
from state.record import Record

V, S = "venue", "BTC"
MARKET: list[AnyEvent] = [BookDelta(V, S, 1, [(1.0, 1.0)], []), FeedStatus(V, S, "book", "ok")]
OTHERS: list[AnyEvent] = [
    Tick(),
    FeedStatus(V, "", "account", "ok"),
    OrderUpdate(V, S, None, "c", "v", "open"),
    CancelAll(V, S),  # concluded
]


@st.composite
def recordings(draw: st.DrawFn) -> tuple[list[Record], list[tuple[int, list[AnyEvent]]]]:
    """Records, and the bursts of inputs that they were made of, each with its time."""
    records: list[Record] = []
    made: list[tuple[int, list[AnyEvent]]] = []
    recv = 100
    for burst in draw(st.lists(st.lists(st.sampled_from(MARKET + OTHERS), min_size=1, max_size=4), max_size=6)):
        recv += draw(st.integers(0, 3))
        inputs = [event for event in burst if type(event) not in DERIVED]
        if inputs:
            made.append((recv, inputs))
        head = 0
        for event in inputs:
            records.append(Record(len(records) + 1, recv, head, event))
            head = head or len(records)
        for event in burst:
            if type(event) in DERIVED:
                recv += 1  # by a timer
                records.append(Record(len(records) + 1, recv, head, event))
    return records, made


@given(recordings())
def test_inputs_are_given_in_the_bursts_in_which_they_came(
    recording: tuple[list[Record], list[tuple[int, list[AnyEvent]]]],
) -> None:
    records, made = recording
    assert [(first.recv, list(events)) for first, events in input_bursts(records)] == made
    assert [record for burst in bursts(records) for record in burst] == records


def test_an_input_after_a_conclusion_is_another_burst_though_it_names_the_same_cause() -> None:
    first, later = BookDelta(V, S, 1, [], []), Trade(V, S, 1, "t", 1.0, 1.0, "buy")
    records = [Record(1, 10, 0, first), Record(2, 10, 1, CancelAll(V, S)), Record(3, 20, 1, later)]
    assert [(it.recv, list(events)) for it, events in input_bursts(records)] == [(10, [first]), (20, [later])]


def test_what_a_market_says_is_told_from_what_an_account_says() -> None:
    assert [is_market(event) for event in MARKET] == [True, True]
    assert not any(map(is_market, OTHERS))
