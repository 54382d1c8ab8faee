"""A damaged log never crashes the audit: whatever bytes of the file were changed, it says so in one line or as findings."""

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from state.events import Fill
from state.log import Log
from state.log.data_keys import LogKey
from state.log.schema import blocks, checkpoints, frames, journal, meta, sessions
from state.record import Frame, Record
from tests.app.conftest import EVENTS, OPENED, write_session
from tests.depth import depth

Cli = Callable[..., Any]
SEEDS = depth(2, 4)
ROUNDS = depth(20, 60)
HOWS: Final = ((), ("--html",))
PAGE = 4096


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a log with two sessions, nothing of it in the write-ahead log."""
    path = tmp_path_factory.mktemp("sound") / "log.db"
    with Log.open(f"sqlite:///{path}") as log:
        for number in range(2):
            _write_with_frame(log, f"2026080{number}-abcdef")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.read_bytes()


def _write_with_frame(log: Log, session: str) -> None:
    writer = log.begin(session, '{"seed":7}', OPENED)
    frame = Frame(OPENED, "bybit", "order", "in", b'{"topic":"order"}', "wss://127.0.0.1", True)
    for seq, event in enumerate(EVENTS, start=1):
        writer.append(Record(seq, OPENED + seq, 0, event), frame if seq == 10 else None)
    writer.close(OPENED + 100, "closed")


def damaged(sound: bytes, rng: random.Random) -> bytes:
    """One to eight bytes changed, somewhere that is not empty; at times the file is cut short or a stretch is zero."""
    content = bytearray(sound)
    pages = [range(at, at + PAGE) for at in range(0, len(content), PAGE)]
    for _ in range(rng.randint(1, 8)):
        written = [at for at in rng.choice(pages) if content[at]]
        content[rng.choice(written or [0])] = rng.randrange(256)
    if rng.random() < 0.1:
        del content[rng.randrange(len(content)) :]
    if rng.random() < 0.1:
        at = rng.randrange(len(content) or 1)
        content[at : at + 64] = bytes(len(content[at : at + 64]))
    return bytes(content)


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("how", [pytest.param((), id="as lines"), pytest.param(("--html",), id="as a page")])
def test_random_damage_ends_in_a_verdict_or_in_one_line(
    cli: Cli, sound: bytes, tmp_path: Path, seed: int, how: tuple[str, ...]
) -> None:
    rng = random.Random(seed)
    codes = set()
    for number in range(ROUNDS):
        path = tmp_path / f"{number}.db"
        path.write_bytes(damaged(sound, rng))
        ran = cli("audit", "last", *how, "--log", f"sqlite:///{path}")
        assert ran.code in (0, 1, 2), ran.err
        if ran.code == 2:
            assert ran.out == ""
            [line] = ran.err.splitlines()
            assert line.startswith("tapeline: ")
        codes.add(ran.code)
        for left in tmp_path.glob(f"{number}.db*"):
            left.unlink()
    assert codes >= {1, 2}


def test_random_damage_to_an_encrypted_log_does_so_too_with_and_without_the_key(cli: Cli, tmp_path: Path) -> None:
    key = tmp_path / "log.key"
    key.write_text("07" * 32)
    key.chmod(0o600)
    path = tmp_path / "sealed.db"
    with Log.open(f"sqlite:///{path}", key=LogKey.load(key)) as log:
        _write_with_frame(log, "20260800-abcdef")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content, rng, codes = path.read_bytes(), random.Random(5), set()
    for number in range(ROUNDS // 2):
        path = tmp_path / f"{number}.db"
        path.write_bytes(damaged(content, rng))
        for how in ((), ("--log-key", str(key))):
            ran = cli("audit", "last", *how, "--log", f"sqlite:///{path}")
            assert ran.code in (0, 1, 2), ran.err
            assert len(ran.err.splitlines()) <= 1
            codes.add((ran.code, bool(how)))
    assert {(1, True), (2, False)} <= codes


# What SQLite lets stand in a column of any type.
ODD: Final = ("x'ff00'", "CAST(x'ff41' AS TEXT)", "'word'", "-1", "9223372036854775807", "1.5", "'\u202e<script>'")
COLUMNS: Final = [
    (table.name, column.name)
    for table in (meta, sessions, blocks, journal, frames, checkpoints)
    for column in table.columns
]


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=lambda name: name)
def test_a_column_that_holds_what_it_cannot_ends_in_a_verdict_or_in_one_line(
    cli: Cli, sound: bytes, tmp_path: Path, table: str, column: str
) -> None:
    for number, odd in enumerate(random.Random(f"{table} {column}").sample(ODD, depth(3, len(ODD)))):
        path = tmp_path / f"{number}.db"
        path.write_bytes(sound)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(f"UPDATE OR IGNORE {table} SET {column} = {odd}")
        for how in depth(HOWS[number % 2 :][:1], HOWS):
            ran = cli("audit", "last", *how, "--log", f"sqlite:///{path}")
            assert ran.code in (1, 2), (odd, ran.out)
            assert len(ran.err.splitlines()) == (ran.code == 2)


def test_a_record_that_nobody_can_fold_is_a_finding_and_no_traceback(cli: Cli, tmp_path: Path) -> None:
    """Written by a forger with all digests right: a size that compares with nothing."""
    url = f"sqlite:///{tmp_path}/forged.db"
    events = [msgspec.structs.replace(each, size=Decimal("NaN")) if isinstance(each, Fill) else each for each in EVENTS]
    with Log.open(url) as log:
        write_session(log, "20260809-abcdef", events)
    ran = cli("audit", "last", "--json", "--log", url)
    assert ran.code == 1
    assert [found["seq"] for found in ran.objects()[0]["findings"] if found["kind"] == "unfollowable"] == [12]
