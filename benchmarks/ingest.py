"""Our way from a frame to a subscriber that reads the touch, wired as a live session wires it, without socket and strategies."""

from collections.abc import Callable
from time import time_ns

from adapters.bybit.websocket import Websocket
from benchmarks.measure import WrongAnswer
from state.book import Book
from state.record import Frame, Record, canonical
from streams.pipeline import Pipeline

VENUE = "bybit"
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT")
BLOCK = 4096


class KeptBlocks:
    """A sink that encodes every record and keeps it in blocks, as the log does before its thread takes them."""

    def __init__(self) -> None:
        self.blocks: list[list[bytes]] = []
        self._open: list[bytes] = []

    def append(self, record: Record, frame: Frame | None = None) -> None:
        parts = self._open
        parts.append(canonical(record))
        if len(parts) >= BLOCK:
            self.blocks.append(parts)
            self._open = []


class Dropped:
    """A sink that takes records and keeps none: only the way through the pipeline is measured."""

    def append(self, record: Record, frame: Frame | None = None) -> None:
        return


class Reader:
    """A subscriber of every book that reads the touch."""

    def __init__(self, pipeline: Pipeline, symbols: tuple[str, ...] = SYMBOLS) -> None:
        self.last = (0.0, 0.0, 0.0, 0.0)
        self.reads = 0
        for symbol in symbols:
            pipeline.source(Book, VENUE, symbol).subscribe(self.read)

    def read(self, book: Book) -> None:
        self.last = book.touch()
        self.reads += 1


def client_ids(venue: str, seq: int) -> str:
    """Enough of an id for a benchmark that sends nothing to a venue."""
    return f"{venue}-{seq}"


class Ingest:
    """Frames in, state and streams out."""

    def __init__(self, pipeline: Pipeline, symbols: tuple[str, ...] = SYMBOLS) -> None:
        self.websocket = Websocket(VENUE, "public.0", "")
        self.pipeline = pipeline
        self.reader = Reader(self.pipeline, symbols)

    def step(self, frame: bytes) -> None:
        """One frame, received now."""
        recv = time_ns()
        events = self.websocket.receive(frame, recv)
        if events:
            self.pipeline.feed(recv, events)

    def run(self, frames: list[bytes]) -> None:
        """All frames, the names bound once as the pump binds them."""
        receive, feed = self.websocket.receive, self.pipeline.feed
        for frame in frames:
            recv = time_ns()
            events = receive(frame, recv)
            if events:
                feed(recv, events)

    def touch(self, symbol: str) -> tuple[float, float]:
        """What the subscriber read last; raises `WrongAnswer` where that is not this symbol's."""
        bid, _, ask, _ = self.reader.last
        book = self.pipeline.shared.market(VENUE, symbol).book
        if (bid, ask) != (book.bid, book.ask):
            raise WrongAnswer(f"the subscriber read {bid}/{ask}, the state says {book.bid}/{book.ask}")
        return bid, ask


def spans(frames: list[bytes], step: Callable[[bytes], object], clock: Callable[[], int]) -> list[int]:
    """Nanoseconds of each step."""
    taken = []
    for frame in frames:
        start = clock()
        step(frame)
        taken.append(clock() - start)
    return taken
