"""What only the account's owner connects to: the account's events behind a listen key, and order entry.

https://developers.binance.com/docs/derivatives/usds-margined-futures/user-data-streams, /websocket-api-general-info
"""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

import msgspec

from adapters.base.client import Request
from adapters.base.keyed import KeyedStream
from adapters.base.standing import Standing
from adapters.base.websocket import OrderSocket
from adapters.binance import wire
from adapters.binance.account import PRIVATE_EVENTS, Account
from adapters.binance.client import Client, pool_of, signature
from adapters.binance.websocket import AGE_MOST_S, BEAT_S, PING_S
from state.errors import VenueError
from state.events import AnyEvent, FeedStatus
from state.secrets import Credentials

_envelope = msgspec.json.Decoder(wire.Envelope).decode
_words = msgspec.json.Decoder(dict[str, str]).decode
_encode = msgspec.json.Encoder().encode
_strike = re.compile(rb'"(apiKey|signature)":"[^"]*"').sub


class PrivateWebsocket(KeyedStream):
    """Orders, fills, positions and balances of one account."""

    heartbeat_s, ping_s, age_most_s = BEAT_S, PING_S, AGE_MOST_S
    extend_s, extend_again_s, life_s = 30 * 60.0, 60.0, 58 * 60.0  # a listen key lives an hour

    def __init__(self, url: str, account: Account, key: Request, extension: Request) -> None:
        super().__init__(account.venue, "private", key, extension)
        self._base = url
        self._account = account

    def key_of(self, body: bytes) -> str:
        try:
            return _words(body)["listenKey"]
        except (msgspec.DecodeError, KeyError) as error:
            raise VenueError(self.venue, "unreadable", f"no listen key: {error}", "unknown") from None

    def url_of(self, key: str) -> str:
        return f"{self._base}?listenKey={key}&events={'/'.join(PRIVATE_EVENTS)}"

    def receive(self, frame: bytes, recv: int) -> Sequence[AnyEvent]:
        try:
            said = _envelope(frame)
            events = self._account.private(said.e, frame) if said.e else None
        except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError) as error:
            return self._odd(f"a frame did not fit: {error}")
        if said.e == "listenKeyExpired":
            self.over = "the listen key expired"
        return self._odd(f"unknown event {said.e!r}") if events is None else events


class TradeWebsocket(Standing, OrderSocket):
    """Order entry: each call is signed alone, over its parameters in the order of their names, as they are."""

    channel = "trade"
    heartbeat_s, ping_s, age_most_s = BEAT_S, PING_S, AGE_MOST_S

    def __init__(self, venue: str, url: str, credentials: Credentials, recv_window_ms: int, client: Client) -> None:
        super().__init__(venue, "trade", url)
        self._credentials = credentials
        self._recv_window_ms = recv_window_ms
        self._client = client

    def opened(self) -> Sequence[AnyEvent]:
        super().opened()
        return (FeedStatus(self.venue, "", self.channel, "ok"),)

    def receive(self, frame: bytes, recv: int) -> Sequence[AnyEvent]:
        try:
            answer = _envelope(frame)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            return self._odd(f"a frame did not fit: {error}")
        said = ((pool_of(limit), limit.count) for limit in answer.rateLimits)
        self.budgets += [self._client.budget_of(pool, used) for pool, used in said if pool is not None]
        if answer.id is None:
            return self._odd(f"an answer to nothing: {answer.error}")
        self.answers.append((str(answer.id), frame))
        return ()

    def encode(self, request: Request, request_id: str, now_ms: int) -> bytes:
        """The same parameters as by REST, unquoted."""
        params: dict[str, str | int] = dict(parse_qsl(request.query or request.body.decode(), keep_blank_values=True))
        params["apiKey"] = self._credentials.key.reveal()
        params |= {"recvWindow": self._recv_window_ms, "timestamp": now_ms}
        params["signature"] = socket_signature(self._credentials.secret.reveal(), params)
        return _encode({"id": request_id, "method": request.endpoint.op, "params": params})

    def strike(self, frame: bytes) -> bytes:
        return _strike(rb'"\1":"***"', frame)


def socket_signature(secret: str, params: Mapping[str, str | int]) -> str:
    """https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-api-general-info"""
    return signature(secret, "&".join(f"{name}={params[name]}" for name in sorted(params)))
