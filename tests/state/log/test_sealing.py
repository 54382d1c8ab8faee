"""A session under a log key: nothing that was recorded stands readable in the database, and with the key nothing differs."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from state.errors import LogCorrupt, LogLocked, WrongUse
from state.log import Log
from state.log.data_keys import KeyNeeded, LogKey
from state.log.schema import CONTENT, blocks, frames, journal, meta, metadata, sessions, snapshots
from state.log.verify import check
from state.record import Frame
from tests.state.log.recorded import records, write

KEY, OTHER = LogKey(b"\x01" * 32), LogKey(b"\x02" * 32)
LENGTH = 120
# What events and frames of `recorded` say, and no column that stays plain does.
SAID = (
    b"61000.5",
    b"order not exists",
    b"ZeroDivisionError",
    b"base_spread_bps",
    b'"topic":"order"',
    b"t-1",
    b"state at",
)


@pytest.fixture
def postgres_log_url(postgres_url: str) -> str:
    """Of its own: a log under a key stays one."""
    return postgres_url


@pytest.fixture
def engine(log_url: str) -> Iterator[sa.Engine]:
    """A hand that reads and writes behind the log's back."""
    made = sa.create_engine(log_url.replace("postgresql://", "postgresql+psycopg://"))
    yield made
    made.dispose()


def everything(log: Log, session: str) -> tuple[object, ...]:
    return (
        list(log.records(session)),
        list(log.frames(session)),
        list(log.journal(session)),
        log.snapshot_at(session, LENGTH),
        log.find(session).head,
        log.checkpoints(session),
    )


def recorded(log: Log, session: str = "s") -> None:
    """Commits of five, so that small blocks are merged; a frame every fifth record; a snapshot."""
    writer = log.begin(session, '{"code":"1"}', 1, block_size=32)
    writer.snapshot(1, b"state at 1")
    made = records(session, LENGTH)
    for record in made:
        writer.append(record, framed(record.seq, record.recv) if record.seq % 5 == 0 else None)
        if record.seq % 5 == 0:
            writer.flush(30)
    writer.close(made[-1].recv)


def framed(seq: int, recv: int) -> Frame:
    """An order's word; every second was asked at an address that says more than it should."""
    body = f'{{"topic":"order","seq":{seq}}}'.encode()
    url = "https://example.org/order?price=61000.5" if seq % 10 == 0 else ""
    return Frame(recv, "bybit", "private", "in", body, url, private=True)


def stored(engine: sa.Engine, session: str) -> bytes:
    """Every value of every column of a session's rows."""
    with engine.connect() as connection:
        rows = [
            row for table in CONTENT for row in connection.execute(sa.select(table).where(table.c.session == session))
        ]
    return b"\n".join(value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row)


def test_with_the_key_nothing_differs_and_without_it_nothing_is_there(log_url: str, engine: sa.Engine) -> None:
    with Log.open(log_url) as plain:
        recorded(plain, "s")
        before = everything(plain, "s")
        with engine.begin() as connection:
            for table in CONTENT:
                connection.execute(table.delete())
            connection.execute(sessions.delete())
        with Log.open(log_url, key=KEY) as log:
            recorded(log, "s")
            assert everything(log, "s") == before
            assert check(log, "s") == []
            assert log.rebuild_journal("s") == len(list(log.journal("s")))
            assert check(log, "s") == [], "a rebuilt journal is encrypted too"
            log.replace_snapshots("s", [(1, b"state at 1"), (50, b"state at 50")])
            assert log.snapshot_at("s", LENGTH) == (50, b"state at 50")
        there = stored(engine, "s")
        assert not [word for word in SAID if word in there]
        assert [row.id for row in plain.sessions()] == ["s"], "that it exists is no secret"
        for read in (plain.records, plain.frames, plain.journal):
            with pytest.raises(KeyNeeded, match="encrypted under the log key"):
                list(read("s"))
        with pytest.raises(KeyNeeded, match="encrypted under the log key"):
            plain.snapshot_at("s", 1)
        with Log.open(log_url, key=OTHER) as log, pytest.raises(KeyNeeded, match="this one is"):
            list(log.records("s"))


def test_the_plain_columns_can_still_be_asked(log_url: str, engine: sa.Engine) -> None:
    with Log.open(log_url, key=KEY) as log:
        recorded(log, "s")
    with Log.open(log_url) as log:
        recorded(log, "open")
    count = sa.select(sa.func.count()).select_from(journal).where(journal.c.client_id == "c-2")
    with engine.connect() as connection:
        assert connection.scalar(count.where(journal.c.session == "s"))
        for view in ("orders", "fills", "positions", "latency", "refusals", "gaps"):
            told = connection.exec_driver_sql(f"SELECT DISTINCT session FROM {view}").scalars().all()
            assert told == ["open"], f"{view}: half a row would be NULL"


def test_a_log_of_before_gets_views_that_know_encrypted_sessions(log_url: str, engine: sa.Engine) -> None:
    with Log.open(log_url):
        pass
    with engine.begin() as connection:
        for view in ("steering", "gaps", "refusals", "latency", "positions", "orders", "fills", "open_journal"):
            connection.exec_driver_sql(f"DROP VIEW {view}")
        connection.exec_driver_sql("CREATE VIEW fills AS SELECT session, seq FROM journal")  # as it was then
    with Log.open(log_url, key=KEY) as log:
        recorded(log, "s")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM fills").scalar() == 0


