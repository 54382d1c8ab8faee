"""An OKX client of a few lines, written from the fact sheet, to say things that well-behaved libraries do not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal

import aiohttp
import yarl

from adapters.loopback import Account
from adapters.loopback.okx import OkxVenue, RateLimits
from adapters.loopback.orders import Kind, Side, Tif
from tests.adapters.loopback.client_sockets import close_all
from tests.patience import PATIENCE_S

KEY, SECRET, PASSPHRASE = "APIKEY", "SECRET", "Pass-1"
CUSTOMER = Account(KEY, SECRET, uid=614488474791936, passphrase=PASSPHRASE)
BTC, ETH, SPOT = "BTC-USDT-SWAP", "ETH-USDT-SWAP", "BTC-USDT"
BTC_CODE = 10459
CONTRACT = Decimal("0.01")
"""Bitcoin in one contract."""


def digest(text: str) -> str:
    return base64.b64encode(hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).digest()).decode()


def stamp(at_ms: float) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:23] + "Z"


class Answer:
    """A reply with its status."""

    def __init__(self, status: int, body: dict) -> None:
        self.status, self.body = status, body

    @property
    def code(self) -> str:
        return self.body["code"]

    @property
    def rows(self) -> list:
        return self.body["data"]

    @property
    def row(self) -> dict:
        return self.body["data"][0]

    @property
    def said(self) -> str:
        """The first item's code, else that of the whole."""
        return self.row["sCode"] if self.rows and "sCode" in self.row else self.code


class Client:
    """One HTTP session on a venue."""

    def __init__(self, venue: OkxVenue, session: aiohttp.ClientSession) -> None:
        self.venue, self.session = venue, session
        self.sockets: list[Socket] = []

    def now_ms(self) -> int:
        """The venue's own time."""
        return self.venue._clock()

    async def raw(self, method: str, path: str, body: str = "", headers: dict | None = None) -> Answer:
        """A request whose path and body go out exactly as they are."""
        url = yarl.URL(self.venue.rest_url + path, encoded=True)
        headers = {"Content-Type": "application/json"} | (headers or {})
        async with self.session.request(method, url, data=body or None, headers=headers) as reply:
            return Answer(reply.status, await reply.json())

    async def signed(self, method: str, path: str, body: str = "", ahead_s: float = 0, **headers) -> Answer:
        at = stamp(self.now_ms() + ahead_s * 1000)
        own = {"OK-ACCESS-KEY": KEY, "OK-ACCESS-PASSPHRASE": PASSPHRASE, "OK-ACCESS-TIMESTAMP": at}
        own["OK-ACCESS-SIGN"] = digest(at + method + path + body)
        own |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.raw(method, path, body, own)

    async def get(self, path: str) -> Answer:
        return await self.raw("GET", f"/api/v5/{path}")

    async def ask(self, path: str) -> Answer:
        return await self.signed("GET", f"/api/v5/{path}")

    async def post(self, path: str, content, **headers) -> Answer:
        return await self.signed("POST", f"/api/v5/{path}", json.dumps(content), **headers)

    async def place(self, **fields) -> Answer:
        """A limit order to buy one contract far below the market unless told otherwise."""
        return await self.post("trade/order", order(**fields))

    async def amend(self, client_id: str, **fields) -> Answer:
        return await self.post("trade/amend-order", {"instId": BTC, "clOrdId": client_id} | fields)

    async def cancel(self, client_id: str) -> Answer:
        return await self.post("trade/cancel-order", {"instId": BTC, "clOrdId": client_id})

    async def order(self, client_id: str) -> dict:
        return (await self.ask(f"trade/order?instId={BTC}&clOrdId={client_id}")).row

    async def open(self, path: str) -> Socket:
        url = self.venue.public_url.rsplit("/", 1)[0] + path
        self.sockets.append(Socket(await self.session.ws_connect(url), self.now_ms))
        return self.sockets[-1]

    async def private(self, *args: dict) -> Socket:
        """A private socket that is logged in and has subscribed, with what it was told about that read away."""
        socket = await self.open("/private")
        assert (await socket.login())["code"] == "0"
        for arg in args:
            await socket.subscribe(**arg)
        return socket

    def street(self, side: Side, price: Decimal, contracts: str) -> None:
        """Somebody else takes what there is up to a price."""
        size = Decimal(contracts) * CONTRACT
        self.venue.floor.street(BTC, side, Kind.LIMIT, Tif.IOC, price, size, self.now_ms())

    def street_rests(self, side: Side, price: Decimal, contracts: str) -> None:
        """Somebody else quotes."""
        size = Decimal(contracts) * CONTRACT
        self.venue.floor.street(BTC, side, Kind.LIMIT, Tif.GTC, price, size, self.now_ms())

    def liquidate(self, side: Side, contracts: str) -> None:
        """Somebody else is closed out by force, with an order of this side."""
        size = Decimal(contracts) * CONTRACT
        self.venue.floor.street(BTC, side, Kind.MARKET, Tif.IOC, Decimal(0), size, self.now_ms(), liquidates=True)

    def best(self, side: str):
        """The best price of a side now."""
        book = self.venue.books[BTC]
        return (book.bids if side == "bids" else book.asks)[0][0]


