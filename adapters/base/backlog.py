"""What market connections have read and nobody has folded yet: how late it is, how much may wait, and what is said of it.

A socket is read as fast as it speaks, so that lateness is known here and not hidden in the kernel. What waits too long is
folded together, and what waits longer than is worth anything is let go with its connection: a new one tells the book whole,
and fetches the trades that were missed. Account frames never wait.
"""

from collections import deque

from state.events import FeedStatus
from state.record import Inbox
from state.words import FeedState

TURN_S = 0.002  # what is folded at a stretch before account sockets are heard
LATE_S = 1.0  # who waits longer is late: said, and folded together with what waits behind it
CALM_S = 2.0  # so long nothing is late before it is said to be over
LATEST_S = 10.0  # what waited longer is let go
MOST_BYTES = 32 * 2**20
JOINED_MOST = 500  # frames folded as one burst
TURN_NS, LATE_NS = int(TURN_S * 1e9), int(LATE_S * 1e9)
_OVERHEAD_BYTES = 150  # of a frame in Python, beside its text


class Backlog:
    """Frames of one connection in the order of their arrival, times in ns; `joined` of them were folded in `bursts`."""

    def __init__(self) -> None:
        self.is_late = False
        self.joined = self.bursts = 0
        self.frames: deque[tuple[bytes, int]] = deque()
        self._bytes = 0
        self._began = self._late_at = 0

    def __len__(self) -> int:
        return len(self.frames)

    def put(self, frame: bytes, recv: int) -> None:
        self.frames.append((frame, recv))
        self._bytes += len(frame) + _OVERHEAD_BYTES

    def take(self) -> bytes:
        frame, _ = self.frames.popleft()
        self._bytes -= len(frame) + _OVERHEAD_BYTES
        return frame

    def drop(self) -> int:
        """Lets go of everything; how many frames that was."""
        dropped = len(self.frames)
        self.frames.clear()
        self._bytes = 0
        return dropped

    def lag_ns(self, now: int) -> int:
        """How long the first has waited."""
        return now - self.frames[0][1] if self.frames else 0

    def excess(self, now: int) -> str:
        """Why it is too much, or nothing."""
        if self._bytes > MOST_BYTES:
            return f"{self._bytes} bytes wait to be folded"
        lag_ns = self.lag_ns(now)
        return f"frames wait for {lag_ns / 1e9:.1f} s" if lag_ns > LATEST_S * 1e9 else ""

    def judge(self, now: int, lag_ns: int) -> str:
        """What is to be said because it became late, or is so no longer; mostly nothing."""
        if lag_ns > LATE_S * 1e9:
            self._late_at = now
            if not self.is_late:
                self.is_late, self._began = True, now
                self.joined = self.bursts = 0
                return f"{len(self.frames)} frames wait, the first for {lag_ns / 1e9:.1f} s"
        elif self.is_late and now - self._late_at > CALM_S * 1e9:
            self.is_late = False
            late_s = (self._late_at - self._began) / 1e9
            return f"late for {late_s:.1f} s; {self.joined} frames were folded in {self.bursts} bursts"
        return ""


class Load:
    """What one venue's connections say of their lateness: `FeedStatus` of the channel `load`, stale while any is late."""

    def __init__(self, venue: str, inbox: Inbox) -> None:
        self._venue = venue
        self._inbox = inbox
        self._late: set[str] = set()

    @property
    def is_late(self) -> bool:
        return bool(self._late)

    def say(self, now: int, name: str, is_late: bool, reason: str) -> None:
        """Each connection that becomes late is told, and each that is so no longer."""
        if is_late:
            self._late.add(name)
        else:
            self._late.discard(name)
        state: FeedState = "stale" if self._late else "ok"
        self._inbox.feed(now, (FeedStatus(self._venue, "", "load", state, f"{name}: {reason}"),))
