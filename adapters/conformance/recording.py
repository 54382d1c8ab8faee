"""Every frame of one session with the loopback that saw all there is to see, with what the adapter read from each."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from adapters import Decoder, Venue
from adapters.conformance.stage import How, Stage, stage
from adapters.conformance.subject import Subject
from adapters.loopback.orders import Kind, Tif
from adapters.loopback.orders import Side as TheirSide
from state.errors import UnknownWord
from state.events import (
    AmendOrder,
    AnyEvent,
    BookDelta,
    BookSnapshot,
    CancelOrder,
    Candle,
    FundingPayment,
    Liquidation,
    MarketEvent,
    Ticker,
    Trade,
)
from state.record import Frame

STEPS_MOST = 400
STREAMED: dict[str, type[MarketEvent]] = {
    "book": BookSnapshot,
    "trades": Trade,
    "ticker": Ticker,
    "candles": Candle,
    "liquidations": Liquidation,
}


@dataclass(frozen=True, slots=True)
class Heard:
    """A frame that came in, and what the live session read from it."""

    frame: Frame
    events: Sequence[AnyEvent]


@dataclass(frozen=True, slots=True)
class Recording:
    """What came in, in order: over sockets, with what streams asked of REST, and the account's answers."""

    heard: Sequence[Heard]

    @property
    def streamed(self) -> Sequence[Heard]:
        """Frames of sockets, and what their streams asked of REST."""
        return [each for each in self.heard if each.frame.channel != "rest"]

    def of(self, *kinds: type) -> Sequence[Heard]:
        """Frames of sockets from which such an event was read."""
        return [each for each in self.streamed if any(isinstance(event, kinds) for event in each.events)]

    @property
    def events(self) -> Sequence[AnyEvent]:
        return [event for each in self.heard for event in each.events]


async def recorded(found: Venue, subject: Subject) -> Recording:
    """Plays orders, fills, funding and a market in motion until every event that the venue offers was heard."""
    how = How(channels=subject.channels(found), market_frames=True)
    async with stage(found, subject, how) as on:
        if "orders" not in subject.lacks:
            await _trade(on)
        await _watch(on, subject.channels(found))
    return Recording([Heard(frame, events) for frame, events in on.told.frames if frame.direction == "in"])


async def _trade(on: Stage) -> None:
    bid, ask = on.touch()
    order = await on.rest(on.order(bid, on.size(3), tif="post_only"))
    if "amend" not in on.subject.lacks:
        await on.answered(*on.intend(AmendOrder(order.venue, order.symbol, order.client_id, bid, on.size(4))))
        await on.told.until(lambda: on.told.order(order.client_id).size == on.size(4), "the amend")
    on.hit(order, on.size(1))
    await on.told.until(lambda: on.told.fills(order.client_id), "a maker's fill")
    on.intend(CancelOrder(order.venue, order.symbol, order.client_id))
    await on.ended(order.client_id)
    taker = on.named(on.order(ask, tif="ioc"))
    on.intend(taker)
    await on.ended(taker.client_id)
    await on.agrees()
    if "funding" not in on.subject.lacks:
        on.venue.floor.fund(on.symbol, on.now_ms())
        await on.told.until(lambda: on.told.of(FundingPayment), "a funding payment")
    await on.exchange.reconcile()


async def _watch(on: Stage, channels: Sequence[str]) -> None:
    """Steps the market until each channel has spoken, with a liquidation in between."""
    wanted = [STREAMED[name] for name in channels]
    if "deltas" not in on.subject.lacks:
        wanted.append(BookDelta)
    for step in range(STEPS_MOST):
        if step >= 20 and all(on.told.of(kind) for kind in wanted):
            return
        if step % 20 == 5 and "liquidations" not in on.subject.lacks:
            size = on.venue.books[on.symbol].bids[0][1]
            on.venue.floor.street(
                on.symbol, TheirSide.SELL, Kind.MARKET, Tif.IOC, size * 0, size, on.now_ms(), liquidates=True
            )
        on.venue.step(2)
        await asyncio.sleep(0.005)
    missing = [kind.__name__ for kind in wanted if not on.told.of(kind)]
    raise AssertionError(f"{on.told.venue}: subscribed, and never heard: {', '.join(missing)}")


class Reader:
    """Reads frames as a recording of one market is read: `FeedStatus`, not an error, where one does not fit."""

    def __init__(self, found: Venue) -> None:
        self._decoder: Decoder = found.decoder()

    def read(self, frame: Frame, body: bytes | None = None) -> Sequence[AnyEvent]:
        """Raises `UnknownWord` for an order word that no table has, and nothing else."""
        said = frame.body if body is None else body
        if frame.url.startswith("http"):
            return self._decoder.http(frame.url, said, frame.recv)
        return self._decoder.receive(said, frame.recv)

    def tells(self, frame: Frame, body: bytes) -> Sequence[AnyEvent] | str:
        """As `read`; the unknown word where there is one."""
        try:
            return self.read(frame, body)
        except UnknownWord as word:
            return str(word)
