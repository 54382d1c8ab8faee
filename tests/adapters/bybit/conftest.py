"""The real capture of 2026-08-09, read once, and the top of book that others computed from it."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import zstandard


@dataclass(frozen=True)
class Line:
    """One received frame: its line in the capture, its market and bytes."""

    index: int
    market: str
    frame: bytes


def read_zst(path: Path) -> list[str]:
    with path.open("rb") as file:
        return zstandard.ZstdDecompressor().stream_reader(file).read().decode().splitlines()


@pytest.fixture(scope="session")
def capture(recordings: Path) -> list[Line]:
    """https://api.bybit.com and wss://stream.bybit.com/v5/public, recorded by cryptofeed 2026-08-09."""
    markets: dict[str, str] = {}
    lines = []
    for index, text in enumerate(read_zst(recordings / "bybit/cryptofeed/BYBIT.v5.2026-08-09.jsonl.zst")):
        row = json.loads(text)
        if row["t"] == "connect":
            markets[row["conn"]] = row["addr"].rsplit("/", 1)[1]
        elif row["t"] == "recv":
            lines.append(Line(index, markets[row["conn"]], row["data"].encode()))
    return lines


@pytest.fixture(scope="session")
def expected(recordings: Path) -> dict[int, list[object]]:
    """By line of the capture: market, topic, u, seq, best bid, size, best ask, size, number of bids and asks."""
    rows = map(json.loads, read_zst(recordings / "bybit/expected/BYBIT.v5.2026-08-09.books.jsonl.zst"))
    return {row[0]: row for row in rows}


@pytest.fixture(scope="session", name="read_zst")
def read_zst_fixture() -> object:
    return read_zst
