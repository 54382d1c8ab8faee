"""What a session is given that cannot work: each gets one clear line and exit code 2, and nothing is lost or left behind."""

import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from replay.audit import audit
from state.events import FeedStatus, Rejected, SessionClosed
from state.log import Log
from state.log.verify import check
from tests.command import program, started, tapeline
from tests.live import KEY, SECRET, VenueThread, config_text

KEYS = {"TAPELINE_BYBIT_KEY": KEY, "TAPELINE_BYBIT_SECRET": SECRET}

VENUE = """
[[venues]]
name = "bybit"
symbols = ["BTCUSDT"]
rest_url = "http://127.0.0.1:1"
public_url = "ws://127.0.0.1:1/v5/public/linear"
private_url = "ws://127.0.0.1:1/v5/private"
trade_url = "ws://127.0.0.1:1/v5/trade"
"""
PLAIN = """
[[strategies]]
strategy = "plain"
[strategies.params]
venue = "bybit"
symbol = "BTCUSDT"
size = "0.01"
max_position = "0.1"
"""


def one_line(text: str) -> str:
    [line] = text.splitlines()
    assert line.startswith("tapeline: ")
    for secret in (KEY, SECRET):
        assert secret not in line
    return line


# --- the configuration ---


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param('colour = "red"\n' + VENUE, "colour", id="an unknown key"),
        pytest.param(VENUE + 'colour = "red"\n', "colour", id="an unknown key of a venue"),
        pytest.param(VENUE + PLAIN + 'colour = "red"\n', "colour", id="an unknown parameter of a strategy"),
        pytest.param(VENUE + "[risk]\nmax_size = 1\n", "max_size", id="an unknown limit"),
        pytest.param("this is no TOML", "session.toml", id="no TOML"),
        pytest.param("\x00\xff", "session.toml", id="no text"),
        pytest.param("seed = 1\n", "venues", id="no venue"),
        pytest.param("venues = []\n", "names no venue", id="an empty list of venues"),
        pytest.param('[[venues]]\nname = "bybit"\nsymbols = []\n', "no symbols", id="a venue without symbols"),
        pytest.param(VENUE.replace('"bybit"', '"bytbit"'), "no venue 'bytbit'", id="an unknown venue"),
        pytest.param(VENUE + VENUE, "two venues", id="a venue twice"),
        pytest.param(VENUE + "book_depth = 37\n", "no book of depth 37", id="a depth that the venue has not"),
        pytest.param(VENUE + 'channels = ["smoke"]\n', "smoke", id="an unknown channel"),
        pytest.param(VENUE + 'environment = "moon"\n', "moon", id="an unknown environment"),
        pytest.param(VENUE + "book_depth = true\n", "book_depth", id="a value of the wrong type"),
        pytest.param('stop = "never"\n' + VENUE, "never", id="an unknown way to stop"),
        pytest.param(VENUE + PLAIN.replace('"plain"', '"fancy"'), "unknown strategy 'fancy'", id="an unknown strategy"),
        pytest.param(VENUE + PLAIN + PLAIN, "two strategies", id="two strategies of one name"),
        pytest.param(VENUE + PLAIN.replace('"plain"', '"nowhere.at:all"'), "nowhere", id="a module that is not there"),
        pytest.param(VENUE + PLAIN.replace('"0.01"', '"lots"'), "size", id="a size that is no number"),
        pytest.param(VENUE + PLAIN.replace('"0.1"', '"0.001"'), "max_position", id="a position below one order"),
        pytest.param(VENUE + PLAIN.replace('symbol = "BTCUSDT"', 'symbol = "BTCUSD"'), "BTCUSD", id="a market nobody follows"),
        pytest.param(
            VENUE + PLAIN.replace('"plain"', '"lead_lag"') + 'lead_venue = "bybit"\nlead_symbol = "ETHUSDT"\n',
            "asks for bybit ETHUSDT, which no venue here follows: bybit BTCUSDT", id="a lead market nobody follows",
        ),
        pytest.param(
            VENUE + 'channels = ["book", "trades"]\n' + VENUE.replace('"bybit"', '"binance"')
            + PLAIN.replace('"plain"', '"funding_carry"') + 'hedge_venue = "binance"\nhedge_symbol = "BTCUSDT"\n',
            "asks for the ticker of bybit BTCUSDT; bybit is followed by its channels book, trades",
            id="a channel that is not followed",
        ),
        pytest.param(VENUE + "trade = false\n" + PLAIN, "say `paper = true`", id="a strategy where nothing is traded"),
        pytest.param(VENUE + "[risk]\nmax_order_size = 0\n", "max_order_size", id="a limit of zero"),
        pytest.param(
            VENUE + PLAIN + "[risk]\nmax_order_size = 0.001\n", "could never quote", id="a limit that can never quote",
        ),
        pytest.param(
            VENUE + PLAIN + "[strategies.params.risk]\nmax_open_orders = 2\n", "could never quote",
            id="a strategy's own limit that can never quote",
        ),
        pytest.param(VENUE + 'channels = ["trades"]\n' + PLAIN, "could never quote", id="a quoting strategy without a book"),
        pytest.param(VENUE + "[risk]\nprice_collar_bps = 0.5\n" + PLAIN, "could never quote", id="a collar too tight"),
        pytest.param(VENUE + 'key_file = "keys.toml"\n', "keys.toml: No such file", id="a missing key file"),
        pytest.param('max_loss = { USDT = "NaN" }\n' + VENUE, "max_loss of USDT", id="a loss that is no number"),
        pytest.param('max_loss = { USDT = "Infinity" }\n' + VENUE, "max_loss of USDT", id="a loss without end"),
        pytest.param(f"seed = {2**63}\n" + VENUE, "seed", id="a seed that no record holds"),
        pytest.param("snapshot_every = 0\n" + VENUE, "snapshot_every", id="a snapshot of every record"),
        pytest.param(VENUE + "request_timeout_s = inf\n", "request_timeout_s", id="an answer waited for without end"),
        pytest.param(VENUE + "request_timeout_s = nan\n", "request_timeout_s", id="a time that is no number"),
        pytest.param(VENUE.replace("http://", "htp://"), "rest_url is no address", id="an address of no scheme"),
        pytest.param(VENUE.replace("ws://127.0.0.1:1/v5/trade", "/v5/trade"), "trade_url", id="half an address"),
        pytest.param(VENUE.replace("1:1/v5/private", "1:x"), "private_url", id="an address with no port"),
    ],
)  # fmt: skip
def test_a_configuration_that_cannot_run_is_told_in_one_line(
    tmp_path: Path, cli: Any, monkeypatch: pytest.MonkeyPatch, text: str, says: str
) -> None:
    config = tmp_path / "session.toml"
    config.write_text(text, encoding="latin-1")
    for name, word in KEYS.items():
        monkeypatch.setenv(name, word)
    ran = cli("run", str(config), "--log", f"sqlite:///{tmp_path}/log.db")
    assert (ran.code, ran.out) == (2, "")
    assert says in one_line(ran.err)
    assert not (tmp_path / "log.db").exists()


