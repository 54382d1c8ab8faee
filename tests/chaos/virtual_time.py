"""An event loop whose time stands still while anything is to be done and jumps to the next timer when nothing is.

Sockets are real: what one end writes the other can read at once on localhost, so that nothing to read means that all is said.
"""

import asyncio
import selectors
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

STEP_S = 20e-6  # what a turn of the loop takes


class _Jumping(selectors.BaseSelector):
    """Asks the real one without waiting; where nothing is ready, the wait is taken as over."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        self.now_s += STEP_S
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None:  # only another thread could go on
            return self._real.select(None)
        self.now_s += timeout
        return ready

    def register(self, fileobj: "FileDescriptorLike", events: int, data: object = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: "FileDescriptorLike") -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: "FileDescriptorLike", events: int, data: object = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_key(self, fileobj: "FileDescriptorLike") -> selectors.SelectorKey:
        return self._real.get_key(fileobj)

    def get_map(self) -> Mapping["FileDescriptorLike", selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class VirtualLoop(asyncio.SelectorEventLoop):
    """Goes through a day as quickly as the work in it can be done."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s


class VirtualClock:
    """UTC on such a loop, from `begins_ns` on."""

    def __init__(self, loop: VirtualLoop, begins_ns: int) -> None:
        self._loop, self._begins_ns = loop, begins_ns

    def now_ns(self) -> int:
        return self._begins_ns + int(self._loop.time() * 1e9)
