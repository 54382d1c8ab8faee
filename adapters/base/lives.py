"""Orders that are replaced where others are amended: one order id ends, another begins, and both go by one client id.

What an earlier id filled belongs to the order, and its end does not. Ids rise, so the latest is the largest. A quote that is
amended all night has ten thousands of them: of the oldest only the sum of what they filled is kept.
"""

from decimal import Decimal

import msgspec

from adapters.base.once import Bounded

ORDERS_MOST = 20_000
LIVES_KEPT = 100  # of one order: replaced as quickly as may be, they last longer than a word is late
_ZERO = Decimal(0)


class Life(msgspec.Struct, gc=False):
    """One order id: filled as its updates said, and as its fills add up; the larger of both is true."""

    is_told: bool = False
    told: Decimal = _ZERO
    fills: Decimal = _ZERO

    @property
    def filled(self) -> Decimal:
        return max(self.told, self.fills)


class _Ids(dict[int, Life]):
    """The lives of one order by id, and what those filled that were before them."""

    settled = _ZERO
    settled_to = 0


_NONE = _Ids()


class Lives:
    """The order ids of each client id."""

    def __init__(self) -> None:
        self._lives: Bounded[str, _Ids] = Bounded(ORDERS_MOST)

    def tell(self, client_id: str, oid: int, filled: Decimal) -> None:
        """An update spoke of it."""
        life = self._life(client_id, oid)
        life.is_told, life.told = True, max(life.told, filled)

    def fill(self, client_id: str, oid: int, size: Decimal) -> None:
        self._life(client_id, oid).fills += size

    def forget(self, client_id: str, oid: int) -> None:
        """It never lived: the order is what it was."""
        self._of(client_id).pop(oid, None)

    def latest(self, client_id: str) -> int:
        """The id that the order has now, 0 where nothing was told of it."""
        return max((oid for oid, life in self._of(client_id).items() if life.is_told), default=0)

    def former(self, client_id: str, oid: int) -> int:
        """The id before this one, 0 where there was none."""
        return max((other for other in self._of(client_id) if other < oid), default=0)

    def is_replaced(self, client_id: str, oid: int) -> bool:
        """Something was heard of a later id, if only a fill."""
        return any(other > oid for other in self._of(client_id))

    def filled(self, client_id: str, before: int | None = None) -> Decimal:
        """What was filled under all of them, or under those before one."""
        ids = self._of(client_id)
        counted = (life.filled for oid, life in ids.items() if before is None or oid < before)
        return sum(counted, ids.settled if before is None or before > ids.settled_to else _ZERO)

    def _of(self, client_id: str) -> _Ids:
        return self._lives.get(client_id, _NONE)

    def _life(self, client_id: str, oid: int) -> Life:
        ids = self._lives.get(client_id)
        if ids is None:
            ids = self._lives[client_id] = _Ids()
        life = ids.get(oid)
        if life is None:
            life = Life()
            if oid > ids.settled_to:  # else it comes too late to be counted
                ids[oid] = life
        if len(ids) > LIVES_KEPT:
            ids.settled_to = oldest = min(ids)
            ids.settled += ids.pop(oldest).filled
        return life
