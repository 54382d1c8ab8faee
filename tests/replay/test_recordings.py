"""Readers of recorded frames, on the real files of every format and on what is damaged, cut off or unknown."""

import gzip
import io
import json
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pytest
import zstandard

from replay.recordings import RecordedFrame, Recording
from state.errors import WrongUse

BYBIT = "bybit/cryptofeed/BYBIT.v5.2026-08-09.jsonl.zst"


def read(path: Path) -> list[RecordedFrame]:
    with Recording.open(path) as recording:
        return list(recording)


def unpacked(path: Path) -> bytes:
    if path.suffix == ".zst":
        with path.open("rb") as file:
            return zstandard.ZstdDecompressor().stream_reader(file).read()
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


@pytest.mark.parametrize(
    ("name", "form", "ws_in", "ws_out", "http"),
    [
        pytest.param(BYBIT, "cryptofeed jsonl", 3227, 24, 2, id="cryptofeed json lines of Bybit, linear and spot"),
        pytest.param(
            "binance/cryptofeed/BINANCE_DELIVERY.2021-07-22.jsonl.zst", "cryptofeed jsonl", 4371, 0, 11,
            id="cryptofeed json lines of Binance, converted from text",
        ),
        pytest.param(
            "okx/cryptofeed/OKX.v5.books.2022-05-13.jsonl.zst", "cryptofeed jsonl", 410, 3, 25,
            id="cryptofeed json lines of OKX",
        ),
        pytest.param(
            "bybit/cryptofeed/BYBIT.v5.linear.orderbook1.2025-06-13.txt.zst", "cryptofeed text", 202, 4, 0,
            id="cryptofeed text of Bybit",
        ),
        pytest.param(
            "bybit/cryptofeed-legacy-v2/BYBIT.v2.realtime_public.2021-04-17.txt.zst", "cryptofeed text", 3342, 16, 0,
            id="cryptofeed text with blank lines",
        ),
        pytest.param(
            "okx/cryptofeed/OKEX.v5.instruments.2021-07-22.http.txt.zst", "cryptofeed text", 0, 0, 5,
            id="cryptofeed text of REST answers and a configuration line",
        ),
        pytest.param(
            "binance/hftbacktest/usdm_btcusdt_20230404.dat.gz", "stamped frames", 13383, 0, 1,
            id="hftbacktest of 2023, stamped in microseconds",
        ),
        pytest.param("hyperliquid/hftbacktest/btcusd_20250126.gz", "stamped frames", 55, 0, 0, id="hftbacktest in ns"),
        pytest.param(
            "binance/collect-binancefutures/usdm_btcusdt_20220811.dat.zst", "stamped frames", 1532, 0, 1,
            id="collect-binancefutures",
        ),
        pytest.param(
            "bybit/tardis-node/mapping_cases_bybit-spot.jsonl", "tardis-node cases", 6, 0, 0, id="tardis-node cases",
        ),
        pytest.param("dydx/v4-abacus/v4_markets.jsonl", "frames, one a line", 5, 0, 0, id="frames, one a line"),
        pytest.param("bybit/nautilus/ws_account_wallet.json", "one JSON document", 1, 0, 0, id="one frame over lines"),
    ],
)  # fmt: skip
def test_real_files_are_read_whole(recordings: Path, name: str, form: str, ws_in: int, ws_out: int, http: int) -> None:
    with Recording.open(recordings / name) as recording:
        assert recording.format == form
        kinds = Counter((frame.kind, frame.direction) for frame in recording)
        assert recording.position_bytes == recording.size_bytes > 0
    assert kinds == Counter({("ws", "in"): ws_in, ("ws", "out"): ws_out, ("http", "in"): http})


