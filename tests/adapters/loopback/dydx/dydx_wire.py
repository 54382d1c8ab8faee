"""Orders signed by the official client's classes and sent over plain HTTP, with a say in everything that it would decide."""

from __future__ import annotations

import base64
import json
import time
from contextlib import asynccontextmanager

import aiohttp
from dydx_v4_client.key_pair import KeyPair
from dydx_v4_client.node import message as messages
from dydx_v4_client.node.builder import DEFAULT_FEE, Builder, TxOptions, as_any
from dydx_v4_client.wallet import Wallet
from v4_proto.dydxprotocol.clob.order_pb2 import Order, OrderId
from v4_proto.dydxprotocol.clob.tx_pb2 import OrderBatch
from v4_proto.dydxprotocol.subaccounts.subaccount_pb2 import SubaccountId

from adapters.loopback import Account
from adapters.loopback.dydx.limits import RateLimits
from adapters.loopback.dydx.venue import DydxVenue
from tests.adapters.loopback.client_sockets import close_all
from tests.patience import PATIENCE_S

ADDRESS = "dydx19rl4cm2hmr8afy4kldpxz3fka4jguq0a4erelz"
SECRET = "c4a48e2fce1481cd3294b4490f6678090ea98d3d0e5cd984558ab0968741b104"
CUSTOMER = Account(ADDRESS, SECRET)
BTC = 0
BUY, SELL = Order.SIDE_BUY, Order.SIDE_SELL
RESTS, IOC, POST_ONLY = (
    Order.TIME_IN_FORCE_UNSPECIFIED,
    Order.TIME_IN_FORCE_IOC,
    Order.TIME_IN_FORCE_POST_ONLY,
)


