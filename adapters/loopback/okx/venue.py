"""OKX v5 on localhost: one server, its floor, and what a test or the demo may see and do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web

from adapters.loopback.clock import wall_clock_ms
from adapters.loopback.connection import Connection
from adapters.loopback.faults import Faults, Place
from adapters.loopback.floor import Floor
from adapters.loopback.flow import WARM_UP_STEPS, Flow, warm_up
from adapters.loopback.ledger import Account
from adapters.loopback.okx.account import Accounts
from adapters.loopback.okx.actions import Actions
from adapters.loopback.okx.calls import table
from adapters.loopback.okx.channels import Lane
from adapters.loopback.okx.commands import Commands
from adapters.loopback.okx.holdings import Holdings
from adapters.loopback.okx.limits import Limiter, RateLimits
from adapters.loopback.okx.listings import INSTRUMENTS
from adapters.loopback.okx.market_hub import MarketHub
from adapters.loopback.okx.quotes import Quotes
from adapters.loopback.okx.register import Numbers, Register
from adapters.loopback.okx.rest import Rest
from adapters.loopback.okx.seqids import SeqIds
from adapters.loopback.okx.sessions import Session
from adapters.loopback.okx.sockets import Sockets
from adapters.loopback.okx.user_hub import UserHub
from adapters.loopback.truth import BookView, Truth, books_of, truth_of

BEAT_S = 0.01
SWAPS = ("BTC-USDT-SWAP", "ETH-USDT-SWAP", "SOL-USDT-SWAP")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class OkxVenue:
    """An OKX of one's own.

    Its truth and its books are in base coin, its wire is in contracts. With `flow_per_s` above zero that many steps of order flow
    a second run by themselves while it is started; else `step` does. `demo` says which environment the keys are of: only demo
    trading, only production, or both where it is None. `checksums` brings back those that the venue sent until 2026-06-23;
    the keys in `readers` may only read.
    """

    def __init__(
        self,
        symbols: Iterable[str] = SWAPS,
        seed: int = 1,
        accounts: Iterable[Account] = (),
        rate_limits: RateLimits | None = None,
        flow_per_s: float = 0.0,
        faults: Faults | None = None,
        clock: Callable[[], int] = wall_clock_ms,
        warm_up_steps: int = WARM_UP_STEPS,
        demo: bool | None = None,
        vip_level: int = 0,
        checksums: bool = False,
        readers: Iterable[str] = (),
    ) -> None:
        customers = {account.key: account for account in accounts}
        listed = {name: INSTRUMENTS[name] for name in symbols}
        self.faults = faults or Faults()
        self.floor = Floor([i.contract for i in listed.values()], customers.values(), seed, Numbers())
        self.flows = {symbol: Flow(self.floor, symbol, seed) for symbol in self.floor.markets}
        self._flow_per_s, self._clock = flow_per_s, clock
        warm_up(self.floor, self.flows, clock(), warm_up_steps)
        self._limiter = limiter = Limiter(rate_limits or RateLimits())
        self._seqs, register = SeqIds(), Register()
        actions = Actions(self.floor, listed, register, limiter)
        commands = Commands(actions, limiter, frozenset(readers))
        self._accounts = Accounts(self.floor, listed, register, limiter, frozenset(readers))
        self._market = MarketHub(listed, self.floor.markets, self._seqs, clock, checksums)
        self._users = UserHub(self.floor, listed, register, self._accounts, clock)
        actions.tell = self._users.tell
        self._accounts.settings_changed = self._users.settings_changed
        self._sockets = Sockets(
            self._market, self._users, commands, actions, listed, customers, limiter, self.faults, clock, vip_level
        )
        quotes = Quotes(listed, self.floor.markets, self._seqs)
        calls = table(quotes, Holdings(self.floor, listed, register, actions), self._accounts)
        self._rest = Rest(calls, commands, actions.by_id, customers, limiter, self.faults, clock, demo)
        self.floor.listeners += [self._market.heard, self._users.heard]
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
        return f"ws://{self._address}/ws/v5/public"

    @property
    def private_url(self) -> str:
        return f"ws://{self._address}/ws/v5/private"

    @property
    def trade_url(self) -> str:
        """The private path: orders are entered there."""
        return self.private_url

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listens; port 0 takes any free one."""
        app = web.Application(client_max_size=1 << 20)
        for lane in Lane:
            app.router.add_get(f"/ws/v5/{lane}", self._socket(lane))
        app.router.add_route("*", "/{path:.*}", self._rest.answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound = self._runner.addresses[0]
        self._address = f"{bound[0]}:{bound[1]}"
        self._tasks = [asyncio.create_task(self._beat(), name="loopback-okx")]

    async def stop(self) -> None:
        """Closes every connection and the port."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        sessions = list(self._sockets.sessions.values())
        await asyncio.gather(*(session.connection.close() for session in sessions))
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
        self._market.tick(self._clock(), all_due=True)

    def tick(self) -> None:
        """Does what the clock asks for: funding, countdowns, feeds, the end of sockets that nobody uses."""
        now_ms = self._clock()
        self.floor.tick(now_ms)
        self._accounts.tick(now_ms)
        self._market.tick(now_ms)
        self._users.tick(now_ms)
        for session in list(self._sockets.sessions.values()):
            session.end_silence(now_ms)

    def restart_sequence(self, symbol: str) -> None:
        """Starts `seqId` of a book low again, as maintenance does; the next update still names the last one before."""
        self._seqs.restart(self.floor.markets[symbol])

    def announce_upgrade(self) -> None:
        """Tells every socket that it will soon be closed (64008)."""
        self._sockets.announce_upgrade()

    def pace(self, flow_per_s: float) -> None:
        """How fast its market moves by itself from now on; at 0 it stands still."""
        self._flow_per_s = flow_per_s

    def cut_sockets(self, place: Place) -> int:
        """Resets every connection of a kind and says how many there were; those of the business path are public ones."""
        connections = self.connections(place)
        for connection in connections:
            connection.cut()
        return len(connections)

    # -- what a test may see -----------------------------------------------------------------------------------------

    def truth(self, key: str) -> Truth:
        """What the venue knows of the account, in base coin."""
        return truth_of(self.floor, key)

    @property
    def books(self) -> dict[str, BookView]:
        """The level view of every symbol, in base coin."""
        return books_of(self.floor)

    def connections(self, place: Place) -> list[Connection]:
        """The sockets of a kind that are open now; a private one that has sent orders and hears nothing is a trade socket."""
        return [session.connection for session in self._sockets.sessions.values() if _place(session) is place]

    def subscribed(self, key: str, channel: str) -> bool:
        """Does a socket of the account listen to a private channel?"""
        return self._users.hears(key, channel)

    def topics(self) -> set[str]:
        """The public topics that somebody listens to, such as `books.BTC-USDT-SWAP`."""
        return self._market.topics()

    # -- within ------------------------------------------------------------------------------------------------------

    def _socket(self, lane: Lane) -> Handler:
        async def serve(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Upgrade", "").lower() != "websocket":
                return await self._rest.answer(request)
            if not self._limiter.connects(request.remote or "", self._clock()):
                return web.Response(status=429)
            self._conn_number += 1
            place = Place.PRIVATE if lane is Lane.PRIVATE else Place.PUBLIC
            connection = Connection(place, f"{self._conn_number:08x}", self.faults)
            self._sockets.join(connection, lane)
            try:
                return await connection.serve(request, self._sockets.receive)
            finally:
                self._sockets.leave(connection)

        return serve

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


def _place(session: Session) -> Place:
    if session.lane is not Lane.PRIVATE:
        return Place.PUBLIC
    return Place.TRADE if session.enters_orders and not session.args else Place.PRIVATE
