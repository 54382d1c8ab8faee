"""What only the account's owner connects to: the account's events behind a listen key, and order entry.

https://developers.binance.com/docs/derivatives/usds-margined-futures/user-data-streams, /websocket-api-general-info
"""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

import msgspec

from adapters.base.client import Request
from adapters.base.websocket import OrderSocket
from adapters.binance import wire
from adapters.binance.account import PRIVATE_EVENTS, Account
from adapters.binance.client import budget, pool_of, signature
from adapters.binance.websocket import Stream
from state.errors import TapelineError, VenueError
from state.events import AnyEvent, FeedStatus
from state.secrets import Credentials
from state.words import FeedState

EXTEND_S = 30 * 60.0  # a listen key lives an hour, and an extension is tried again each minute
EXTEND_AGAIN_S = 60.0
KEY_LIFE_S = 58 * 60.0

_envelope = msgspec.json.Decoder(wire.Envelope).decode
_listen_key = msgspec.json.Decoder(wire.ListenKey).decode
_socket_answer = msgspec.json.Decoder(wire.SocketAnswer).decode
_encode = msgspec.json.Encoder().encode
_signed = re.compile(rb'"(apiKey|signature)":"[^"]*"').sub


class PrivateWebsocket(Stream):
    """Orders, fills, positions and balances of one account. Nothing comes on connecting: REST tells what is."""

    private = True
    silence_s = float("inf")

    def __init__(self, url: str, account: Account, key: Request, extension: Request) -> None:
        super().__init__(account.venue, "private")
        self._url = url
        self._account = account
        self._create, self._extend = key, extension
        self._key = ""
        self._made = self._extend_at = 0
        self._is_open = False
        self.url = self.address

    @property
    def address(self) -> str:
        return self._address("***")

    def _address(self, key: str) -> str:
        return f"{self._url}?listenKey={key}&events={'/'.join(PRIVATE_EVENTS)}"

    @property
    def is_ready(self) -> bool:
        return self._is_open

    def opened(self) -> Sequence[AnyEvent]:
        """ "ok" is said by whoever has read by REST what was missed meanwhile."""
        self._is_open = True
        return ()

    def on_disconnect(self, reason: str, status: FeedState = "down") -> Sequence[AnyEvent]:
        self._is_open = False
        self.wanted = [self._create]
        return [self._status(status, reason)]

    def receive(self, frame: bytes, recv: int) -> Sequence[AnyEvent]:
        try:
            return self._event(frame)
        except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError) as error:
            return (self._misfit(error),)

    def _event(self, frame: bytes) -> Sequence[AnyEvent]:
        envelope = _envelope(frame)
        if envelope.stream is not None:
            return self._event(bytes(envelope.data))
        if envelope.e == "listenKeyExpired":
            self.over = "the listen key expired"
            return ()
        events = self._account.private(envelope.e, frame) if envelope.e else None
        if events is None:
            self.suspect = True
            return (self._status("gap", f"unknown event {envelope.e!r}"),)
        return events

    def heartbeat(self, now: int) -> list[bytes]:
        if now >= self._extend_at:
            self._extend_at = now + int(EXTEND_AGAIN_S * 1e9)
            self.wanted.append(self._extend)
        return super().heartbeat(now)

    def answered(self, request: Request, body: bytes, recv: int) -> Sequence[AnyEvent]:
        """The key, or that it lives on. Raises `VenueError` where no key is in the answer."""
        if request is self._create:
            try:
                self._key = _listen_key(body).listenKey
            except msgspec.DecodeError as error:
                raise VenueError(self.venue, "unreadable", f"no listen key: {error}", "unknown") from None
            self.url = self._address(self._key)
        self._made, self._extend_at = recv, recv + int(EXTEND_S * 1e9)
        return ()

    def unanswered(self, request: Request, error: TapelineError) -> Sequence[AnyEvent]:
        """A key that the venue refuses, or that was never extended, is of no more use."""
        if isinstance(error, VenueError) or self._extend_at - self._made >= KEY_LIFE_S * 1e9:
            self.over = f"the listen key could not be extended: {error}"
        return ()

    def strike(self, frame: bytes) -> bytes:
        return frame.replace(self._key.encode(), b"***") if self._key else frame

    def _status(self, status: FeedState, reason: str, symbol: str = "", channel: str = "account") -> FeedStatus:
        return super()._status(status, reason, symbol, channel)


class TradeWebsocket(Stream, OrderSocket):
    """Order entry: each call is signed alone, over its parameters in the order of their names, as they are."""

    silence_s = float("inf")

    def __init__(
        self, venue: str, url: str, credentials: Credentials, recv_window_ms: int, limits: Mapping[str, int]
    ) -> None:
        super().__init__(venue, "trade")
        self.url = url
        self._credentials = credentials
        self._recv_window_ms = recv_window_ms
        self._limits = limits
        self._is_open = False

    @property
    def is_ready(self) -> bool:
        return self._is_open

    def opened(self) -> Sequence[AnyEvent]:
        self._is_open = True
        return (self._status("ok", ""),)

    def on_disconnect(self, reason: str, status: FeedState = "down") -> Sequence[AnyEvent]:
        self._is_open = False
        return [self._status(status, reason)]

    def receive(self, frame: bytes, recv: int) -> Sequence[AnyEvent]:
        try:
            answer = _socket_answer(frame)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            return (self._misfit(error),)
        for limit in answer.rateLimits:
            pool = pool_of(limit)
            if pool is not None:
                self.budgets.append((pool, budget(self._limits[pool], limit.count)))
        if answer.id is not None:
            self.answers.append((str(answer.id), frame))
            return ()
        self.suspect = True
        return (self._status("gap", "an answer to nothing"),)

    def encode(self, request: Request, request_id: str, now_ms: int) -> bytes:
        """The same parameters as by REST, unquoted."""
        form = request.query or request.body.decode()
        params: dict[str, str | int] = dict(parse_qsl(form, keep_blank_values=True))
        params |= {
            "apiKey": self._credentials.key.reveal(), "recvWindow": self._recv_window_ms, "timestamp": now_ms,
        }  # fmt: skip
        params["signature"] = socket_signature(self._credentials.secret.reveal(), params)
        return _encode({"id": request_id, "method": request.endpoint.op, "params": params})

    def strike(self, frame: bytes) -> bytes:
        return _signed(rb'"\1":"***"', frame)


def socket_signature(secret: str, params: Mapping[str, str | int]) -> str:
    """https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-api-general-info#signed-trade-and-user_data-request-security"""
    return signature(secret, "&".join(f"{name}={params[name]}" for name in sorted(params)))
