"""The proof: the same inputs through the same code give the same records, to the bit.

Inputs are fed as recorded; what the strategies conclude is compared with what was recorded, one by one, and the running
digest is computed again over everything. The first record that differs is reported with its cause.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from replay.bursts import bursts
from state.errors import ReplayDiverged
from state.events import DERIVED, SessionOpened
from state.log import Log
from state.log.codec import start_digest
from state.record import Frame, Record, canonical_all
from streams.pipeline import ClientIds, Pipeline
from streams.strategy import Strategy, run_strategies

_BATCH = 4096  # records encoded at once for the digest


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
    """A sink that holds each record of the replay against the recorded one and goes on with the digest.

    The digest is another thread's work: hashing lets go of the interpreter and takes as long as encoding. To be used as a
    context, whose end is the thread's.
    """

    def __init__(self, session: str) -> None:
        self.decisions = 0
        self.expected: deque[Record] = deque()  # the log's next records that the replay has not come to
        self._concluded: deque[Record] = deque()  # the replay's next records that the log has not told yet
        self._digest = start_digest(session)
        self._hasher = ThreadPoolExecutor(1)
        # Asked once here, since inside of a tick the guard lets nobody start a thread.
        self._hashed: Future[None] = self._hasher.submit(self._digest.update, b"")
        self._flushed = 0
        self._batch: list[Record] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._hasher.shutdown()

    @property
    def matched(self) -> int:
        """Records that are the same on both sides."""
        return self._flushed + len(self._batch)

    def expect(self, record: Record) -> None:
        """The next record of the log is a conclusion: the replay has come to it, or will."""
        if self._concluded:
            self._match(record, self._concluded.popleft())
        else:
            self.expected.append(record)

    def feeding(self, burst: Sequence[Record]) -> None:
        """The next records of the log are these inputs: what was concluded before them stands in the log before them."""
        if self._concluded:
            raise _Differs(burst[0], self._concluded[0])
        self.expected.extend(burst)

    def append(self, record: Record, frame: Frame | None = None) -> None:
        """The next record of the replay."""
        if self.expected:
            self._match(self.expected.popleft(), record)
        else:
            self._concluded.append(record)

    def rest(self) -> tuple[Sequence[Record], Sequence[Record]]:
        """What was recorded and not concluded, and what was concluded and not recorded."""
        return list(self.expected), list(self._concluded)

    def digest(self) -> str:
        self._flush()
        self._hashed.result()
        return self._digest.hexdigest()

    def _match(self, recorded: Record, concluded: Record) -> None:
        """An input is fed as it is and cannot differ; what was concluded is compared word by word."""
        if recorded != concluded:
            raise _Differs(recorded, concluded)
        self.decisions += recorded.event is not concluded.event
        batch = self._batch
        batch.append(concluded)
        if len(batch) >= _BATCH:
            self._flush()

    def _flush(self) -> None:
        batch, self._batch = self._batch, []
        self._flushed += len(batch)
        self._hashed = self._hasher.submit(self._digest.update, canonical_all(batch))


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
    inputs = beyond = 0
    difference: Difference | None = None
    with Comparison(row.id) as comparison:
        pipeline = Pipeline(comparison, client_ids)
        feed, feeding = pipeline.feed, comparison.feeding
        try:
            for burst in bursts(pace(_counted(log, row.id, progress))):
                head = burst[0]
                if type(head.event) in DERIVED:
                    comparison.expect(head)
                    continue
                feeding(burst)
                inputs += len(burst)
                feed(head.recv, [record.event for record in burst] if len(burst) > 1 else (head.event,), head.cause)
                if type(head.event) is SessionOpened:
                    run_strategies(pipeline, strategies)
            beyond = _finish(pipeline, comparison, crashed=row.status != "closed")
        except _Differs as found:
            difference = _difference(log, row.id, found)
        digest = comparison.digest()
    return Verdict(
        session=row.id,
        records=comparison.matched,
        inputs=inputs,
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


def _counted(log: Log, session: str, progress: Callable[[int], None] | None) -> Iterator[Record]:
    for block in log.blocks(session):
        yield from block
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
