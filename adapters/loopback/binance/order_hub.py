"""The order socket (`ws-fapi`): the calls of REST, each signed for itself, over one connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

import msgspec

from adapters.loopback.binance import auth, codes
from adapters.loopback.binance.calls import SOCKET_METHODS, Result, Table
from adapters.loopback.binance.codes import BinanceError
from adapters.loopback.binance.limits import Limiter, RateLimit
from adapters.loopback.binance.params import Params, worded
from adapters.loopback.binance.rest import carry_out, failed
from adapters.loopback.binance.rows import Row, Said
from adapters.loopback.connection import Connection
from adapters.loopback.faults import Fault, Faults, Place
from adapters.loopback.ledger import Account
from adapters.loopback.orders import RefusedError

HANDSHAKE_WEIGHT = 5
MINUTE_MS = 60_000


class Reply(msgspec.Struct, gc=False, rename="camel", omit_defaults=True):
    id: int | str | None
    status: int
    result: Result | None = None
    error: Said | None = None
    rate_limits: list[RateLimit] | None = None


class SessionStatus(Row):
    api_key: str | None
    authorized_since: int | None
    connected_since: int
    return_rate_limits: bool
    server_time: int


@dataclass(slots=True)
class Request:
    """A message of a customer, its parameters as text."""

    id: int | str | None
    method: str
    params: Params


@dataclass(slots=True)
class Line:
    """One order socket."""

    address: str
    tells_limits: bool
    since_ms: int


class OrderHub:
    """The order sockets of all accounts."""

    def __init__(
        self,
        table: Table,
        accounts: Mapping[str, Account],
        limiter: Limiter,
        faults: Faults,
        clock: Callable[[], int],
    ) -> None:
        self._table, self._accounts, self._limiter = table, accounts, limiter
        self._faults, self._clock = faults, clock
        self._lines: dict[str, Line] = {}
        self.connections: dict[str, Connection] = {}

    def join(self, connection: Connection, address: str, tells_limits: bool) -> None:
        """Takes a socket in; raises BinanceError where its address has no weight left for the handshake."""
        now_ms = self._clock()
        self._limiter.weigh(address, HANDSHAKE_WEIGHT, now_ms)
        self.connections[connection.conn_id] = connection
        self._lines[connection.conn_id] = Line(address, tells_limits, now_ms)

    def leave(self, connection: Connection) -> None:
        self.connections.pop(connection.conn_id, None)
        self._lines.pop(connection.conn_id, None)

    def receive(self, connection: Connection, frame: bytes) -> None:
        """Answers one message of a customer."""
        line = self._lines[connection.conn_id]
        try:
            request = read(frame)
        except ValueError as error:
            refused = Said(codes.MANDATORY, f"Malformed request: {error}")
            self._send(connection, Reply(None, HTTPStatus.BAD_REQUEST, error=refused), Fault())
            return
        fault = self._faults.ask(Place.TRADE, request.method)
        if fault.cut:
            connection.cut()
            return
        reply = None if fault.status and not fault.carried_out else self._reply(connection, line, request)
        if fault.status or reply is None:
            said = failed(fault)
            reply = Reply(request.id, said.status, error=Said(said.code, said.words))
        self._send(connection, reply, fault)

    def _reply(self, connection: Connection, line: Line, request: Request) -> Reply:
        now_ms, params = self._clock(), request.params
        account: Account | None = None
        reply = Reply(request.id, HTTPStatus.OK)
        try:
            if request.id is not None and str(request.id) in connection.in_flight:
                raise BinanceError(codes.BAD_PARAMETER, f"Request id {request.id} is in use.")
            if request.method.startswith("session."):
                reply.result = self._session(line, request, now_ms)
            else:
                call = self._table.get(SOCKET_METHODS.get(request.method, ("", "")))
                if call is None:
                    raise BinanceError(codes.UNKNOWN, f"Unknown method {request.method}.")
                self._limiter.weigh(line.address, call.cost(params), now_ms)
                if call.act is not None:
                    account = self._admit(params, call.is_signed, now_ms)
                reply.result = carry_out(call, account, params, self._limiter, now_ms)
        except RefusedError as refusal:
            error = codes.refused(refusal)
            reply.status, reply.error = error.status, Said(error.code, error.words)
        except BinanceError as error:
            reply.status, reply.error = error.status, Said(error.code, error.words)
        if line.tells_limits and params.text("returnRateLimits", "true") == "true":
            reply.rate_limits = self._limiter.used(line.address, account.key if account else "", now_ms)
        return reply

    def _admit(self, params: Params, is_signed: bool, now_ms: int) -> Account:
        if is_signed:
            return auth.check_call(params, self._accounts, now_ms)
        return auth.known(params.text("apiKey", ""), self._accounts)

    def _session(self, line: Line, request: Request, now_ms: int) -> SessionStatus:
        """Logging on is for Ed25519 keys, and this venue's customers have HMAC keys."""
        if request.method == "session.logon":
            self._admit(request.params, True, now_ms)
            raise BinanceError(codes.KEY_KIND)
        return SessionStatus(None, None, line.since_ms, line.tells_limits, now_ms)

    @staticmethod
    def _send(connection: Connection, reply: Reply, fault: Fault) -> None:
        frame = msgspec.json.encode(reply)
        if fault.drop:
            return
        if not fault.delay_s:
            for _ in range(2 if fault.duplicate else 1):
                connection.queue(frame)
            return
        name = str(reply.id)
        connection.in_flight.add(name)

        def late() -> None:
            connection.in_flight.discard(name)
            connection.queue(frame)

        asyncio.get_running_loop().call_later(fault.delay_s, late)


def read(frame: bytes) -> Request:
    """A message out of its bytes, floats as they were written; raises ValueError."""
    message = json.loads(frame, parse_float=str)
    if not isinstance(message, dict):
        raise ValueError("not an object")
    request_id, method, params = message.get("id"), message.get("method"), message.get("params", {})
    if not isinstance(method, str) or not isinstance(params, dict):
        raise ValueError("method must be a string and params an object")
    if not isinstance(request_id, int | str | None):
        raise ValueError("id must be an integer, a string or null")
    return Request(request_id, method, Params({key: worded(value) for key, value in params.items()}))