OWN = {
    "returns nothing": ("return None", "strategy own.py:own: a strategy returns a stream of decisions, not NoneType"),
    "raises": ("return {}[feeds.strategy]", "strategy own.py:own: KeyError('own.py:own') (own.py:5 in own)"),
    "raises before it is there": (
        "return None\n\n\nOTHER = nowhere",
        "could not be imported: NameError(\"name 'nowhere' is not defined\") (own.py:8 in <module>)",
    ),
    "an account elsewhere": (
        'return feeds.account("bytbit").orders("BTCUSDT").pipe(op.filter(bool))', "an account at bytbit, which is no venue here",
    ),
    "candles": ('return feeds.market("bybit", "BTCUSDT").candles(60)', "asks for the candles of bybit BTCUSDT"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("channels", "says"),
    [
        (
            "candle_intervals_s = [60, 300]",
            "candles of 900 s of bybit BTCUSDT; candle_intervals_s of bybit has 60, 300",
        ),
        ('channels = ["candles"]', "candles of 900 s of bybit BTCUSDT; candle_intervals_s of bybit has 60"),
    ],
)
def test_candles_of_an_interval_that_nobody_follows_are_told(
    tmp_path: Path, cli: Any, monkeypatch: pytest.MonkeyPatch, channels: str, says: str
) -> None:
    body = "return feeds.market('bybit', 'BTCUSDT').candles(900)"
    _refused(tmp_path, cli, monkeypatch, body, says, VENUE + channels + "\n")


@pytest.mark.parametrize(("body", "says"), OWN.values(), ids=OWN)
def test_a_strategy_that_cannot_be_set_up_is_told_before_a_session_is_opened(
    tmp_path: Path, cli: Any, monkeypatch: pytest.MonkeyPatch, body: str, says: str
) -> None:
    _refused(tmp_path, cli, monkeypatch, body, says, VENUE)


def _refused(tmp_path: Path, cli: Any, monkeypatch: pytest.MonkeyPatch, body: str, says: str, venue: str) -> None:
    (tmp_path / "own.py").write_text(f"from streams import operators as op\n\n\ndef own(feeds):\n    {body}\n")
    (tmp_path / "session.toml").write_text(venue + '[[strategies]]\nstrategy = "own.py:own"\n')
    monkeypatch.chdir(tmp_path)
    for name, word in KEYS.items():
        monkeypatch.setenv(name, word)
    ran = cli("run", "session.toml", "--log", "sqlite:///log.db")
    assert (ran.code, ran.out) == (2, "")
    assert says in one_line(ran.err)
    assert not (tmp_path / "log.db").exists()


@pytest.mark.parametrize(
    ("text", "mode", "says"),
    [
        pytest.param(f'key = "{KEY}"\nsecret = "{SECRET}"\n', 0o644, "read by others", id="readable by the world"),
        pytest.param(f'key = "{KEY}"\nsecret = "{SECRET}"\n', 0o640, "read by others", id="readable by a group"),
        pytest.param(f'key = "{KEY}"\n', 0o600, "it must say key", id="without a secret"),
        pytest.param(f'key = "{KEY}"\nsecret = "{SECRET}\n', 0o600, "it must say key", id="no TOML"),
        pytest.param(
            f'key = "{KEY}"\nsecret = "{SECRET}"\nextra = 1\n', 0o600, "it must say key", id="with an extra word"
        ),
        pytest.param(f'key = ""\nsecret = "{SECRET}"\n', 0o600, "it must say key", id="with an empty key"),
        pytest.param(
            f'key = "{KEY}\\n"\nsecret = "{SECRET}"\n', 0o600, "key has a blank or a line end", id="a line end"
        ),
    ],
)
def test_a_key_file_that_cannot_be_used_is_told_without_its_content(
    tmp_path: Path, cli: Any, text: str, mode: int, says: str
) -> None:
    keys = tmp_path / "keys.toml"
    keys.write_text(text)
    keys.chmod(mode)
    (tmp_path / "session.toml").write_text(VENUE + f'key_file = "{keys}"\n')
    ran = cli("run", str(tmp_path / "session.toml"))
    assert (ran.code, ran.out) == (2, "")
    assert says in one_line(ran.err)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        pytest.param("TAPELINE_BYBIT_KEY", f"{KEY}\r", id="a key from a file of another system's line ends"),
        pytest.param("TAPELINE_BYBIT_SECRET", f"{SECRET}\r", id="its secret"),
        pytest.param("TAPELINE_BYBIT_SECRET", f"{SECRET} ", id="a blank behind it"),
        pytest.param("TAPELINE_BYBIT_KEY", "k\udcff", id="a byte that is no text"),
        pytest.param("TAPELINE_BYBIT_PASSPHRASE", "p\n", id="a third word with a line end"),
    ],
)
def test_a_key_that_no_venue_gave_is_told_before_anything_is_sent(
    tmp_path: Path, cli: Any, monkeypatch: pytest.MonkeyPatch, name: str, word: str
) -> None:
    (tmp_path / "session.toml").write_text(VENUE + PLAIN)
    for known, said in {**KEYS, name: word}.items():
        monkeypatch.setenv(known, said)
    for words in (("run", str(tmp_path / "session.toml")), ("request", "bybit", "wallet", "{}")):
        ran = cli(*words)
        assert (ran.code, ran.out) == (2, "")
        assert "has a blank or a line end" in one_line(ran.err)


