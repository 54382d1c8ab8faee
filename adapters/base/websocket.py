"""What a venue's stream says about itself, without a socket: bytes in, events out, bytes to answer.

The pump in `socket.py` owns the connection and calls these in its thread; `recv` and `now` are arguments, ns UTC.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from adapters.base.client import Request
from state.events import AnyEvent, Trade
from state.words import FeedState


class Websocket(ABC):
    """One connection's protocol; it never raises for what a venue sends, except `UnknownWord` for an order word.

    `suspect` is set while the last frame did not fit and must be kept; `outbox` holds what is to be sent in answer.
    """

    name: str
    url: str
    private: bool
    heartbeat_s: float

    def __init__(self) -> None:
        self.outbox: list[bytes] = []
        self.suspect = False

    @property
    @abstractmethod
    def is_ready(self) -> bool:
        """Authenticated where need be, and every subscription answered."""

    @abstractmethod
    def on_connect(self, now: int) -> list[bytes]:
        """What to send first."""

    @abstractmethod
    def receive(self, frame: bytes, recv: int) -> Sequence[AnyEvent]:
        """What a frame says; raises `UnknownWord` where it speaks of an order in a word that no table has."""

    @abstractmethod
    def heartbeat(self, now: int) -> list[bytes]:
        """What keeps the connection alive; due every `heartbeat_s`."""

    @abstractmethod
    def on_disconnect(self, reason: str, status: FeedState = "down") -> Sequence[AnyEvent]:
        """What is no longer worth anything; `receive` starts afresh after it."""

    @abstractmethod
    def strike(self, frame: bytes) -> bytes:
        """The frame as it may be kept: without keys and signatures."""

    @property
    def traded(self) -> Sequence[str]:
        """Symbols whose public trades are told here, so that what a reconnect missed can be fetched."""
        return ()

    def missed(self, symbol: str, trades: Sequence[Trade]) -> Sequence[Trade]:
        """Which of the trades fetched after a reconnect were not told."""
        return trades

    def replies(self) -> list[bytes]:
        """Drains the outbox."""
        sent, self.outbox = self.outbox, []
        return sent


class OrderSocket(Websocket):
    """A connection that takes orders: answers carry the id of the request, and are collected in `answers`."""

    private = True

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[tuple[str, bytes]] = []  # request id, body

    @abstractmethod
    def encode(self, request: Request, request_id: str, now_ms: int) -> bytes:
        """The request as a frame."""
