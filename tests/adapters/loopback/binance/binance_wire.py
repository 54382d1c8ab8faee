"""A Binance client of a few lines, written from the fact sheet, to say things that well-behaved libraries do not."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import aiohttp
import yarl

from adapters.loopback import Account
from adapters.loopback.binance import BinanceVenue, RateLimits
from tests.adapters.loopback.client_sockets import close_all
from tests.patience import PATIENCE_S

KEY, SECRET = "APIKEY", "SECRET"
CUSTOMER = Account(KEY, SECRET, uid=1)


def digest(text: str) -> str:
    return hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()


class Answer:
    """A reply with its status and headers."""

    def __init__(self, status: int, body: object, headers: dict[str, str]) -> None:
        self.status, self.body, self.headers = status, body, headers

    def __getitem__(self, name):
        return self.body[name]

    @property
    def code(self) -> int:
        """The error code, zero where there is none."""
        return self.body.get("code", 0) if isinstance(self.body, dict) else 0


class Client:
    """One HTTP session on a venue."""

    def __init__(self, venue: BinanceVenue, session: aiohttp.ClientSession) -> None:
        self.sockets: list[Socket] = []
        self.venue, self.session = venue, session

    def now_ms(self) -> int:
        return int(time.time() * 1000)

    async def raw(self, method: str, path: str, query: str = "", body: str = "", key: str = KEY) -> Answer:
        """A request whose query and body go out exactly as they are."""
        url = yarl.URL(f"{self.venue.rest_url}{path}" + (f"?{query}" if query else ""), encoded=True)
        headers = {"X-MBX-APIKEY": key, "Content-Type": "application/x-www-form-urlencoded"}
        async with self.session.request(method, url, data=body or None, headers=headers) as reply:
            return Answer(reply.status, await reply.json(), dict(reply.headers))

    async def signed(self, method: str, path: str, **fields) -> Answer:
        query = urlencode(fields | {"timestamp": fields.get("timestamp", self.now_ms())})
        return await self.raw(method, path, f"{query}&signature={digest(query)}")

    async def get(self, path: str, **fields) -> Answer:
        return await self.raw("GET", path, urlencode(fields))

    async def place(self, client_id: str = "", **fields) -> Answer:
        """A limit order to buy far below the market unless told otherwise; a field of None is left out."""
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
        order |= {"quantity": "0.010", "price": "64500.00", "newClientOrderId": client_id or None} | fields
        return await self.signed("POST", "/fapi/v1/order", **{k: v for k, v in order.items() if v is not None})

    async def amend(self, client_id: str, quantity: str, price: str, **fields) -> Answer:
        order = {"symbol": "BTCUSDT", "side": "BUY", "origClientOrderId": client_id}
        return await self.signed("PUT", "/fapi/v1/order", **order, quantity=quantity, price=price, **fields)

    async def cancel(self, client_id: str) -> Answer:
        return await self.signed("DELETE", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId=client_id)

    async def order(self, client_id: str) -> Answer:
        return await self.signed("GET", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId=client_id)

    async def open(self, path: str) -> Socket:
        self.sockets.append(Socket(await self.session.ws_connect(self.venue.stream_url + path)))
        return self.sockets[-1]

    async def user_stream(self, events: str = "") -> Socket:
        """The user data stream, as far as the venue has taken note of it."""
        key = (await self.raw("POST", "/fapi/v1/listenKey"))["listenKey"]
        socket = await self.open(f"/private/ws?listenKey={key}{events}")
        await socket.ask("LIST_SUBSCRIPTIONS")
        return socket

    def best(self, side: str):
        """The best price of a side now."""
        book = self.venue.books["BTCUSDT"]
        return (book.bids if side == "bids" else book.asks)[0][0]


class Socket:
    """A WebSocket that speaks JSON."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.raw = socket
        self._asked = 0

    async def say(self, **message) -> None:
        await self.raw.send_str(json.dumps(message))

    async def hear(self) -> dict:
        return json.loads(await self.raw.receive_str(timeout=PATIENCE_S))

    async def hear_event(self, kind: str) -> dict:
        """The next event of a kind."""
        while True:
            event = await self.hear()
            if event.get("e") == kind:
                return event

    async def ask(self, method: str, *params: str) -> dict:
        """Says something and waits for its answer; events before it are lost."""
        self._asked += 1
        await self.say(method=method, params=list(params), id=self._asked)
        while True:
            message = await self.hear()
            if message.get("id") == self._asked:
                return message

    async def call(self, method: str, *, signed: bool = True, request_id: object = "r", **params) -> dict:
        """A call on the order socket and the answer to it."""
        await self.tell(method, signed=signed, request_id=request_id, **params)
        return await self.hear()

    async def tell(self, method: str, *, signed: bool = True, request_id: object = "r", **params) -> None:
        """A call on the order socket."""
        params = {"apiKey": KEY, "timestamp": int(time.time() * 1000)} | params
        if signed:
            text = "&".join(f"{k}={json.dumps(v) if isinstance(v, bool) else v}" for k, v in sorted(params.items()))
            params["signature"] = digest(text)
        await self.say(id=request_id, method=method, params=params)


@asynccontextmanager
async def started(**options):
    """A venue with a client on it; no flow and no limits unless asked for."""
    options = {"rate_limits": RateLimits.off(), "symbols": ("BTCUSDT", "ETHUSDT"), "accounts": [CUSTOMER]} | options
    options = {"warm_up_steps": 30} | options
    venue = BinanceVenue(**options)
    await venue.start()
    try:
        async with aiohttp.ClientSession() as session:
            client = Client(venue, session)
            yield client
            await close_all(socket.raw for socket in client.sockets)
    finally:
        await venue.stop()
