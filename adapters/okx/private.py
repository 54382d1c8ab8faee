"""What only the account's owner connects to: the account's streams, and order entry. Both log in, on connections of their own.

https://www.okx.com/docs-v5/en/#overview-websocket-login
"""

import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence

import msgspec

from adapters.base.client import Request
from adapters.base.logged_in import LoggedIn
from adapters.base.mac import Mac
from adapters.base.websocket import OrderSocket
from adapters.okx import wire
from adapters.okx.account import PRIVATE_CHANNELS, Account
from adapters.okx.client import signature
from adapters.okx.endpoints import Endpoints
from adapters.okx.websocket import BEAT_S, PING, PONG
from state.errors import TapelineError
from state.events import AnyEvent
from state.secrets import Credentials

COUNT = "channel-conn-count"  # how many connections of the account listen to a channel

_envelope = msgspec.json.Decoder(wire.Envelope).decode
_encode = msgspec.json.Encoder().encode
_strike = re.compile(rb'"(apiKey|passphrase|sign)":"[^"]*"').sub
_market = re.compile(rb'"instId":"([^"]*)"').sub


class Private(LoggedIn):
    """What both have in common: the login, and the venue's word that it is about to close the connection."""

    heartbeat_s, ping, pong = BEAT_S, PING, PONG

    def __init__(self, venue: str, name: str, url: str, credentials: Credentials) -> None:
        super().__init__(venue, name, url)
        self._credentials = credentials

    def login(self, now: int) -> bytes:
        """Good for 30 s."""
        keys, stamp = self._credentials, str(now // 1_000_000_000)
        sign = signature(Mac(keys.secret.reveal().encode()), f"{stamp}GET/users/self/verify".encode())
        words = {"apiKey": keys.key.reveal(), "passphrase": keys.passphrase.reveal(), "timestamp": stamp, "sign": sign}
        return _encode({"op": "login", "args": [words]})

    def strike(self, frame: bytes) -> bytes:
        return _strike(rb'"\1":"***"', frame) if b'"login"' in frame else frame

    @abstractmethod
    def entered(self) -> Sequence[AnyEvent]:
        """The login was taken."""

    @abstractmethod
    def told(self, said: wire.Envelope, frame: bytes) -> Sequence[AnyEvent]:
        """What is neither login nor heartbeat."""

    def read(self, frame: bytes) -> Sequence[AnyEvent]:
        said = _envelope(frame)
        if said.event == "login" and said.code == "0":
            self._is_open = True
            return self.entered()
        if said.event == "notice":
            self.over = f"{said.code} {said.msg}"
        elif said.event == "error" and not self._is_open:
            self.over = f"login refused: {said.code} {said.msg}"
            return (self._said("down", self.over),)
        elif said.event != COUNT:
            return self.told(said, frame)
        return ()


class PrivateWebsocket(Private):
    """Orders, positions, balances. Orders come without a snapshot; that funding was paid is told, how much only REST says."""

    channel = "account"

    def __init__(self, url: str, account: Account, credentials: Credentials, kind: str, funding: Request) -> None:
        super().__init__(account.venue, "private", url, credentials)
        self._account = account
        self._funding = funding
        kinds = {"orders": {"instType": kind}, "positions": {"instType": kind}}
        self._args = [{"channel": name, **kinds.get(name, {})} for name in PRIVATE_CHANNELS]
        self._missing = set(PRIVATE_CHANNELS)

    @property
    def is_ready(self) -> bool:
        return self._is_open and not self._missing

    def entered(self) -> Sequence[AnyEvent]:
        self._missing = set(PRIVATE_CHANNELS)
        self.outbox.append(_encode({"id": "1", "op": "subscribe", "args": self._args}))
        return ()

    def told(self, said: wire.Envelope, frame: bytes) -> Sequence[AnyEvent]:
        name = "" if said.arg is None else said.arg.channel
        if said.event == "subscribe":
            self._missing.discard(name)
            return ()  # "ok" is said by whoever has read by REST what was missed meanwhile
        if said.event in ("error", f"{COUNT}-error"):
            self.suspect = True
            return (self._said("down", f"refused: {said.code} {said.msg}".strip()),)
        events = self._account.private(name, frame) if name and not said.event else None
        if events is None:
            return self._odd(f"unknown topic {name!r}" if name else f"neither a topic nor an answer: {said.event!r}")
        if self._account.is_funded:
            self._account.is_funded = False
            self.wanted.append(self._funding)
        return events

    def answered(self, request: Request, body: bytes, recv: int) -> Sequence[AnyEvent]:
        """The payments that the stream did not tell yet."""
        try:
            return self._account.funded_by(body)
        except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError) as error:
            return self._odd(f"an answer did not fit: {error}")

    def unanswered(self, request: Request, error: TapelineError) -> Sequence[AnyEvent]:
        """Then the account is read anew, funding and all."""
        return (self._said("gap", f"funding was paid, and how much could not be asked: {error}"),)


class TradeWebsocket(Private, OrderSocket):
    """Order entry: REST's own rows, where a market is named by its code.

    https://www.okx.com/docs-v5/en/#order-book-trading-trade-ws-place-order
    """

    channel = "trade"

    def __init__(
        self, venue: str, url: str, credentials: Credentials, codes: Mapping[str, int], expires_ms: int = 5_000
    ) -> None:
        super().__init__(venue, "trade", url, credentials)
        self._codes = codes
        self._expires_ms = expires_ms

    def entered(self) -> Sequence[AnyEvent]:
        return (self._said("ok"),)

    def told(self, said: wire.Envelope, frame: bytes) -> Sequence[AnyEvent]:
        if said.id and said.code:
            self.answers.append((said.id, frame))
            return ()
        return self._odd(f"an answer to nothing: {said.code} {said.msg}")

    def encode(self, request: Request, request_id: str, now_ms: int) -> bytes:
        op, path = request.endpoint.op, request.endpoint.path
        expires = f'"expTime":"{now_ms + self._expires_ms}",' if path in Endpoints.EXPIRING else ""
        body = _market(lambda found: b'"instIdCode":%d' % self._codes[found[1].decode()], request.body)
        args = body if body.startswith(b"[") else b"[" + body + b"]"
        return f'{{"id":"{request_id}","op":"{op}",{expires}"args":'.encode() + args + b"}"
