"""The one place that reads the wall clock; everybody else is told the time."""

from time import monotonic_ns, time_ns
from typing import Protocol


class Clock(Protocol):
    """Time of receipt, ns UTC."""

    def now_ns(self) -> int: ...


class WallClock:
    """UTC anchored once, then advanced by the monotonic clock: a step of the machine's clock changes nothing."""

    __slots__ = ("_anchor_ns",)

    def __init__(self) -> None:
        self._anchor_ns = time_ns() - monotonic_ns()

    def now_ns(self) -> int:
        return self._anchor_ns + monotonic_ns()
