"""`why`, `why-not`, `books`, `trades` and `quality` from the command line: what they print, what they refuse."""

import csv
import json
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from state.events import BalanceUpdate
from state.log import Log
from tests.replay.decided import Desk
from tests.replay.told import OPENED, Told, fill, instrument

Cli = Callable[..., Any]
D = Decimal


@pytest.fixture
def desk_url(tmp_path: Path) -> str:
    """A session that was decided: a bid and an ask, of which the bid filled; then the market is lost."""
    url = f"sqlite:///{tmp_path}/desk.db"
    with Log.open(url) as log:
        _decide(log)
    return url


def _decide(log: Log) -> None:
    desk = Desk(log)
    desk.open()
    desk.book(99.0, 101.0)
    bid = desk.intents[0]
    desk.accept()
    desk.fill(bid, "exec-1")
    desk.close()


@pytest.fixture(scope="module")
def desk_on_a_server(module_postgres_url: str) -> str:
    """The same session on PostgreSQL; nobody changes it."""
    with Log.open(module_postgres_url) as log:
        _decide(log)
    return module_postgres_url


@pytest.fixture
def wrong_url(tmp_path: Path) -> str:
    """A session whose books do not close: a fee was told twice as high."""
    url = f"sqlite:///{tmp_path}/wrong.db"
    told = Told()
    told.say(instrument())
    told.say(BalanceUpdate("bybit", "", OPENED, "USDT", D(1000)))
    told.ready()
    told.say(fill("f1", "buy", "60000", "0.01", "-0.24"))
    told.say(BalanceUpdate("bybit", "", OPENED, "USDT", D("999.88")))
    with Log.open(url) as log:
        told.write(log)
    return url


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["why", "last", "exec-1"], id="why"),
        pytest.param(["why-not", "last", "--at", "11", "--side", "buy"], id="why-not"),
        pytest.param(["books", "last"], id="books"),
        pytest.param(["quality", "last"], id="quality"),
        pytest.param(["quality", "last", "--records", "intent-to-wire"], id="the records behind a number"),
    ],
)
def test_both_databases_answer_alike(cli: Cli, desk_url: str, desk_on_a_server: str, words: list[str]) -> None:
    answers = [cli(*words, "--json", "--log", url) for url in (desk_url, desk_on_a_server)]
    assert answers[0].code == 0
    assert answers[0].out == answers[1].out


# --- why ---


def test_why_is_a_tree_for_people(cli: Cli, desk_url: str) -> None:
    ran = cli("why", "last", "exec-1", "--log", desk_url)
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0] == "why exec-1 in session 20260809-desk"
    assert lines[1].startswith("root: market at record 5: BookSnapshot bybit BTCUSDT")
    assert "execution" in ran.out
    assert "microprice decided.py:" in ran.out
    assert "in force: strategy" in ran.out
    assert ran.out.isprintable() or "\x1b" not in ran.out


def test_why_as_json_has_the_whole_tree(cli: Cli, desk_url: str) -> None:
    answer = json.loads(cli("why", "last", "exec-1", "--log", desk_url, "--json").out)
    assert list(answer) == ["session", "asked", "root", "tree", "configuration", "notes"]
    assert answer["root"]["kind"] == "market"
    assert answer["tree"]["what"] == "fill"
    assert answer["configuration"]["strategy"]["name"] == "offer"
    intent = next(child for child in answer["tree"]["children"] if child["what"] == "intent")
    assert any(value["operator"] == "microprice" and value["value"] == "100.0" for value in intent["values"])


def test_why_without_values_says_that_they_are_not_known(cli: Cli, desk_url: str) -> None:
    answer = json.loads(cli("why", "last", "exec-1", "--no-values", "--log", desk_url, "--json").out)
    assert any("not known" in note for note in answer["notes"])


