"""Any moment of a session: what was known, and what every operator had said last; from the nearest snapshot where there is one.

An index is a row of snapshots that lie so near to each other, with what operators had said, that the records in between take
no time. It is written once, by running the session's strategies again, and can be deleted at any moment.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from adapters import order_ids
from replay.rebuild import rebuild
from replay.why.traced import Begin, trace
from state.errors import ReplayDiverged, SchemaUnknown, TapelineError
from state.log import Log, SessionRow
from state.log.snapshot import Snapshot
from state.manifest import Manifest
from state.shared import SharedState
from streams import checkpoint
from streams.pipeline import Pipeline
from streams.strategies.recorded import strategies_of
from streams.strategy import Running, Strategy
from streams.trace import Heard, Trace

INDEX_EVERY: Final = 1_000  # records: about 25 ms of running a strategy again
_AT_ONCE: Final = 200  # snapshots written together, some 80 KB each before they are compressed
SLOW_FROM: Final = 20_000  # records run again for one moment: an index is worth its time


class Words(str):
    """A value of long ago as it was written down, and shown as it was."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment; `since` is the first record whose values were heard, and `note` says what is not known, and why."""

    shared: SharedState
    heard: tuple[Heard, ...]
    since: int
    ran: int
    note: str = ""


class Travel:
    """One session, to be asked for as many of its moments as one likes."""

    def __init__(self, log: Log, row: SessionRow) -> None:
        self._log = log
        self._row = row

    def state(self, seq: int) -> SharedState:
        """The state alone, without running a strategy."""
        return rebuild(self._log, self._row.id, seq)

    def at(self, seq: int, progress: Callable[[int], None] | None = None) -> Moment:
        """State and operators after record `seq`; where operators cannot be known, the state with the reason."""
        try:
            strategies = strategies_of(Manifest.parse(self._row.manifest))
            return self._heard(strategies, seq, progress)
        except ReplayDiverged as error:
            words = f"the operators' values are not known: {error}"
        except TapelineError as error:
            words = f"the operators' values are not known, the strategies cannot be run again: {error}"
        return Moment(self.state(seq), (), seq, 0, words)

    def _heard(self, strategies: Sequence[Strategy], seq: int, progress: Callable[[int], None] | None) -> Moment:
        log, session = self._log, self._row.id
        if not strategies:
            return Moment(self.state(seq), (), 1, 0)
        found = self._nearest(seq)
        if found is not None:
            begin, is_indexed = found
            start = begin.state.seq
            try:
                heard = trace(log, session, strategies, order_ids(session), until=seq, begin=begin, progress=progress)
            except SchemaUnknown:
                pass  # of another version, or of strategies that have changed: the records tell the same
            else:
                since = 1 if is_indexed else start + 1
                # The run has gone on where it has concluded what the session recorded after `seq`.
                shared = heard.shared if heard.shared.seq == seq else self.state(seq)
                return Moment(shared, heard.at_end, since, seq - start, "" if is_indexed else _since(start))
        heard = trace(log, session, strategies, order_ids(session), until=seq, progress=progress)
        return Moment(self.state(seq), heard.at_end, 1, seq, _SLOW if seq > SLOW_FROM else "")

    def _nearest(self, seq: int) -> tuple[Begin, bool] | None:
        """Where a run may begin, and whether it is known what operators had said by then."""
        found = self._log.snapshot_at(self._row.id, seq)
        snapshot = None if found is None else Snapshot.unpack(found[1])
        if snapshot is None or not snapshot.strategies:
            return None
        try:
            state = SharedState.load(snapshot.state)
            heard = _read(snapshot.heard) if snapshot.heard else ()
        except (SchemaUnknown, msgspec.DecodeError):
            return None
        return Begin(state, snapshot.strategies, heard), bool(snapshot.heard)


def index(log: Log, row: SessionRow, every: int = INDEX_EVERY, progress: Callable[[int], None] | None = None) -> int:
    """Runs a session's strategies again and puts a snapshot after every so many records; returns how many.

    Raises `ReplayDiverged` where today's code decides otherwise, `NotRestartable` naming the operator that cannot be written
    down, `LogLocked` while the session is being written.
    """
    strategies = strategies_of(Manifest.parse(row.manifest))
    made: list[tuple[int, bytes]] = []
    due, written, count = every, 0, 0

    def write() -> None:
        nonlocal written, count
        count += log.replace_snapshots(row.id, made, after=written)
        written = made[-1][0] if made else written
        made.clear()

    def each(pipeline: Pipeline, running: Sequence[Running], listening: Trace) -> None:
        nonlocal due
        if pipeline.seq >= due and pipeline.is_settled:
            due = pipeline.seq + every
            made.append((pipeline.seq, index_entry(pipeline, running, listening)))
            if len(made) == _AT_ONCE:
                write()

    trace(log, row.id, strategies, order_ids(row.id), each=each, progress=progress)
    write()
    return count


def index_entry(pipeline: Pipeline, running: Sequence[Running], listening: Trace) -> bytes:
    """State, what strategies hold and what operators had said, between two ticks; raises `NotRestartable`."""
    return Snapshot(pipeline.shared.dump(), checkpoint.dump(running), _write(listening.stages())).pack()


_SLOW: Final = (
    "the strategies were run again from the first record; `tapeline debug SESSION --index` once, and it is quick"
)


def _since(seq: int) -> str:
    return (
        f"operators were heard from record {seq + 1} on, where the nearest snapshot is: one that has been silent since has no "
        "value here; `tapeline debug SESSION --index` once, and all have"
    )


# --- what operators had said, as bytes ---


def _write(heard: Sequence[Heard]) -> bytes:
    return msgspec.msgpack.encode([_row(it) for it in heard])


def _row(it: Heard) -> tuple[str, str, str, int, str, int, int, int, int, tuple[int, int]]:
    return (it.strategy, it.operator, it.where, it.count, repr(it.value), it.seq, it.at, it.pipe, it.place, it.after)


def _read(body: bytes) -> tuple[Heard, ...]:
    return tuple(_heard(body))


def _heard(body: bytes) -> Iterator[Heard]:
    for strategy, operator, where, count, value, seq, at, pipe, place, after in _decode(body):
        yield Heard(strategy, operator, where, count, Words(value), seq, at, pipe, place, after)


_decode = msgspec.msgpack.Decoder(list[tuple[str, str, str, int, str, int, int, int, int, tuple[int, int]]]).decode