def test_a_loss_in_an_asset_that_nothing_settles_in_is_told(tmp_path: Path) -> None:
    """It would never be reached: a limit that holds nobody."""
    with VenueThread(flow_per_s=10) as venue:
        (tmp_path / "session.toml").write_text('max_loss = { USD = "250" }\n' + config_text(venue))
        ran = tapeline("run", "session.toml", "--log", f"sqlite:///{tmp_path}/log.db", cwd=tmp_path, **KEYS)
    assert ran.returncode == 2
    assert "max_loss of USD" in (line := one_line(ran.stderr))
    assert "only in USDT" in line


def test_a_session_that_is_to_trade_needs_keys(tmp_path: Path, cli: Any) -> None:
    (tmp_path / "session.toml").write_text(VENUE + PLAIN)
    ran = cli("run", str(tmp_path / "session.toml"))
    assert ran.code == 2
    assert "TAPELINE_BYBIT_KEY" in one_line(ran.err)


@pytest.mark.parametrize("words", ["--for never", "--for 0s", "--for -1s"])
def test_a_time_that_is_none_is_told(tmp_path: Path, cli: Any, words: str) -> None:
    (tmp_path / "session.toml").write_text(VENUE + "trade = false\n")
    ran = cli("run", str(tmp_path / "session.toml"), *words.split())
    assert ran.code == 2
    one_line(ran.err)


