"""The loop: one order, no re-entrance, nobody sees half a diamond, time comes from records only."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
import reactivex
from reactivex import Observable, abc
from reactivex import operators as ops
from reactivex.disposable import Disposable

from state.errors import WrongThread, WrongUse
from state.events import (
    Blocked,
    CancelOrder,
    Command,
    Decision,
    OrderUpdate,
    PlaceOrder,
    SessionOpened,
    Signal,
    StrategyFailed,
    Tick,
    Trade,
)
from state.record import Collected
from streams import operators as op
from streams.feeds import Feeds
from streams.pipeline import Pipeline
from streams.strategy import Strategy, run_strategies
from streams.testing import READY, SECOND, START, SYMBOL, VENUE, Session, book, instrument, trade, update

ROOT = Path(__file__).resolve().parents[2]


def place(label: str = "x", price: str = "90.0", size: str = "0.1") -> PlaceOrder:
    return PlaceOrder(VENUE, SYMBOL, "buy", Decimal(size), Decimal(price), label=label)


def on_trades(*intents: Decision) -> Callable[[Feeds], Observable[Decision]]:
    """Emits the intents at every trade."""
    return lambda feeds: feeds.market(VENUE, SYMBOL).trades.pipe(
        ops.flat_map(lambda _: reactivex.from_iterable(intents))
    )


# --- order ---


def test_decisions_queue_behind_what_is_being_published_first_in_first_out() -> None:
    session = Session()
    run_strategies(
        session.pipeline,
        [Strategy("a", on_trades(place("a1"), place("a2"))), Strategy("b", on_trades(place("b1")))],
    )
    before = len(session.events)
    session.feed(1, trade(100), trade(101))
    labels = [getattr(event, "label", type(event).__name__) for event in session.events[before:]]
    assert labels == ["Trade", "Trade", "a1", "a2", "b1", "a1", "a2", "b1"]


def test_each_record_follows_from_the_one_that_it_was_concluded_from() -> None:
    session = Session()
    session.run(on_trades(place()))
    session.feed(1, trade(100))
    first, second = session.sink.records[-2:]
    assert isinstance(first.event, Trade)
    assert second.cause == first.seq
    assert [record.seq for record in session.sink.records] == list(range(1, len(session.sink.records) + 1))


def test_no_subscriber_is_entered_while_it_runs() -> None:
    session = Session()
    depth = 0
    deepest = 0

    def strategy(feeds: Feeds) -> Observable[Decision]:
        market, account = feeds.market(VENUE, SYMBOL), feeds.account(VENUE)

        def enter(value: object) -> object:
            nonlocal depth, deepest
            depth += 1
            deepest = max(deepest, depth)
            return value

        def leave(_: object) -> None:
            nonlocal depth
            depth -= 1

        placed = market.trades.pipe(ops.do_action(enter), ops.map(lambda _: place()), ops.do_action(leave))
        heard = account.orders(SYMBOL).pipe(ops.do_action(enter), ops.do_action(leave), ops.ignore_elements())
        return reactivex.merge(placed, heard)

    session.run(strategy)
    session.feed(1, trade(100))
    assert (depth, deepest) == (0, 1)


def test_on_tick_is_told_the_intents_of_a_settled_tick_together() -> None:
    session = Session()
    session.run(on_trades(place("a"), place("b")))
    session.feed(1, trade(100))
    assert [[record.event.label for record in burst] for burst in session.bursts] == [["a", "b"]]
    assert [record.event.client_id for record in session.bursts[0]] == ["c6", "c7"]


def test_intents_that_nobody_is_told_are_not_kept() -> None:
    sink = Collected()
    pipeline = Pipeline(sink, lambda _, seq: f"c{seq}")
    pipeline.feed(START, (SessionOpened("s", 7),))
    pipeline.feed(START, (instrument(), book(), READY))
    run_strategies(pipeline, [Strategy("one", on_trades(place()))])
    pipeline.feed(START + SECOND, (trade(100),))
    told, intent = sink.records[-2:]
    assert (type(told.event), type(intent.event)) == (Trade, PlaceOrder)
    assert sys.getrefcount(intent) == sys.getrefcount(told)  # the sink's, and this test's


# --- settled ---


def test_settled_never_sees_half_a_diamond() -> None:
    session = Session()

    def diamond(feeds: Feeds) -> Observable[object]:
        bid = feeds.market(VENUE, SYMBOL).book.pipe(ops.map(lambda it: it.bid))
        return op.combine(bid, bid.pipe(ops.map(lambda price: -price)))

    seen = session.watch(diamond)
    for step in range(1, 20):
        session.feed(step, book(100.0 + step, 200.0), book(100.5 + step, 200.0))
    assert [value for _, value in seen] == [(100.5 + step, -100.5 - step) for step in range(1, 20)]


def test_a_burst_is_one_settled_tick() -> None:
    session = Session()
    settled = session.watch(lambda feeds: feeds.settled)
    session.feed(1, trade(100), trade(101), trade(102))
    session.feed(2, trade(103))
    assert [at for at, _ in settled if at] == [1, 2]


def test_what_is_decided_on_settled_follows_from_the_input_not_from_other_decisions() -> None:
    session = Session()

    def on_settled(feeds: Feeds) -> Observable[Decision]:
        traded = feeds.market(VENUE, SYMBOL).trades.pipe(ops.map(lambda _: True))
        return op.combine(traded).pipe(ops.map(lambda _: place("settled")))

    run_strategies(session.pipeline, [Strategy("a", on_trades(place("first"))), Strategy("b", on_settled)])
    session.feed(1, trade(100))
    traded, first, settled = session.sink.records[-3:]
    assert (first.cause, settled.cause) == (traded.seq, traded.seq)


def test_what_settled_causes_settles_again() -> None:
    session = Session()

    def strategy(feeds: Feeds) -> Observable[Decision]:
        return feeds.settled.pipe(ops.filter(lambda _: not session.working), ops.map(lambda _: place()))

    session.run(strategy)
    assert [order.label for order in session.working] == ["x"]


# --- time ---


def test_timers_fire_before_the_record_that_is_later_and_at_their_own_time() -> None:
    session = Session()
    log: list[object] = []

    def strategy(feeds: Feeds) -> Observable[object]:
        timer = reactivex.timer(0.5, 0.5).pipe(ops.map(lambda count: ("timer", count, (feeds.now_ns - START) / SECOND)))
        trades = feeds.market(VENUE, SYMBOL).trades.pipe(
            ops.map(lambda it: ("trade", it.price, (feeds.now_ns - START) / SECOND))
        )
        return reactivex.merge(timer, trades).pipe(ops.do_action(log.append))

    session.watch(strategy)
    session.feed(1.2, trade(7))
    session.tick(1.5)
    assert log == [("timer", 0, 0.5), ("timer", 1, 1.0), ("trade", 7, 1.2), ("timer", 2, 1.5)]


def test_what_a_timer_decides_has_the_timers_time_and_the_cause_that_set_it() -> None:
    session = Session()
    session.run(lambda feeds: feeds.market(VENUE, SYMBOL).trades.pipe(ops.delay(0.5), ops.map(lambda _: place())))
    session.feed(1, trade(100))
    set_by = session.sink.records[-1].seq
    session.tick(9)
    placed, tick = session.sink.records[-2:]
    assert (placed.recv - START) / SECOND == 1.5
    assert placed.cause == set_by
    assert tick.event == Tick()
    assert (tick.recv - START) / SECOND == 9


def test_time_never_runs_backwards() -> None:
    session = Session()
    seen = session.watch(lambda feeds: feeds.market(VENUE, SYMBOL).trades)
    session.feed(2, trade(1))
    session.feed(1, trade(2))
    assert [at for at, _ in seen] == [2, 2]
    assert session.sink.records[-1].recv == START + 2 * SECOND


TIMED: dict[str, Callable[[Observable[float]], Observable[object]]] = {
    "debounce": lambda source: source.pipe(ops.debounce(0.3)),
    "sample": lambda source: source.pipe(ops.sample(0.7)),
    "throttle_first": lambda source: source.pipe(ops.throttle_first(0.4)),
    "timer": lambda source: source.pipe(
        ops.flat_map(lambda price: reactivex.timer(0.25).pipe(ops.map(lambda _: price)))
    ),
    "timeout": lambda source: source.pipe(ops.timeout(0.9, other=reactivex.just(-1.0)), ops.repeat(3), ops.map(float)),
    "delay": lambda source: source.pipe(ops.delay(0.33)),
    "interval": lambda _: reactivex.interval(0.3),
    "buffer_with_time": lambda source: source.pipe(ops.buffer_with_time(0.5), ops.map(tuple)),
    "our throttle": lambda source: source.pipe(op.throttle(0.4)),
}
TRADES_S = [0.1, 0.15, 0.2, 0.75, 0.75, 1.4, 2.9, 3.0, 3.05, 4.6]


@pytest.mark.parametrize("timed", TIMED.values(), ids=TIMED)
def test_time_operators_say_the_same_live_and_replayed(
    timed: Callable[[Observable[float]], Observable[object]],
) -> None:
    """Live, a Tick wakes every timer on time; a replay reads the same records, ticks and all, as fast as it can."""

    def strategy(feeds: Feeds) -> Observable[object]:
        return timed(feeds.market(VENUE, SYMBOL).trades.pipe(ops.map(lambda it: it.price)))

    live = Session()
    heard_live = live.watch(strategy)
    for number, at in enumerate(TRADES_S):
        while (due := live.pipeline.next_due) is not None and due <= START + round(at * SECOND):
            live.pipeline.tick(due)
        live.feed(at, trade(float(number)))
    live.tick(6)

    replayed = Session()
    heard_replayed = replayed.watch(strategy)
    for record in live.sink.records[4:]:
        replayed.pipeline.feed(record.recv, (record.event,))
    coarse = Session()  # and without the ticks in between: timers fire late in wall time, but at their own virtual time
    heard_coarse = coarse.watch(strategy)
    for number, at in enumerate(TRADES_S):
        coarse.feed(at, trade(float(number)))
    coarse.tick(6)

    assert heard_live
    assert heard_replayed == heard_live
    assert heard_coarse == heard_live
    assert replayed.sink.records == live.sink.records


# --- misuse ---


def test_another_thread_may_not_feed() -> None:
    session = Session()
    raised: list[Exception] = []

    def feed() -> None:
        try:
            session.feed(1, trade(1))
        except WrongThread as error:
            raised.append(error)

    thread = threading.Thread(target=feed)
    thread.start()
    thread.join()
    assert len(raised) == 1
    assert "thread" in str(raised[0])


def test_another_thread_may_not_emit() -> None:
    session = Session()
    raised: list[Exception] = []

    def emit() -> None:
        try:
            session.pipeline.emit(place())
        except WrongThread as error:
            raised.append(error)

    thread = threading.Thread(target=emit)
    thread.start()
    thread.join()
    assert len(raised) == 1


def test_a_decision_outside_of_a_tick_is_refused() -> None:
    with pytest.raises(WrongUse, match="outside of a tick"):
        Session().pipeline.emit(place())


def test_feeding_from_inside_a_subscriber_ends_that_strategy_alone() -> None:
    session = Session()

    def strategy(feeds: Feeds) -> Observable[Decision]:
        def feed(_: object) -> Decision:
            session.feed(1, trade(2))
            return place()

        return feeds.market(VENUE, SYMBOL).trades.pipe(ops.map(feed))

    session.run(strategy)
    session.feed(1, trade(1))
    (failed,) = session.of(StrategyFailed)
    assert isinstance(failed, StrategyFailed)
    assert "fed from inside a subscriber" in failed.error
    session.feed(2, trade(3))  # and the pipeline goes on
    assert isinstance(session.events[-1], Trade)


ENDLESS: dict[str, Callable[[Feeds], Observable[Decision]]] = {
    "its own decisions": lambda feeds: reactivex.merge(
        feeds.market(VENUE, SYMBOL).trades, feeds.account(VENUE).blocked(SYMBOL)
    ).pipe(ops.map(lambda _: Blocked(VENUE, SYMBOL, "place", "rule", "limit", "value"))),
    "timers that are due at once": lambda feeds: feeds.market(VENUE, SYMBOL).trades.pipe(
        ops.flat_map(lambda _: reactivex.timer(0).pipe(ops.repeat())), ops.ignore_elements()
    ),
    "what it says on settled": lambda feeds: feeds.settled.pipe(
        ops.skip(1), ops.map(lambda _: Blocked(VENUE, SYMBOL, "place", "rule", "limit", "value"))
    ),
}


@pytest.mark.parametrize("endless", ENDLESS.values(), ids=ENDLESS)
def test_a_strategy_that_feeds_itself_without_end_is_stopped_alone(
    endless: Callable[[Feeds], Observable[Decision]],
) -> None:
    session = Session()
    run_strategies(session.pipeline, [Strategy("endless", endless), Strategy("lives", on_trades(place("other")))])
    session.feed(1, trade(1))
    session.feed(2, trade(2))
    (failed,) = session.of(StrategyFailed)
    assert isinstance(failed, StrategyFailed)
    assert failed.strategy == "endless"
    assert "feeds itself" in failed.error
    assert len(session.of(PlaceOrder)) == 2


def test_a_strategy_that_orders_at_every_change_of_its_orders_ends_alone_before_it_floods_the_venue() -> None:
    session = Session()

    def flood(feeds: Feeds) -> Observable[Decision]:
        return feeds.account(VENUE).orders(SYMBOL).pipe(ops.map(lambda _: place("flood")))

    session.run(flood, "endless")
    session.run(on_trades(place("other", "80.0")), "lives")
    session.feed(1, trade(1))
    session.feed(2, trade(2))
    (failed,) = session.of(StrategyFailed)
    assert isinstance(failed, StrategyFailed)
    assert (failed.strategy, failed.error) == (
        "endless",
        "WrongUse: more than 1000 decisions at one instant: the strategy feeds itself",
    )
    flooding = [order for order in session.working if order.label == "flood"]
    assert len(flooding) == 1_000
    assert all(order.pending_cancel for order in flooding)
    assert sum(order.label == "other" for order in session.working) == 2


def test_two_strategies_of_one_name_are_refused() -> None:
    session = Session()
    with pytest.raises(WrongUse, match="one name"):
        run_strategies(session.pipeline, [Strategy("a", on_trades()), Strategy("a", on_trades())])


# --- failure ---


def explode(_: object) -> Decision:
    raise ZeroDivisionError("boom")


FAILING: dict[str, Callable[[Feeds], Observable[Decision]]] = {
    "in an operator's function": lambda feeds: feeds.market(VENUE, SYMBOL).trades.pipe(ops.map(explode)),
    "on settled": lambda feeds: feeds.settled.pipe(ops.skip(1), ops.map(explode)),
    "in a timer": lambda feeds: reactivex.timer(0.5).pipe(ops.map(explode)),
    "by an error of its stream": lambda feeds: reactivex.merge(
        reactivex.never(),
        feeds.market(VENUE, SYMBOL).trades.pipe(ops.flat_map(lambda _: reactivex.throw(ZeroDivisionError("boom")))),
    ),
    "on an intent off the grid": lambda feeds: feeds.market(VENUE, SYMBOL).trades.pipe(
        ops.map(lambda _: place(price="90.05"))
    ),
    "on something that is no decision": lambda feeds: feeds.market(VENUE, SYMBOL).trades,
    "on an order that could be written and never read": lambda feeds: feeds.market(VENUE, SYMBOL).trades.pipe(
        ops.map(lambda _: msgspec.structs.replace(place(), label=7))
    ),
}


@pytest.mark.parametrize("failing", FAILING.values(), ids=FAILING)
def test_a_strategy_that_raises_ends_alone_and_its_orders_are_cancelled(
    failing: Callable[[Feeds], Observable[Decision]],
) -> None:
    session = Session()

    def placing(feeds: Feeds) -> Observable[Decision]:
        first = feeds.settled.pipe(ops.take(1), ops.map(lambda _: place("mine")))
        return reactivex.merge(first, failing(feeds))

    run_strategies(
        session.pipeline,
        [Strategy("fails", placing), Strategy("lives", on_trades(place("other", "80.0")))],
    )
    session.answer(0.1)
    session.feed(1, trade(1))
    session.feed(2, trade(2))
    failures = session.of(StrategyFailed)
    assert [failure.strategy for failure in failures] == ["fails"]
    mine = [event.client_id for event in session.of(PlaceOrder) if event.label == "mine"]
    assert len(mine) == 1
    assert [event.client_id for event in session.of(CancelOrder)] == mine
    assert sum(order.label == "other" for order in session.working) == 2  # the other one decided on both trades


def test_what_a_strategy_decided_in_the_step_in_which_it_failed_never_leaves() -> None:
    session = Session()

    def half_a_ladder(_: object) -> Observable[Decision]:
        def subscribe(observer: abc.ObserverBase[Decision], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            observer.on_next(place("first"))
            observer.on_error(ZeroDivisionError("boom"))
            return Disposable()

        return reactivex.create(subscribe)

    session.run(lambda feeds: feeds.market(VENUE, SYMBOL).trades.pipe(ops.flat_map(half_a_ladder)))
    session.feed(1, trade(1))
    assert len(session.of(StrategyFailed)) == 1
    assert [order.client_id for order in session.working if not order.pending_cancel] == []


def test_what_a_failure_says_is_the_same_in_every_process() -> None:
    session = Session()

    def odd(_: object) -> Decision:
        raise KeyError(object())

    session.run(lambda feeds: feeds.market(VENUE, SYMBOL).trades.pipe(ops.map(odd)))
    session.feed(1, trade(1))
    (failed,) = session.of(StrategyFailed)
    assert isinstance(failed, StrategyFailed)
    assert failed.error == "KeyError: <object object at 0x…>"


def test_the_traceback_names_file_and_line_without_folders() -> None:
    session = Session()
    session.run(FAILING["in an operator's function"])
    session.feed(1, trade(1))
    (failed,) = session.of(StrategyFailed)
    assert isinstance(failed, StrategyFailed)
    assert failed.error == "ZeroDivisionError: boom"
    assert "test_pipeline.py:" in failed.traceback
    assert str(ROOT) not in failed.traceback


def test_a_strategy_that_raises_while_it_is_built_ends_alone() -> None:
    session = Session()

    def broken(_: Feeds) -> Observable[Decision]:
        raise KeyError("no such market")

    run_strategies(session.pipeline, [Strategy("broken", broken), Strategy("lives", on_trades(place()))])
    session.feed(1, trade(1))
    assert [type(event) for event in session.of(StrategyFailed, PlaceOrder)] == [StrategyFailed, PlaceOrder]


NO_STREAMS = {
    "nothing": (lambda _: None, "returns a stream of decisions, not NoneType"),
    "its decisions": (lambda _: [place()], "returns a stream of decisions, not list"),
    "quotes": (
        lambda feeds: feeds.market(VENUE, SYMBOL).trades.pipe(ops.map(lambda _: ())), "not tuple: `to_intents`",
    ),
    "several decisions at once": (
        lambda feeds: feeds.market(VENUE, SYMBOL).trades.pipe(ops.map(lambda _: [place()])), "not list: `op.each",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("build", "words"), NO_STREAMS.values(), ids=NO_STREAMS)
def test_a_strategy_that_gives_something_else_is_told_what_is_meant(
    build: Callable[[Feeds], Observable[Decision]], words: str
) -> None:
    session = Session()
    session.run(build)
    session.feed(1, trade(1))
    (failed,) = session.of(StrategyFailed)
    assert isinstance(failed, StrategyFailed)
    assert re.search(words, failed.error)


# --- commands ---


def test_a_persons_order_is_an_intent_like_any_other() -> None:
    session = Session()
    session.shared.exchange(VENUE).create(SYMBOL, "buy", Decimal("0.1"), Decimal("90.0"))
    command, placed = session.events[-2:]
    assert isinstance(command, Command)
    assert isinstance(placed, PlaceOrder)
    assert placed.strategy == "operator"
    assert session.bursts[-1][0].event == placed


def test_a_halted_session_blocks_all_but_cancels() -> None:
    session = Session()
    session.run(on_trades(place()))
    session.feed(1, trade(1))
    session.answer(1.1)
    (order,) = session.working
    session.feed(2, Command("", "", "halt", "enough"))
    session.feed(3, trade(2))
    assert isinstance(session.events[-1], Blocked)
    assert session.events[-1].rule == "halted"
    assert order.pending_cancel
    session.feed(4, update(order, "cancelled"))
    assert list(session.working) == []


def test_a_halt_is_for_our_orders_and_a_persons_cancel_of_everything_for_all() -> None:
    session = Session()
    session.feed(1, OrderUpdate(VENUE, SYMBOL, None, "theirs", "v1", "open", "buy", size=Decimal(1), price=Decimal(90)))
    (foreign,) = session.working
    session.feed(2, Command("", "", "halt", "enough"))
    assert not foreign.pending_cancel
    session.shared.exchange(VENUE).cancel_all(SYMBOL)
    assert foreign.pending_cancel


def test_signals_are_feeds() -> None:
    session = Session()
    seen = session.watch(lambda feeds: feeds.signal("alpha"))
    session.feed(1, Signal("alpha", 0.5), Signal("beta", 9.0))
    assert seen == [(1, 0.5)]


# --- the same everywhere ---

SCRIPT = """
from hashlib import sha256
from decimal import Decimal
from state.record import canonical
from streams.strategies import build
from streams.strategy import run_strategies
from streams.testing import *

