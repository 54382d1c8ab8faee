"""What cannot be opened says why in one sentence; who may write is settled before anything is written."""

import re
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from state.errors import LogCorrupt, LogError, LogLocked, SchemaUnknown
from state.log import Log
from state.log.postgres import CREATION_KEY, PostgresConnection
from state.log.rows import VERSION
from state.log.schema import metadata
from state.log.verify import check
from state.log.views import create_views
from tests.command import started
from tests.forked import ROOT
from tests.state.log.recorded import T0, records, write
from tests.state.log.test_crash import start


@pytest.fixture
def postgres_log_url(postgres_url: str) -> str:
    """Of its own: what is opened here is not always a log."""
    return postgres_url


def one_sentence(error: BaseException) -> str:
    text = str(error)
    assert "\n" not in text
    assert "SELECT" not in text
    assert "Traceback" not in text
    return text


@pytest.mark.parametrize(
    ("url", "says"),
    [
        pytest.param("log.db", "named by a URL", id="a path"),
        pytest.param("", "named by a URL", id="nothing"),
        pytest.param("mysql://root@localhost/x", "cannot be kept in 'mysql'", id="another database"),
        pytest.param("sqlite://", "needs a file", id="SQLite in memory"),
        pytest.param("sqlite:///:memory:", "needs a file", id="SQLite in memory by name"),
        pytest.param("sqlite:////nowhere/at/all/log.db", "no folder /nowhere/at/all", id="a folder that is not there"),
        pytest.param("postgresql://u:hush@127.0.0.1:1/x", "refused", id="a server that is not there"),
    ],
)
def test_a_url_that_leads_nowhere_is_told(url: str, says: str) -> None:
    with pytest.raises(LogError, match=says) as raised:
        Log.open(url)
    assert "hush" not in one_sentence(raised.value)


