"""Recorded raw frames become a session, through the same pipeline as a live one, with the frames kept beside it."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from adapters import Venue, order_ids
from replay.decoding import Decoding
from replay.recording_lanes import imported_frames, untimed
from replay.recordings import RecordedFrame, Recording
from replay.snapshots import Snapshots
from state.errors import WrongUse
from state.events import BookDelta, BookSnapshot, FeedStatus, SessionClosed, SessionOpened
from state.log import Log, SessionWriter
from state.manifest import Manifest
from state.record import Frame
from streams.pipeline import Pipeline


class Imported(msgspec.Struct, frozen=True):
    """What an import came to; `misfits` are frames that could not be read, each kept with its `FeedStatus`.

    `late` are frames that stand behind later ones: their records have the time of those, up to `late_by_s` after their own.
    """

    session: str
    frames: int
    events: int
    gaps: int
    misfits: int
    late: int = 0
    late_by_s: float = 0.0


def import_recordings(
    log: Log,
    session: str,
    manifest: Manifest,
    venue: Venue,
    files: Sequence[Path],
    *,
    keep_frames: bool = True,
    by_time: bool = False,
    progress: Callable[[float, float], None] | None = None,
) -> Imported:
    """Frames are taken as `imported_frames` orders them; raises as it does, and for a file that is no recording, before the
    session is opened, and where two recordings that were made beside each other tell one book."""
    for path in files:
        with Recording.open(path):
            pass  # what cannot be read is said before anything is written
    recorded = imported_frames(files, by_time=by_time, progress=progress)
    first = next(recorded, None)
    if first is None:
        raise WrongUse(f"{', '.join(map(str, files))}: no frames")
    opened = first[1].recv_ns
    if not opened:
        raise untimed(files[0])
    writer = log.begin(session, manifest.to_json(), opened, market_frames=keep_frames)
    run = _Import(writer, session, manifest.seed, venue)
    try:
        run.open(opened)
        run.take(*first)
        for recording, frame in recorded:
            run.take(recording, frame)
        run.close()
    except BaseException:
        writer.close(max(opened, run.now), "crashed")
        raise
    writer.close(run.now)
    return Imported(session, run.frames, run.seq, run.gaps, run.misfits, run.late, run.late_by_ns / 1e9)


class _Import:
    def __init__(self, writer: SessionWriter, session: str, seed: int, venue: Venue) -> None:
        self.frames = self.gaps = self.misfits = self.late = self.late_by_ns = 0
        self._writer = writer
        self._opening = SessionOpened(session, seed)
        self._venue = venue.name
        self._decoding = Decoding(venue)
        self._pipeline = Pipeline(writer, order_ids(session))
        self._snapshots = Snapshots(writer, self._pipeline)
        self._books: dict[tuple[str, str], int] = {}  # in which recording each is told

    @property
    def seq(self) -> int:
        return self._pipeline.seq

    @property
    def now(self) -> int:
        return self._pipeline.timeline.now_ns

    def open(self, recv: int) -> None:
        self._pipeline.feed(recv, [self._opening])

    def take(self, recording: int, recorded: RecordedFrame) -> None:
        self.frames += 1
        behind_ns = self.now - recorded.recv_ns
        if behind_ns > 0:
            self.late += 1
            self.late_by_ns = max(self.late_by_ns, behind_ns)
        events = self._decoding.receive(recorded)
        frame = Frame(recorded.recv_ns, self._venue, recorded.channel, recorded.direction, recorded.body, recorded.url)
        if not events:
            self._writer.keep(frame)
            return
        for event in events:
            if isinstance(event, FeedStatus) and event.status == "gap":
                self.gaps += 1
                self.misfits += event.reason.startswith("a frame did not fit")
            elif isinstance(event, BookDelta | BookSnapshot):
                self._told_once(event.venue, event.symbol, recording)
        self._pipeline.feed(recorded.recv_ns, events, 0, frame)
        if self._pipeline.seq >= self._snapshots.due:
            self._snapshots.take(())

    def _told_once(self, venue: str, symbol: str, recording: int) -> None:
        if self._books.setdefault((venue, symbol), recording) != recording:
            raise WrongUse(
                f"the book of {symbol} is told by two recordings that were made beside each other: import one of them"
            )

    def close(self) -> None:
        self._pipeline.feed(self.now, [SessionClosed("end of the recording")])
