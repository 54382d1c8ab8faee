"""How long a program takes until it says READY, and its memory by then; standard library only."""

import os
import subprocess
import time

from benchmarks.measure import ROOT, SCRATCH, WrongAnswer, tell

TIMES = 3

_PEAK = "\nimport resource; print('PEAK', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, flush=True)"


def measure_start(name: str, command: list[str]) -> None:
    """Best of three: the first also compiles, and fills the file cache. The program's last line must print READY."""
    walls, peaks = [], []
    for _ in range(TIMES):
        start = time.perf_counter()
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(SCRATCH / "compiled")}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed is compiled, and so is the rival
        with subprocess.Popen([*command[:-1], command[-1] + _PEAK], stdout=subprocess.PIPE, env=environment) as process:
            assert process.stdout is not None
            said = process.stdout.readline()
            walls.append(time.perf_counter() - start)
            peaks += [int(line.split()[1]) / 1024 for line in process.stdout if line.startswith(b"PEAK")]
        if said.strip() != b"READY" or process.returncode:
            raise WrongAnswer(f"{name} did not start: {said!r}")
    tell("P8", name, 1, min(walls), wall_s=min(walls), peak_mb=min(peaks))
