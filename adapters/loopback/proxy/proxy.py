"""The proxy: four doors on localhost (rest, public, private, trade), each led through to a venue's own address."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from yarl import URL

from adapters.loopback.proxy.plan import SPOTS, Plan, Spot, Trouble
from adapters.loopback.proxy.relay import Relay
from adapters.loopback.proxy.weather import Weather

BAN_S = 2
_HOP = frozenset({"host", "connection", "transfer-encoding", "content-length", "keep-alive"})


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where a venue listens."""

    rest_url: str
    public_url: str
    private_url: str
    trade_url: str

    def of(self, spot: Spot) -> str:
        urls: dict[Spot, str] = {
            "rest": self.rest_url,
            "public": self.public_url,
            "private": self.private_url,
            "trade": self.trade_url,
        }
        return urls[spot]


class FaultyWire:
    """Runs a plan on the way to a venue. `step_clock` is told by how many seconds the venue's clock shall jump."""

    def __init__(self, upstream: Upstream, step_clock: Callable[[float], None] = lambda seconds: None) -> None:
        self._upstream = upstream
        self._step_clock = step_clock
        self._runners: list[web.AppRunner] = []
        self._ports: dict[Spot, str] = {}
        self._relays: set[Relay] = set()
        self._session: aiohttp.ClientSession | None = None
        self._troubles: set[asyncio.Task[None]] = set()
        self.weather = Weather(lambda: asyncio.get_running_loop().time())

    async def start(self) -> Upstream:
        """Listens on free ports; where a customer finds the venue now."""
        self._session = aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(total=60))
        for spot in SPOTS:
            app = web.Application(client_max_size=1 << 24)
            app.router.add_route("*", "/{path:.*}", self._door(spot))
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self._runners.append(runner)
            self._ports[spot] = f"127.0.0.1:{runner.addresses[0][1]}"
        led = {spot: urlsplit(self._upstream.of(spot))._replace(netloc=self._ports[spot]).geturl() for spot in SPOTS}
        return Upstream(led["rest"], led["public"], led["private"], led["trade"])

    async def stop(self) -> None:
        """Ends every connection and closes the doors; raises what a trouble's own bug raised."""
        for task in self._troubles:
            task.cancel()
        ended = await asyncio.gather(*self._troubles, return_exceptions=True)
        for relay in list(self._relays):
            relay.reset()
        for runner in self._runners:
            await runner.cleanup()
        if self._session is not None:
            await self._session.close()
        for outcome in ended:
            if isinstance(outcome, Exception):
                raise outcome

    def play(self, plan: Plan) -> None:
        """Lets every trouble begin at its time from now."""
        for trouble in plan.troubles:
            self._troubles.add(asyncio.create_task(self._begin(trouble)))

    async def _begin(self, trouble: Trouble) -> None:
        await asyncio.sleep(trouble.at_s)
        kind, spot = trouble.kind, trouble.spot
        if kind == "clock_step":
            self._step_clock(trouble.for_s)
            self.weather.spent[kind, spot] += 1
            return
        self.weather.arm(trouble)
        if kind in ("cut", "snapshot_lost"):
            self.reset(spot)
        if kind == "cut":
            self.weather.hits("cut", spot)
        if kind == "half_open":
            await asyncio.sleep(trouble.for_s)
            self.reset(spot)
        if kind in ("maintenance", "restart"):
            for each in SPOTS:
                self.reset(each)

    def reset(self, spot: Spot) -> int:
        """Resets every connection of a kind, and says how many there were."""
        hit = [relay for relay in self._relays if relay.spot == spot]
        for relay in hit:
            relay.reset()
        return len(hit)

    # --- within ---

    def _door(self, spot: Spot) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def enter(request: web.Request) -> web.StreamResponse:
            if self.weather.lasts("restart", "rest"):
                return _gone(request)
            if self.weather.lasts("maintenance", "rest"):
                return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, text="under maintenance")
            if request.headers.get("Upgrade", "").lower() == "websocket":
                return await self._relayed(spot, request)
            return await self._answered(spot, request)

        return enter

    async def _relayed(self, spot: Spot, request: web.Request) -> web.StreamResponse:
        assert self._session is not None
        relay = Relay(spot, self.weather)
        self._relays.add(relay)
        try:
            return await relay.run(request, self._session, self._there(spot, request))
        except (aiohttp.ClientError, ConnectionError):
            return _gone(request)
        finally:
            self._relays.discard(relay)

    async def _answered(self, spot: Spot, request: web.Request) -> web.StreamResponse:
        assert self._session is not None
        # A venue whose orders go over HTTP elsewhere (a chain's node) has its replies there.
        here: Spot = "trade" if spot == "trade" else "rest"
        status = self.weather.status()
        if status:
            wait = {"Retry-After": str(BAN_S)} if status in (418, 429) else {}
            return web.Response(status=status, text=HTTPStatus(status).phrase, headers=wait)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        body = await request.read()
        try:
            async with self._session.request(
                request.method, URL(self._there(spot, request), encoded=True), headers=headers, data=body or None
            ) as answer:
                said = await answer.read()
                kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
        except (aiohttp.ClientError, ConnectionError):
            return _gone(request)
        late_s = self.weather.lasts("reply_late", here)
        if late_s:
            await asyncio.sleep(late_s)
        if self.weather.hits("reply_lost", here):
            return _gone(request)
        return web.Response(status=answer.status, body=said, headers=kept)

    def _there(self, spot: Spot, request: web.Request) -> str:
        return urlsplit(self._upstream.of(spot))._replace(path="", query="").geturl() + request.raw_path


def _gone(request: web.Request) -> web.Response:
    """The connection is reset in place of an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=HTTPStatus.BAD_GATEWAY)
