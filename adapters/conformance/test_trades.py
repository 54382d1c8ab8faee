"""Public trades: each told exactly once, over several sockets and over a reconnect."""

import asyncio
from collections import Counter

import pytest

from adapters import Venue
from adapters.base.query import Query
from adapters.conformance.recording import Reader, Recording
from adapters.conformance.stage import Play, Stage
from adapters.conformance.told import UNTIL_S
from adapters.loopback.faults import Fault, Place
from state.events import Trade

SOCKETS = 3
TRADES = 5


def ids(on: Stage) -> list[str]:
    return [trade.trade_id for trade in on.told.of(Trade)]


async def traded(on: Stage, count: int = TRADES) -> None:
    """Steps the market until so many more trades were told."""
    enough = len(ids(on)) + count
    async with asyncio.timeout(UNTIL_S):
        while len(ids(on)) < enough:
            on.venue.step(3)
            await asyncio.sleep(0.002)


def test_three_sockets(found: Venue, recording: Recording) -> None:
    """The same trades over three sockets, each at its own pace, are each told once and in order."""
    frames = recording.of(Trade)
    reader = Reader(found)
    told = [e.trade_id for each in frames for e in each.events if isinstance(e, Trade)]
    assert len(told) >= TRADES
    heard = []
    for n in range(len(frames) + SOCKETS - 1):
        for socket in range(SOCKETS):
            if 0 <= n - socket < len(frames):
                heard += [e.trade_id for e in reader.read(frames[n - socket].frame) if isinstance(e, Trade)]
    assert heard == list(dict.fromkeys(told))


def test_doubled_frame(play: Play) -> None:
    """A frame of trades that comes twice over the wire tells them once."""

    async def story(on: Stage) -> None:
        on.venue.faults.add(Place.PUBLIC, on.subject.topics["trades"], Fault(duplicate=True), times=5)
        await traded(on)
        assert len(on.venue.faults.rules) == 0 or on.venue.faults.rules[0].times < 5, "no frame was doubled"
        assert [trade for trade, count in Counter(ids(on)).items() if count > 1] == []

    play(story, is_public=True, channels=("trades",))


@pytest.mark.needs("trade_history")
def test_reconnect(play: Play) -> None:
    """Trades that a cut socket missed are fetched, marked as late, and none is lost or told twice."""

    async def story(on: Stage) -> None:
        await traded(on)
        assert on.venue.cut_sockets(Place.PUBLIC)
        on.venue.step(100)
        await on.told.until(lambda: any(trade.backfilled for trade in on.told.of(Trade)), "the trades that were missed")
        await traded(on)
        everything = [e for e in await on.exchange.trades(Query(symbol=on.symbol, limit=1000)) if isinstance(e, Trade)]
        told = on.told.of(Trade)
        assert len(set(ids(on))) == len(told), "told twice"
        known, heard = [trade.trade_id for trade in everything], ids(on)
        first = next(n for n, trade_id in enumerate(known) if trade_id in heard)
        if not set(known[first:]) <= set(heard):  # what is streamed as one trade of a taker may be listed as several
            since = sum(trade.size for trade in told if int(trade.trade_id) > int(known[first]))
            listed = sum(trade.size for trade in everything[first + 1 :])
            assert abs(since - listed) < 1e-9, "lost"

    play(story, is_public=True, channels=("trades",))
