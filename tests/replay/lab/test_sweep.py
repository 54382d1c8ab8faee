"""A sweep is the same every time, wherever its runs are run, and each row can be had again by its own command."""

import os
import shlex
import signal
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest
from pyarrow import parquet
from reactivex import Observable

from app.commands.sweep import SweepFact, job_of
from app.parameter_space import parameter_space
from app.sweeping import Words, grid_sets, random_sets, run_all
from replay.sweep import Job, Outcome, parts, walk_forward
from state.errors import ConfigurationError, WrongUse
from state.events import Decision
from state.log import Log
from streams.feeds import Feeds
from tests.command import started
from tests.patience import PATIENCE_S
from tests.replay.lab.sessions import Lab, Tapeline

D = Decimal
GRID = ("--grid", "base_spread_bps=0.3,12", "--grid", "paper.queue=power,conservative")

SHORT = 1_000  # records of the session, where it is not asked what comes of the rest


def swept(tapeline: Tapeline, *words: str) -> SweepFact:
    said = tapeline("sweep", "plain", *words, "--json")
    assert said.code == 0, said.err
    return msgspec.json.decode(said.out, type=SweepFact)


def test_a_sweep_is_the_same_in_one_process_and_in_two(lab: Lab, tapeline: Tapeline) -> None:
    one = swept(tapeline, lab.live, *GRID, "--workers", "1")
    two = swept(tapeline, lab.live, *GRID, "--workers", "2")
    assert one == two
    assert [row.params for row in one.rows] == [
        {"base_spread_bps": spread, "paper.queue": queue}
        for spread in ("0.3", "12")
        for queue in ("power", "conservative")
    ]
    assert len({row.outcome.digest for row in one.rows}) >= 2
    assert one.rows[0].outcome.fills > one.rows[2].outcome.fills
    for row in one.rows:
        it = row.outcome
        assert it.pnl == it.realized + it.unrealized + it.fees + it.funding


def test_each_row_is_had_again_by_its_own_command(lab: Lab, tapeline: Tapeline) -> None:
    rows = swept(tapeline, lab.live, *GRID, "--folds", "1", "--workers", "1", "--set", "paper.order_latency_ms=5").rows
    assert len(rows) == 8
    for row in rows[1::3]:
        words = shlex.split(row.command)
        assert words[0] == "tapeline"
        [again] = msgspec.json.decode(tapeline(*words[1:], "--json").out, type=SweepFact).rows
        assert (again.outcome, again.params) == (row.outcome, row.params)


def test_a_sweep_that_was_ended_goes_on_where_it_was(lab: Lab, tapeline: Tapeline, tmp_path: Path) -> None:
    path, kept = tmp_path / "rows.parquet", tmp_path / "rows.parquet.done"
    whole = swept(tapeline, lab.live, *GRID, "--workers", "1", "--to", str(SHORT))
    with Log.open(lab.url) as log:
        row = log.find(lab.live)
        sets = grid_sets([word for word in GRID if "=" in word])
        jobs = [job_of(log, lab.url, row, (1, SHORT), "plain", [], words) for words in sets]
    run_all(jobs[:2], workers=1, scheduler=None, done_before=kept, progress=lambda done: None)
    lied = msgspec.json.decode(kept.read_bytes().splitlines()[0], type=dict[str, object])
    lied["outcome"]["fills"] = 123456  # type: ignore[index]  # shows that it was taken from there
    kept.write_bytes(msgspec.json.encode(lied) + b"\n" + kept.read_bytes().splitlines()[1] + b'\n{"key":"cut o')
    fact = swept(tapeline, lab.live, *GRID, "--workers", "1", "--to", str(SHORT), "-o", str(path))
    assert [row.outcome.fills for row in fact.rows] == [123456, *(row.outcome.fills for row in whole.rows[1:])]
    assert not kept.exists()
    table = parquet.read_table(path).to_pylist()
    assert [line["digest"] for line in table] == [row.outcome.digest for row in whole.rows]
    assert [line["param.base_spread_bps"] for line in table] == ["0.3", "0.3", "12", "12"]


