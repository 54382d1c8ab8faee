"""`tapeline chaos`: a session on a wire that fails, by a seed, by a file, or by as many seeds as it takes."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from adapters.loopback import LOOPBACKS
from adapters.loopback.proxy import KINDS, Plan, random_plan
from app.chaos.search import Found, search, write_test
from app.chaos.trial import Verdict, trial
from app.options import JsonOption, LogOption
from app.output import print_json, print_lines, remark
from state.errors import WrongUse

CLEAN, FINDINGS = 0, 1


class ChaosFact(msgspec.Struct, frozen=True):
    """What `tapeline chaos --json` prints: every verdict, and the test that was written for the smallest failing plan."""

    verdicts: list[Verdict]
    smallest: Verdict | None = None
    test: str | None = None


def chaos(
    venue: Annotated[str, typer.Option("--venue", metavar="V", help=f"One of {', '.join(LOOPBACKS)}.")] = "bybit",
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of the plan, and of the venue's market.")] = 1,
    seeds: Annotated[
        int, typer.Option("--search", metavar="K", min=1, help="Try so many seeds; make the first failing plan small.")
    ] = 1,
    plan: Annotated[
        Path | None, typer.Option("--plan", metavar="FILE", help="A plan as JSON, instead of one from a seed.")
    ] = None,
    troubles: Annotated[int, typer.Option("--troubles", min=1, help="How many in a plan.")] = 6,
    kinds: Annotated[
        list[str] | None, typer.Option("--kind", metavar="K", help="Draw from these only; may be given often.")
    ] = None,
    stops: Annotated[
        bool, typer.Option("--stop-early", help="Stop the session in the middle of it, instead of once all is calm.")
    ] = False,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Where a failing plan's test goes.")
    ] = Path(),
    log: LogOption = None,
    as_json: JsonOption = False,
) -> int:
    """Run a session on localhost while the wire fails by plan, and hold both sides to each other afterwards."""
    if plan is None and venue not in LOOPBACKS:
        raise WrongUse(f"there is no loopback venue {venue!r}; there is {', '.join(LOOPBACKS)}")
    only = tuple(kind for kind in KINDS if kind in (kinds or KINDS))
    if kinds and len(only) < len(set(kinds)):
        raise WrongUse(f"--kind is one of {', '.join(KINDS)}")
    if not output.is_dir():
        raise WrongUse(f"{output} is no folder")
    plans = [_read(plan)] if plan is not None else [
        random_plan(venue, seed + n, count=troubles, kinds=only, stops=stops) for n in range(seeds)
    ]  # fmt: skip
    verdicts: list[Verdict] = []

    def heard(verdict: Verdict) -> None:
        verdicts.append(verdict)
        if not as_json:
            print_lines(_lines(verdict))

    with tempfile.TemporaryDirectory(prefix="tapeline-chaos-") as folder:
        url = log or f"sqlite:///{folder}/chaos.db"
        found = search(plans, lambda chosen: trial(chosen, url), heard)
    written = None if found is None else write_test(found.smallest, output)
    if as_json:
        smallest = None if found is None else found.smallest
        print_json(ChaosFact(verdicts, smallest, None if written is None else str(written)))
    elif found is not None and written is not None:
        _tell(found, written)
    return CLEAN if found is None else FINDINGS


def _read(path: Path) -> Plan:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Plan)
    except OSError as error:
        raise WrongUse(f"{path}: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise WrongUse(f"{path}: {error}") from error


def _lines(verdict: Verdict) -> Sequence[bytes]:
    plan = verdict.plan
    told = ", ".join(f"{name} x{count}" for name, count in verdict.hits.items()) or "nothing went wrong"
    head = f"{plan.venue} seed {plan.seed}: {verdict.events} events, {verdict.fills} fills; {told}"
    ends = [f"  {finding}" for finding in verdict.findings] or ["  every promise held"]
    return [line.encode() for line in (head, *ends)]


def _tell(found: Found, written: Path) -> None:
    count = len(found.smallest.plan.troubles)
    remark(f"the smallest plan that still fails has {count} of {len(found.first.plan.troubles)} troubles: {written}")
