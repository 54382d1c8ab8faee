"""The dead man's switch: at the time that an account has set, all its orders are cancelled."""

from __future__ import annotations

from adapters.loopback.floor import Floor
from adapters.loopback.hyperliquid.refusals import ActionRefusedError
from adapters.loopback.hyperliquid.register import Register
from adapters.loopback.hyperliquid.triggers import Triggers
from adapters.loopback.orders import Reason

SOONEST_MS = 5_000
DAY_MS = 86_400_000
FIRINGS_A_DAY = 10


class Deadlines:
    """When the orders of which account end.

    https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/exchange-endpoint#schedule-cancel-dead-mans-switch
    """

    def __init__(self, floor: Floor, register: Register, triggers: Triggers, least_usd: int) -> None:
        self._floor, self._register, self._triggers, self._least_usd = floor, register, triggers, least_usd
        self._due_ms: dict[str, int] = {}
        self._fired: dict[tuple[str, int], int] = {}

    def set(self, key: str, time_ms: int | None, now_ms: int) -> None:
        """Sets the time, or with None takes it back; raises ActionRefusedError."""
        traded = self._register.volume(key)
        if traded < self._least_usd:
            raise ActionRefusedError(
                "Cannot set scheduled cancel time until enough volume traded. "
                f"Required: ${self._least_usd}. Traded: ${traded:.2f}."
            )
        if time_ms is None:
            self._due_ms.pop(key, None)
        elif time_ms < now_ms + SOONEST_MS:
            raise ActionRefusedError("Scheduled cancel time too early, must be at least 5 seconds from now.")
        elif self._fired.get((key, now_ms // DAY_MS), 0) >= FIRINGS_A_DAY:
            raise ActionRefusedError(f"Too many scheduled cancels triggered today: {FIRINGS_A_DAY}.")
        else:
            self._due_ms[key] = time_ms

    def tick(self, now_ms: int) -> None:
        """Cancels for those whose time has come."""
        for key in [key for key, due_ms in self._due_ms.items() if due_ms <= now_ms]:
            del self._due_ms[key]
            day = key, now_ms // DAY_MS
            self._fired[day] = self._fired.get(day, 0) + 1
            self._floor.cancel_all(key, now_ms, list(self._floor.markets), Reason.DISCONNECTED)
            self._triggers.cancel_all(key, now_ms, Reason.DISCONNECTED)