def test_a_reader_makes_no_log(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="no log at"):
        Log.open(f"sqlite:///{tmp_path}/log.db", create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_reader_makes_no_tables_on_a_server(postgres_url: str) -> None:
    with pytest.raises(LogError, match="holds no log"):
        Log.open(postgres_url, create=False)


@pytest.mark.parametrize("create", [True, False])
def test_what_is_no_database_is_corrupt(tmp_path: Path, create: bool) -> None:
    path = tmp_path / "log.db"
    path.write_text("time,price,size\n" * 1000)
    with pytest.raises(LogCorrupt, match="is not a database") as raised:
        Log.open(f"sqlite:///{path}", create=create)
    one_sentence(raised.value)
    assert path.read_text().startswith("time,price")


def test_a_database_of_somebody_else_holds_no_log(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    with pytest.raises(LogError, match="holds no log"):
        Log.open(f"sqlite:///{path}", create=False)


@pytest.mark.parametrize("left", [0.1, 0.5, 0.9, 0.99])
def test_a_file_that_is_cut_off_is_corrupt(tmp_path: Path, left: float) -> None:
    path = tmp_path / "log.db"
    with Log.open(f"sqlite:///{path}") as log:
        write(log, "s", records("s", 3000), block_size=100)
    body = path.read_bytes()
    path.write_bytes(body[: int(len(body) * left)])
    with pytest.raises(LogCorrupt, match="damaged or cut off") as raised:
        Log.open(f"sqlite:///{path}")
    one_sentence(raised.value)


def test_damage_inside_the_file_is_found_by_the_check(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with Log.open(f"sqlite:///{path}") as log:
        write(log, "s", records("s", 3000), block_size=100)
    body = bytearray(path.read_bytes())
    for page in range(20, len(body) // 4096, 7):
        body[page * 4096 : page * 4096 + 64] = bytes(64)
    path.write_bytes(body)
    with Log.open(f"sqlite:///{path}") as log:
        assert check(log, "s") != []


def test_an_unknown_schema_version_is_named(log: Log, log_url: str) -> None:
    engine = sa.create_engine(log_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE meta SET value = '99'")
    engine.dispose()
    with pytest.raises(SchemaUnknown, match="schema version 99") as raised:
        Log.open(log_url)
    one_sentence(raised.value)


def test_a_session_of_an_unknown_schema_version_is_not_read(log: Log, log_url: str) -> None:
    write(log, "s", records("s", 10))
    engine = sa.create_engine(log_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE sessions SET schema_version = 99")
    engine.dispose()
    with pytest.raises(SchemaUnknown, match="schema version"):
        list(log.records("s"))
    assert [finding.kind for finding in check(log, "s")] == ["schema"]


# --- who may write -------------------------------------------------------------------------------------------------


def test_an_sqlite_log_has_one_writer_at_a_time(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    with Log.open(url) as log, Log.open(url) as other:
        writer = log.begin("one", "{}", T0)
        with pytest.raises(LogLocked, match=r"written by another process \(session one\)"):
            other.begin("two", "{}", T0)
        beside = log.begin("three", "{}", T0)  # who writes may write a second session
        assert other.is_written("one")
        assert other.is_written("three")
        writer.close(T0)
        with pytest.raises(LogLocked, match=r"written by another process \(session three\)"):
            other.begin("two", "{}", T0)
        assert not other.is_written("one")
        beside.close(T0)
        other.begin("two", "{}", T0).close(T0)
    assert [path.name for path in tmp_path.iterdir()] == ["log.db"]


def test_an_sqlite_log_is_locked_against_other_processes_until_they_die(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    child = start("forever", url, "1")
    assert child.stdout is not None
    child.stdout.readline()
    with Log.open(url) as log:
        with pytest.raises(LogLocked, match=r"session s\)"):
            log.begin("t", "{}", T0)
        with pytest.raises(LogLocked, match="still being written"):
            log.recover("s")
        assert check(log, "s") == []
        child.send_signal(signal.SIGKILL)
        child.communicate()
        writer = log.begin("t", "{}", T0)
        assert log.recover("s").status == "crashed"  # beside the next one's writer
        writer.close(T0)


def test_a_server_has_many_writers_each_with_its_own_session(postgres_url: str) -> None:
    with Log.open(postgres_url) as log, Log.open(postgres_url) as other:
        writers = [each.begin(name, "{}", T0) for each, name in ((log, "one"), (other, "two"), (other, "three"))]
        for record in records("s", 100):
            for writer in writers:
                writer.append(record)
        for writer in writers:
            writer.close(T0)
        assert [row.events for row in log.sessions()] == [100, 100, 100]
        assert [check(log, row.id) for row in log.sessions()] == [[], [], []]


def test_two_processes_may_make_the_tables_at_once(log_url: str) -> None:
    code = "import sys; from state.log import Log; Log.open(sys.argv[1]).close()"
    children = [started("-c", code, log_url, cwd=ROOT) for _ in range(3)]
    errors = [child.communicate()[1] for child in children]
    assert [child.returncode for child in children] == [0, 0, 0], errors


def test_tables_that_another_makes_while_one_waits_for_its_turn_are_found(postgres_url: str) -> None:
    url = postgres_url.replace("postgresql://", "postgresql+psycopg://")
    waits = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'second' AND wait_event = 'advisory'"
    engine = sa.create_engine(url)
    with ThreadPoolExecutor() as pool, engine.connect() as first, engine.connect() as seen:
        making = PostgresConnection(first)
        with making.transaction():
            first.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (CREATION_KEY,))
            opening = pool.submit(Log.open, f"{postgres_url}&application_name=second")
            while seen.exec_driver_sql(waits).first() is None:
                seen.rollback()
                assert not opening.done()
            making.create_tables()
            create_views(making)
            making.execute("INSERT INTO meta VALUES ('schema', :version)", version=str(VERSION))
        opening.result().close()
    engine.dispose()


def test_state_alone_does_not_load_sqlalchemy() -> None:
    code = "import state, state.events, state.record, sys; sys.exit('sqlalchemy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_log_in_a_file_does_not_load_sqlalchemy(tmp_path: Path) -> None:
    code = (
        "import app.session, sys; from state.log import Log\n"
        "with Log.open(sys.argv[1]) as log: log.begin('s', '{}', 1).close(1); log.find('s')\n"
        "sys.exit('sqlalchemy' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, f"sqlite:///{tmp_path}/log.db"], check=True)


def test_the_tables_of_a_file_are_those_of_the_schema(tmp_path: Path) -> None:
    Log.open(f"sqlite:///{tmp_path}/ours.db").close()
    engine = sa.create_engine(f"sqlite:///{tmp_path}/theirs.db")
    metadata.create_all(engine)
    engine.dispose()
    ours, theirs = tables_of(tmp_path / "ours.db"), tables_of(tmp_path / "theirs.db")
    assert ours == theirs
    assert len(ours) == len(metadata.tables)


def tables_of(path: Path) -> list[tuple[str, list[tuple[object, ...]], str]]:
    """Name, columns and definition of each table, and of nothing else."""
    with closing(sqlite3.connect(path)) as database:
        found = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
        return [
            (name, database.execute(f"PRAGMA table_xinfo({name})").fetchall(), re.sub(r"\s+", "", sql))
            for name, sql in found
        ]
