"""`run`, `record` and `demo` as a person runs them: the shipped examples against a loopback venue in its own process."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from app.config import RunConfig, read_config
from app.running import plan
from replay.audit import audit
from state.events import BookDelta, BookSnapshot, Fill, InstrumentDefined, OrderUpdate, PlaceOrder, Ticker, Trade
from state.log import Log
from tests.command import ROOT, TAPELINE, all_clean, environment, started, tapeline
from tests.until import Kinds, tapeline_until

EXAMPLES = ROOT / "examples"
KEYS = {"TAPELINE_BYBIT_KEY": "loopback-key", "TAPELINE_BYBIT_SECRET": "loopback-secret"}

SYMBOLS = ("BTCUSDT", "ETHUSDT")
MARKET = ("InstrumentDefined", "BookSnapshot", "BookDelta", "Trade", "Ticker")


def has_traded(kinds: Kinds) -> bool:
    return kinds["PlaceOrder"] >= 8 and kinds["OrderUpdate"] >= 8 and kinds["Fill"] > 0


def in_both_markets(kinds: Kinds) -> bool:
    return all(kinds[f"Fill {symbol}"] for symbol in SYMBOLS)


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What `tapeline loopback` says of itself."""
    words = ("loopback", "bybit", "--symbol", "BTCUSDT", "--symbol", "ETHUSDT", "--flow", "100", "--json")
    child = started(*words, cwd=tmp_path_factory.mktemp("venue"))
    assert child.stdout is not None
    yield json.loads(child.stdout.readline())
    child.terminate()
    _, errors = child.communicate(timeout=10)
    assert (child.returncode, errors) == (0, "")


def example(venue: dict[str, Any], folder: Path, **changed: str) -> Path:
    """`loopback.toml` with the port that this venue took."""
    text = (EXAMPLES / "loopback.toml").read_text().replace("127.0.0.1:8765", venue["rest_url"].removeprefix("http://"))
    for before, after in changed.items():
        assert before in text
        text = text.replace(before, after)
    path = folder / "session.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.toml")))
