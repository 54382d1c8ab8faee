"""A loopback OKX, an exchange connected to it over real sockets, and what the exchange said."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from adapters.base.network import AiohttpTransport
from adapters.base.settings import Subscription, VenueSettings
from adapters.loopback import Account, OkxVenue
from adapters.loopback.okx import RateLimits
from adapters.okx.exchange import Exchange
from state.clock import WallClock
from state.events import FeedStatus, Intent, OrderUpdate, PlaceOrder
from state.record import Record
from state.secrets import Credentials, Secret
from tests.adapters.binance.stage import Heard

KEY, SECRET, PASSPHRASE = "APIKEY-3f9c", "SUPERSECRETWORD", "third-word-Qx7"
KEYS = Credentials(Secret(KEY), Secret(SECRET), Secret(PASSPHRASE))
BTC, ETH = "BTC-USDT-SWAP", "ETH-USDT-SWAP"


@dataclass
class Stage:
    """A venue, an exchange connected to it, and what the exchange said."""

    venue: OkxVenue
    exchange: Exchange
    heard: Heard
    fatal: list[str] = field(default_factory=list)
    seq: int = 0
    _ids: list[str] = field(default_factory=list)

    def intend(self, *events: Intent) -> list[int]:
        """Submits a burst; the seqs of its intents."""
        records = []
        for event in events:
            self.seq += 1
            records.append(Record(self.seq, 0, 0, event))
        self.exchange.submit(records)
        return [record.seq for record in records]

    def order(self, price: str, size: str = "0.10", **more: Any) -> PlaceOrder:
        """0.10 of the base are ten contracts of BTC."""
        client_id = more.pop("client_id", None) or self.exchange.order_ids.make(self.seq + 1 + len(self._ids))
        self._ids.append(client_id)
        symbol, side = more.pop("symbol", BTC), more.pop("side", "buy")
        return PlaceOrder("okx", symbol, side, Decimal(size), Decimal(price), client_id=client_id, **more)

    def touch(self) -> tuple[Decimal, Decimal]:
        book = self.venue.books[BTC]
        return book.bids[0][0], book.asks[0][0]

    async def place(self, price: str, size: str = "0.10", **more: Any) -> PlaceOrder:
        """Places and waits until the order is accepted and told open."""
        order = self.order(price, size, **more)
        (seq,) = self.intend(order)
        await self.heard.until(lambda: any(o.status == "open" for o in self.heard.of(OrderUpdate, order.client_id)))
        await self.heard.until(lambda: self.heard.outcome(seq))  # the push may come before the answer
        return order

    async def ended(self, client_id: str) -> OrderUpdate:
        ends = ("filled", "cancelled", "rejected")
        await self.heard.until(lambda: any(o.status in ends for o in self.heard.of(OrderUpdate, client_id)))
        update: OrderUpdate = self.heard.of(OrderUpdate, client_id)[-1]
        return update


@asynccontextmanager
async def stage(
    entry: str = "ws",
    subscriptions: Sequence[Subscription] = (),
    limits: RateLimits | None = None,
    transport: AiohttpTransport | None = None,
    *,
    checksums: bool = False,
    **settings: Any,
) -> AsyncIterator[Stage]:
    account = Account(KEY, SECRET, Decimal(100_000), uid=1, passphrase=PASSPHRASE)
    venue = OkxVenue(
        (BTC, ETH),
        seed=11,
        accounts=[account],
        rate_limits=limits or RateLimits.off(),
        checksums=checksums,
        warm_up_steps=40,
    )
    await venue.start()
    heard = Heard()
    where = VenueSettings(
        "okx",
        "swap",
        rest_url=venue.rest_url,
        public_url=venue.public_url,
        private_url=venue.private_url,
        trade_url=venue.trade_url,
        order_entry=entry,  # type: ignore[arg-type]
        **({"symbols": (BTC,), "look_up_s": 0.5} | settings),
    )
    exchange = Exchange(where, heard, WallClock(), "session-1", KEYS, transport)
    on = Stage(venue, exchange, heard)
    exchange.on_fatal = on.fatal.append
    try:
        await exchange.start(subscriptions)
        if entry == "ws":
            await heard.until(lambda: FeedStatus("okx", "", "trade", "ok") in heard.events)
        yield on
    finally:
        await exchange.close()
        await venue.stop()


def played(entry: str, story: Callable[[Stage], Awaitable[None]], **settings: Any) -> Heard:
    """Plays a story on a stage and returns what was heard; nothing fatal may have been said."""

    async def run() -> Heard:
        async with stage(entry, **settings) as on:
            await story(on)
            assert not on.fatal, on.fatal
            return on.heard

    return asyncio.run(run())


ENTRIES = pytest.mark.parametrize("entry", ["ws", "rest"])
