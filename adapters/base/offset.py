"""How far the venue's clock is from ours, from the midpoint of a round trip; the shortest trip is believed."""

from collections import deque

SAMPLES = 8
STALE_AFTER_S = 180.0


class ClockOffset:
    """Venue time minus ours, ns; 0 before the first sample."""

    def __init__(self) -> None:
        self._samples: deque[tuple[int, int, int]] = deque(maxlen=SAMPLES)  # round trip, offset, when
        self._doubted = False

    def sample(self, sent: int, received: int, venue: int) -> None:
        """The venue said `venue` somewhere between `sent` and `received` (all ns)."""
        if self._doubted:
            self._samples.clear()
            self._doubted = False
        self._samples.append((received - sent, venue - (sent + received) // 2, received))

    def doubt(self) -> None:
        """The venue refused our time: a clock was set, and no sample of before says anything once there is a new one."""
        self._doubted = True

    @property
    def ns(self) -> int:
        """The offset of the sample with the shortest round trip: a delayed one is off by half of its delay."""
        return min(self._samples)[1] if self._samples else 0

    def is_stale(self, now: int) -> bool:
        """True where the last sample is too old to sign by."""
        return not self._samples or now - self._samples[-1][2] > STALE_AFTER_S * 1e9
