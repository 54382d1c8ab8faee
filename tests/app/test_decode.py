"""`tapeline decode` on the real capture and on frames that make no sense."""

import gzip
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from state.book import Book
from state.events import BookDelta, BookSnapshot

Cli = Callable[..., Any]
CAPTURE = "bybit/cryptofeed/BYBIT.v5.2026-08-09.jsonl.zst"
ROOT = Path(__file__).resolve().parents[2]
TRADE = (
    b'{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1672304486868,"data":[{"T":1672304486865,"s":"BTCUSDT",'
    b'"S":"Buy","v":"0.001","p":"16578.50","L":"PlusTick","i":"20f43950","BT":false}]}'
)
NEXT = TRADE.replace(b"20f43950", b"20f43951")  # one that came twice is told once


def capture_lines(recordings: Path) -> Iterator[dict[str, Any]]:
    with (recordings / CAPTURE).open("rb") as file:
        for line in zstandard.ZstdDecompressor().stream_reader(file).read().splitlines():
            yield json.loads(line)


def test_the_real_capture_has_no_findings_and_every_event(cli: Cli, recordings: Path) -> None:
    ran = cli("decode", "bybit", str(recordings / CAPTURE))
    assert (ran.code, ran.err) == (0, "")
    facts = ran.objects()
    assert all(list(fact)[:3] == ["type", "venue", "symbol"] for fact in facts)
    counted = Counter((fact["venue"], fact["type"]) for fact in facts)
    assert counted["bybit", "BookSnapshot"] + counted["bybit.spot", "BookSnapshot"] == 6
    assert counted["bybit", "BookDelta"] + counted["bybit.spot", "BookDelta"] == 2142
    assert counted["bybit", "InstrumentDefined"] == 800
    told = Counter[tuple[str, str]]()
    venues: dict[str, str] = {}
    for line in capture_lines(recordings):
        if line["t"] == "connect":
            venues[line["conn"]] = "bybit.spot" if line["addr"].endswith("spot") else "bybit"
        if line["t"] == "recv":
            frame = json.loads(line["data"])
            if "topic" in frame:
                kind = frame["topic"].partition(".")[0]
                told[venues[line["conn"]], kind] += 1 if kind in ("orderbook", "tickers") else len(frame["data"])
    for venue in ("bybit", "bybit.spot"):
        assert counted[venue, "Trade"] == told[venue, "publicTrade"] > 0
        assert counted[venue, "Ticker"] == told[venue, "tickers"] > 0
        assert counted[venue, "Candle"] == told[venue, "kline"] > 0


def test_numbers_are_json_numbers_equal_to_the_venues_text(cli: Cli, recordings: Path) -> None:
    """Each level and each trade, in order, against the venue's own text read by another JSON library."""
    told: list[tuple[float, float]] = []
    for line in capture_lines(recordings):
        if line["t"] != "recv":
            continue
        frame = json.loads(line["data"])
        topic = frame.get("topic", "")
        if topic.startswith("orderbook"):
            told += [(float(price), float(size)) for price, size in frame["data"]["b"] + frame["data"]["a"]]
        elif topic.startswith("publicTrade"):
            told += [(float(trade["p"]), float(trade["v"])) for trade in frame["data"]]
    ours: list[tuple[object, object]] = []
    for fact in cli("decode", "bybit", str(recordings / CAPTURE)).objects():
        if fact["type"] in ("BookSnapshot", "BookDelta"):
            ours += [(price, size) for price, size in fact["bids"] + fact["asks"]]
        elif fact["type"] == "Trade":
            ours.append((fact["price"], fact["size"]))
    assert ours == told
    assert len(ours) > 20_000


