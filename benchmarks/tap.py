"""Counts book frames as a client hands them over, and says when the last has come; standard library only."""

import asyncio
from time import perf_counter

from benchmarks.measure import cpu_s, frames, is_book, tell

WAIT_S = 120.0


class Tap:
    """The clock runs from the first book frame to the last."""

    def __init__(self) -> None:
        self.expected = sum(map(is_book, frames()))
        self.frames = len(frames())
        self.seen = 0
        self._done = asyncio.Event()
        self._started = self._ended = self._cpu_started = self._cpu_ended = 0.0

    def count(self) -> None:
        """One more book frame was read."""
        self.seen += 1
        if self.seen == 1:
            self._started, self._cpu_started = perf_counter(), cpu_s()
        elif self.seen == self.expected:
            self._ended, self._cpu_ended = perf_counter(), cpu_s()
            self._done.set()

    async def wait(self) -> None:
        """Raises `TimeoutError` where frames are missing."""
        await asyncio.wait_for(self._done.wait(), WAIT_S)

    def tell(self, name: str) -> None:
        cpu_us = (self._cpu_ended - self._cpu_started) / self.frames * 1e6
        tell("P3", name, self.frames, self._ended - self._started, cpu_us=cpu_us)