class Client:
    """One customer of a venue; sizes are in BTC, prices in USDC."""

    def __init__(self, venue: DydxVenue, session: aiohttp.ClientSession, secret: str = SECRET) -> None:
        self.sockets: list[Socket] = []
        self.venue, self.session = venue, session
        self._nonce = 0
        self.wallet = Wallet(KeyPair.from_hex(secret), 12_345, 0)
        self.builder = Builder(venue.chain_id, "", memo="")

    # -- reading -----------------------------------------------------------------------------------------------------

    async def get(self, path: str, **query):
        async with self.session.get(f"{self.venue.rest_url}{path}", params=query) as reply:
            return await reply.json()

    async def mine(self, path: str, **query):
        return await self.get(path, address=ADDRESS, subaccountNumber="0", **query)

    async def socket(self) -> Socket:
        socket = Socket(await self.session.ws_connect(self.venue.public_url))
        self.sockets.append(socket)
        assert (await socket.hear())["type"] == "connected"
        return socket

    def best(self, side: str):
        """The best price of a side now."""
        book = self.venue.books["BTC-USD"]
        return (book.bids if side == "bids" else book.asks)[0][0]

    # -- orders ------------------------------------------------------------------------------------------------------

    def order_id(self, client_id: int, flags: int = 0, pair: int = BTC, number: int = 0) -> OrderId:
        owner = SubaccountId(owner=self.wallet.address, number=number)
        return OrderId(subaccount_id=owner, client_id=client_id, order_flags=flags, clob_pair_id=pair)

    def order(self, client_id: int, price, size="0.01", side=BUY, blocks: int = 10, **more) -> Order:
        """A short-term order, or with `good_til_block_time` another."""
        given = {"flags": 0, "pair": BTC, "number": 0, "time_in_force": RESTS} | more
        ids = {name: given.pop(name) for name in ("flags", "pair", "number")}
        if "good_til_block_time" not in given:
            given = {"good_til_block": self.venue.chain.height + blocks} | given
        given = {
            "quantums": round(float(size) * 10**10),
            "subticks": round(float(price) * 10**5),
        } | given
        return Order(order_id=self.order_id(client_id, **ids), side=side, **given)

    async def place(self, client_id: int, price, size="0.01", side=BUY, blocks: int = 10, **more):
        return await self.send(messages.place_order(self.order(client_id, price, size, side, blocks, **more)))

    async def cancel(self, client_id: int, blocks: int = 10, **more):
        until = {"good_til_block": self.venue.chain.height + blocks}
        if "good_til_block_time" in more:
            until = {"good_til_block": None, "good_til_block_time": more.pop("good_til_block_time")}
        return await self.send(messages.cancel_order(self.order_id(client_id, **more), **until))

    async def cancel_batch(self, *client_ids: int, blocks: int = 10):
        batch = OrderBatch(clob_pair_id=BTC, client_ids=client_ids)
        owner = SubaccountId(owner=self.wallet.address, number=0)
        return await self.send(messages.batch_cancel(owner, [batch], self.venue.chain.height + blocks))

    # -- transactions ------------------------------------------------------------------------------------------------

    async def send(self, *sent, **options):
        """The verdict on messages as (codespace, code), where the node answers at all."""
        reply = await self.broadcast(self.signed(*sent, **options))
        return reply["codespace"], reply["code"]

    def signed(self, *sent, sequence: int | None = None, account_number: int = 12_345, authenticators=None) -> bytes:
        """A transaction's bytes; unless told otherwise its sequence is the time, as for a stateful message."""
        self._nonce = max(time.time_ns() // 1_000_000, self._nonce + 1)  # two of one ms would be one transaction
        self.wallet.sequence = self._nonce if sequence is None else sequence
        self.wallet.account_number = account_number
        options = authenticators and TxOptions(authenticators, self.wallet.sequence, account_number)
        boxed = [as_any(one) for one in sent]
        return self.builder.build_transaction(self.wallet, boxed, DEFAULT_FEE, options or None).SerializeToString()

    async def broadcast(self, encoded: bytes):
        body = {"tx_bytes": base64.b64encode(encoded).decode(), "mode": "BROADCAST_MODE_SYNC"}
        async with self.session.post(f"{self.venue.trade_url}/cosmos/tx/v1beta1/txs", json=body) as reply:
            return (await reply.json())["tx_response"]


class Socket:
    """A WebSocket that speaks JSON."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.raw = socket

    async def say(self, kind: str, channel: str = "", **fields) -> None:
        await self.raw.send_str(json.dumps({"type": kind, "channel": channel, **fields}))

    async def hear(self):
        return json.loads(await self.raw.receive_str(timeout=PATIENCE_S))

    async def subscribe(self, channel: str, name: str | None = None, batched: bool = False):
        """The answer to a subscribe; data of other channels before it is lost."""
        await self.say("subscribe", channel, **({"id": name} if name else {}), batched=batched)
        while True:
            frame = await self.hear()
            if frame["type"] in ("subscribed", "error"):
                return frame

    async def contents(self, channel: str, count: int = 1):
        """The contents of the next frames of a channel."""
        found = []
        while len(found) < count:
            frame = await self.hear()
            if frame.get("channel") == channel:
                found.append(frame["contents"])
        return found

    async def contents_until(self, key: str, channel: str = "v4_subaccounts"):
        """The contents of the next frames of a channel up to one that says something of `key`."""
        found = await self.contents(channel)
        while key not in found[-1]:
            found += await self.contents(channel)
        return found


@asynccontextmanager
async def started(**options):
    """A venue with a client on it; no flow, no limits and no blocks by themselves unless asked for."""
    options = {"rate_limits": RateLimits.off(), "symbols": ("BTC-USD", "ETH-USD"), "accounts": [CUSTOMER]} | options
    venue = DydxVenue(**({"warm_up_steps": 30, "block_ms": 0} | options))
    await venue.start()
    try:
        async with aiohttp.ClientSession() as session:
            client = Client(venue, session)
            yield client
            await close_all(socket.raw for socket in client.sockets)
    finally:
        await venue.stop()
