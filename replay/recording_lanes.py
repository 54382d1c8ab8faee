"""The order in which frames of several recordings are imported: as written down within one, by time of receipt between them.

A recording that begins where the one before it ended goes on from it: the two are one lane. One that begins earlier was made
beside it, is a lane of its own, and lanes are merged. Where a recording has its connections one after the other, as
cryptofeed's have, each connection can be made a lane.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from heapq import merge
from pathlib import Path
from typing import TypeAlias

from replay.recordings import RecordedFrame, Recording
from state.errors import WrongUse

MAX_LANES = 64  # each is a file that is read by itself

Advance: TypeAlias = Callable[[float, float], None]
LaneFrame: TypeAlias = tuple[int, RecordedFrame]
_Due: TypeAlias = tuple[int, int, RecordedFrame]


@dataclass(frozen=True, slots=True)
class _Span:
    """What a recording spans, in ns UTC, and the connections in it in the order in which they are first heard."""

    path: Path
    first_ns: int
    last_ns: int
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Lane:
    """Recordings that go on from each other; `channel` is the only connection read, None for all of them."""

    paths: tuple[Path, ...]
    recording: int
    channel: str | None = None

    @property
    def mark(self) -> str:
        """A connection of one recording is not the one of the same name in another that was made beside it."""
        return f"~{self.recording + 1}" if self.recording else ""


def imported_frames(files: Sequence[Path], *, by_time: bool, progress: Advance | None) -> Iterator[LaneFrame]:
    """All frames in order, each with the number of the recording, of those made beside each other, that it is of.

    With `by_time` also the connections of each recording are merged by time of receipt.

    Raises `WrongUse` for a recording that cannot be read, that does not say when its frames were received, and for more
    lanes than can be read at once; before the first frame where there are several files, or `by_time`.
    """
    lanes = _lanes(files, by_time=by_time) if by_time or len(files) > 1 else [_Lane(tuple(files), 0)]
    if len(lanes) > MAX_LANES:
        raise WrongUse(f"{len(lanes)} recordings or connections side by side: at most {MAX_LANES} are read at once")
    reading = _Reading(lanes, progress)
    with ExitStack() as stack:
        streams = [reading.frames(number, stack) for number in range(len(lanes))]
        ordered: Iterable[_Due] = streams[0] if len(streams) == 1 else merge(*streams, key=lambda due: due[0])
        for _, recording, frame in ordered:
            yield recording, frame


def _lanes(files: Sequence[Path], *, by_time: bool) -> list[_Lane]:
    chains: list[list[_Span]] = []
    for span in map(_span, files):
        if chains and span.first_ns >= chains[-1][-1].last_ns:
            chains[-1].append(span)
        else:
            chains.append([span])
    lanes: list[_Lane] = []
    for number, chain in enumerate(chains):
        paths = tuple(span.path for span in chain)
        if by_time:
            channels = dict.fromkeys(channel for span in chain for channel in span.channels)
            lanes += [_Lane(paths, number, channel) for channel in channels]
        else:
            lanes.append(_Lane(paths, number))
    return lanes


def _span(path: Path) -> _Span:
    first, last, channels = 0, 0, dict[str, None]()
    with Recording.open(path) as recording:
        for frame in recording:
            if not frame.recv_ns:
                raise untimed(path)
            first = first or frame.recv_ns
            last = max(last, frame.recv_ns)
            channels[frame.channel] = None
    if not channels:
        raise WrongUse(f"{path}: no frames")
    return _Span(path, first, last, tuple(channels))


def untimed(path: Path) -> WrongUse:
    """What is wrong with a recording of frames and nothing else."""
    return WrongUse(f"{path}: its frames do not say when they were received, and a session is told by that")


class _Reading:
    """What is read of all lanes together."""

    def __init__(self, lanes: Sequence[_Lane], progress: Advance | None) -> None:
        self._lanes = lanes
        self._progress = progress
        self._total = float(sum(path.stat().st_size for lane in lanes for path in lane.paths))
        self._read = [0.0] * len(lanes)

    def frames(self, number: int, stack: ExitStack) -> Iterator[_Due]:
        """Each frame with the time at which its lane had come to it: one that was written down late does not go back."""
        lane, before, due = self._lanes[number], 0.0, 0
        mark = lane.mark
        for path in lane.paths:
            recording = stack.enter_context(Recording.open(path))
            for frame in recording:
                if lane.channel in (None, frame.channel):
                    due = max(due, frame.recv_ns)
                    yield due, lane.recording, replace(frame, channel=frame.channel + mark) if mark else frame
                self._tell(number, before + recording.position_bytes)
            recording.close()
            before += path.stat().st_size

    def _tell(self, number: int, read: float) -> None:
        self._read[number] = read
        if self._progress is not None:
            self._progress(sum(self._read), self._total)
