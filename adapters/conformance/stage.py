"""A loopback venue, an exchange connected to it over real sockets, and what the exchange said."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from tempfile import TemporaryDirectory
from typing import Literal, TypeAlias

from adapters import Venue
from adapters.base.exchange import Exchange
from adapters.base.network import AiohttpTransport
from adapters.base.settings import Subscription, VenueSettings
from adapters.conformance.subject import Call, Subject, Terms
from adapters.conformance.told import Told
from adapters.loopback.contract import LoopbackVenue
from adapters.loopback.faults import Fault, Place
from adapters.loopback.orders import Kind, Tif
from adapters.loopback.orders import Side as TheirSide
from adapters.loopback.truth import Truth
from state.clock import WallClock
from state.events import AnyEvent, FeedStatus, Intent, OrderUpdate, PlaceOrder, Rejected
from state.instruments import Instrument
from state.record import Frame
from state.secrets import Credentials
from state.words import TERMINAL, OrderKind, Refusal, Side, TimeInForce

Entry: TypeAlias = Literal["ws", "rest"]
SESSION = "conformance"
AWAY = Decimal("0.002")  # of the price: far enough to rest, near enough for every venue's band
HASTE = 50


class Hasty(AiohttpTransport):
    """The real network, where waiting takes a fiftieth of its time."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / HASTE)


@dataclass(frozen=True, slots=True)
class How:
    """How a case wants its stage. `leap_ms` is how far the venue's clock is from ours from the start."""

    entry: Entry = "rest"
    channels: tuple[str, ...] = ()  # of the first symbol
    timeout_s: float = 1.0
    look_up_s: float = 0.5
    hasty: bool = False
    market_frames: bool = False
    leap_ms: int = 0
    credentials: Credentials | None = None  # the customer's own, where None
    is_public: bool = False  # without an account


@dataclass
class Stage:
    """`leap_ms` may be set while it plays."""

    subject: Subject
    venue: LoopbackVenue
    exchange: Exchange
    told: Told
    how: How
    symbol: str
    leap_ms: int = 0
    fatal: list[str] = field(default_factory=list)

    # --- the market ---

    @property
    def instrument(self) -> Instrument:
        return self.told.shared.instrument(self.told.venue, self.symbol)

    def touch(self) -> tuple[Decimal, Decimal]:
        """Best bid and ask at the venue."""
        book = self.venue.books[self.symbol]
        return book.bids[0][0], book.asks[0][0]

    def away(self, side: Side = "buy", steps: int = 0) -> Decimal:
        """A price at which an order of that side rests, and a little further for each step."""
        bid, ask = self.touch()
        share = AWAY * (10 + steps) / 10
        return self.instrument.price(side, bid * (1 - share) if side == "buy" else ask * (1 + share))

    def size(self, units: int = 2) -> Decimal:
        """So many units of what every order must at least be worth, with room."""
        rules = self.instrument
        least = max(rules.min_size, rules.lot, Decimal("1.5") * rules.min_notional / self.touch()[0])
        return (rules.size(least) + rules.lot) * units

    def street(self, side: TheirSide, size: Decimal, price: Decimal | None = None) -> None:
        """Somebody else trades at the venue, at any price where none is named."""
        kind = Kind.MARKET if price is None else Kind.LIMIT
        self.venue.floor.street(self.symbol, side, kind, Tif.IOC, price or Decimal(0), size, self.now_ms())
        self.venue.publish()

    def hit(self, order: PlaceOrder, size: Decimal) -> None:
        """Somebody trades with a resting order: all that stands before it at its price, and `size` of it."""
        assert order.price is not None
        book = self.venue.books[self.symbol]
        levels = book.bids if order.side == "buy" else book.asks
        if order.side == "buy":
            before = sum((size for price, size in levels if price >= order.price), Decimal(0))
        else:
            before = sum((size for price, size in levels if price <= order.price), Decimal(0))
        left = order.size - self.truth.orders[order.client_id].filled
        taker = TheirSide.SELL if order.side == "buy" else TheirSide.BUY
        self.street(taker, before - left + size, order.price)

    def now_ms(self) -> int:
        """By the venue's clock."""
        return time.time_ns() // 1_000_000 + self.leap_ms

    # --- the account ---

    @property
    def truth(self) -> Truth:
        theirs, known_as = self.venue.truth(self.subject.account.key), self.subject.known_as
        if known_as is None:
            return theirs
        return replace(
            theirs,
            orders={known_as(name): order for name, order in theirs.orders.items()},
            open_orders={known_as(name): order for name, order in theirs.open_orders.items()},
            fills=[replace(fill, client_id=known_as(fill.client_id)) for fill in theirs.fills],
        )

    def order(
        self,
        price: Decimal | None,
        size: Decimal | None = None,
        side: Side = "buy",
        tif: TimeInForce = "gtc",
        kind: OrderKind = "limit",
        reduce_only: bool = False,
    ) -> PlaceOrder:
        """An order whose client id is given when it is intended."""
        return PlaceOrder(
            self.told.venue, self.symbol, side, size or self.size(), price, kind, tif, reduce_only=reduce_only
        )

    def intend(self, *intents: Intent) -> list[int]:
        """Submits a burst; the seqs of its intents. A new order gets its client id here, as in a session."""
        records = []
        for intent in intents:
            if isinstance(intent, PlaceOrder) and not intent.client_id:
                intent = self.named(intent)
            records.append(self.told.add(intent))
        self.exchange.submit(records)
        return [record.seq for record in records]

    def named(self, order: PlaceOrder, ahead: int = 1) -> PlaceOrder:
        """The order with the client id that the intent so many seqs from here has."""
        client_id = self.exchange.order_ids.make(self.told.shared.seq + ahead)
        values = {name: getattr(order, name) for name in order.__struct_fields__} | {"client_id": client_id}
        return PlaceOrder(**values)

    async def rest(self, order: PlaceOrder) -> PlaceOrder:
        """Places it and waits until it is accepted and told open."""
        order = order if order.client_id else self.named(order)
        (seq,) = self.intend(order)
        await self.told.until(
            lambda: any(u.status == "open" for u in self.told.updates(order.client_id)), "the order's opening"
        )
        await self.told.until(lambda: self.told.outcomes(seq), "the order's acknowledgement")
        return order

    async def ended(self, client_id: str) -> OrderUpdate:
        """The word of its end."""
        told = self.told
        await told.until(lambda: any(u.status in TERMINAL for u in told.updates(client_id)), f"the end of {client_id}")
        return next(u for u in told.updates(client_id) if u.status in TERMINAL)

    async def answered(self, *seqs: int) -> None:
        """Until each of the intents has an outcome."""
        await self.told.until(lambda: all(self.told.outcomes(seq) for seq in seqs), "the outcomes")

    async def refusal(self, seq: int, client_id: str) -> Refusal | None:
        """Its class, whether the answer told it or the order's end; None for an order that ended unfilled without one."""

        def said() -> list[Rejected | OrderUpdate]:
            answers = [event for event in self.told.outcomes(seq) if isinstance(event, Rejected)]
            return [*answers, *(u for u in self.told.updates(client_id) if u.status in TERMINAL)]

        await self.told.until(said, "a refusal")
        return next((each.refusal for each in said() if each.refusal is not None), None)

    async def agrees(self) -> None:
        """Until what was told is what the venue knows."""
        await self.told.until(
            lambda: not self.told.differences(self.truth, self.symbol),
            f"agreement ({self.told.differences(self.truth, self.symbol)})",
        )

    # --- trouble ---

    def spoil(self, call: Call, fault: Fault, times: int = 1) -> None:
        """Orders a fault for the next such call, on the way that the case's orders take."""
        if self.how.entry == "ws":
            self.venue.faults.add(Place.TRADE, self.subject.socket[call], fault, times)
        else:
            self.venue.faults.add(Place.REST, self.subject.rest[call], fault, times)


