"""A word to a running session from another process, and what a session does when it has lost what it may lose."""

import json
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from adapters import order_ids
from app.config import RunConfig, StrategyConfig
from app.control import prepare_socket
from app.session import LiveSession
from replay.verify import verify
from state.errors import LossLimitReached, WrongUse
from state.events import Command, Fill, ParametersChanged, PlaceOrder
from state.log import Log
from state.manifest import Manifest
from streams.risk import RiskLimits
from streams.strategies.recorded import strategies_of
from tests.command import started, tapeline
from tests.forked import Started
from tests.live import KEY, SECRET, VenueThread, config_text, record, tight_plain

KEYS = {"TAPELINE_BYBIT_KEY": KEY, "TAPELINE_BYBIT_SECRET": SECRET}
START_S = 60.0


class Running:
    """A session in a process of its own, trading at a venue in this one."""

    def __init__(self, venue: VenueThread, child: Started, folder: Path) -> None:
        self.venue, self.child, self.folder = venue, child, folder
        self.url = f"sqlite:///{folder}/log.db"

    def say(self, *words: str) -> subprocess.CompletedProcess[str]:
        return tapeline(*words, "--log", self.url, cwd=self.folder)

    def await_position(self) -> None:
        deadline = time.monotonic() + START_S
        while not any(p.size for p in self.venue.call(lambda v: v.truth(KEY)).positions.values()):
            assert time.monotonic() < deadline, "the session was never filled"
            time.sleep(0.05)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("running")
    with VenueThread(seed=4) as venue:
        params = 'name = "plain-BTCUSDT"\n[strategies.params]\n'
        text = config_text(venue, stop="leave")
        assert params in text
        (folder / "session.toml").write_text(text.replace(params, f"{params}desk = {{}}\n"))
        child = started("run", "session.toml", "--log", f"sqlite:///{folder}/log.db", cwd=folder, **KEYS)
        session = Running(venue, child, folder)
        try:
            session.await_position()
            yield session
        finally:
            child.kill()
            child.communicate()


def test_what_a_person_says_is_recorded_and_its_place_told(running: Running) -> None:
    said = running.say("tell", "last", "weather", '{"rain": true}', "--symbol", "BTCUSDT", "--json")
    assert said.returncode == 0, said.stderr
    seq = json.loads(said.stdout)["seq"]
    with Log.open(running.url) as log:
        deadline = time.monotonic() + START_S
        while not (found := list(log.records(log.find("last").id, seq, seq))):
            assert time.monotonic() < deadline, "it is durable within a second or so"
            time.sleep(0.1)
    assert found[0].event == Command("", "BTCUSDT", "weather", '{"rain": true}')


def order(**changed: str | None) -> tuple[str, ...]:
    """`tell` an order to buy far below the market, with so much of it changed."""
    fields = {"symbol": "BTCUSDT", "side": "buy", "price": "50000", "size": "0.001"} | changed
    return ("tell", "last", "place", json.dumps(fields), "--venue", "bybit")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        pytest.param(
            ("tell", "last", "place", '{"symbol": "BTCUSDT"}', "--venue", "bybit"), "side", id="half an order"
        ),
        pytest.param(("tell", "last", "place", "{", "--venue", "bybit"), "place", id="no JSON"),
        pytest.param(order(size="-1"), "-1 is no size", id="a size below nothing"),
        pytest.param(order(size="NaN"), "NaN is no size", id="a size that is no number"),
        pytest.param(order(size="1e999999"), "is no size", id="a size of a million digits"),
        pytest.param(order(size="0.0015"), "not a multiple of the lot", id="a size off the grid"),
        pytest.param(order(price="50000.05"), "not a multiple of the tick", id="a price off the grid"),
        pytest.param(order(price=None), "needs a price", id="a limit order without a price"),
        pytest.param(order(kind="market"), "has none", id="a market order with a price that would not hold"),
        pytest.param(
            order(kind="market", price=None, tif="post_only"), "post_only", id="a market order that is to rest"
        ),
        pytest.param(order()[:4], "--venue where, one of bybit", id="an order for nowhere"),
        pytest.param((*order()[:4], "--venue", "okx"), "--venue where, one of bybit", id="a venue that is not in it"),
        pytest.param(("tell", "last", "cancel_all", "{}"), "--venue where", id="a cancel of all nowhere"),
        pytest.param(
            (
                "tell",
                "last",
                "amend",
                '{"symbol": "BTCUSDT", "client_id": "x", "price": "1", "size": "0"}',
                "--venue",
                "bybit",
            ),
            "0 is no size",
            id="an amendment to nothing",
        ),
        pytest.param(("tell", "last", "place", '{"symbol": "\udcff"}', "--venue", "bybit"), "no text", id="no text"),
        pytest.param(
            ("tell", "last", "set", '{"strategy": "plain-BTCUSDT", "params": {"levels": 0}}'),
            "levels must be",
            id="no levels",
        ),
        pytest.param(("tell", "last", "set", '{"strategy": "plan", "params": {}}'), "no strategy plan", id="nobody"),
        pytest.param(("tell", "last", "risk", '{"state": "asleep"}'), "asleep", id="a state that is none"),
        pytest.param(
            ("tell", "last", "risk", '{"state": "halted", "strategy": "plain-ETHUSDT"}'),
            "has no desk",
            id="nobody hears",
        ),
        pytest.param(("tell", "nosuch", "halt"), "no session", id="a session that is not there"),
        pytest.param(("stop", "last", "--policy", "burn"), "cancel, flatten, leave", id="a policy that is none"),
    ],
)
def test_a_wrong_word_is_refused_in_one_line_and_changes_nothing(
    running: Running, words: tuple[str, ...], complaint: str
) -> None:
    said = running.say(*words)
    assert said.returncode == 2
    assert complaint in said.stderr
    assert said.stderr.count("\n") == 1
    assert running.child.poll() is None


