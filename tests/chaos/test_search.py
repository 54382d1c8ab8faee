"""The search itself: it finds planted bugs, makes the plan small, and what it writes is a test that fails for the same reason."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from adapters.base.lookup import LookUps
from adapters.base.nonces import Nonces
from adapters.loopback.proxy import Plan, Trouble, random_plan
from adapters.loopback.proxy.plan import Kind
from app.chaos.search import search, shrink, write_test
from app.chaos.trial import Verdict, trial
from state.orders import Orders

SEEDS = 6
WHOLE = os.environ.get("TAPELINE_CHAOS") == "whole"


def verdict_of(plan: Plan, *findings: str) -> Verdict:
    return Verdict(plan, "s", 100, 3, list(findings), {})


def fails_with(*needed: str) -> Callable[[Plan], Verdict]:
    """A session that breaks where all of these troubles come together."""

    def run(plan: Plan) -> Verdict:
        kinds = {trouble.kind for trouble in plan.troubles}
        return verdict_of(plan, *(["it broke"] if set(needed) <= kinds else []))

    return run


def test_the_same_seed_is_the_same_plan_and_plans_are_data() -> None:
    plan = random_plan("okx", 7)
    assert plan == random_plan("okx", 7)
    assert plan != random_plan("okx", 8)
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan


@pytest.mark.parametrize("needed", [("cut",), ("cut", "drop"), ("reply_lost", "cut", "drop")])
def test_a_failing_plan_is_made_as_small_as_it_still_fails(needed: tuple[str, ...]) -> None:
    troubles = [
        Trouble(1.0, "delay", "public", for_s=0.5), Trouble(1.5, "cut", "private"), Trouble(2.0, "drop", "private"),
        Trouble(2.5, "reply_lost", "trade"), Trouble(3.0, "stale", "public"),
    ]  # fmt: skip
    run = fails_with(*needed)
    smallest, _ = shrink(run(Plan("bybit", 1, tuple(troubles))), run)
    assert {trouble.kind for trouble in smallest.plan.troubles} == set(needed)


def test_nothing_is_found_where_every_promise_holds() -> None:
    heard: list[Verdict] = []
    assert search([random_plan("bybit", seed) for seed in range(5)], verdict_of, heard.append) is None
    assert len(heard) == 5


@pytest.mark.parametrize(
    ("trouble", "complaint"),
    [
        pytest.param('{"at_s": 1, "kind": "tear", "spot": "rest"}', "not of rest", id="a place where it cannot be"),
        pytest.param('{"at_s": 1, "kind": "flood", "spot": "rest"}', "flood", id="a trouble that there is not"),
        pytest.param('{"at_s": 1, "kind": "refused", "spot": "rest"}', "status", id="a refusal of nothing"),
        pytest.param('{"at_s": -1, "kind": "cut", "spot": "public"}', "negative", id="before the beginning"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(trouble: str, complaint: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=complaint):
        msgspec.json.decode(trouble, type=Trouble)


# --- planted bugs ---------------------------------------------------------------------------------------------------


def plant(bug: str, patch: pytest.MonkeyPatch) -> str:
    """Plants one bug and says at which venue it shows."""
    if bug == "a double-counted fill":
        filled = Orders.filled

        def twice(self: Orders, event: object, seq: int) -> bool:
            self._fill_ids.clear()
            return filled(self, event, seq)  # type: ignore[arg-type]

        patch.setattr(Orders, "filled", twice)
        return "bybit"
    if bug == "a lost cancel":
        outcome = LookUps.outcome

        async def forget_cancels(self: LookUps, record: object, action: str) -> None:
            if action != "cancel":
                await outcome(self, record, action)  # type: ignore[arg-type]

        patch.setattr(LookUps, "outcome", forget_cancels)
        return "bybit"
    take, taken = Nonces.take, [0]

    def reuse(self: Nonces, now_ms: int) -> int:
        taken[0] += 1
        if taken[0] % 7:
            self.last = take(self, now_ms)  # type: ignore[attr-defined]
        return self.last  # type: ignore[attr-defined,no-any-return]

    patch.setattr(Nonces, "take", reuse)
    return "hyperliquid"


# The kinds that each is drawn from: the suite has no hour to wait for the right one.
BUGS: dict[str, tuple[Kind, ...]] = {
    "a double-counted fill": ("duplicate", "stale", "drop"),
    "a lost cancel": ("reply_lost", "restart", "silent"),
    "a reused nonce": ("cut", "delay"),
}


@pytest.mark.parametrize("bug", BUGS if WHOLE else list(BUGS)[:1])
@pytest.mark.timeout(900)
def test_a_planted_bug_is_found_within_a_fixed_number_of_seeds(
    bug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue = plant(bug, monkeypatch)
    plans = [random_plan(venue, seed, count=5, within_s=3.0, kinds=BUGS[bug]) for seed in range(1, SEEDS + 1)]
    found = search(plans, lambda plan: trial(plan, f"sqlite:///{tmp_path}/log.db"))
    assert found is not None, f"{bug} was not found in {SEEDS} seeds"
    assert len(found.smallest.plan.troubles) < len(found.first.plan.troubles)


def test_what_is_written_is_a_test_that_runs(tmp_path: Path) -> None:
    plan = Plan("bybit", 3, (Trouble(0.2, "cut", "private"),))
    path = write_test(verdict_of(plan, "it broke"), tmp_path)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(path)],
        cwd=Path(__file__).resolve().parents[2], capture_output=True, text=True, timeout=110,
    )  # fmt: skip
    assert ran.returncode == 0, "the plan holds today: " + ran.stdout + ran.stderr
    assert "1 passed" in ran.stdout
