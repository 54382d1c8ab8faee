"""Pond on localhost: one server, its floor, and what a test may see and do."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable

from aiohttp import web

from adapters.loopback.connection import Connection
from adapters.loopback.faults import Fault, Faults, Place
from adapters.loopback.floor import Floor
from adapters.loopback.flow import Flow
from adapters.loopback.ledger import Account
from adapters.loopback.symbols import CONTRACTS
from adapters.loopback.truth import BookView, Truth, books_of, truth_of
from pond_loopback.calls import Calls, PondError
from pond_loopback.feeds import Feeds

WARM_UP_STEPS = 100
BEAT_S = 0.01


def wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


class PondVenue:
    """A Pond of one's own: matching, accounts and order flow come with `adapters.loopback`, only the wire is written here."""

    def __init__(
        self,
        symbols: Iterable[str] = ("BTCUSDT", "ETHUSDT"),
        seed: int = 1,
        accounts: Iterable[Account] = (),
        flow_per_s: float = 0.0,
        clock: Callable[[], int] = wall_clock_ms,
    ) -> None:
        self.faults = Faults()
        self._customers = {account.key: account for account in accounts}
        self.floor = Floor([CONTRACTS[symbol] for symbol in symbols], self._customers.values(), seed)
        self._flows = [Flow(self.floor, symbol, seed) for symbol in self.floor.markets]
        self._clock, self._flow_per_s = clock, flow_per_s
        self._feeds = Feeds(self.floor, clock)
        self._calls = Calls(self.floor, self._customers, self._feeds, clock)
        self.floor.listeners.append(self._feeds.heard)
        self.floor.tick(clock())
        for flow in self._flows:
            flow.open(clock())
            for _ in range(WARM_UP_STEPS):
                flow.step(clock())
        self._sockets: dict[Place, dict[str, Connection]] = {Place.PUBLIC: {}, Place.PRIVATE: {}}
        self._number = 0
        self._runner: web.AppRunner | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._address = ""

    # --- where it is ---

    @property
    def rest_url(self) -> str:
        return f"http://{self._address}"

    @property
    def public_url(self) -> str:
        return f"ws://{self._address}/ws"

    private_url = public_url

    @property
    def trade_url(self) -> str:
        """Orders go by REST only."""
        return ""

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listens; port 0 takes any free one."""
        app = web.Application()
        app.router.add_get("/ws", self._socket)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        bound = self._runner.addresses[0]
        self._address = f"{bound[0]}:{bound[1]}"
        self._tasks = [asyncio.create_task(self._beat())]

    async def stop(self) -> None:
        """Closes every connection and the port."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for there in self._sockets.values():
            await asyncio.gather(*(connection.close() for connection in list(there.values())))
        if self._runner is not None:
            await self._runner.cleanup()

    # --- what a test may see and do ---

    def step(self, steps: int = 1) -> None:
        """So many moments of order flow, then everything is pushed."""
        for _ in range(steps):
            for flow in self._flows:
                flow.step(self._clock())
        self.publish()

    def publish(self) -> None:
        self._feeds.publish()

    def pace(self, flow_per_s: float) -> None:
        """Lets the market move so many steps a second from here on."""
        self._flow_per_s = flow_per_s

    def cut_sockets(self, place: Place) -> int:
        """Resets every connection of a kind; one is public until it has logged in."""
        there = list(self._sockets.get(place, {}).values())
        for connection in there:
            connection.cut()
        return len(there)

    def truth(self, key: str) -> Truth:
        return truth_of(self.floor, key)

    @property
    def books(self) -> dict[str, BookView]:
        return books_of(self.floor)

    # --- the wire ---

    async def _beat(self) -> None:
        owed = 0.0
        while True:
            await asyncio.sleep(BEAT_S)
            self.floor.tick(self._clock())
            owed += BEAT_S * self._flow_per_s
            for _ in range(int(owed)):
                for flow in self._flows:
                    flow.step(self._clock())
            owed -= int(owed)
            self.publish()

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        fault = self.faults.ask(Place.REST, f"{request.method} {request.path}")
        if fault.status and not fault.carried_out:
            return self._failed(fault)
        try:
            said = {"ok": True, "result": self._calls.carry_out(request, body)}
            answer = web.json_response(said)
        except PondError as error:
            answer = web.json_response({"ok": False, "code": error.code, "text": error.text}, status=error.status)
        if fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        if fault.status:
            return self._failed(fault)
        if (fault.drop or fault.cut) and request.transport is not None:
            request.transport.abort()
        return answer

    @staticmethod
    def _failed(fault: Fault) -> web.Response:
        return web.Response(status=fault.status, text=fault.words)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        self._number += 1
        connection = Connection(Place.PUBLIC, str(self._number), self.faults)
        self._sockets[Place.PUBLIC][connection.conn_id] = connection
        try:
            return await connection.serve(request, self._receive)
        finally:
            for there in self._sockets.values():
                there.pop(connection.conn_id, None)
            self._feeds.leave(connection)

    def _receive(self, connection: Connection, frame: bytes) -> None:
        asked = json.loads(frame)
        match asked.get("do"):
            case "ping":
                self._say(connection, {"did": "ping"})
            case "subscribe":
                known = [topic for topic in asked["topics"] if self._feeds.has(topic)]
                wrong = [topic for topic in asked["topics"] if topic not in known]
                error = {"error": f"no such topic: {wrong[0]}"} if wrong else {}
                self._say(connection, {"did": "subscribe", "id": asked["id"], **error})
                for topic in known if not wrong else ():
                    self._feeds.join(connection, topic)
            case "unsubscribe":
                for topic in asked["topics"]:
                    self._feeds.leave(connection, topic)
                self._say(connection, {"did": "unsubscribe"})
            case "login":
                self._login(connection, asked)
            case _:
                self._say(connection, {"did": "nothing", "error": "what?"})

    def _login(self, connection: Connection, asked: dict[str, str]) -> None:
        try:
            account = self._calls.who(asked["key"], asked["time"], "GET/ws", b"", asked["sign"])
        except PondError as error:
            self._say(connection, {"did": "login", "error": error.code})
            return
        connection.account, connection.place = account, Place.PRIVATE
        self._sockets[Place.PRIVATE][connection.conn_id] = self._sockets[Place.PUBLIC].pop(connection.conn_id)
        self._feeds.owners[connection.conn_id] = connection
        self._say(connection, {"did": "login"})

    @staticmethod
    def _say(connection: Connection, said: dict[str, object]) -> None:
        connection.queue(json.dumps(said).encode())
