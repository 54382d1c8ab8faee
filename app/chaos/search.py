"""The search: plans from seeds until one breaks a promise, then fewer and fewer troubles while it still does."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from adapters.loopback.proxy import Plan
from app.chaos.trial import Verdict

TRIES = 2  # a race may not be lost each time: a smaller plan counts as harmless only if it was so this often

Trial = Callable[[Plan], Verdict]


@dataclass(frozen=True, slots=True)
class Found:
    """A plan that breaks a promise, the smallest one that still does, and how many trials that took."""

    first: Verdict
    smallest: Verdict
    trials: int


def search(
    plans: Iterable[Plan], trial: Trial, heard: Callable[[Verdict], None] = lambda verdict: None
) -> Found | None:
    """The first of the plans that fails, made small; None where all hold. `heard` is told every verdict."""
    for trials, plan in enumerate(plans, start=1):
        verdict = trial(plan)
        heard(verdict)
        if not verdict.clean:
            smallest, more = shrink(verdict, trial, heard)
            return Found(verdict, smallest, trials + more)
    return None


def shrink(
    failed: Verdict, trial: Trial, heard: Callable[[Verdict], None] = lambda verdict: None
) -> tuple[Verdict, int]:
    """Leaves out one trouble after the other, the last first, as long as what is left still fails."""
    smallest, trials, number = failed, 0, len(failed.plan.troubles) - 1
    while number >= 0 and len(smallest.plan.troubles) > 1:
        smaller = smallest.plan.without(number)
        for _ in range(TRIES):
            verdict = trial(smaller)
            trials += 1
            heard(verdict)
            if not verdict.clean:
                smallest = verdict
                break
        number -= 1
    return smallest, trials


def write_test(verdict: Verdict, folder: Path) -> Path:
    """Writes the plan as a test that fails until its cause is mended; the file's path."""
    plan = verdict.plan
    path = folder / f"test_chaos_{plan.venue.replace('.', '_')}_{plan.seed}.py"
    body = msgspec.json.format(msgspec.json.encode(plan), indent=2).decode()
    findings = "\n".join(f"# {finding}"[:120] for finding in verdict.findings)
    path.write_text(_TEST.format(venue=plan.venue, seed=plan.seed, plan=body, findings=findings))
    return path


_TEST = '''"""Found by `tapeline chaos --venue {venue}`, made as small as it still failed: the plan is the whole of it."""

from pathlib import Path

import msgspec

from adapters.loopback.proxy import Plan
from app.chaos.trial import trial

# What was found:
{findings}
PLAN = """
{plan}
"""


def test_the_promises_hold_under_this_plan(tmp_path: Path) -> None:
    verdict = trial(msgspec.json.decode(PLAN, type=Plan), f"sqlite:///{{tmp_path}}/log.db")
    assert verdict.findings == []
'''
