"""The venue's request limits: what arrives beyond a budget is refused, as the venue would."""

from collections import deque

from state.words import Action

WINDOW_NS = 1_000_000_000


class Throttle:
    """At most `per_s` requests of each action in any second; None for no limit. What is refused does not count."""

    def __init__(self, per_s: int | None) -> None:
        self._per_s = per_s
        self._taken: dict[Action, deque[int]] = {}

    def admits(self, action: Action, now: int) -> bool:
        """Takes a place in the budget, if there is one."""
        if self._per_s is None:
            return True
        taken = self._taken.setdefault(action, deque())
        while taken and taken[0] <= now - WINDOW_NS:
            taken.popleft()
        if len(taken) >= self._per_s:
            return False
        taken.append(now)
        return True

    def words(self) -> str:
        """The assumption in one sentence."""
        limit = (
            "never throttled"
            if self._per_s is None
            else f"more than {self._per_s} of an action in a second are refused"
        )
        return f"requests: never lost, {limit}, their outcome is never unknown"
