"""A loopback dYdX, an exchange connected to it over real sockets, and what the exchange said."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from adapters.base.network import AiohttpTransport
from adapters.base.settings import Subscription, VenueSettings
from adapters.dydx.exchange import Exchange
from adapters.loopback import Account
from adapters.loopback.dydx.contracts import CUSTOMER
from adapters.loopback.dydx.limits import RateLimits
from adapters.loopback.dydx.venue import DydxVenue
from state.clock import WallClock
from state.events import AnyEvent, Fill, Intent, OrderUpdate, PlaceOrder
from state.record import Frame, Record
from state.secrets import Credentials, Secret
from tests.patience import PATIENCE_S

KEY, SECRET = CUSTOMER.key, CUSTOMER.secret
BTC = "BTC-USD"


@dataclass
class Heard:
    """An inbox that remembers everything and can be waited on."""

    bursts: list[tuple[int, Sequence[AnyEvent], int, Frame | None]] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def feed(self, recv: int, events: Sequence[AnyEvent], cause: int = 0, frame: Frame | None = None) -> None:
        self.bursts.append((recv, list(events), cause, frame))
        self.news.set()

    @property
    def events(self) -> list[AnyEvent]:
        return [event for _, events, _, _ in self.bursts for event in events]

    def of(self, kind: type, client_id: str = "") -> list[Any]:
        found = [event for event in self.events if isinstance(event, kind)]
        return [e for e in found if not client_id or e.client_id == client_id]  # type: ignore[attr-defined]

    def outcome(self, seq: int) -> list[AnyEvent]:
        return [event for _, events, cause, _ in self.bursts if cause == seq for event in events]

    async def until(self, holds: Callable[[], object], timeout_s: float = PATIENCE_S) -> None:
        async with asyncio.timeout(timeout_s):
            while not holds():
                self.news.clear()
                await self.news.wait()


@dataclass
class Stage:
    """A venue whose blocks are made by `block`, an exchange connected to it, and what the exchange said."""

    venue: DydxVenue
    exchange: Exchange
    heard: Heard
    fatal: list[str] = field(default_factory=list)
    seq: int = 0
    placed: int = 0

    def intend(self, *events: Intent) -> list[int]:
        """Submits a burst; the seqs of its intents."""
        records = []
        for event in events:
            self.seq += 1
            records.append(Record(self.seq, 0, 0, event))
        self.exchange.submit(records)
        return [record.seq for record in records]

    def order(self, price: str | Decimal, size: str = "0.01", **more: Any) -> PlaceOrder:
        self.placed += 1
        client_id = self.exchange.order_ids.make(self.placed)
        limit = Decimal(price) if price else None
        return PlaceOrder("dydx", BTC, more.pop("side", "buy"), Decimal(size), limit, client_id=client_id, **more)

    def touch(self) -> tuple[Decimal, Decimal]:
        book = self.venue.books[BTC]
        return book.bids[0][0], book.asks[0][0]

    async def block(self, blocks: int = 1) -> int:
        """Makes blocks, and waits until the exchange has heard of the last."""
        height = self.venue.make_block(blocks)
        await self.heard.until(lambda: self.exchange.formats.account.blocks.height >= height)
        return height

    async def place(self, price: str | Decimal, size: str = "0.01", **more: Any) -> PlaceOrder:
        """Places and waits until the order is accepted and told open."""
        order = self.order(price, size, **more)
        (seq,) = self.intend(order)
        await self.heard.until(lambda: self.heard.outcome(seq))
        if self.exchange.settings.order_life_s:
            await self.block()
        await self.heard.until(lambda: any(o.status == "open" for o in self.heard.of(OrderUpdate, order.client_id)))
        return order

    def last(self, client_id: str) -> OrderUpdate:
        update: OrderUpdate = self.heard.of(OrderUpdate, client_id)[-1]
        return update

    def fills_of(self, client_id: str) -> list[Fill]:
        order_id = next(update.order_id for update in self.heard.of(OrderUpdate, client_id))
        return [fill for fill in self.heard.of(Fill) if fill.order_id == order_id]


class Hasty(AiohttpTransport):
    """The real network, where waiting takes a fiftieth of its time."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 50)


@asynccontextmanager
async def stage(
    subscriptions: Sequence[Subscription] = (),
    limits: RateLimits | None = None,
    transport: AiohttpTransport | None = None,
    venue_more: dict[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[Stage]:
    account = Account(KEY, SECRET, Decimal(100_000))
    venue = DydxVenue(
        (BTC, "ETH-USD"), 11, [account], rate_limits=limits or RateLimits.off(), warm_up_steps=40, **(venue_more or {})
    )
    await venue.start()
    heard = Heard()
    exchange = Exchange(
        VenueSettings(
            "dydx",
            environment="testnet",
            rest_url=venue.rest_url,
            public_url=venue.public_url,
            trade_url=venue.trade_url,
            **({"symbols": (BTC,), "look_up_s": 0.5} | settings),
        ),
        heard,
        WallClock(),
        "session-1",
        Credentials(Secret(KEY), Secret(SECRET)),
        transport,
    )
    on = Stage(venue, exchange, heard)
    exchange.on_fatal = on.fatal.append
    try:
        venue.make_block()
        await exchange.start(subscriptions)
        yield on
    finally:
        await exchange.close()
        await venue.stop()


def played(story: Callable[[Stage], Awaitable[None]], **settings: Any) -> Heard:
    """Plays a story on a stage and returns what was heard; nothing fatal may have been said."""

    async def run() -> Heard:
        async with stage(**settings) as on:
            await story(on)
            assert not on.fatal, on.fatal
            return on.heard

    return asyncio.run(run())
