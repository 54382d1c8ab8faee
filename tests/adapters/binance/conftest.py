"""Real captures of several years, read once, and the tops of book that others computed from them."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import zstandard

from adapters import venue
from replay.decoding import Decoding
from replay.recordings import RecordedFrame, Recording
from state.events import AnyEvent


@dataclass(frozen=True)
class Capture:
    """Files of one recording in order, the venue's name of their market, and the table of expected tops, if there is one."""

    venue: str
    files: tuple[str, ...]
    expected: str = ""


FUTURES = [
    Capture("binance", ("usdm_btcusdt_20230404.dat.gz", "usdm_btcusdt_20230405.dat.gz"), "usdm_btcusdt_20230404-05"),
    Capture("binance", ("usdm_btcusdt_20240718.gz", "usdm_btcusdt_20240719.gz"), "usdm_btcusdt_20240718-19"),
    Capture("binance", ("usdm_ethusdt_20240718.gz", "usdm_ethusdt_20240719.gz")),
    Capture("binance", ("usdm_btcusdt_20240808.gz",), "usdm_btcusdt_20240808"),
    Capture("binance", ("usdm_ethusdt_20240808.gz",), "usdm_ethusdt_20240808"),
    Capture("binance", ("usdm_btcusdt_20220811.dat.zst",), "usdm_btcusdt_20220811"),
    Capture("binance", ("BINANCE_FUTURES.2021-07-22.jsonl.zst",), "BINANCE_FUTURES.2021-07-22"),
]
SPOT = [
    Capture("binance.spot", ("spot_btcusdt_20240808.gz", "spot_btcusdt_20240809.gz"), "spot_btcusdt_20240808-09"),
    Capture("binance.spot", ("BINANCE_SPOT.2021-10-12.jsonl.zst",), "BINANCE_SPOT.2021-10-12"),
    Capture("binance.spot", ("BINANCE_US.2021-10-12.jsonl.zst",)),
]
Told = Iterator[tuple[RecordedFrame, list[AnyEvent]]]


def read_zst(path: Path) -> list[str]:
    with path.open("rb") as file:
        return zstandard.ZstdDecompressor().stream_reader(file).read().decode().splitlines()


@pytest.fixture(scope="session")
def told(recordings: Path) -> Callable[[Capture], Told]:
    """Each frame of a capture with what the adapter makes of it."""

    def tell(capture: Capture) -> Told:
        decoding = Decoding(venue(capture.venue))
        for name in capture.files:
            (path,) = (recordings / "binance").glob(f"*/{name}")
            with Recording.open(path) as recording:
                for frame in recording:
                    yield frame, list(decoding.receive(frame))

    return tell


@pytest.fixture(scope="session")
def expected(recordings: Path) -> Callable[[Capture], dict[tuple[str, int], tuple[float, ...]]]:
    """By symbol and update id: best bid, its size, best ask, its size, number of bids and asks."""

    def tops(capture: Capture) -> dict[tuple[str, int], tuple[float, ...]]:
        if not capture.expected:
            return {}
        rows = map(json.loads, read_zst(recordings / f"binance/expected/{capture.expected}.books.jsonl.zst"))
        return {(row[2], row[3]): (*map(float, row[4:8]), *row[8:]) for row in rows}

    return tops
