"""Sessions moved to Parquet: proven there, run again from there, encrypted and forgotten, and deleted only then."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
import sqlalchemy as sa
from pyarrow import parquet as pq

from replay.archive import is_archive, open_archive
from replay.archive.keys import forget_archive
from replay.archive.moving import archive
from replay.archive.names import CHECKPOINTS, FRAMES, JOURNAL, KEY, RECORDS, SESSION
from replay.audit import audit
from replay.proof.checkpoints import checkpoint
from replay.proof.evidence import examine
from replay.tape import log_of
from state.errors import LogCorrupt, LogError, LogLocked, WrongUse
from state.log import Log
from state.log.data_keys import LogKey
from state.log.schema import CONTENT, sessions
from state.log.verify import check
from state.record import Record
from tests.state.log.recorded import EVERY, T0, append, records, write

COUNT = 300
FILES = (SESSION, RECORDS, JOURNAL, FRAMES, CHECKPOINTS)


@pytest.fixture(params=["sqlite", "postgresql"])
def log_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty log, once on each database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/log.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def full(log_url: str) -> str:
    """A log with the session `s` and another one beside it."""
    with Log.open(log_url) as log:
        write(log, "s", records("s", COUNT), block_size=64)
        checkpoint(log, "s", every=100)
        write(log, "other", records("other", 40))
    return log_url


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An archive of `s`, made from a log that is no more."""
    with Log.open(f"sqlite:///{tmp_path}/gone.db") as log:
        write(log, "s", records("s", COUNT), block_size=64)
        checkpoint(log, "s", every=100)
        return Path(archive(log, "s", tmp_path / "kept").folder)


KEYS = (LogKey(bytes(range(32))), LogKey(bytes(32)))


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    """The same, encrypted under the first of `KEYS`."""
    with Log.open(f"sqlite:///{tmp_path}/gone.db") as log:
        write(log, "s", records("s", COUNT), block_size=64)
        checkpoint(log, "s", every=100)
        return Path(archive(log, "s", tmp_path / "kept", key=KEYS[0]).folder)


def rows_of(url: str, session: str) -> dict[str, int]:
    """How many rows each table has of a session."""
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    counted = {}
    with engine.connect() as connection:
        for table in (*CONTENT, sessions):
            name = table.c.id if table is sessions else table.c.session
            counted[table.name] = connection.scalar(
                sa.select(sa.func.count()).select_from(table).where(name == session)
            )
    engine.dispose()
    return counted


# --- moving ---


def test_an_archived_session_is_the_same_session(full: str, tmp_path: Path) -> None:
    with Log.open(full) as log:
        was, stored, journal = log.find("s"), log.checkpoints("s"), list(log.journal("s"))
        made = archive(log, "s", tmp_path / "kept")
        assert (made.records, made.journal, made.frames, made.deleted) == (COUNT, len(journal), 60, False)
        found = open_archive(tmp_path / "kept" / "s")
        assert [record for some in found.records() for record in some] == list(log.records("s"))
        assert list(found.frames()) == list(log.frames("s"))
        assert found.checkpoints() == stored
        told = audit(log, "s")
    with log_of(found) as restored:
        assert restored.find("s") == was
        assert list(restored.journal("s")) == journal
        assert (check(restored, "s"), examine(restored, "s").findings) == ([], ())
        assert audit(restored, "s") == told


def test_a_session_is_deleted_whole_and_no_other_is_touched(full: str, tmp_path: Path) -> None:
    beside = rows_of(full, "other")
    with Log.open(full) as log:
        assert archive(log, "s", tmp_path / "kept", delete=True).deleted
        assert [row.id for row in log.sessions()] == ["other"]
        assert (check(log, "other"), examine(log, "other").findings) == ([], ())
    assert set(rows_of(full, "s").values()) == {0}
    assert rows_of(full, "other") == beside
    with log_of(open_archive(tmp_path / "kept" / "s")) as restored:
        assert check(restored, "s") == []


