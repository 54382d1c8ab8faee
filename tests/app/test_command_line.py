"""The command line itself: help, version, exit codes, one line for whatever is wrong and never a traceback."""

import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from app.__main__ import main as start
from app.cli import COMMANDS, application, asked_for, run
from tests.command import environment, tapeline

Cli = Callable[..., Any]


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("nonsense", id="an unknown command"),
        pytest.param("--nonsense", id="an unknown option"),
        pytest.param("sessions --nonsense", id="an unknown option of a command"),
        pytest.param("sessions extra", id="a word too many"),
        pytest.param("events", id="no session"),
        pytest.param("events nope --log {url}", id="a session that is not there"),
        pytest.param("events last --log {url} --type Nope", id="an unknown type of event"),
        pytest.param("events last --log {url} --from x", id="a seq that is no number"),
        pytest.param("events last --log {url} --from 0", id="a seq that no record has"),
        pytest.param("events last --log {url} --limit -1", id="a limit below nothing"),
        pytest.param("events last --log", id="an option without its value"),
        pytest.param("orders last --log {url} --status nope", id="an unknown status"),
        pytest.param("state last --log {url} --at 16", id="a record beyond the end"),
        pytest.param("state last --log {url} --at -1", id="a record before the beginning"),
        pytest.param("export last --log {url}", id="an export of no format"),
        pytest.param("export last --log {url} --format xml", id="an export of an unknown format"),
        pytest.param("export last --log {url} --format csv -o /nowhere/x.csv", id="an export to a missing folder"),
        pytest.param("export last --log {url} --format csv -o .", id="an export to a folder"),
        pytest.param("sessions --log nonsense", id="a log that is no URL"),
        pytest.param("sessions --log mysql://localhost/x", id="a log in an unknown database"),
        pytest.param("sessions --log postgresql://u:hunter2@127.0.0.1:1/x", id="a server that is not there"),
        pytest.param("loopback nope", id="an unknown loopback venue"),
        pytest.param("loopback bybit --host 0.0.0.0", id="a loopback for everybody"),
        pytest.param("loopback bybit --host example.org", id="a loopback elsewhere"),
        pytest.param("loopback bybit --symbol DOGEUSDT", id="a loopback of an unknown symbol"),
        pytest.param("loopback bybit --port 70000", id="a port that no machine has"),
        pytest.param("loopback bybit --balance lots", id="a balance that is no number"),
        pytest.param("loopback hyperliquid --key me", id="a wallet that is no address"),
        pytest.param("loopback hyperliquid --secret shh", id="a private key that is none"),
    ],
)
def test_what_cannot_run_is_said_in_one_line(cli: Cli, log_url: str, words: str) -> None:
    ran = cli(*words.format(url=log_url).split())
    assert ran.code == 2
    assert ran.out == ""
    assert len(ran.err.splitlines()) == 1, ran.err
    assert ran.err.startswith("tapeline: ")
    assert "Traceback" not in ran.err
    assert "hunter2" not in ran.err


def test_help_lists_every_command(cli: Cli) -> None:
    ran = cli("--help")
    assert ran.code == 0
    for name, entry in COMMANDS.items():
        assert f"{name} " in ran.out
        assert entry.summary in " ".join(ran.out.split())


def test_no_words_at_all_print_the_help_and_could_not_run(cli: Cli) -> None:
    ran = cli()
    assert ran.code == 2
    assert "Usage: tapeline" in ran.out


def test_the_version_is_told(cli: Cli) -> None:
    ran = cli("--version")
    assert ran.code == 0
    assert ran.out.startswith("tapeline ")
    assert len(ran.out.splitlines()) == 1


def test_help_loads_no_command_and_no_database(tmp_path: Path) -> None:
    code = (
        "import sys; from app.cli import run; run(['--help']);"
        "print([m for m in sys.modules if m.startswith('app.commands') or m in ('sqlalchemy', 'aiohttp', 'rich')])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment(), text=True, capture_output=True, timeout=60
    )
    assert ran.stdout.splitlines()[-1] == "[]", ran.stderr


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help(cli: Cli, name: str) -> None:
    ran = cli(name, "--help")
    assert ran.code == 0
    assert f"tapeline {name}" in ran.out


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_takes_a_log(name: str) -> None:
    group = get_command(application(name))
    assert isinstance(group, TyperGroup)
    assert any("--log" in parameter.opts for parameter in group.commands[name].params)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        pytest.param(["events", "last"], "events", id="the first word"),
        pytest.param(["--log", "demo", "events"], "events", id="not the value of an option"),
        pytest.param(["--log=demo", "events"], "events", id="not the value of an option after an equals sign"),
        pytest.param(["nonsense", "events"], None, id="only the first word"),
        pytest.param(["--version"], None, id="none"),
    ],
)
def test_the_command_that_is_asked_for_is_found(words: list[str], name: str | None) -> None:
    assert asked_for(words) == name


