"""When a session that is being written gets a snapshot."""

from pathlib import Path

from adapters import order_ids
from replay.snapshots import Snapshots
from state.events import SessionClosed, SessionOpened, Tick
from state.log import Log
from streams.pipeline import Pipeline

S = "20261127-000000-0001"


def test_a_snapshot_that_is_due_at_the_last_record_is_the_last_one(tmp_path: Path) -> None:
    """By count and because the session ends there: the log takes one a record, and a second ended the session as crashed."""
    with Log.open(f"sqlite:///{tmp_path}/log.db") as log:
        writer = log.begin(S, "{}", 1)
        pipeline = Pipeline(writer, order_ids(S))
        snapshots = Snapshots(writer, pipeline, every=2)
        pipeline.feed(1, [SessionOpened(S, 7)])
        for now, event in enumerate((Tick(), Tick(), SessionClosed("")), 2):
            pipeline.feed(now, [event])
            if pipeline.seq >= snapshots.due:
                snapshots.take(())
        snapshots.take(())
        writer.close(9)
        taken = [found[0] for seq in range(1, 5) if (found := log.snapshot_at(S, seq)) is not None]
        assert taken == [2, 2, 4]
        assert log.find(S).status == "closed"
