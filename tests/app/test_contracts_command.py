"""`tapeline request`, `decode` and `import` at a venue with a third word, whose sizes are contracts on the wire."""

import json
from pathlib import Path

import pytest

from tests.app.conftest import Cli

KEYS = ("--key", "APIKEY", "--secret", "22582BD0CFF14C41EDBF1AB98506286D")
NOW = ("--now-ms", "1607418537715")
PLACE = {
    "symbol": "BTC-USDT-SWAP",
    "side": "buy",
    "size": "0.01",
    "price": "65000",
    "tif": "post_only",
    "client_id": "mm1",
}


def test_a_request_is_signed_with_the_third_word_of_the_environment_or_of_the_line(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = cli("request", "okx", "place", json.dumps(PLACE), *KEYS, *NOW)
    assert ran.code == 2
    assert "passphrase" in ran.err
    monkeypatch.setenv("TAPELINE_OKX_PASSPHRASE", "third")
    fact = json.loads(cli("request", "okx", "place", json.dumps(PLACE), *KEYS, *NOW).out)
    assert fact["url"] == "https://www.okx.com/api/v5/trade/order"
    assert fact["headers"]["OK-ACCESS-SIGN"] == "ky2AbQN1QusmdSZp+oDcp2w/HDdSHJk+6ew1Tb9hB2w=", "the sheet's own"
    assert fact["headers"]["OK-ACCESS-PASSPHRASE"] == "third"
    assert json.loads(fact["body"])["sz"] == "1", "a hundredth of a coin is one contract"
    monkeypatch.delenv("TAPELINE_OKX_PASSPHRASE")
    shown = cli(
        "request", "okx", "place", json.dumps(PLACE), *KEYS, *NOW, "--passphrase", "third", "--environment", "demo"
    )
    assert json.loads(shown.out)["headers"] == fact["headers"] | {"x-simulated-trading": "1"}


def test_a_contract_of_which_nothing_is_known_is_read_from_the_venues_instruments(
    cli: Cli, recordings: Path, tmp_path: Path
) -> None:
    words = ("--passphrase", "third", *KEYS, *NOW)
    other = json.dumps(PLACE | {"symbol": "SOL-USDT-SWAP", "size": "3"})
    refused = cli("request", "okx", "place", other, *words)
    assert refused.code == 2
    assert "instruments" in refused.err
    rows = json.loads((recordings / "okx/nautilus/http_get_instruments_swap.json").read_text())
    rows["data"][0] |= {
        "instId": "SOL-USDT-SWAP",
        "ctType": "linear",
        "ctVal": "1",
        "lotSz": "0.01",
        "settleCcy": "USDT",
    }
    known = tmp_path / "instruments.json"
    known.write_text(json.dumps(rows))
    shown = cli("request", "okx", "place", other, *words, "--instruments", str(known))
    assert json.loads(json.loads(shown.out)["body"])["sz"] == "3"
    assert cli("request", "okx", "place", other, *words, "--instruments", str(tmp_path / "none")).code == 2
    known.write_text("[]")
    assert cli("request", "okx", "place", other, *words, "--instruments", str(known)).code == 2


def test_recordings_decode_and_become_a_session(cli: Cli, recordings: Path) -> None:
    folder = recordings / "okx/cryptofeed"
    whole = str(folder / "OKX.v5.books.2022-05-13.jsonl.zst")
    decoded = cli("decode", "okx", whole)
    assert decoded.code == 0
    assert decoded.out.count("BookDelta") == 287
    files = [str(folder / "OKEX.v5.instruments.2021-07-22.http.txt.zst")]
    beside = [str(folder / f"OKEX.v5.books-l2-tbt.2021-07-22.conn{n}.txt.zst") for n in (1, 2)]
    twice = cli("import", "okx", *files, *beside)
    assert (twice.code, "told by two recordings that were made beside each other" in twice.err) == (2, True)
    ran = cli("import", "okx", *files, beside[0], "--json")
    assert ran.code == 0
    fact = json.loads(ran.out)
    assert (fact["gaps"], fact["misfits"]) == (0, 0)
    assert cli("replay", "last", "--verify").code == 0
    assert cli("replay", "last", "--decode").code == 0
