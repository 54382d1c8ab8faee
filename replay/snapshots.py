"""Writes snapshots while a session is being written: the state, and what its strategies hold, every so many records."""

from collections.abc import Sequence
from typing import Final

from state.errors import NotRestartable
from state.log import SessionWriter
from state.log.snapshot import Snapshot
from streams import checkpoint
from streams.pipeline import Pipeline
from streams.strategy import Running

EVERY: Final = 50_000  # records


class Snapshots:
    """Of one session; to be asked after each burst."""

    def __init__(self, writer: SessionWriter, pipeline: Pipeline, every: int = EVERY) -> None:
        self._writer = writer
        self._pipeline = pipeline
        self._every = every
        self._taken = -1
        self.due = every

    def take(self, running: Sequence[Running]) -> None:
        """One at each record at most, as a session's last may be due by count and by its end. Raises what the log raises."""
        pipeline = self._pipeline
        if pipeline.seq == self._taken:
            return
        self._taken = pipeline.seq
        self.due = pipeline.seq + self._every
        self._writer.snapshot(pipeline.seq, Snapshot(pipeline.shared.dump(), written(running)).pack())


def written(running: Sequence[Running]) -> bytes:
    """What strategies hold; nothing where one of them cannot be written down, which `tapeline debug --index` tells by name."""
    try:
        return checkpoint.dump(running)
    except NotRestartable:
        return b""
