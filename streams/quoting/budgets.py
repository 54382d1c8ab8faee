"""How many messages may leave: a bucket for each kind of request, filled by virtual time; quoting never uses the reserve."""

from typing import Literal, NamedTuple, TypeAlias, cast

import msgspec

from state.errors import ConfigurationError
from state.events import AmendOrder, PlaceOrder
from streams.quoting.plan import Planned

_TOKEN = 1_000_000_000  # parts of a message: at a rate of r a second, r parts come each nanosecond

Request: TypeAlias = Literal["create", "amend", "cancel"]


class Budget(NamedTuple):
    """Messages that a plan may use now."""

    creates: int
    amends: int
    cancels: int


AMPLE = Budget(1_000_000, 1_000_000, 1_000_000)  # where nothing is counted


class Budgets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Messages of each kind a second, as many at once; of the cancels, `reserve` are kept for pulling everything."""

    creates_per_s: int
    amends_per_s: int
    cancels_per_s: int
    reserve: int = 1

    def __post_init__(self) -> None:
        for name in ("creates_per_s", "amends_per_s", "cancels_per_s"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} must be at least one, is {getattr(self, name)}")
        if not 0 <= self.reserve < self.cancels_per_s:
            raise ConfigurationError(
                f"a reserve of {self.reserve} leaves no cancel of {self.cancels_per_s}: quotes could never be withdrawn"
            )


class Meter:
    """What is left of the budgets at a time, ns. In whole parts, so that a replay counts alike."""

    def __init__(self, budgets: Budgets, now_ns: int) -> None:
        self._rates = (budgets.creates_per_s, budgets.amends_per_s, budgets.cancels_per_s)
        self._reserves = (0, 0, budgets.reserve)
        self._parts = [rate * _TOKEN for rate in self._rates]
        self._at = now_ns

    def left(self, now_ns: int) -> Budget:
        """What quoting may use now, the reserve aside."""
        self._fill(now_ns)
        return Budget(
            *(max(0, parts // _TOKEN - reserve) for parts, reserve in zip(self._parts, self._reserves, strict=True))
        )

    def spend(self, intent: Planned, now_ns: int) -> None:
        """One message left. One beyond what there was, as pulling may send, leaves nothing and no debt."""
        self._fill(now_ns)
        kind = 0 if isinstance(intent, PlaceOrder) else 1 if isinstance(intent, AmendOrder) else 2
        self._parts[kind] = max(0, self._parts[kind] - _TOKEN)

    def next_ns(self, now_ns: int) -> int:
        """When quoting may use one more message of some kind that is used up now."""
        self._fill(now_ns)
        waits = [
            -((parts - (reserve + 1) * _TOKEN) // rate)  # rounded up
            for parts, reserve, rate in zip(self._parts, self._reserves, self._rates, strict=True)
            if parts < (reserve + 1) * _TOKEN
        ]
        return now_ns + min(waits, default=0)

    def _fill(self, now_ns: int) -> None:
        passed, self._at = now_ns - self._at, now_ns
        if passed > 0:
            self._parts = [
                min(rate * _TOKEN, parts + passed * rate) for parts, rate in zip(self._parts, self._rates, strict=True)
            ]

    def dump(self) -> tuple[list[int], int]:
        return self._parts, self._at

    def load(self, state: object, /) -> None:
        parts, self._at = cast("tuple[list[int], int]", state)
        self._parts = list(parts)
