"""Bybit v5 linear on localhost: one server, its floor, and what a test or the demo may see and do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web

from adapters.loopback.bybit.actions import Actions
from adapters.loopback.bybit.calls import Calls
from adapters.loopback.bybit.holdings import Holdings
from adapters.loopback.bybit.limits import Limiter, RateLimits
from adapters.loopback.bybit.private import PrivateHub
from adapters.loopback.bybit.public import PublicHub
from adapters.loopback.bybit.quotes import Quotes
from adapters.loopback.bybit.rest import Rest
from adapters.loopback.bybit.trade import TradeHub
from adapters.loopback.clock import wall_clock_ms
from adapters.loopback.connection import Connection
from adapters.loopback.faults import Faults, Place
from adapters.loopback.floor import Floor
from adapters.loopback.flow import WARM_UP_STEPS, Flow, warm_up
from adapters.loopback.ledger import Account
from adapters.loopback.symbols import CONTRACTS
from adapters.loopback.truth import BookView, Truth, books_of, truth_of

BEAT_S = 0.01
Hub = PublicHub | PrivateHub | TradeHub


class BybitVenue:
    """A Bybit of one's own.

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
    ) -> None:
        customers = {account.key: account for account in accounts}
        self.faults = faults or Faults()
        self.floor = Floor([CONTRACTS[symbol] for symbol in symbols], customers.values(), seed)
        self.flows = {symbol: Flow(self.floor, symbol, seed) for symbol in self.floor.markets}
        self._flow_per_s, self._clock = flow_per_s, clock
        warm_up(self.floor, self.flows, clock(), warm_up_steps)
        limiter = Limiter(rate_limits or RateLimits())
        actions = Actions(self.floor)
        self._public = PublicHub(self.floor.markets, seed, clock)
        self._private = PrivateHub(self.floor, customers, clock)
        self._holdings = Holdings(self.floor, actions, self._private.push_holdings)
        calls = Calls(actions, self._holdings, limiter)
        self._trade = TradeHub(calls, customers, self.faults, clock)
        quotes = Quotes(self.floor, actions, self._public.book)
        self._rest = Rest(quotes, calls, customers, limiter, self.faults, clock)
        self.floor.listeners += [self._public.heard, self._private.heard]
        self._runner: web.AppRunner | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._address = ""
        self._conn_number = 0

    # -- where it is -------------------------------------------------------------------------------------------------

    @property
    def rest_url(self) -> str:
        return f"http://{self._address}"

    @property
    def public_url(self) -> str:
        return f"ws://{self._address}/v5/public/linear"

    @property
    def private_url(self) -> str:
        return f"ws://{self._address}/v5/private"

    @property
    def trade_url(self) -> str:
        return f"ws://{self._address}/v5/trade"

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listens; port 0 takes any free one."""
        app = web.Application(client_max_size=1 << 20)
        app.router.add_get("/v5/public/linear", self._socket(Place.PUBLIC, self._public))
        app.router.add_get("/v5/private", self._socket(Place.PRIVATE, self._private))
        app.router.add_get("/v5/trade", self._socket(Place.TRADE, self._trade))
        app.router.add_route("*", "/{path:.*}", self._rest.answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound = self._runner.addresses[0]
        self._address = f"{bound[0]}:{bound[1]}"
        self._tasks = [asyncio.create_task(self._beat(), name="loopback-bybit")]

    async def stop(self) -> None:
        """Closes every connection and the port."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        for hub in self._hubs():
            await asyncio.gather(*(connection.close() for connection in list(hub.connections.values())))
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
        """Pushes what the feeds have to say without waiting for their intervals."""
        self._public.tick(self._clock(), all_due=True)

    def pace(self, flow_per_s: float) -> None:
        """How fast its market moves by itself from now on; at 0 it stands still."""
        self._flow_per_s = flow_per_s

    def cut_sockets(self, place: Place) -> int:
        """Resets every connection of a kind and says how many there were."""
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
        hubs: dict[Place, Hub] = {Place.PUBLIC: self._public, Place.PRIVATE: self._private, Place.TRADE: self._trade}
        return list(hubs[place].connections.values())

    def subscribed(self, key: str, topic: str) -> bool:
        """Has the account a private socket that listens to the topic?"""
        return any(
            connection.account is not None and connection.account.key == key and topic in connection.topics
            for connection in self.connections(Place.PRIVATE)
        )

    # -- within ------------------------------------------------------------------------------------------------------

    def _hubs(self) -> tuple[Hub, ...]:
        return self._public, self._private, self._trade

    def _socket(self, place: Place, hub: Hub) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Upgrade", "").lower() != "websocket":
                return await self._rest.answer(request)
            self._conn_number += 1
            connection = Connection(place, f"loopback-{self._conn_number}", self.faults)
            connection.active_ms = self._clock()
            connection.idle_s = active_time_s(request.query.get("max_active_time", ""))
            hub.join(connection)
            try:
                return await connection.serve(request, hub.receive)
            finally:
                hub.leave(connection)

        return serve

    async def _beat(self) -> None:
        """Runs the flow at its rate and the clocks of everything else."""
        owed, before = 0.0, asyncio.get_running_loop().time()
        while True:
            await asyncio.sleep(BEAT_S)
            now_s = asyncio.get_running_loop().time()
            owed = min(owed + (now_s - before) * self._flow_per_s, self._flow_per_s)
            before, now_ms = now_s, self._clock()
            self.floor.tick(now_ms)
            while owed >= 1.0:
                owed -= 1.0
                for flow in self.flows.values():
                    flow.step(now_ms)
            self._public.tick(now_ms)
            self._private.tick(now_ms, self._holdings.cancel_window_s)
            self._cut_idle(now_ms)

    def _cut_idle(self, now_ms: int) -> None:
        """Private and trade sockets that have said nothing for their active time are cut."""
        for hub in (self._private, self._trade):
            for connection in list(hub.connections.values()):
                if now_ms - connection.active_ms > connection.idle_s * 1000:
                    connection.cut()


def active_time_s(text: str) -> float:
    """The `max_active_time` of a socket's URL, as 30s to 600s or in minutes; ten minutes where it is not given."""
    number, unit = text[:-1], text[-1:]
    if not number.isdigit() or unit not in ("s", "m"):
        return 600.0
    return float(min(600, max(30, int(number) * (60 if unit == "m" else 1))))
