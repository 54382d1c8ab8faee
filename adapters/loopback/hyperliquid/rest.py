"""The HTTP side: two paths that take a JSON body, and what goes wrong on them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus

import msgspec
from aiohttp import web

from adapters.loopback.faults import Fault, Faults, Place
from adapters.loopback.hyperliquid.calls import Counter
from adapters.loopback.hyperliquid.refusals import RequestRefusedError


class Rest:
    """Answers HTTP requests; faults know them as `/info/TYPE` and `/exchange/TYPE`."""

    def __init__(self, counter: Counter, faults: Faults, clock: Callable[[], int]) -> None:
        self._counter, self._faults, self._clock = counter, faults, clock

    async def info(self, request: web.Request) -> web.Response:
        """A question."""
        try:
            ask = self._counter.read_ask(await request.read())
        except RequestRefusedError as error:
            return self._refusal(error)
        return await self._answered(
            request, f"/info/{ask.type}", lambda: self._counter.ask(ask, request.remote or "", self._clock())
        )

    async def exchange(self, request: web.Request) -> web.Response:
        """An action."""
        try:
            signed = self._counter.read_action(await request.read())
        except RequestRefusedError as error:
            return self._refusal(error)
        return await self._answered(
            request,
            f"/exchange/{signed.action.word}",
            lambda: self._counter.act(signed, request.remote or "", self._clock()),
        )

    async def _answered(self, request: web.Request, what: str, act: Callable[[], object]) -> web.Response:
        """The answer, with whatever fault is ordered for it."""
        fault = self._faults.ask(Place.REST, what)
        if fault.status and not fault.carried_out:
            return self._failed(fault)
        try:
            response = web.Response(body=msgspec.json.encode(act()), content_type="application/json")
        except RequestRefusedError as error:
            response = self._refusal(error)
        if fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        if fault.status:
            return self._failed(fault)
        if (fault.drop or fault.cut) and request.transport is not None:
            request.transport.abort()
        return response

    @staticmethod
    def _failed(fault: Fault) -> web.Response:
        return web.Response(status=fault.status, text=fault.words or HTTPStatus(fault.status).phrase)

    @staticmethod
    def _refusal(error: RequestRefusedError) -> web.Response:
        return web.Response(status=error.status, text=error.words)
