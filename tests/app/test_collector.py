"""When the garbage collector runs: only at a rest, only if enough has grown, and memory stays flat by it."""

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.collector import TURN_S, Collector
from benchmarks.measure import resident_mb
from benchmarks.opening import START_NS, open_session
from state.events import BookDelta, Trade
from state.log import Log
from streams.pipeline import Pipeline
from tests.depth import depth


class Knot:
    """A cycle that only the collector can free."""

    alive = 0

    def __init__(self) -> None:
        self.me = self
        Knot.alive += 1

    def __del__(self) -> None:
        Knot.alive -= 1


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    Knot.alive = 0
    yield
    gc.enable()
    gc.collect()


def tie(count: int) -> None:
    for _ in range(count):
        Knot()


def test_nothing_is_collected_between_rests() -> None:
    with Collector(enough=100):
        tie(5_000)
        assert Knot.alive == 5_000


def test_a_rest_frees_cycles_once_enough_has_grown() -> None:
    with Collector(enough=100) as collector:
        tie(50)
        assert not collector.rest()
        assert Knot.alive == 50
        tie(500)
        assert collector.rest()
        assert Knot.alive == 0
    assert collector.statistics.collections == 1
    assert collector.statistics.found >= 550
    assert collector.statistics.longest_ns > 0


def test_a_busy_rest_only_frees_what_is_too_much() -> None:
    with Collector(enough=10, most=1_000) as collector:
        tie(200)
        assert not collector.rest(busy=True)
        tie(2_000)
        assert collector.rest(busy=True)
        assert Knot.alive == 0
    assert collector.statistics.forced == 1


def test_a_cycle_that_was_alive_at_many_rests_is_freed_when_it_dies() -> None:
    with Collector(enough=0) as collector:
        old = [Knot() for _ in range(100)]
        for _ in range(5):
            collector.rest()
        old.clear()
        assert Knot.alive == 100
        for _ in range(20):
            tie(1)
            collector.rest()
        assert Knot.alive == 0


def test_the_collector_is_given_back_as_it_was() -> None:
    gc.unfreeze()
    frozen, turn_s = gc.get_freeze_count(), sys.getswitchinterval()
    with Collector():
        assert not gc.isenabled()
        assert gc.get_freeze_count() > frozen
        assert sys.getswitchinterval() == pytest.approx(TURN_S)
    assert sys.getswitchinterval() == pytest.approx(turn_s)
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
    gc.disable()
    with Collector():
        pass
    assert not gc.isenabled()
    gc.freeze()
    with Collector():
        pass
    assert gc.get_freeze_count() > 0, "another's"


def test_a_collector_that_was_not_started_rests_and_stops_without_effect() -> None:
    collector = Collector(enough=0)
    assert not collector.rest()
    collector.stop()
    assert gc.isenabled()


EVENTS = depth(200_000, 1_000_000)
BURST = 4
WARM_UP = EVENTS // 5
MOST_GROWTH_MB = depth(10.0, 30.0)
REST_EVERY = 1_000  # bursts
QUEUE_BLOCKS = 8  # fed as fast as it goes the log's queue fills up, and how full it happens to be is not what is asked


@pytest.mark.slow
def test_memory_is_flat_over_a_million_events(tmp_path: Path) -> None:
    """The suite does a fifth of them."""
    with Log.open(f"sqlite:///{tmp_path}/log.db") as log, Collector() as collector:
        writer = log.begin("flat", "{}", START_NS, queue_blocks=QUEUE_BLOCKS)
        pipeline = Pipeline(writer, lambda venue, seq: f"{venue}{seq}")
        open_session(pipeline, "flat", [])
        heard = [0]

        def hear(_: object) -> None:
            heard[0] += 1

        pipeline.source(Trade, "bybit", "BTCUSDT").subscribe(hear)
        warm_mb = 0.0
        for burst in range(EVENTS // BURST):
            recv = START_NS + burst * 1_000
            pipeline.feed(recv, events_of(burst))
            if burst % REST_EVERY == 0:
                collector.rest()
            if burst == WARM_UP // BURST:
                writer.flush()
                warm_mb = resident_mb()
        writer.flush()
        grown_mb = resident_mb() - warm_mb
        writer.close(START_NS)
        assert heard[0] == EVENTS // BURST
        assert log.find("flat").last_seq == pipeline.seq >= EVENTS
    assert grown_mb < MOST_GROWTH_MB, f"{grown_mb:.1f} MB more after {EVENTS} events"


def events_of(burst: int) -> list[BookDelta | Trade]:
    """Three deltas that move a book of a few hundred prices about, and a trade."""
    deltas: list[BookDelta | Trade] = []
    for number in range(BURST - 1):
        price = 60_000.0 + (burst * 7 + number) % 300
        bids = [(price, 1.0 + burst % 5), (price - 3, 0.0)]
        asks = [(price + 400, 2.0), (price + 405, 0.0)]
        update = burst * BURST + number
        deltas.append(BookDelta("bybit", "BTCUSDT", START_NS, bids, asks, update + 1, update))
    return [*deltas, Trade("bybit", "BTCUSDT", START_NS, f"t{burst}", 60_000.5, 0.1, "buy")]
