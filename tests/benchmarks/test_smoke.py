"""The benchmarks do the work that they time: tiny counts, every check in them on, no number judged."""

import json
from pathlib import Path

import pytest

from benchmarks.cases import CASES
from benchmarks.d_decode import prepare as prepare_venue
from benchmarks.inputs import prepare
from benchmarks.measure import ROOT, WrongAnswer, compare
from benchmarks.replayer import Replayer
from benchmarks.results import Measurement, Results, table
from benchmarks.targets import MEASURED_IN, TARGETS, verdicts
from tests import command
from tests.depth import depth

FRAMES = depth(500, 1_500)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Inputs by the seeded generator, so that the test needs no recordings."""
    folder = tmp_path_factory.mktemp("bench")
    told = prepare(FRAMES, recordings=folder / "absent", folder=folder)
    assert "seeded generator" in told
    return folder


def run(scratch: Path, module: str, *arguments: str) -> dict[str, dict]:
    variables = {"TAPELINE_BENCH_SCRATCH": str(scratch), "TAPELINE_BENCH_FRAMES": str(FRAMES)}
    done = command.module(module, *arguments, cwd=ROOT, **variables)
    assert done.returncode == 0, done.stderr
    return {told["name"]: told for told in map(json.loads, done.stdout.splitlines())}


PROGRAMS = {
    "P1 books are the replayer's": ("benchmarks.p1_in_process", (), "tapeline"),
    "P2 everything taken is stored": ("benchmarks.p2_durable", ("log",), "tapeline, every event durable"),
    "P2 strategies run without the log too": ("benchmarks.p2_durable", ("no-log",), "tapeline, without the log"),
    "P4 each frame leads to one signed order": ("benchmarks.p4_order", (), "tapeline, order"),
    "P4 an order leaves after its commit": ("benchmarks.p4_order", ("durable",), "tapeline, order, durable before"),
    "P5 what is read back is what was written": ("benchmarks.p5_append", ("sqlite",), "tapeline blocks, SQLite"),
    "P6 rebuilt and verified to the bit": ("benchmarks.p6_replay", (), "tapeline rebuild"),
    "P7 every quote is seen and orders fill": ("benchmarks.p7_simulate", ("quotes",), "tapeline, quotes"),
    "P7 every level change is seen": ("benchmarks.p7_simulate", ("deltas",), "tapeline, deltas"),
    "P7 a sweep comes to the same on two processes": ("benchmarks.p7_sweep", (), "tapeline, sweep on 2 processes"),
    "P8 every record of the long run is in the log": (
        "benchmarks.p8_tail",
        ("3000",),
        "tapeline, a million frames with the log",
    ),
    "P8 a long session is audited in flat memory": ("benchmarks.ten_million", ("2000", "audit"), "audit"),
    "P9 every event is read whatever grows": ("benchmarks.p9_growth", (), "200 symbols"),
    "P9 every event is heard": ("benchmarks.p9_streams", (), "own source"),
    "L debug stands at every place with its operators": ("benchmarks.l_debug", (), "debug, an order"),
    "OP every operator speaks, and plain quotes": ("benchmarks.operators", (), "pipeline with plain"),
}


@pytest.mark.parametrize(("module", "arguments", "name"), PROGRAMS.values(), ids=PROGRAMS)
def test_a_measurement_does_what_it_times(scratch: Path, module: str, arguments: tuple[str, ...], name: str) -> None:
    told = run(scratch, module, *arguments)[name]
    assert told["n"] > 0
    assert told["seconds"] > 0


def test_the_socket_hands_over_every_book_frame(scratch: Path) -> None:
    assert run(scratch, "benchmarks.p3_socket")["tapeline, socket"]["n"] == FRAMES


def test_the_same_seed_gives_the_same_bytes(scratch: Path, tmp_path: Path) -> None:
    prepare(FRAMES, recordings=tmp_path / "absent", folder=tmp_path)
    assert (tmp_path / "frames.jsonl").read_bytes() == (scratch / "frames.jsonl").read_bytes()


def test_the_real_capture_is_used_where_it_is(recordings: Path, tmp_path: Path) -> None:
    assert prepare(FRAMES * 2, recordings=recordings, folder=tmp_path).startswith("capture bybit/")


@pytest.mark.parametrize("venue", ["okx.spot", "hyperliquid", "dydx"])
def test_each_venues_frames_are_decoded_to_the_book_that_they_come_to(
    recordings: Path, tmp_path: Path, venue: str
) -> None:
    frames = prepare_venue(venue, recordings, tmp_path)
    assert frames.ask > frames.bid > 0
    assert frames.trades
    told = run(tmp_path, "benchmarks.d_decode", venue)[f"tapeline, {venue}"]
    assert told["n"] >= len(frames.frames)
    with pytest.raises(WrongAnswer, match="expected"):
        frames.check(frames.bid, frames.ask + 1, frames.trades)
    with pytest.raises(WrongAnswer, match="trades"):
        frames.check(frames.bid, frames.ask, frames.trades - 1)


def test_a_touch_that_is_not_the_replayers_is_a_wrong_answer() -> None:
    compare(1, "X", 10.0, 11.0, 10.0, 11.0)
    with pytest.raises(WrongAnswer, match="expected"):
        compare(1, "X", 10.0, 11.0, 10.0, 11.5)


def test_the_replayer_refuses_a_delta_before_its_snapshot() -> None:
    with pytest.raises(ValueError, match="before its snapshot"):
        Replayer().take(b'{"topic":"orderbook.50.X","type":"delta","data":{"s":"X","b":[],"a":[]}}')


def told(name: str, number: int, **figures: float) -> Measurement:
    return Measurement("P1", name, 1, 1.0, figures, number)


def test_ratios_are_taken_within_a_round() -> None:
    rounds = [
        told("tapeline", 1, us=2.0),
        told("ccxt.pro", 1, us=10.0),
        told("tapeline", 2, us=20.0),  # a busy machine: both are slower
        told("ccxt.pro", 2, us=100.0),
        told("tapeline", 3, us=2.0),  # the rival failed in this round
    ]
    ratio = Results(rounds).ratio("P1", ("ccxt.pro", "us"), ("tapeline", "us"))
    assert ratio is not None
    assert (ratio.least, ratio.middle, ratio.most) == (5.0, 5.0, 5.0)


def test_a_target_is_met_or_not_or_not_measured() -> None:
    results = Results([told("tapeline", 1, us=2.0), told("ccxt.pro", 1, us=10.0), told("nautilus", 1, us=4.0)])
    rows = verdicts(results).splitlines()
    assert next(row for row in rows if "against ccxt.pro" in row).endswith("| met |")
    assert next(row for row in rows if "nautilus" in row).endswith("| **not met** |")
    assert next(row for row in rows if "cryptofeed" in row).endswith("| not measured |")


def test_tables_show_median_and_range() -> None:
    results = Results([told("tapeline", number, us=us) for number, us in enumerate((3.0, 1.0, 2.0), 1)])
    assert "| tapeline | 2 [1 to 3] |" in table(results, "P1")


def test_every_target_names_what_a_program_of_its_work_tells() -> None:
    """A target whose names nobody tells would never be measured."""
    sources = {
        work: "".join(
            (ROOT / case.module.replace(".", "/")).with_suffix(".py").read_text() for case in CASES if case.work == work
        )
        for work in {case.work for case in CASES}
    }
    for target in TARGETS:
        for name, _ in (target.over, target.under):
            source = sources[MEASURED_IN.get((target.work, name), target.work)]
            shared = name.removesuffix(", SQLite").removesuffix(
                ", PostgreSQL"
            )  # the program puts the database's name in
            is_told = f'"{name}"' in source or f'"{shared}, {{' in source
            assert is_told, f"{target.work} {target.text}: nobody tells {name!r}"
