"""Parameters that a person changes in flight: recorded, heard again by a replay, and what was learnt is kept."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec
import pytest

from adapters.paper import PaperSettings
from replay.simulate import Simulation
from state.events import (
    AmendOrder,
    AnyEvent,
    Blocked,
    CancelOrder,
    Command,
    CommandRefused,
    ParametersChanged,
    PlaceOrder,
)
from state.record import Collected
from state.reducer import Reducer
from state.shared import SharedState
from streams.checkpoint import dump, restore
from streams.pipeline import Pipeline
from streams.risk import RiskLimits
from streams.strategies import build
from streams.strategies.recorded import gated
from streams.strategy import Strategy, run_strategies
from streams.testing import READY, SECOND, START, SYMBOL, VENUE, Session, book, instrument
from tests.streams.strategies.test_shipped import FIELDS, recorded

PLAIN = {
    "venue": VENUE, "symbol": SYMBOL, "size": "1", "max_position": "10", "levels": 1, "base_spread_bps": 200.0,
    "max_bps": 1000.0,
}  # fmt: skip


def said(strategy: str = "one", **params: object) -> Command:
    return Command("", "", "set", msgspec.json.encode({"strategy": strategy, "params": params}).decode())


class Interrupted(Simulation):
    """A simulation in which a person says something at one second."""

    word: Command | None = None
    at_s = 25.0

    def hear(self, recv: int, events: Sequence[AnyEvent]) -> None:
        super().hear(recv, events)
        if self.word is not None and recv >= 1_700_000_000 * SECOND + round(self.at_s * SECOND):
            word, self.word = self.word, None
            self.told(recv, word)


def simulated(kind: str, word: Command | None) -> tuple[list[AnyEvent], list[AnyEvent]]:
    """All events, and intents with client ids that count orders and not records."""
    sink, ids = Collected(), iter(range(1_000_000))
    settings = PaperSettings(order_latency_ms=5, response_latency_ms=5)
    simulation = Interrupted(
        sink, lambda _, seq: f"c{next(ids)}", [build(kind, FIELDS[kind], "one")], settings, session="s", seed=5
    )
    simulation.word = word
    simulation.run(record for record in recorded(kind) if record.recv < recorded(kind)[0].recv + 45 * SECOND)
    events = list(sink.events())
    return events, [event for event in events if isinstance(event, PlaceOrder | AmendOrder | CancelOrder)]


@pytest.mark.parametrize("kind", FIELDS)
def test_a_strategy_that_is_changed_to_what_it_is_goes_on_as_if_nothing_had_been_said(kind: str) -> None:
    events, intents = simulated(kind, said())
    assert [event for event in events if isinstance(event, ParametersChanged)] == [ParametersChanged("one", "{}", True)]
    assert intents == simulated(kind, None)[1]


class Quoting(Session):
    """`plain` in a session in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.running = run_strategies(self.pipeline, [build("plain", PLAIN, "one")])


def quoting() -> Quoting:
    session = Quoting()
    for step in range(1, 8):
        session.feed(step, book(100.0, 101.0))
        if step == 2:
            session.answer(2.1)
    return session


def spread(session: Session) -> Decimal:
    prices = sorted((order.pending_amend or (order.price, 0))[0] for order in session.working)
    return prices[-1] - prices[0]


def test_a_wider_spread_holds_from_the_next_quotes_on_and_stands_in_the_log_and_in_the_state() -> None:
    session = quoting()
    before = spread(session)
    session.feed(10, said(base_spread_bps=600.0))
    session.feed(11, book(100.0, 101.0))
    session.feed(12, book(100.0, 101.0))
    assert session.of(ParametersChanged) == [ParametersChanged("one", '{"base_spread_bps":600.0}', True)]
    assert spread(session) > 2 * before
    assert session.shared.parameters == {"one": {"base_spread_bps": msgspec.Raw(b"600.0")}}
    folded = SharedState()
    for record in session.sink.records:
        Reducer(folded).apply(record)
    assert SharedState.load(folded.dump()).dump() == session.shared.dump()


