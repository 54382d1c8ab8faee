"""A session whose process died: it is told as crashed before any other has written to the log, and can be sealed and archived."""

import os
import shutil
from pathlib import Path

import pytest

from state.log import Log
from state.record import Record
from tests.app.conftest import EVENTS, OPENED, SESSION, Cli


@pytest.fixture
def log_url(tmp_path: Path) -> str:
    """A copy of a log that is being written, without its claim: as a killed process leaves it."""
    url = f"sqlite:///{tmp_path / 'written.db'}"
    with Log.open(url) as log:
        writer = log.begin(SESSION, '{"seed":7}', OPENED)
        for seq, event in enumerate(EVENTS[:-1], start=1):
            writer.append(Record(seq, OPENED + seq * 1_000, 0, event))
        writer.flush()
        assert log.status(log.find(SESSION)) == "running"
        for end in ("", "-wal"):
            shutil.copy(tmp_path / f"written.db{end}", tmp_path / f"left.db{end}")
        writer.close(OPENED + 1_000_000)
        assert log.status(log.find(SESSION)) == "closed"
    return f"sqlite:///{tmp_path / 'left.db'}"


def test_it_is_listed_as_crashed_and_the_log_is_left_as_it_is(cli: Cli, log_url: str) -> None:
    (listed,) = cli("sessions", "--json", "--log", log_url).array()
    assert (listed["status"], listed["closed"]) == ("crashed", None)
    assert "crashed" in cli("sessions", "--log", log_url).out
    with Log.open(log_url) as log:
        assert log.find(SESSION).status == "running"


def test_it_is_sealed(cli: Cli, log_url: str, tmp_path: Path) -> None:
    done = cli("seal", SESSION, "-o", str(tmp_path / "left.tape"), "--log", log_url)
    assert done.code == 0, done.err
    assert cli("audit", str(tmp_path / "left.tape")).code == 1, "that it did not end in order is a finding"


def test_it_is_archived(cli: Cli, log_url: str, tmp_path: Path) -> None:
    done = cli("archive", SESSION, "-o", str(tmp_path / "archive"), "--delete", "--log", log_url)
    assert done.code == 0, done.err
    with Log.open(log_url) as log:
        assert log.sessions() == []


@pytest.mark.parametrize("command", ["seal", "archive"])
def test_one_that_is_being_written_is_left_alone(cli: Cli, command: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'log.db'}"
    with Log.open(url) as log:
        writer = log.begin(SESSION, '{"seed":7}', OPENED)
        refused = cli(command, SESSION, "-o", str(tmp_path / "out"), "--log", url)
        assert (refused.code, "still running" in refused.err) == (2, True)
        assert not os.path.exists(tmp_path / "out")
        writer.close(OPENED)


def test_what_reads_it_says_so_too(cli: Cli, log_url: str, tmp_path: Path) -> None:
    """Audit found that it was running, and a report was headed so."""
    [audited] = cli("audit", SESSION, "--json", "--log", log_url).objects()
    assert audited["status"] == "crashed"
    assert "did not end in order: it is crashed" in cli("audit", SESSION, "--log", log_url).out
    assert cli("report", SESSION, "-o", str(tmp_path / "page.html"), "--log", log_url).code == 0
    assert "<p class='note'>crashed, " in (tmp_path / "page.html").read_text()
