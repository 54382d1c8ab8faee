"""The main job on real frames: import, replay twice, decode again, simulate, audit, export, each in a process of its own."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import zstandard

from adapters import venue
from app.session_ids import new_session_id
from replay.imports import Imported, import_recordings
from state.events import BookDelta, BookSnapshot, FeedStatus
from state.log import Log
from state.manifest import Manifest
from state.reducer import Reducer
from state.shared import SharedState
from tests.command import tapeline
from tests.depth import depth

CAPTURE = "bybit/cryptofeed/BYBIT.v5.2026-08-09.jsonl.zst"
EXPECTED = "bybit/expected/BYBIT.v5.2026-08-09.books.jsonl.zst"
REMOVED = depth(2, 6)  # deltas of each of the two markets, each in an import of its own


def lines_of(path: Path) -> list[bytes]:
    with path.open("rb") as file:
        return zstandard.ZstdDecompressor().stream_reader(file).read().splitlines()


@dataclass(frozen=True)
class Job:
    """A log that holds the imported capture, made by the command line."""

    folder: Path
    url: str
    session: str


@pytest.fixture(scope="module")
def job(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Job:
    folder = tmp_path_factory.mktemp("job")
    url = f"sqlite:///{folder}/log.db"
    ran = tapeline("import", "bybit", str(recordings / CAPTURE), "--log", url, "--json", cwd=folder)
    assert (ran.returncode, ran.stderr) == (0, "")
    told = json.loads(ran.stdout)
    assert (told["frames"], told["gaps"], told["misfits"]) == (3_253, 0, 0)
    return Job(folder, url, told["session"])


def test_the_top_of_book_after_each_book_frame_is_what_others_computed(job: Job, recordings: Path) -> None:
    told = [
        n for n, line in enumerate(lines_of(recordings / CAPTURE)) if json.loads(line)["t"] in ("recv", "send", "http")
    ]
    expected = {row[0]: row for row in map(json.loads, lines_of(recordings / EXPECTED))}
    shared = SharedState()
    apply = Reducer(shared).apply
    checked = 0
    with Log.open(job.url, create=False) as log:
        at_line = {frame.first_seq: told[frame.id - 1] for frame in log.frames(job.session) if frame.first_seq}
        for record in log.records(job.session):
            apply(record)
            if not isinstance(record.event, BookSnapshot | BookDelta):
                continue
            row = expected.pop(at_line[record.seq])
            book = shared.market(record.event.venue, record.event.symbol).book
            assert (record.event.venue, record.event.update_id) == (
                {"linear": "bybit", "spot": "bybit.spot"}[row[1]],
                row[3],
            )
            assert row[2].endswith(f".{record.event.symbol}")
            ours = (book.bid, book.bid_size, book.ask, book.ask_size, *book.levels())
            assert ours == (*map(float, row[5:9]), *row[9:]), f"line {row[0]}"
            checked += 1
    assert (checked, expected) == (2_148, {})


def test_no_gap_is_reported(job: Job) -> None:
    with Log.open(job.url, create=False) as log:
        doubts = [r for r in log.records(job.session) if isinstance(r.event, FeedStatus) and r.event.status != "ok"]
    assert doubts == []


@pytest.mark.parametrize("hash_seed", ["0", "4242"])
def test_verify_is_the_same_in_every_process(job: Job, hash_seed: str) -> None:
    ran = tapeline(
        "replay", job.session, "--verify", "--json", "--log", job.url, cwd=job.folder, PYTHONHASHSEED=hash_seed
    )
    assert ran.returncode == 0, ran.stderr
    verdict = json.loads(ran.stdout)
    with Log.open(job.url, create=False) as log:
        row = log.find(job.session)
    assert (verdict["same"], verdict["digest"], verdict["records"]) == (True, row.head, row.last_seq)


def test_decoding_the_kept_frames_again_gives_every_record(job: Job) -> None:
    ran = tapeline("replay", job.session, "--decode", "--json", "--log", job.url, cwd=job.folder)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert (told["same"], told["frames"], told["without_frame"]) == (True, 3_253, 0)
    with Log.open(job.url, create=False) as log:
        assert told["events"] == log.find(job.session).last_seq - 2, "all but the session's own opening and end"


def test_the_capture_audits_clean(job: Job) -> None:
    ran = tapeline("audit", job.session, "--log", job.url, cwd=job.folder)
    assert ran.returncode == 0, ran.stdout
    assert "clean" in ran.stdout.splitlines()


def test_a_simulation_is_a_session_that_itself_verifies_and_audits_clean(job: Job) -> None:
    ran = tapeline("replay", job.session, "--simulate", "plain", "--json", "--log", job.url, cwd=job.folder)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["parent"] == job.session
    assert told["summary"]["orders"] > 20
    assert told["summary"]["fills"] > 0
    assert any("latency" in line for line in told["assumptions"])
    for hash_seed in depth(["77"], ["1", "77"]):
        verified = tapeline(
            "replay", told["session"], "--verify", "--json", "--log", job.url, cwd=job.folder, PYTHONHASHSEED=hash_seed
        )
        assert verified.returncode == 0, verified.stdout
        assert json.loads(verified.stdout)["decisions"] > 50
    audited = tapeline("audit", told["session"], "--log", job.url, cwd=job.folder)
    assert audited.returncode == 0, audited.stdout


@pytest.mark.parametrize("setting", ["size=-1", "min_bps=nan", "paper.order_latency_ms=-5"])
def test_a_simulation_that_cannot_run_begins_no_session(job: Job, setting: str) -> None:
    before = tapeline("sessions", "--log", job.url, cwd=job.folder).stdout
    words = ("replay", job.session, "--simulate", "plain", "--set", setting, "--log", job.url)
    ran = tapeline(*words, cwd=job.folder)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert tapeline("sessions", "--log", job.url, cwd=job.folder).stdout == before


def test_the_same_simulation_twice_is_the_same_session(job: Job, tmp_path: Path) -> None:
    runs = []
    for hash_seed in ("3", "5"):
        words = ("replay", job.session, "--simulate", "plain", "--set", "symbol=BTCUSDT", "--set", "venue=bybit")
        ran = tapeline(*words, "--json", "--log", job.url, cwd=tmp_path, PYTHONHASHSEED=hash_seed)
        assert ran.returncode == 0, ran.stderr
        session = json.loads(ran.stdout)["session"]
        with Log.open(job.url, create=False) as log:
            runs.append(
                [(type(r.event).__name__, r.recv, getattr(r.event, "price", None)) for r in log.records(session)]
            )
    assert runs[0] == runs[1]
    assert Counter(name for name, _, _ in runs[0])["PlaceOrder"] > 0


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_an_export_has_every_record(job: Job, form: str) -> None:
    path = job.folder / f"out.{form}"
    ran = tapeline("export", job.session, "--format", form, "-o", str(path), "--log", job.url, cwd=job.folder)
    assert ran.returncode == 0, ran.stderr
    with Log.open(job.url, create=False) as log:
        last = log.find(job.session).last_seq
    assert seqs(path, form) == list(range(1, last + 1))


def seqs(path: Path, form: str) -> list[int]:
    if form == "parquet":
        from pyarrow import parquet

        return [int(seq) for seq in parquet.read_table(path, columns=["seq"])["seq"].to_pylist()]
    lines = path.read_text().splitlines()
    if form == "jsonl":
        return [json.loads(line)["seq"] for line in lines]
    assert lines[0].startswith("seq,")
    return [int(line.partition(",")[0]) for line in lines[1:] if line.partition(",")[0].isdigit()]


# --- one delta missing ---


@dataclass(frozen=True)
class Delta:
    """A line of the capture that is a book delta, and the line of the next frame of its topic."""

    line: int
    market: str
    topic: str
    following: int | None


def deltas(lines: list[bytes]) -> Iterator[Delta]:
    markets: dict[str, str] = {}
    books: list[tuple[int, str, str, bool]] = []
    for n, line in enumerate(lines):
        row = json.loads(line)
        if row["t"] == "connect":
            markets[row["conn"]] = row["addr"].rsplit("/", 1)[1]
        elif row["t"] == "recv" and '"orderbook.' in row["data"][:40]:
            frame = json.loads(row["data"])
            books.append((n, markets[row["conn"]], frame["topic"], frame["type"] == "delta"))
    for at, (n, market, topic, is_delta) in enumerate(books):
        if is_delta:
            following = next((m for m, k, t, _ in books[at + 1 :] if (k, t) == (market, topic)), None)
            yield Delta(n, market, topic, following)


def imported(log: Log, path: Path) -> Imported:
    return import_recordings(
        log, new_session_id(), Manifest(seed=1, source="import"), venue("bybit"), [path], keep_frames=True
    )


def test_any_one_delta_removed_is_a_gap_at_exactly_the_next_frame_of_its_topic(
    recordings: Path, tmp_path: Path
) -> None:
    lines = lines_of(recordings / CAPTURE)
    followed = [delta for delta in deltas(lines) if delta.following is not None]
    markets = ([delta for delta in followed if delta.market == market] for market in ("linear", "spot"))
    chosen = [delta for market in markets for delta in random.Random(11).sample(market, REMOVED)]
    path = tmp_path / "capture.jsonl"
    for number, delta in enumerate(chosen):
        assert delta.following is not None
        kept = [line for n, line in enumerate(lines[: delta.following + 40]) if n != delta.line]
        path.write_bytes(b"\n".join(kept) + b"\n")
        with Log.open(f"sqlite:///{tmp_path}/{number}.db") as log:
            told = imported(log, path)
            assert told.gaps == 1
            [gap] = [
                r for r in log.records(told.session) if isinstance(r.event, FeedStatus) and r.event.status == "gap"
            ]
            frame = next(frame for frame in log.frames(told.session) if frame.first_seq == gap.seq)
        assert frame.body == json.loads(lines[delta.following])["data"].encode()
        assert (gap.event.venue, gap.event.symbol) == (
            "bybit" if delta.market == "linear" else "bybit.spot",
            delta.topic.rsplit(".", 1)[1],
        )


def test_a_delta_removed_makes_the_import_a_finding_and_the_book_is_not_trusted(
    recordings: Path, tmp_path: Path
) -> None:
    lines = lines_of(recordings / CAPTURE)
    delta = random.Random(2).choice([delta for delta in deltas(lines) if delta.following is not None])
    path, url = tmp_path / "capture.jsonl", f"sqlite:///{tmp_path}/log.db"
    path.write_bytes(b"\n".join(line for n, line in enumerate(lines) if n != delta.line))
    ran = tapeline("import", "bybit", str(path), "--log", url, "--json", cwd=tmp_path)
    assert ran.returncode == 1
    told = json.loads(ran.stdout)
    assert (told["gaps"], told["misfits"]) == (1, 0)
    state = json.loads(tapeline("state", "last", "--log", url, "--json", cwd=tmp_path).stdout)
    name = ("bybit" if delta.market == "linear" else "bybit.spot", delta.topic.rsplit(".", 1)[1])
    [market] = [m for m in state["markets"] if (m["venue"], m["symbol"]) == name]
    assert market["book"]["status"] == "gap"
    assert tapeline("replay", "last", "--verify", "--log", url, cwd=tmp_path).returncode == 0
