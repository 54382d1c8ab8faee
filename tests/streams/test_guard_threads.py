"""Whom the runtime guard watches: the pipeline's own thread, while it concludes, and nobody else."""

import time
from collections.abc import Callable
from queue import SimpleQueue
from threading import Event, Thread

import pytest

from state.errors import NotDeterministic
from state.events import Signal
from state.record import Collected
from streams.pipeline import Pipeline


def fed(act: Callable[[], object], *, guarded: bool = True) -> None:
    """Runs `act` as a subscriber of a pipeline of this thread."""
    pipeline = Pipeline(Collected(), lambda venue, seq: f"{venue}{seq}", guarded=guarded)
    pipeline.source(Signal).subscribe(lambda _: act())
    pipeline.feed(1, [Signal("x", 1.0)])


def test_a_subscriber_that_reads_the_clock_is_refused_by_file_and_line() -> None:
    with pytest.raises(NotDeterministic, match=r"test_guard_threads\.py:\d+: time\.time\(\)"):
        fed(lambda: time.time())


def test_the_thread_is_free_again_after_the_tick_and_after_a_refusal() -> None:
    with pytest.raises(NotDeterministic):
        fed(time.time_ns)
    assert time.time_ns() > 0


def test_another_thread_reads_its_clock_while_this_one_concludes() -> None:
    asked, read = Event(), SimpleQueue[float]()

    def other() -> None:
        asked.wait(10)
        read.put(time.time())

    thread = Thread(target=other)
    thread.start()
    answers: list[float] = []

    def act() -> None:
        asked.set()
        answers.append(read.get(timeout=10))

    fed(act)
    thread.join()
    assert len(answers) == 1


def test_an_unguarded_pipeline_leaves_the_clock_alone() -> None:
    read: list[float] = []
    fed(lambda: read.append(time.time()), guarded=False)
    assert len(read) == 1