def test_json_lines_give_each_frame_verbatim_with_time_and_address(recordings: Path) -> None:
    lines = [json.loads(line) for line in unpacked(recordings / BYBIT).splitlines()]
    urls = {line["conn"]: line["addr"] for line in lines if line["t"] == "connect"}
    told = [line for line in lines if line["t"] in ("recv", "send", "http")]
    frames = read(recordings / BYBIT)
    assert [frame.body for frame in frames] == [line["data"].encode() for line in told]
    assert [frame.url for frame in frames] == [line.get("url") or urls[line["conn"]] for line in told]
    assert [frame.channel for frame in frames] == [line["conn"] for line in told]
    assert frames[0].recv_ns == 1_786_310_817_601_629_000
    assert all(abs(frame.recv_ns / 1e9 - line["ts"]) < 1e-6 for frame, line in zip(frames, told, strict=True))


def test_text_lines_give_each_frame_verbatim(recordings: Path) -> None:
    path = recordings / "bybit/cryptofeed/BYBIT.v5.linear.orderbook1.2025-06-13.txt.zst"
    lines = unpacked(path).splitlines()
    told = [line.partition(b": ")[2] for line in lines if b" <-> " not in line]
    frames = read(path)
    assert [frame.body for frame in frames] == told
    assert {frame.url for frame in frames} == {"wss://stream.bybit.com/v5/public/linear"}
    first = next(frame for frame in frames if frame.direction == "in")
    assert first.recv_ns == 1_749_833_474_285_131_500


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        pytest.param("hyperliquid/hftbacktest/btcusd_20250126.gz", 1, id="nanoseconds"),
        pytest.param("binance/collect-binancefutures/usdm_btcusdt_20220811.dat.zst", 1_000, id="microseconds"),
    ],
)
def test_stamped_lines_give_each_frame_verbatim(recordings: Path, name: str, scale: int) -> None:
    told = [line.split(b" ", 1) for line in unpacked(recordings / name).splitlines()]
    frames = read(recordings / name)
    assert [(frame.recv_ns, frame.body) for frame in frames] == [(int(stamp) * scale, body) for stamp, body in told]


def test_a_depth_answer_among_stamped_frames_is_a_rest_answer(recordings: Path) -> None:
    frames = read(recordings / "binance/collect-binancefutures/usdm_btcusdt_20220811.dat.zst")
    [answer] = [frame for frame in frames if frame.kind == "http"]
    assert json.loads(answer.body)["lastUpdateId"] == 1801732814321
    assert answer.url == "/depth?limit=1000"


def test_a_connection_that_is_made_again_is_another_channel() -> None:
    lines = [
        '{"t":"connect","conn":"c","ts":1,"addr":"wss://a"}',
        '{"t":"recv","conn":"c","ts":2,"data":"1"}',
        '{"t":"connect","conn":"c","ts":3,"addr":"wss://b"}',
        '{"t":"recv","conn":"c","ts":4.5,"data":"2"}',
    ]
    frames = list(Recording("x", io.BytesIO("\n".join(lines).encode())))
    assert [(f.channel, f.url, f.recv_ns) for f in frames] == [
        ("c", "wss://a", 2 * 10**9),
        ("c#2", "wss://b", 45 * 10**8),
    ]


def test_a_received_line_of_several_connections_tells_no_address() -> None:
    text = b'wss://a <-> 1.5\nwss://b <-> 1.6\n2.25: {"x":1}\nwss://b <- 3: ping\n'
    assert list(Recording("x", io.BytesIO(text))) == [
        RecordedFrame(2_250_000_000, "ws.2", "ws", "in", "", b'{"x":1}'),
        RecordedFrame(3_000_000_000, "ws.2", "ws", "out", "wss://b", b"ping"),
    ]