Story: TypeAlias = Callable[[Stage], Awaitable[None]]
Play: TypeAlias = Callable[..., Stage]  # a story, then `How` by its words


@asynccontextmanager
async def stage(found: Venue, subject: Subject, how: How) -> AsyncIterator[Stage]:
    """A venue and an exchange that has started, and both ended afterwards."""
    told = Told(found.name)
    on: Stage | None = None

    def clock() -> int:
        return time.time_ns() // 1_000_000 + (on.leap_ms if on else how.leap_ms)

    venue = subject.open(Terms(subject.symbols, subject.account, clock))
    await venue.start()
    kept = TemporaryDirectory()
    credentials = None if how.is_public or "orders" in subject.lacks else how.credentials or subject.credentials
    exchange = found.exchange(
        settings_of(found, subject, venue, how, kept.name),
        told,
        WallClock(),
        SESSION,
        credentials,
        Hasty() if how.hasty else None,
    )
    on = Stage(subject, venue, exchange, told, how, subject.symbols[0], how.leap_ms)
    exchange.on_fatal = on.fatal.append
    try:
        await exchange.start([channel(name, subject.symbols[0]) for name in how.channels])
        if how.entry == "ws" and credentials is not None:
            await told.until(
                lambda: FeedStatus(found.name, "", "trade", "ok") in told.of(FeedStatus), "the order socket"
            )
        yield on
    finally:
        await exchange.close()
        await venue.stop()
        kept.cleanup()


def settings_of(found: Venue, subject: Subject, venue: LoopbackVenue, how: How, state_dir: str) -> VenueSettings:
    """The loopback's addresses, and waiting times that a test has patience for."""
    settings = VenueSettings(
        found.name,
        found.market,
        rest_url=venue.rest_url,
        public_url=venue.public_url,
        private_url=venue.private_url,
        trade_url=venue.trade_url,
        order_entry=how.entry,
        symbols=subject.symbols[:1],
        request_timeout_s=how.timeout_s,
        look_up_s=how.look_up_s,
        market_frames=how.market_frames,
        state_dir=state_dir,
    )
    return replace(settings, environment=found.capabilities.environments[0])  # type: ignore[arg-type]


def channel(name: str, symbol: str) -> Subscription:
    """A subscription to a channel that a venue's capabilities name."""
    return Subscription(name, symbol)  # type: ignore[arg-type]


class Nowhere:
    """An inbox for what is only asked how it would say something."""

    def feed(self, recv: int, events: Sequence[AnyEvent], cause: int = 0, frame: Frame | None = None) -> None:
        raise AssertionError("nothing was sent, so nothing can have been answered")


def offline(found: Venue, subject: Subject) -> Exchange:
    """An exchange that nothing is sent by."""
    credentials = None if "orders" in subject.lacks else subject.credentials
    settings = replace(VenueSettings(found.name, found.market), environment=found.capabilities.environments[0])  # type: ignore[arg-type]
    return found.exchange(settings, Nowhere(), WallClock(), SESSION, credentials)
