"""The HTTP side: which path is what, who may call it, how often, and OKX's envelope around every answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus

import msgspec
from aiohttp import web

from adapters.loopback.faults import Fault, Faults, Place
from adapters.loopback.ledger import Account
from adapters.loopback.okx import auth, codes
from adapters.loopback.okx.actions import Find
from adapters.loopback.okx.calls import Call, Table
from adapters.loopback.okx.codes import OkxError
from adapters.loopback.okx.commands import Answer, Commands, refusal
from adapters.loopback.okx.limits import PER_ADDRESS, Limiter
from adapters.loopback.okx.params import Params, of_body

FAULT_CODES: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: codes.TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS: codes.TOO_FREQUENT,
    HTTPStatus.INTERNAL_SERVER_ERROR: codes.SYSTEM_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE: codes.UNAVAILABLE,
}
"""What the venue says with a status that a fault asks for."""
SIMULATED = "x-simulated-trading"


class Envelope(msgspec.Struct, gc=False, rename="camel", omit_defaults=True):
    code: str
    data: Sequence[object]
    msg: str
    in_time: str = ""
    out_time: str = ""


def micros() -> str:
    """The gateway's clock in microseconds."""
    return str(time.time_ns() // 1_000)


def failed(fault: Fault) -> Answer:
    """What is answered instead where a fault says so."""
    code = FAULT_CODES.get(fault.status, codes.SYSTEM_ERROR)
    said = OkxError(code, fault.words, fault.status)
    return refusal(said)


class Rest:
    """Answers HTTP requests."""

    def __init__(
        self,
        table: Table,
        commands: Commands,
        find: Find,
        accounts: Mapping[str, Account],
        limiter: Limiter,
        faults: Faults,
        clock: Callable[[], int],
        demo: bool | None,
    ) -> None:
        self._table, self._commands, self._find, self._accounts = table, commands, find, accounts
        self._limiter, self._faults, self._clock, self._demo = limiter, faults, clock, demo
        self._paths = {path for _, path in table}

    async def answer(self, request: web.Request) -> web.Response:
        """One request from its bytes to its answer, with whatever fault is ordered for it."""
        body, came = await request.read(), micros()
        path = request.raw_path.partition("?")[0]
        fault = self._faults.ask(Place.REST, path)
        answer = self._respond(request, path, body) if fault.carried_out or not fault.status else failed(fault)
        if fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        if fault.status:
            answer = failed(fault)
        if (fault.drop or fault.cut) and request.transport is not None:
            request.transport.abort()
        return self._envelope(answer, came)

    def _respond(self, request: web.Request, path: str, body: bytes) -> Answer:
        call = self._table.get((request.method, path))
        if call is None:
            if path in self._paths:
                return refusal(OkxError(codes.BAD_METHOD))
            return Answer("404", [], "Not Found", HTTPStatus.NOT_FOUND)
        try:
            return self._carry_out(request, call, path, body)
        except OkxError as error:
            return refusal(error)

    def _carry_out(self, request: web.Request, call: Call, path: str, body: bytes) -> Answer:
        now_ms, query = self._clock(), request.raw_path.partition("?")[2]
        account = self._who(request, body, now_ms) if call.is_private else None
        who = request.remote or "" if call.quota.scope == PER_ADDRESS or account is None else account.key
        if self._limiter.limits.endpoints and not self._limiter.take((who, path), 1, call.quota, now_ms):
            if call.quota.scope == PER_ADDRESS:
                raise OkxError(codes.TOO_FREQUENT, "Too Many Requests", HTTPStatus.TOO_MANY_REQUESTS)
            raise OkxError(codes.TOO_FREQUENT)
        given: Params | list[Params] = Params.of_query(query)
        if request.method == "POST":
            if "json" not in request.content_type:
                raise OkxError(codes.CONTENT_TYPE)
            given = of_body(body)
        if account is not None and request.method == "POST":
            self._commands.check_permission(account)
        if call.command is not None:
            assert account is not None
            items = given if isinstance(given, list) else [given]
            deadline = request.headers.get("expTime", "")
            return self._commands.carry_out(call.command, account, items, self._find, deadline, now_ms)
        if isinstance(given, list):
            raise OkxError(codes.BAD_JSON)
        if call.answer is not None:
            return Answer(codes.OK, call.answer(given, now_ms))
        assert call.act is not None
        assert account is not None
        return Answer(codes.OK, call.act(account, given, now_ms))

    def _who(self, request: web.Request, body: bytes, now_ms: int) -> Account:
        try:
            text = body.decode()
        except UnicodeDecodeError as error:
            raise OkxError(codes.BAD_JSON) from error
        account = auth.check_request(request.headers, request.method, request.raw_path, text, self._accounts, now_ms)
        if self._demo is not None and self._demo is not (request.headers.get(SIMULATED) == "1"):
            raise OkxError(codes.ENVIRONMENT)
        return account

    @staticmethod
    def _envelope(answer: Answer, came: str) -> web.Response:
        envelope = Envelope(answer.code, answer.data, answer.words)
        if answer.is_timed:
            envelope.in_time, envelope.out_time = came, micros()
        return web.Response(status=answer.status, body=msgspec.json.encode(envelope), content_type="application/json")
