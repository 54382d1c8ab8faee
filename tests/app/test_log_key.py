"""A log key on the command line: what is written under it, who can read it, and what is left when it is forgotten."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from replay.tables import read
from state.errors import WrongUse
from state.log.schema import blocks
from tests.app.test_archive_commands import key_file
from tests.app.test_proof_commands import GOLDEN

Cli = Callable[..., Any]
URL = "sqlite:///sealed.db"


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The log key; nothing in the environment names one."""
    monkeypatch.setenv("TAPELINE_LOG_KEY", "")
    return key_file(tmp_path / "log.key", 1)


@pytest.fixture
def session(cli: Cli, key: str) -> str:
    """The golden session in a log, encrypted."""
    ran = cli("unseal", str(GOLDEN), "--log", URL, "--log-key", key)
    assert ran.code == 0, ran.err
    return str(ran.out.split()[1].rstrip(":"))


READERS = [
    ["audit"],
    ["replay", "--verify"],
    ["state"],
    ["orders"],
    ["events"],
    ["books"],
    ["trades"],
    ["quality"],
    ["export", "--format", "jsonl"],
]


def test_every_command_reads_it_with_the_key_and_says_what_is_missing_without(
    cli: Cli, session: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words in READERS:
        ran = cli(words[0], session, *words[1:], "--log", URL)
        assert ran.code == 2, words
        assert "is encrypted under the log key" in ran.out + ran.err, words
        assert len(ran.err.splitlines()) <= 1, words
        ran = cli("--log-key", key, words[0], session, *words[1:], "--log", URL)
        monkeypatch.setenv("TAPELINE_LOG_KEY", "")  # the command line sets it for what it starts
        assert ran.code in (0, 1), (words, ran.err)
        assert "encrypted" not in ran.err, words
    with pytest.raises(WrongUse, match="encrypted"):
        read(session, URL).trades()
    monkeypatch.setenv("TAPELINE_LOG_KEY", key)
    assert len(read(session, URL).trades())


def test_an_audit_without_the_key_gives_no_verdict_but_finds_what_it_can(cli: Cli, session: str, key: str) -> None:
    ran = cli("audit", session, "--log", URL)
    assert ran.code == 2
    assert "no verdict" in ran.out
    assert "not checked: the bytes of records and frames" in ran.out
    page = cli("audit", session, "--log", URL, "--html")
    assert page.code == 2
    assert "No verdict" in page.out
    engine = sa.create_engine(URL)
    with engine.begin() as connection:
        gone = connection.scalar(sa.select(sa.func.max(blocks.c.first_seq)))
        connection.execute(blocks.delete().where(blocks.c.first_seq == gone))
    engine.dispose()
    ran = cli("audit", session, "--log", URL)
    assert ran.code == 1
    assert "cut off" in ran.out
    assert cli("audit", session, "--log", URL, "--log-key", key).code == 1


def test_a_key_that_is_none_or_somebody_elses_is_one_line(cli: Cli, session: str, tmp_path: Path) -> None:
    for name, wanted in (
        (key_file(tmp_path / "other.key", 2), "this one is"),
        (str(tmp_path / "absent"), "No such file"),
    ):
        ran = cli("replay", session, "--verify", "--log", URL, "--log-key", name)
        assert (ran.code, len(ran.err.splitlines())) == (2, 1)
        assert wanted in ran.err


def test_forget_erases_one_session_of_the_log(cli: Cli, session: str, key: str) -> None:
    ran = cli("forget", session[:-2], "--log", URL)
    assert ran.code == 2, "only by its whole id"
    assert "whole id" in ran.err
    assert cli("forget", session, "--log", URL).code == 0
    ran = cli("replay", session, "--verify", "--log", URL, "--log-key", key)
    assert (ran.code, "forgotten" in ran.err) == (2, True)
    ran = cli("audit", session, "--log", URL, "--log-key", key)
    assert (ran.code, "has been forgotten" in ran.out) == (2, True)
    assert session in cli("sessions", "--log", URL).out
    assert cli("forget", session, "--log", "sqlite:///absent.db").code == 2