def test_a_strategy_that_is_gone_leaves_the_tree_without_values(cli: Cli, desk_url: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/gone.db"
    with Log.open(url) as log:
        desk = Desk(log)
        desk.open()
        desk.book(99.0, 101.0)
        desk.close()
    import sqlite3

    with sqlite3.connect(tmp_path / "gone.db") as connection:
        connection.execute("UPDATE sessions SET manifest = replace(manifest, 'decided:offer', 'decided:nothing')")
    connection.close()
    ran = cli("why", "last", "6", "--log", url)
    assert ran.code == 0
    assert "the strategies cannot be run again" in ran.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(["why", "last", "nobody"], "has no record, order or fill 'nobody'", id="why of nothing"),
        pytest.param(["why", "other", "5"], "there is no session 'other'", id="why in no session"),
        pytest.param(["why", "last"], "Missing argument", id="why without a question"),
        pytest.param(
            ["why-not", "last", "--at", "5", "--side", "long"], "--side is buy or sell", id="a side that is none"
        ),
        pytest.param(["why-not", "last", "--at", "5"], "Missing option", id="no side"),
        pytest.param(
            ["why-not", "last", "--at", "0", "--side", "buy"], "there is no seq 0", id="below the first record"
        ),
        pytest.param(
            ["why-not", "last", "--at", "999", "--side", "buy"], "there is no seq 999", id="past the last record"
        ),
        pytest.param(["why-not", "last", "--at", "soon", "--side", "buy"], "--at takes a seq or a time", id="no time"),
        pytest.param(
            ["why-not", "last", "--at", "2020-01-01", "--side", "buy"], "later than 2020-01-01", id="too early"
        ),
        pytest.param(["why-not", "last", "--at", "2030-01-01", "--side", "buy"], "before 2030-01-01", id="too late"),
        pytest.param(
            ["why-not", "last", "--at", "5", "--side", "buy", "--strategy", "x"],
            "there are offer",
            id="no such strategy",
        ),
        pytest.param(["books", "last", "--method", "hifo"], "hifo", id="a method that is none"),
        pytest.param(["trades", "last", "--layout", "koinly"], "koinly", id="a layout that is none"),
        pytest.param(["trades", "last", "-o", "."], "is a folder", id="a folder to write to"),
        pytest.param(["quality", "last", "--records", "speed"], "is called 'speed'", id="a number that is none"),
    ],
)
def test_what_cannot_be_answered_is_one_line(cli: Cli, desk_url: str, words: list[str], says: str) -> None:
    ran = cli("--log", desk_url, *words)
    assert ran.code == 2
    assert says in ran.err
    assert len(ran.err.splitlines()) == 1


# --- why not ---


def test_why_not_says_that_it_was_quoting(cli: Cli, desk_url: str) -> None:
    ran = cli("why-not", "last", "--at", "11", "--side", "sell", "--log", desk_url)
    assert ran.code == 0
    assert "it was quoting" in ran.out


def test_why_not_names_the_gate_at_a_time_of_day(cli: Cli, desk_url: str) -> None:
    ran = cli("why-not", "last", "--at", "21:26:57.002", "--side", "buy", "--log", desk_url, "--json")
    assert ran.code == 0
    [answer] = json.loads(ran.out)
    shut = [gate["gate"] for gate in answer["gates"] if not gate["open"]]
    assert (answer["seq"], answer["strategy"], answer["symbol"]) == (2, "offer", "BTCUSDT")
    assert {"account", "book", "inputs"} <= set(shut)


def test_a_session_without_strategies_could_not_quote(cli: Cli, wrong_url: str) -> None:
    ran = cli("why-not", "last", "--at", "3", "--side", "buy", "--log", wrong_url)
    assert (ran.code, "ran no strategy" in ran.err) == (2, True)


# --- books ---


def test_books_that_close_are_clean(cli: Cli, desk_url: str) -> None:
    ran = cli("books", "last", "--log", desk_url)
    assert ran.code == 0
    assert "0 findings" in ran.out


