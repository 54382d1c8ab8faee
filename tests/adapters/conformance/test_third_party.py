"""A venue of somebody else's, installed from a folder: it is found, decodes, requests and is held to the contract."""

import hmac
import json
from pathlib import Path

from tests.command import tapeline

ORDER = {"symbol": "BTCUSDT", "side": "buy", "size": "0.01", "price": "65000.1", "client_id": "t1"}
FRAMES = (
    '{"topic":"book:BTCUSDT","market":"BTCUSDT","seq":3,"ms":5,"bids":[["1.5","2"]],"asks":[["1.6","3"]]}',
    '{"topic":"book:BTCUSDT","market":"BTCUSDT","seq":6,"before":3,"ms":6,"bids":[["1.5","0"]],"asks":[]}',
    '{"topic":"trades:BTCUSDT","market":"BTCUSDT","trades":[{"id":7,"ms":6,"side":"B","price":"1.6","size":"1"}]}',
)


def test_it_is_found_beside_ours(installed: str, tmp_path: Path) -> None:
    listed = json.loads(tapeline("venues", "--json", cwd=tmp_path, PYTHONPATH=installed).stdout)
    (pond,) = (each for each in listed if each["name"] == "pond")
    assert (pond["market"], pond["channels"]) == ("linear", ["book", "trades", "ticker"])
    assert "bybit" in {each["name"] for each in listed}
    assert "pond" not in tapeline("venues", cwd=tmp_path).stdout, "it is not ours"


def test_it_requests(installed: str, tmp_path: Path) -> None:
    words = ("request", "pond", "place", json.dumps(ORDER), "--key", "a-key", "--secret", "a-secret", "--now-ms", "7")
    said = json.loads(tapeline(*words, cwd=tmp_path, PYTHONPATH=installed).stdout)
    assert (said["method"], said["url"]) == ("POST", "https://api.pond.example/orders")
    assert json.loads(said["body"]) == {
        "market": "BTCUSDT", "client_id": "t1", "side": "B", "type": "limit", "life": "rest", "price": "65000.1",
        "size": "0.01",
    }  # fmt: skip
    signed = hmac.new(b"a-secret", f"7POST/orders{said['body']}".encode(), "sha256").hexdigest()
    assert said["headers"]["Pond-Sign"] == signed


def test_it_decodes(installed: str, tmp_path: Path) -> None:
    recording = tmp_path / "pond.txt"
    recording.write_text("".join(f"{1_754_000_000_000_000_000 + n} {frame}\n" for n, frame in enumerate(FRAMES)))
    done = tapeline("decode", "pond", str(recording), cwd=tmp_path, PYTHONPATH=installed)
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["type"] for event in told] == ["BookSnapshot", "BookDelta", "Trade"]
    assert {event["venue"] for event in told} == {"pond"}


def test_it_is_held_to_the_contract(installed: str, tmp_path: Path) -> None:
    done = tapeline("conformance", "pond", "--json", cwd=tmp_path, PYTHONPATH=installed)
    cases = json.loads(done.stdout)
    assert [case for case in cases if case["result"] == "failed"] == []
    assert done.returncode == 0
    assert sum(case["result"] == "passed" for case in cases) > 75
    assert all(case["why"] for case in cases if case["result"] == "not offered")
