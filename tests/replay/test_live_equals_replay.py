"""The proof that a replay is the live run: a real session on real sockets, then verified everywhere. Nothing is mocked.

One session trades both markets with `plain` and with strategies on timers, chance and failure; it is recorded twice, once on
each database.
"""

import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from adapters import order_ids
from adapters.base.settings import MarketChannel
from app.config import StrategyConfig
from app.session import LiveSession
from replay.audit import audit
from replay.bursts import bursts
from replay.rebuild import rebuild
from replay.verify import Verdict, verify
from state.commands import OPERATOR
from state.events import (
    AmendOrder,
    CancelOrder,
    Fill,
    PlaceOrder,
    Rejected,
    SessionOpened,
    StrategyFailed,
    Tick,
    is_derived,
)
from state.log import Log
from state.manifest import Manifest, StrategyEntry
from state.record import Collected, Record
from state.reducer import Reducer
from state.shared import SharedState
from streams.pipeline import Pipeline
from streams.strategies.recorded import strategies_of
from streams.strategy import run_strategies
from tests.command import tapeline
from tests.depth import depth
from tests.live import VenueThread, record_live, tight_plain

ROOT = Path(__file__).resolve().parents[2]
TIMED = ("debounced", "sampled", "beating", "timed_out", "gambling", "failing")
CHANNELS: tuple[MarketChannel, ...] = ("book", "trades", "ticker", "liquidations")
FILLS = 6
LEANING_NS = 500_000_000  # five times as long as `plain` takes to quote anew


