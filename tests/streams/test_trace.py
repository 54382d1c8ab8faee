"""A trace hears every stage, changes no decision, and leaves nothing behind."""

from collections.abc import Callable
from decimal import Decimal

import pytest
import reactivex
from reactivex import Observable
from reactivex import operators as rx

from state.errors import WrongUse
from state.events import Decision, PlaceOrder, SessionOpened, Signal
from state.record import Collected
from streams import operators as op
from streams.feeds import Feeds
from streams.pipeline import Pipeline
from streams.strategy import Build, Strategy, run_strategies
from streams.trace import Heard, Trace, operator_name

START = 1_786_310_817_000_000_000


def double(x: float) -> float:
    return 2 * x


def never(feeds: Feeds) -> Observable[Decision]:
    """Decides nothing, listens to much."""
    go = feeds.signal("go")
    both = op.combine(go.pipe(op.ema(1.0)), go.pipe(rx.map(double), rx.debounce(0.5), rx.filter(lambda x: x > 0)))
    return both.pipe(rx.ignore_elements())


def run(build: Build, listening: Trace | None, values: list[float]) -> tuple[list[object], Pipeline]:
    sink = Collected()
    pipeline = Pipeline(sink, lambda venue, seq: f"c{seq}")

    def go() -> None:
        pipeline.feed(START, [SessionOpened("s", 7)])
        run_strategies(pipeline, [Strategy("one", build)])
        for place, value in enumerate(values, start=1):
            pipeline.feed(START + place * 1_000_000_000, [Signal("go", value)])

    if listening is None:
        go()
    else:
        with listening:
            go()
    return [(record.seq, record.cause, record.event) for record in sink.records], pipeline


def heard_by(trace: Trace) -> dict[str, Heard]:
    return {stage.operator: stage for stage in trace.stages("one")}


def test_every_stage_is_heard_with_the_record_that_it_speaks_of() -> None:
    trace = Trace()
    run(never, trace, [3.0, 5.0])
    heard = heard_by(trace)
    assert (heard["ema"].value, heard["ema"].count, heard["ema"].seq) == (4.0, 2, 3)
    assert (heard["map double"].value, heard["map double"].seq) == (10.0, 3)
    assert (heard["debounce 0.5"].value, heard["debounce 0.5"].count, heard["debounce 0.5"].seq) == (6.0, 1, 2)
    assert heard["(unnamed filter)"].value == 6.0
    assert heard["combine"].value == (4.0, 6.0)
    assert heard["ema"].where.startswith("test_trace.py:")
    assert heard["debounce 0.5"].at == START + 1_500_000_000


def test_a_stage_that_never_spoke_is_there_all_the_same() -> None:
    trace = Trace()
    run(never, trace, [])
    assert {stage.count for stage in trace.stages()} == {0}
    assert "combine" in heard_by(trace)


def test_what_is_piped_inside_an_operator_is_its_own() -> None:
    trace = Trace()
    run(lambda feeds: feeds.signal("go").pipe(rx.some(double), rx.ignore_elements()), trace, [1.0])
    own = [stage.operator for stage in trace.stages() if stage.where.startswith("test_trace.py")]
    assert own == ["some double", "ignore_elements"]
    assert not [stage for stage in trace.stages() if stage.where.startswith("_")]


def test_sources_are_called_by_what_they_carry() -> None:
    sink = Collected()
    pipeline = Pipeline(sink, lambda venue, seq: f"c{seq}")
    trace = Trace(pipeline.carries)
    with trace:
        pipeline.feed(START, [SessionOpened("s", 7)])
        listening = [
            Strategy("one", lambda feeds: feeds.market("v", "S").book.pipe(op.mid(), rx.ignore_elements())),
            Strategy(
                "two", lambda feeds: feeds.account("v").position("S").pipe(op.utilisation(1), rx.ignore_elements())
            ),
        ]
        run_strategies(pipeline, listening)
    assert next(stage.operator for stage in trace.stages("one")) == "Book v S"
    assert next(stage.operator for stage in trace.stages("two")) == "Position v S"


def test_a_trace_changes_nothing_that_is_recorded() -> None:
    def place(feeds: Feeds) -> Observable[Decision]:
        def wish(x: float) -> Decision:
            return feeds_order(x)

        return feeds.signal("go").pipe(op.ema(1.0), op.throttle(0.5), rx.map(wish))

    values = [1.0, 2.0, 3.0, 4.0]
    assert run(place, None, values)[0] == run(place, Trace(), values)[0]


def feeds_order(x: float) -> Decision:
    """No instrument is known: the strategy fails, and its failure is recorded alike, traceback and all."""
    return PlaceOrder("v", "S", "buy", Decimal(1), Decimal(repr(x)))


def test_without_a_trace_pipe_is_rxpys_own_again() -> None:
    before = Observable.pipe
    with Trace():
        assert Observable.pipe is not before
    assert Observable.pipe is before


def test_it_is_left_by_an_error_too() -> None:
    before = Observable.pipe
    with pytest.raises(ZeroDivisionError), Trace():
        1 / 0  # noqa: B018
    assert Observable.pipe is before


def test_two_traces_at_once_are_refused() -> None:
    with Trace(), pytest.raises(WrongUse, match="one trace at a time"), Trace():
        pass


@pytest.mark.parametrize(
    ("operator", "name"),
    [
        pytest.param(op.ema(1.0), "ema", id="a lifted one of ours"),
        pytest.param(op.throttle(1.0), "throttle", id="one of ours with a timer"),
        pytest.param(rx.map(double), "map double", id="RxPY's with a function"),
        pytest.param(rx.map(lambda x: x), "(unnamed map)", id="RxPY's with a lambda"),
        pytest.param(rx.distinct_until_changed(), "distinct_until_changed", id="RxPY's with nothing"),
        pytest.param(rx.take(3), "take 3", id="RxPY's with a number"),
        pytest.param(lambda source: source, "(unnamed operator)", id="a lambda"),
    ],
)
def test_an_operator_is_called(operator: Callable[..., object], name: str) -> None:
    assert operator_name(operator) == name


def _of_several(feeds: Feeds) -> Observable[Decision]:
    """The same line for two signals, and a stream that is piped twice."""
    averages = [feeds.signal(name).pipe(op.ema_n(3)) for name in ("go", "stop")]
    doubled = averages[0].pipe(rx.map(double))
    return reactivex.merge(averages[1], averages[0].pipe(rx.map(double)), doubled).pipe(rx.ignore_elements())


def test_a_stage_names_the_one_before_it_though_that_stands_in_another_pipe() -> None:
    trace = Trace()
    run(_of_several, trace, [1.0])
    stages = {(stage.pipe, stage.place): stage for stage in trace.stages("one")}
    before = [stages[stage.after].operator for stage in stages.values() if stage.operator == "map double"]
    assert before == ["ema_n", "ema_n"]


def test_what_one_line_made_for_several_markets_is_recalled_each_for_its_own() -> None:
    """They were told apart by their line alone, so that all had the value of the last."""
    once, again = Trace(), Trace()
    run(_of_several, once, [1.0, 2.0])
    run(_of_several, again, [])
    earlier = once.stages()
    again.recall(earlier)
    assert [(it.operator, it.count, it.value) for it in again.stages()] == [
        (it.operator, it.count, it.value) for it in earlier
    ]
    assert {it.count for it in earlier if it.operator == "ema_n"} == {0, 4}  # piped twice, heard twice
