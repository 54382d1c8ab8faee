"""`python -m benchmarks [WORK…] [--rivals] [--rounds N]`: measures, prints tables and the targets, met or not."""

import argparse
import os
import platform
import sys
from pathlib import Path

from benchmarks.cases import CASES
from benchmarks.d_decode import prepare_all as prepare_venues
from benchmarks.inputs import MOST_FRAMES, prepare
from benchmarks.measure import SCRATCH
from benchmarks.results import Results, table
from benchmarks.rivals.environments import build
from benchmarks.rounds import run_rounds
from benchmarks.targets import verdicts

RESULTS = "results.jsonl"


def main(arguments: list[str]) -> int:
    """0, or 1 where something that was to be measured told no number."""
    asked = _parser().parse_args(arguments)
    if asked.table:
        report(Results.read(Path(asked.table)))
        return 0
    print(machine())
    print(f"input: {prepare(asked.frames)}")
    if not asked.works or "D" in asked.works:
        print(f"input of D: {prepare_venues()}")
    if asked.frames < MOST_FRAMES:
        os.environ["TAPELINE_BENCH_FRAMES"] = str(asked.frames)
    works = set(asked.works)
    cases = [case for case in CASES if not works or case.work in works]
    interpreters = build({case.rival for case in cases}) if asked.rivals else {}
    cases = [case for case in cases if not case.rival or case.rival in interpreters]
    keep = Path(asked.keep) if asked.keep else SCRATCH / RESULTS
    keep.parent.mkdir(parents=True, exist_ok=True)
    keep.unlink(missing_ok=True)
    measurements = run_rounds(cases, asked.rounds, interpreters, keep=keep)
    report(Results(measurements))
    print(f"\nall measurements: {keep}")
    return 0 if measurements else 1


def machine() -> str:
    """What the numbers were measured on."""
    return (
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"CPython {platform.python_version()}; load {os.getloadavg()[0]:.2f}"
    )


def report(results: Results) -> None:
    """Tables of all works, then the targets."""
    for work in sorted({each.work for each in results.measurements}):
        print(f"\n{table(results, work)}")
    print(f"\n{verdicts(results)}")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "works",
        nargs="*",
        help="P1 … P9, OP for operators, D for each venue's decoding, L for debug; all of them where none is named",
    )
    parser.add_argument(
        "--rivals", action="store_true", help="other projects on the same frames too, installed if need be"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=MOST_FRAMES, help="fewer frames, for a quick look")
    parser.add_argument("--keep", help="where all measurements are written, one JSON line each")
    parser.add_argument("--table", metavar="FILE", help="prints the tables of an earlier run and measures nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
