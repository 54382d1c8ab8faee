"""The trade socket: the order calls of REST over one authenticated connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import msgspec

from adapters.loopback.bybit import auth, codes
from adapters.loopback.bybit.calls import EMPTY, Answer, Calls
from adapters.loopback.bybit.codes import BybitError
from adapters.loopback.bybit.limits import Allowance
from adapters.loopback.bybit.params import Params
from adapters.loopback.bybit.replies import TradeHeader, TradeReply, TradeRequest
from adapters.loopback.connection import Connection
from adapters.loopback.faults import Fault, Faults, Place
from adapters.loopback.ledger import Account

OPS = {
    "order.create": "/v5/order/create",
    "order.amend": "/v5/order/amend",
    "order.cancel": "/v5/order/cancel",
    "order.create-batch": "/v5/order/create-batch",
    "order.amend-batch": "/v5/order/amend-batch",
    "order.cancel-batch": "/v5/order/cancel-batch",
}
REQUEST_ID_CHARS = 36
FAULT_CODES = {429: (codes.OVERLOAD, "System level frequency protection")}


class TradeHub:
    """The trade sockets of all accounts."""

    def __init__(self, calls: Calls, accounts: Mapping[str, Account], faults: Faults, clock: Callable[[], int]) -> None:
        self._calls, self._accounts, self._faults, self._clock = calls, accounts, faults, clock
        self.connections: dict[str, Connection] = {}

    def join(self, connection: Connection) -> None:
        self.connections[connection.conn_id] = connection

    def leave(self, connection: Connection) -> None:
        self.connections.pop(connection.conn_id, None)

    def receive(self, connection: Connection, frame: bytes) -> None:
        """Answers one message of a customer."""
        connection.active_ms = now_ms = self._clock()
        try:
            request = msgspec.json.decode(frame, type=TradeRequest)
        except msgspec.DecodeError as error:
            self._say(connection, TradeRequest(), codes.PARAMETER, f"Params Error: {error}")
            return
        if request.op == "ping":
            pong = TradeReply(0, "OK", "pong", connection.conn_id, data=[str(now_ms)])
            connection.send("reply.ping", msgspec.json.encode(pong))
        elif request.op == "auth":
            self._authenticate(connection, request, now_ms)
        else:
            self._order(connection, request, now_ms)

    def _authenticate(self, connection: Connection, request: TradeRequest, now_ms: int) -> None:
        if connection.account is not None:
            self._say(connection, request, codes.ALREADY_AUTHENTICATED, "Repeat auth")
            return
        try:
            args = [msgspec.json.decode(arg) for arg in request.args or []]
            connection.account = auth.check_socket(args, self._accounts, now_ms)
        except BybitError as error:
            self._say(connection, request, error.code, error.words)
            return
        self._say(connection, request, 0, "OK")

    def _order(self, connection: Connection, request: TradeRequest, now_ms: int) -> None:
        fault = self._faults.ask(Place.TRADE, request.op)
        if fault.cut:
            connection.cut()
        elif fault.status and not fault.carried_out:
            self._reply(connection, request, self._failed(fault), fault, now_ms)
        else:
            answer = self._carry_out(connection, request, now_ms)
            self._reply(connection, request, self._failed(fault) if fault.status else answer, fault, now_ms)

    def _carry_out(self, connection: Connection, request: TradeRequest, now_ms: int) -> Answer:
        try:
            account, path = self._admit(connection, request, now_ms)
            params = Params.of_body(bytes(self._only(request)))
        except BybitError as error:
            return Answer(error.code, error.words, EMPTY, EMPTY, Allowance(0, 0, 0, 0))
        return self._calls.carry_out(path, account, params, now_ms)

    @staticmethod
    def _only(request: TradeRequest) -> msgspec.Raw:
        if request.args is None or len(request.args) != 1:
            raise BybitError(codes.PARAMETER, "Params Error: args must hold one object")
        return request.args[0]

    @staticmethod
    def _admit(connection: Connection, request: TradeRequest, now_ms: int) -> tuple[Account, str]:
        """Who asks for what; raises BybitError where they may not."""
        if connection.account is None:
            raise BybitError(codes.NOT_AUTHENTICATED, "User authentication failed.")
        if request.op not in OPS:
            raise BybitError(codes.UNKNOWN_OP, f"op type is not found: {request.op}")
        if len(request.reqId) > REQUEST_ID_CHARS:
            raise BybitError(codes.PARAMETER, f"reqId is longer than {REQUEST_ID_CHARS} characters")
        if request.reqId in connection.in_flight:
            raise BybitError(codes.DUPLICATE_REQUEST, f"reqId is in use: {request.reqId}")
        header = request.header or {}
        stamp = str(header.get("X-BAPI-TIMESTAMP", ""))
        window = str(header.get("X-BAPI-RECV-WINDOW", auth.DEFAULT_RECV_WINDOW_MS))
        auth.check_time(auth.whole(stamp, "X-BAPI-TIMESTAMP"), auth.whole(window, "X-BAPI-RECV-WINDOW"), now_ms)
        return connection.account, OPS[request.op]

    # -- answering ---------------------------------------------------------------------------------------------------

    @staticmethod
    def _failed(fault: Fault) -> Answer:
        code, words = FAULT_CODES.get(fault.status, (codes.SERVER_ERROR, "Server error."))
        return Answer(code, words, EMPTY, EMPTY, Allowance(0, 0, 0, 0))

    def _reply(self, connection: Connection, request: TradeRequest, answer: Answer, fault: Fault, now_ms: int) -> None:
        frame = self._frame(connection, request, answer, now_ms)
        if fault.drop:
            return
        if not fault.delay_s:
            for _ in range(2 if fault.duplicate else 1):
                connection.queue(frame)
            return
        connection.in_flight.add(request.reqId)

        def late() -> None:
            connection.in_flight.discard(request.reqId)
            connection.queue(frame)

        asyncio.get_running_loop().call_later(fault.delay_s, late)

    @staticmethod
    def _frame(connection: Connection, request: TradeRequest, answer: Answer, now_ms: int) -> bytes:
        allowance, header = answer.allowance, TradeHeader(str(now_ms))
        if allowance.limit:
            header.limit, header.remaining = str(allowance.limit), str(allowance.remaining)
            header.reset = str(allowance.reset_ms)
        reply = TradeReply(
            answer.code,
            answer.words,
            request.op,
            connection.conn_id,
            request.reqId or msgspec.UNSET,
            answer.result,
            answer.extra,
            header,
        )
        return msgspec.json.encode(reply)

    @staticmethod
    def _say(connection: Connection, request: TradeRequest, code: int, words: str) -> None:
        reply = TradeReply(code, words, request.op, connection.conn_id, request.reqId or msgspec.UNSET)
        connection.send(f"reply.{request.op}", msgspec.json.encode(reply))