@pytest.mark.parametrize(
    ("content", "bodies"),
    [
        pytest.param(b'{"a":1}\n{"b":2}\n', [b'{"a":1}', b'{"b":2}'], id="frames, one a line"),
        pytest.param(b'{"a":1}\r\n\r\n{"b":2}', [b'{"a":1}', b'{"b":2}'], id="blank lines and CRLF, no end of line"),
        pytest.param(b"\n\n[1]\nnot json\n", [b"[1]", b"not json"], id="a bad frame is still a frame"),
        pytest.param(b'pong\n{"a":1}\n', [b"pong", b'{"a":1}'], id="a first line that is no JSON"),
        pytest.param(b'{\n "a": 1\n}\n', [b'{\n "a": 1\n}'], id="one document over several lines"),
        pytest.param(b'{\n"a": 1\n', [b"{", b'"a": 1'], id="half a document is lines"),
        pytest.param(b'\xff{"a":1}\n{}\n', [b'\xff{"a":1}', b"{}"], id="bytes that are no text"),
    ],
)
def test_plain_frames(content: bytes, bodies: list[bytes]) -> None:
    frames = list(Recording("x", io.BytesIO(content)))
    assert [frame.body for frame in frames] == bodies
    assert {(frame.recv_ns, frame.url) for frame in frames} == {(0, "")}


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_compression_is_told_by_the_content(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    whole = b"".join(b'{"n":%d}\n' % n for n in range(50_000))
    path = tmp_path / "frames.txt"
    path.write_bytes(pack(whole[:100_000]) + pack(whole[100_000:]))  # two members, as appending recorders write
    assert b"".join(frame.body + b"\n" for frame in read(path)) == whole


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_a_file_that_is_cut_off_says_so_after_what_could_be_read(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    rows = [b'{"n":"%s"}' % sha256(b"%d" % n).hexdigest().encode() for n in range(20_000)]
    packed = pack(b"\n".join(rows))
    path = tmp_path / "frames"
    path.write_bytes(packed[: len(packed) * 3 // 4])
    seen: list[bytes] = []
    with Recording.open(path) as recording, pytest.raises(WrongUse, match=r"frames: cut off"):
        seen.extend(frame.body for frame in recording)
    assert seen == rows[: len(seen)]
    assert seen


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "nothing is in it", id="an empty file"),
        pytest.param(b"\n \n", "nothing is in it", id="a file of blank lines"),
        pytest.param(b"hello\nworld\n", "of no known format; its first line is 'hello'", id="text"),
        pytest.param(b"\x00\x01\x02\x03" * 50, "of no known format", id="binary"),
        pytest.param(zstandard.compress(b"hello"), "of no known format", id="text in zstd"),
        pytest.param(gzip.compress(b"x" * 999)[:-8] + b"12345678", "damaged", id="gzip with a wrong checksum"),
        pytest.param(b"\x28\xb5\x2f\xfd" + b"\xff" * 40, "damaged", id="zstd that is none"),
        pytest.param(b'{"t":"recv","conn":"c","ts":1,"data":"1"}\n{"t":"recv","co', "line 2 is not", id="cut off"),
        pytest.param(b'{"t":"recv","conn":"c","data":"1"}\n', "line 1 is not", id="a frame without a time"),
        pytest.param(b"1.5: {}\nnonsense\n", "line 2 is not cryptofeed text", id="a stranger among text lines"),
        pytest.param(b"1737918843893903000 {}\n17 {}\n", "line 2 is not stamped", id="a stamp that is no ns"),
    ],
)
def test_what_cannot_be_read_is_said_with_file_and_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "frames.jsonl"
    path.write_bytes(content)
    with pytest.raises(WrongUse, match=r"frames\.jsonl: .*") as caught:
        read(path)
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["none.jsonl", "."])
def test_a_file_that_is_not_there_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(WrongUse, match="cannot read"):
        Recording.open(tmp_path / name)


def test_any_text_is_frames_where_that_is_asked_for() -> None:
    assert [frame.body for frame in Recording("-", io.BytesIO(b"hello\n"), any_text=True)] == [b"hello"]


def test_a_line_without_end_is_refused_before_memory_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replay.recording_lines.MAX_LINE_BYTES", 1 << 20)
    packed = zstandard.compress(b"{" + b"x" * (8 << 20))
    with pytest.raises(WrongUse, match="line 1 is longer than"):
        list(Recording("x", io.BytesIO(packed)))
