"""Archiving, encrypting and forgetting from the command line."""

import shutil
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from replay.proof.locked import MAGIC, LockedReader, LockedWriter
from replay.tape import Tape
from state.errors import TapelineError
from state.log.data_keys import LogKey
from tests.app.conftest import EVENTS, SESSION
from tests.app.test_proof_commands import GOLDEN, findings
from tests.command import started
from tests.replay.proof.conftest import write_key

Cli = Callable[..., Any]


@pytest.fixture(autouse=True)
def _no_key_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TAPELINE_LOG_KEY", raising=False)


def key_file(path: Path, byte: int) -> str:
    path.write_text(f"{byte:02x}" * 32 + "\n")
    path.chmod(0o600)
    return str(path)


@pytest.fixture
def keys(tmp_path: Path) -> tuple[str, str]:
    """The log key, and somebody else's."""
    return key_file(tmp_path / "log.key", 1), key_file(tmp_path / "other.key", 2)


@pytest.fixture
def signing(tmp_path: Path) -> tuple[str, str]:
    """A key to sign with, and its public half."""
    private, public = write_key(tmp_path, "signing", 7)
    return str(private), str(public)


@pytest.fixture
def golden(cli: Cli) -> tuple[str, str]:
    """A log that holds the session of the golden tape, and its id."""
    url = "sqlite:///golden.db"
    ran = cli("unseal", str(GOLDEN), "--log", url)
    return url, ran.out.split()[1].rstrip(":")


def test_an_archived_session_is_audited_and_replayed_where_it_stands(cli: Cli, golden: tuple[str, str]) -> None:
    url, session = golden
    digest = cli("sessions", "--log", url, "--json").array()[0]["digest"]
    ran = cli("archive", session, "-o", "kept", "--delete", "--log", url, "--json")
    assert ran.code == 0, ran.err
    made = ran.array()[0]
    assert (made["session"], made["deleted"], made["encrypted"]) == (session, True, False)
    assert cli("sessions", "--log", url, "--json").array() == []
    ran = cli("replay", f"kept/{session}", "--verify")
    assert (ran.code, "the same to the bit" in ran.out) == (0, True), ran.err
    ran = cli("audit", f"kept/{session}", "--json")
    assert (ran.code, msgspec.json.decode(ran.out)["head"]) == (0, digest)
    assert cli("replay", f"kept/{session}", "--simulate", "plain").code == 2
    ran = cli("unseal", f"kept/{session}", "--log", url)
    assert (ran.code, digest in ran.out) == (0, True)


def test_several_sessions_are_archived_and_stay_unless_it_is_said(cli: Cli, log_url: str) -> None:
    ran = cli("archive", SESSION, SESSION[:8], "-o", "kept", "--log", log_url)
    assert (ran.code, len(ran.out.splitlines())) == (0, 2), "the second finds the first one's archive and proves it"
    assert len(cli("sessions", "--log", log_url, "--json").array()) == 1


def test_an_archive_is_signed_and_can_be_asked_in_parquet(
    cli: Cli, log_url: str, signing: tuple[str, str], keys: tuple[str, str]
) -> None:
    words = ["-o", "kept", "--key", signing[0], "--log-key", keys[0]]
    assert cli("archive", SESSION, *words, "--log", log_url).code == 0
    ran = cli("audit", f"kept/{SESSION}", "--log-key", keys[0], "--public-key", signing[1], "--json")
    assert (findings(ran), msgspec.json.decode(ran.out)["signed_seq"]) == ([], len(EVENTS))
    assert cli("archive", SESSION, "-o", "open", "--log", log_url).code == 0
    table = pq.read_table(f"open/{SESSION}/records.parquet", columns=["seq", "type", "price", "size"])
    counted = {
        row["type"]: row["count_all"] for row in table.group_by("type").aggregate([([], "count_all")]).to_pylist()
    }
    assert counted == Counter(type(event).__name__ for event in EVENTS)