def test_every_shipped_configuration_can_be_planned(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, word in KEYS.items():
        monkeypatch.setenv(variable, word)
    config = read_config(EXAMPLES / name)
    planned = plan(config)
    assert isinstance(config, RunConfig)
    assert len(planned.strategies) == len(config.strategies) > 0
    assert config.risk is not None


def test_the_example_trades_is_summed_up_and_says_what_to_type_next(venue: dict[str, Any], tmp_path: Path) -> None:
    example(venue, tmp_path)
    ran = tapeline_until(has_traded, "run", "session.toml", cwd=tmp_path, **KEYS)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    assert "orders placed" in ran.stdout
    assert "decision to answer: p50" in ran.stdout
    hints = [line.split(maxsplit=1) for line in ran.stdout.splitlines()[-3:]]
    assert [first for first, _ in hints] == ["tapeline"] * 3
    all_clean([*(words for _, words in hints), "replay last --decode"], cwd=tmp_path)


def test_json_tells_the_whole_end_on_one_line(venue: dict[str, Any], tmp_path: Path) -> None:
    example(venue, tmp_path)
    ran = tapeline_until(in_both_markets, "run", "session.toml", "--json", cwd=tmp_path, **KEYS)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    [line] = ran.stdout.splitlines()
    told = json.loads(line)
    assert (told["failure"], told["clean_stop"]) == (None, True)
    summary = told["summary"]
    with Log.open(f"sqlite:///{tmp_path}/tapeline.db") as log:
        row = log.find("last")
        events = [record.event for record in log.records(row.id)]
    assert (summary["session"], summary["events"], summary["status"]) == (row.id, row.last_seq, "closed")
    assert summary["orders"] == sum(isinstance(event, PlaceOrder) for event in events)
    assert summary["fills"] == sum(isinstance(event, Fill) for event in events)
    assert {line["symbol"] for line in summary["positions"]} == {"BTCUSDT", "ETHUSDT"}


def test_paper_trades_on_live_market_data_without_keys(venue: dict[str, Any], tmp_path: Path) -> None:
    path = example(venue, tmp_path)
    path.write_text(path.read_text().replace('name = "bybit"\n', 'name = "bybit"\npaper = true\n'))
    ran = tapeline_until(has_traded, "run", "session.toml", "--json", cwd=tmp_path)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    told = json.loads(ran.stdout)
    assert told["clean_stop"] is True
    assert told["summary"]["orders"] >= 4
    assert told["summary"]["fills"] > 0
    assert [line["size"] for line in told["summary"]["positions"] if float(line["size"])] == [], "flattened"
    with Log.open(f"sqlite:///{tmp_path}/tapeline.db") as log:
        report = audit(log, told["summary"]["session"])
        private = [frame for frame in log.frames(report.session) if frame.private]
    assert (report.findings, private) == ((), [])
    assert tapeline("replay", "last", "--verify", cwd=tmp_path).returncode == 0


def test_record_keeps_what_the_market_said_and_sends_no_order(venue: dict[str, Any], tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/market.db"
    ran = tapeline_until(
        lambda kinds: all(kinds[f"{kind} {symbol}"] for kind in MARKET for symbol in SYMBOLS),
        "record", "--venue", "bybit", "--symbol", "BTCUSDT", "--symbol", "ETHUSDT", "--frames",
        "--public-url", venue["public_url"], "--rest-url", venue["rest_url"], "--log", url, "--json", cwd=tmp_path, url=url,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    assert json.loads(ran.stdout)["summary"]["orders"] == 0
    with Log.open(url) as log:
        row = log.find("last")
        kinds = {type(record.event) for record in log.records(row.id)}
        symbols = {record.event.symbol for record in log.records(row.id)}
        assert {frame.channel for frame in log.frames(row.id) if frame.private} == set()
    assert {InstrumentDefined, BookSnapshot, BookDelta, Trade, Ticker} <= kinds
    assert not kinds & {PlaceOrder, OrderUpdate}
    assert {"BTCUSDT", "ETHUSDT"} <= symbols
    asked = ("replay last --verify", "replay last --decode", "replay last --simulate plain", "audit last")
    all_clean([f"{words} --log {url}" for words in asked], cwd=tmp_path)


def test_a_terminal_shows_that_the_session_ends(venue: dict[str, Any], tmp_path: Path) -> None:
    """Where a venue is not to be reached, ending takes minutes: nothing was to be seen of it, and Ctrl-C seemed not heard."""
    ours, theirs = os.openpty()
    words = ("record", "--venue", "bybit", "--symbol", "BTCUSDT", "--for", "1s")
    addresses = ("--public-url", venue["public_url"], "--rest-url", venue["rest_url"])
    child = subprocess.Popen(
        [*TAPELINE, *words, *addresses],
        cwd=tmp_path, env=environment(TERM="xterm", COLUMNS="120"), stdout=subprocess.PIPE, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    with (
        os.fdopen(ours, "rb", buffering=0) as terminal,
        suppress(OSError),
    ):  # Linux's word for: nobody writes there any more
        while read := terminal.read(65_536):
            shown += read
    child.communicate(timeout=60)
    assert child.returncode == 0
    with Log.open(f"sqlite:///{tmp_path}/tapeline.db") as log:
        assert f"ending session {log.find('last').id}".encode() in shown


def test_the_demonstration_trades_and_proves_itself(tmp_path: Path) -> None:
    # Ctrl-C ends it: as on a terminal, where its venue would hear it, too.
    ran = tapeline_until(has_traded, "demo", "--for", "90s", "--json", cwd=tmp_path, on_terminal=True)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    told = json.loads(ran.stdout)
    assert told["summary"]["orders"] >= 8
    assert told["summary"]["fills"] > 0
    assert told["clean_stop"] is True
    assert [line["size"] for line in told["summary"]["positions"] if float(line["size"])] == []
    assert len(told["proofs"]) >= 3
    assert all(proof["clean"] for proof in told["proofs"])
    assert len({proof["environment"] for proof in told["proofs"]}) == len(told["proofs"])
