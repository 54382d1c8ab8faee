"""Does a strategy see the future? Whatever stands in the log after a record may change nothing that was decided up to it.

The strategy is run against a paper venue on the whole session, then again and again on a log that was cut or disturbed
after some record, each time up to the next. A decision that is not the same had its reason in what came later; the
operator that said something else first is named. One that is not even the same on the same log hangs on something that is in no
log (a clock, chance, what an earlier run left in a module), and that is said instead.

Half of the places are records by chance, half those on which something was decided: who peeks one record ahead shows there.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Literal

import msgspec

from adapters import order_ids
from adapters.paper import PaperSettings
from replay.bursts import bursts, input_bursts, is_market
from replay.simulate import Simulation
from state.events import (
    INTENT,
    AnyEvent,
    Blocked,
    BookDelta,
    BookSnapshot,
    Candle,
    Command,
    Level,
    Liquidation,
    Signal,
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
_PRICES = ("last", "bid", "ask", "mark", "index")
_SIZES = ("bid_size", "ask_size", "funding_rate", "open_interest", "volume_24h")

How = Literal["cut", "disturbed", "again"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A decision up to record `at` that depends on what comes after it; `operator` is the first that spoke otherwise.

    With `again`, the whole log was run twice and the decision was another one.
    """

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
    """After so many market records, and before the next of them; `recv` is the last ns before that."""

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
                if self._moments:  # timers fire until the next burst
                    before = self._moments[-1]
                    self._moments[-1] = _Moment(before.market, max(before.recv, burst[0].recv - 1))
                self._ends.append(read)
                self._moments.append(_Moment(market, burst[0].recv))

    def examine(self, samples: int, progress: Callable[[int], None] | None = None) -> Verdict:
        """Half of the samples are cut, half disturbed, by chance."""
        rng = Random(self._seed)  # noqa: S311 (seeded on purpose)
        whole = self._run(self._tape, None)
        if not whole:
            return Verdict(0, 0, 0, None)
        again = self._difference(self._tape, "again", self._tape[-1].seq, whole, self._run(self._tape, None), name=True)
        if again is not None:
            return Verdict(0, len(whole), 0, again)
        differing = 0
        finding: Finding | None = None
        for done, place in enumerate(self._places(samples, whole, rng), start=1):
            how: How = "cut" if rng.random() < 0.5 else "disturbed"
            found = self._sample(whole, place, how, rng.getrandbits(64), name=finding is None)
            differing += found is not None
            finding = finding or found
            if progress is not None:
                progress(done)
        return Verdict(samples, len(whole), differing, finding)

    def _places(self, samples: int, whole: Sequence[_Decision], rng: Random) -> list[int]:
        """Every second one at a record on which something was decided; in order of the log."""
        markets = [moment.market for moment in self._moments]
        decided = sorted({max(0, bisect_right(markets, it.market) - 1) for it in whole})
        return sorted(
            rng.choice(decided) if number % 2 else rng.randrange(len(self._ends)) for number in range(samples)
        )

    def _sample(self, whole: Sequence[_Decision], place: int, how: How, seed: int, *, name: bool) -> Finding | None:
        end, moment = self._ends[place], self._moments[place]
        tape = self._tape[:end]
        if how == "disturbed":
            tape += _disturbed(self._tape[end:], seed)
        before = [it for it in whole if it.market <= moment.market and it.record.recv <= moment.recv]
        return self._difference(tape, how, self._tape[end - 1].seq, before, self._run(tape, moment), name=name)

    def _difference(
        self,
        tape: list[Record],
        how: How,
        at: int,
        before: Sequence[_Decision],
        now: Sequence[_Decision],
        *,
        name: bool,
    ) -> Finding | None:
        first = next(
            (n for n, (a, b) in enumerate(zip(before, now, strict=False)) if a != b), min(len(before), len(now))
        )
        if first == len(before) == len(now):
            return None
        ours, other = (side[first] if first < len(side) else None for side in (before, now))
        operator, where = self._culprit(tape, ours, other) if name else ("", "")
        return Finding(at, how, ours.record if ours else None, other.record if other else None, operator, where)

    def _run(self, tape: list[Record], until: _Moment | None) -> list[_Decision]:
        listener = _Listener(until)
        simulation = Simulation(
            listener, order_ids(_SESSION), self._strategies(), self._settings, session=_SESSION, seed=self._seed
        )
        with suppress(_Enough):
            for first, events in input_bursts(tape):
                simulation.hear(first.recv, [event for event in events if is_market(event)])
            simulation.end(tape[-1].recv if until is None else max(until.recv, tape[-1].recv))
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
            return msgspec.structs.replace(event, bids=_levels(event.bids, by, rng), asks=_levels(event.asks, by, rng))
        case Trade() | Liquidation():
            return msgspec.structs.replace(event, price=event.price * by, size=event.size * rng.uniform(0.5, 2))
        case Ticker():
            return _numbers(event, _PRICES, by, _SIZES, rng.uniform(0.5, 2))
        case Candle():
            return _numbers(event, ("open", "high", "low", "close"), by, ("volume", "turnover"), rng.uniform(0.5, 2))
        case Signal():
            return msgspec.structs.replace(event, value=event.value * by * rng.uniform(0.5, 2))
        case _:
            return event


def _numbers(event: AnyEvent, prices: Sequence[str], by: float, sizes: Sequence[str], times: float) -> AnyEvent:
    said = {name: (by if name in prices else times, getattr(event, name)) for name in (*prices, *sizes)}
    changed = {name: value * factor for name, (factor, value) in said.items() if value is not None}
    return msgspec.structs.replace(event, **changed)


def _levels(levels: Sequence[Level], by: float, rng: Random) -> list[Level]:
    """A level that is gone stays gone."""
    return [(price * by, size * rng.uniform(0.5, 2)) for price, size in levels]
