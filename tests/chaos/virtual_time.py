"""An event loop whose time stands still while anything is to be done and jumps to the next timer when nothing is.

Sockets are real: what one end writes the other can read at once on localhost, so that nothing to read means that all is said.
Two processes have one such time where one leads: it lets the other work while it has nothing to do itself, and time jumps, to the
timer of either that is due first, only once neither has.
"""

import asyncio
import selectors
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

STEP_S = 20e-6  # what a turn of the loop takes


@dataclass(frozen=True, slots=True)
class Idle:
    """Has nothing to do before `due_s`, and says so at `now_s`."""

    now_s: float
    due_s: float


class Lead(Protocol):
    """Whose time a follower has."""

    def await_turn(self, idle: Idle) -> float:
        """Hands the turn back and blocks until the next; the time by then. `idle.now_s` where there is none any more."""


def nobody(now_s: float) -> Idle:
    """Nobody follows."""
    return Idle(now_s, inf)


class _Jumping(selectors.BaseSelector):
    """Asks the real one without waiting; where nothing is ready, the wait is taken as over."""

    def __init__(self, follower: Callable[[float], Idle]) -> None:
        self._real = selectors.DefaultSelector()
        self._follower = follower
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        self.now_s += STEP_S
        if ready or (timeout is not None and timeout <= 0):
            return ready
        return self._jump(inf if timeout is None else self.now_s + timeout)

    def _jump(self, due_s: float) -> list[tuple[selectors.SelectorKey, int]]:
        """Lets the follower work, and goes to what is due first wherever neither has anything to do."""
        while True:
            theirs = self._follower(self.now_s)
            self.now_s = max(self.now_s, theirs.now_s)
            ready = self._real.select(0)
            if ready:
                return ready
            next_s = min(due_s, theirs.due_s)
            if next_s == inf:  # only another thread could go on
                return self._real.select(None)
            self.now_s = max(self.now_s, next_s)
            if self.now_s >= due_s:
                return []

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


class _Following(_Jumping):
    """Jumps only when it is told to, once it has a lead."""

    def __init__(self) -> None:
        super().__init__(nobody)
        self.lead: Lead | None = None
        self.stirred = False  # there is something new to do that no socket tells of

    def _jump(self, due_s: float) -> list[tuple[selectors.SelectorKey, int]]:
        while self.lead is not None:
            self.now_s = max(self.now_s, self.lead.await_turn(Idle(self.now_s, due_s)))
            ready = self._real.select(0)
            if ready or self.stirred or self.now_s >= due_s:
                self.stirred = False
                return ready
        return super()._jump(due_s)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Goes through a day as quickly as its work can be done; `follower` has the turn whenever nothing is to be done here."""

    def __init__(self, follower: Callable[[float], Idle] = nobody) -> None:
        self._jumping = _Jumping(follower)
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s


class VirtualClock:
    """UTC on such a loop, from `begins_ns` on."""

    def __init__(self, loop: asyncio.AbstractEventLoop, begins_ns: int) -> None:
        self._loop, self._begins_ns = loop, begins_ns

    def now_ns(self) -> int:
        return self._begins_ns + int(self._loop.time() * 1e9)


class FollowingLoop(asyncio.SelectorEventLoop):
    """Has a time of its own until it is told whose it has."""

    def __init__(self) -> None:
        self._following = _Following()
        super().__init__(self._following)

    def time(self) -> float:
        return self._following.now_s

    def follow(self, lead: Lead | None) -> None:
        """From now on; `None` for its own again."""
        self._following.lead = lead
        self._following.stirred = True

    def stir(self) -> None:
        """Something was begun from within `await_turn`: the next turn goes through the loop even if no socket is ready."""
        self._following.stirred = True
