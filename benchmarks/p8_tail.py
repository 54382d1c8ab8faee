"""P8: a million frames through decode, pipeline and log with the collector's policy: longest pauses, memory, collections.

The frames are the input over and over, in this process; a rest is offered every `REST_EVERY` frames, as a live session
offers one when nothing waits.
"""

import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter_ns

from app.collector import Collector
from benchmarks.measure import SCRATCH, WrongAnswer, frames, percentiles, resident_mb, tell
from benchmarks.opening import FRAME_NS, START_NS
from benchmarks.p2_durable import session
from state.log import Log

FRAMES = 1_000_000
WARM_UP = 0.2  # of the frames, before memory is looked at
REST_EVERY = 350  # frames: about a second of the capture


def measure(count: int, folder: Path) -> None:
    inputs = frames()
    with Log.open(f"sqlite:///{folder / 'log.db'}") as log, Collector() as collector:
        writer = log.begin("bench", "{}", START_NS)
        ingest = session(writer, "bench")
        receive, feed = ingest.websocket.receive, ingest.pipeline.feed
        spans: list[int] = []
        recv, warm, grown_from = START_NS, int(count * WARM_UP), 0.0
        for index, frame in enumerate(islice(cycle(inputs), count)):
            start = perf_counter_ns()
            recv += FRAME_NS
            events = receive(frame, recv)
            if events:
                feed(recv, events)
            spans.append(perf_counter_ns() - start)
            if index % REST_EVERY == 0:
                collector.rest()
            if index == warm:
                grown_from = resident_mb() - sys.getsizeof(spans) / 2**20 - 32 * len(spans) / 2**20
        grown = resident_mb() - sys.getsizeof(spans) / 2**20 - 32 * len(spans) / 2**20 - grown_from
        events_fed = ingest.pipeline.seq
        writer.close(recv)
        if log.find("bench").last_seq != events_fed:
            raise WrongAnswer("not every record is in the log")
        statistics = collector.statistics
    latency = percentiles(spans)
    tell(
        "P8",
        "tapeline, a million frames with the log",
        count,
        sum(spans) / 1e9,
        **latency,
        longest_ms=max(spans) / 1e6,
        over_10_ms=sum(span > 10_000_000 for span in spans),
        grown_mb=grown,
        resident_mb=resident_mb(),
        collections=statistics.collections,
        collected=statistics.found,
        longest_collection_ms=statistics.longest_ns / 1e6,
        one=1.0,
    )


def main(count: int) -> None:
    with tempfile.TemporaryDirectory(prefix="p8_", dir=SCRATCH) as folder:
        measure(count, Path(folder))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else FRAMES)
