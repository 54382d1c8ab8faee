"""L: `tapeline debug` at random places of a long session: until it stands at a seq, a time, an order, or the next of a kind.

`python -m benchmarks.l_debug [EVENTS [PASSES]]`. The session is a simulation of `plain` on two symbols over the input again and
again, with the index that `debug --index` writes. It is kept in the scratch folder for the next run.
All is asked in one process; what the start of a command adds is told beside it.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from random import Random
from time import perf_counter_ns, process_time_ns

from adapters import order_ids
from adapters.bybit.websocket import Websocket
from adapters.paper import PaperSettings
from app.collector import Collector
from app.moments import DebugFact, moment_fact, seq_of
from benchmarks.inputs import prepare
from benchmarks.measure import FRAMES as INPUT
from benchmarks.measure import SCRATCH, WrongAnswer, frame_limit, frames, percentiles, tell
from benchmarks.opening import FRAME_NS, START_NS, opening
from benchmarks.ten_million import EAGER, plain_on_both
from replay.moments import Kind, Moments
from replay.simulate import Simulation
from replay.travel import index
from state.errors import WrongUse
from state.log import Log, SessionRow
from state.record import Record
from streams.strategies.recorded import strategies_of

EVENTS = 300_000
PLACES = 200
SEED = 11
SESSION = "debugged"
CALM = EAGER | {"requote_s": 0.25}
BLOCK = 4_096  # records: as a session's blocks are once it has ended


def record(url: str, events: int) -> None:
    """Writes a session of some more records than so many of the market, and its index."""
    manifest = plain_on_both(CALM)
    with Log.open(url) as log:
        writer = log.begin(SESSION, manifest.to_json(), START_NS, block_size=BLOCK, stall_timeout_s=600.0)
        simulation = Simulation(
            writer, order_ids(SESSION), strategies_of(manifest), PaperSettings(), session=SESSION, seed=7
        )
        with Collector():
            writer.close(simulation.run(market(events)).last_recv)
            index(log, log.find(SESSION))


def market(events: int) -> Iterator[Record]:
    """The input over and over, decoded once, until the session has its events."""
    websocket, seq, recv = Websocket("bybit", "public.0", ""), 0, START_NS
    for event in opening("market")[:-1]:
        seq += 1
        yield Record(seq, recv, 0, event)
    heard = [list(websocket.receive(frame, recv)) for frame in frames()]
    for burst in cycle(heard):
        recv += FRAME_NS
        first = seq + 1
        for event in burst:
            seq += 1
            yield Record(seq, recv, 0 if seq == first else first, event)
        if seq >= events:
            return


def places(log: Log, row: SessionRow, count: int) -> list[tuple[int, int, str]]:
    """Seq and time of random records, and the client id of an order near each."""
    rng = Random(SEED)
    moments, found = Moments(log, row), []
    while len(found) < count:
        record = moments.record(rng.randint(1, row.last_seq))
        placed = next(log.journal(row.id, types=("PlaceOrder",), first=record.seq), None)
        if placed is not None and placed.client_id:
            found.append((record.seq, record.recv, placed.client_id))
    return found


def measure(log: Log, row: SessionRow, count: int, passes: int) -> None:
    """Every way to stand somewhere, at every place: found and shown, the fastest of so many passes."""
    found = places(log, row, count)
    moments = Moments(log, row)
    limit = row.last_seq

    def at(seq: int) -> DebugFact:
        return moment_fact(log, row, seq)

    def onward(seq: int, kind: Kind) -> int:
        try:
            return moments.next(seq, kind)
        except WrongUse:
            return seq  # there is none any more, which is an answer too

    ways: dict[str, Callable[[tuple[int, int, str]], int]] = {
        "debug, a seq": lambda place: seq_of(moments, row, str(place[0])),
        "debug, a time": lambda place: seq_of(moments, row, str(place[1])),
        "debug, an order": lambda place: seq_of(moments, row, place[2]),
        "debug, step on": lambda place: moments.step(place[0], 1 if place[0] < limit else 0),
        "debug, step back": lambda place: moments.step(place[0], -1 if place[0] > 1 else 0),
        "debug, next fill": lambda place: onward(place[0], "fill"),
        "debug, next intent": lambda place: onward(place[0], "intent"),
        "debug, next block": lambda place: onward(place[0], "block"),
    }
    at(found[0][0])  # what is imported at first use is imported
    for name, way in ways.items():
        spans, used = list[int](), list[int]()
        for place in found:
            wall, cpu = list[int](), list[int]()
            for _ in range(passes):
                start, begun = perf_counter_ns(), process_time_ns()
                fact = at(way(place))
                wall.append(perf_counter_ns() - start)
                cpu.append(process_time_ns() - begun)
            spans.append(min(wall))
            used.append(min(cpu))
            if fact.note or not fact.operators:
                raise WrongAnswer(f"{name} of {place}: {fact.note or 'no operators'}")
        told = _ms("", spans) | _ms("cpu_", used)
        tell("L", name, len(spans), sum(spans) / 1e9, events=float(limit), one=1.0, **told)


def _ms(prefix: str, spans_ns: list[int]) -> dict[str, float]:
    known = percentiles(spans_ns)
    return {f"{prefix}{name}_ms": known[f"{name}_us"] / 1e3 for name in ("p50", "p99", "max")}


_COMMAND = "import sys; from app.cli import run; sys.exit(run(sys.argv[1:]))"


def command(url: str) -> None:
    """A whole command line, with the start of the interpreter and what it imports."""
    start = perf_counter_ns()
    words = ["debug", SESSION, "--at", "1000", "--log", url, "--json"]
    done = subprocess.run([sys.executable, "-c", _COMMAND, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise WrongAnswer(f"tapeline {' '.join(words)} ended with {done.returncode}: {done.stderr}")
    tell("L", "debug, command", 1, (perf_counter_ns() - start) / 1e9)


def main(events: int, count: int, passes: int) -> None:
    if not (SCRATCH / f"{INPUT}.jsonl").exists():  # where it is run by itself
        sys.stderr.write(f"input: {prepare()}\n")
    path = Path(SCRATCH) / f"debugged-{events}.db"
    url = f"sqlite:///{path}"
    if not path.exists():
        unfinished = path.with_suffix(".part")
        unfinished.unlink(missing_ok=True)
        record(f"sqlite:///{unfinished}", events)
        unfinished.rename(path)
    with Log.open(url, create=False) as log:
        measure(log, log.find(SESSION), count, passes)
    command(url)


if __name__ == "__main__":
    few = frame_limit()
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS if few is None else 2 * few,
        PLACES if few is None else 5,
        int(sys.argv[2]) if len(sys.argv) > 2 else 1,
    )
