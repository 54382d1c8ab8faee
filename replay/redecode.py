"""A session's raw frames decoded again, and the adapter's events compared with the recorded ones.

Compared is what frames alone tell: market data, what a stream asked of REST to go on, and the account's private streams.
What another answer means only its request explains, so order answers and REST answers of a live session are counted and not
judged. That a feed is "ok" is said by whoever knows the connection, so it is not compared either; that it is not, is.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from adapters import venue as find_venue
from replay.decoding import Decoding
from replay.recording_formats import FrameKind, RecordedFrame
from state.errors import WrongUse
from state.events import ACCOUNT, MARKET, AnyEvent, FeedStatus, InstrumentDefined, Trade, is_derived
from state.log import Log, StoredFrame
from state.manifest import Manifest
from state.record import Record

DIFFERENCES_MAX = 100

_CHANNELS = {
    "BookSnapshot": "book",
    "BookDelta": "book",
    "Trade": "trades",
    "Ticker": "ticker",
    "Candle": "candles",
    "Liquidation": "liquidations",
}


@dataclass(frozen=True, slots=True)
class FrameDifference:
    """One frame that says something else now; `seq` is the first record that was read from it, 0 where none was."""

    frame: int
    seq: int
    channel: str
    body: bytes
    recorded: tuple[AnyEvent, ...]
    decoded: tuple[AnyEvent, ...]


@dataclass(frozen=True, slots=True)
class Redecoded:
    """What came of it: `judged` frames and their `events` were compared, `answers` were not.

    `without_frame` are market and account records that no kept frame accounts for: REST answers at the start, and public
    data where market frames were not kept.
    """

    session: str
    frames: int
    judged: int
    answers: int
    events: int
    without_frame: int
    differences: tuple[FrameDifference, ...]

    @property
    def same(self) -> bool:
        return not self.differences


def redecode(log: Log, session: str, progress: Callable[[int], None] | None = None) -> Redecoded:
    """Raises `WrongUse` where no frames were kept; stops at the hundredth difference."""
    row = log.find(session)
    imported = Manifest.parse(row.manifest).source == "import"
    run = _Run(_inputs(log, row.id, progress), imported)
    for frame in log.frames(row.id):
        run.take(frame)
        if len(run.differences) >= DIFFERENCES_MAX:
            break
    else:
        run.end()
    if not run.frames:
        raise WrongUse(f"session {row.id} kept no frames")
    return Redecoded(row.id, run.frames, run.judged, run.answers, run.events, run.without_frame, tuple(run.differences))


class _Run:
    """Goes through frames and input records side by side."""

    def __init__(self, inputs: Iterator[Record], imported: bool) -> None:
        self.frames = self.judged = self.answers = self.events = self.without_frame = 0
        self.differences: list[FrameDifference] = []
        self._inputs = inputs
        self._ahead: Record | None = None
        self._imported = imported
        self._venues: dict[str, Decoding] = {}
        self._told_by: dict[tuple[str, str, str], str] = {}  # venue, symbol, feed -> connection
        self._fetched: set[tuple[str, str, str]] = (
            set()
        )  # trades that REST told first, so that their frames told nothing

    def take(self, frame: StoredFrame) -> None:
        self.frames += 1
        if frame.first_seq:
            self._pass_over(frame.first_seq)
        else:
            self._pass_over(None, frame.recv)  # it told nothing, perhaps since another answer had told it before
        recorded = [record.event for record in self._up_to(frame.last_seq)] if frame.first_seq else []
        if frame.direction == "out":
            return
        is_rest = frame.url.startswith("http")
        if not self._imported and frame.channel in ("rest", "trade"):
            self.answers += 1
            return
        kind: FrameKind = "http" if is_rest else "ws"
        decoded = self._decoding(frame.venue).receive(
            RecordedFrame(frame.recv, frame.channel, kind, frame.direction, frame.url, frame.body)
        )
        decoded = [event for event in decoded if not (isinstance(event, Trade) and _key(event) in self._fetched)]
        self.judged += 1
        self.events += len(decoded)
        for event in decoded:
            feed = _CHANNELS.get(type(event).__name__)
            if feed is not None:
                self._told_by[event.venue, event.symbol, feed] = frame.channel
        if list(_compared(recorded)) != list(_compared(decoded)):
            self.differences.append(
                FrameDifference(frame.id, frame.first_seq, frame.channel, frame.body, tuple(recorded), tuple(decoded))
            )

    def _decoding(self, venue: str) -> Decoding:
        decoding = self._venues.get(venue)
        if decoding is None:
            decoding = self._venues[venue] = Decoding(find_venue(venue), by_connection=not self._imported)
        return decoding

    def end(self) -> None:
        """What stands behind the last frame."""
        self._pass_over(None)

    def _pass_over(self, seq: int | None, before_ns: int | None = None) -> None:
        """Records before `seq`, or of before a time, that came without a frame, or with one that was not kept."""
        for record in self._up_to(None if seq is None else seq - 1, before_ns):
            event = record.event
            if isinstance(event, (*MARKET, *ACCOUNT)):
                self.without_frame += 1
                if isinstance(event, Trade) and event.backfilled:
                    self._fetched.add(_key(event))
                elif isinstance(event, InstrumentDefined):
                    self._decoding(event.venue).define(event)
            elif isinstance(event, FeedStatus) and event.status in ("down", "connecting"):
                connection = self._told_by.get((event.venue, event.symbol, event.channel))
                if connection is not None:
                    self._venues[event.venue].forget(connection)

    def _up_to(self, seq: int | None, before_ns: int | None = None) -> Iterator[Record]:
        while True:
            record = self._ahead if self._ahead is not None else next(self._inputs, None)
            self._ahead = record
            if record is None or (seq is not None and record.seq > seq):
                return
            if before_ns is not None and record.recv >= before_ns:
                return
            self._ahead = None
            yield record


def _key(trade: Trade) -> tuple[str, str, str]:
    return trade.venue, trade.symbol, trade.trade_id


def _compared(events: Sequence[AnyEvent]) -> Iterator[AnyEvent | str]:
    """What is held against what; that something did not fit counts, and not in which words it was said."""
    for event in events:
        if not isinstance(event, FeedStatus):
            yield event
        elif event.status not in ("ok", "connecting"):
            yield f"{event.venue}: doubt"


def _inputs(log: Log, session: str, progress: Callable[[int], None] | None) -> Iterator[Record]:
    for block in log.blocks(session):
        yield from (record for record in block if not is_derived(record.event))
        if progress is not None:
            progress(len(block))
