"""More than can be folded: what waits, what is folded together, what is let go, and that account frames never wait."""

import asyncio
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adapters.base.backlog import CALM_S, JOINED_MOST, LATE_S, LATEST_S, MOST_BYTES, Backlog, Load
from adapters.base.conflated import conflated
from adapters.base.socket import BACKOFF_FIRST_S, Pump
from adapters.base.websocket import Websocket
from state.book import Book
from state.events import AnyEvent, BookDelta, BookSnapshot, FeedStatus, Signal, Trade
from state.words import FeedState

SECOND = 1_000_000_000


class Prices(Websocket):
    """Each frame is a number, told as a signal."""

    url = "wss://venue/prices"
    heartbeat_s = 20.0
    is_ready = True

    def __init__(self, name: str = "public", private: bool = False) -> None:
        super().__init__()
        self.name, self.private = name, private

    def on_connect(self, now: int) -> list[bytes]:
        return []

    def receive(self, frame: bytes, recv: int) -> Sequence[AnyEvent]:
        return (Signal(self.name, float(frame)),)

    def heartbeat(self, now: int) -> list[bytes]:
        return []

    def on_disconnect(self, reason: str, status: FeedState = "down") -> Sequence[AnyEvent]:
        return (FeedStatus("v", "BTC", "book", status, reason),)

    def strike(self, frame: bytes) -> bytes:
        return frame


class Slow:
    """An inbox to which each burst takes `fold_s`."""

    def __init__(self, world: Any, heard: Any, fold_s: float) -> None:
        self.world, self.heard, self.fold_s = world, heard, fold_s

    def feed(self, recv: int, events: Sequence[AnyEvent], cause: int = 0, frame: Any = None) -> None:
        self.heard.feed(recv, events, cause, frame)
        if any(isinstance(event, Signal) and event.name == "public" for event in events):
            self.world.now += int(self.fold_s * SECOND)


def pump_of(world: Any, inbox: Slow, protocol: Websocket | None = None, **more: Any) -> Pump:
    return Pump(protocol or Prices(), world, inbox, world, venue="v", seed="s", **more)


def told(heard: Any, channel: str) -> list[tuple[str, str]]:
    events = (event for event in heard.events if isinstance(event, FeedStatus) and event.channel == channel)
    return [(event.status, event.reason) for event in events]


def numbers(heard: Any, name: str = "public") -> list[int]:
    return [int(event.value) for event in heard.events if isinstance(event, Signal) and event.name == name]


def played(story: Any) -> None:
    asyncio.run(asyncio.wait_for(story, 20))


def test_frames_that_are_folded_in_time_are_bursts_of_their_own_and_nothing_is_said(world: Any, heard: Any) -> None:
    async def story() -> None:
        pump = pump_of(world, Slow(world, heard, 0.001))
        pump.start()
        await world.settle()
        for number in range(50):
            world.sockets[0].say(b"%d" % number)
        await world.passing(1)
        assert numbers(heard) == list(range(50))
        assert all(len(events) == 1 for _, events, _, _ in heard.bursts)
        assert told(heard, "load") == []
        await pump.stop()

    played(story())


def test_what_waits_too_long_is_folded_together_and_said_with_its_count_when_it_is_over(world: Any, heard: Any) -> None:
    async def story() -> None:
        pump = pump_of(world, Slow(world, heard, 0.05))
        pump.start()
        await world.settle()
        for number in range(3_000):
            world.sockets[0].say(b"%d" % number)
        await world.settle()
        assert numbers(heard) == list(range(3_000)), "nothing is left out, and its order stays"
        ((state, reason),) = told(heard, "load")
        assert state == "stale"
        said_at = next(recv for recv, (event, *_), _, _ in heard.bursts if event == FeedStatus(
            "v", "", "load", state, reason))  # fmt: skip
        late_at = said_at - heard.bursts[1][0]
        assert LATE_S * SECOND < late_at < (LATE_S + 0.2) * SECOND
        assert "wait, the first for 1." in reason
        joined = [len(events) for _, events, _, _ in heard.bursts if len(events) > 1]
        assert max(joined) == JOINED_MOST
        await world.passing(CALM_S + 21)
        (_, (state, reason)) = told(heard, "load")
        assert (state, f"{sum(joined)} frames were folded in {len(joined)} bursts" in reason) == ("ok", True), reason
        assert len(world.sockets) == 1, "the connection stays"
        await pump.stop()

    played(story())