session = Session()
fields = dict(venue=VENUE, symbol=SYMBOL, size="0.1", max_position="1", base_spread_bps=80.0, max_bps=300.0)
run_strategies(session.pipeline, [build("plain", fields, name) for name in ("zeta", "alpha", "mid")])
for step in range(1, 120):
    price = 100 + (step * 7919 % 23) / 10
    session.feed(step / 10, book(price, price + 1.0), trade(price + 0.5))
    if step % 3 == 0:
        session.answer(step / 10)
    if step % 10 == 0 and session.working:
        session.fill(step / 10, session.working[0])
print(len(session.intents), sha256(b"".join(map(canonical, session.sink.records))).hexdigest())
"""


def test_the_same_records_under_two_hash_seeds() -> None:
    said = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        for seed in ("1", "4242")
    ]
    assert said[0] == said[1]
    assert int(said[0].split()[0]) > 50


def test_random_numbers_come_from_the_session_and_the_strategys_name() -> None:
    def draw(name: str) -> list[object]:
        session = Session()
        seen = session.watch(
            lambda feeds: feeds.market(VENUE, SYMBOL).trades.pipe(ops.map(lambda _: feeds.random.random())), name
        )
        session.feed(1, trade(1), trade(2))
        return [value for _, value in seen]

    assert draw("a") == draw("a")
    assert draw("a") != draw("b")
