"""Public trades: each told exactly once, over several sockets and over a reconnect."""

import asyncio
from collections import Counter

import pytest

from adapters import Venue
from adapters.base.query import Query
from adapters.conformance.recording import Reader, Recording
from adapters.conformance.stage import Play, Stage
from adapters.loopback.faults import Fault, Place
from state.events import Trade

SOCKETS = 3
TRADES = 5


def ids(on: Stage) -> list[str]:
    return [trade.trade_id for trade in on.told.of(Trade)]


async def traded(on: Stage, count: int = TRADES) -> None:
    """Steps the market until so many more trades were told."""
    enough = len(ids(on)) + count
    async with asyncio.timeout(5.0):
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
        first = ids(on)[0]
        assert on.venue.cut_sockets(Place.PUBLIC)
        on.venue.step(100)
        await on.told.until(lambda: any(trade.backfilled for trade in on.told.of(Trade)), "the trades that were missed")
        await traded(on)
        everything = [e for e in await on.exchange.trades(Query(symbol=on.symbol, limit=1000)) if isinstance(e, Trade)]
        told = on.told.of(Trade)
        assert len(set(ids(on))) == len(told), "told twice"
        known = [trade.trade_id for trade in everything]
        assert first in known
        # By size: what a venue streams as one trade of a taker, it may list as several.
        traded_since = sum(trade.size for trade in everything[known.index(first) + 1 :])
        assert abs(sum(trade.size for trade in told[1:]) - traded_since) < 1e-9, "lost"

    play(story, is_public=True, channels=("trades",))