@pytest.mark.parametrize("shape", ["archive", "tape"])
def test_an_encrypted_session_is_read_with_its_key_until_that_is_forgotten(
    cli: Cli, log_url: str, keys: tuple[str, str], shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["archive", SESSION, "-o", "kept"] if shape == "archive" else ["seal", SESSION, "-o", "run.tape"]
    where = f"kept/{SESSION}" if shape == "archive" else "run.tape"
    ran = cli(*words, "--log-key", keys[0], "--log", log_url)
    assert (ran.code, "encrypted" in ran.err) == (0, True), ran.err
    assert findings(cli("audit", where, "--log-key", keys[0], "--json")) == []
    monkeypatch.setenv("TAPELINE_LOG_KEY", keys[0])
    assert findings(cli("audit", where, "--json")) == []
    monkeypatch.delenv("TAPELINE_LOG_KEY")
    for wrong in ([], ["--log-key", keys[1]], ["--log-key", "nowhere"]):
        ran = cli("audit", where, *wrong)
        assert (ran.code, ran.out, len(ran.err.splitlines())) == (2, "", 1), wrong
    assert cli("forget", where).code == 0
    ran = cli("audit", where, "--log-key", keys[0])
    assert (ran.code, "forgotten" in ran.err) == (2, True)
    assert cli("audit", where).code == 2
    assert cli("forget", where).code == 0, "what is forgotten stays so"


def test_no_byte_of_an_encrypted_tape_can_be_changed_or_left_out(
    cli: Cli, golden: tuple[str, str], keys: tuple[str, str], tmp_path: Path
) -> None:
    assert cli("seal", "last", "-o", "run.tape", "--log-key", keys[0], "--log", golden[0]).code == 0
    path, key = tmp_path / "run.tape", LogKey.load(Path(keys[0]))
    whole = path.read_bytes()
    assert whole.startswith(MAGIC)
    assert [word for word in (b"OPEN", b"CHKS", golden[1].encode()) if word in whole] == []
    Tape(path, key).prove()
    changed = tmp_path / "changed.tape"
    for place in range(0, len(whole), len(whole) // 60):
        content = bytearray(whole)
        content[place] ^= 1
        changed.write_bytes(content)
        with pytest.raises(TapelineError):
            Tape(changed, key).prove()
    for content in (whole[:-1], whole[: len(whole) // 2], whole[:50], whole + b"\x00", whole[:16]):
        changed.write_bytes(content)
        with pytest.raises(TapelineError):
            Tape(changed, key).prove()
    long = tmp_path / "long"
    with long.open("wb") as out:
        writer = LockedWriter(out, key)
        writer.write(bytes(5 << 19))
        writer.end()
    pieces = long.read_bytes()
    with long.open("rb") as file:
        file.seek(len(MAGIC))
        assert LockedReader(file, key).read(1 << 30) == bytes(5 << 19)
    head = len(MAGIC) + 16 + 60
    piece = 4 + (1 << 20) + 16
    first, second, last = pieces[head:][:piece], pieces[head + piece :][:piece], pieces[head + 2 * piece :]
    for order in ((second, first, last), (first, last), (first, second), (first, first, last)):
        long.write_bytes(pieces[:head] + b"".join(order))
        with long.open("rb") as file:
            file.seek(len(MAGIC))
            with pytest.raises(TapelineError):
                LockedReader(file, key).read(1 << 30)


def test_a_damaged_archive_is_one_line_that_names_the_record(cli: Cli, log_url: str, tmp_path: Path) -> None:
    assert cli("archive", SESSION, "-o", "kept", "--log", log_url).code == 0
    path = tmp_path / "kept" / SESSION / "records.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    rows[4]["record"] = rows[4]["record"].replace(b"t-1", b"t-2")
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    for words in (["audit", f"kept/{SESSION}"], ["archive", SESSION, "-o", "kept", "--delete", "--log", log_url]):
        ran = cli(*words)
        assert (ran.code, ran.out, len(ran.err.splitlines())) == (2, "", 1)
        assert "record 5 " in ran.err
    assert len(cli("sessions", "--log", log_url, "--json").array()) == 1
    assert len(cli("events", SESSION, "--log", log_url, "--json").objects()) == len(EVENTS)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param("archive last --log {url}", "output", id="an archive nowhere"),
        pytest.param("archive -o kept --log {url}", "SESSION", id="an archive of nothing"),
        pytest.param("archive nothing -o kept --log {url}", "no session", id="a session that is not there"),
        pytest.param(
            "archive last -o kept --log-key open.key --log {url}", "chmod 600", id="a key that others may read"
        ),
        pytest.param("archive last -o kept --log-key short.key --log {url}", "32 bytes", id="a key that is too short"),
        pytest.param("forget nowhere", "neither", id="something to forget that is not there"),
        pytest.param("forget plain.tape", "not encrypted", id="a tape without a key"),
        pytest.param("forget kept", "neither", id="a folder that is no archive"),
    ],
)
def test_what_cannot_run_is_said_in_one_line(cli: Cli, log_url: str, tmp_path: Path, words: str, says: str) -> None:
    (tmp_path / "open.key").write_text("00" * 32)
    (tmp_path / "open.key").chmod(0o644)
    (tmp_path / "short.key").write_text("00" * 31)
    (tmp_path / "short.key").chmod(0o600)
    (tmp_path / "kept").mkdir()
    shutil.copy(GOLDEN, tmp_path / "plain.tape")
    ran = cli(*words.format(url=log_url).split())
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (2, "", 1), ran
    assert says in ran.err


@pytest.mark.parametrize(
    "sight", ["kept/.{}.part", "kept/.{}.part/records.parquet", "kept/.{}.part/session.parquet", "kept/{}"]
)
def test_a_killed_archiving_loses_nothing_and_is_taken_up_again(cli: Cli, golden: tuple[str, str], sight: str) -> None:
    """Killed as soon as a file is in sight; what it has done by then is anybody's guess."""
    url, session = golden
    process = started("archive", session, "-o", "kept", "--delete", "--log", url, cwd=Path.cwd())
    while process.poll() is None and not Path(sight.format(session)).exists():
        time.sleep(0.001)
    process.kill()
    process.communicate()
    left = cli("sessions", "--log", url, "--json").array()
    assert left or cli("audit", f"kept/{session}").code == 0, "deleted is what has been proven"
    if left:
        assert cli("audit", session, "--log", url).code == 0
        assert cli("archive", session, "-o", "kept", "--delete", "--log", url).code == 0
    assert cli("audit", f"kept/{session}").code == 0
    assert [path.name for path in Path("kept").iterdir()] == [session]
