"""Which troubles are on now, at each spot of the wire: armed by the plan, asked by every frame and request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from adapters.loopback.proxy.plan import MEANINGS, Kind, Spot, Trouble


@dataclass(slots=True)
class Weather:
    """Counted troubles are spent by what they hit; lasting ones end by the clock (`now_s`, a monotonic one)."""

    now_s: Callable[[], float]
    spent: Counter[tuple[Kind, Spot]] = field(default_factory=Counter)
    """How often each trouble hit something: one that never did has proven nothing."""
    _counted: dict[tuple[Kind, Spot], int] = field(default_factory=dict)
    _until: dict[tuple[Kind, Spot], float] = field(default_factory=dict)
    _statuses: list[int] = field(default_factory=list)

    def arm(self, trouble: Trouble) -> None:
        """From now on."""
        key = (trouble.kind, trouble.spot)
        if MEANINGS[trouble.kind].lasts:
            self._until[key] = max(self._until.get(key, 0.0), self.now_s() + trouble.for_s)
        else:
            self._counted[key] = self._counted.get(key, 0) + trouble.count
        self._statuses += [trouble.status] * trouble.count if trouble.status else []

    def hits(self, kind: Kind, spot: Spot) -> bool:
        """Does a counted trouble hit this one? Spends it."""
        left = self._counted.get((kind, spot), 0)
        if not left:
            return False
        self._counted[kind, spot] = left - 1
        self.spent[kind, spot] += 1
        return True

    def lasts(self, kind: Kind, spot: Spot) -> float:
        """For how long a lasting trouble will still be on, in seconds; 0 where it is not."""
        left = self._until.get((kind, spot), 0.0) - self.now_s()
        if left <= 0:
            return 0.0
        self.spent[kind, spot] += 1
        return left

    def status(self) -> int:
        """What is answered in the venue's place, 0 for nothing."""
        if not self.hits("refused", "rest"):
            return 0
        return self._statuses.pop(0)

    def clear(self) -> None:
        """The sky is blue: what is not spent yet is forgotten."""
        self._counted.clear()
        self._until.clear()
        self._statuses.clear()
