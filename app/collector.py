"""When the cyclic garbage collector runs: at idle moments, and never in the middle of a frame unless memory demands it.

The allocator starts a collection after so many new containers. Events are freed as soon as they are written down, but what
operators, orders and strategies keep grows, and left alone the collector walks it again and again in the middle of frames
(+3 µs a frame and pauses of tens of milliseconds where a strategy keeps the events themselves) and finds nothing, since events
hold no cycles. So what the program has built at its start is frozen, automatic collection is off, and `rest()` collects when
there is time and enough has grown.
What cannot wait for a rest is bounded: past `MOST_GROWN` containers the next `rest(busy=True)` collects all the same.

The other thing that holds up a frame is a thread that has the interpreter: the log's writer, while it marks a block. Whoever
wants it is given it after `TURN_S`; CPython's own 5 ms are a pause of that length.
"""

import gc
import sys
from dataclasses import dataclass
from time import perf_counter_ns
from types import TracebackType
from typing import Final, Self

ENOUGH_GROWN: Final = 20_000  # net new containers since the last collection, below which a rest is not used
MOST_GROWN: Final = 2_000_000  # what a strategy may well keep: more than that is a leak of cycles
RESTS_A_FULL: Final = 10  # the others look only at what is new, so their pause does not grow with what is known
TURN_S: Final = 0.002
YOUNG: Final = 1
OLDEST: Final = 2


@dataclass(slots=True)
class CollectorStatistics:
    """What the policy cost so far."""

    collections: int = 0
    forced: int = 0
    found: int = 0
    longest_ns: int = 0


class Collector:
    """Owns the process's garbage collector, and how long a thread's turn is, between `start` and `stop`; one at a time."""

    def __init__(self, enough: int = ENOUGH_GROWN, most: int = MOST_GROWN) -> None:
        self.statistics = CollectorStatistics()
        self._enough = enough
        self._most = most
        self._was_enabled = self._was_frozen = False
        self._turn_s = 0.0
        self._started = False

    def start(self) -> None:
        """To be called once everything that lives as long as the session is built."""
        self._was_enabled, self._was_frozen = gc.isenabled(), gc.get_freeze_count() > 0
        self._turn_s = sys.getswitchinterval()
        self._started = True
        gc.collect()
        gc.freeze()
        gc.disable()
        sys.setswitchinterval(TURN_S)

    def stop(self) -> None:
        """Gives the collector and the length of turns back as they were; where somebody else froze, all stays so."""
        if not self._started:
            return
        self._started = False
        sys.setswitchinterval(self._turn_s)
        if not self._was_frozen:
            gc.unfreeze()
        if self._was_enabled:
            gc.enable()

    def rest(self, *, busy: bool = False) -> bool:
        """Collects if enough has grown; `busy` says that frames are waiting, so that only too much is reason enough.

        Cheap where there is nothing to do (0.1 µs); returns whether it collected.
        """
        grown = gc.get_count()[0]
        if grown < (self._most if busy else self._enough) or not self._started:
            return False
        start = perf_counter_ns()
        found = gc.collect(OLDEST if self.statistics.collections % RESTS_A_FULL == 0 else YOUNG)
        spent = perf_counter_ns() - start
        statistics = self.statistics
        statistics.collections += 1
        statistics.forced += busy
        statistics.found += found
        statistics.longest_ns = max(statistics.longest_ns, spent)
        return True

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