def strategies() -> list[StrategyConfig]:
    """Those on timers trade BTCUSDT and ETHUSDT in turn, on both sides."""
    timed = []
    for number, name in enumerate(TIMED):
        market = ({"symbol": "BTCUSDT", "size": "0.001"}, {"symbol": "ETHUSDT", "size": "0.01"})[number % 2]
        params: dict[str, object] = {**market, "side": "sell" if number // 2 % 2 else "buy"}
        timed.append(StrategyConfig(f"tests.replay.timed:{name}", name, params))
    return [*tight_plain(), *timed]


class SeenAll:
    """Enough has happened: fills in both markets, one of them quoted with a position for a while, and one strategy failed."""

    def __init__(self) -> None:
        self._held_since: int | None = None
        self._has_leaned = False

    def __call__(self, session: LiveSession) -> bool:
        shared = session.pipeline.shared
        positions = shared.account("bybit").ledger.positions
        held = "ETHUSDT" in positions and positions["ETHUSDT"].size != 0
        self._held_since = (self._held_since or shared.now) if held else None
        self._has_leaned |= self._held_since is not None and shared.now - self._held_since >= LEANING_NS
        return (
            "failing" in shared.failed
            and sum(position.fills for position in positions.values()) >= FILLS
            and len(positions) == 2
            and self._has_leaned
            and session.pipeline.seq >= 2_500
        )


@dataclass
class Recorded:
    """A session that ran live, where it is, and what it knew at its end."""

    url: str
    id: str
    state: bytes
    records: list[Record]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def live(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    """A session of some seconds, once on each database."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('live')}/log.db"
    else:
        url = request.getfixturevalue("module_postgres_url")
    with VenueThread() as venue:
        session = record_live(
            url, venue, strategies(), for_s=90, snapshot_every=400, until=SeenAll(), channels=CHANNELS
        )
    assert session.failure is None
    assert all(report.clean for report in session.reports)
    with Log.open(url) as log:
        yield Recorded(url, session.id, session.pipeline.shared.dump(), list(log.records(session.id)))


def verified(url: str, session: str, manifest: Manifest | None = None) -> Verdict:
    with Log.open(url) as log:
        known = manifest or Manifest.parse(log.find(session).manifest)
        return verify(log, session, strategies_of(known), order_ids(session))


def test_the_session_is_worth_proving(live: Recorded) -> None:
    decided = [record.event for record in live.records if is_derived(record.event)]
    by_strategy = Counter(event.strategy for event in decided if isinstance(event, PlaceOrder))
    assert set(by_strategy) == {"plain-BTCUSDT", "plain-ETHUSDT", *TIMED} | by_strategy.keys() & {OPERATOR}
    kinds = Counter(type(record.event) for record in live.records)
    assert kinds[Fill] >= FILLS
    assert kinds[Tick] > 10
    assert kinds[AmendOrder] > 0
    assert kinds[CancelOrder] > 10
    [failed] = [event for event in decided if isinstance(event, StrategyFailed)]
    assert failed.strategy == "failing"
    assert failed.error == "ZeroDivisionError: midway"
    assert "timed.py" in failed.traceback


def test_the_orders_of_a_strategy_that_failed_are_cancelled_and_it_places_no_more(live: Recorded) -> None:
    mine = {e.client_id for r in live.records if isinstance(e := r.event, PlaceOrder) and e.strategy == "failing"}
    at = next(record.seq for record in live.records if isinstance(record.event, StrategyFailed))
    after = [record.event for record in live.records if record.seq > at]
    assert not [event for event in after if isinstance(event, PlaceOrder) and event.strategy == "failing"]
    assert [event for event in after if isinstance(event, CancelOrder) and event.client_id in mine]
    assert [event for event in after if isinstance(event, PlaceOrder)], "the others go on"


def test_a_replay_in_this_process_is_the_same_to_the_bit(live: Recorded) -> None:
    verdict = verified(live.url, live.id)
    assert verdict.difference is None
    assert verdict.same
    assert verdict.records == len(live.records)
    assert verdict.decisions == sum(is_derived(record.event) for record in live.records)
    with Log.open(live.url) as log:
        assert verdict.digest == log.find(live.id).head


@pytest.mark.parametrize("hash_seed", depth(["1", "random"], ["0", "1", "random"]))
def test_a_replay_in_another_process_is_the_same_to_the_bit(live: Recorded, hash_seed: str) -> None:
    words = [sys.executable, "-c", "from app.cli import main; main()"]
    done = subprocess.run(
        [*words, "replay", live.id, "--verify", "--json", "--log", live.url],
        cwd="/", env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    fact = msgspec.json.decode(done.stdout)
    assert fact["same"] is True
    assert fact["records"] == len(live.records)
    with Log.open(live.url) as log:
        assert fact["digest"] == log.find(live.id).head


def test_a_replay_on_the_other_database_is_the_same_to_the_bit(
    live: Recorded, tmp_path: Path, postgres_url: str
) -> None:
    other = postgres_url if live.url.startswith("sqlite") else f"sqlite:///{tmp_path}/other.db"
    with Log.open(live.url) as log, Log.open(other) as copy:
        row = log.find(live.id)
        writer = copy.begin(row.id, row.manifest, row.opened, block_size=97)
        for record in log.records(row.id):
            writer.append(record)
        assert writer.close(row.closed or 0).hex() == row.head
    verdict = verified(other, live.id)
    assert verdict.same
    assert verdict.digest == row.head


def test_the_audit_finds_nothing_but_the_strategy_that_failed(live: Recorded) -> None:
    with Log.open(live.url) as log:
        report = audit(log, live.id)
    assert [finding.kind for finding in report.findings] == ["strategy failed"]
    assert report.intents == report.answered
    assert report.fills >= FILLS


# --- what is not the same is found ---


def changed(manifest: Manifest, strategy: str, **fields: object) -> Manifest:
    """The manifest with other parameters of one strategy."""
    entries = []
    for known in manifest.strategies:
        params = msgspec.json.decode(known.params, type=dict[str, object])
        params |= fields if known.name == strategy else {}
        entries.append(StrategyEntry(known.name, known.strategy, msgspec.Raw(msgspec.json.encode(params))))
    return msgspec.structs.replace(manifest, strategies=entries)


def replayed(records: list[Record], manifest: Manifest, session: str) -> list[Record]:
    """What another fold of the same inputs concludes, without verify's own comparison."""
    concluded = Collected()
    pipeline = Pipeline(concluded, order_ids(session))
    for burst in bursts(records):
        if is_derived(burst[0].event):
            continue
        pipeline.feed(burst[0].recv, [record.event for record in burst], burst[0].cause)
        if isinstance(burst[0].event, SessionOpened):
            run_strategies(pipeline, strategies_of(manifest))
    return concluded.records


@pytest.mark.parametrize(
    ("strategy", "fields"),
    [
        pytest.param("plain-BTCUSDT", {"size": "0.021"}, id="the size of a level"),
        pytest.param("plain-ETHUSDT", {"skew_bps": 50.0}, id="a lean that shows only once there is a position"),
        pytest.param("beating", {"away_bps": 30.5}, id="a price on a timer"),
        pytest.param("gambling", {"beat_s": 0.31}, id="a beat by chance"),
        pytest.param("failing", {"beat_s": 0.29}, id="when a strategy fails"),
    ],
)
def test_one_changed_constant_is_found_at_the_first_record_that_differs(
    live: Recorded, strategy: str, fields: dict[str, object]
) -> None:
    with Log.open(live.url) as log:
        manifest = changed(Manifest.parse(log.find(live.id).manifest), strategy, **fields)
    verdict = verified(live.url, live.id, manifest)
    now = replayed(live.records, manifest, live.id)
    first = next(n for n, (was, is_) in enumerate(zip(live.records, now, strict=False)) if was != is_)
    assert not verdict.same
    found = verdict.difference
    assert found is not None
    assert found.seq == live.records[first].seq == first + 1
    assert found.recorded == live.records[first]
    assert found.concluded == now[first]
    assert verdict.records == first


def test_a_difference_is_shown_with_both_records_and_its_cause(live: Recorded, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/changed.db"
    with Log.open(live.url) as log, Log.open(url) as copy:
        row = log.find(live.id)
        manifest = changed(Manifest.parse(row.manifest), "plain-BTCUSDT", size="0.021")
        writer = copy.begin(row.id, manifest.to_json(), row.opened)
        for record in live.records:
            writer.append(record)
        writer.close(row.closed or 0)
    done = tapeline("replay", "last", "--verify", "--log", url, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"session {live.id}: NOT the same")
    recorded, concluded, cause = (msgspec.json.decode(line[line.index("{") :]) for line in lines[2:])
    assert lines[1] == f"first difference at seq {recorded['seq']}"
    assert (recorded["type"], concluded["type"]) == ("PlaceOrder", "PlaceOrder")
    assert (recorded["size"], concluded["size"]) == ("0.020", "0.021")
    assert cause["seq"] == recorded["cause"] == concluded["cause"]


# --- state ---


def test_the_state_at_the_end_is_the_live_sessions_state(live: Recorded) -> None:
    with Log.open(live.url) as log:
        assert rebuild(log, live.id).dump() == live.state
        assert rebuild(log, live.id, snapshots=False).dump() == live.state


def test_a_rebuild_at_any_seq_is_the_fold_up_to_there(live: Recorded) -> None:
    last = len(live.records)
    rng = random.Random(5)
    asked = sorted({0, 1, 399, 400, 401, last - 1, last, *(rng.randrange(last) for _ in range(12))})
    folded: dict[int, bytes] = {}
    shared = SharedState()
    apply = Reducer(shared).apply
    folded[0] = shared.dump()
    for record in live.records:
        apply(record)
        if record.seq in asked:
            folded[record.seq] = shared.dump()
    with Log.open(live.url) as log:
        used = {found[0] for seq in asked if (found := log.snapshot_at(live.id, seq)) is not None}
        assert len(used) >= 3, "snapshots were really there to be used"
        for seq in asked:
            assert rebuild(log, live.id, seq).dump() == folded[seq], seq
            assert rebuild(log, live.id, seq, snapshots=False).dump() == folded[seq], seq


def test_what_the_venue_refused_is_in_the_log_with_its_intent(live: Recorded) -> None:
    by_seq = {record.seq: record.event for record in live.records}
    for record in live.records:
        if isinstance(record.event, Rejected):
            assert isinstance(by_seq[record.cause], PlaceOrder | AmendOrder | CancelOrder)
