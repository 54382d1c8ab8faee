"""What a venue's stream says about itself, without a socket: bytes in, events out, bytes to answer.

The pump in `socket.py` owns the connection and calls these in its thread; `recv` and `now` are arguments, ns UTC. What a
stream cannot go on without but REST alone can say, it puts in `wanted`: the pump asks and hands back the answer.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from adapters.base.client import Budget, Request
from state.errors import TapelineError
from state.events import AnyEvent, Trade
from state.words import FeedState


class Websocket(ABC):
    """One connection's protocol; it never raises for what a venue sends, except `UnknownWord` for an order word.

    `suspect` is set while the last frame did not fit and must be kept; `outbox` holds what is to be sent in answer. What is
    `wanted` while there is no connection is asked before one is opened. Once `over` says why, a new connection is made.
    `ping_s` is for venues without a ping of their own, `age_most_s` for those that end a connection at an age; `silence_s` is
    how long quiet is no reason for doubt, None as the settings say.
    """

    name: str
    url: str
    private: bool
    heartbeat_s: float
    ping_s: float = 0.0
    age_most_s: float = float("inf")

    def __init__(self) -> None:
        self.outbox: list[bytes] = []
        self.wanted: list[Request] = []
        self.over = ""
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
    def address(self) -> str:
        """`url` as it may be kept."""
        return self.url

    @property
    def silence_s(self) -> float | None:
        return None

    def opened(self) -> Sequence[AnyEvent]:
        """What is true as soon as the connection stands, before the venue said a word."""
        return ()

    def noticed(self, now: int) -> Sequence[AnyEvent]:
        """What no frame says, such as silence; asked for at each heartbeat."""
        return ()

    def answered(self, request: Request, body: bytes, recv: int) -> Sequence[AnyEvent]:
        """What the answer to a request that was `wanted` says."""
        return ()

    def unanswered(self, request: Request, error: TapelineError) -> Sequence[AnyEvent]:
        """It was asked in vain; who still wants it says so again, at the next heartbeat."""
        return ()

    @property
    def books(self) -> Sequence[str]:
        """Symbols whose books are told here."""
        return ()

    @property
    def traded(self) -> Sequence[str]:
        """Symbols whose public trades are told here, so that what a reconnect missed can be fetched."""
        return ()

    def missed(self, symbol: str, trades: Sequence[Trade]) -> Sequence[AnyEvent]:
        """Which of the trades fetched after a reconnect were not told."""
        return trades

    def replies(self) -> list[bytes]:
        """Drains the outbox."""
        sent, self.outbox = self.outbox, []
        return sent

    def wants(self) -> list[Request]:
        """Drains what only REST can say."""
        asked, self.wanted = self.wanted, []
        return asked


class OrderSocket(Websocket):
    """A connection that takes orders: answers carry the id of the request, and are collected in `answers`."""

    private = True

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[tuple[str, bytes]] = []  # request id, body
        self.budgets: list[tuple[str, Budget]] = []  # what answers said of rate pools

    @abstractmethod
    def encode(self, request: Request, request_id: str, now_ms: int) -> bytes:
        """The request as a frame."""
