"""A recording's bursts: records that came together, and what a market said in them."""

from hypothesis import given
from hypothesis import strategies as st

from replay.bursts import bursts, is_market, market_bursts
from state.events import (
    DERIVED,
    AnyEvent,
    BookDelta,
    CancelAll,
    FeedStatus,
    OrderUpdate,
    Tick,
    Trade,
)
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
def recordings(draw: st.DrawFn) -> list[Record]:
    """Bursts of inputs, each with what was concluded from it at its time or a little later."""
    records: list[Record] = []
    recv = 100
    for burst in draw(st.lists(st.lists(st.sampled_from(MARKET + OTHERS), min_size=1, max_size=4), max_size=6)):
        recv += draw(st.integers(0, 3))
        head = 0
        for event in sorted(burst, key=lambda event: type(event) in DERIVED):
            recv += type(event) in DERIVED
            records.append(Record(len(records) + 1, recv, head, event))
            head = head or len(records)
    return records


@given(recordings())
def test_what_a_market_said_is_that_of_each_burst(records: list[Record]) -> None:
    groups = [burst for burst in bursts(records) if type(burst[0].event) not in DERIVED]
    expected = [(burst[0].recv, [record.event for record in burst if is_market(record.event)]) for burst in groups]
    told = list(market_bursts(records))
    assert [(recv, events) for recv, events, _ in told if events] == [one for one in expected if one[1]]
    assert sum(count for _, _, count in told) == len(records)
    assert not records or told[-1][:2] == (records[-1].recv, [])


def test_an_input_after_a_conclusion_is_another_burst_though_it_names_the_same_cause() -> None:
    first, answer = BookDelta(V, S, 1, [], []), Trade(V, S, 1, "t", 1.0, 1.0, "buy")
    records = [Record(1, 10, 0, first), Record(2, 10, 1, CancelAll(V, S)), Record(3, 20, 1, answer)]
    assert list(market_bursts(records)) == [(10, [first], 2), (20, [answer], 1), (20, [], 0)]