def test_the_change_is_part_of_what_a_strategy_is_restarted_from() -> None:
    session = quoting()
    session.feed(10, said(base_spread_bps=600.0))
    body, state = dump(session.running), session.shared.dump()
    sink = Collected()
    again = Pipeline(sink, lambda _, seq: f"c{seq}", shared=SharedState.load(state))
    (restarted,) = restore(again, [build("plain", PLAIN, "one")], body)
    assert restarted.changed == {"base_spread_bps": 600.0}
    for pipeline in (session.pipeline, again):
        for step in (11, 12, 13):
            pipeline.feed(START + step * SECOND, (book(100.0, 101.0),))
    here = [record for record in session.sink.records if record.seq > sink.records[0].seq - 1]
    assert here == sink.records


def test_one_that_was_changed_hears_after_the_others_from_a_checkpoint_too() -> None:
    """It is subscribed anew, behind them: a restart that put it back in its old place decided in another order."""

    def pair() -> list[Strategy]:
        return [build("plain", PLAIN, "one"), build("plain", PLAIN, "two")]

    session = Session(begin=(instrument(), READY))
    running = run_strategies(session.pipeline, pair())
    session.feed(1, said(base_spread_bps=300.0))
    sink = Collected()
    other = Pipeline(sink, lambda _, seq: f"c{seq}", shared=SharedState.load(session.shared.dump()))
    restarted = restore(other, pair(), dump(running))
    assert dump(restarted) == dump(running)
    before = session.pipeline.seq
    for pipeline in (session.pipeline, other):
        for at_s in (2, 3):
            pipeline.feed(START + at_s * SECOND, (book(100 + at_s, 101 + at_s),))
    live = [record for record in session.sink.records if record.seq > before]
    assert [event.strategy for event in session.of(PlaceOrder)] == ["two", "two", "one", "one"]
    assert sink.records == live


def test_another_wiring_begins_anew_and_says_so() -> None:
    lead = {"lead_venue": "other", "lead_symbol": SYMBOL}
    session = Session()
    run_strategies(session.pipeline, [build("skewed", {**BASE, **lead}, "one")])
    session.feed(1, said(lead_venue="", lead_symbol=""))
    assert [event.kept for event in session.of(ParametersChanged)] == [False]


BASE = {"venue": VENUE, "symbol": SYMBOL, "size": "1", "max_position": "10"}
REFUSED = {
    "a value that the parameters refuse": ({"levels": 0}, "levels must be 1 to 50"),
    "a parameter that it does not have": ({"nothing": 1}, "has no parameter nothing"),
    "another market": ({"symbol": "ETH"}, "cannot be changed in flight"),
    "limits, which have a command of their own": ({"risk": {}}, "cannot be changed in flight"),
}


@pytest.mark.parametrize(("params", "why"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_changed_changes_nothing_and_is_told(params: dict[str, object], why: str) -> None:
    session = quoting()
    before = dump(session.running)
    session.feed(10, said(**params))
    (refused,) = session.of(CommandRefused)
    assert isinstance(refused, CommandRefused)
    assert (refused.strategy, refused.name) == ("one", "set")
    assert why in refused.why
    assert session.of(ParametersChanged) == []
    assert len(dump(session.running)) == len(before)
    assert session.running[0].changed == {}


def test_a_word_for_another_strategy_is_not_for_this_one_and_one_that_cannot_be_read_is_told() -> None:
    session = quoting()
    session.feed(10, said("two", levels=2))
    assert session.of(ParametersChanged, CommandRefused) == []
    session.feed(11, Command("", "", "set", "levels"))
    assert len(session.of(CommandRefused)) == 1


def test_a_strategy_without_parameters_takes_none() -> None:
    session = Session()
    run_strategies(session.pipeline, [Strategy("one", lambda feeds: build("plain", PLAIN).build(feeds))])
    session.feed(1, said(levels=2))
    assert session.of(ParametersChanged, CommandRefused) == []


def test_the_sessions_own_limits_still_hold_after_a_change() -> None:
    session = Session()
    limits = RiskLimits(max_order_size=Decimal("1"))
    run_strategies(session.pipeline, [gated(build("plain", PLAIN, "one"), limits)])
    for step in range(1, 4):
        session.feed(step, book(100.0, 101.0))
    session.answer(4)
    assert session.of(Blocked) == []
    session.feed(5, said(size="2"))
    for step in range(6, 9):
        session.feed(step, book(100.0, 101.0))
    assert session.of(ParametersChanged) == [ParametersChanged("one", '{"size":"2"}', True)]
    blocked = session.of(Blocked)
    assert blocked
    assert {event.rule for event in blocked if isinstance(event, Blocked)} == {"max_order_size"}
