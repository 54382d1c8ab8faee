"""What is printed: tables in a pipe, untrusted text, and progress only where somebody watches."""

import os
import subprocess
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.output import moment, print_table, printable, shown_price
from app.progress import progress
from state.events import AnyEvent, SessionOpened, Trade
from state.log import Log
from state.record import Record
from tests.app.conftest import SESSION
from tests.command import TAPELINE, environment

Cli = Callable[..., Any]


def test_a_table_in_a_pipe_is_tab_separated(capfd: pytest.CaptureFixture[str]) -> None:
    print_table(("name", "number"), [("a", 0.1), (None, Decimal("1E+3")), ("tab\there", 7)])
    assert capfd.readouterr().out == "name\tnumber\na\t0.1\n\t1000\ntab\\there\t7\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain text", "plain text", id="what can be printed is left alone"),
        pytest.param("\x1b[2J", "\\x1b[2J", id="a terminal is not told to do anything"),
        pytest.param("two\nlines", "two\\nlines", id="a line stays a line"),
    ],
)
def test_untrusted_text_is_made_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_what_a_venue_says_never_reaches_the_terminal_raw(cli: Cli, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/odd.db"
    events: list[AnyEvent] = [SessionOpened("s", 1), Trade("v", "A\x1b[2JB", 1, "id\x1b]0;x\x07", 1.0, 1.0, "buy")]
    with Log.open(url) as log:
        writer = log.begin("s", "{}", 1)
        for seq, event in enumerate(events, start=1):
            writer.append(Record(seq, seq, 0, event))
        writer.close(2, "closed")
    for words in (["events", "s"], ["events", "s", "--json"], ["state", "s"]):
        assert "\x1b" not in cli(*words, "--log", url).out
    assert "\x1b" not in cli("events", "\x1b[2J", "--log", url).err


@pytest.mark.parametrize(
    ("time_ns", "text"),
    [
        pytest.param(1_786_310_817_601_629_999, "2026-08-09 21:26:57.601629", id="to the microsecond, not rounded up"),
        pytest.param(1_000_000_000, "1970-01-01 00:00:01.000000", id="early"),
        pytest.param(None, "", id="not said"),
        pytest.param(0, "", id="not known"),
    ],
)
def test_a_moment_is_utc(time_ns: int | None, text: str) -> None:
    assert moment(time_ns) == text


def test_a_session_id_on_a_narrow_terminal_stays_in_one_piece(log_url: str, tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    with os.fdopen(ours, "rb", buffering=0) as shown:
        ran = subprocess.run(
            [*TAPELINE, "sessions", "--log", log_url],
            cwd=tmp_path, env=environment(TERM="xterm", COLUMNS="60"), stdout=theirs, timeout=60,
        )  # fmt: skip
        os.close(theirs)
        assert ran.returncode == 0
        assert SESSION.encode() in shown.read(4_096)


@pytest.mark.parametrize(
    ("price", "shown"),
    [(115_094.8, "115094.8"), (1_234_567.25, "1234567.25"), (65_000.0, "65000"), (0.00001234, "1.234e-05")],
)
def test_a_price_is_shown_to_its_tick(price: float, shown: str) -> None:
    assert shown_price(price) == shown


def test_progress_is_silent_where_nobody_watches(capfd: pytest.CaptureFixture[str]) -> None:
    with progress("working", 10) as done:
        done(5)
    assert capfd.readouterr() == ("", "")


def test_progress_is_silent_before_patience_is_over(capfd: pytest.CaptureFixture[str]) -> None:
    with progress("working", 10, shown=True) as done:
        done(5)
    assert capfd.readouterr() == ("", "")


def test_progress_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("app.progress.PATIENCE_S", 0.0)
    monkeypatch.setattr("app.progress._EVERY_S", 0.0)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress("working", 10, shown=True) as done:
        done(2)
        done(5, 20)
    out, err = capfd.readouterr()
    assert out == ""
    assert "working" in err
    assert "25%" in err
