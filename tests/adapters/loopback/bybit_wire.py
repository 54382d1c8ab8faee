"""A Bybit client of a few lines, written from the fact sheet, to say things that well-behaved libraries do not."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from contextlib import asynccontextmanager

import aiohttp
import yarl

from adapters.loopback import Account, BybitVenue, RateLimits
from tests.adapters.loopback.client_sockets import close_all
from tests.patience import PATIENCE_S

KEY, SECRET = "APIKEY", "SECRET"
CUSTOMER = Account(KEY, SECRET, uid=1)


def digest(text: str) -> str:
    return hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()


def headers(payload: str, at_ms: int | None = None, window: str = "5000") -> dict[str, str]:
    stamp = str(at_ms if at_ms is not None else int(time.time() * 1000))
    return {
        "X-BAPI-API-KEY": KEY,
        "X-BAPI-TIMESTAMP": stamp,
        "X-BAPI-RECV-WINDOW": window,
        "X-BAPI-SIGN": digest(f"{stamp}{KEY}{window}{payload}"),
    }


class Client:
    """One HTTP session on a venue."""

    def __init__(self, venue: BybitVenue, session: aiohttp.ClientSession) -> None:
        self.sockets: list[Socket] = []
        self.venue, self.session = venue, session

    def signed(self, payload: str) -> dict[str, str]:
        """Headers with the venue's own time, which may stand still."""
        return headers(payload, self.venue._clock())

    async def post(self, path: str, **fields) -> dict:
        body = json.dumps({"category": "linear", **fields})
        async with self.session.post(self.venue.rest_url + path, data=body, headers=self.signed(body)) as reply:
            return await reply.json() | {"headers": dict(reply.headers)}

    async def get(self, path: str, query: str = "") -> dict:
        url = yarl.URL(f"{self.venue.rest_url}{path}?{query}", encoded=True)
        async with self.session.get(url, headers=self.signed(query)) as reply:
            return await reply.json() | {"headers": dict(reply.headers)}

    async def place(self, link_id: str = "", **fields) -> dict:
        order = {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.001", "price": "64500.00"}
        return await self.post("/v5/order/create", **(order | fields | {"orderLinkId": link_id}))

    async def open(self, url: str) -> Socket:
        self.sockets.append(Socket(await self.session.ws_connect(url)))
        return self.sockets[-1]


class Socket:
    """A WebSocket that speaks JSON."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.raw = socket

    async def say(self, **message) -> None:
        await self.raw.send_str(json.dumps(message))

    async def hear(self, topic: str = "") -> dict:
        """The next message, or the next of a topic or operation."""
        while True:
            message = json.loads(await self.raw.receive_str(timeout=PATIENCE_S))
            if not topic or topic in (message.get("topic"), message.get("op")):
                return message

    async def authenticate(self) -> dict:
        expires = int(time.time() * 1000) + 5_000
        await self.say(op="auth", args=[KEY, expires, digest(f"GET/realtime{expires}")])
        return await self.hear("auth")

    async def subscribe(self, *topics: str) -> dict:
        await self.say(op="subscribe", req_id="s", args=list(topics))
        return await self.hear("subscribe")


@asynccontextmanager
async def started(**options):
    """A venue with a client on it; no flow and no limits unless asked for."""
    options = {"rate_limits": RateLimits.off(), "symbols": ("BTCUSDT", "ETHUSDT"), "accounts": [CUSTOMER]} | options
    venue = BybitVenue(**({"warm_up_steps": 30} | options))
    await venue.start()
    try:
        async with aiohttp.ClientSession() as session:
            client = Client(venue, session)
            yield client
            await close_all(socket.raw for socket in client.sockets)
    finally:
        await venue.stop()
