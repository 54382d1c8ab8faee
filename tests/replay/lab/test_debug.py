"""Time travel: any record, time or order of a session, what was known there, and the way from there."""

import msgspec
import pytest

from adapters import order_ids
from app.facts import state_fact
from replay.moments import Moments
from replay.rebuild import rebuild
from replay.why.traced import trace
from state.events import INTENT, Blocked, Fill, PlaceOrder
from state.log import Log
from state.manifest import Manifest
from state.record import Record
from streams.strategies.recorded import strategies_of
from tests.replay.decided import Desk, Offer
from tests.replay.lab.sessions import Lab, Tapeline


def shown(tapeline: Tapeline, *words: str) -> dict[str, object]:
    said = tapeline("debug", *words, "--json")
    assert said.code == 0, said.err
    return said.fact()


@pytest.fixture
def records(lab: Lab) -> list[Record]:
    with Log.open(lab.url) as log:
        return list(log.records(lab.live))


def test_what_is_shown_is_the_state_and_the_operators_last_values(
    lab: Lab, tapeline: Tapeline, records: list[Record]
) -> None:
    for seq in (1, 700, len(records)):
        fact = shown(tapeline, lab.live, "--at", str(seq))
        with Log.open(lab.url) as log:
            state = msgspec.to_builtins(
                msgspec.json.decode(msgspec.json.encode(state_fact(rebuild(log, lab.live, seq))))
            )
            manifest = Manifest.parse(log.find(lab.live).manifest)
            heard = trace(log, lab.live, strategies_of(manifest), order_ids(lab.live), until=seq).at_end
        assert fact["state"] == state
        assert fact["note"] == ""
        operators = fact["operators"]
        assert isinstance(operators, list)
        assert [(it["operator"], it["count"], it["seq"]) for it in operators] == [
            (it.operator, it.count, it.seq) for it in heard
        ]
        assert all((it["value"] is None) == (it["count"] == 0) for it in operators)
    assert any(it["operator"] == "microprice" and it["count"] > 100 for it in operators)


def test_a_time_and_an_order_lead_to_their_records(lab: Lab, tapeline: Tapeline, records: list[Record]) -> None:
    record = records[900]
    last = max(it.seq for it in records if it.recv <= record.recv)
    assert shown(tapeline, lab.live, "--at", str(record.recv), "--no-values")["seq"] == last
    placed = [it for it in records if isinstance(it.event, PlaceOrder)][3]
    assert isinstance(placed.event, PlaceOrder)
    assert shown(tapeline, lab.live, "--at", placed.event.client_id, "--no-values")["seq"] == placed.seq
    with Log.open(lab.url) as log:
        moments = Moments(log, log.find(lab.live))
        for it in records[::97]:
            assert moments.at_time(it.recv) == max(other.seq for other in records if other.recv <= it.recv)


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
        (("--at", "no-such-order"), "has no order 'no-such-order'"),
        (("--at", "9", "--next", "rain"), "--next takes fill, intent, block, not 'rain'"),
        (("--at", "9", "--next", "fill", "--previous", "fill"), "two directions"),
        (("--at", "1", "--previous", "fill"), "has no fill before record 1"),
    ):
        said = tapeline("debug", lab.live, *words, "--no-values")
        assert said.code == 2
        assert told in said.err
        assert len(said.err.splitlines()) == 1