def test_a_dask_cluster_gives_the_same_and_survives_the_loss_of_a_worker(lab: Lab, tapeline: Tapeline) -> None:
    distributed = pytest.importorskip("distributed")
    spreads = ",".join(str(number / 10) for number in range(3, 9))
    with Log.open(lab.url) as log:
        row = log.find(lab.live)
        jobs = [
            job_of(log, lab.url, row, (1, SHORT), "plain", [], words)
            for words in grid_sets([f"base_spread_bps={spreads}"])
        ]
    here = run_all(jobs, workers=1, scheduler=None, done_before=None, progress=lambda done: None)
    lost = []
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0", silence_logs=50
    ) as cluster:

        def lose_one(done: int) -> None:
            if done == 2 and not lost:
                lost.append(cluster.workers[0].pid)
                os.kill(lost[0], signal.SIGKILL)

        there = run_all(jobs, workers=1, scheduler=cluster.scheduler_address, done_before=None, progress=lose_one)
    assert lost
    assert there == here


def test_a_job_that_is_wrong_is_not_run_again_as_if_its_worker_were_lost(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Eleven times each of them, before anything was said."""
    distributed = pytest.importorskip("distributed")
    with Log.open(lab.url) as log:
        job = job_of(log, lab.url, log.find(lab.live), (1, 50), "plain", [], (("levels", "1"),))
    runs = tmp_path / "runs"

    def wrong(job: Job) -> Outcome:
        with runs.open("a") as file:
            file.write("one\n")
        raise WrongUse("two assets")

    monkeypatch.setattr("app.sweeping.run_job", wrong)
    with (
        distributed.LocalCluster(
            n_workers=1, processes=False, dashboard_address="127.0.0.1:0", silence_logs=50
        ) as cluster,
        pytest.raises(WrongUse, match="two assets"),
    ):
        run_all([job], workers=1, scheduler=cluster.scheduler_address, done_before=None, progress=lambda done: None)
    assert runs.read_text() == "one\n"


def test_what_says_two_things_is_refused(lab: Lab, tapeline: Tapeline) -> None:
    """A grid went over a --set without a word; a session that was named twice was one of twice the parts to walk-forward."""
    grid = ("--grid", "levels=1,2")
    for words, told in (
        ((lab.live, *grid, "--set", "levels=3"), "--grid and --set both say levels"),
        ((lab.live, lab.live[:-1], *grid), f"session {lab.live} is named twice"),
        ((lab.live, *grid, "--folds", "2", "--to", "9"), "takes no --from and no --to"),
    ):
        said = tapeline("sweep", "plain", *words)
        assert said.code == 2
        assert told in said.err


def test_walk_forward_chooses_on_what_is_before_and_judges_on_what_is_next() -> None:
    profits = [[D(1), D(1), D(9)], [D(2), D(5), D(0)], [D(2), D(0), D(4)]]
    folds = walk_forward("s", profits)
    assert [(fold.number, fold.chosen, fold.trained, fold.tested, fold.best) for fold in folds] == [
        (1, 1, D(2), D(5), D(5)),
        (2, 1, D(7), D(0), D(9)),
    ]


def test_a_set_that_raises_is_not_the_best_for_having_lost_nothing() -> None:
    profits = [[D(0), D(0), D(0)], [D(-5), D(-1), D(-2)], [D(-3), D(-4), D(-1)]]
    assert [fold.chosen for fold in walk_forward("s", profits)] == [0, 0]
    folds = walk_forward("s", profits, {(0, 0), (0, 1), (0, 2)})
    assert [(fold.chosen, fold.tested, fold.best) for fold in folds] == [(2, D(-4), D(-1)), (1, D(-2), D(-1))]
    assert walk_forward("s", profits[:1], {(0, 0)})[0].chosen == 0, "there is none but that"


STRATEGY = """
import msgspec
import reactivex


class Params(msgspec.Struct, frozen=True):
    a: int = 1


def idle(feeds, p: Params):
    return reactivex.never()
"""


def test_what_is_kept_of_a_sweep_is_not_taken_for_a_strategy_that_was_changed_since(
    lab: Lab, tapeline: Tapeline, tmp_path: Path
) -> None:
    file, kept = tmp_path / "idle.py", tmp_path / "rows.done"
    file.write_text(STRATEGY)
    with Log.open(lab.url) as log:
        row = log.find(lab.live)

        def job() -> Job:
            return job_of(log, lab.url, row, (1, 50), f"{file}:idle", [], (("a", "2"),))

        before = job()
        run_all([before], workers=1, scheduler=None, done_before=kept, progress=lambda done: None)
        assert job().key() == before.key()
        file.write_text(STRATEGY.replace("never()", "empty()"))
        assert job().key() != before.key()


def test_a_strategy_whose_module_keeps_something_from_run_to_run_is_remarked_on(
    lab: Lab, tapeline: Tapeline, tmp_path: Path
) -> None:
    """In one process its second run is another one than in two, and no row could be had again."""
    file = tmp_path / "idle.py"
    file.write_text(STRATEGY.replace("    return", "    SEEN.append(p)\n    return") + "\n\nSEEN = []\n")
    for words in (
        ("replay", lab.live, "--simulate", f"{file}:idle"),
        ("sweep", f"{file}:idle", lab.live, "--grid", "a=1"),
    ):
        said = tapeline(*words, "--log", _copied(lab, tmp_path))
        assert said.code == 0, said.err
        assert (
            f"may not be the same every time: {file}:11: error: SEEN at the top of the module is written into"
            in said.err
        )


def _copied(lab: Lab, folder: Path) -> str:
    """Another log with the same session, since nobody may change the lab's."""
    url = f"sqlite:///{folder}/copy.db"
    with Log.open(lab.url) as log, Log.open(url) as other:
        if not other.sessions():
            row = log.find(lab.live)
            writer = other.begin(row.id, row.manifest, row.opened)
            for record in log.records(row.id, 1, SHORT):
                writer.append(record)
            writer.close(row.opened)
    return url


def test_a_line_that_was_cut_off_costs_no_line_after_it(lab: Lab, tmp_path: Path) -> None:
    """A sweep that was killed twice began anew: what came after the first cut was glued to it."""
    kept = tmp_path / "rows.done"
    with Log.open(lab.url) as log:
        row = log.find(lab.live)
        jobs = [job_of(log, lab.url, row, (1, 50), "plain", [], (("levels", str(n)),)) for n in (1, 2, 3)]

    def run(count: int) -> list[int]:
        told: list[int] = []
        run_all(jobs[:count], workers=1, scheduler=None, done_before=kept, progress=told.append)
        return told

    assert run(1) == [0, 1]
    with kept.open("ab") as file:
        file.write(b'{"key":"cut o')
    assert run(2) == [1, 2]
    assert run(3) == [2, 3]


def test_the_workers_of_a_sweep_that_was_killed_end(lab: Lab, tmp_path: Path) -> None:
    """They waited for work for ever, each with its memory."""
    kept = tmp_path / "rows.parquet.done"
    sets = ",".join(str(number) for number in range(1, 60))
    words = ["sweep", "plain", lab.live, "--grid", f"base_spread_bps={sets}", "--workers", "2", "--log", lab.url]
    with started(*words, "-o", str(tmp_path / "rows.parquet"), cwd=tmp_path) as child:
        comes(kept.exists)
        workers = [pid for pid, parent in processes().items() if parent == child.pid]
        assert len(workers) >= 2
        child.kill()
    comes(lambda: not processes().keys() & set(workers))


def comes(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 3 * PATIENCE_S
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def processes() -> dict[int, int]:
    """Parents by process, of those that have not ended."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent, *_ = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        if state != "Z":
            found[int(stat.parent.name)] = int(parent)
    return found


def test_folds_are_reported_and_cover_the_session(lab: Lab, tapeline: Tapeline) -> None:
    fact = swept(tapeline, lab.live, "--grid", "base_spread_bps=0.3,12", "--folds", "2", "--workers", "1")
    assert [(fold.session, fold.number) for fold in fact.folds] == [(lab.live, 1), (lab.live, 2)]
    spans = [(row.first, row.last) for row in fact.rows if row.set == 0]
    with Log.open(lab.url) as log:
        assert spans == parts(log.find(lab.live).last_seq, 3)
    assert [first for first, _ in spans[1:]] == [last + 1 for _, last in spans[:-1]]
    said = tapeline("sweep", "plain", lab.live, "--grid", "base_spread_bps=0.3,12", "--folds", "2", "--workers", "1")
    assert "walk-forward" in said.out


def test_chance_is_the_seeds() -> None:
    axes = ["a=1,2,3", "b=0.5..2"]
    assert random_sets(axes, 5, 7) == random_sets(axes, 5, 7)
    assert random_sets(axes, 5, 7) != random_sets(axes, 5, 8)
    sets, refused = random_sets(axes, 50, 1)
    assert all(0.5 <= float(dict(words)["b"]) <= 2 for words in sets)
    assert not refused


def test_whole_numbers_are_drawn_whole_and_to_both_ends() -> None:
    sets, _ = random_sets(["levels=1..3"], 50, 1, whole={"levels"})
    assert {dict(words)["levels"] for words in sets} == {"1", "2", "3"}
    with pytest.raises(ConfigurationError, match="a range is of two whole numbers"):
        random_sets(["levels=1..2.5"], 1, 1, whole={"levels"})


def test_sets_that_are_refused_are_drawn_anew_and_counted_until_that_is_hopeless() -> None:
    def above(words: Words) -> None:
        if float(dict(words)["a"]) < 0.5:
            raise ConfigurationError("a is too small")

    sets, refused = random_sets(["a=0..1"], 20, 1, check=above)
    assert len(sets) == 20
    assert all(float(dict(words)["a"]) >= 0.5 for words in sets)
    assert refused > 0
    with pytest.raises(ConfigurationError, match="a is too small"):
        random_sets(["a=0..0.1"], 2, 1, check=above)


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    symbol: str
    size: Decimal
    share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.2
    depth: Annotated[int, msgspec.Meta(ge=4)] = 5
    width: float = 4.0
    lean: float = -3.0
    offset: float = 0.0
    hedge: bool = False
    side: Literal["buy", "sell"] = "buy"
    word: str = "x"
    limit: Decimal = D(3)


def shaped(feeds: Feeds, p: Shape) -> Observable[Decision]:
    raise AssertionError("is never run")


def test_ranges_come_from_types_bounds_and_defaults() -> None:
    space = parameter_space(f"{__name__}:shaped", {"width"})
    assert space.axes == [
        "share=0..1",
        "depth=4..10",
        "lean=-6..-1.5",
        "hedge=true,false",
        "side=buy,sell",
    ]
    assert space.kept == ["symbol", "size", "width", "offset", "word", "limit"]
    assert space.whole == {"depth"}


def test_chance_alone_draws_from_the_strategys_own_parameters(lab: Lab, tapeline: Tapeline) -> None:
    words = (lab.live, "--random", "3", "--workers", "1", "--set", "min_bps=1", "--to", str(SHORT))
    fact = swept(tapeline, *words)
    assert fact == swept(tapeline, *words)
    assert len({row.outcome.digest for row in fact.rows}) == 3
    assert {"venue", "symbol", "size", "max_position", "min_bps"} <= set(fact.kept)
    ranges = dict(axis.split("=") for axis in fact.drawn)
    for row in fact.rows:
        assert list(row.params) == list(ranges)
        for name, value in row.params.items():
            low, high = map(float, ranges[name].split(".."))
            assert low <= float(value) <= high
    again = shlex.split(fact.rows[1].command)
    [row] = msgspec.json.decode(tapeline(*again[1:], "--json").out, type=SweepFact).rows
    assert (row.outcome, row.params) == (fact.rows[1].outcome, fact.rows[1].params)
    said = tapeline("sweep", "plain", *words).out
    assert all(f"--grid {axis}" in said for axis in fact.drawn)
    assert "not drawn: venue, symbol, size" in said
    other = swept(tapeline, *words, "--seed", "2")
    assert [row.params for row in other.rows] != [row.params for row in fact.rows]
    few = swept(tapeline, *words, "--grid", "levels=1..2")
    assert (few.drawn, few.kept) == (["levels=1..2"], [])
    assert {row.params["levels"] for row in few.rows} <= {"1", "2"}


@pytest.mark.parametrize(
    ("axes", "told"),
    [
        pytest.param([], "needs --grid", id="nothing"),
        pytest.param(["1,2,3"], "'1,2,3' names no parameter", id="values without a name"),
        pytest.param(["=1,2"], "'=1,2' names no parameter", id="an empty name"),
        pytest.param(["a="], "'a=' names no parameter with values", id="a name without values"),
        pytest.param(["a=1", "a=2"], "names a twice", id="a name twice"),
        pytest.param(["a=1..2"], "a range is for --random", id="a range in a grid"),
    ],
)
def test_a_grid_that_is_none_gets_a_clear_answer(axes: list[str], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        grid_sets(axes)


def test_what_cannot_be_swept_is_said_in_one_line(lab: Lab, tapeline: Tapeline) -> None:
    for words, told in (
        (("--grid", "sise=1,2"), "has no parameter sise"),
        ((), "needs --grid"),
        (("--random", "2", "--grid", "sise=1..2"), "has no parameter sise"),
        (("--grid", "levels=1", "--to", "9999999"), "there is no stretch"),
        (("--grid", "levels=1", "--folds", "2", "--to", "9"), "--folds cuts the whole session"),
        (("--grid", "symbol=NOPE"), "has no such market"),
        (("--grid", "levels=1", "--scheduler", "nonsense://x"), "no Dask scheduler at nonsense://x"),
    ):
        said = tapeline("sweep", "plain", lab.live, *words)
        assert said.code == 2
        assert told in said.err
        assert len(said.err.splitlines()) == 1
    with pytest.raises(WrongUse):
        parts(2, 3)
