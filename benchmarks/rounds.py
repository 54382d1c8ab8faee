"""Interleaved rounds: in each, every case once in a fresh process, so that drift of the machine meets all of them alike."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.cases import Case
from benchmarks.measure import ROOT
from benchmarks.results import Measurement, encode, parse

CASE_TIMEOUT_S = 300.0


class CaseFailed(Exception):
    """A measuring process ended with an error: what it was trying to do does not work, so there is no number."""


def run_rounds(
    cases: Sequence[Case],
    rounds: int,
    interpreters: dict[str, Path],
    *,
    keep: Path | None = None,
    say: Callable[[str], None] = print,
) -> list[Measurement]:
    """Measurements of all rounds; a case that fails is told once and left out of the rounds after."""
    measurements: list[Measurement] = []
    failed: set[Case] = set()
    for number in range(1, rounds + 1):
        for case in cases:
            if case in failed:
                continue
            try:
                told = run_case(case, number, interpreters)
            except CaseFailed as failure:
                failed.add(case)
                say(f"{case.work} {case.module} {' '.join(case.arguments)}: no number: {failure}")
                continue
            measurements += told
            if keep is not None:
                with keep.open("ab") as file:
                    file.writelines(encode(each) + b"\n" for each in told)
        say(f"round {number} of {rounds} done")
    return measurements


def run_case(case: Case, number: int, interpreters: dict[str, Path]) -> list[Measurement]:
    """One fresh process; raises `CaseFailed` with the last line that it said."""
    python = interpreters.get(case.rival) if case.rival else Path(sys.executable)
    if python is None:
        raise CaseFailed(f"the environment of {case.rival} is not there")
    command = [str(python), "-m", case.module, *case.arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, timeout=CASE_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise CaseFailed(f"not done after {CASE_TIMEOUT_S:.0f} s") from None
    told = [parse(line, number) for line in done.stdout.splitlines() if line.startswith(b'{"work"')]
    if done.returncode or not told:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["it told nothing"]
        raise CaseFailed(said[-1])
    return told
