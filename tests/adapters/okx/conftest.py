"""Real captures of several years, read once, and the tops of book that others computed from them."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
import zstandard

from adapters.okx.exchange import Decoder
from replay.recordings import RecordedFrame, Recording
from state.events import AnyEvent, InstrumentDefined

INSTRUMENTS = "OKEX.v5.instruments.2021-07-22.http.txt.zst"
CONNECTIONS = tuple(f"OKEX.v5.books-l2-tbt.2021-07-22.conn{n}.txt.zst" for n in (1, 2, 3))
LATER = "OKX.v5.books.2022-05-13.jsonl.zst"
CAPTURES = (*CONNECTIONS, LATER)


@dataclass(frozen=True)
class Told:
    """A frame, where in its file it stands, and what the adapter makes of it."""

    line: int
    frame: RecordedFrame
    events: list[AnyEvent]


def read_zst(path: Path) -> list[str]:
    with path.open("rb") as file:
        return zstandard.ZstdDecompressor().stream_reader(file).read().decode().splitlines()


def frames_of(path: Path) -> Iterator[RecordedFrame]:
    with Recording.open(path) as recording:
        yield from recording


@pytest.fixture(scope="session")
def defined(recordings: Path) -> list[InstrumentDefined]:
    """The instruments of 2021, which stand in a file of their own."""
    decoder, found = Decoder(), list[InstrumentDefined]()
    for frame in frames_of(recordings / "okx/cryptofeed" / INSTRUMENTS):
        found += [e for e in decoder.http(frame.url, frame.body, 0) if isinstance(e, InstrumentDefined)]
    return found


@pytest.fixture(scope="session")
def told(recordings: Path, defined: list[InstrumentDefined]) -> Callable[..., list[Told]]:
    """Each frame of captures, one after the other, by one decoder that knows the instruments."""
    kept: dict[tuple[str, ...], list[Told]] = {}

    def tell(*names: str) -> list[Told]:
        if names not in kept:
            decoder = Decoder()
            for instrument in defined:
                decoder.define(instrument)
            kept[names] = [
                Told(line, frame, list(_read(decoder, frame)))
                for name in names
                for line, frame in enumerate(frames_of(recordings / "okx/cryptofeed" / name))
            ]
        return kept[names]

    return tell


def _read(decoder: Decoder, frame: RecordedFrame) -> Iterator[AnyEvent]:
    if frame.direction == "in":
        read = decoder.http(frame.url, frame.body, 0) if frame.kind == "http" else decoder.receive(frame.body, 0)
        yield from read


@pytest.fixture(scope="session")
def units(defined: list[InstrumentDefined], told: Callable[..., list[Told]]) -> dict[str, Decimal]:
    """How many base units a contract of each market is."""
    later = [event for each in told(LATER) for event in each.events if isinstance(event, InstrumentDefined)]
    return {e.symbol: Decimal(1) if e.inverse else e.contract_size for e in (*defined, *later)}


@pytest.fixture(scope="session")
def expected(recordings: Path) -> Callable[[str], list[tuple[str, int, str, str, str, str, int, int]]]:
    """Of each book frame in order: symbol, time, best bid, its size, best ask, its size, number of bids and asks."""

    def tops(name: str) -> list[tuple[str, int, str, str, str, str, int, int]]:
        stem = name.removesuffix(".zst").removesuffix(".txt").removesuffix(".jsonl")
        rows = map(json.loads, read_zst(recordings / f"okx/expected/{stem}.books.jsonl.zst"))
        return [(row[2], int(row[3]), *row[5:9], *row[9:11]) for row in rows]

    return tops
