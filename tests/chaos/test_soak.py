"""A soak: 24 virtual hours with faults on every venue (`make soak`); the suite takes minutes of one, over midnight and a funding.

`TAPELINE_SOAK` says how many virtual hours, `TAPELINE_SOAK_VENUE` where alone, `TAPELINE_SOAK_SEED` by which plan.
"""

import os
from collections import Counter
from pathlib import Path

import pytest

from adapters.loopback import LOOPBACKS
from tests.chaos.census import Census, growth
from tests.chaos.soak import Soaked, soak

HOURS = float(os.environ.get("TAPELINE_SOAK", "0"))
SEED = int(os.environ.get("TAPELINE_SOAK_SEED", "1"))
ONLY = os.environ.get("TAPELINE_SOAK_VENUE", "")
SAMPLE = "hyperliquid"  # funding every hour, in two markets at once
SAMPLE_S = 200.0


def assert_held(soaked: Soaked) -> None:
    assert soaked.findings == []
    assert soaked.fills
    assert soaked.fundings
    assert sum(soaked.hits.values())
    assert soaked.events["OrderUpdate"] > 50


def test_minutes_over_midnight(tmp_path: Path) -> None:
    soaked = soak(SAMPLE, f"sqlite:///{tmp_path}/log.db", SAMPLE_S)
    assert_held(soaked)
    assert soaked.reconnects


@pytest.mark.skipif(not HOURS, reason="half an hour to an hour of CPU a venue: make soak")
@pytest.mark.timeout(6 * 3600)
@pytest.mark.parametrize("venue", [ONLY] if ONLY else sorted(LOOPBACKS))
def test_a_day(venue: str, tmp_path: Path) -> None:
    soaked = soak(venue, f"sqlite:///{tmp_path}/log.db", HOURS * 3600, seed=SEED, tell=print)
    print(soaked.hits, soaked.asked, soaked.events)
    assert_held(soaked)


def census(objects: int, tasks: int = 40) -> Census:
    return Census(0.0, Counter({"state.events.Fill": objects}), 10**6, tasks, 20, 40, 10**8)


def test_a_leak_is_seen_and_what_comes_and_goes_is_not() -> None:
    steady = [census(n) for n in (900, 400, 1_000, 700, 950, 500, 1_000, 650, 400)]
    assert growth(steady, objects=True) == []
    leaking = [census(1_000 + 200 * n) for n in range(9)]
    assert growth(leaking, objects=True) == ["state.events.Fill: 1400 objects became 2200"]
    assert growth(leaking, objects=False) == []
    orphans = [census(1, tasks=40 + 5 * n) for n in range(9)]
    assert growth(orphans, objects=False) == ["tasks: 50 became 75"]
