"""P7: the same sweep on one process and on two: what a core is worth to it.

`python -m benchmarks.p7_sweep`; sixteen sets of `plain` over a session of two symbols. `efficiency` is t1 / (2 t2) by wall, which
says something on an idle machine of two cores only; `by_cpu` is the CPU of the first over that of the second, workers' starts
included, which says as much where others use the machine too. Each run reads its session anew, in flat memory: a tenth of it.
"""

import os
import resource
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from app.commands.sweep import job_of
from app.sweeping import grid_sets, run_all
from benchmarks.l_debug import SESSION, record
from benchmarks.measure import SCRATCH, WrongAnswer, cpu_s, frame_limit, tell
from replay.sweep import Job, Outcome
from state.log import Log

EVENTS = 60_000
SPREADS, FACTORS = "0.05,0.5,2,4", "0,1,2,4"
FEW_FACTORS = "0"  # where tests run it: that two processes come to the same is not the truer for more sets
ALONE, SHARED = "tapeline, sweep on 1 process", "tapeline, sweep on 2 processes"


@dataclass(frozen=True, slots=True)
class Ran:
    """What one sweep took: CPU is that of this process and of its workers."""

    outcomes: list[Outcome]
    wall_s: float
    cpu_s: float


def jobs(url: str, factors: str) -> list[Job]:
    sets = grid_sets([f"base_spread_bps={SPREADS}", f"volatility_factor={factors}"])
    with Log.open(url, create=False) as log:
        row = log.find(SESSION)
        return [job_of(log, url, row, (1, row.last_seq), "plain", [], words) for words in sets]


def run(known: list[Job], workers: int) -> Ran:
    start, used = perf_counter(), _cpu_s()
    outcomes = run_all(known, workers=workers, scheduler=None, done_before=None, progress=lambda done: None)
    return Ran(outcomes, perf_counter() - start, _cpu_s() - used)


def _cpu_s() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return cpu_s() + ended.ru_utime + ended.ru_stime


def main(events: int, factors: str) -> None:
    with tempfile.TemporaryDirectory(prefix="sweep_", dir=SCRATCH) as folder:
        url = f"sqlite:///{Path(folder) / 'swept.db'}"
        record(url, events)
        known = jobs(url, factors)
        run(known[:1], 1)  # what is imported at first use is imported
        one, two = run(known, 1), run(known, 2)
    if one.outcomes != two.outcomes or not any(it.fills for it in one.outcomes):
        raise WrongAnswer("two processes came to other outcomes than one, or nothing was filled")
    runs = len(known)
    tell("P7", ALONE, runs, one.wall_s, cpu_s=one.cpu_s)
    tell(
        "P7",
        SHARED,
        runs,
        two.wall_s,
        cpu_s=two.cpu_s,
        efficiency=one.wall_s / (2 * two.wall_s),
        by_cpu=one.cpu_s / two.cpu_s,
        load=os.getloadavg()[0],
        one=1.0,
    )


if __name__ == "__main__":
    few = frame_limit()
    main(EVENTS, FACTORS) if few is None else main(few, FEW_FACTORS)
