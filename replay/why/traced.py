"""A session's strategies run again on its inputs with a trace on, up to a record: what each operator had said.

Values are only worth something where the replay decides as the session did, so every decision is held against the recorded
one, as verify does.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from replay.bursts import bursts
from state.errors import ReplayDiverged
from state.events import (
    AmendOrder,
    Blocked,
    CancelAll,
    CancelOrder,
    Decision,
    PlaceOrder,
    SessionOpened,
    is_derived,
)
from state.log import Log
from state.record import Frame, Record
from state.shared import SharedState
from streams import checkpoint
from streams.pipeline import ClientIds, Pipeline
from streams.strategy import Running, Strategy, run_strategies
from streams.trace import Heard, Trace

_BURST = 64  # records that nearly no burst exceeds
_DECISIONS = (PlaceOrder, AmendOrder, CancelOrder, CancelAll, Blocked)


@dataclass(frozen=True, slots=True)
class Traced:
    """What was heard: at each wanted decision, and where the run stopped; `shared` is the state there."""

    at_decision: dict[int, tuple[Heard, ...]]
    at_end: tuple[Heard, ...]
    shared: SharedState


class _Follower:
    """The sink of the run: holds what is concluded against what was recorded, and keeps what wanted decisions rest on."""

    def __init__(self, wanted: Collection[int]) -> None:
        self.found: dict[int, tuple[Heard, ...]] = {}
        self.said: dict[str, deque[tuple[Decision, tuple[Heard, ...]]]] = {}
        self._wanted = wanted
        self._recorded: deque[Record] = deque()
        self._concluded: deque[Record] = deque()

    def expect(self, record: Record) -> None:
        """The next derived record of the log."""
        self._recorded.append(record)
        self._compare()

    def append(self, record: Record, frame: Frame | None = None) -> None:
        """The next record of the run."""
        event = record.event
        if not is_derived(event):
            return
        if isinstance(event, _DECISIONS):
            heard = self._behind(event)
            if record.seq in self._wanted and heard is not None:
                self.found[record.seq] = heard
        self._concluded.append(record)
        self._compare()

    def _behind(self, event: Decision) -> tuple[Heard, ...] | None:
        """What was heard when this was decided; None where the pipeline concluded it by itself."""
        said = self.said.get(event.strategy)
        if not said or _gist(said[0][0]) != _gist(event):
            return None
        return said.popleft()[1]

    def _compare(self) -> None:
        while self._recorded and self._concluded:
            recorded, concluded = self._recorded.popleft(), self._concluded.popleft()
            if recorded != concluded:
                seq = min(recorded.seq, concluded.seq)
                raise ReplayDiverged(f"the session's strategies decide otherwise from record {seq} on", seq)


@dataclass(frozen=True, slots=True)
class Begin:
    """Where a run may begin instead of at the first record: the state there, what strategies held and had said."""

    state: SharedState
    strategies: bytes
    heard: tuple[Heard, ...]


Each: TypeAlias = Callable[[Pipeline, Sequence[Running], Trace], None]


def trace(
    log: Log,
    session: str,
    strategies: Sequence[Strategy],
    client_ids: ClientIds,
    *,
    wanted: Collection[int] = (),
    until: int | None = None,
    at: int | None = None,
    begin: Begin | None = None,
    each: Each | None = None,
    progress: Callable[[int], None] | None = None,
) -> Traced:
    """Runs the session up to record `until`, and its timers up to `at` (ns), listening to every operator.

    `each` is called after every burst of input. Raises `ReplayDiverged` where the code of today decides otherwise,
    `SchemaUnknown` where these are not the strategies that `begin` was written of.
    """
    last = until if until is not None else max(wanted, default=None)
    follower = _Follower(wanted)
    pipeline = Pipeline(follower, client_ids, shared=None if begin is None else begin.state)
    with Trace(pipeline.carries) as listening:

        def told(strategy: str, decision: Decision) -> None:
            said = follower.said.setdefault(strategy, deque())
            said.append((decision, listening.stages(strategy)))

        watched = [_watched(strategy, listening, told if wanted else None) for strategy in strategies]
        running: Sequence[Running] = ()
        if begin is not None:
            running = checkpoint.restore(pipeline, watched, begin.strategies)
            listening.recall(begin.heard)
        recv = 0
        for burst in bursts(_counted(log, session, pipeline.seq + 1, last, progress)):
            if last is not None and burst[0].seq > last:
                break
            recv = burst[-1].recv
            if is_derived(burst[0].event):
                follower.expect(burst[0])
                continue
            pipeline.feed(burst[0].recv, [record.event for record in burst], burst[0].cause)
            if isinstance(burst[0].event, SessionOpened):
                running = run_strategies(pipeline, watched)
            if each is not None:
                each(pipeline, running, listening)
        if recv or at:
            pipeline.advance(max(recv, at or 0))
        return Traced(follower.found, listening.stages(), pipeline.shared)


def _counted(
    log: Log, session: str, first: int, last: int | None, progress: Callable[[int], None] | None
) -> Iterator[Record]:
    """Records from `first` on; where `last` is known no more is unpacked at once than the end of its burst may need."""
    parts: list[tuple[int, int | None]] = [(first, None)]
    if last is not None:
        parts = [(first, last + _BURST), (last + _BURST + 1, None)]
    for begin, end in parts:
        for block in log.blocks(session, begin, end):
            yield from block
            if progress is not None:
                progress(len(block))


def _watched(strategy: Strategy, listening: Trace, told: Callable[[str, Decision], None] | None) -> Strategy:
    """The same strategy, and whatever it is changed to in flight, with its decisions told."""
    if told is None:
        return strategy
    change = strategy.change
    return Strategy(
        strategy.name,
        lambda feeds: listening.watch(strategy.decisions(feeds), strategy.name, told),
        None if change is None else lambda params: _watched(change(params), listening, told),
    )


def _gist(decision: Decision) -> tuple[object, ...]:
    """What a decision keeps from its strategy's lips to the log: not its client id, which is given on the way."""
    placed = isinstance(decision, PlaceOrder) or (isinstance(decision, Blocked) and decision.action == "place")
    fields = ("venue", "symbol", "side", "price", "size", "label")
    known = tuple(getattr(decision, name, None) for name in fields)
    return known if placed else (*known, getattr(decision, "client_id", None))
