"""Ten million events in one session: audited, verified, rebuilt by the commands themselves; time, and the most memory held.

`python -m benchmarks.ten_million [EVENTS [audit|verify|rebuild …]]`. The session is a simulation of `plain` on two symbols over
the input played again and again, written by the log's own writer, with a private frame behind every word of the venue on an
order. A tenth of it is measured first: what is flat holds no more of ten times as much.
"""

import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from time import perf_counter

from adapters import order_ids
from adapters.bybit.websocket import Websocket
from adapters.paper import PaperSettings
from app.collector import Collector
from benchmarks.inputs import prepare
from benchmarks.measure import FRAMES as INPUT
from benchmarks.measure import SCRATCH, WrongAnswer, frames, tell
from benchmarks.opening import FRAME_NS, START_NS, opening
from replay.proof.checkpoints import checkpoint
from replay.simulate import Simulation
from state.events import AnyEvent, Fill, OrderUpdate
from state.log import Log, SessionWriter
from state.manifest import Manifest
from state.record import Frame, Record, to_json
from streams.strategies.recorded import entry, strategies_of

EVENTS = 10_000_000
FRAMES = 59_500
SIZES = {"BTCUSDT": "0.001", "ETHUSDT": "0.01"}
# Quotes at the touch and often, so that the session has orders, amends and fills in numbers.
EAGER = {
    "max_position": "1",
    "base_spread_bps": 0.05,
    "min_bps": 0.02,
    "volatility_factor": 0.0,
    "levels": 1,
    "requote_s": 0.05,
}
MOST_MB = 300.0  # P8's bound for ten million events replayed
WORDS = {"audit": ["audit"], "verify": ["replay", "--verify"], "rebuild": ["state"]}


class _WithFrames:
    """The writer, with a frame for what a venue would have said in private; counts what it is given."""

    def __init__(self, writer: SessionWriter) -> None:
        self._writer = writer
        self.count = 0

    def append(self, record: Record, frame: Frame | None = None) -> None:
        self.count = record.seq
        if isinstance(record.event, Fill | OrderUpdate):
            frame = Frame(record.recv, "bybit", "private", "in", to_json(record), private=True)
        self._writer.append(record, frame)


def market(inputs: list[bytes], written: _WithFrames, events: int) -> Iterator[Record]:
    """The input over and over, decoded anew each time, until the session has its events."""
    websocket, seq, recv = Websocket("bybit", "public.0", ""), 0, START_NS
    for event in opening("market")[:-1]:
        seq += 1
        yield Record(seq, recv, 0, event)
    for frame in cycle(inputs):
        recv += FRAME_NS
        heard: list[AnyEvent] = list(websocket.receive(frame, recv))
        first = seq + 1
        for event in heard:
            seq += 1
            yield Record(seq, recv, 0 if seq == first else first, event)
        if written.count >= events:
            return


def plain_on_both(params: dict[str, object]) -> Manifest:
    """Of a simulation of `plain` on two symbols."""
    return Manifest(
        seed=7,
        strategies=[
            entry(f"plain.{symbol}", "plain", {"venue": "bybit", "symbol": symbol, "size": size, **params})
            for symbol, size in SIZES.items()
        ],
        venues=["bybit"],
        symbols=list(SIZES),
        source="simulation",
        python=platform.python_version(),
    )


def record(url: str, session: str, inputs: list[bytes], events: int) -> int:
    """Writes the session with its checkpoints, as a live one has them, and returns how many records it has."""
    manifest = plain_on_both(EAGER)
    with Log.open(url) as log:
        writer = log.begin(session, manifest.to_json(), START_NS, parent="market", stall_timeout_s=600.0)
        sink = _WithFrames(writer)
        simulation = Simulation(
            sink, order_ids(session), strategies_of(manifest), PaperSettings(), session=session, seed=7, parent="market"
        )
        with Collector():
            writer.close(simulation.run(market(inputs, sink, events)).last_recv)
        checkpoint(log, session)
        return log.find(session).last_seq


@dataclass(frozen=True, slots=True)
class Used:
    """What one command took."""

    seconds: float
    cpu_s: float
    peak_mb: float


# Linux counts the parent's memory as the child's until it runs a program of its own, in all but this line.
_COMMAND = """
import sys
from app.cli import run
code = run(sys.argv[1:])
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print("\\npeak", peak, file=sys.stderr)
sys.exit(code)
"""


def run(words: list[str]) -> Used:
    """One command line in a process of its own; raises `WrongAnswer` unless it ends clean."""
    start = perf_counter()
    before = getrusage(RUSAGE_CHILDREN)
    ended = subprocess.run([sys.executable, "-c", _COMMAND, *words], capture_output=True, text=True, check=False)
    if ended.returncode:
        raise WrongAnswer(f"tapeline {' '.join(words)} ended with {ended.returncode}: {ended.stdout}{ended.stderr}")
    sys.stderr.write(ended.stdout)
    after = getrusage(RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Used(perf_counter() - start, cpu_s, int(ended.stderr.split()[-1]) / 1024)


def measure(folder: Path, inputs: list[bytes], events: int, works: Sequence[str]) -> dict[str, Used]:
    """Records a session of so many events and goes through it by each command."""
    url, session = f"sqlite:///{folder / f'{events}.db'}", f"20260101-{events}"
    start = perf_counter()
    count = record(url, session, inputs, events)
    tell("P8", "recorded", count, perf_counter() - start, bytes=float((folder / f"{events}.db").stat().st_size))
    used = {}
    for name in works:
        words = WORDS[name]
        it = used[name] = run([words[0], session, *words[1:], "--log", url])
        tell("P8", name, count, it.seconds, minutes=it.seconds / 60, cpu_s=it.cpu_s, peak_mb=it.peak_mb)
    return used


def main(events: int, works: Sequence[str]) -> int:
    """0 where memory is flat and under its bound, 1 where it is not."""
    if not (SCRATCH / f"{INPUT}.jsonl").exists():
        sys.stderr.write(f"input: {prepare(FRAMES)}\n")
    inputs = frames()
    with tempfile.TemporaryDirectory(prefix="ten_million_", dir=SCRATCH) as folder:
        tenth = measure(Path(folder), inputs, events // 10, works)
        whole = measure(Path(folder), inputs, events, works)
    flat = True
    for name, it in whole.items():
        grown = it.peak_mb - tenth[name].peak_mb
        held = it.peak_mb <= MOST_MB and grown <= MOST_MB / 10
        flat = flat and held
        sys.stderr.write(
            f"{name}: {it.seconds / 60:.1f} minutes ({it.cpu_s / 60:.1f} of CPU), at most {it.peak_mb:.0f} MB, "
            f"{grown:+.0f} MB for ten times the events: {'flat' if held else 'NOT flat'}\n"
        )
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS, sys.argv[2:] or tuple(WORDS)))