def test_a_deletion_that_fails_on_its_way_deletes_nothing(full: str, tmp_path: Path) -> None:
    engine = sa.create_engine(full.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            stop = "CREATE TRIGGER stop BEFORE DELETE ON sessions BEGIN SELECT RAISE(ABORT, 'the power failed'); END"
            connection.exec_driver_sql(stop)
        else:
            stop = "BEGIN RAISE EXCEPTION 'the power failed'; END"
            connection.exec_driver_sql(f"CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ {stop} $$")
            connection.exec_driver_sql("CREATE TRIGGER stop BEFORE DELETE ON sessions EXECUTE FUNCTION stop()")
    engine.dispose()
    before = rows_of(full, "s")
    with Log.open(full) as log:
        with pytest.raises(LogError, match="the power failed"):
            archive(log, "s", tmp_path / "kept", delete=True)
        assert check(log, "s") == []
    assert rows_of(full, "s") == before
    assert open_archive(tmp_path / "kept" / "s").verify().records == COUNT, "a crash in between leaves both"


def test_the_next_call_takes_up_where_a_crash_has_cut_it_short(full: str, tmp_path: Path) -> None:
    part = tmp_path / "kept" / ".s.part"
    part.mkdir(parents=True)
    (part / RECORDS).write_bytes(b"PAR1 and then the power failed")
    with Log.open(full) as log:
        archive(log, "s", tmp_path / "kept")
        assert not part.exists()
        changed = {name: (tmp_path / "kept" / "s" / name).stat().st_mtime_ns for name in FILES}
        assert archive(log, "s", tmp_path / "kept", delete=True).deleted
    assert {name: (tmp_path / "kept" / "s" / name).stat().st_mtime_ns for name in FILES} == changed


def test_nothing_is_deleted_of_which_the_archive_is_damaged(full: str, tmp_path: Path) -> None:
    with Log.open(full) as log:
        folder = Path(archive(log, "s", tmp_path / "kept").folder)
        turn_a_bit(folder / RECORDS, 2_000)
        with pytest.raises(LogCorrupt):
            archive(log, "s", tmp_path / "kept", delete=True)
        assert check(log, "s") == []


def test_nothing_is_deleted_of_which_the_archive_is_another_session(full: str, tmp_path: Path) -> None:
    with Log.open(f"sqlite:///{tmp_path}/elsewhere.db") as elsewhere:
        write(elsewhere, "s", records("s", COUNT, seed=2))
        archive(elsewhere, "s", tmp_path / "kept")
    before = rows_of(full, "s")
    with Log.open(full) as log, pytest.raises(LogCorrupt, match="another session"):
        archive(log, "s", tmp_path / "kept", delete=True)
    assert rows_of(full, "s") == before


def test_a_checkpoint_that_the_archive_has_not_keeps_the_session(full: str, tmp_path: Path) -> None:
    with Log.open(full) as log:
        row, known = log.find("s"), log.checkpoints("s")
        with pytest.raises(WrongUse, match="not known elsewhere"):
            log.delete(row, known[:-1])
        with pytest.raises(WrongUse, match="not the one"):
            log.delete(dataclasses.replace(row, head="00" * 32), known)
    assert rows_of(full, "s")["sessions"] == 1


def test_a_running_session_is_neither_archived_nor_deleted(log_url: str, tmp_path: Path) -> None:
    with Log.open(log_url) as log:
        writer = log.begin("s", "{}", T0)
        append(writer, records("s", 20))
        writer.flush(30)
        with pytest.raises(WrongUse, match="still running"):
            archive(log, "s", tmp_path / "kept", delete=True)
        with pytest.raises(LogLocked):
            log.delete(log.find("s"), log.checkpoints("s"))
        writer.close(T0 + 1)
        assert not (tmp_path / "kept").exists()
        assert archive(log, "s", tmp_path / "kept", delete=True).records == 20


def test_a_crashed_session_and_one_without_records_can_be_archived(log_url: str, tmp_path: Path) -> None:
    with Log.open(log_url) as log:
        writer = log.begin("crashed", "{}", T0)
        append(writer, records("crashed", 7))
        writer.close(T0 + 1, "crashed")
        log.begin("empty", "{}", T0).close(T0)
        for session, count in (("crashed", 7), ("empty", 0)):
            assert archive(log, session, tmp_path, delete=True).records == count
            with log_of(open_archive(tmp_path / session)) as restored:
                assert restored.find(session).status == ("crashed" if count else "closed")


def test_a_file_keeps_no_copy_of_what_was_deleted(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with Log.open(f"sqlite:///{path}") as log:
        writer = log.begin("s", '{"note":"the-word-to-find"}', T0)
        append(writer, records("s", 20))
        writer.close(T0 + 1)
        held = [each.read_bytes() for each in tmp_path.glob("log.db*")]
        assert any(b"the-word-to-find" in each for each in held)
        archive(log, "s", tmp_path / "kept", key=KEYS[0], delete=True)
        assert not any(b"the-word-to-find" in each.read_bytes() for each in tmp_path.glob("log.db*"))


def test_every_kind_of_event_has_its_columns(tmp_path: Path) -> None:
    with Log.open(f"sqlite:///{tmp_path}/log.db") as log:
        write(log, "s", [Record(seq, T0 + seq, 0, event) for seq, event in enumerate(EVERY, start=1)])
        folder = Path(archive(log, "s", tmp_path / "kept").folder)
    table = pq.read_table(folder / RECORDS).to_pylist()
    fill = next(row for row in table if row["type"] == "Fill")
    asked = {name: fill[name] for name in ("venue", "symbol", "client_id", "order_id", "side", "price", "size", "ts")}
    assert asked == {
        "venue": "bybit", "symbol": "BTCUSDT", "client_id": "c-1", "order_id": "o-1", "side": "buy", "price": "61000.5",
        "size": "0.001", "ts": T0,
    }  # fmt: skip
    assert len(table) == len(EVERY)


# --- damage ---


def turn_a_bit(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at % len(content)] ^= 0x10
    path.write_bytes(content)


def rewrite(path: Path, change: Callable[[list[dict[str, object]]], object]) -> None:
    """The file with other rows, as somebody who knows Parquet would write it."""
    table = pq.read_table(path)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)


def put(number: int, name: str, value: object) -> Callable[[list[dict[str, object]]], object]:
    return lambda rows: rows[number].update({name: value})


@pytest.mark.parametrize(
    ("name", "change", "seq"),
    [
        pytest.param(RECORDS, put(149, "record", b"\x94\x01\x01\x00\xc0"), 150, id="another record"),
        pytest.param(RECORDS, put(149, "mark", 7), 150, id="another mark"),
        pytest.param(RECORDS, put(149, "recv", 7), 150, id="another time beside a record"),
        pytest.param(RECORDS, put(149, "venue", "nowhere"), 150, id="another word beside a record"),
        pytest.param(RECORDS, lambda rows: rows.pop(149), 150, id="a record left out"),
        pytest.param(RECORDS, lambda rows: rows.insert(149, rows[148]), 150, id="a record twice"),
        pytest.param(RECORDS, lambda rows: rows.pop(), COUNT, id="the last record left out"),
        pytest.param(RECORDS, lambda rows: rows.clear(), 1, id="no records"),
        pytest.param(JOURNAL, lambda rows: rows.pop(3), None, id="a journal row left out"),
        pytest.param(JOURNAL, lambda rows: rows.append(rows[-1]), COUNT + 1, id="a journal row too many"),
        pytest.param(JOURNAL, put(5, "payload", "{}"), None, id="another payload in the journal"),
        pytest.param(FRAMES, put(9, "body", b"{}"), 50, id="another frame"),
        pytest.param(FRAMES, put(9, "last_seq", 52), None, id="a frame that reaches further"),
        pytest.param(FRAMES, lambda rows: rows.pop(), None, id="the last frame left out"),
        pytest.param(CHECKPOINTS, put(2, "root", "00" * 32), None, id="another checkpoint"),
        pytest.param(CHECKPOINTS, lambda rows: rows.pop(), None, id="the last checkpoint left out"),
        pytest.param(CHECKPOINTS, lambda rows: rows.clear(), None, id="no checkpoints"),
        pytest.param(SESSION, put(0, "manifest", "{}"), 1, id="another manifest"),
        pytest.param(SESSION, put(0, "status", "odd"), None, id="a status that there is not"),
        pytest.param(SESSION, put(0, "head", "00" * 32), None, id="another digest"),
        pytest.param(SESSION, lambda rows: rows.append(rows[0]), None, id="two sessions"),
    ],
)
def test_a_row_that_was_changed_is_found(
    folder: Path, name: str, change: Callable[[list[dict[str, object]]], object], seq: int | None
) -> None:
    assert open_archive(folder).verify().records == COUNT
    rewrite(folder / name, change)
    with pytest.raises(LogCorrupt) as raised:
        open_archive(folder).verify()
    if seq is not None:
        assert raised.value.seq == seq


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_cut_off_or_missing_or_other_is_found(folder: Path, name: str) -> None:
    path = folder / name
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"nonsense", (folder / FILES[FILES.index(name) - 1]).read_bytes()):
        path.write_bytes(content)
        with pytest.raises(LogCorrupt):
            open_archive(folder).verify()
    path.unlink()
    with pytest.raises(LogCorrupt, match="has no"):
        open_archive(folder).verify()


