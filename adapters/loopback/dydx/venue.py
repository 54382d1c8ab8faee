"""dYdX v4 on localhost: an indexer and a chain node on one port, and what a test may see and do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal

from aiohttp import web

from adapters.loopback.clock import wall_clock_ms
from adapters.loopback.connection import Connection
from adapters.loopback.dydx.ante import Ante
from adapters.loopback.dydx.book_feed import BookFeed
from adapters.loopback.dydx.chain import Chain
from adapters.loopback.dydx.channels import Channels
from adapters.loopback.dydx.checks import Checks
from adapters.loopback.dydx.contracts import CONTRACTS, TERMS
from adapters.loopback.dydx.grpc_node import GrpcNode
from adapters.loopback.dydx.ids import FloorIds
from adapters.loopback.dydx.limits import Limiter, RateLimits
from adapters.loopback.dydx.messages import Subaccount
from adapters.loopback.dydx.node import Node
from adapters.loopback.dydx.quotes import Quotes
from adapters.loopback.dydx.records import Indexer
from adapters.loopback.dydx.rest import Rest
from adapters.loopback.dydx.sockets import Hub
from adapters.loopback.dydx.statements import Statements
from adapters.loopback.faults import Faults, Place
from adapters.loopback.floor import Floor
from adapters.loopback.flow import WARM_UP_STEPS, Flow, warm_up
from adapters.loopback.ledger import Account
from adapters.loopback.orders import ZERO
from adapters.loopback.truth import BookView, Truth, books_of, truth_of

FIRST_HEIGHT = 66_624_000
BEAT_S = 0.01
MONEY_STEP = Decimal("0.000001")
CHAIN_ID = "localdydxprotocol"


class DydxVenue:
    """A dYdX of one's own.

    An account's key is its address, its secret the private key in hexadecimal or the mnemonic. With `flow_per_s` above zero that
    many steps of order flow a second run by themselves while it is started; else `step` does. A block is made every `block_ms`,
    with zero only by `make_block`. With `crosses` the published books are crossed now and then, as the real ones are.
    `client_name` is what the truth calls an order, of its client id and client metadata.
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
        block_ms: int = 1_000,
        short_block_window: int = 20,
        expiry_notice_blocks: int = 5,
        crosses: bool = False,
        chain_id: str = CHAIN_ID,
        client_name: Callable[[int, int], str] = lambda client_id, _: str(client_id),
    ) -> None:
        customers = [replace(account, money_step=MONEY_STEP) for account in accounts]
        limits, tickers = rate_limits or RateLimits(), tuple(symbols)
        self.faults, self.chain_id = faults or Faults(), chain_id
        ids, height = FloorIds(FIRST_HEIGHT + 1), FIRST_HEIGHT
        self.floor = Floor([CONTRACTS[ticker] for ticker in tickers], customers, seed, ids, keeps_place=False)
        self.flows = {ticker: Flow(self.floor, ticker, seed) for ticker in tickers}
        self._clock, self._flow_per_s = clock, flow_per_s
        self.block_ms = block_ms
        """May be set while it runs; zero halts the chain."""
        self._indexer = Indexer(self.floor.markets, ids, expiry_notice_blocks, height)
        checks = Checks((TERMS[ticker] for ticker in tickers), short_block_window)
        ante = Ante(customers, chain_id)
        self.chain = Chain(self.floor, ids, ante, checks, self._indexer, limits, height, client_name)
        for account in customers:
            self.chain.open(Subaccount(account.key, 0), account)
        warm_up(self.floor, self.flows, clock(), warm_up_steps, self.chain.make_block)
        books = {ticker: BookFeed(market, crosses, seed) for ticker, market in self.floor.markets.items()}
        channels = Channels(self._indexer, books)
        self._hub = Hub(channels, limits, self.faults, clock, seed)
        self._indexer.listeners.append(self._hub.subaccount)
        quotes, statements = Quotes(self._indexer, channels), Statements(self._indexer)
        self._rest = Rest(quotes, statements, Limiter(limits), self.faults, clock)
        self._node = Node(self.chain, limits, self.faults, clock)
        self._grpc_node = GrpcNode(self.chain, list(tickers), self.faults, clock)
        self._hub.tick(clock())
        self._runner: web.AppRunner | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._address = ""
        self.grpc_address = ""
        """The node over gRPC, without TLS: host and port, another one than everything else."""
        self._conn_number = 0

    # -- where it is -------------------------------------------------------------------------------------------------

    @property
    def rest_url(self) -> str:
        """The indexer's host; paths begin with /v4."""
        return f"http://{self._address}"

    @property
    def public_url(self) -> str:
        return f"ws://{self._address}/v4/ws"

    private_url = public_url

    @property
    def trade_url(self) -> str:
        """The node over HTTP: Cosmos' REST, and CometBFT's JSON-RPC."""
        return f"http://{self._address}"

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listens; port 0 takes any free one."""
        app = web.Application(client_max_size=1 << 20)
        app.router.add_get("/v4/ws", self._socket)
        app.router.add_route("*", "/v4/{path:.*}", self._rest.answer)
        app.router.add_route("*", "/{path:.*}", self._node.answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound = self._runner.addresses[0]
        self._address = f"{bound[0]}:{bound[1]}"
        self.grpc_address = await self._grpc_node.start(host)
        self._tasks = [asyncio.create_task(self._beat(), name="loopback-dydx")]

    async def stop(self) -> None:
        """Closes every connection and the port."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        connections = [connection for place in Place for connection in self.connections(place)]
        await asyncio.gather(*(connection.close() for connection in connections))
        await self._grpc_node.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        for outcome in ended:
            if isinstance(outcome, Exception):
                raise outcome

    # -- what a test may do ------------------------------------------------------------------------------------------

    def step(self, steps: int = 1) -> None:
        """So many moments of order flow in every market, then everything due is pushed; no block is made."""
        now_ms = self._clock()
        for _ in range(steps):
            for flow in self.flows.values():
                flow.step(now_ms)
        self.publish()

    def publish(self) -> None:
        """Pushes what the channels have to say without waiting for their intervals."""
        self._hub.tick(self._clock(), all_due=True)

    def make_block(self, blocks: int = 1) -> int:
        """Makes so many blocks now and gives the height: what was matched is final and is told."""
        for _ in range(blocks):
            now_ms = self._clock()
            self.floor.tick(now_ms)
            block = self.chain.make_block(now_ms)
            self._hub.tick(now_ms)
            self._hub.block(block)
        return self.chain.height

    def pace(self, flow_per_s: float) -> None:
        """How fast its market moves by itself from now on; at 0 it stands still."""
        self._flow_per_s = flow_per_s

    def permit(self, address: str, authenticator: int, public_key: bytes) -> None:
        """Lets another key trade for an address, as an authenticator of that number does."""
        self.chain.ante.accounts[address].traders[authenticator] = public_key

    def cut_sockets(self, place: Place) -> int:
        """Resets every connection of a kind and says how many there were; private are those that hear a subaccount."""
        connections = self.connections(place)
        for connection in connections:
            connection.cut()
        return len(connections)

    # -- what a test may see -----------------------------------------------------------------------------------------

    def truth(self, key: str) -> Truth:
        """What the node knows of a subaccount, matches of the block being made included.

        The wallet is what the indexer calls its USDC: what was paid for the open positions is not in it.
        """
        truth = truth_of(self.floor, key)
        bought = sum((held.size * held.average for held in truth.positions.values()), ZERO)
        return replace(truth, wallet=(truth.wallet - bought).quantize(MONEY_STEP))

    @property
    def books(self) -> dict[str, BookView]:
        """The level view of every market."""
        return books_of(self.floor)

    def connections(self, place: Place) -> list[Connection]:
        """The sockets of a kind that are open now."""
        return self._hub.connections(place)

    def subscribed(self, channel: str, name: str = "") -> bool:
        """Does anybody listen to the channel?"""
        return self._hub.listens((channel, name))

    # -- within ------------------------------------------------------------------------------------------------------

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return await self._rest.answer(request)
        self._conn_number += 1
        connection = Connection(Place.PUBLIC, f"loopback-{self._conn_number}", self.faults)
        self._hub.join(connection)
        try:
            return await connection.serve(request, self._hub.receive)
        finally:
            self._hub.leave(connection)

    async def _beat(self) -> None:
        """Runs the flow at its rate, the blocks at theirs, and what is due to be said."""
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
            if self.block_ms and now_ms - self.chain.time_ms >= self.block_ms:
                self.make_block()
            self._hub.tick(now_ms)
