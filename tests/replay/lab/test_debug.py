"""Time travel: any record, time or order of a session, what was known there, and the way from there."""

from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import msgspec
import pytest

from adapters import order_ids
from app.facts import state_fact
from replay.moments import Moments
from replay.rebuild import rebuild
from replay.travel import Travel, index
from replay.why.traced import trace
from state.errors import WrongUse
from state.events import INTENT, Accepted, Blocked, Fill, PlaceOrder, Tick
from state.log import Log
from state.manifest import Manifest
from state.record import Record
from streams.strategies.recorded import strategies_of
from tests.replay.decided import Desk, Offer
from tests.replay.lab.sessions import Lab, Tapeline
from tests.replay.lab.several import LINEAR, STRATEGY
from tests.replay.lab.several import record as night


def shown(tapeline: Tapeline, *words: str) -> dict[str, object]:
    said = tapeline("debug", *words, "--json")
    assert said.code == 0, said.err
    return said.fact()


@pytest.fixture
def records(lab: Lab) -> list[Record]:
    with Log.open(lab.url) as log:
        return list(log.records(lab.live))


def heard(url: str, session: str, seq: int) -> list[tuple[object, ...]]:
    """What every operator had said by then, from the first record on."""
    with Log.open(url) as log:
        manifest = Manifest.parse(log.find(session).manifest)
        told = trace(log, session, strategies_of(manifest), order_ids(session), until=seq).at_end
    return [(it.operator, it.where, it.count, it.seq, repr(it.value) if it.count else None) for it in told]


def told(fact: dict[str, object]) -> list[tuple[object, ...]]:
    operators = fact["operators"]
    assert isinstance(operators, list)
    return [tuple(it[name] for name in ("operator", "where", "count", "seq", "value")) for it in operators]