def order(**fields) -> dict:
    """An order as REST asks for it; a field of None is left out."""
    usual = {"instId": BTC, "tdMode": "cross", "side": "buy", "ordType": "limit", "sz": "1", "px": "64500"}
    return {name: value for name, value in (usual | fields).items() if value is not None}


def coded(**fields) -> dict:
    """The same as a socket asks for it."""
    return order(instId=None, instIdCode=BTC_CODE, **fields)


class Socket:
    """A WebSocket that speaks JSON."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, now_ms: Callable[[], int]) -> None:
        self.raw, self._now_ms = socket, now_ms

    async def say(self, **message) -> None:
        await self.raw.send_str(json.dumps(message))

    async def hear(self) -> dict:
        return json.loads(await self.raw.receive_str(timeout=PATIENCE_S))

    async def hear_from(self, channel: str) -> dict:
        """The next data of a channel."""
        while True:
            message = await self.hear()
            if "data" in message and message.get("arg", {}).get("channel") == channel:
                return message

    async def hear_event(self, *names: str) -> dict:
        """The next answer of one of these kinds."""
        while True:
            message = await self.hear()
            if message.get("event") in names:
                return message

    async def login(self, key: str = KEY, passphrase: str = PASSPHRASE, at: str = "", sign: str = "") -> dict:
        at = at or str(self._now_ms() // 1000)
        args = {"apiKey": key, "passphrase": passphrase, "timestamp": at}
        await self.say(op="login", args=[args | {"sign": sign or digest(f"{at}GET/users/self/verify")}])
        return await self.hear_event("login", "error")

    async def subscribe(self, **arg) -> dict:
        await self.say(op="subscribe", args=[arg])
        return await self.hear_event("subscribe", "error")

    async def call(self, op: str, *args: dict, request_id: str | None = "r1", **fields) -> dict:
        """An order command and the answer to it; what is pushed before is lost."""
        await self.say(op=op, args=list(args), **({"id": request_id} if request_id else {}), **fields)
        while True:
            message = await self.hear()
            if message.get("op") == op or message.get("event") == "error":
                return message


@asynccontextmanager
async def started(**options):
    """A venue with a client on it; no flow and no limits unless asked for."""
    options = {"rate_limits": RateLimits.off(), "symbols": (BTC, ETH, SPOT), "accounts": [CUSTOMER]} | options
    options = {"warm_up_steps": 100} | options
    venue = OkxVenue(**options)
    await venue.start()
    try:
        async with aiohttp.ClientSession() as session:
            client = Client(venue, session)
            yield client
            await close_all(socket.raw for socket in client.sockets)
    finally:
        await venue.stop()
