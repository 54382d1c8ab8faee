"""How long an intent is on its way to the venue, and its answer back: models behind one protocol.

Both ways are one connection: nothing overtakes. Times are ns.
"""

from bisect import bisect_right
from collections.abc import Sequence
from math import exp
from random import Random
from typing import Protocol

import msgspec

from state.errors import ConfigurationError
from state.words import Action

NS_PER_MS = 1_000_000


class OrderLatency(msgspec.Struct, frozen=True, array_like=True):
    """One intent of a recorded session: when it left us, when it was at the venue, when we had its answer; ns UTC."""

    action: Action
    left: int
    arrived: int
    answered: int


class LatencyModel(Protocol):
    """`now` is the time at whoever sends."""

    def entry(self, action: Action, now: int) -> int:
        """Nanoseconds from us to the venue."""
        ...

    def response(self, now: int) -> int:
        """Nanoseconds from the venue to us, for answers and for what it tells by itself."""
        ...

    def words(self) -> str:
        """The assumption in one sentence."""
        ...


class ConstantLatency:
    """The same for every intent of an action."""

    def __init__(self, entry_ms: dict[Action, float], response_ms: float) -> None:
        self._words = f"{_said(entry_ms)} to the venue and {response_ms:g} ms back"
        self._entry = {action: round(ms * NS_PER_MS) for action, ms in entry_ms.items()}
        self._response = round(response_ms * NS_PER_MS)

    def entry(self, action: Action, now: int) -> int:
        return self._entry[action]

    def response(self, now: int) -> int:
        return self._response

    def words(self) -> str:
        return f"latency: constant, {self._words}"


class LognormalLatency:
    """median * exp(sigma * z), z standard normal: never negative, with the long tail that networks have.

    Drawn in the order of asking from a generator of its own, so the same run draws the same.
    """

    def __init__(self, entry_ms: dict[Action, float], response_ms: float, sigma: float, seed: int) -> None:
        self._constant = ConstantLatency(entry_ms, response_ms)
        self._median = f"{_said(entry_ms)} to the venue and {response_ms:g} ms back"
        self._sigma = sigma
        self._seed = seed
        self._random = Random(seed)  # noqa: S311 - a simulation, reproducible on purpose

    def entry(self, action: Action, now: int) -> int:
        return self._drawn(self._constant.entry(action, now))

    def response(self, now: int) -> int:
        return self._drawn(self._constant.response(now))

    def words(self) -> str:
        return f"latency: lognormal, median {self._median}, sigma {self._sigma:g}, seed {self._seed}"

    def _drawn(self, median: int) -> int:
        return round(median * exp(self._sigma * self._random.gauss(0.0, 1.0)))


class RecordedLatency:
    """Interpolated linearly between the intents of a recorded session, those of the same action where it has any.

    Before the first and after the last of them theirs holds. As `IntpOrderLatency` of hftbacktest
    (hftbacktest/src/backtest/models/latency.rs), but per action.
    """

    def __init__(self, recorded: Sequence[OrderLatency]) -> None:
        """Raises `ConfigurationError` where nothing was recorded."""
        if not recorded:
            raise ConfigurationError("paper latency 'recorded' needs a session in which intents were answered")
        self._count = len(recorded)
        self._entry: dict[Action, _Line] = {}
        for action in _ACTIONS:
            rows = [row for row in recorded if row.action == action] or recorded
            self._entry[action] = _Line([(row.left, row.arrived - row.left) for row in rows])
        self._response = _Line([(row.arrived, row.answered - row.arrived) for row in recorded])

    def entry(self, action: Action, now: int) -> int:
        return self._entry[action].at(now)

    def response(self, now: int) -> int:
        return self._response.at(now)

    def words(self) -> str:
        return f"latency: interpolated between the {self._count} intents of the session that were answered, per action"


class _Line:
    """A function through points, constant beyond its ends."""

    def __init__(self, points: Sequence[tuple[int, int]]) -> None:
        known: dict[int, int] = {}
        for x, y in sorted(points):
            known.setdefault(x, y)  # of one burst the first: the others waited behind it
        self._xs, self._ys = list(known), list(known.values())

    def at(self, x: int) -> int:
        place = bisect_right(self._xs, x)
        if place == 0:
            return self._ys[0]
        if place == len(self._xs):
            return self._ys[-1]
        x1, y1, x2, y2 = self._xs[place - 1], self._ys[place - 1], self._xs[place], self._ys[place]
        return y1 + int((y2 - y1) / (x2 - x1) * (x - x1))


_ACTIONS: tuple[Action, ...] = ("place", "amend", "cancel", "cancel_all")


def _said(entry_ms: dict[Action, float]) -> str:
    place = entry_ms["place"]
    others = {"amend": entry_ms["amend"], "cancel": entry_ms["cancel"]}
    said = "".join(f", {action} {ms:g} ms" for action, ms in others.items() if ms != place)
    return f"{place:g} ms{said}"