@pytest.fixture(scope="module")
def indexed(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A copy of the log in which the live session has an index; debug writes it at its first word."""
    path = tmp_path_factory.mktemp("indexed") / "log.db"
    with closing(connect(lab.url.removeprefix("sqlite:///"))) as source, closing(connect(path)) as copy:
        source.backup(copy)
    url = f"sqlite:///{path}"
    with Log.open(url) as log:
        assert index(log, log.find(lab.live), every=150) > 5
    return url


def test_what_is_shown_is_the_state_and_the_operators_last_values(
    lab: Lab, indexed: str, tapeline: Tapeline, records: list[Record]
) -> None:
    for seq in (1, 700, 1333, len(records)):
        fact = shown(tapeline, lab.live, "--at", str(seq), "--log", indexed)
        with Log.open(lab.url) as log:
            state = state_fact(rebuild(log, lab.live, seq, snapshots=False))
        assert fact["state"] == msgspec.json.decode(msgspec.json.encode(state))
        assert (fact["note"], fact["heard_since"]) == ("", 1)
        assert told(fact) == heard(lab.url, lab.live, seq)
    assert any(name == "microprice" and count > 100 for name, _, count, _, _ in told(fact))


def test_without_an_index_values_are_those_since_the_nearest_snapshot(
    lab: Lab, tapeline: Tapeline, records: list[Record]
) -> None:
    with Log.open(lab.url) as log:
        found = log.snapshot_at(lab.live, 1333)
    assert found is not None
    fact = shown(tapeline, lab.live, "--at", "1333")
    assert fact["heard_since"] == found[0] + 1
    assert f"from record {found[0] + 1} on" in str(fact["note"])
    # Two strategies have operators of the same name at the same line, and one of them may have been silent since.
    last = {(name, where, seq, value) for name, where, _, seq, value in heard(lab.url, lab.live, 1333)}
    spoken = {(name, where, seq, value) for name, where, count, seq, value in told(fact) if count}
    assert len(spoken) > 5
    assert spoken <= last
    assert {row for row in last if row[2] > found[0]} <= spoken


def test_a_session_without_snapshots_is_run_from_its_first_record(lab: Lab, indexed: str, tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with closing(connect(indexed.removeprefix("sqlite:///"))) as source, closing(connect(path)) as copy:
        source.backup(copy)
        copy.execute("DELETE FROM snapshots")
        copy.commit()
    with Log.open(f"sqlite:///{path}") as log:
        row = log.find(lab.live)
        moment = Travel(log, row).at(900)
    assert (moment.since, moment.ran) == (1, 900)
    assert [repr(it.value) for it in moment.heard if it.count] == [
        it[4] for it in heard(indexed, lab.live, 900) if it[2]
    ]


def test_with_an_index_no_more_is_run_than_lies_between_two_of_its_snapshots(
    lab: Lab, indexed: str, records: list[Record]
) -> None:
    with Log.open(indexed) as log:
        travel = Travel(log, log.find(lab.live))
        for seq in range(200, len(records), 97):
            assert travel.at(seq).ran <= 200, "150, to the end of a burst"


def test_index_is_a_word_of_debug_and_damaged_snapshots_cost_only_time(
    lab: Lab, indexed: str, tapeline: Tapeline, tmp_path: Path
) -> None:
    path = tmp_path / "log.db"
    with closing(connect(indexed.removeprefix("sqlite:///"))) as source, closing(connect(path)) as copy:
        source.backup(copy)
    url = f"sqlite:///{path}"
    with Log.open(url) as log:
        log.replace_snapshots(lab.live, [(500, b"snapshot 1\n\x93"), (600, b"state of another version")])
    fact = shown(tapeline, lab.live, "--at", "700", "--log", url)
    assert (fact["heard_since"], told(fact)) == (1, heard(indexed, lab.live, 700))
    shown(tapeline, lab.live, "--at", "700", "--index", "--log", url)
    with Log.open(url) as log:
        assert log.snapshot_at(lab.live, 700) is None, "an index of 1,000 records each is none here"


def test_a_time_and_an_order_lead_to_their_records(lab: Lab, tapeline: Tapeline, records: list[Record]) -> None:
    record = records[900]
    last = max(it.seq for it in records if it.recv <= record.recv)
    assert shown(tapeline, lab.live, "--at", str(record.recv), "--no-values")["seq"] == last
    placed = [it for it in records if isinstance(it.event, PlaceOrder)][3]
    assert isinstance(placed.event, PlaceOrder)
    assert shown(tapeline, lab.live, "--at", placed.event.client_id, "--no-values")["seq"] == placed.seq
    with Log.open(lab.url) as log:
        moments = Moments(log, log.find(lab.live))
        assert moments.at_time(records[-1].recv + 1) == len(records)
        for it in records[::97]:
            assert moments.at_time(it.recv) == max(other.seq for other in records if other.recv <= it.recv)


def test_an_order_is_found_by_the_id_that_its_venue_gave_it_too(lab: Lab, records: list[Record]) -> None:
    named = [it.event for it in records if isinstance(it.event, Accepted) and it.event.order_id]
    first = {it.event.client_id: it.seq for it in reversed(records) if isinstance(it.event, PlaceOrder)}
    assert len(named) > 3
    with Log.open(lab.url) as log:
        moments = Moments(log, log.find(lab.live))
        for it in named:
            assert it.order_id is not None
            assert moments.of_order(it.order_id) == moments.of_order(it.client_id) == first[it.client_id]


def test_a_time_is_found_however_the_session_is_cut_into_blocks(tmp_path: Path) -> None:
    recvs = [10, 10, 20, 20, 20, 20, 20, 30, 40, 40, 50]
    with Log.open(f"sqlite:///{tmp_path}/cut.db") as log:
        for size in (1, 2, 3, 4, 100):
            writer = log.begin(f"cut-{size}", "{}", 1, block_size=size)
            for seq, recv in enumerate(recvs, 1):
                writer.append(Record(seq, recv, 0, Tick()))
            writer.close(recvs[-1])
            moments = Moments(log, log.find(f"cut-{size}"))
            for time_ns in range(10, 52):
                assert moments.at_time(time_ns) == sum(recv <= time_ns for recv in recvs)
            with pytest.raises(WrongUse, match="no record yet"):
                moments.at_time(9)


@pytest.mark.parametrize(
    ("kind", "types"), [pytest.param("fill", (Fill,), id="fills"), pytest.param("intent", INTENT, id="intents")]
)
def test_the_next_and_the_last_of_a_kind_are_found_from_anywhere(
    lab: Lab, tapeline: Tapeline, records: list[Record], kind: str, types: tuple[type, ...]
) -> None:
    seqs = [record.seq for record in records if isinstance(record.event, types)]
    for at in (1, seqs[1] - 1, seqs[1]):
        there = shown(tapeline, lab.live, "--at", str(at), "--next", kind, "--no-values")
        assert there["seq"] == min(seq for seq in seqs if seq > at)
        back = shown(tapeline, lab.live, "--at", str(len(records)), "--previous", kind, "--no-values")
        assert back["seq"] == max(seq for seq in seqs if seq < len(records))


def test_a_step_there_and_back_is_no_step(lab: Lab, tapeline: Tapeline) -> None:
    here = shown(tapeline, lab.live, "--at", "600", "--no-values")
    assert shown(tapeline, lab.live, "--at", "593", "--step", "7", "--no-values") == here
    assert shown(tapeline, lab.live, "--at", "607", "--step", "-7", "--no-values") == here


def test_what_risk_blocked_is_found(lab: Lab, tapeline: Tapeline, tmp_path: object) -> None:
    url = f"sqlite:///{tmp_path}/desk.db"
    with Log.open(url) as log:
        desk = Desk(log, Offer(limit="0.05"))
        desk.open()
        desk.book(65000.0, 65001.0)
        session = desk.close()
        blocked = [record.seq for record in log.records(session) if isinstance(record.event, Blocked)]
    assert blocked
    fact = shown(tapeline, session, "--at", "1", "--next", "block", "--log", url)
    assert fact["seq"] == blocked[0]


def test_people_see_ladder_orders_positions_and_operators(lab: Lab, tapeline: Tapeline) -> None:
    said = tapeline("debug", lab.live, "--at", "1500")
    assert said.code == 0, said.err
    for word in ("at record 1500", ">\t1500", "bybit BTCUSDT: book ok", "bid_size\tbid\task\task_size", "microprice"):
        assert word in said.out


def test_a_place_that_is_not_there_is_said_in_one_line(lab: Lab, tapeline: Tapeline) -> None:
    for words, told in (
        (("--at", "0"), "there is no seq 0"),
        (("--at", "10", "--step", "-10"), "there is no seq 0"),
        (("--at", "1999-01-01T00:00:00"), "had no record yet"),
        (("--at", "2999-01-01T00:00:00"), "before 2999-01-01T00:00:00"),
        (("--at", "9" * 30), f"before {'9' * 30}"),
        (("--at", "no-such-order"), "has no order 'no-such-order'"),
        (("--at", "9", "--next", "rain"), "--next takes fill, intent, block, not 'rain'"),
        (("--at", "9", "--next", "fill", "--previous", "fill"), "two directions"),
        (("--at", "1", "--previous", "fill"), "has no fill before record 1"),
    ):
        said = tapeline("debug", lab.live, *words, "--no-values")
        assert said.code == 2
        assert told in said.err
        assert len(said.err.splitlines()) == 1


def test_a_time_of_day_is_the_first_such_time_in_the_session(tapeline: Tapeline, tmp_path: Path) -> None:
    """Of a night's session it was one before the session, however long after midnight that went on."""
    url = f"sqlite:///{tmp_path}/night.db"
    session = night(url)
    for word, told in (("23:59:30", "2025-12-31T23:59:30"), ("00:00:40", "2026-01-01T00:00:40")):
        assert shown(tapeline, session, "--at", word, "--log", url) == shown(
            tapeline, session, "--at", told, "--log", url
        )
    for word in ("12:00", "23:58:59"):
        said = tapeline("debug", session, "--at", word, "--log", url)
        assert said.code == 2
        assert "had no record yet" in said.err
    assert tapeline("replay", session, "--simulate", STRATEGY, "--log", url).code == 0
    for word in ("00:00:40", "2026-01-01T00:00:40"):
        said = tapeline("why-not", "last", "--at", word, "--side", "sell", "--symbol", LINEAR, "--log", url)
        assert "2026-01-01 00:00:40" in said.out, said.err
