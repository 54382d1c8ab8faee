"""The indexer over HTTP: which path is what, the limit and its headers, and the form of an error."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from http import HTTPStatus

import msgspec
from aiohttp import web

from adapters.loopback.dydx import rows
from adapters.loopback.dydx.limits import Allowance, Limiter
from adapters.loopback.dydx.query import Query, QueryError
from adapters.loopback.dydx.quotes import Quotes
from adapters.loopback.dydx.statements import Statements
from adapters.loopback.faults import Fault, Faults, Place

Call = Callable[[Query, int], msgspec.Struct | list[rows.Order]]


class Problem(msgspec.Struct, gc=False):
    msg: str


class Problems(msgspec.Struct, gc=False):
    errors: list[Problem]


class Rest:
    """Answers requests below /v4."""

    def __init__(
        self, quotes: Quotes, statements: Statements, limiter: Limiter, faults: Faults, clock: Callable[[], int]
    ) -> None:
        self._limiter, self._faults, self._clock = limiter, faults, clock
        paths: dict[str, Call] = {
            "/v4/time": quotes.time,
            "/v4/height": quotes.height,
            "/v4/perpetualMarkets": quotes.markets,
            "/v4/orderbooks/perpetualMarket/{ticker}": quotes.book,
            "/v4/trades/perpetualMarket/{ticker}": quotes.trades,
            "/v4/candles/perpetualMarkets/{ticker}": quotes.candles,
            "/v4/historicalFunding/{ticker}": quotes.funding,
            "/v4/screen": quotes.screen,
            "/v4/compliance/screen/{address}": quotes.compliance,
            "/v4/addresses/{address}": statements.address,
            "/v4/addresses/{address}/subaccountNumber/{subaccountNumber}": statements.subaccount,
            "/v4/addresses/{address}/parentSubaccountNumber/{subaccountNumber}": statements.parent,
            "/v4/perpetualPositions": statements.positions,
            "/v4/perpetualPositions/parentSubaccountNumber": statements.positions,
            "/v4/assetPositions": statements.assets,
            "/v4/assetPositions/parentSubaccountNumber": statements.assets,
            "/v4/orders": statements.orders,
            "/v4/orders/parentSubaccountNumber": statements.orders,
            "/v4/orders/{orderId}": statements.order,
            "/v4/fills": statements.fills,
            "/v4/fills/parentSubaccountNumber": statements.fills,
            "/v4/fundingPayments": statements.funding,
            "/v4/fundingPayments/parentSubaccount": statements.funding,
            "/v4/transfers": statements.transfers,
            "/v4/transfers/parentSubaccountNumber": statements.transfers,
        }
        self._paths = [(re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)), call) for path, call in paths.items()]

    async def answer(self, request: web.Request) -> web.Response:
        """One request with whatever fault is ordered for it."""
        fault = self._faults.ask(Place.REST, request.path)
        if fault.status and not fault.carried_out:
            return _problem(fault.status, fault.words or HTTPStatus(fault.status).phrase)
        response = self._respond(request)
        return await spoil(request, response, fault)

    def _respond(self, request: web.Request) -> web.Response:
        now_ms = self._clock()
        allowance = self._limiter.visit(request.remote or "", now_ms)
        if allowance.remaining < 0:
            response = _problem(HTTPStatus.TOO_MANY_REQUESTS, "Too many requests")
            response.headers["Retry-After"] = str(allowance.reset_ms - now_ms)  # milliseconds, as the indexer has it
        else:
            response = self._found(request, now_ms)
        _mark(response, allowance)
        return response

    def _found(self, request: web.Request, now_ms: int) -> web.Response:
        for pattern, call in self._paths:
            match = pattern.fullmatch(request.path)
            if match is None:
                continue
            if request.method != "GET":
                break
            try:
                answer = call(Query({**request.query, **match.groupdict()}), now_ms)
            except QueryError as error:
                return _problem(error.status, error.words)
            return web.Response(body=msgspec.json.encode(answer), content_type="application/json")
        return _problem(HTTPStatus.NOT_FOUND, "Not Found")


async def spoil(request: web.Request, response: web.Response, fault: Fault) -> web.Response:
    """What becomes of an answer by the fault that is ordered for it."""
    if fault.delay_s:
        await asyncio.sleep(fault.delay_s)
    if fault.status:
        return _problem(fault.status, fault.words or HTTPStatus(fault.status).phrase)
    if (fault.drop or fault.cut) and request.transport is not None:
        request.transport.abort()
    return response


def _problem(status: int, words: str) -> web.Response:
    body = msgspec.json.encode(Problems([Problem(words)]))
    return web.Response(status=status, body=body, content_type="application/json")


def _mark(response: web.Response, allowance: Allowance) -> None:
    if allowance.limit:
        response.headers["RateLimit-Limit"] = str(allowance.limit)
        response.headers["RateLimit-Remaining"] = str(max(0, allowance.remaining))
        response.headers["RateLimit-Reset"] = str(allowance.reset_ms)
