"""A Hyperliquid client of a few lines that signs with the official SDK, to say things that well-behaved libraries do not."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from decimal import Decimal

import aiohttp
import eth_account
from hyperliquid.utils.signing import sign_l1_action

from adapters.loopback import Account
from adapters.loopback.hyperliquid.limits import RateLimits
from adapters.loopback.hyperliquid.venue import HyperliquidVenue
from tests.adapters.loopback.client_sockets import close_all
from tests.patience import PATIENCE_S

SECRET = "0x0123456789012345678901234567890123456789012345678901234567890123"
ADDRESS = "0x14791697260e4c9a71f18484c9f997b308e59325"
CUSTOMER = Account(ADDRESS, SECRET, uid=1)
SUB_ACCOUNT = "0x5ab0000000000000000000000000000000000001"
SUB_CUSTOMER = Account(SUB_ACCOUNT, "", uid=2)
WALLET = eth_account.Account.from_key(SECRET)
BTC, ETH, SOL = 0, 1, 5


def cloid(number: int) -> str:
    return f"0x{number:032x}"


def order(price: str, size: str = "0.01", buy: bool = True, asset: int = BTC, tif: str = "Gtc", **more) -> dict:
    """An order on the wire, its keys in order; `c` is its cloid, `r` whether it only reduces, `t` another kind."""
    wire = {"a": asset, "b": buy, "p": price, "s": size, "r": more.get("r", False)}
    wire["t"] = more.get("t", {"limit": {"tif": tif}})
    return wire | ({"c": more["c"]} if "c" in more else {})


def trigger(price: str, word: str, market: bool = True) -> dict:
    return {"trigger": {"isMarket": market, "triggerPx": price, "tpsl": word}}


def place(*orders: dict, grouping: str = "na") -> dict:
    return {"type": "order", "orders": list(orders), "grouping": grouping}


class Client:
    """One HTTP session on a venue; nonces count up from the venue's time."""

    def __init__(self, venue: HyperliquidVenue, session: aiohttp.ClientSession) -> None:
        self.sockets: list[Socket] = []
        self.venue, self.session = venue, session
        self._nonce = 0

    def nonce(self) -> int:
        self._nonce = max(self._nonce + 1, self.venue.clock())
        return self._nonce

    def signed(
        self, action: dict, *, wallet=WALLET, nonce: int | None = None, sent: dict | None = None, **more
    ) -> dict:
        """The body of an action; `sent` is what goes out in place of what was signed."""
        nonce = self.nonce() if nonce is None else nonce
        vault, expires = more.get("vault"), more.get("expires")
        signature = sign_l1_action(wallet, action, vault, nonce, expires, more.get("is_mainnet", False))
        body = {"action": sent or action, "nonce": nonce, "signature": signature, "vaultAddress": vault}
        return body | ({"expiresAfter": expires} if expires is not None else {})

    async def act(self, action: dict, **more) -> dict:
        """The answer to an action."""
        status, answer = await self.post("/exchange", self.signed(action, **more))
        assert status == 200, answer
        return json.loads(answer)

    async def statuses(self, action: dict, **more) -> list:
        answer = await self.act(action, **more)
        assert answer["status"] == "ok", answer
        return answer["response"]["data"]["statuses"]

    async def info(self, kind: str, **fields):
        status, answer = await self.post("/info", {"type": kind} | fields)
        assert status == 200, answer
        return json.loads(answer)

    async def post(self, path: str, body) -> tuple[int, str]:
        """A request whose body goes out as it is where it is text."""
        sent = body if isinstance(body, str) else json.dumps(body)
        headers = {"Content-Type": "application/json"}
        async with self.session.post(self.venue.rest_url + path, data=sent, headers=headers) as reply:
            return reply.status, await reply.text()

    async def open(self) -> Socket:
        self.sockets.append(Socket(await self.session.ws_connect(self.venue.public_url)))
        return self.sockets[-1]

    def best(self, side: str, coin: str = "BTC") -> Decimal:
        """The best price of a side now."""
        book = self.venue.books[coin]
        return (book.bids if side == "bids" else book.asks)[0][0]


class Socket:
    """A WebSocket that speaks JSON."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.raw = socket

    async def say(self, **message) -> None:
        await self.raw.send_str(json.dumps(message))

    async def hear(self, channel: str = "") -> dict:
        """The next frame, of a channel where one is named."""
        while True:
            frame = json.loads(await self.raw.receive_str(timeout=PATIENCE_S))
            if channel in ("", frame["channel"]):
                return frame

    async def subscribe(self, kind: str, **fields) -> dict:
        """Subscribes and gives the acknowledgement or the error."""
        await self.say(method="subscribe", subscription={"type": kind} | fields)
        return await self.answered()

    async def answered(self) -> dict:
        while True:
            frame = await self.hear()
            if frame["channel"] in ("subscriptionResponse", "error"):
                return frame

    async def post(self, number: int, kind: str, payload: dict) -> dict:
        """Posts a request and gives the response to it."""
        await self.say(method="post", id=number, request={"type": kind, "payload": payload})
        frame = await self.hear("post")
        assert frame["data"]["id"] == number
        return frame["data"]["response"]


@asynccontextmanager
async def started(**options):
    """A venue with a client on it; no flow and no limits unless asked for."""
    options = {"rate_limits": RateLimits.off(), "accounts": [CUSTOMER], "warm_up_steps": 60} | options
    venue = HyperliquidVenue(**options)
    await venue.start()
    try:
        async with aiohttp.ClientSession() as session:
            client = Client(venue, session)
            yield client
            await close_all(socket.raw for socket in client.sockets)
    finally:
        await venue.stop()