@pytest.mark.parametrize(
    "words",
    [
        "x",
        "=1",
        "size",
        "colour=red",
        "size=lots",
        "paper.colour=red",
        "levels=0",
        "size=-1",
        "paper.order_latency_ms=-5",
    ],
)
def test_a_setting_that_is_none_is_told(cli: Any, log_url: str, words: str) -> None:
    ran = cli("replay", "last", "--simulate", "plain", "--set", words, "--log", log_url)
    assert (ran.code, ran.out) == (2, "")
    one_line(ran.err)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        pytest.param('market("bybit", "NOUSDT").book', "bybit NOUSDT", id="a market"),
        pytest.param('market("bybit", "BTCUSDT").candles(60)', "candles of 60 s of bybit BTCUSDT", id="candles"),
        pytest.param('market("bybit", "BTCUSDT").liquidations', "liquidations of bybit BTCUSDT", id="a channel"),
    ],
)
def test_what_a_session_does_not_have_is_told(tmp_path: Path, cli: Any, log_url: str, asked: str, says: str) -> None:
    (tmp_path / "own.py").write_text(f"def own(feeds):\n    return feeds.{asked}\n")
    ran = cli("replay", "last", "--simulate", "own.py:own", "--log", log_url)
    assert f"has no {says}, which a strategy asked for" in ran.err
    assert ran.code == 0


# --- the venue ---


