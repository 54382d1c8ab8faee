"""What every measurement does alike: inputs and their check points, clocks, memory, one JSON line for the driver.

Only the standard library: the rivals' environments run it too.
"""

import gc
import json
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCRATCH = Path(os.environ.get("TAPELINE_BENCH_SCRATCH", ROOT / ".scratch" / "bench"))
FRAMES = "frames"  # name of the input that all frame benchmarks read
TOLERANCE = 1e-6  # between a rival's touch and ours: some round to their own precision

Touch = tuple[float, float]


class WrongAnswer(AssertionError):
    """What was measured did not do the work: its time means nothing."""


def frames(limit: int | None = None) -> list[bytes]:
    """The input: one venue frame a line."""
    lines = (SCRATCH / f"{FRAMES}.jsonl").read_bytes().splitlines()
    return lines[: limit or frame_limit()]


def frame_limit() -> int | None:
    """Tests run with few frames, the driver says how many."""
    word = os.environ.get("TAPELINE_BENCH_FRAMES", "")
    return int(word) if word else None


def check_points() -> dict[int, tuple[str, float, float]]:
    """By frame index: symbol, best bid, best ask after it, from a plain replayer of its own."""
    rows = json.loads((SCRATCH / f"{FRAMES}.expect.json").read_text())
    return {index: (symbol, bid, ask) for index, symbol, bid, ask in rows}


def check(inputs: list[bytes], step: Callable[[bytes], object], touch: Callable[[str], Touch]) -> int:
    """Feeds every frame and compares the touch at each check point; returns how many were compared."""
    expected = check_points()
    compared = 0
    for index, frame in enumerate(inputs):
        step(frame)
        if index in expected:
            compare(index, *expected[index], *touch(expected[index][0]))
            compared += 1
    if not compared:
        raise WrongAnswer("no check point was reached")
    return compared


def compare(index: int, symbol: str, bid: float, ask: float, their_bid: float, their_ask: float) -> None:
    """Raises `WrongAnswer` where a touch is not the replayer's."""
    if abs(float(their_bid) - bid) > TOLERANCE or abs(float(their_ask) - ask) > TOLERANCE:
        raise WrongAnswer(f"frame {index}, {symbol}: touch {their_bid}/{their_ask}, expected {bid}/{ask}")


def is_book(frame: bytes) -> bool:
    return b'"orderbook' in frame[:25]


class Seconds(float):
    """Wall time, and the CPU time that this process used meanwhile: the two part where others use the machine too."""

    cpu: float


def timed(act: Callable[[], object]) -> Seconds:
    """How long `act` takes, started on a clean heap."""
    gc.collect()
    start, used = time.perf_counter(), cpu_s()
    act()
    seconds = Seconds(time.perf_counter() - start)
    seconds.cpu = cpu_s() - used
    return seconds


def percentiles(spans_ns: list[int]) -> dict[str, float]:
    """p50, p99, p99.9 and longest, µs."""
    spans = sorted(spans_ns)
    last = len(spans) - 1
    return {
        "p50_us": spans[last // 2] / 1e3,
        "p99_us": spans[int(last * 0.99)] / 1e3,
        "p999_us": spans[int(last * 0.999)] / 1e3,
        "max_us": spans[-1] / 1e3,
    }


def cpu_s() -> float:
    """CPU time of this process, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def resident_mb() -> float:
    """Resident memory now; the peak where /proc is not mounted."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except FileNotFoundError:
        return peak_mb()
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def peak_mb() -> float:
    """Highest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def tell(work: str, name: str, n: int, seconds: float, **figures: float) -> None:
    """One measurement, for the driver: `n` units of work took `seconds`; `us` is one of them."""
    told = {"us": seconds / n * 1e6, "per_s": n / seconds}
    if isinstance(seconds, Seconds):
        told["cpu_us"] = seconds.cpu / n * 1e6
    told.update(figures)
    print(json.dumps({"work": work, "name": name, "n": n, "seconds": seconds, "figures": told}), flush=True)
