"""Hyperliquid's perpetuals on localhost: one server, its floor, and what a test or the demo may see and do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from aiohttp import web

from adapters.loopback.clock import wall_clock_ms
from adapters.loopback.connection import Connection
from adapters.loopback.faults import Faults, Place
from adapters.loopback.floor import Floor
from adapters.loopback.flow import WARM_UP_STEPS, Flow, warm_up
from adapters.loopback.hyperliquid.actions import Actions
from adapters.loopback.hyperliquid.blocks import Blocks
from adapters.loopback.hyperliquid.calls import Counter, table
from adapters.loopback.hyperliquid.channels import Channels
from adapters.loopback.hyperliquid.contracts import CONTRACTS
from adapters.loopback.hyperliquid.deadline import Deadlines
from adapters.loopback.hyperliquid.holdings import Holdings
from adapters.loopback.hyperliquid.limits import Limiter, RateLimits
from adapters.loopback.hyperliquid.quotes import Quotes
from adapters.loopback.hyperliquid.refusals import RequestRefusedError
from adapters.loopback.hyperliquid.register import Numbers, Register
from adapters.loopback.hyperliquid.rest import Rest
from adapters.loopback.hyperliquid.signatures import Network
from adapters.loopback.hyperliquid.socket_hub import SocketHub
from adapters.loopback.hyperliquid.triggers import Triggers
from adapters.loopback.hyperliquid.wallets import Wallets
from adapters.loopback.ledger import Account
from adapters.loopback.truth import BookView, Truth, books_of, truth_of

BEAT_S = 0.01
FIRST_FUNDING = Decimal("0.0000125")


class HyperliquidVenue:
    """A Hyperliquid of one's own.

    An account's key is its address, its secret the private key of that address or of an agent of it. Signatures of either
    network are taken unless one is named; `masters` says whose sub-accounts some of the accounts are. With `flow_per_s` above
    zero that many steps of order flow a second run by themselves while it is started; else `step` does.
    """

    def __init__(
        self,
        symbols: Iterable[str] = tuple(CONTRACTS),
        seed: int = 1,
        accounts: Iterable[Account] = (),
        rate_limits: RateLimits | None = None,
        flow_per_s: float = 0.0,
        faults: Faults | None = None,
        clock: Callable[[], int] = wall_clock_ms,
        warm_up_steps: int = WARM_UP_STEPS,
        network: Network | None = None,
        masters: Mapping[str, str] | None = None,
    ) -> None:
        customers, limits = list(accounts), rate_limits or RateLimits()
        self.faults, numbers = faults or Faults(), Numbers(seed)
        self.floor = Floor([CONTRACTS[symbol] for symbol in symbols], customers, seed, numbers, keeps_place=False)
        self.flows = {symbol: Flow(self.floor, symbol, seed) for symbol in self.floor.markets}
        self._flow_per_s, self.clock = flow_per_s, clock
        warm_up(self.floor, self.flows, clock(), warm_up_steps)
        for market in self.floor.markets.values():
            market.funding_rate = FIRST_FUNDING
        register, limiter, blocks = Register(), Limiter(limits), Blocks()
        self._blocks = blocks
        self.wallets = Wallets(customers, masters or {}, network, clock())
        self._triggers = Triggers(self.floor, numbers, blocks.heard)
        self._deadlines = Deadlines(self.floor, register, self._triggers, limits.scheduled_cancel_usd)
        actions = Actions(self.floor, self.wallets, self._deadlines, self._triggers)
        quotes = Quotes(self.floor)
        holdings = Holdings(self.floor, register, self.wallets, limiter, self._triggers.all)
        self._holdings = holdings
        counter = Counter(table(quotes, holdings), actions, self.wallets, register, limiter, blocks.gathered)
        self._rest = Rest(counter, self.faults, clock)
        channels = Channels(self.floor.markets, quotes, holdings)
        self._hub = SocketHub(channels, counter, limiter, self.faults, clock)
        self.floor.listeners += [register.heard, blocks.heard]
        blocks.listeners.append(self._hub.heard)
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
        """The one socket there is."""
        return f"ws://{self._address}/ws"

    private_url = trade_url = public_url

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listens; port 0 takes any free one."""
        app = web.Application(client_max_size=1 << 20)
        app.router.add_get("/ws", self._socket)
        app.router.add_post("/info", self._rest.info)
        app.router.add_post("/exchange", self._rest.exchange)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound = self._runner.addresses[0]
        self._address = f"{bound[0]}:{bound[1]}"
        self._tasks = [asyncio.create_task(self._beat(), name="loopback-hyperliquid")]

    async def stop(self) -> None:
        """Closes every connection and the port."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(connection.close() for connection in list(self._hub.connections.values())))
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        for outcome in ended:
            if isinstance(outcome, Exception):
                raise outcome

    # -- what a test may do ------------------------------------------------------------------------------------------

    def unify(self) -> None:
        """From now on accounts keep all their coins together, as their owners may choose."""
        self._holdings.is_unified = True

    def step(self, steps: int = 1) -> None:
        """So many moments of order flow in every symbol, then everything due is pushed."""
        now_ms = self.clock()
        for _ in range(steps):
            for flow in self.flows.values():
                flow.step(now_ms)
        self.publish()

    def publish(self) -> None:
        """Triggers what is to be triggered and pushes what the feeds have to say without waiting for their intervals."""
        self._triggers.tick(self.clock())
        self._hub.tick(self.clock(), all_due=True)

    def tick(self) -> None:
        """Does what the clock asks for: funding, scheduled cancels, trigger orders, feeds, silent sockets."""
        now_ms = self.clock()
        self.floor.tick(now_ms)
        with self._blocks.gathered():
            self._deadlines.tick(now_ms)
        self._triggers.tick(now_ms)
        self._hub.tick(now_ms)

    def pace(self, flow_per_s: float) -> None:
        """How fast its market moves by itself from now on; at 0 it stands still."""
        self._flow_per_s = flow_per_s

    def cut_sockets(self, place: Place) -> int:
        """Resets every connection that is used for a kind and says how many there were."""
        connections = self.connections(place)
        for connection in connections:
            connection.cut()
        return len(connections)

    # -- what a test may see -----------------------------------------------------------------------------------------

    def truth(self, key: str) -> Truth:
        """What the venue knows of the account; of orders that were modified the last under their cloid."""
        return truth_of(self.floor, key)

    @property
    def books(self) -> dict[str, BookView]:
        """The level view of every symbol."""
        return books_of(self.floor)

    def connections(self, place: Place) -> list[Connection]:
        """The open sockets that are used for a kind; one that says nothing yet counts as public."""
        return [c for c in self._hub.connections.values() if place in self._hub.places(c)]

    def subscribed(self, channel: str, name: str = "") -> bool:
        """Does anybody listen to the channel, of a coin or account where one is named?"""
        return self._hub.subscribed(channel, name)

    # -- within ------------------------------------------------------------------------------------------------------

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return web.Response(status=400, text="no WebSocket UPGRADE hdr: None")
        self._conn_number += 1
        connection = Connection(Place.PUBLIC, f"loopback-{self._conn_number}", self.faults)
        connection.active_ms = self.clock()
        try:
            self._hub.join(connection, request.remote or "")
        except RequestRefusedError as error:
            return web.Response(status=error.status, text=error.words)
        try:
            return await connection.serve(request, self._hub.receive)
        finally:
            self._hub.leave(connection)

    async def _beat(self) -> None:
        """Runs the flow at its rate and the clocks of everything else."""
        owed, before = 0.0, asyncio.get_running_loop().time()
        while True:
            await asyncio.sleep(BEAT_S)
            now_s = asyncio.get_running_loop().time()
            owed = min(owed + (now_s - before) * self._flow_per_s, self._flow_per_s)
            before, now_ms = now_s, self.clock()
            while owed >= 1.0:
                owed -= 1.0
                for flow in self.flows.values():
                    flow.step(now_ms)
            self.tick()