def test_only_the_command_that_is_asked_for_is_loaded() -> None:
    loaded = {command.name: command.callback for command in application("sessions").registered_commands}
    names = {name: callback.__name__ for name, callback in loaded.items() if callback is not None}
    assert names["sessions"] == "sessions"
    assert {name for name, callback in names.items() if callback != "_listed"} == {"sessions"}


def test_a_reader_that_has_seen_enough_ends_the_command_quietly(log_url: str, tmp_path: Path) -> None:
    words = f"{sys.executable} -c 'from app.cli import main; main()' events last --log {log_url} --json | head -1"
    ran = subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", words],
        cwd=tmp_path, env=environment(), text=True, capture_output=True, timeout=60,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    assert len(ran.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    ("closed", "code", "said"),
    [
        pytest.param(">&-", 0, "", id="nobody takes the facts"),
        pytest.param("2>&-", 0, "", id="nobody takes remarks"),
        pytest.param("--log sqlite:///none.db 2>&-", 2, "", id="nobody takes errors"),
        pytest.param("<&- >&- 2>&-", 0, "", id="as a daemon is started"),
    ],
)
def test_a_stream_that_is_closed_is_written_nowhere(
    log_url: str, tmp_path: Path, closed: str, code: int, said: str
) -> None:
    words = f"{sys.executable} -c 'from app.cli import main; main()' --log {log_url} sessions --json {closed}"
    ran = subprocess.run(
        ["/bin/sh", "-c", words], cwd=tmp_path, env=environment(), text=True, capture_output=True, timeout=60
    )
    assert (ran.returncode, ran.stderr) == (code, said)


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("events last --from", id="from a record beyond any"),
        pytest.param("events last --to", id="up to a record beyond any"),
        pytest.param("events last --limit", id="at most more than there can be"),
        pytest.param("export last --format jsonl --from", id="exported from"),
        pytest.param("export last --format jsonl --to", id="exported up to"),
        pytest.param("state last --at", id="a state"),
        pytest.param("fork last --at", id="a fork"),
        pytest.param("debug last --at", id="a moment"),
        pytest.param("why last", id="a cause"),
        pytest.param("prove last --seq", id="a proof"),
        pytest.param("incident last --output x --from 1 --to", id="an incident"),
        pytest.param("why-not last --side buy --at", id="a moment of no quote"),
        pytest.param("debug last --step", id="a step"),
        pytest.param("checkpoint last --every", id="checkpoints"),
    ],
)
def test_a_number_that_no_database_holds_has_no_traceback(cli: Cli, log_url: str, words: str) -> None:
    ran = cli(*words.split(), str(10**23), "--log", log_url)
    assert ran.code in (0, 2)
    assert len(ran.err.splitlines()) == (1 if ran.code else 0)


def test_the_entry_point_exits_with_the_code(tmp_path: Path) -> None:
    ran = tapeline("sessions", cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "tapeline: there is no log at tapeline.db\n"


def test_our_own_bugs_are_not_hidden(monkeypatch: pytest.MonkeyPatch, log_url: str) -> None:
    def broken(row: object) -> object:
        raise ZeroDivisionError

    import app.commands.sessions as module

    monkeypatch.setattr(module, "_fact", broken)
    with pytest.raises(ZeroDivisionError):
        run(["sessions", "--log", log_url, "--json"])


def test_ctrl_c_while_it_is_loaded_ends_it_without_a_word() -> None:
    """It printed the traceback of some import."""
    interrupt = "lambda name: os.kill(os.getpid(), 2)"
    interrupted = f"import app.__main__ as start, os\nstart.import_module = {interrupt}\nstart.main()"
    done = subprocess.run([sys.executable, "-c", interrupted], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, b"")


def test_python_m_app_is_the_command_and_the_command_starts_there() -> None:
    (command,) = entry_points(group="console_scripts", name="tapeline")
    assert command.load() is start
    done = subprocess.run(
        [sys.executable, "-m", "app", "sessions", "--log", "sqlite:///nowhere.db"],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert b"there is no log at nowhere.db" in done.stderr
