"""One socket of a customer as OKX sees it: its path, its login, what it has subscribed to."""

from __future__ import annotations

from adapters.loopback.connection import Connection
from adapters.loopback.ledger import Account
from adapters.loopback.okx.channels import Arg, Lane

SILENCE_MS = 30_000
PATIENCE_MS = 5_000


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
        self.is_leaving = False
        connection.active_ms = now_ms

    @property
    def conn_id(self) -> str:
        return self.connection.conn_id

    def push(self, topic: str, frame: bytes, now_ms: int) -> None:
        """Sends data; faults are ordered by its topic."""
        self.connection.active_ms = now_ms
        self.connection.send(topic, frame)

    def end_silence(self, now_ms: int) -> None:
        """Says goodbye where nothing has gone either way for half a minute; cuts who does not answer that."""
        silent_ms = now_ms - self.connection.active_ms
        if silent_ms > SILENCE_MS + PATIENCE_MS:
            self.connection.cut()
        elif silent_ms > SILENCE_MS and not self.is_leaving:
            self.leave(4004, "No data received in 30s")

    def leave(self, code: int, words: str) -> None:
        """Closes the socket with the venue's reason."""
        self.is_leaving = True
        self.connection.farewell(code, words)