# --- encryption ---


def test_without_the_key_nobody_reads_and_with_it_everybody_sees_the_same(locked: Path) -> None:
    with Log.open(f"sqlite:///{locked.parents[1]}/gone.db") as log, log_of(open_archive(locked, KEYS[0])) as restored:
        assert list(restored.records("s")) == list(log.records("s"))
        assert restored.checkpoints("s") == log.checkpoints("s"), "digest and checkpoints are over canonical bytes"
    with pytest.raises(WrongUse, match="encrypted under the log key"):
        open_archive(locked)
    with pytest.raises(WrongUse, match="this one is"):
        open_archive(locked, KEYS[1])
    (locked / KEY).unlink()
    with pytest.raises(LogCorrupt):
        open_archive(locked, KEYS[0]).verify()


def test_nothing_can_be_read_in_the_bytes_of_an_encrypted_archive(folder: Path) -> None:
    words = (b"bybit", b"BTCUSDT", b"61000.5", b"topic", b"manifest", b"client_id", b"code")
    plain = b"".join(uncompressed(folder / name) for name in FILES)
    assert all(word in plain for word in words)
    with Log.open(f"sqlite:///{folder.parents[1]}/gone.db") as log:
        hidden = Path(archive(log, "s", folder.parents[1] / "hidden", key=KEYS[0]).folder)
    for name in FILES:
        content = (hidden / name).read_bytes()
        assert content[:4] == b"PARE"
        assert [word for word in words if word in content] == []


