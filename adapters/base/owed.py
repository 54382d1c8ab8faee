"""Fills that an order was told to have had, and that no frame told: they are late, or their frame is lost."""

from collections.abc import Awaitable, Callable

from adapters.base.known import OWED_S, Known


class Owed:
    """Reads the account where fills stay away; while `is_late` holds, they may stand in what is still to be read."""

    def __init__(
        self,
        known: Known,
        read: Callable[[], Awaitable[object]],
        sleep: Callable[[float], Awaitable[None]],
        is_late: Callable[[], bool],
    ) -> None:
        self._known = known
        self._read = read
        self._sleep = sleep
        self._is_late = is_late
        self._is_chasing = False

    @property
    def is_due(self) -> bool:
        """Fills are owed, and nobody waits for them yet."""
        return bool(self._known.owing) and not self._is_chasing

    async def chase(self) -> None:
        """Waits for what is owed, and asks for it where it does not come."""
        if self._is_chasing:
            return
        self._is_chasing = True
        try:
            while owing := tuple(self._known.owing):
                await self._sleep(OWED_S)
                if not self._is_late() and not self._known.owing.keys().isdisjoint(owing):
                    await self._read()
                    return
        finally:
            self._is_chasing = False
