"""`tapeline conformance`: a venue held to the contract, and what became of each case."""

import os
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import msgspec
import typer

from adapters import conformance as suite
from adapters.conformance.scorecard import RESULTS, Case, decode
from adapters.conformance.subject import subject_of
from app.options import JsonOption, UnreadLogOption, VenueArgument
from app.output import print_json, print_table, remark
from state.errors import TapelineError, WrongUse

PARTS: Final = tuple(sorted(path.stem.removeprefix("test_") for path in Path(suite.__path__[0]).glob("test_*.py")))
_RAN: Final = (0, 1)  # what pytest says where every case came to an end


class CaseFact(msgspec.Struct):
    """What became of one case; `why` where it did not pass."""

    venue: str
    part: str
    case: str
    result: str
    why: str


def conformance(
    venue: VenueArgument,
    part: Annotated[
        list[str] | None, typer.Option("--part", metavar="P", help=f"Of {', '.join(PARTS)}; may be given often.")
    ] = None,
    log: UnreadLogOption = None,
    as_json: JsonOption = False,
) -> int:
    """Hold an adapter and its loopback venue to the contract: each case passed, failed, or is not offered by the venue."""
    for name in part or ():
        if name not in PARTS:
            raise WrongUse(f"the suite has no part {name!r}; known: {', '.join(PARTS)}")
    subject_of(venue)
    if find_spec("pytest") is None:
        raise WrongUse("the suite runs on pytest, which is not installed: pip install pytest")
    cases = _ran(venue, part or PARTS)
    if as_json:
        print_json([CaseFact(case.venue, case.part, case.sentence, case.result, case.why) for case in cases])
    else:
        print_table(
            ("result", "part", "case", "why"), [(case.result, case.part, case.sentence, case.why) for case in cases]
        )
        found = Counter(case.result for case in cases)
        remark(f"{venue}: " + ", ".join(f"{found[result]} {result}" for result in RESULTS))
    return 1 if any(case.result == "failed" for case in cases) else 0


def _ran(venue: str, parts: list[str] | tuple[str, ...]) -> list[Case]:
    """Runs the suite in a process of its own, so that neither's settings reach the other. Raises `TapelineError`."""
    with TemporaryDirectory() as folder:
        scorecard = Path(folder) / "scorecard.json"
        done = subprocess.run(  # noqa: S603 - our own interpreter, and words that were checked
            [
                sys.executable, "-m", "pytest", "-q", "--tb=short",
                "-p", "adapters.conformance.options", "-p", "no:cacheprovider",
                "-c", os.devnull, "--rootdir", folder, "--import-mode=importlib",
                "--venue", venue, "--scorecard", str(scorecard),
                "--pyargs", *(f"{suite.__name__}.test_{part}" for part in parts),
            ],
            env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )  # fmt: skip
        if done.returncode not in _RAN or not scorecard.exists():
            raise TapelineError(f"the suite could not run: {done.stdout.strip()[-500:]}")
        return decode(scorecard.read_bytes())