def test_books_that_do_not_close_name_the_event(cli: Cli, wrong_url: str) -> None:
    ran = cli("books", "last", "--log", wrong_url)
    assert ran.code == 1
    assert "doubled fee" in ran.out


@pytest.mark.parametrize("method", ["average", "fifo", "lifo"])
def test_books_as_json_have_money_as_text(cli: Cli, wrong_url: str, method: str) -> None:
    ran = cli("books", "last", "--method", method, "--log", wrong_url, "--json")
    assert ran.code == 1
    books = json.loads(ran.out)
    assert list(books) == ["session", "method", "markets", "assets", "findings", "transient"]
    assert books["method"] == method
    [finding] = books["findings"]
    assert (finding["fault"], finding["amount"], finding["seqs"]) == ("doubled fee", "0.12", [5])
    [asset] = books["assets"]
    assert D(asset["closing"]) + D(asset["residuals"]) == D(asset["reported"]) == D("999.88")


# --- trades ---


@pytest.mark.parametrize("layout", ["generic", "freqtrade", "hummingbot", "bybit", "binance", "hyperliquid", "dydx"])
def test_trades_are_csv_in_the_layout_asked_for(cli: Cli, desk_url: str, layout: str) -> None:
    ran = cli("trades", "last", "--layout", layout, "--log", desk_url)
    assert ran.code == 0
    table = list(csv.reader(StringIO(ran.out)))
    assert len(table) == (1 if layout == "freqtrade" else 2)  # nothing was closed: no round trip
    assert all(len(row) == len(table[0]) for row in table)


def test_trades_are_written_whole_or_not_at_all(cli: Cli, desk_url: str, tmp_path: Path) -> None:
    ran = cli("trades", "last", "-o", str(tmp_path / "trades.csv"), "--log", desk_url)
    assert ran.code == 0
    assert ran.out == ""
    assert "1 rows of session 20260809-desk are in" in ran.err
    assert len((tmp_path / "trades.csv").read_text().splitlines()) == 2
    assert not list(tmp_path.glob("trades.csv.*part"))


@pytest.mark.parametrize("layout", ["generic", "freqtrade"])
def test_trades_as_json_are_the_same_rows_by_column(cli: Cli, desk_url: str, tmp_path: Path, layout: str) -> None:
    table = csv.DictReader(StringIO(cli("trades", "last", "--layout", layout, "--log", desk_url).out))
    ran = cli("trades", "last", "--layout", layout, "--log", desk_url, "--json")
    assert json.loads(ran.out) == list(table)
    cli("trades", "last", "--layout", layout, "--log", desk_url, "--json", "-o", str(tmp_path / "trades.json"))
    assert (tmp_path / "trades.json").read_text() == ran.out


# --- quality ---


def test_quality_prints_numbers_and_rates(cli: Cli, desk_url: str) -> None:
    ran = cli("quality", "last", "--log", desk_url)
    assert ran.code == 0
    assert "intent-to-answer/bybit/place\tms\t2" in ran.out
    assert "orders/trade" in ran.out


def test_a_number_lists_its_records(cli: Cli, desk_url: str) -> None:
    ran = cli("quality", "last", "--records", "slippage", "--log", desk_url)
    assert ran.code == 0
    heading, line = ran.out.splitlines()
    assert heading == "name\tvalue\tseqs\tframes"
    assert line.startswith("slippage/bybit/BTCUSDT/maker\t")
    [fact] = cli("quality", "last", "--records", "slippage/bybit/BTCUSDT", "--log", desk_url, "--json").objects()
    assert fact["name"] == "slippage/bybit/BTCUSDT/maker"
    assert fact["seqs"] == [6, 12]


def test_quality_as_json_can_be_asked_back(cli: Cli, desk_url: str) -> None:
    measured = json.loads(cli("quality", "last", "--log", desk_url, "--json").out)
    for line in measured["metrics"]:
        records = cli("quality", "last", "--records", line["name"], "--log", desk_url, "--json").objects()
        assert len(records) == line["numbers"]["count"]
