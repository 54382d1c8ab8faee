"""P1: frame bytes → events with seq and recv → block → fold → stream → a subscriber reads the touch; nothing is written.

`python -m benchmarks.p1_in_process [default-collector]`; the second form leaves CPython's garbage collector as it is.
"""

import sys
from time import perf_counter_ns

from app.collector import Collector
from benchmarks.ingest import Ingest, KeptBlocks, client_ids, spans
from benchmarks.measure import check, frames, percentiles, tell, timed
from streams.pipeline import Pipeline


def measure(*, collected: bool) -> None:
    """Checks the books, times one pass, then times each frame of another."""
    inputs = frames()
    checked = Ingest(Pipeline(KeptBlocks(), client_ids))
    check(inputs, checked.step, checked.touch)
    del checked
    collector = Collector()
    if not collected:
        collector.start()
    ingest = Ingest(Pipeline(KeptBlocks(), client_ids))
    seconds = timed(lambda: ingest.run(inputs))
    ingest = Ingest(Pipeline(KeptBlocks(), client_ids))
    latency = percentiles(spans(inputs, ingest.step, perf_counter_ns))
    collector.stop()
    name = "tapeline, collector as CPython has it" if collected else "tapeline"
    tell("P1", name, len(inputs), seconds, **latency)


if __name__ == "__main__":
    measure(collected="default-collector" in sys.argv[1:])
