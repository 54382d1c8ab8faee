"""The HTTP side: who may make which call, what it weighs, and how answers and errors look."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web

from adapters.loopback.binance import auth, codes
from adapters.loopback.binance.calls import Call, Result, Table
from adapters.loopback.binance.codes import BinanceError
from adapters.loopback.binance.limits import Limiter
from adapters.loopback.binance.params import Params
from adapters.loopback.binance.rows import Said
from adapters.loopback.faults import Fault, Faults, Place
from adapters.loopback.ledger import Account
from adapters.loopback.orders import RefusedError

UNKNOWN_OUTCOME = "Unknown error, please check your request or try again later."
FAULTS: Mapping[int, tuple[int, str]] = {
    HTTPStatus.TOO_MANY_REQUESTS: (codes.TOO_MANY_REQUESTS, "Too many requests."),
    418: (codes.TOO_MANY_REQUESTS, "Way too many requests; banned."),
    HTTPStatus.REQUEST_TIMEOUT: (codes.TIMEOUT, codes.WORDS[codes.TIMEOUT]),
    HTTPStatus.SERVICE_UNAVAILABLE: (codes.UNKNOWN, UNKNOWN_OUTCOME),
}
FAULT_RETRY_S = 1


def failed(fault: Fault) -> BinanceError:
    """The answer that a fault orders instead."""
    code, words = FAULTS.get(fault.status, (codes.UNKNOWN, codes.WORDS[codes.UNKNOWN]))
    retry_after_s = FAULT_RETRY_S if code == codes.TOO_MANY_REQUESTS else 0
    return BinanceError(code, fault.words or words, fault.status, retry_after_s)


class Rest:
    """Answers HTTP requests."""

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

    async def answer(self, request: web.Request) -> web.Response:
        """One request from its bytes to its answer, with whatever fault is ordered for it."""
        body = await request.read()
        path, _, query = request.raw_path.partition("?")
        fault = self._faults.ask(Place.REST, f"{request.method} {path}")
        if fault.status and not fault.carried_out:
            return self._refusal(failed(fault), 0)
        response = self._respond(request, path, query, body)
        if fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        if fault.status:
            return self._refusal(failed(fault), 0)
        if (fault.drop or fault.cut) and request.transport is not None:
            request.transport.abort()
        return response

    def _respond(self, request: web.Request, path: str, query: str, body: bytes) -> web.Response:
        used, now_ms, address = 0, self._clock(), request.remote or ""
        call = self._table.get((request.method, path))
        try:
            if call is None:
                words = f"Path {path}, Method {request.method} is invalid"
                raise BinanceError(codes.NO_SUCH_PATH, words, HTTPStatus.NOT_FOUND)
            form = body.decode("utf-8", "replace")
            params = Params.of_text(query, form)
            used = self._limiter.weigh(address, call.cost(params), now_ms)
            account = self._admit(call, request, query, form, params, now_ms)
            result = carry_out(call, account, params, self._limiter, now_ms)
        except RefusedError as error:
            return self._refusal(codes.refused(error), used)
        except BinanceError as error:
            return self._refusal(error, used)
        headers = {"X-MBX-USED-WEIGHT-1M": str(used)}
        if account is not None and call.orders_1m:
            fast, slow = self._limiter.counts(account.key, now_ms)
            headers |= {"X-MBX-ORDER-COUNT-10S": str(fast), "X-MBX-ORDER-COUNT-1M": str(slow)}
        return web.Response(body=msgspec.json.encode(result), content_type="application/json", headers=headers)

    def _admit(
        self, call: Call, request: web.Request, query: str, form: str, params: Params, now_ms: int
    ) -> Account | None:
        """Who asks, where that matters; raises BinanceError."""
        if call.act is None:
            return None
        account = auth.known(request.headers.get("X-MBX-APIKEY", ""), self._accounts)
        if call.is_signed:
            auth.check_request(account, query, form, params, now_ms)
        return account

    @staticmethod
    def _refusal(error: BinanceError, used: int) -> web.Response:
        headers = {"X-MBX-USED-WEIGHT-1M": str(used)} if used else {}
        if error.retry_after_s:
            headers["Retry-After"] = str(error.retry_after_s)
        body = msgspec.json.encode(Said(error.code, error.words))
        return web.Response(body=body, status=error.status, content_type="application/json", headers=headers)


def carry_out(call: Call, account: Account | None, params: Params, limiter: Limiter, now_ms: int) -> Result:
    """The result of a call that may be made; raises BinanceError and RefusedError."""
    if account is None or call.act is None:
        assert call.answer is not None
        return call.answer(params, now_ms)
    if call.orders_1m:
        limiter.order(account.key, call.orders_10s, call.orders_1m, now_ms)
    return call.act(account, params, now_ms)
