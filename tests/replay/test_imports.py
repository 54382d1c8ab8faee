"""Several recordings, or one with its connections one after the other, become one session in the order of time."""

import gzip
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from adapters import venue
from replay.imports import Imported, import_recordings
from replay.redecode import redecode
from state.errors import WrongUse
from state.events import BookSnapshot
from state.log import Log
from state.manifest import Manifest

BYBIT = "bybit/cryptofeed/BYBIT.v5.2026-08-09.jsonl.zst"  # all of linear's frames, then all of spot's
FRAMES = 1_500  # of each recording of Binance, some nine seconds


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with Log.open(f"sqlite:///{tmp_path}/log.db") as opened:
        yield opened


def imported(log: Log, name: str, *files: Path, by_time: bool = False) -> Imported:
    return import_recordings(log, "s", Manifest(seed=1, source="import"), venue(name), files, by_time=by_time)


def cut(recordings: Path, tmp_path: Path, name: str, first: int = 0, last: int = FRAMES) -> Path:
    """Frames `first` to `last` of a recording of Binance; nothing in it says which market its REST answer is of."""
    path = tmp_path / f"{name}.{first}"
    with gzip.open(recordings / f"binance/hftbacktest/{name}.gz") as file:
        path.write_bytes(b"".join(islice(file, first, last)))
    return path


def keeps_times(log: Log, symbol: str, *files: Path) -> bool:
    """True where the symbol's records came when its frames did, nearly each of which has one (not what came before the book)."""
    came = {int(line[:19]) for file in files for line in file.read_bytes().splitlines()}
    told = {record.recv for record in log.records("s") if record.event.symbol == symbol}
    return told <= came and len(told) > 0.98 * len(came)


def test_recordings_of_two_markets_made_beside_each_other_keep_their_times(
    log: Log, recordings: Path, tmp_path: Path
) -> None:
    bitcoin, ether = (cut(recordings, tmp_path, f"usdm_{coin}usdt_20240718") for coin in ("btc", "eth"))
    told = imported(log, "binance", bitcoin, ether)
    assert (told.frames, told.gaps, told.late) == (2 * FRAMES, 0, 0)
    assert keeps_times(log, "BTCUSDT", bitcoin)
    assert keeps_times(log, "ETHUSDT", ether)
    whole = [record.event for record in log.records("s") if isinstance(record.event, BookSnapshot)]
    assert {event.symbol for event in whole} == {"BTCUSDT", "ETHUSDT"}, "each REST answer went to its own recording"
    assert redecode(log, "s").same


def test_a_recording_that_begins_where_one_ended_goes_on_from_it(log: Log, recordings: Path, tmp_path: Path) -> None:
    """The book of the second part has no whole of its own."""
    name = "usdm_btcusdt_20240718"
    parts = [cut(recordings, tmp_path, name, 0, 700), cut(recordings, tmp_path, name, 700)]
    beside = cut(recordings, tmp_path, "usdm_ethusdt_20240718")
    told = imported(log, "binance", *parts, beside)
    assert (told.frames, told.gaps, told.late) == (2 * FRAMES, 0, 0)
    assert keeps_times(log, "BTCUSDT", *parts)


def test_frames_that_stand_behind_later_ones_are_counted(log: Log, recordings: Path) -> None:
    told = imported(log, "bybit", recordings / BYBIT)
    assert (told.frames, told.gaps, told.late) == (3_253, 0, 682)
    assert told.late_by_s == pytest.approx(42.492, abs=1e-3)


def test_connections_of_one_recording_are_merged_by_time_where_that_is_asked(log: Log, recordings: Path) -> None:
    told = imported(log, "bybit", recordings / BYBIT, by_time=True)
    assert (told.frames, told.gaps, told.late, told.late_by_s) == (3_253, 0, 0, 0.0)
    frames = list(log.frames("s"))
    assert [frame.recv for frame in frames] == sorted(frame.recv for frame in frames)
    at = {frame.first_seq: frame.recv for frame in frames if frame.first_seq}
    assert all(at.get(record.seq, record.recv) == record.recv for record in log.records("s"))
    assert redecode(log, "s").same


@pytest.mark.parametrize(
    ("second", "said"),
    [
        pytest.param(b'{"topic":"publicTrade.BTCUSDT"}\n', "do not say when", id="frames without a time"),
        pytest.param(b'{"t":"header"}\n{"t":"connect","conn":"a","addr":"wss://x"}\n', "no frames", id="no frames"),
        pytest.param(b'{"t":"recv","conn":"a","ts":1.5,"data":"{}"}\n{"t":"re', "line 2 is not", id="cut off"),
    ],
)
def test_a_second_recording_that_cannot_be_read_is_told_before_a_session_begins(
    log: Log, tmp_path: Path, second: bytes, said: str
) -> None:
    (tmp_path / "first").write_bytes(b'{"t":"recv","conn":"a","ts":1.0,"data":"{}"}\n')
    (tmp_path / "second").write_bytes(second)
    with pytest.raises(WrongUse, match=f"second.*{said}"):
        imported(log, "bybit", tmp_path / "first", tmp_path / "second")
    assert log.sessions() == []


def test_more_connections_than_can_be_read_at_once_are_refused(log: Log, tmp_path: Path) -> None:
    lines = [b'{"t":"recv","conn":"%d","ts":1.0,"data":"{}"}' % number for number in range(65)]
    (tmp_path / "many").write_bytes(b"\n".join(lines))
    with pytest.raises(WrongUse, match="65 recordings or connections"):
        imported(log, "bybit", tmp_path / "many", by_time=True)
    assert imported(log, "bybit", tmp_path / "many").frames == 65


def test_a_recording_that_ends_amid_a_line_leaves_a_session_that_ends_where_it_does(log: Log, tmp_path: Path) -> None:
    frame = b'{"t":"recv","conn":"a","ts":%d.0,"data":"nonsense"}\n'
    (tmp_path / "cut").write_bytes(frame % 100 + frame % 160 + b'{"t":"re')
    with pytest.raises(WrongUse, match="line 3"):
        imported(log, "bybit", tmp_path / "cut")
    [row] = log.sessions()
    assert (row.status, row.opened, row.closed) == ("crashed", 100_000_000_000, 160_000_000_000)