def test_forgetting_erases_one_session_and_leaves_no_copy_of_its_key(log_url: str, engine: sa.Engine) -> None:
    with Log.open(log_url, key=KEY) as log:
        recorded(log, "s")
        recorded(log, "other")
        with engine.connect() as connection:
            wrapped = connection.scalar(sa.select(meta.c.value).where(meta.c.key == "key of s"))
        log.forget("s")
        with pytest.raises(KeyNeeded, match="forgotten"):
            list(log.records("s"))
        assert check(log, "other") == []
        running = log.begin("running", "{}", 1)
        with pytest.raises(LogLocked):
            log.forget("running")
        running.close(2)
    if engine.dialect.name == "sqlite":
        path = log_url.removeprefix("sqlite:///")
        with open(path, "rb") as file:  # the write-ahead log is gone with the last connection
            assert wrapped.split()[1].encode() not in file.read()


def test_a_session_that_is_not_encrypted_has_no_key_to_forget(log: Log) -> None:
    recorded(log, "open")
    with pytest.raises(WrongUse, match="no key to forget"):
        log.forget("open")


def test_deleting_a_session_deletes_its_key(log_url: str, engine: sa.Engine) -> None:
    with Log.open(log_url, key=KEY) as log:
        recorded(log, "s")
        log.delete(log.find("s"), log.checkpoints("s"))
    with engine.connect() as connection:
        assert connection.scalar(sa.select(meta.c.value).where(meta.c.key == "key of s")) is None


ELSEWHERE = [
    pytest.param(blocks, "body", "first_seq", id="a block's body"),
    pytest.param(blocks, "marks", "first_seq", id="a block's marks"),
    pytest.param(frames, "body", "id", id="a frame's body"),
    pytest.param(frames, "url", "id", id="a frame's address"),
    pytest.param(frames, "mark", "id", id="a frame's mark"),
    pytest.param(journal, "payload", "seq", id="a journal payload"),
]


@pytest.mark.parametrize(("table", "column", "place"), ELSEWHERE)
def test_what_is_put_where_it_was_not_written_is_found(
    log_url: str, engine: sa.Engine, table: sa.Table, column: str, place: str
) -> None:
    """Bytes that are genuine, of the same session and under the same key, but of another row."""
    with Log.open(log_url, key=KEY) as log:
        recorded(log, "s")
        mine, at = table.c.session == "s", table.c[place]
        with engine.begin() as connection:
            said = [
                row for row in connection.execute(sa.select(at, table.c[column]).where(mine).order_by(at)) if row[1]
            ]
            connection.execute(table.update().where(mine, at == said[1][0]).values({column: said[0][1]}))
        found = check(log, "s")
        assert found
        first = said[1][0] if table is not frames else None
        assert first is None or found[0].seq == first


def test_damage_to_encrypted_bytes_is_a_finding_and_never_a_crash(log_url: str, engine: sa.Engine) -> None:
    with Log.open(log_url, key=KEY) as log:
        recorded(log, "s")
        for table, column, value in (
            (blocks, "body", b""),
            (blocks, "marks", b"x"),
            (blocks, "codec", "msgpack+zstd"),
            (frames, "body", b"\x00" * 40),
            (frames, "url", "not base64!"),
            (journal, "payload", '{"type":"Fill"}'),
            (journal, "payload", "nothing"),
            (meta, "value", "nothing"),
        ):
            mine = table.c.key == "key of s" if table is meta else table.c.session == "s"
            with engine.begin() as connection:
                before = connection.execute(sa.select(table).where(mine)).all()
                connection.execute(table.update().where(mine).values({column: value}))
            assert check(log, "s"), f"{table.name}.{column}"
            with engine.begin() as connection:
                connection.execute(table.delete().where(mine))
                connection.execute(table.insert(), [dict(row._mapping) for row in before])
        assert check(log, "s") == []
        with engine.begin() as connection:
            connection.execute(meta.delete().where(meta.c.key == "key of s"))
        assert check(log, "s"), "a session that has lost its key is not sound"


def test_a_snapshot_that_was_changed_is_not_believed(log_url: str, engine: sa.Engine) -> None:
    with Log.open(log_url, key=KEY) as log:
        recorded(log, "s")
        with engine.begin() as connection:
            connection.execute(snapshots.update().values(body=b"\x00" * 64))
        with pytest.raises(LogCorrupt):
            log.snapshot_at("s", LENGTH)


def test_equal_sessions_have_no_stored_byte_in_common(log: Log, log_url: str, engine: sa.Engine) -> None:
    """Two logs would show by equal bytes that equal things were said."""
    del log
    with Log.open(log_url, key=KEY) as keyed:
        write(keyed, "s", records("s", 40))
        with engine.begin() as connection:
            first = connection.scalar(sa.select(blocks.c.body))
            for table in metadata.tables.values():
                connection.execute(table.delete().where(sa.literal(table.name != "meta")))
            connection.execute(meta.delete().where(meta.c.key == "key of s"))
        write(keyed, "s", records("s", 40))
        with engine.connect() as connection:
            assert connection.scalar(sa.select(blocks.c.body)) != first
