"""The life of a socket: a ping every three minutes, and an end after a day."""

from __future__ import annotations

from collections.abc import Iterable

from adapters.loopback.connection import Connection

PING_MS = 180_000
LIFE_MS = 86_400_000


class Pulse:
    """When each socket was opened and last pinged."""

    def __init__(self) -> None:
        self._opened_ms: dict[str, int] = {}
        self._pinged_ms: dict[str, int] = {}

    def tick(self, connections: Iterable[Connection], now_ms: int) -> None:
        """Pings what is due and cuts what is too old."""
        there = {connection.conn_id: connection for connection in connections}
        self._opened_ms = {name: self._opened_ms.get(name, now_ms) for name in there}
        self._pinged_ms = {name: self._pinged_ms.get(name, now_ms) for name in there}
        for name, connection in there.items():
            if now_ms - self._opened_ms[name] >= LIFE_MS:
                connection.cut()
            elif now_ms - self._pinged_ms[name] >= PING_MS:
                self._pinged_ms[name] = now_ms
                connection.ping(str(now_ms).encode())