def test_a_venue_that_is_not_there_is_told_and_the_session_ends_in_order(tmp_path: Path) -> None:
    (tmp_path / "session.toml").write_text('stop = "flatten"\n' + VENUE + PLAIN)
    ran = tapeline("run", "session.toml", "--log", f"sqlite:///{tmp_path}/log.db", cwd=tmp_path, **KEYS)
    assert ran.returncode == 2
    assert "127.0.0.1" in one_line(ran.stderr)
    with Log.open(f"sqlite:///{tmp_path}/log.db", create=False) as log:
        row = log.find("last")
        assert (row.status, check(log, row.id)) == ("closed", [])
        *_, last = log.records(row.id)
        assert isinstance(last.event, SessionClosed)
        assert "127.0.0.1" in last.event.reason


def test_a_key_that_the_venue_refuses_is_told(tmp_path: Path) -> None:
    with VenueThread(flow_per_s=10) as venue:
        (tmp_path / "session.toml").write_text(config_text(venue))
        ran = tapeline(
            "run", "session.toml", "--log", f"sqlite:///{tmp_path}/log.db", cwd=tmp_path,
            TAPELINE_BYBIT_KEY="another-key", TAPELINE_BYBIT_SECRET="another-secret",
        )  # fmt: skip
    assert ran.returncode == 2
    line = one_line(ran.stderr)
    assert "10003" in line
    assert "another-secret" not in ran.stdout + ran.stderr


def test_a_market_that_the_venue_has_not_is_told(tmp_path: Path) -> None:
    with VenueThread(flow_per_s=10) as venue:
        text = config_text(venue, strategies=[]).replace('"ETHUSDT"', '"NOPEUSDT"')
        (tmp_path / "session.toml").write_text(text)
        ran = tapeline("run", "session.toml", "--log", f"sqlite:///{tmp_path}/log.db", cwd=tmp_path, **KEYS)
    assert ran.returncode == 2
    assert "NOPEUSDT" in one_line(ran.stderr)


# --- the log ---


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def of_another_schema(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("UPDATE meta SET value = '999' WHERE key = 'schema'")
    database.close()


def no_database(path: Path) -> None:
    path.write_text("time,price\n" * 2000)


@pytest.fixture
def session_log(tmp_path: Path, log_url: str) -> Path:
    """A log with one closed session, its file alone."""
    path = Path(log_url.removeprefix("sqlite:///"))
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        pytest.param(cut_off, "cut off", id="cut off"),
        pytest.param(of_another_schema, "schema version 999", id="of an unknown schema version"),
        pytest.param(no_database, "is not a database", id="not a database"),
    ],
)
@pytest.mark.parametrize("words", ["run session.toml", "sessions", "replay last --verify", "orders last"])
def test_a_log_that_cannot_be_used_is_told(
    cli: Any, tmp_path: Path, session_log: Path, damage: Callable[[Path], None], says: str, words: str
) -> None:
    damage(session_log)
    before = session_log.read_bytes()
    (tmp_path / "session.toml").write_text(VENUE + "trade = false\n")
    ran = cli(*words.split(), "--log", f"sqlite:///{session_log}")
    assert (ran.code, ran.out) == (2, "")
    assert says in one_line(ran.err)
    assert session_log.read_bytes() == before


def test_a_log_that_somebody_writes_is_told_and_the_other_goes_on(cli: Any, tmp_path: Path, log_url: str) -> None:
    (tmp_path / "session.toml").write_text(VENUE + "trade = false\n")
    with Log.open(log_url) as log:
        writer = log.begin("20270101-other", "{}", 1)
        ran = cli("run", str(tmp_path / "session.toml"), "--log", log_url)
        assert (ran.code, ran.out) == (2, "")
        assert "is being written by another process" in one_line(ran.err)
        writer.close(2)
        assert log.find("20270101-other").status == "closed"


# --- a disk that fills ---

FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)), resource.RLIM_INFINITY))
from app.cli import main
main()
"""


@pytest.mark.parametrize("room", [600_000])
def test_a_disk_that_fills_stops_the_session_and_cancels_at_the_venue(tmp_path: Path, room: int) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    with VenueThread() as venue:
        (tmp_path / "session.toml").write_text(config_text(venue, stop="flatten"))
        ran = program(FULL, str(room), "run", "session.toml", "--for", "60s", "--log", url, cwd=tmp_path, **KEYS)
        truth = venue.call(lambda v: v.truth(KEY))
        assert ran.returncode == 2, ran.stdout + ran.stderr
        assert "log.db" in one_line(ran.stderr)
        assert len(truth.orders) > 4
        assert truth.open_orders == {}
        assert {symbol: position.size for symbol, position in truth.positions.items() if position.size} == {}
        with Log.open(url) as log:
            row = log.recover("last")
            assert row.status == "crashed"
            assert check(log, row.id) == []
            recorded = {row.client_id for row in log.journal(row.id, types=("PlaceOrder",))}
        ended = {name for name in truth.orders if name not in recorded}
        assert all(truth.orders[name].reduce_only for name in ended), "only what flattened at the end is not in the log"
        again = tapeline("run", "session.toml", "--for", "1s", "--log", url, cwd=tmp_path, **KEYS)
        assert again.returncode == 0, again.stdout + again.stderr


# --- an end at a person's word ---


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose log has two sessions in a row, ended by one signal each."""
    return tmp_path_factory.mktemp("ended")


@pytest.mark.parametrize("word", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_session_in_order_flat_and_with_nothing_resting(ended: Path, word: signal.Signals) -> None:
    url = f"sqlite:///{ended}/log.db"
    with VenueThread(seed=8) as venue:
        (ended / "session.toml").write_text(config_text(venue, stop="flatten"))
        child = started("run", "session.toml", "--log", url, cwd=ended, **KEYS)
        deadline = time.monotonic() + 60
        while not venue.call(lambda v: v.truth(KEY).fills):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        child.send_signal(word)
        out, err = child.communicate(timeout=60)
        truth = venue.call(lambda v: v.truth(KEY))
    assert (child.returncode, err) == (0, ""), out
    assert "(closed)" in out.splitlines()[0]
    assert truth.open_orders == {}
    assert [position.symbol for position in truth.positions.values() if position.size] == []
    with Log.open(url) as log:
        row = log.find("last")
        report = audit(log, row.id)
        assert (row.status, report.findings) == ("closed", ())
        assert report.fills == len(truth.fills)
        placed = {line.client_id for line in log.journal(row.id, types=("PlaceOrder",))}
        events = [record.event for record in log.records(row.id)]
    refused = {event.client_id for event in events if isinstance(event, Rejected) and event.action == "place"}
    # On a slow machine a second round flattens what the first has flattened already, which the venue refuses.
    assert set(truth.orders) == placed - refused, "also what flattened"
    assert not [event for event in events if isinstance(event, FeedStatus) and event.status == "gap"]


def test_a_signal_while_the_venue_does_not_answer_ends_it_too(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        text = VENUE.replace("127.0.0.1:1", f"127.0.0.1:{port}") + "trade = false\n"
        (tmp_path / "session.toml").write_text(text)
        url = f"sqlite:///{tmp_path}/log.db"
        child = started("run", "session.toml", "--log", url, cwd=tmp_path)
        connection, _ = silent.accept()  # it has begun to ask
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
        connection.close()
    assert (child.returncode, err) == (0, ""), out + err
    with Log.open(url) as log:
        assert log.find("last").status == "closed"


def _has_open(pid: int, path: Path) -> bool:
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since it was listed
            if file.readlink() == path.resolve():
                return True
    return False


def test_ctrl_c_ends_a_command_that_is_no_session_without_a_traceback(tmp_path: Path, session_log: Path) -> None:
    child = started("replay", "last", "--speed", "0.000000001", "--log", f"sqlite:///{session_log}", cwd=tmp_path)
    assert child.stdout is not None
    deadline = time.monotonic() + 60
    while not _has_open(child.pid, session_log):
        assert time.monotonic() < deadline, "it never opened the log"
        time.sleep(0.05)  # it sleeps between records for years
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert (child.returncode, err.strip()) == (130, "")  # as shells know it
