"""P6: a recorded session with `plain` on two symbols read back from SQLite: rebuilt, and verified to the bit."""

import tempfile
from pathlib import Path

from app.collector import Collector
from benchmarks.ingest import Ingest, client_ids
from benchmarks.measure import SCRATCH, WrongAnswer, frames, tell, timed
from benchmarks.opening import FRAME_NS, START_NS, open_session, plain_on
from benchmarks.p2_durable import STRATEGIES, pour
from replay.rebuild import rebuild
from replay.verify import Verdict, require_same, verify
from state.log import Log
from state.shared import SharedState
from streams.pipeline import Pipeline

SESSION = "bench"


def record(log: Log, inputs: list[bytes]) -> bytes:
    """Writes the session and returns its state at the end."""
    writer = log.begin(SESSION, "{}", START_NS)
    ingest = Ingest(Pipeline(writer, client_ids))
    open_session(ingest.pipeline, SESSION, plain_on(STRATEGIES))
    pour(ingest, inputs)
    writer.close(START_NS + len(inputs) * FRAME_NS)
    return ingest.pipeline.shared.dump()


def measure(inputs: list[bytes], folder: Path) -> None:
    rebuilt: list[SharedState] = []
    verdicts: list[Verdict] = []
    with Log.open(f"sqlite:///{folder / 'log.db'}") as log:
        end = record(log, inputs)
        with Collector():
            seconds = timed(lambda: rebuilt.append(rebuild(log, SESSION, snapshots=False)))
            if rebuilt[0].dump() != end:
                raise WrongAnswer("the state rebuilt is not the state that was")
            tell("P6", "tapeline rebuild", len(inputs), seconds, events=rebuilt[0].seq)
            seconds = timed(lambda: verdicts.append(verify(log, SESSION, plain_on(STRATEGIES), client_ids)))
        verdict = verdicts[0]
        require_same(verdict)
        if not verdict.decisions:
            raise WrongAnswer("the strategies decided nothing")
        told = {"events": float(verdict.records), "decisions": float(verdict.decisions)}
        tell("P6", "tapeline verify, `plain` on two symbols", len(inputs), seconds, **told)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="p6_", dir=SCRATCH) as folder:
        measure(frames(), Path(folder))


if __name__ == "__main__":
    main()