def test_the_lines_fold_to_the_expected_top_of_book(cli: Cli, recordings: Path) -> None:
    with (recordings / "bybit/expected/BYBIT.v5.2026-08-09.books.jsonl.zst").open("rb") as file:
        expected = [json.loads(line) for line in zstandard.ZstdDecompressor().stream_reader(file).read().splitlines()]
    books: dict[tuple[str, str], Book] = {}
    tops = []
    for fact in cli("decode", "bybit", str(recordings / CAPTURE)).objects():
        if fact["type"] not in ("BookSnapshot", "BookDelta"):
            continue
        book = books.setdefault((fact["venue"], fact["symbol"]), Book(fact["venue"], fact["symbol"]))
        changes = [[tuple(level) for level in fact[side]] for side in ("bids", "asks")]
        if fact["type"] == "BookSnapshot":
            book.replace(BookSnapshot("", "", None, *changes, update_id=fact["update_id"]))
        else:
            book.update(BookDelta("", "", None, *changes, update_id=fact["update_id"]))
        tops.append((book.update_id, book.bid, book.bid_size, book.ask, book.ask_size))
    assert tops == [(row[3], *map(float, row[5:9])) for row in expected]
    assert len(tops) == 2148


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("BYBIT.v5.linear.orderbook1.2025-06-13.txt.zst", id="text of the linear market"),
        pytest.param("BYBIT.v5.spot.orderbook1.2025-06-13.txt.zst", id="text of the spot market"),
    ],
)
def test_the_market_is_told_by_the_address(cli: Cli, recordings: Path, name: str) -> None:
    facts = cli("decode", "bybit", str(recordings / "bybit/cryptofeed" / name)).objects()
    assert {fact["venue"] for fact in facts} == {"bybit.spot" if "spot" in name else "bybit"}


def test_one_delta_left_out_is_found_at_the_next_of_its_topic(cli: Cli, recordings: Path, tmp_path: Path) -> None:
    lines = [json.dumps(line) for line in capture_lines(recordings)]
    deltas = [n for n, line in enumerate(lines) if 'orderbook.200.ETHUSDT\\",\\"type\\":\\"delta' in line]
    lost = deltas.pop(100)
    path = tmp_path / "cut.jsonl"
    path.write_text("\n".join(line for number, line in enumerate(lines) if number != lost))
    ran = cli("decode", "bybit", str(path))
    assert ran.code == 1
    [finding] = [fact for fact in ran.objects() if fact["type"] == "FeedStatus"]
    assert (finding["symbol"], finding["channel"], finding["status"]) == ("ETHUSDT", "book", "gap")
    assert finding["reason"]


@pytest.mark.parametrize(
    ("frame", "codes"),
    [
        pytest.param(b"not json", 1, id="no JSON"),
        pytest.param(b"\xff\xfe", 1, id="no text"),
        pytest.param(b'{"topic":"publicTrade.BTCUSDT"}', 1, id="a field is missing"),
        pytest.param(TRADE.replace(b'"16578.50"', b'"high"'), 1, id="a number is no number"),
        pytest.param(TRADE.replace(b'"16578.50"', b'"NaN"'), 1, id="a number is NaN"),
        pytest.param(TRADE.replace(b'"Buy"', b'"Up"'), 1, id="an unknown side"),
        pytest.param(b"[]", 1, id="not an object"),
        pytest.param(b'{"topic":' + b"[" * 200_000, 1, id="nested without end"),
        pytest.param(b'{"topic":"weather.BTCUSDT","data":[]}', 1, id="an unknown topic"),
        pytest.param(b'{"success":true,"ret_msg":"","op":"subscribe"}', 0, id="an answer is no event and no finding"),
    ],
)
def test_a_frame_that_does_not_fit_is_a_line_with_its_reason(
    cli: Cli, tmp_path: Path, frame: bytes, codes: int
) -> None:
    path = tmp_path / "frames"
    path.write_bytes(TRADE + b"\n" + frame + b"\n" + NEXT + b"\n")
    ran = cli("decode", "bybit", str(path))
    facts = ran.objects()
    assert ran.code == codes
    assert [fact["type"] for fact in facts if fact["type"] != "FeedStatus"] == ["Trade", "Trade"]
    findings = [fact for fact in facts if fact["type"] == "FeedStatus" and fact["status"] != "ok"]
    assert len(findings) == codes
    assert all(fact["reason"] for fact in findings)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b'{"topic":' + b"[" * 200_000, id="never closed"),
        pytest.param(b'{"test":' + b"[" * 20_000 + b"]" * 20_000 + b"}", id="and closed again"),
        pytest.param(b"{\n" + b'"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}", id="over two lines"),
    ],
)
def test_a_recording_that_begins_with_a_frame_nested_without_end_has_no_traceback(
    cli: Cli, tmp_path: Path, frame: bytes
) -> None:
    (tmp_path / "frames").write_bytes(frame + b"\n" + TRADE + b"\n")
    ran = cli("decode", "bybit", "frames")
    assert (ran.code, ran.err) == (1, "")
    assert "Trade" in {fact["type"] for fact in ran.objects()}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["decode", "bybit", "none"], "cannot read none", id="no such file"),
        pytest.param(["decode", "bybit", "."], "cannot read .", id="a folder"),
        pytest.param(["decode", "nope", "frames"], "there is no venue 'nope'", id="an unknown venue"),
        pytest.param(["decode", "bybit", "odd"], "of no known format", id="an unknown format"),
        pytest.param(["decode", "bybit", "empty"], "nothing is in it", id="an empty file"),
        pytest.param(["decode", "bybit", "cut.gz"], "cut off", id="a file that is cut off"),
    ],
)
def test_what_cannot_be_decoded_is_said_in_one_line(cli: Cli, tmp_path: Path, words: list[str], said: str) -> None:
    (tmp_path / "odd").write_text("a letter\nto nobody\n")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(TRADE + b"\n")[:-20])
    ran = cli(*words)
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1
    assert said in ran.err


