"""The HTTP side: which path is what, who may call it, and Bybit's envelope around every answer."""

# ruff: noqa: N815
# The field names are the venue's own.

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web

from adapters.loopback.bybit import auth
from adapters.loopback.bybit.calls import EMPTY, Answer, Calls
from adapters.loopback.bybit.codes import BybitError
from adapters.loopback.bybit.limits import Allowance, Limiter
from adapters.loopback.bybit.params import Params
from adapters.loopback.bybit.quotes import Quotes
from adapters.loopback.faults import Fault, Faults, Place
from adapters.loopback.ledger import Account

PublicCall = Callable[[Params, int], msgspec.Struct]
NO_LIMIT = Allowance(1, 0, 0, 0)


class Envelope(msgspec.Struct, gc=False):
    retCode: int
    retMsg: str
    result: msgspec.Struct
    retExtInfo: msgspec.Struct
    time: int


class Rest:
    """Answers HTTP requests."""

    def __init__(
        self,
        quotes: Quotes,
        calls: Calls,
        accounts: Mapping[str, Account],
        limiter: Limiter,
        faults: Faults,
        clock: Callable[[], int],
    ) -> None:
        self._calls, self._accounts, self._limiter, self._faults, self._clock = calls, accounts, limiter, faults, clock
        self._public: Mapping[str, PublicCall] = {
            "/v5/market/time": quotes.time,
            "/v5/market/instruments-info": quotes.instruments,
            "/v5/market/orderbook": quotes.orderbook,
            "/v5/market/recent-trade": quotes.trades,
            "/v5/market/kline": quotes.klines,
            "/v5/market/tickers": quotes.tickers,
            "/v5/market/funding/history": quotes.funding_history,
            "/v5/market/price-limit": quotes.price_limit,
        }

    async def answer(self, request: web.Request) -> web.Response:
        """One request from its bytes to its answer, with whatever fault is ordered for it."""
        body = await request.read()
        path = request.raw_path.partition("?")[0]
        if not self._limiter.visit(request.remote or "", self._clock()):
            return web.Response(status=HTTPStatus.FORBIDDEN, text="access too frequent")
        fault = self._faults.ask(Place.REST, path)
        if fault.status and not fault.carried_out:
            return web.Response(status=fault.status, text=HTTPStatus(fault.status).phrase)
        response = self._respond(request, path, body)
        return await self._spoil(request, response, fault)

    @staticmethod
    async def _spoil(request: web.Request, response: web.Response, fault: Fault) -> web.Response:
        if fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        if fault.status:
            return web.Response(status=fault.status, text=HTTPStatus(fault.status).phrase)
        if (fault.drop or fault.cut) and request.transport is not None:
            request.transport.abort()
        return response

    def _respond(self, request: web.Request, path: str, body: bytes) -> web.Response:
        query = request.raw_path.partition("?")[2]
        if request.method == "GET" and body:
            return web.Response(status=HTTPStatus.FORBIDDEN, text="a GET must not carry a body")
        public, call = self._public.get(path), self._calls.table.get(path)
        now_ms = self._clock()
        if public is not None and request.method == "GET":
            return self._envelope(self._quote(public, query, now_ms), now_ms)
        if call is None or call.method != request.method:
            return web.Response(status=HTTPStatus.NOT_FOUND, text="not found")
        try:
            payload = query if call.method == "GET" else body.decode()
            account = auth.check_request(request.headers, payload, self._accounts, now_ms)
            params = Params.of_query(query) if call.method == "GET" else Params.of_body(body)
        except auth.MissingHeadersError:
            return web.Response(status=HTTPStatus.UNAUTHORIZED)
        except UnicodeDecodeError:
            return web.Response(status=HTTPStatus.BAD_REQUEST)
        except BybitError as error:
            return self._envelope(Answer(error.code, error.words, EMPTY, EMPTY, NO_LIMIT), now_ms)
        return self._envelope(self._calls.carry_out(path, account, params, now_ms), now_ms)

    @staticmethod
    def _quote(call: PublicCall, query: str, now_ms: int) -> Answer:
        try:
            return Answer(0, "OK", call(Params.of_query(query), now_ms), EMPTY, NO_LIMIT)
        except BybitError as error:
            return Answer(error.code, error.words, EMPTY, EMPTY, NO_LIMIT)

    @staticmethod
    def _envelope(answer: Answer, now_ms: int) -> web.Response:
        allowance = answer.allowance
        headers = {"Traceid": "loopback", "Timenow": str(now_ms)}
        if allowance.limit:
            headers |= {
                "X-Bapi-Limit": str(allowance.limit),
                "X-Bapi-Limit-Status": str(allowance.remaining),
                "X-Bapi-Limit-Reset-Timestamp": str(allowance.reset_ms),
            }
        envelope = Envelope(answer.code, answer.words, answer.result, answer.extra, now_ms)
        return web.Response(body=msgspec.json.encode(envelope), content_type="application/json", headers=headers)
