"""Does a strategy see the future? Whatever stands in the log after a record may change nothing that was decided up to it.

The strategy is run against a paper venue once on the whole session, then again and again on a log that was cut or disturbed
after some record, each time up to that record. A decision that is not the same had its reason in what came later; the
operator that said something else first is named.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Literal

import msgspec

from adapters import order_ids
from adapters.paper import PaperSettings
from replay.bursts import bursts, is_market
from replay.simulate import Simulation
from state.events import (
    INTENT,
    AnyEvent,
    Blocked,
    BookDelta,
    BookSnapshot,
    Command,
    Level,
    StrategyFailed,
    Ticker,
    Trade,
)
from state.record import Frame, Record
from streams.strategy import Strategy
from streams.trace import Heard, Trace

_KEPT = (*INTENT, Blocked, StrategyFailed)
_SESSION = "lookahead"
_MOVED = 0.05  # most that a price is disturbed by, as a share

How = Literal["cut", "disturbed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A decision up to record `at` that depends on what comes after it; `operator` is the first that spoke otherwise."""

    at: int
    how: How
    whole: Record | None
    other: Record | None
    operator: str
    where: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`differing` counts samples; the first of them, in order of the log, is `finding`."""

    samples: int
    decisions: int
    differing: int
    finding: Finding | None


@dataclass(frozen=True, slots=True)
class _Moment:
    """After so many market records, and not later than this."""

    market: int
    recv: int


@dataclass(frozen=True, slots=True)
class _Decision:
    market: int
    record: Record


class _Enough(Exception):
    pass


class _Listener:
    """A sink that keeps the decisions up to a moment, and then ends the run."""

    def __init__(self, until: _Moment | None) -> None:
        self.decisions: list[_Decision] = []
        self._market = 0
        self._until = until

    def append(self, record: Record, frame: Frame | None = None) -> None:
        event = record.event
        if type(event) is Command:
            raise _Enough  # the recording is over
        self._market += is_market(event)
        if self._until is not None and (self._market > self._until.market or record.recv > self._until.recv):
            raise _Enough
        if isinstance(event, _KEPT):
            self.decisions.append(_Decision(self._market, record))


class Lookahead:
    """One examination. `strategies` makes them anew for every run."""

    def __init__(
        self,
        records: Sequence[Record],
        strategies: Callable[[], Sequence[Strategy]],
        settings: PaperSettings,
        seed: int,
    ) -> None:
        self._tape = list(records)
        self._strategies = strategies
        self._settings = settings
        self._seed = seed
        self._ends: list[int] = []  # how many records stand up to the end of each burst with market events
        self._moments: list[_Moment] = []
        read = market = 0
        for burst in bursts(self._tape):
            read += len(burst)
            told = sum(is_market(record.event) for record in burst)
            market += told
            if told:
                self._ends.append(read)
                self._moments.append(_Moment(market, burst[0].recv))

    def examine(self, samples: int, progress: Callable[[int], None] | None = None) -> Verdict:
        """Half of the samples are cut, half disturbed, by chance."""
        rng = Random(self._seed)  # noqa: S311 (seeded on purpose)
        whole = self._run(self._tape, None)
        if not whole:
            return Verdict(0, 0, 0, None)
        places = sorted(rng.randrange(len(self._ends)) for _ in range(samples))
        differing = 0
        finding: Finding | None = None
        for done, place in enumerate(places, start=1):
            how: How = "cut" if rng.random() < 0.5 else "disturbed"
            found = self._sample(whole, place, how, rng.getrandbits(64), name=finding is None)
            differing += found is not None
            finding = finding or found
            if progress is not None:
                progress(done)
        return Verdict(samples, len(whole), differing, finding)

    def _sample(self, whole: Sequence[_Decision], place: int, how: How, seed: int, *, name: bool) -> Finding | None:
        end, moment = self._ends[place], self._moments[place]
        tape = self._tape[:end]
        if how == "disturbed":
            tape += _disturbed(self._tape[end:], seed)
        before = [it for it in whole if it.market <= moment.market and it.record.recv <= moment.recv]
        now = self._run(tape, moment)
        first = next(
            (n for n, (a, b) in enumerate(zip(before, now, strict=False)) if a != b), min(len(before), len(now))
        )
        if first == len(before) == len(now):
            return None
        ours, other = (side[first] if first < len(side) else None for side in (before, now))
        at = self._tape[end - 1].seq
        operator, where = self._culprit(tape, ours, other) if name else ("", "")
        return Finding(at, how, ours.record if ours else None, other.record if other else None, operator, where)

    def _run(self, tape: list[Record], until: _Moment | None) -> list[_Decision]:
        listener = _Listener(until)
        simulation = Simulation(
            listener, order_ids(_SESSION), self._strategies(), self._settings, session=_SESSION, seed=self._seed
        )
        with suppress(_Enough):
            simulation.run(tape)
        return listener.decisions

    # --- whose fault ---

    def _culprit(self, tape: list[Record], ours: _Decision | None, other: _Decision | None) -> tuple[str, str]:
        """The first stage, in the order in which they were piped, that had said something else at that decision."""
        sides = [side for side in (ours, other) if side is not None]
        until = _Moment(min(it.market for it in sides), min(it.record.recv for it in sides))
        said, heard = self._traced(self._tape, until), self._traced(tape, until)
        for key in sorted(said.keys() | heard.keys()):
            one, two = said.get(key), heard.get(key)
            if one is None or two is None or (one.count, repr(one.value)) != (two.count, repr(two.value)):
                stage = one or two
                assert stage is not None
                return stage.operator, stage.where
        return "", ""

    def _traced(self, tape: list[Record], until: _Moment) -> dict[tuple[int, int], Heard]:
        with Trace() as listening:
            self._run(tape, until)
            return {(stage.pipe, stage.place): stage for stage in listening.stages()}


def _disturbed(records: Sequence[Record], seed: int) -> list[Record]:
    """The same records with other prices and sizes."""
    rng = Random(seed)  # noqa: S311 (seeded on purpose)
    moved = 1 + rng.choice((-1, 1)) * rng.uniform(_MOVED / 5, _MOVED)
    return [msgspec.structs.replace(record, event=_moved(record.event, moved, rng)) for record in records]


def _moved(event: AnyEvent, by: float, rng: Random) -> AnyEvent:
    by *= 1 + rng.uniform(-_MOVED, _MOVED) / 10
    match event:
        case BookSnapshot() | BookDelta():
            return msgspec.structs.replace(event, bids=_levels(event.bids, by), asks=_levels(event.asks, by))
        case Trade():
            return msgspec.structs.replace(event, price=event.price * by, size=event.size * rng.uniform(0.5, 2))
        case Ticker():
            said = {
                name: value * by for name in ("last", "mark", "index") if (value := getattr(event, name)) is not None
            }
            return msgspec.structs.replace(event, **said)
        case _:
            return event


def _levels(levels: Sequence[Level], by: float) -> list[Level]:
    return [(price * by, size) for price, size in levels]
