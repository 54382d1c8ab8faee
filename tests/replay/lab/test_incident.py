"""An incident goes round: captured, written, replayed by its own test, without a secret in it."""

from pathlib import Path

import msgspec
import pytest

from replay.incident import Incident
from state.events import Fill, PlaceOrder, Rejected
from state.log import Log
from state.record import canonical_all
from tests.command import module
from tests.replay.decided import Desk, Offer
from tests.replay.lab.sessions import Lab, Tapeline

SECRET = "kJ8s0dPq2ZxV7mNw"


def test_a_live_incident_goes_round_from_a_state_shortly_before_it(
    lab: Lab, tapeline: Tapeline, tmp_path: Path
) -> None:
    with Log.open(lab.url) as log:
        fill = [record.seq for record in log.records(lab.live) if isinstance(record.event, Fill)][1]
        whole = {record.seq: record for record in log.records(lab.live)}
    said = tapeline(
        "incident", lab.live, "--from", str(fill - 30), "--to", str(fill + 30), "-o", str(tmp_path), "--json"
    )
    assert said.code == 0, said.err
    fact = said.fact()
    assert isinstance(fact["files"], list)
    fixture, readable, test = (Path(str(path)) for path in fact["files"])
    incident = Incident.load(fixture)
    assert 0 < incident.before < fill - 30, "it begins from a state, not from the beginning"
    assert incident.before > fill - 200, "and is over at once"
    recorded = incident.recorded()
    assert recorded == [whole[record.seq] for record in recorded]
    assert {*range(fill - 30, fill + 31)} <= {record.seq for record in recorded}
    assert len(readable.read_text().splitlines()) == len(recorded)
    done = module("pytest", "-q", "-p", "no:cacheprovider", str(test), cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
    assert incident.replay().difference is None


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.8, 1.0])
def test_every_place_of_a_session_can_be_an_incident(
    lab: Lab, tapeline: Tapeline, tmp_path: Path, share: float
) -> None:
    with Log.open(lab.url) as log:
        last = log.find(lab.simulated).last_seq
    first = 1 + int(share * (last - 12))
    said = tapeline("incident", lab.simulated, "--from", str(first), "--to", str(first + 11), "-o", str(tmp_path))
    assert said.code == 0, said.err


def test_a_decision_that_is_not_the_recorded_one_makes_the_fixtures_test_fail(
    lab: Lab, tapeline: Tapeline, tmp_path: Path
) -> None:
    with Log.open(lab.url) as log:
        placed = [record.seq for record in log.records(lab.live) if isinstance(record.event, PlaceOrder)]
    at = placed[len(placed) // 2]
    said = tapeline("incident", lab.live, "--from", str(at), "--to", str(at), "-o", str(tmp_path), "--json")
    assert said.code == 0, said.err
    fixture = next(tmp_path.glob("*.bin"))
    incident = Incident.load(fixture)
    recorded = incident.recorded()
    number = next(number for number, record in enumerate(recorded) if record.seq == at)
    event = msgspec.structs.replace(recorded[number].event, label="other")
    recorded[number] = msgspec.structs.replace(recorded[number], event=event)
    msgspec.structs.replace(incident, records=canonical_all(recorded)).save(fixture)
    found = Incident.load(fixture).replay().difference
    assert found is not None
    assert found[0] == recorded[number]
    test = next(tmp_path.glob("test_*.py"))
    done = module("pytest", "-q", "-p", "no:cacheprovider", str(test), cwd=tmp_path)
    assert done.returncode == 1, done.stdout


def test_planted_secrets_are_struck_out_of_records_and_of_the_state(
    tapeline: Tapeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/desk.db"
    with Log.open(url) as log:
        desk = Desk(log, Offer())
        desk.open()
        desk.book(65000.0, 65001.0)
        placed = [record for record in desk.intents if isinstance(record.event, PlaceOrder)]
        for record in placed:
            name = record.event.client_id  # type: ignore[union-attr]  # they were chosen so
            text = f"api_key=AbCdEf123456 is not yours, {SECRET}"
            desk.feed([Rejected("bybit", "BTCUSDT", None, "place", name, "funds", "10003", text)], record.seq)
        begins = desk.book(65010.0, 65011.0)
        desk.book(65020.0, 65021.0)
        session = desk.close()
    monkeypatch.setenv("TAPELINE_BYBIT_SECRET", SECRET)
    words = ("incident", session, "--log", url, "--to", str(begins + 2))
    assert tapeline(*words, "--from", str(begins), "-o", str(tmp_path / "late")).code == 0, "in the state"
    assert tapeline(*words, "--from", "2", "-o", str(tmp_path / "early")).code == 0, "in the records"
    for path in [*tmp_path.glob("late/*"), *tmp_path.glob("early/*")]:
        body = path.read_bytes()
        if path.suffix == ".bin":
            incident = Incident.load(path)
            body = incident.state + incident.strategies + incident.records + incident.manifest.encode()
        assert SECRET.encode() not in body
        assert b"AbCdEf123456" not in body
    assert b"***" in next(tmp_path.glob("early/*.jsonl")).read_bytes()


def test_what_cannot_be_captured_is_said_in_one_line(lab: Lab, tapeline: Tapeline, tmp_path: Path) -> None:
    there = ("--from", "5", "--to", "9", "-o", str(tmp_path))
    assert tapeline("incident", lab.live, *there).code == 0
    (tmp_path / "not.bin").write_bytes(b"nothing")
    for words, told in (
        (there, "is there already"),
        (("--from", "9", "--to", "5", "-o", str(tmp_path)), "there is no stretch 9 to 5"),
        (("--from", "1", "--to", "9999999", "-o", str(tmp_path)), "there is no stretch"),
    ):
        said = tapeline("incident", lab.live, *words)
        assert said.code == 2
        assert told in said.err
        assert len(said.err.splitlines()) == 1
