"""The commands that read a log: shapes, exact numbers, and what is refused."""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.cli import run
from state.events import AnyEvent, OrderUpdate, PlaceOrder, SessionOpened
from state.log import Log
from state.order_index import ENDED_KEPT
from state.record import Record

Cli = Callable[..., Any]
SESSION = "20260809-abcdef"


def test_sessions_are_one_array_of_objects(cli: Cli, log_url: str) -> None:
    [fact] = cli("sessions", "--log", log_url, "--json").array()
    with Log.open(log_url, create=False) as log:
        row = log.find(SESSION)
    assert list(fact)[:5] == ["id", "status", "opened", "closed", "events"]
    assert (fact["id"], fact["status"], fact["events"]) == (SESSION, "closed", 15)
    assert fact["digest"] == row.head
    assert fact["manifest"] == {"seed": 7}


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["--log", "{url}", "events", "last"], id="before the command"),
        pytest.param(["events", "last", "--log", "{url}"], id="after the command"),
        pytest.param(["events", "--log={url}", "last"], id="with an equals sign"),
        pytest.param(["--log={url}", "events", "2026"], id="by the beginning of the session's id"),
        pytest.param(
            ["--log", "sqlite:///nowhere.db", "events", "last", "--log", "{url}"], id="after wins over before"
        ),
    ],
)
def test_the_log_is_named_anywhere(cli: Cli, log_url: str, words: list[str]) -> None:
    ran = cli(*(word.format(url=log_url) for word in words), "--json")
    assert ran.code == 0
    assert [fact["seq"] for fact in ran.objects()] == list(range(1, 16))


def test_the_log_is_named_by_the_environment(cli: Cli, log_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAPELINE_LOG", log_url)
    assert cli("sessions", "--json").array()[0]["id"] == SESSION


def test_a_command_called_like_the_value_of_an_option_is_still_found(cli: Cli, log_url: str) -> None:
    ran = cli("--log", "orders", "sessions")
    assert ran.code == 2
    assert "a log is named by a URL" in ran.err


def test_events_have_their_place_first_and_numbers_as_told(cli: Cli, log_url: str) -> None:
    facts = cli("events", "last", "--log", log_url, "--json").objects()
    assert all(list(fact)[:4] == ["seq", "recv", "cause", "type"] for fact in facts)
    trade = next(fact for fact in facts if fact["type"] == "Trade")
    assert (trade["price"], trade["size"]) == (65114.3, 1e-05)
    fill = next(fact for fact in facts if fact["type"] == "Fill")
    assert (fill["price"], fill["fee"]) == ("65000.10", "-0.0130")
    book = next(fact for fact in facts if fact["type"] == "BookSnapshot")
    assert book["bids"] == [[65114.2, 6.054], [65114.1, 0.1]]


@pytest.mark.parametrize(
    ("words", "seqs"),
    [
        pytest.param(["--type", "Fill"], [12], id="of one type"),
        pytest.param(["--type", "Fill", "--type", "Trade"], [5, 12], id="of two types"),
        pytest.param(["--from", "3", "--to", "4"], [3, 4], id="of a span"),
        pytest.param(["--from", "14"], [14, 15], id="from a record on"),
        pytest.param(["--to", "2"], [1, 2], id="up to a record"),
        pytest.param(["--from", "99"], [], id="beyond the end there is nothing"),
        pytest.param(["--symbol", "ETHUSDT"], [6, 8, 11, 13, 14], id="of one symbol"),
        pytest.param(["--symbol", "ETHUSDT", "--type", "OrderUpdate"], [11, 14], id="of one symbol and type"),
        pytest.param(["--limit", "2"], [1, 2], id="at most so many"),
        pytest.param(["--type", "OrderUpdate", "--limit", "2"], [10, 11], id="at most so many of a type"),
        pytest.param(["--limit", "0"], [], id="none at all"),
    ],
)
def test_events_can_be_chosen(cli: Cli, log_url: str, words: list[str], seqs: list[int]) -> None:
    ran = cli("events", "last", "--log", log_url, "--json", *words)
    assert ran.code == 0
    assert [fact["seq"] for fact in ran.objects()] == seqs


def test_events_for_people_are_one_line_each(cli: Cli, log_url: str) -> None:
    lines = cli("events", "last", "--log", log_url).out.splitlines()
    assert len(lines) == 15
    assert "2026-08-09 21:26:57.601634  Trade" in lines[4]
    assert "price=65114.3" in lines[4]
    assert "reason='at a person" in lines[14] or 'reason="at a person' in lines[14]


def test_orders_are_folded_from_the_log(cli: Cli, log_url: str) -> None:
    bought, sold = cli("orders", "last", "--log", log_url, "--json").array()
    assert (bought["client_id"], bought["order_id"], bought["status"]) == ("c1", "o1", "partially_filled")
    assert (bought["price"], bought["size"], bought["filled"], bought["avg_price"]) == (
        "65000.10", "0.002", "0.001", "65000.10",
    )  # fmt: skip
    assert (bought["side"], bought["kind"], bought["strategy"], bought["placed_seq"]) == ("buy", "limit", "plain", 7)
    assert (sold["client_id"], sold["status"], sold["filled"]) == ("c2", "cancelled", "0")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        pytest.param(["--status", "cancelled"], ["c2"], id="by status"),
        pytest.param(["--status", "cancelled", "--status", "partially_filled"], ["c1", "c2"], id="by two statuses"),
        pytest.param(["--symbol", "BTCUSDT"], ["c1"], id="by symbol"),
        pytest.param(["--status", "filled"], [], id="none of a status"),
    ],
)
def test_orders_can_be_chosen(cli: Cli, log_url: str, words: list[str], found: list[str]) -> None:
    assert [fact["client_id"] for fact in cli("orders", "last", "--log", log_url, "--json", *words).array()] == found


