"""The search itself: it finds planted bugs, makes the plan small, and what it writes is a test that fails for the same reason."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.base.lookup import LookUps
from adapters.base.nonces import Nonces
from adapters.loopback.proxy import Plan, Trouble, random_plan
from adapters.loopback.proxy.plan import Kind
from app.chaos.search import search, shrink, write_test
from app.chaos.trial import Verdict, set_back_s, trial
from app.cli import run
from state.orders import Orders

SEEDS = 12
WHOLE = os.environ.get("TAPELINE_CHAOS") == "whole"


def verdict_of(plan: Plan, *findings: str) -> Verdict:
    return Verdict(plan, "s", 100, 3, list(findings), {})


def fails_with(*needed: str) -> Callable[[Plan], Verdict]:
    """A session that breaks where all of these troubles come together."""

    def judged(plan: Plan) -> Verdict:
        kinds = {trouble.kind for trouble in plan.troubles}
        return verdict_of(plan, *(["it broke"] if set(needed) <= kinds else []))

    return judged


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
    judged = fails_with(*needed)
    smallest, _ = shrink(judged(Plan("bybit", 1, tuple(troubles))), judged)
    assert {trouble.kind for trouble in smallest.plan.troubles} == set(needed)


def test_nothing_is_found_where_every_promise_holds() -> None:
    heard: list[Verdict] = []
    assert search([random_plan("bybit", seed) for seed in range(5)], verdict_of, heard.append) is None
    assert len(heard) == 5


def test_no_clock_is_set_back_to_before_the_session_began() -> None:
    steps = (Trouble(3.0, "clock_step", "rest", for_s=-3.0), Trouble(1.0, "clock_step", "rest", for_s=1.0))
    assert set_back_s(Plan("bybit", 1, steps)) == 2.0
    assert set_back_s(Plan("bybit", 1, (*steps, Trouble(4.0, "clock_step", "rest", for_s=-1.0)))) == 3.0
    assert set_back_s(Plan("bybit", 1, (Trouble(1.0, "cut", "private"),))) == 0.0


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


@pytest.mark.skipif(not WHOLE, reason="minutes of sessions: make chaos")
@pytest.mark.parametrize("bug", BUGS)
@pytest.mark.timeout(1800)
def test_a_planted_bug_is_found_within_a_fixed_number_of_seeds(
    bug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue = plant(bug, monkeypatch)
    plans = [random_plan(venue, seed, count=5, within_s=3.0, kinds=BUGS[bug]) for seed in range(1, SEEDS + 1)]
    found = search(plans, lambda plan: trial(plan, f"sqlite:///{tmp_path}/log.db"))
    assert found is not None, f"{bug} was not found in {SEEDS} seeds"
    assert len(found.smallest.plan.troubles) < len(found.first.plan.troubles)


def test_a_planted_bug_breaks_a_promise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    venue = plant("a double-counted fill", monkeypatch)
    # The second keeps it trading: within a second there may be no fill that comes twice.
    plan = Plan(venue, 3, (Trouble(0.1, "duplicate", "private", count=400), Trouble(3.0, "duplicate", "private")))
    verdict = trial(plan, f"sqlite:///{tmp_path}/log.db")
    assert any("position" in finding or "we hold" in finding for finding in verdict.findings), verdict


def test_what_is_written_is_a_test_that_runs(tmp_path: Path) -> None:
    plan = Plan("bybit", 3, (Trouble(0.2, "cut", "private"),))
    path = write_test(verdict_of(plan, "it broke"), tmp_path)
    assert path.name == "test_chaos_bybit_3.py"
    names: dict[str, Any] = {}
    exec(compile(path.read_text(), str(path), "exec"), names)
    names["test_the_promises_hold_under_this_plan"](tmp_path)  # the plan holds today


def test_the_command_says_what_it_tried(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = tmp_path / "plan.json"
    plan.write_bytes(msgspec.json.encode(Plan("binance", 2, (Trouble(0.2, "drop", "public"),))))
    assert run(["chaos", "--plan", str(plan), "--json", "-o", str(tmp_path)]) == 0
    fact = json.loads(capsys.readouterr().out)
    assert [verdict["findings"] for verdict in fact["verdicts"]] == [[]]
    assert fact["smallest"] is None


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        pytest.param(("--venue", "nosuch"), "no loopback venue 'nosuch'", id="a venue that there is not"),
        pytest.param(("--kind", "flood"), "--kind is one of drop", id="a trouble that there is not"),
        pytest.param(("--plan", "nosuch.json"), "nosuch.json: No such file", id="a file that is not there"),
        pytest.param(("-o", "nosuch"), "nosuch is no folder", id="a folder that is not there"),
    ],
)
def test_wrong_words_get_one_line(words: tuple[str, ...], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["chaos", *words]) == 2
    assert complaint in capsys.readouterr().err