def uncompressed(path: Path) -> bytes:
    """A Parquet file as it would be if nothing were compressed, so that its words can be looked for."""
    sink = pa.BufferOutputStream()
    pq.write_table(pq.read_table(path), sink, compression="none", use_dictionary=False)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def test_a_forgotten_key_erases_the_session_for_who_has_the_log_key_too(locked: Path) -> None:
    before = (locked / KEY).read_bytes()
    assert forget_archive(locked) == "s"
    assert len((locked / KEY).read_bytes()) == len(before), "written over in place"
    for key in (*KEYS, None):
        with pytest.raises(WrongUse, match="forgotten"):
            open_archive(locked, key)
    assert is_archive(str(locked))


def test_an_archive_that_is_not_encrypted_has_no_key_to_forget(folder: Path) -> None:
    with pytest.raises(WrongUse, match="not encrypted"):
        forget_archive(folder)


@pytest.mark.parametrize("name", FILES)
def test_no_bit_of_the_ciphertext_can_be_turned(locked: Path, name: str) -> None:
    whole = (locked / name).read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 40)):
        turn_a_bit(locked / name, place)
        with pytest.raises(LogCorrupt):
            open_archive(locked, KEYS[0]).verify()
        (locked / name).write_bytes(whole)
    assert open_archive(locked, KEYS[0]).verify().records == COUNT


def test_the_wrapped_key_and_its_archive_belong_together(locked: Path, tmp_path: Path) -> None:
    with Log.open(f"sqlite:///{tmp_path}/gone.db") as log:
        write(log, "t", records("t", COUNT))
        other = Path(archive(log, "t", tmp_path / "kept", key=KEYS[0]).folder)
    shutil.copy(other / KEY, locked / KEY)
    with pytest.raises(LogCorrupt):
        open_archive(locked, KEYS[0]).verify()
    said = msgspec.json.decode((locked / KEY).read_bytes(), type=dict[str, str])
    (locked / KEY).write_bytes(msgspec.json.encode({**said, "session": "s"}))
    with pytest.raises(WrongUse, match="has been changed"):
        open_archive(locked, KEYS[0])
    (locked / KEY).write_bytes(b"{}")
    with pytest.raises(LogCorrupt, match="no wrapped key"):
        open_archive(locked, KEYS[0])