def test_orders_that_the_state_has_forgotten_are_listed(cli: Cli, tmp_path: Path) -> None:
    count = ENDED_KEPT + 50
    events: list[AnyEvent] = [SessionOpened("long", 1)]
    for number in range(count):
        name = f"c{number}"
        events.append(PlaceOrder("bybit", "BTCUSDT", "buy", Decimal(1), Decimal(number + 1), client_id=name))
        events.append(OrderUpdate("bybit", "BTCUSDT", number, name, f"o{number}", "cancelled"))
    url = f"sqlite:///{tmp_path}/long.db"
    with Log.open(url) as log:
        writer = log.begin("long", "{}", 1)
        for seq, event in enumerate(events, start=1):
            writer.append(Record(seq, seq, 0, event))
        writer.close(2, "closed")
    facts = cli("orders", "long", "--log", url, "--json").array()
    assert [fact["client_id"] for fact in facts] == [f"c{number}" for number in range(count)]
    assert {fact["status"] for fact in facts} == {"cancelled"}


def test_state_is_what_was_known_after_a_record(cli: Cli, log_url: str) -> None:
    ran = cli("state", "last", "--at", "4", "--log", log_url, "--json")
    fact = json.loads(ran.out)
    [market] = fact["markets"]
    assert (fact["seq"], fact["session"], fact["closed"]) == (4, SESSION, False)
    assert market["book"]["bids"] == [[65114.2, 6.124], [65114.1, 0.1]]
    assert (market["book"]["status"], market["book"]["update_id"]) == ("ok", 15076953)
    assert fact["accounts"] == []


def test_state_at_the_end_is_the_default(cli: Cli, log_url: str) -> None:
    fact = json.loads(cli("state", "last", "--log", log_url, "--json").out)
    [account] = fact["accounts"]
    assert fact["seq"] == 15
    assert [order["client_id"] for order in account["orders"]] == ["c1"]
    [position] = account["positions"]
    assert (position["symbol"], position["size"], position["avg_price"]) == ("BTCUSDT", "0.001", "65000.10")
    assert position["fees"] == {"USDT": "-0.0130"}


def test_an_empty_side_of_a_book_is_null(cli: Cli, log_url: str) -> None:
    fact = json.loads(cli("state", "last", "--log", log_url, "--json").out)
    ether = next(market for market in fact["markets"] if market["symbol"] == "ETHUSDT")
    assert ether["book"]["bid"] is None
    assert ether["ticker"]["last"] == 1922.01


@pytest.mark.parametrize("command", ["sessions", "events last", "orders last", "state last"])
def test_a_log_that_does_not_exist_is_not_made(cli: Cli, tmp_path: Path, command: str) -> None:
    ran = cli(*command.split(), "--log", f"sqlite:///{tmp_path}/none.db")
    assert ran.code == 2
    assert len(ran.err.splitlines()) == 1
    assert not (tmp_path / "none.db").exists()
    assert cli(*command.split()).code == 2
    assert not (tmp_path / "tapeline.db").exists()


@pytest.mark.parametrize(
    "damage", [pytest.param(b"no database at all" * 100, id="no database"), pytest.param(b"", id="empty")]
)
def test_a_file_that_is_no_log_is_refused(cli: Cli, tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "odd.db").write_bytes(damage)
    ran = cli("sessions", "--log", f"sqlite:///{tmp_path}/odd.db")
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1


def test_a_log_that_is_cut_off_is_refused_in_one_line(cli: Cli, log_url: str, tmp_path: Path) -> None:
    whole = (tmp_path / "log.db").read_bytes()
    (tmp_path / "log.db").write_bytes(whole[: len(whole) // 2])
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"log.db{suffix}").unlink(missing_ok=True)
    ran = cli("events", "last", "--log", log_url)
    assert ran.code == 2
    assert len(ran.err.splitlines()) == 1


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Path]:
    """A folder that everybody may look into, and nobody but its owner may write to."""
    folder = Path(tempfile.mkdtemp())
    shutil.copy(tmp_path / "log.db", folder)
    (folder / "log.db").chmod(0o444)
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.parametrize("words", ["sessions", "events last --json", "orders last", "state last --json"])
def test_a_log_that_may_only_be_read_is_read(cli: Cli, log_url: str, shelf: Path, words: str) -> None:
    """By an auditor, or from a backup: SQLite would make files beside it to read it."""
    ran = cli(*words.split(), "--log", log_url)  # and all modules are loaded now, which nobody may be able to
    code, told = as_nobody([*words.split(), "--log", f"sqlite:///{shelf}/log.db"])
    assert (code, told) == (ran.code, ran.out)
    assert [path.name for path in shelf.iterdir()] == ["log.db"]


def as_nobody(words: list[str]) -> tuple[int, str]:
    """Exit code and output of a command line that a user without rights runs: root is forbidden nothing."""
    with tempfile.TemporaryFile("w+") as out:
        child = os.fork()
        if child == 0:
            try:
                if os.geteuid() == 0:
                    os.setgroups([])
                    os.setgid(65534)
                    os.setuid(65534)
                sys.stdout = sys.stderr = out
                code = run(words)
                out.flush()
                os._exit(code)
            finally:
                os._exit(99)
        _, status = os.waitpid(child, 0)
        out.seek(0)
        return os.waitstatus_to_exitcode(status), out.read()
