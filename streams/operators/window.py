"""Sums over the last `window_s`, in constant memory and without drift."""

from typing import cast

from state.errors import WrongUse
from streams.operators.lift import positive


class Window:
    """Two sums over a sliding window of time, kept in `buckets` that leave whole.

    At time t (ns) the window holds every value with floor(t_i / width) > floor(t / width) - buckets, where width =
    window_s / buckets: between window_s - width and window_s of the past. Totals are summed anew whenever a bucket
    leaves, so that what was added and taken away leaves no residue.
    """

    __slots__ = ("_a", "_at", "_b", "_buckets", "_width", "total_a", "total_b")

    def __init__(self, window_s: float, buckets: int) -> None:
        positive("window_s", window_s)
        if buckets < 1:
            raise WrongUse(f"buckets must be at least 1, not {buckets}")
        self._width = max(1, round(window_s * 1e9 / buckets))
        self._buckets = buckets
        self._a = [0.0] * buckets
        self._b = [0.0] * buckets
        self._at = -1
        self.total_a = 0.0
        self.total_b = 0.0

    def add(self, now_ns: int, a: float, b: float = 0.0) -> None:
        at = now_ns // self._width
        if at != self._at:
            self._turn(at)
        place = at % self._buckets
        self._a[place] += a
        self._b[place] += b
        self.total_a += a
        self.total_b += b

    @property
    def since_ns(self) -> int:
        """Where the window begins."""
        return (self._at - self._buckets + 1) * self._width

    def dump(self) -> tuple[int, list[float], list[float], float, float]:
        return self._at, self._a, self._b, self.total_a, self.total_b

    def load(self, state: object, /) -> None:
        self._at, self._a, self._b, self.total_a, self.total_b = cast(
            "tuple[int, list[float], list[float], float, float]", state
        )

    def _turn(self, at: int) -> None:
        gone = min(at - self._at, self._buckets) if self._at >= 0 else self._buckets
        for step in range(gone):
            place = (at - step) % self._buckets
            self._a[place] = self._b[place] = 0.0
        self._at = at
        self.total_a = sum(self._a)
        self.total_b = sum(self._b)