def test_a_parameter_changed_in_flight_is_in_the_log_and_in_the_state(running: Running) -> None:
    said = running.say(
        "tell", "last", "set", '{"strategy": "plain-BTCUSDT", "params": {"base_spread_bps": 0.4}}', "--json"
    )
    assert said.returncode == 0, said.stderr
    seq = json.loads(said.stdout)["seq"]
    with Log.open(running.url) as log:
        deadline = time.monotonic() + START_S
        while not (found := list(log.records(log.find("last").id, seq + 1, seq + 1))):
            assert time.monotonic() < deadline, "it is durable within a second or so"
            time.sleep(0.1)
    assert found[0].event == ParametersChanged("plain-BTCUSDT", '{"base_spread_bps":0.4}', True)
    assert found[0].cause == seq
    shown = running.say("state", "last")
    assert "strategy plain-BTCUSDT goes on with base_spread_bps = 0.4" in shown.stdout


def test_a_strategy_that_a_person_halts_stands_so_in_the_state_and_may_be_let_go_on(running: Running) -> None:
    halted = '{"state": "halted", "reason": "news", "strategy": "plain-BTCUSDT"}'
    assert running.say("tell", "last", "risk", halted).returncode == 0
    deadline = time.monotonic() + START_S
    while "strategy plain-BTCUSDT is halted: news" not in (shown := running.say("state", "last")).stdout:
        assert time.monotonic() < deadline, shown.stdout + shown.stderr
    assert running.say("tell", "last", "risk", '{"state": "active", "strategy": "plain-BTCUSDT"}').returncode == 0


def test_stop_with_a_policy_ends_it_flat_though_its_configuration_says_leave(running: Running) -> None:
    running.await_position()
    said = running.say("stop", "last", "--policy", "flatten", "--reason", "the test is over", "--json")
    assert said.returncode == 0, said.stdout + said.stderr
    ended = json.loads(said.stdout)
    assert ended["failure"] is None
    assert [(report["policy"], report["open_orders"], report["positions"]) for report in ended["reports"]] == [
        ("flatten", [], [])
    ]
    assert running.child.wait(START_S) == 0
    truth = running.venue.call(lambda v: v.truth(KEY))
    assert not truth.open_orders
    assert all(position.size == 0 for position in truth.positions.values())
    with Log.open(running.url) as log:
        row = log.find("last")
        assert row.status == "closed"
        events = [record.event for record in log.records(row.id)]
        out = {e.client_id: e for e in events if isinstance(e, PlaceOrder) and e.strategy == "operator"}
        assert all(order.reduce_only for order in out.values())
        # What a position was when everything had been cancelled; an order that rested until then may have closed it.
        left: Counter[str] = Counter()
        for fill in events:
            if isinstance(fill, Fill) and fill.client_id not in out:
                left[fill.symbol] += int(fill.size * (1000 if fill.side == "buy" else -1000))
        assert {symbol for symbol, size in left.items() if size} <= {order.symbol for order in out.values()}, (
            "the way out stands in the log as intents"
        )
        assert verify(log, row.id, strategies_of(Manifest.parse(row.manifest)), order_ids(row.id)).same
    again = running.say("stop", "last")
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert "it is closed" in again.stderr


def test_a_session_that_lost_what_it_may_lose_ends_flat_and_says_so(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    with VenueThread(seed=3) as venue:
        limits = RiskLimits(max_open_orders=20, max_messages_per_s=50, price_collar_bps=500)
        config = RunConfig(
            [venue.line()], tight_plain(), limits, stop="leave", max_loss={"USDT": Decimal("0.000000001")}
        )
        session = record(url, config, for_s=60)
        truth = venue.call(lambda v: v.truth(KEY))
    assert isinstance(session.failure, LossLimitReached)
    assert "USDT, and may lose 0.000000001" in str(session.failure)
    assert not truth.open_orders
    assert all(position.size == 0 for position in truth.positions.values())


def test_a_folder_that_others_could_enter_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    path = prepare_socket("s")
    path.parent.chmod(0o755)
    with pytest.raises(WrongUse, match="must belong to you alone"):
        prepare_socket("s")


def test_a_word_is_at_the_place_that_was_told_though_timers_were_due_before_it(tmp_path: Path) -> None:
    (tmp_path / "beating.py").write_text(
        "import reactivex as rx\n"
        "from reactivex import operators as ops\n"
        "from streams import operators as op\n"
        "from state.events import CancelOrder\n"
        "def beating(feeds):\n"
        "    return rx.interval(0.05).pipe(ops.take(20), op.map(lambda n: CancelOrder('bybit', 'BTCUSDT', f'nobody{n}')))\n"
    )
    strategy = StrategyConfig(f"{tmp_path}/beating.py:beating", "beating")
    url, told = f"sqlite:///{tmp_path}/log.db", dict[int, str]()
    with VenueThread(flow_per_s=1.0) as venue:

        def says(session: LiveSession) -> bool:
            if session.intents_sent:
                time.sleep(0.1)  # whatever is due meanwhile has its place before the word
                told[session.told("note", f"{len(told)}")] = f"{len(told)}"
            return len(told) >= 5

        config = RunConfig([venue.line()], [strategy], stop="cancel")
        session = record(url, config, for_s=60, until=says)
    with Log.open(url) as log:
        events = {record.seq: record.event for record in log.records(session.id)}
    assert len(told) == 5
    for seq, payload in told.items():
        assert events[seq] == Command("", "", "note", payload)
