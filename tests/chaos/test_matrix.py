"""Every trouble on every venue, at every place. `make chaos` runs all of it, the suite a sample (TAPELINE_CHAOS)."""

import os
import zlib
from pathlib import Path

import pytest

from adapters.loopback import LOOPBACKS
from adapters.loopback.proxy import KINDS, Plan, Trouble, random_plan
from adapters.loopback.proxy.plan import MEANINGS, Kind, Spot
from app.chaos.trial import trial

WHOLE = os.environ.get("TAPELINE_CHAOS") == "whole"
SAMPLE = {"bybit": 2}  # cases that the suite runs; one of every other venue


def cases() -> list[tuple[str, Kind, Spot]]:
    return [(venue, kind, spot) for venue in sorted(LOOPBACKS) for kind in KINDS for spot in MEANINGS[kind].spots]


def chosen() -> list[tuple[str, Kind, Spot]]:
    """A sample by name, so that a new case seldom moves the others, and of no trouble twice."""
    if WHOLE:
        return cases()
    drawn = sorted(cases(), key=lambda case: zlib.crc32(" ".join(case).encode()))
    found: dict[Kind, tuple[str, Kind, Spot]] = {}
    for venue in sorted(LOOPBACKS):
        for _ in range(SAMPLE.get(venue, 1)):
            case = next(case for case in drawn if case[0] == venue and case[1] not in found)
            found[case[1]] = case
    return list(found.values())


def plan_of(venue: str, kind: Kind, spot: Spot) -> Plan:
    lasts = MEANINGS[kind].lasts
    for_s = 3.0 if kind == "clock_step" else 1.0 if lasts else 0.0
    status = 503 if kind == "refused" else 0
    return Plan(venue, 1, (Trouble(0.5, kind, spot, count=1 if lasts else 2, for_s=for_s, status=status),))


def test_every_venue_meets_every_trouble_and_the_sample_knows_every_venue() -> None:
    assert len(cases()) == len(LOOPBACKS) * sum(len(MEANINGS[kind].spots) for kind in KINDS)
    assert {venue for venue, _, _ in chosen()} == set(LOOPBACKS)


@pytest.mark.parametrize(("venue", "kind", "spot"), chosen())
def test_the_promises_hold(venue: str, kind: Kind, spot: Spot, tmp_path: Path) -> None:
    verdict = trial(plan_of(venue, kind, spot), f"sqlite:///{tmp_path}/log.db")
    assert verdict.findings == []
    assert verdict.events > 50


@pytest.mark.parametrize("seed", range(1, 13) if WHOLE else [13])
@pytest.mark.parametrize("venue", sorted(LOOPBACKS) if WHOLE else ["okx"])
def test_a_session_that_is_stopped_in_the_middle_leaves_nothing(venue: str, seed: int, tmp_path: Path) -> None:
    verdict = trial(random_plan(venue, seed, count=8, stops=True), f"sqlite:///{tmp_path}/log.db")
    assert verdict.findings == []
