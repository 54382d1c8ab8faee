"""While strategies conclude, the world outside the log is out of reach; the others go on."""

import os
import random
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from reactivex import Observable
from reactivex import operators as ops
from reactivex.scheduler import NewThreadScheduler, TimeoutScheduler

from state.errors import NotDeterministic
from state.events import Decision, PlaceOrder, StrategyFailed
from state.record import Collected, Record
from streams import operators as op
from streams.feeds import Feeds
from streams.pipeline import Pipeline
from streams.strategy import Strategy, run_strategies
from streams.testing import START, SYMBOL, VENUE, Session, trade
from tests.streams.test_pipeline import on_trades, place


def when_traded(act: Callable[[object], object]) -> Callable[[Feeds], Observable[Decision]]:
    return lambda feeds: feeds.market(VENUE, SYMBOL).trades.pipe(ops.do_action(act), ops.map(lambda _: place("bad")))


def timed_by_thread(feeds: Feeds) -> Observable[Decision]:
    debounced = ops.debounce(0.1, TimeoutScheduler.singleton())
    return feeds.market(VENUE, SYMBOL).trades.pipe(debounced, ops.map(lambda _: place("bad")))


IMPURE: dict[str, tuple[Callable[[Feeds], Observable[Decision]], str]] = {
    "the wall clock": (when_traded(lambda _: time.time()), "wall clock"),
    "the monotonic clock": (when_traded(lambda _: time.monotonic_ns()), "wall clock"),
    "local time": (when_traded(lambda _: time.localtime()), "wall clock"),
    "the shared generator": (when_traded(lambda _: random.random()), "not seeded"),
    "a choice of the shared generator": (when_traded(lambda _: random.choice([1, 2])), "not seeded"),
    "a file": (when_traded(lambda _: os.open("limits.txt", os.O_RDONLY)), "opens a file"),
    "a file through pathlib": (when_traded(lambda _: Path("limits.txt").read_text()), "opens a file"),
    "a folder": (when_traded(lambda _: list(Path().iterdir())), "reads a folder"),
    "a folder that is scanned": (when_traded(lambda _: list(os.scandir())), "reads a folder"),
    "a file's new name": (when_traded(lambda _: os.rename("limits.txt", "other.txt")), "renames a file"),
    "a new folder": (when_traded(lambda _: Path("limits").mkdir()), "makes a folder"),
    "a fork": (when_traded(lambda _: os.fork()), "starts a process"),
    "a socket": (when_traded(lambda _: socket.create_connection(("127.0.0.1", 9), 0.1)), "network"),
    "a process": (when_traded(lambda _: subprocess.run(["true"], check=False)), "process"),
    "sleep": (when_traded(lambda _: time.sleep(0.001)), "sleeps"),
    "a thread": (when_traded(lambda _: threading.Thread(target=print).start()), "thread"),
    "RxPY on a thread timer": (timed_by_thread, "thread timer"),
    "RxPY on a new thread": (
        lambda feeds: feeds.market(VENUE, SYMBOL).trades.pipe(
            ops.observe_on(NewThreadScheduler()), ops.map(lambda _: place("bad"))
        ),
        "thread timer",
    ),
}


@pytest.mark.parametrize(("strategy", "why"), IMPURE.values(), ids=IMPURE)
def test_impure_strategy_ends_alone_with_file_and_line(
    strategy: Callable[[Feeds], Observable[Decision]], why: str
) -> None:
    session = Session()
    run_strategies(session.pipeline, [Strategy("impure", strategy), Strategy("pure", on_trades(place("good")))])
    session.feed(1, trade(1))
    session.feed(2, trade(2))
    (failed,) = session.of(StrategyFailed)
    assert isinstance(failed, StrategyFailed)
    assert failed.strategy == "impure"
    assert failed.error.startswith("NotDeterministic: ")
    assert why in failed.error
    assert ".py:" in failed.error
    assert [event.label for event in session.of(PlaceOrder)] == ["good", "good"]


def test_the_line_named_is_the_strategys() -> None:
    session = Session()
    session.run(when_traded(lambda _: time.time()))
    session.feed(1, trade(1))
    (failed,) = session.of(StrategyFailed)
    assert isinstance(failed, StrategyFailed)
    assert failed.error.split(": ")[1].startswith("test_guard.py:")


def test_outside_of_a_tick_the_world_is_open() -> None:
    session = Session()
    session.run(when_traded(lambda _: time.time()))
    session.feed(1, trade(1))
    assert time.time() > 0
    assert random.random() < 1
    assert Path(__file__).read_text()


def test_another_thread_is_not_watched() -> None:
    session = Session()
    seen: list[float] = []
    go, done = threading.Event(), threading.Event()

    def write() -> None:
        go.wait(5)
        seen.append(time.time())
        done.set()

    writer = threading.Thread(target=write)
    writer.start()

    def wait(_: object) -> None:
        go.set()
        done.wait(5)

    session.run(when_traded(wait))
    session.feed(1, trade(1))
    writer.join()
    assert len(seen) == 1


def test_sending_what_was_decided_is_not_watched() -> None:
    """Whoever is told the intents of a settled tick acts in the world: a loop's timer reads the clock."""
    sent: list[float] = []

    def send(_: Sequence[Record]) -> None:
        sent.append(time.monotonic())

    pipeline = Pipeline(Collected(), lambda _, seq: f"c{seq}", on_tick=send)
    ready = Session()
    for record in ready.sink.records:
        pipeline.feed(record.recv, (record.event,))
    run_strategies(pipeline, [Strategy("one", on_trades(place()))])
    pipeline.feed(START, (trade(1),))
    assert len(sent) == 1


def test_importing_late_is_let_through() -> None:
    session = Session()

    def late(_: object) -> None:
        import colorsys  # noqa: F401

    session.run(when_traded(late))
    session.feed(1, trade(1))
    assert session.of(StrategyFailed) == []


NEEDS_TIME = {
    "ema": op.ema(1),
    "ewma_volatility": op.ewma_volatility(1),
    "realized_volatility": op.realized_volatility(1),
    "throttle": op.throttle(1),
    "conflate": op.conflate(),
}


@pytest.mark.parametrize("operator", NEEDS_TIME.values(), ids=NEEDS_TIME)
def test_an_operator_without_the_sessions_time_says_so(
    operator: Callable[[Observable[float]], Observable[float]],
) -> None:
    import reactivex

    raised: list[Exception] = []
    reactivex.of(1.0).pipe(operator).subscribe(on_error=raised.append)
    assert [type(error) for error in raised] == [NotDeterministic]
    assert "scheduler=feeds.scheduler" in str(raised[0])
