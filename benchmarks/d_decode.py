"""D: a venue's book and trade frames → events → a book of which the touch is read; nothing is logged or published.

`python -m benchmarks.d_decode VENUE`. The frames are of a real capture, played until there are enough.
"""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from adapters import venue as venue_of
from app.collector import Collector
from benchmarks.inputs import RECORDINGS
from benchmarks.measure import SCRATCH, frame_limit, tell, timed
from benchmarks.venue_frames import CAPTURES, Capture, Frames, read, write
from replay.decoding import Decoding
from replay.recordings import RecordedFrame, Recording
from state.book import Book
from state.events import AnyEvent, BookDelta, BookSnapshot, Trade

FRAMES_LEAST = 20_000
SNAPSHOT_URL = "https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=1000"


class Followed:
    """One market as a reader of its frames follows it."""

    def __init__(self, capture: Capture) -> None:
        self.book = Book(capture.venue, capture.symbol)
        self.trades = 0

    def fold(self, events: Sequence[AnyEvent]) -> None:
        for event in events:
            kind = type(event)
            if kind is BookDelta:
                self.book.update(event)  # type: ignore[arg-type]
            elif kind is BookSnapshot:
                self.book.replace(event)  # type: ignore[arg-type]
            elif kind is Trade:
                self.trades += 1


def prepare(venue: str, recordings: Path = RECORDINGS, folder: Path = SCRATCH) -> Frames:
    """The book and trade frames from the first whole book on, with what they come to.

    Where REST tells it, frames of before are kept too: the first of its updates is among them.
    """
    capture = CAPTURES[venue]
    followed, chosen, snapshot = Followed(capture), list[bytes](), ""
    for frame, events in _told(capture, recordings):
        if b'"lastUpdateId"' in frame.body[:40]:
            snapshot = frame.body.decode()
        elif _is_wanted(capture, frame, events) and (chosen or capture.by_rest or _has_whole(events)):
            chosen.append(frame.body)
        if chosen:
            followed.fold(events)
    bid, _, ask, _ = followed.book.touch()
    frames = Frames(chosen, snapshot, bid, ask, followed.trades)
    write(venue, frames, folder)
    return frames


def prepare_all(recordings: Path = RECORDINGS) -> str:
    """Writes every venue's frames, and says what they are; nothing where there are no recordings."""
    if not recordings.is_dir():
        return "no recordings at hand, so D is left out"
    return ", ".join(f"{len(prepare(venue, recordings).frames)} frames of {venue}" for venue in CAPTURES)


def _told(capture: Capture, recordings: Path) -> Iterator[tuple[RecordedFrame, Sequence[AnyEvent]]]:
    """Frames with what is told of the one market."""
    decoding = Decoding(venue_of(capture.venue))
    for file in capture.files:
        with Recording.open(recordings / file) as recording:
            for frame in map(_as_now, recording):
                events = [event for event in decoding.receive(frame) if event.symbol == capture.symbol]
                yield frame, events


def _is_wanted(capture: Capture, frame: RecordedFrame, events: Sequence[AnyEvent]) -> bool:
    """Books and trades; an update that waits for its whole tells nothing yet."""
    early = capture.by_rest and b'"depthUpdate"' in frame.body and capture.symbol.encode() in frame.body
    return early or any(isinstance(event, BookSnapshot | BookDelta | Trade) for event in events)


def _has_whole(events: Sequence[AnyEvent]) -> bool:
    return any(isinstance(event, BookSnapshot) for event in events)


_checksum = re.compile(rb'"checksum":-?\d+').sub


def _as_now(frame: RecordedFrame) -> RecordedFrame:
    """OKX without checksums, as since 2026-06; a trade of Binance as an aggregated trade, of which it is the only one."""
    if b'"checksum":' in frame.body:
        return replace(frame, body=_checksum(b'"checksum":0', frame.body))
    if b'@trade"' not in frame.body[:60]:
        return frame
    said = json.loads(frame.body)
    trade = said["data"]
    kept = {name: trade[name] for name in ("E", "s", "p", "q", "T", "m")}
    number = {"a": trade["t"], "f": trade["t"], "l": trade["t"]}
    said = {"stream": said["stream"].replace("@trade", "@aggTrade"), "data": {"e": "aggTrade", **kept, **number}}
    return replace(frame, body=json.dumps(said, separators=(",", ":")).encode())


def measure(venue: str) -> None:
    """Each pass by a reader of its own, made before the clock runs, since a trade is told only once."""
    capture, inputs = CAPTURES[venue], read(venue)
    passes = max(1, (frame_limit() or FRAMES_LEAST) // len(inputs.frames))
    readers = [(venue_of(venue).decoder(), Followed(capture)) for _ in range(passes)]
    for decoder, followed in readers:
        if inputs.snapshot:
            followed.fold(decoder.http(SNAPSHOT_URL, inputs.snapshot.encode(), 0))

    def loop() -> None:
        for decoder, followed in readers:
            receive, fold, touch = decoder.receive, followed.fold, followed.book.touch
            for frame in inputs.frames:
                fold(receive(frame, 0))
                touch()

    collector = Collector()
    seconds = timed(loop)
    collector.stop()
    bid, _, ask, _ = readers[-1][1].book.touch()
    inputs.check(bid, ask, readers[-1][1].trades)
    tell("D", f"tapeline, {venue}", passes * len(inputs.frames), seconds)


if __name__ == "__main__":
    for word in sys.argv[1:]:
        measure(word)
