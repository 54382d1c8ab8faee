"""A soak: 24 virtual hours with faults on every venue (`make soak`); the suite takes minutes of one, over midnight and a funding.

`TAPELINE_SOAK` says how many virtual hours, `TAPELINE_SOAK_VENUE` where alone, `TAPELINE_SOAK_SEED` by which plan.
"""

import ctypes
import os
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.loopback import LOOPBACKS
from tests.chaos.census import FEWEST, Census, drifted, drifts, growth, take
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
    if len(soaked.full) >= FEWEST:
        print({name: round(rise) for name, rise in drifts(soaked.full).items()}, "risen since the sixth hour")
    assert_held(soaked)


def census(objects: int, tasks: int = 40) -> Census:
    counts = f'{{"state.events.Fill": {objects}}}'.encode()
    return Census(0.0, counts, objects, 10**6, tasks, 20, 40, 10**8, 350_000, 20 * 2**20, 10 * 2**20)


def test_a_leak_is_seen_and_what_comes_and_goes_is_not() -> None:
    steady = [census(n) for n in (900, 400, 1_000, 700, 950, 500, 1_000, 650, 400)]
    assert growth(steady, objects=True) == []
    leaking = [census(1_000 + 200 * n) for n in range(9)]
    assert growth(leaking, objects=True) == ["state.events.Fill: 1400 objects became 2200"]
    assert growth(leaking, objects=False) == []
    orphans = [census(1, tasks=40 + 5 * n) for n in range(9)]
    assert growth(orphans, objects=False) == ["tasks: 50 became 75"]


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="the C library does not tell of its heap")
@pytest.mark.parametrize(
    ("leaked", "told"),
    [
        pytest.param(lambda: None, set(), id="nothing"),
        pytest.param(lambda: [bytes(167) for _ in range(150)], {"beyond"}, id="200 bytes a fill, as many as in a soak"),
        pytest.param(lambda: bytearray(100_000), {"malloced"}, id="a buffer an hour that grows"),
        pytest.param(lambda: [bytes(600) for _ in range(150)], {"malloced", "beyond"}, id="600 bytes a fill"),
        pytest.param(lambda: bytearray(4 * 2**20), {"resident", "held", "malloced"}, id="mappings"),
        pytest.param(lambda: socket.socket(), {"handles"}, id="a socket"),
    ],
)
async def test_a_leak_that_no_session_leads_to_is_told(leaked: Callable[[], object], told: set[str]) -> None:
    kept: list[object] = []
    taken = []
    for hour in range(18):
        kept.append(leaked())
        del [bytes(1_000) for _ in range(1_000 * (hour % 3))][:]
        taken.append(take(object(), hour * 3600.0))
    found = {finding.split(":")[0] for finding in drifted(taken)}
    assert found - {"resident", "held"} == told - {"resident", "held"}
    assert found >= told  # the coarse ones may tell what is small, and need not
    for each in kept:
        if isinstance(each, socket.socket):
            each.close()


def test_one_moment_of_much_work_is_no_trend() -> None:
    taken = [
        replace(census(1), at_s=3600.0 * hour, blocks=350_000 + 20_000 * (hour in (3, 16, 17))) for hour in range(18)
    ]
    assert drifted(taken) == []
