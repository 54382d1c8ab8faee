"""Orders that are replaced where others are amended: one order id ends, another begins, and both go by one client id.

What an earlier id filled belongs to the order, and its end does not. Ids rise, so the latest is the largest.
"""

from decimal import Decimal

import msgspec

from adapters.base.once import Bounded

ORDERS_MOST = 20_000
_ZERO = Decimal(0)


class Life(msgspec.Struct, gc=False):
    """One order id: filled as its updates said, and as its fills add up; the larger of both is true."""

    is_told: bool = False
    is_over: bool = False
    told: Decimal = _ZERO
    fills: Decimal = _ZERO

    @property
    def filled(self) -> Decimal:
        return max(self.told, self.fills)


class Lives:
    """The order ids of each client id."""

    def __init__(self) -> None:
        self._lives: Bounded[str, dict[int, Life]] = Bounded(ORDERS_MOST)

    def tell(self, client_id: str, oid: int, filled: Decimal, *, over: bool) -> None:
        """An update spoke of it."""
        life = self._life(client_id, oid)
        life.is_told, life.is_over, life.told = True, life.is_over or over, max(life.told, filled)

    def fill(self, client_id: str, oid: int, size: Decimal) -> None:
        self._life(client_id, oid).fills += size

    def forget(self, client_id: str, oid: int) -> None:
        """It never lived: the order goes on as it was."""
        self._lives.get(client_id, {}).pop(oid, None)

    def latest(self, client_id: str) -> int:
        """The id that the order has now, 0 where nothing was told of it."""
        return max((oid for oid, life in self._lives.get(client_id, {}).items() if life.is_told), default=0)

    def is_resting(self, client_id: str, oid: int) -> bool:
        life = self._lives.get(client_id, {}).get(oid)
        return life is not None and life.is_told and not life.is_over

    def former(self, client_id: str, oid: int) -> int:
        """The id before this one, 0 where there was none."""
        return max((other for other in self._lives.get(client_id, {}) if other < oid), default=0)

    def is_replaced(self, client_id: str, oid: int) -> bool:
        """Something was heard of a later id, if only a fill."""
        return any(other > oid for other in self._lives.get(client_id, {}))

    def filled(self, client_id: str, before: int | None = None) -> Decimal:
        """What was filled under all of them, or under those before one."""
        lives = self._lives.get(client_id, {}).items()
        return sum((life.filled for oid, life in lives if before is None or oid < before), _ZERO)

    def _life(self, client_id: str, oid: int) -> Life:
        lives = self._lives.get(client_id)
        if lives is None:
            lives = self._lives[client_id] = {}
        return lives.setdefault(oid, Life())
