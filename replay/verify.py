"""The proof: the same inputs through the same code give the same records, to the bit.

Inputs are fed as recorded; what the strategies conclude is compared with what was recorded, one by one, and the running
digest is computed again over everything. The first record that differs is reported with its cause.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from replay.bursts import input_bursts
from state.errors import ReplayDiverged
from state.events import DERIVED, SessionOpened
from state.log import Log
from state.log.codec import start_digest
from state.record import Frame, Record, canonical_all
from streams.pipeline import ClientIds, Pipeline
from streams.strategy import Strategy, run_strategies


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verify found; `difference` is None where everything is the same to the bit."""

    session: str
    records: int
    inputs: int
    decisions: int
    digest: str
    recorded_digest: str
    difference: "Difference | None"
    beyond: int = 0  # decisions concluded from a crashed session's last inputs that its log did not get to hold

    @property
    def same(self) -> bool:
        return self.difference is None and self.digest == self.recorded_digest


@dataclass(frozen=True, slots=True)
class Difference:
    """The first record that is not the same: what was recorded, what was concluded now, and from what."""

    seq: int
    recorded: Record | None
    concluded: Record | None
    cause: Record | None


class Comparison:
    """A sink that holds the records of the replay against the recorded ones, place by place, and goes on with the digest.

    They are compared and encoded a block at a time. The digest is another thread's work: hashing lets go of the interpreter
    and takes as long as encoding. To be used as a context, whose end is the thread's.
    """

    def __init__(self, session: str) -> None:
        self.matched = 0  # records that are the same on both sides
        self.decisions = 0  # of them, those that were concluded
        self._recorded: list[Record] = []  # from the first on that was not compared yet, as are those of the replay
        self._concluded: list[Record] = []
        self._digest = start_digest(session)
        self._hasher = ThreadPoolExecutor(1)
        # Asked once here, since inside of a tick the guard lets nobody start a thread.
        self._hashed: Future[None] = self._hasher.submit(self._digest.update, b"")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._hasher.shutdown()

    def append(self, record: Record, frame: Frame | None = None) -> None:
        """The next record of the replay."""
        self._concluded.append(record)

    def recorded(self, records: Sequence[Record]) -> None:
        """The next records of the log."""
        self._recorded += records

    def compare(self) -> None:
        """Holds what is known of both sides against each other; raises `_Differs` at the first that is not the same."""
        count = min(len(self._recorded), len(self._concluded))
        recorded, concluded = self._recorded[:count], self._concluded[:count]
        if recorded != concluded:
            count = next(at for at in range(count) if recorded[at] != concluded[at])
            self._match(concluded[:count])
            raise _Differs(recorded[count], concluded[count])
        self._match(concluded)
        del self._recorded[:count], self._concluded[:count]

    def rest(self) -> tuple[Sequence[Record], Sequence[Record]]:
        """What was recorded and not concluded, and what was concluded and not recorded."""
        self.compare()
        return self._recorded, self._concluded

    def digest(self) -> str:
        self._hashed.result()
        return self._digest.hexdigest()

    def _match(self, records: Sequence[Record]) -> None:
        if records:
            self.matched += len(records)
            self.decisions += sum([type(record.event) in DERIVED for record in records])
            self._hashed = self._hasher.submit(self._digest.update, canonical_all(records))


class _Differs(Exception):
    def __init__(self, recorded: Record | None, concluded: Record | None) -> None:
        super().__init__()
        self.recorded = recorded
        self.concluded = concluded


def verify(
    log: Log,
    session: str,
    strategies: Sequence[Strategy],
    client_ids: ClientIds,
    *,
    progress: Callable[[int], None] | None = None,
    pace: Callable[[Iterator[Record]], Iterator[Record]] = iter,
) -> Verdict:
    """Runs the strategies over the session's inputs; raises `LogCorrupt` where the log itself does not hold.

    `pace` may slow the reading down, for somebody who watches.
    """
    row = log.find(session)
    beyond = 0
    difference: Difference | None = None
    with Comparison(row.id) as comparison:
        pipeline = Pipeline(comparison, client_ids)
        try:
            for first, events in input_bursts(pace(_compared(log, row.id, comparison, progress))):
                pipeline.feed(first.recv, events, first.cause)
                if type(first.event) is SessionOpened:
                    run_strategies(pipeline, strategies)
            beyond = _finish(pipeline, comparison, crashed=row.status != "closed")
        except _Differs as found:
            difference = _difference(log, row.id, found)
        digest = comparison.digest()
    return Verdict(
        session=row.id,
        records=comparison.matched,
        inputs=comparison.matched - comparison.decisions,
        decisions=comparison.decisions,
        digest=digest,
        recorded_digest=row.head,
        difference=difference,
        beyond=beyond,
    )


def _finish(pipeline: Pipeline, comparison: Comparison, *, crashed: bool) -> int:
    """Lets timers of the last moment fire, and judges what is left over on either side."""
    recorded, _ = comparison.rest()
    if recorded:
        pipeline.advance(recorded[-1].recv)
    recorded, concluded = comparison.rest()
    if recorded:
        raise _Differs(recorded[0], None)
    if concluded and not crashed:
        raise _Differs(None, concluded[0])
    return len(concluded)


def _compared(
    log: Log, session: str, comparison: Comparison, progress: Callable[[int], None] | None
) -> Iterator[Record]:
    """The log's records; what the replay makes of a block is looked at before the next one is read."""
    for block in log.blocks(session):
        comparison.recorded(block)
        yield from block
        comparison.compare()
        if progress is not None:
            progress(len(block))


def _difference(log: Log, session: str, found: _Differs) -> Difference:
    shown = found.concluded or found.recorded
    assert shown is not None
    seqs = [record.seq for record in (found.recorded, found.concluded) if record is not None]
    cause = next(iter(log.records(session, shown.cause, shown.cause)), None) if shown.cause else None
    return Difference(min(seqs), found.recorded, found.concluded, cause)


def require_same(verdict: Verdict) -> None:
    """Raises `ReplayDiverged` unless the replay was the same."""
    if verdict.difference is not None:
        raise ReplayDiverged(f"record {verdict.difference.seq} differs", verdict.difference.seq)
    if not verdict.same:
        raise ReplayDiverged("the running digest differs", verdict.records)
