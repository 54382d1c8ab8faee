"""A loopback venue, an exchange connected to it over real sockets, and what the exchange said."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from adapters.base.network import AiohttpTransport
from adapters.base.settings import Subscription, VenueSettings
from adapters.hyperliquid.exchange import Exchange
from adapters.loopback import Account
from adapters.loopback.hyperliquid.limits import RateLimits
from adapters.loopback.hyperliquid.venue import HyperliquidVenue
from state.clock import WallClock
from state.events import FeedStatus, Intent, OrderUpdate, PlaceOrder
from state.record import Record
from state.secrets import Credentials, Secret
from tests.adapters.hyperliquid.heard import Heard
from tests.adapters.hyperliquid.sdk import AGENT, KEY

V, BTC = "hyperliquid", "BTC"


@dataclass
class Stage:
    """A venue, an exchange connected to it, and what the exchange said."""

    venue: HyperliquidVenue
    exchange: Exchange
    heard: Heard
    fatal: list[str] = field(default_factory=list)
    seq: int = 0

    def intend(self, *events: Intent) -> list[int]:
        """Submits a burst; the seqs of its intents."""
        records = []
        for event in events:
            self.seq += 1
            records.append(Record(self.seq, 0, 0, event))
        self.exchange.submit(records)
        return [record.seq for record in records]

    def order(self, price: Decimal | None, size: str = "0.01", **more: Any) -> PlaceOrder:
        client_id = self.exchange.order_ids.make(self.seq + 1 + len(self._ids))
        self._ids.append(client_id)
        return PlaceOrder(V, BTC, more.pop("side", "buy"), Decimal(size), price, client_id=client_id, **more)

    _ids: list[str] = field(default_factory=list)

    def touch(self) -> tuple[Decimal, Decimal]:
        book = self.venue.books[BTC]
        return book.bids[0][0], book.asks[0][0]

    async def place(self, price: Decimal, size: str = "0.01", **more: Any) -> PlaceOrder:
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


class Hasty(AiohttpTransport):
    """The real network, where waiting takes a fiftieth of its time."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 50)


@asynccontextmanager
async def stage(
    entry: str = "ws",
    subscriptions: Sequence[Subscription] = (),
    limits: RateLimits | None = None,
    transport: AiohttpTransport | None = None,
    clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    *,
    unified: bool = False,
    **settings: Any,
) -> AsyncIterator[Stage]:
    account = Account(AGENT, KEY, Decimal(100_000))
    venue = HyperliquidVenue((BTC, "ETH"), 11, [account], limits or RateLimits.off(), clock=clock, warm_up_steps=40)
    if unified:
        venue.unify()
    await venue.start()
    heard = Heard()
    with TemporaryDirectory() as state_dir:
        exchange = Exchange(
            VenueSettings(
                V,
                rest_url=venue.rest_url,
                public_url=venue.public_url,
                private_url=venue.private_url,
                trade_url=venue.trade_url,
                order_entry=entry,  # type: ignore[arg-type]
                state_dir=state_dir,
                **({"symbols": (BTC,), "look_up_s": 0.5} | settings),
            ),
            heard,
            WallClock(),
            "session-1",
            Credentials(Secret(AGENT), Secret(KEY)),
            transport,
        )
        on = Stage(venue, exchange, heard)
        exchange.on_fatal = on.fatal.append
        try:
            await exchange.start(subscriptions)
            if entry == "ws":
                await heard.until(lambda: FeedStatus(V, "", "trade", "ok") in heard.events)
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
