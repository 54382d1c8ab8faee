"""A strategy that is restarted where it was written down goes on as one that never stopped; what cannot be is refused by name."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from io import StringIO
from random import Random

import msgspec
import pytest
import reactivex
from reactivex import Observable, abc
from reactivex import operators as rx
from reactivex.subject import BehaviorSubject, Subject

from state.errors import NotRestartable, SchemaUnknown, WrongUse
from state.events import Blocked, Decision, PlaceOrder, Signal, Trade
from state.record import Collected, canonical
from state.shared import SharedState
from streams import checkpoint
from streams import operators as op
from streams.feeds import Feeds
from streams.operators import Operator
from streams.pipeline import Pipeline
from streams.risk import RiskLimits
from streams.strategies import Plain, plain
from streams.strategy import Strategy
from streams.testing import SYMBOL, VENUE, Session, trade
from streams.trace import Trace
from tests.depth import depth
from tests.streams import operator_page
from tests.streams.every_operator import everything
from tests.streams.restarts import assert_goes_on_as_if_never_stopped, record_run, restart

RESTARTS = depth(15, 100)


def plain_ones() -> Sequence[Strategy]:
    risk = RiskLimits(max_messages_per_s=30, max_book_age_s=2.0, max_position=Decimal("0.02"))
    params = Plain(venue=VENUE, symbol=SYMBOL, size=Decimal("0.008"), max_position=Decimal("0.02"), risk=risk)
    return [Strategy("plain", lambda feeds: plain(feeds, params))]


def all_ones() -> Sequence[Strategy]:
    return [Strategy("everything", everything), *plain_ones()]


@pytest.mark.parametrize(
    ("strategies", "steps", "stretch"),
    [
        pytest.param(plain_ones, 1200, 40, id="plain"),
        pytest.param(all_ones, 500, 8, id="every operator, beside plain"),
    ],
)
def test_restarted_anywhere_is_as_never_stopped(
    strategies: Callable[[], Sequence[Strategy]], steps: int, stretch: int
) -> None:
    """From the end of each stretch on by what is written down there, which is compared too."""
    starts = sorted(Random(11).sample(range(steps - stretch), RESTARTS))
    marked = {*starts, *(at + stretch for at in starts)}
    run = record_run(strategies, steps, marked.__contains__, seed=5)
    assert sum(isinstance(record.event, PlaceOrder) for record in run.records) > 50
    assert sum(isinstance(record.event, Blocked) for record in run.records) > 5
    for at in starts:
        assert_goes_on_as_if_never_stopped(run, run.marks[at], run.marks[at + stretch], strategies())


def test_to_be_written_down_changes_nothing() -> None:
    never, often = (
        record_run(all_ones, 150, marked, seed=9) for marked in (lambda _: False, lambda step: step % 3 == 0)
    )
    assert [canonical(record) for record in never.records] == [canonical(record) for record in often.records]


def test_the_strategy_of_every_operator_has_them_all() -> None:
    session = Session()
    running = session.run(everything)
    kept = {name for name, _, _ in running.scheduler.kept}
    made_of_others = {"premium", "_bps"}
    assert set(op.__all__) - operator_page.NOT_OPERATORS - made_of_others <= kept


def test_equal_states_are_equal_bytes_and_another_state_is_not() -> None:
    one, same, other = (record_run(all_ones, 60, lambda step: step == 59, seed=seed).marks[59] for seed in (1, 1, 2))
    assert one.strategies == same.strategies != other.strategies


def test_a_restart_can_be_listened_to() -> None:
    """A trace adds listeners; what was written down without them goes on with them."""
    run = record_run(all_ones, 120, lambda step: step in (80, 119), seed=4)
    with Trace() as trace:
        strategies = all_ones()
        pipeline, running, sink = restart(run, run.marks[80], strategies)
        for said in run.inputs[81:]:
            pipeline.feed(said.recv, said.events)
    assert [canonical(r) for r in sink.records] == [canonical(r) for r in run.records[run.marks[80].records :]]
    assert checkpoint.dump(running) == run.marks[119].strategies
    assert trace.stages("plain")


def test_a_strategy_that_failed_stays_ended() -> None:
    def falls(feeds: Feeds) -> Observable[Decision]:
        def fall(_: Trade) -> Decision:
            raise ValueError("told to")

        return feeds.market(VENUE, SYMBOL).trades.pipe(op.map(fall))

    session = Session()
    running = session.run(falls)
    session.feed(1, trade(100))
    assert running.is_ended
    body = checkpoint.dump([running])
    restarted = checkpoint.restore(_resumed(session), [Strategy("one", falls)], body)
    assert restarted[0].is_ended


def _resumed(session: Session):

    return Pipeline(Collected(), lambda _, seq: f"c{seq}", shared=SharedState.load(session.shared.dump()))


# --- what is one's own ---


class Count(msgspec.Struct):
    of: int = 0


class Tally:
    __slots__ = ("seen",)

    def __init__(self) -> None:
        self.seen: list[float] = []

    def dump(self) -> list[float]:
        return self.seen

    def load(self, state: object, /) -> None:
        assert isinstance(state, list)
        self.seen = state


def own() -> Operator[float, float]:
    """State of every kind that a closure can hold."""

    def start(emit: Callable[[float], None], _: abc.SchedulerBase | None) -> Callable[[float], None]:
        last: float | None = None
        window: deque[float] = deque(maxlen=3)
        by_sign: dict[str, list[float]] = {}
        known: set[str] = set()
        count, tally = Count(), Tally()
        append = window.append

        def learn(x: float) -> None:
            append(x)
            by_sign.setdefault("up" if last is None or x > last else "down", []).append(x)
            known.add(f"{x:.0f}")
            tally.seen = [*tally.seen[-4:], x]

        def on_next(x: float) -> None:
            nonlocal last
            learn(x)
            count.of += 1
            last = x
            emit(sum(window) + len(by_sign.get("up", ())) + len(known) + count.of + sum(tally.seen))

        return on_next

    return op.lift(start)


def with_own(feeds: Feeds) -> Observable[Decision]:
    def order(x: float) -> Decision:
        return PlaceOrder(VENUE, SYMBOL, "buy", Decimal("0.01"), Decimal(900) + Decimal(int(x)) / 10)

    return feeds.signal("x").pipe(own(), op.map(order))


def test_an_operator_of_ones_own_is_restarted_without_a_word_about_it() -> None:
    values = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0]

    def feed(session: Session, those: range) -> None:
        for at in those:
            session.feed(at + 1, Signal("x", values[at]))

    never = Session()
    never.run(with_own)
    feed(never, range(8))
    expected = [event.price for event in never.intents]
    for stop in range(8):
        session = Session()
        running = session.run(with_own)
        feed(session, range(stop))
        pipeline = _resumed(session)
        checkpoint.restore(pipeline, [Strategy("one", with_own)], checkpoint.dump([running]))
        said: list[object] = []
        pipeline.source(PlaceOrder, VENUE, SYMBOL).subscribe(lambda order, said=said: said.append(order.price))
        for at in range(stop, 8):
            pipeline.feed(session.shared.now + at, (Signal("x", values[at]),))
        assert said == expected[stop:]


def _counts(seen: list[float], x: float) -> float:
    seen.append(x)
    return float(len(seen))


def _counts_in_a_keyword() -> Callable[[float], float]:
    def count(x: float, *, seen: list[float] = []) -> float:  # noqa: B006 (that is the point)
        return _counts(seen, x)

    return count


@dataclass
class _Counter:
    count: int = 0

    def of(self, _: float) -> float:
        self.count += 1
        return float(self.count)


class _Plain:
    count = 0

    def __call__(self, _: float) -> float:
        self.count += 1
        return float(self.count)


GIVEN: dict[str, Callable[[], Callable[[float], float]]] = {
    "a partial function": lambda: partial(_counts, []),
    "a default that only a keyword reaches": _counts_in_a_keyword,
    "a method of a dataclass": lambda: _Counter().of,
    "a partial of such a method": lambda: partial(_Counter().of),
}


@pytest.mark.parametrize("make", GIVEN.values(), ids=GIVEN)
def test_whatever_is_given_to_map_is_written_down_with_what_it_holds(
    make: Callable[[], Callable[[float], float]],
) -> None:
    """Only functions were looked into: whoever gave a method or a partial began anew after a restart, without a word."""

    def counted(feeds: Feeds) -> Observable[Decision]:
        return feeds.signal("x").pipe(
            rx.map(make()), op.map(lambda n: PlaceOrder(VENUE, SYMBOL, "buy", Decimal(1), price=Decimal(int(n) * 10)))
        )

    session = Session()
    running = session.run(counted)
    for at in (1, 2, 3):
        session.feed(at, Signal("x", 1.0))
    pipeline = _resumed(session)
    checkpoint.restore(pipeline, [Strategy("one", counted)], checkpoint.dump([running]))
    said: list[object] = []
    pipeline.source(PlaceOrder, VENUE, SYMBOL).subscribe(lambda order: said.append(order.price))
    pipeline.feed(session.shared.now + 4, (Signal("x", 1.0),))
    assert said == [40]


# --- what is refused ---


def _lifted(make: Callable[[], object]) -> Callable[[Observable[float]], Observable[object]]:
    def mine() -> Operator[float, object]:
        def start(emit: Callable[[object], None], _: abc.SchedulerBase | None) -> Callable[[float], None]:
            thing = make()
            return lambda _: emit(thing)

        return op.lift(start)

    return mine()


def _rebound(make: Callable[[], object]) -> Callable[[Observable[float]], Observable[object]]:
    def mine() -> Operator[float, object]:
        def start(emit: Callable[[object], None], _: abc.SchedulerBase | None) -> Callable[[float], None]:
            thing: object = None

            def on_next(_: float) -> None:
                nonlocal thing
                thing = make()

            return on_next

        return op.lift(start)

    return mine()


def _with_its_own_timer(source: Observable[float]) -> Observable[float]:
    def start(emit: Callable[[float], None], scheduler: abc.SchedulerBase | None) -> Callable[[float], None]:
        def on_next(x: float) -> None:
            assert scheduler is not None
            scheduler.schedule_relative(60, lambda *_: emit(x))

        return on_next

    return op.lift(start)(source)


REFUSED: dict[str, tuple[Callable[[Observable[float]], Observable[object]], str]] = {
    "scan": (rx.scan(max), "scan"),
    "pairwise": (rx.pairwise(), "pairwise"),
    "distinct_until_changed": (rx.distinct_until_changed(), "distinct_until_changed"),
    "RxPY's debounce": (rx.debounce(1), "debounce"),
    "combine_latest": (lambda source: reactivex.combine_latest(source, source), "combine_latest"),
    "start_with": (rx.start_with(0.0), "concat"),
    "flat_map": (rx.flat_map(lambda x: reactivex.of(x)), "merge_all"),
    "a subject": (lambda source: reactivex.merge(source, Subject()), "Subject"),
    "a replay": (
        lambda source: source.pipe(rx.multicast(subject=BehaviorSubject(0.0)), rx.ref_count()),
        "BehaviorSubject",
    ),
    "an observable of one's own": (
        lambda source: Observable(lambda o, s=None: source.subscribe(o, scheduler=s)),
        "lambda",
    ),
    "an object that is called": (rx.map(_Plain()), "_Plain, which has no dump"),
    "a method of an object": (rx.map(_Plain().__call__), "_Plain, which has no dump"),
    "an open file": (_lifted(StringIO), "thing is a _io.StringIO"),
    "a rebound iterator": (_rebound(lambda: iter(())), "thing holds a builtins.tuple_iterator"),
    "a class that nobody finds": (_rebound(lambda: type("Hidden", (msgspec.Struct,), {})()), "Hidden"),
    "a timer of one's own": (_with_its_own_timer, "_with_its_own_timer"),
}


@pytest.mark.parametrize(("operator", "named"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_given_back_is_refused_by_name(
    operator: Callable[[Observable[float]], Observable[object]], named: str
) -> None:
    session = Session()
    running = session.run(lambda feeds: feeds.signal("x").pipe(operator, rx.ignore_elements()))
    session.feed(1, Signal("x", 1.0))
    assert running.error is None
    with pytest.raises(NotRestartable, match=named) as refused:
        checkpoint.dump([running])
    assert str(refused.value).startswith("strategy one: ")


def test_a_strategy_that_listens_aside_is_refused() -> None:
    def aside(feeds: Feeds) -> Observable[Decision]:
        last = 0.0

        def note(x: float) -> None:
            nonlocal last
            last = x

        feeds.signal("x").subscribe(note, scheduler=feeds.scheduler)
        return feeds.signal("y").pipe(rx.filter(lambda y: y > last), rx.ignore_elements())

    running = Session().run(aside)
    with pytest.raises(NotRestartable, match="strategy one: it subscribes to a feed by itself"):
        checkpoint.dump([running])


def test_a_function_that_rebinds_a_global_is_refused() -> None:
    namespace: dict[str, object] = {"seen": 0}
    exec("def count(x):\n    global seen\n    seen += 1\n    return x", namespace)
    running = Session().run(lambda feeds: feeds.signal("y").pipe(rx.map(namespace["count"]), rx.ignore_elements()))
    with pytest.raises(NotRestartable, match="strategy one: map: count rebinds a global"):
        checkpoint.dump([running])


def test_another_strategy_does_not_take_what_was_written_down() -> None:
    def other(feeds: Feeds) -> Observable[Decision]:
        return feeds.signal("x").pipe(op.ema_n(3), rx.ignore_elements())

    session = Session()
    running = session.run(with_own)
    body, pipeline = checkpoint.dump([running]), _resumed(session)
    for strategies, why in (
        ([Strategy("one", other)], "was made of"),
        ([Strategy("two", with_own)], "of the strategies one, not two"),
        ([], "of the strategies one"),
    ):
        with pytest.raises(SchemaUnknown, match=why):
            checkpoint.restore(pipeline, strategies, body)
    with pytest.raises(SchemaUnknown, match="cannot be read"):
        checkpoint.restore(pipeline, [Strategy("one", with_own)], body[:-1])
    session.feed(2, Signal("x", 1.0))
    with pytest.raises(SchemaUnknown, match="of seq"):
        checkpoint.restore(_resumed(session), [Strategy("one", with_own)], body)


def test_nothing_is_written_down_inside_a_tick() -> None:
    session = Session()
    running = session.run(with_own)
    caught: list[WrongUse] = []

    def look() -> None:
        with pytest.raises(WrongUse) as error:
            checkpoint.dump([running])
        caught.append(error.value)

    session.pipeline.conclude(look)
    assert "between two ticks" in str(caught[0])


def test_no_strategies_are_no_bytes() -> None:
    assert checkpoint.dump([]) == b""
    assert checkpoint.restore(Session().pipeline, [], b"") == []
