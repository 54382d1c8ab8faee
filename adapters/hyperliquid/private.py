"""What only the account's owner connects to: what the account is told, and order entry.

https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket/post-requests
"""

import re
from collections.abc import Sequence

import msgspec

from adapters.base.client import Request
from adapters.base.standing import Standing
from adapters.base.websocket import OrderSocket
from adapters.hyperliquid import wire
from adapters.hyperliquid.account import PRIVATE_TOPICS, Account
from adapters.hyperliquid.client import Client
from adapters.hyperliquid.websocket import BEAT_S, GREETING, PING, Websocket
from state.events import AnyEvent, FeedStatus
from state.words import FeedState

SILENCE_S = 30.0  # each ping is answered

_frame = msgspec.json.Decoder(wire.Frame).decode
_strike = re.compile(rb'"r":"0x[0-9a-f]*","s":"0x[0-9a-f]*"').sub


class PrivateWebsocket(Websocket):
    """Orders, fills, positions, collateral and funding of one account."""

    private = True
    silence_s = SILENCE_S

    def __init__(self, url: str, account: Account, user: str) -> None:
        self._opened = False
        super().__init__(account.venue, "private", url, PRIVATE_TOPICS, account)
        self.user = user

    @property
    def is_ready(self) -> bool:
        return self._opened and not self._asked

    def on_connect(self, now: int) -> list[bytes]:
        self._opened = True
        return super().on_connect(now)

    def on_disconnect(self, reason: str, status: FeedState = "down") -> Sequence[AnyEvent]:
        self._opened = False
        return super().on_disconnect(reason, status)

    def named(self, topic: str) -> dict[str, object]:
        return {"type": topic, "user": self.user}


class TradeWebsocket(Standing, OrderSocket):
    """Order entry: the bodies of REST, each signed alone, and known again by a number."""

    channel = "trade"
    heartbeat_s, silence_s = BEAT_S, SILENCE_S

    def __init__(self, venue: str, url: str, client: Client) -> None:
        super().__init__(venue, "trade", url)
        self._client = client
        self._asked: dict[int, str] = {}
        self._count = 0

    def opened(self) -> Sequence[AnyEvent]:
        super().opened()
        self._asked.clear()
        return (FeedStatus(self.venue, "", self.channel, "ok"),)

    def heartbeat(self, now: int) -> list[bytes]:
        return [PING]

    def receive(self, frame: bytes, recv: int) -> Sequence[AnyEvent]:
        if frame == GREETING:
            return ()
        try:
            said = _frame(frame)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            return self._odd(f"a frame did not fit: {error}")
        if said.channel == "pong":
            return ()
        asked = self._asked.pop(said.data.id, None) if isinstance(said.data, wire.Names) else None
        if said.channel != "post" or asked is None:
            return self._odd(f"an answer to nothing: {said.channel} {said.data if isinstance(said.data, str) else ''}")
        self.answers.append((asked, frame))
        return ()

    def encode(self, request: Request, request_id: str, now_ms: int) -> bytes:
        self._count += 1
        self._asked[self._count] = request_id
        body, _ = self._client.payload(request, now_ms)
        return b'{"method":"post","id":%d,"request":{"type":"action","payload":%s}}' % (self._count, body)

    def strike(self, frame: bytes) -> bytes:
        return _strike(b'"r":"***"', frame)
