"""One socket of a customer as OKX sees it: its path, its login, what it has subscribed to."""

from __future__ import annotations

from adapters.loopback.connection import Connection
from adapters.loopback.ledger import Account
from adapters.loopback.okx.channels import Arg, Lane

SILENCE_MS = 30_000


def key_of(arg: Arg) -> str:
    """The same for the same subscription, however it was written."""
    return "&".join(f"{name}={arg[name]}" for name in sorted(arg))


class Session:
    """A connected customer."""

    def __init__(self, connection: Connection, lane: Lane, now_ms: int) -> None:
        self.connection, self.lane = connection, lane
        self.account: Account | None = None
        self.args: dict[str, Arg] = {}
        self.enters_orders = False
        """Has it ever sent an order?"""
        connection.active_ms = now_ms

    @property
    def conn_id(self) -> str:
        return self.connection.conn_id

    def push(self, topic: str, frame: bytes, now_ms: int) -> None:
        """Sends data; faults are ordered by its topic."""
        self.connection.active_ms = now_ms
        self.connection.send(topic, frame)

    def is_silent(self, now_ms: int) -> bool:
        """Has nothing gone either way for half a minute?"""
        return now_ms - self.connection.active_ms > SILENCE_MS