def test_account_frames_go_before_market_frames_that_wait(world: Any, heard: Any) -> None:
    async def story() -> None:
        inbox = Slow(world, heard, 0.01)
        pumps = [pump_of(world, inbox), pump_of(world, inbox, Prices("private", private=True))]
        for pump in pumps:
            pump.start()
        await world.settle()
        public, private = world.sockets
        for number in range(60):
            public.say(b"%d" % number)
        for _ in range(5):
            await asyncio.sleep(0)
        private.say(b"7")
        for _ in range(3):
            await asyncio.sleep(0)
        assert numbers(heard, "private") == [7]
        assert len(numbers(heard)) < 20
        await world.settle()
        await world.settle()
        assert numbers(heard) == list(range(60))
        await asyncio.gather(*(pump.stop() for pump in pumps))

    played(story())


def test_what_is_too_much_is_let_go_with_its_connection_counted_and_less_and_less_often(world: Any, heard: Any) -> None:
    async def flooded(place: int) -> str:
        await world.passing(0)
        for number in range(60):
            world.sockets[place].say(b"%d" % number)
        await world.settle()
        await world.settle()
        return told(heard, "book")[-1][1]

    async def story() -> None:
        pump = pump_of(world, Slow(world, heard, 0.5), market_frames=True)  # frames that are kept are folded one by one
        pump.start()
        delays = []
        for place in range(4):
            before = len(numbers(heard))
            reason = await flooded(place)
            folded = len(numbers(heard)) - before
            assert reason == f"overloaded: frames wait for 10.5 s; {60 - folded} frames dropped"
            assert folded < LATEST_S / 0.5 + 3
            ended = world.now
            while len(world.sockets) == place + 1:
                await world.passing(0.05)
            delays.append((world.now - ended) / SECOND)
        assert delays == sorted(delays)
        assert delays[-1] > 3 * BACKOFF_FIRST_S
        assert all(frame.body for frame in heard.frames)
        await pump.stop()

    played(story())


def test_what_waits_is_bounded_in_bytes() -> None:
    backlog = Backlog()
    frames = 0
    while not backlog.excess(0):
        backlog.put(b"x" * 1_000, 0)
        frames += 1
    assert frames * 1_000 < MOST_BYTES < (frames + 1) * 1_200
    assert backlog.drop() == frames
    assert not backlog.excess(0)


def test_a_venue_is_late_as_long_as_one_of_its_connections_is(heard: Any) -> None:
    load = Load("v", heard)
    for name, is_late in (("spot", True), ("linear", True), ("spot", False), ("linear", False)):
        load.say(1, name, is_late, "because")
    assert [state for state, _ in told(heard, "load")] == ["stale", "stale", "stale", "ok"]


levels = st.lists(st.tuples(st.integers(90, 110).map(float), st.integers(0, 3).map(float)), max_size=4)
changes = st.builds(lambda bids, asks: BookDelta("v", "BTC", 1, bids, asks), levels, levels)
other_market = st.builds(lambda bids: BookDelta("v", "ETH", 1, bids, []), levels)
snapshots = st.builds(lambda bids: BookSnapshot("v", "BTC", 1, bids, []), levels)
trades = st.integers(0, 99).map(lambda number: Trade("v", "BTC", 1, str(number), 1.0, 1.0, "buy"))
statuses = st.sampled_from([FeedStatus("v", "BTC", "book", "gap"), FeedStatus("v", "", "clock", "ok")])


@given(st.lists(st.one_of(changes, other_market, snapshots, trades, statuses), max_size=40))
def test_conflated_changes_make_the_same_books_and_leave_nothing_else_out(events: list[AnyEvent]) -> None:
    said = conflated(events)
    assert [event for event in said if not isinstance(event, BookDelta)] == [
        event for event in events if not isinstance(event, BookDelta)
    ]
    assert len(said) <= len(events)
    for symbol in ("BTC", "ETH"):
        assert book_after(said, symbol) == book_after(events, symbol)


def book_after(events: Sequence[AnyEvent], symbol: str) -> tuple[object, ...]:
    book = Book("v", symbol)
    for event in events:
        if event.symbol != symbol:
            continue
        if isinstance(event, BookDelta):
            book.update(event)
        elif isinstance(event, BookSnapshot):
            book.replace(event)
        elif isinstance(event, FeedStatus):
            book.distrust(event.status)
    return list(book.bids()), list(book.asks()), book.status, book.update_id


def test_a_hundred_changes_of_one_book_are_one() -> None:
    events = [
        BookDelta("v", "BTC", n, [(100.0, float(n))], [], update_id=n, prev_update_id=n - 1) for n in range(1, 101)
    ]
    assert conflated(events) == [BookDelta("v", "BTC", 100, [(100.0, 100.0)], [], update_id=100, prev_update_id=0)]
