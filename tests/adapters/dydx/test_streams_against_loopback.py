"""Streams, the account and polls over real sockets, against a venue that shares no code with the adapter."""

import asyncio
from decimal import Decimal

import pytest

from adapters.base.query import Query
from adapters.base.settings import Subscription
from adapters.loopback.faults import Fault, Faults, Place
from state.book import Book
from state.events import BookDelta, BookSnapshot, Candle, FeedStatus, Fill, PositionUpdate, Ticker, Trade
from tests.adapters.dydx.stage import BTC, Stage, played

ALL = [Subscription(kind, BTC) for kind in ("book", "trades", "ticker", "candles", "liquidations")]


class Folded:
    """The book as it is told, which must be uncrossed whenever it is worth anything."""

    def __init__(self, on: Stage) -> None:
        self.book, self.on, self.at = Book("dydx", BTC), on, 0

    def agrees(self) -> bool:
        """Whether it is the venue's, as far down as a snapshot goes."""
        for _, events, _, _ in self.on.heard.bursts[self.at :]:
            for event in events:
                if isinstance(event, BookSnapshot | BookDelta):
                    self.book.replace(event) if isinstance(event, BookSnapshot) else self.book.update(event)
                    assert self.book.status in ("ok", "gap", "down", "connecting")
                elif isinstance(event, FeedStatus) and event.channel == "book" and event.status != "ok":
                    self.book.distrust(event.status)
        self.at = len(self.on.heard.bursts)
        theirs = self.on.venue.books[BTC]
        wanted = [[(float(p), float(s)) for p, s in side[:40]] for side in (theirs.bids, theirs.asks)]
        return self.book.is_ok and [list(self.book.bids(40)), list(self.book.asks(40))] == wanted


@pytest.mark.parametrize("crosses", [False, True], ids=["a book in order", "a book that crosses"])
def test_a_book_is_the_venues_and_recovers_from_a_lost_message_and_a_cut_socket(crosses: bool) -> None:
    async def story(on: Stage) -> None:
        folded = Folded(on)
        await on.heard.until(folded.agrees)
        for _ in range(20):
            on.venue.step(3)
        await on.heard.until(folded.agrees)
        on.venue.faults.add(Place.PUBLIC, "v4_orderbook*", Fault(drop=True))
        while not any(e.status == "down" and "was lost" in e.reason for e in on.heard.of(FeedStatus)):
            on.venue.step(3)
            await asyncio.sleep(0.01)
        await on.heard.until(folded.agrees)
        on.venue.cut_sockets(Place.PUBLIC)
        await on.heard.until(
            lambda: [e.status for e in on.heard.of(FeedStatus) if e.channel == "book"].count("ok") == 3
        )
        assert folded.agrees()

    played(
        story, subscriptions=[Subscription("book", BTC), Subscription("trades", BTC)], venue_more={"crosses": crosses}
    )


def test_every_channel_speaks() -> None:
    async def story(on: Stage) -> None:
        for _ in range(8):
            on.venue.step(20)
            await on.block()
        kinds = (BookSnapshot, BookDelta, Trade, Ticker, Candle)
        await on.heard.until(lambda: all(on.heard.of(kind) for kind in kinds))
        trades = on.heard.of(Trade)
        assert {trade.backfilled for trade in trades} == {False}, "what was before is not told"
        ids = [trade.trade_id for trade in trades]
        assert ids == sorted(set(ids))
        assert {ticker.symbol for ticker in on.heard.of(Ticker)} == {BTC}, "though all markets are told"
        assert any(ticker.mark for ticker in on.heard.of(Ticker))
        assert not [e for e in on.heard.of(FeedStatus) if e.status not in ("ok", "connecting")]

    played(story, subscriptions=ALL)


def test_public_trades_missed_by_a_cut_socket_are_fetched_once() -> None:
    async def story(on: Stage) -> None:
        on.venue.step(40)
        await on.block()
        await on.heard.until(lambda: on.heard.of(Trade))
        on.venue.cut_sockets(Place.PUBLIC)
        on.venue.step(60)
        on.venue.make_block()
        await on.heard.until(lambda: any(trade.backfilled for trade in on.heard.of(Trade)))
        on.venue.step(40)
        await on.block()
        everything = [t.trade_id for t in await on.exchange.trades(Query(symbol=BTC, limit=1000))]  # type: ignore[union-attr]
        ids = [trade.trade_id for trade in on.heard.of(Trade)]
        wanted = set(everything[everything.index(ids[0]) :])
        await on.heard.until(lambda: {trade.trade_id for trade in on.heard.of(Trade)} == wanted)
        ids = [trade.trade_id for trade in on.heard.of(Trade)]
        assert len(set(ids)) == len(ids), "none twice"

    played(story, subscriptions=[Subscription("trades", BTC)])


@pytest.mark.parametrize("how", ["a cut socket", "a lost message"])
def test_fills_that_no_stream_told_are_fetched_once(how: str) -> None:
    async def story(on: Stage) -> None:
        _, ask = on.touch()
        taker = on.order(ask + 20, tif="ioc")
        if how == "a cut socket":
            on.venue.cut_sockets(Place.PRIVATE)
        else:
            on.venue.faults.add(Place.PRIVATE, "v4_subaccounts*", Fault(drop=True), times=2)
        on.intend(taker)
        await on.heard.until(lambda: on.heard.outcome(1))
        on.venue.make_block(2)
        await on.heard.until(lambda: on.heard.of(Fill))
        await on.heard.until(lambda: on.heard.of(PositionUpdate))
        await on.heard.until(lambda: on.exchange.known.positions.get(BTC) == Decimal("0.01"))
        fills = on.heard.of(Fill)
        assert [(fill.size, fill.fill_id) for fill in fills] == [(Decimal("0.01"), fills[0].fill_id)]
        account = [e.status for e in on.heard.of(FeedStatus) if e.channel == "account"]
        assert "down" in account
        await on.heard.until(lambda: [e.status for e in on.heard.of(FeedStatus) if e.channel == "account"][-1] == "ok")

    played(story)


def test_what_the_indexer_cannot_serve_now_is_asked_for_again() -> None:
    faults = Faults()
    faults.add(Place.PUBLIC, "snapshot/v4_orderbook", Fault(status=500))

    async def story(on: Stage) -> None:
        await on.heard.until(lambda: on.heard.of(BookSnapshot))
        assert [e.status for e in on.heard.of(FeedStatus) if e.channel == "book"] == ["connecting", "ok"]

    played(story, subscriptions=[Subscription("book", BTC)], venue_more={"faults": faults})
