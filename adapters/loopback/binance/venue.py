"""Binance USD-M futures, or the public side of spot, on localhost: one server, its floor, and what a test may see and do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web

from adapters.loopback.binance.actions import Actions
from adapters.loopback.binance.algo import Algos
from adapters.loopback.binance.calls import futures_table, spot_table
from adapters.loopback.binance.codes import BinanceError
from adapters.loopback.binance.feeds import Desk
from adapters.loopback.binance.holdings import Holdings
from adapters.loopback.binance.limits import Limiter, RateLimits
from adapters.loopback.binance.market_hub import MarketHub
from adapters.loopback.binance.order_hub import OrderHub
from adapters.loopback.binance.pulse import Pulse
from adapters.loopback.binance.quotes import Quotes
from adapters.loopback.binance.register import Numbers, Register, UpdateIds
from adapters.loopback.binance.rest import Rest
from adapters.loopback.binance.streams import Lane
from adapters.loopback.binance.tape import Tape
from adapters.loopback.binance.user_hub import UserHub
from adapters.loopback.clock import wall_clock_ms
from adapters.loopback.connection import Connection
from adapters.loopback.faults import Faults, Place
from adapters.loopback.floor import Floor
from adapters.loopback.flow import WARM_UP_STEPS, Flow, warm_up
from adapters.loopback.ledger import Account
from adapters.loopback.symbols import CONTRACTS
from adapters.loopback.truth import BookView, Truth, books_of, truth_of

BEAT_S = 0.01
SOCKETS = (Place.PUBLIC, Place.PRIVATE, Place.TRADE)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BinanceVenue:
    """A Binance of one's own: the USD-M futures, or with `spot` the market data of spot.

    With `flow_per_s` above zero that many steps of order flow a second run by themselves while it is started; else `step` does.
    """

    def __init__(
        self,
        symbols: Iterable[str] = ("BTCUSDT", "ETHUSDT", "SOLUSDT"),
        seed: int = 1,
        accounts: Iterable[Account] = (),
        rate_limits: RateLimits | None = None,
        flow_per_s: float = 0.0,
        faults: Faults | None = None,
        clock: Callable[[], int] = wall_clock_ms,
        warm_up_steps: int = WARM_UP_STEPS,
        spot: bool = False,
    ) -> None:
        customers = {account.key: account for account in accounts}
        limits = rate_limits or RateLimits()
        self.faults = faults or Faults()
        self.spot = spot
        contracts = [CONTRACTS[symbol] for symbol in symbols]
        self.floor = Floor(contracts, customers.values(), seed, Numbers(), keeps_place=False)
        self.flows = {symbol: Flow(self.floor, symbol, seed) for symbol in self.floor.markets}
        self._flow_per_s, self._clock = flow_per_s, clock
        ids = UpdateIds(shared=not spot, symbols=list(self.floor.markets))
        desk = Desk(self.floor.markets, ids, {symbol: Tape() for symbol in self.floor.markets}, spot)
        self._market = MarketHub(desk, clock, limits.messages_per_s)
        self.floor.listeners += [ids.heard, self._market.heard]
        warm_up(self.floor, self.flows, clock(), warm_up_steps)
        register, limiter = Register(), Limiter(limits)
        actions = Actions(self.floor, register)
        self._users = UserHub(self.floor, register, customers, clock, limits.messages_per_s)
        self._holdings = Holdings(self.floor, register, actions, limiter, self._users.leverage_changed)
        self._algos = Algos(self.floor, actions, self._users.push, clock)
        quotes = Quotes(self.floor, ids, desk.tapes, limiter, spot)
        table = spot_table(quotes) if spot else futures_table(quotes, actions, self._holdings, self._algos, self._users)
        self._rest = Rest(table, customers, limiter, self.faults, clock)
        self._orders = OrderHub(table, customers, limiter, self.faults, clock)
        self.floor.listeners += [register.heard, self._users.heard, self._algos.heard]
        self._pulse = Pulse()
        self._runner: web.AppRunner | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._address = ""
        self._conn_number = 0

    # -- where it is -------------------------------------------------------------------------------------------------

    @property
    def rest_url(self) -> str:
        return f"http://{self._address}"

    @property
    def stream_url(self) -> str:
        """The host of the streams; `/public`, `/market` and `/private` follow, then `/ws` or `/stream`."""
        return f"ws://{self._address}"

    @property
    def public_url(self) -> str:
        """Where books and trades are, raw."""
        return f"ws://{self._address}/ws" if self.spot else f"ws://{self._address}/public/ws"

    @property
    def private_url(self) -> str:
        return f"ws://{self._address}/private/ws"

    @property
    def trade_url(self) -> str:
        return f"ws://{self._address}/ws-fapi/v1"

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listens; port 0 takes any free one."""
        app = web.Application(client_max_size=1 << 20)
        lanes = [("", Lane.PUBLIC)] if self.spot else [("", Lane.PUBLIC), *((f"/{lane}", lane) for lane in Lane)]
        for prefix, lane in lanes:
            for form in ("ws", "stream"):
                app.router.add_get(f"{prefix}/{form}", self._stream(lane, combined=form == "stream"))
                app.router.add_get(f"{prefix}/{form}/{{names:.+}}", self._stream(lane, combined=form == "stream"))
        if not self.spot:
            app.router.add_get("/ws-fapi/v1", self._order_socket)
        app.router.add_route("*", "/{path:.*}", self._rest.answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound = self._runner.addresses[0]
        self._address = f"{bound[0]}:{bound[1]}"
        self._tasks = [asyncio.create_task(self._beat(), name="loopback-binance")]

    async def stop(self) -> None:
        """Closes every connection and the port."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        for place in SOCKETS:
            await asyncio.gather(*(connection.close() for connection in self.connections(place)))
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        for outcome in ended:
            if isinstance(outcome, Exception):
                raise outcome

    # -- what a test may do ------------------------------------------------------------------------------------------

    def step(self, steps: int = 1) -> None:
        """So many moments of order flow in every symbol, then everything due is pushed."""
        now_ms = self._clock()
        for _ in range(steps):
            for flow in self.flows.values():
                flow.step(now_ms)
        self.publish()

    def publish(self) -> None:
        """Triggers what is to be triggered and pushes what the feeds have to say without waiting for their intervals."""
        now_ms = self._clock()
        self._algos.tick(now_ms)
        self._market.tick(now_ms, all_due=True)

    def tick(self) -> None:
        """Does what the clock asks for: funding, countdowns, what has expired, conditional orders, feeds, pings."""
        now_ms = self._clock()
        self.floor.tick(now_ms)
        self._holdings.tick(now_ms)
        self._algos.tick(now_ms)
        self._users.expire(now_ms)
        self._market.tick(now_ms)
        self._pulse.tick([c for place in SOCKETS for c in self.connections(place)], now_ms)

    def pace(self, flow_per_s: float) -> None:
        """How fast its market moves by itself from now on; at 0 it stands still."""
        self._flow_per_s = flow_per_s

    def cut_sockets(self, place: Place) -> int:
        """Resets every connection of a kind and says how many there were; the market sockets are public ones."""
        connections = self.connections(place)
        for connection in connections:
            connection.cut()
        return len(connections)

    # -- what a test may see -----------------------------------------------------------------------------------------

    def truth(self, key: str) -> Truth:
        """What the venue knows of the account."""
        return truth_of(self.floor, key)

    @property
    def books(self) -> dict[str, BookView]:
        """The level view of every symbol."""
        return books_of(self.floor)

    def connections(self, place: Place) -> list[Connection]:
        """The sockets of a kind that are open now."""
        if place is Place.TRADE:
            return list(self._orders.connections.values())
        hub = self._users if place is Place.PRIVATE else self._market
        return [session.connection for session in hub.sessions.values()]

    def subscribed(self, key: str) -> bool:
        """Does anybody listen to the account's user data?"""
        return bool(self._users.listeners(key))

    def streams(self) -> set[str]:
        """The market streams that somebody hears now."""
        return self._market.streams()

    # -- within ------------------------------------------------------------------------------------------------------

    def _connection(self, place: Place) -> Connection:
        self._conn_number += 1
        return Connection(place, f"loopback-{self._conn_number}", self.faults)

    def _stream(self, lane: Lane, combined: bool) -> Handler:
        """The handler of a path; streams may be named in it, after `/ws` by slashes or after `/stream` as a parameter."""

        async def serve(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Upgrade", "").lower() != "websocket":
                return await self._rest.answer(request)
            query = request.query
            given = request.match_info.get("names", "") or query.get("streams", "")
            names = [name for name in given.split("/") if name]
            if lane is Lane.PRIVATE:
                connection = self._connection(Place.PRIVATE)
                keys = names + ([query["listenKey"]] if "listenKey" in query else [])
                self._users.join(connection, combined, keys, filter(None, query.get("events", "").split("/")))
                hub: UserHub | MarketHub = self._users
            else:
                connection = self._connection(Place.PUBLIC)
                self._market.join(connection, lane, combined, names)
                hub = self._market
            try:
                return await connection.serve(request, hub.receive)
            finally:
                hub.leave(connection)

        return serve

    async def _order_socket(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return await self._rest.answer(request)
        connection = self._connection(Place.TRADE)
        try:
            self._orders.join(connection, request.remote or "", request.query.get("returnRateLimits", "true") == "true")
        except BinanceError as error:
            return web.Response(status=error.status, headers={"Retry-After": str(error.retry_after_s)})
        try:
            return await connection.serve(request, self._orders.receive)
        finally:
            self._orders.leave(connection)

    async def _beat(self) -> None:
        """Runs the flow at its rate and the clocks of everything else."""
        owed, before = 0.0, asyncio.get_running_loop().time()
        while True:
            await asyncio.sleep(BEAT_S)
            now_s = asyncio.get_running_loop().time()
            owed = min(owed + (now_s - before) * self._flow_per_s, self._flow_per_s)
            before, now_ms = now_s, self._clock()
            while owed >= 1.0:
                owed -= 1.0
                for flow in self.flows.values():
                    flow.step(now_ms)
            self.tick()