@pytest.mark.parametrize(
    ("name", "types"),
    [
        pytest.param("ws_account_order.json", ["OrderUpdate"], id="orders"),
        pytest.param("ws_account_execution.json", ["Fill"], id="executions"),
        pytest.param("ws_account_position.json", ["PositionUpdate"], id="positions"),
        pytest.param("ws_account_wallet.json", ["BalanceUpdate", "BalanceUpdate"], id="a wallet of two coins"),
    ],
)
def test_private_frames_are_decoded_with_money_as_text(cli: Cli, recordings: Path, name: str, types: list[str]) -> None:
    ran = cli("decode", "bybit", str(recordings / "bybit/nautilus" / name))
    facts = ran.objects()
    assert (ran.code, [fact["type"] for fact in facts]) == (0, types)
    money = [fact[field] for fact in facts for field in ("size", "price", "fee", "total") if fact.get(field)]
    assert money
    assert all(isinstance(amount, str) for amount in money)


def test_an_order_word_that_nobody_knows_is_a_finding(cli: Cli, recordings: Path, tmp_path: Path) -> None:
    known = json.loads((recordings / "bybit/nautilus/ws_account_order.json").read_bytes())
    known["data"][0]["orderStatus"] = "Teleported"
    (tmp_path / "frames").write_text(json.dumps(known) + "\n" + TRADE.decode() + "\n")
    ran = cli("decode", "bybit", "frames")
    status, trade = ran.objects()
    assert (ran.code, status["type"], trade["type"]) == (1, "FeedStatus", "Trade")
    assert "Teleported" in status["reason"]


def test_standard_input_is_one_frame_a_line(tmp_path: Path) -> None:
    code = "from app.cli import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", code, "decode", "bybit", "-"],
        input=TRADE + b"\n" + b"hello\n",
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, timeout=60,
    )  # fmt: skip
    trade, status = [json.loads(line) for line in ran.stdout.splitlines()]
    assert (ran.returncode, ran.stderr) == (1, b"")
    assert (trade["type"], trade["price"], trade["size"], trade["side"]) == ("Trade", 16578.5, 0.001, "buy")
    assert (status["type"], status["status"]) == ("FeedStatus", "gap")


def test_lines_of_a_pipe_come_out_as_they_are_decoded(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", "from app.cli import main; main()", "decode", "bybit", "-"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        for n in range(3):  # each answer is awaited before the next frame is written
            process.stdin.write(TRADE.replace(b"20f43950", b"%d" % n) + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["type"] == "Trade"
        process.stdin.close()
    assert process.returncode == 0


def test_a_pipe_cannot_be_imported_and_is_not_waited_for(cli: Cli, tmp_path: Path, log_url: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    ran = cli("import", "bybit", "pipe", "--log", log_url)
    assert (ran.code, ran.out) == (2, "")
    assert "pipe is a pipe" in ran.err
