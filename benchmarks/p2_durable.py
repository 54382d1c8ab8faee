"""P2: P1 with every event durable in blocks on SQLite and two strategies running, until the last commit has returned.

`python -m benchmarks.p2_durable log|no-log`; session time runs at the capture's pace, so that strategies' timers fire as
often in a second of market as they do live.
"""

import sys
import tempfile
from pathlib import Path

from app.collector import Collector
from benchmarks.ingest import Dropped, Ingest, client_ids
from benchmarks.measure import SCRATCH, WrongAnswer, check, frames, tell, timed
from benchmarks.opening import FRAME_NS, START_NS, open_session, plain_on
from state.log import Log
from state.record import RecordSink
from streams.pipeline import Pipeline

STRATEGIES = ("BTCUSDT", "ETHUSDT")


def session(sink: RecordSink, name: str) -> Ingest:
    """A pipeline with its strategies, ready for the first frame."""
    pipeline = Pipeline(sink, client_ids)
    ingest = Ingest(pipeline)
    open_session(pipeline, name, plain_on(STRATEGIES))
    return ingest


def pour(ingest: Ingest, inputs: list[bytes]) -> None:
    """All frames, at the capture's pace in session time."""
    receive, feed = ingest.websocket.receive, ingest.pipeline.feed
    recv = START_NS
    for frame in inputs:
        recv += FRAME_NS
        events = receive(frame, recv)
        if events:
            feed(recv, events)


def with_log(inputs: list[bytes], folder: Path) -> None:
    path = folder / "log.db"
    with Log.open(f"sqlite:///{path}") as log:
        writer = log.begin("bench", "{}", START_NS)
        ingest = session(writer, "bench")

        def run() -> None:
            pour(ingest, inputs)
            writer.close(START_NS + len(inputs) * FRAME_NS)

        with Collector():
            seconds = timed(run)
        events = ingest.pipeline.seq
        stored = log.find("bench").last_seq
    if stored != events:
        raise WrongAnswer(f"{events} records were taken, {stored} stored")
    size = sum(each.stat().st_size for each in folder.iterdir())
    tell(
        "P2",
        "tapeline, every event durable",
        len(inputs),
        seconds,
        events=events,
        decisions=_decisions(ingest),
        bytes_an_event=size / events,
    )


def without_log(inputs: list[bytes]) -> None:
    ingest = session(Dropped(), "bench")
    with Collector():
        seconds = timed(lambda: pour(ingest, inputs))
    figures = {"events": float(ingest.pipeline.seq), "decisions": float(_decisions(ingest))}
    tell("P2", "tapeline, without the log", len(inputs), seconds, **figures)


def _decisions(ingest: Ingest) -> int:
    """Orders that the strategies placed; none would mean that they did not run."""
    placed = len(list(ingest.pipeline.shared.account("bybit").orders.working()))
    if not placed:
        raise WrongAnswer("the strategies placed no order")
    return placed


def main(mode: str) -> None:
    inputs = frames()
    checked = session(Dropped(), "check")
    check(inputs, checked.step, checked.touch)
    if mode == "no-log":
        without_log(inputs)
        return
    with tempfile.TemporaryDirectory(prefix="p2_", dir=SCRATCH) as folder:
        with_log(inputs, Path(folder))


if __name__ == "__main__":
    main(sys.argv[1])
