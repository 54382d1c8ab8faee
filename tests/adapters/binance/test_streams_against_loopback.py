"""Streams, the account, polls and the way out over real sockets, against a venue that shares no code with the adapter."""

import asyncio
import time
from decimal import Decimal
from typing import Any

import pytest

from adapters.base.query import Query
from adapters.base.settings import Subscription, VenueSettings
from adapters.binance.exchange import Exchange
from adapters.conformance.leaps import LATE_S
from adapters.loopback import BinanceVenue
from adapters.loopback.faults import Fault, Place
from state.book import Book
from state.clock import WallClock
from state.errors import VenueError
from state.events import (
    BalanceUpdate,
    BookDelta,
    BookSnapshot,
    Candle,
    FeedStatus,
    Fill,
    InstrumentDefined,
    PositionUpdate,
    Reconciled,
    Ticker,
    Trade,
)
from tests.adapters.binance.stage import BTC, KEY, SECRET, Hasty, Heard, Stage, played
from tests.patience import PATIENCE_S


def test_a_book_follows_the_venue_and_recovers_from_a_lost_frame_and_a_cut_socket() -> None:
    async def story(on: Stage) -> None:
        book, statuses = Book("binance", BTC), list[str]()

        def fold() -> None:
            for event in on.heard.events:
                if isinstance(event, FeedStatus) and event.channel == "book":
                    statuses.append(event.status)
                if isinstance(event, BookSnapshot):
                    book.replace(event)
                elif isinstance(event, BookDelta):
                    book.update(event)
                elif isinstance(event, FeedStatus) and event.channel == "book" and event.status != "ok":
                    book.distrust(event.status)
            on.heard.bursts.clear()

        def agrees() -> bool:
            fold()
            bids, asks = on.venue.books[BTC].bids[:50], on.venue.books[BTC].asks[:50]
            return (
                book.is_ok
                and list(book.bids(50)) == [(float(p), float(s)) for p, s in bids]
                and list(book.asks(50)) == [(float(p), float(s)) for p, s in asks]
            )

        await on.heard.until(agrees)
        for _ in range(20):
            on.venue.step(3)
        await on.heard.until(agrees)
        on.venue.faults.add(Place.PUBLIC, "btcusdt@depth@100ms", Fault(drop=True))
        for _ in range(10):
            on.venue.step(3)
            await asyncio.sleep(0.01)
        await on.heard.until(lambda: agrees() and "gap" in statuses)
        on.venue.cut_sockets(Place.PUBLIC)
        await on.heard.until(
            lambda: (
                FeedStatus("binance", BTC, "book", "ok") in on.heard.events
                and any(isinstance(e, FeedStatus) and e.status == "down" for e in on.heard.events)
            )
        )
        assert agrees()

    played("rest", story, subscriptions=[Subscription("book", BTC), Subscription("trades", BTC)])


def test_fills_of_a_cut_private_socket_are_fetched_once_and_told_as_late() -> None:
    async def story(on: Stage) -> None:
        _, ask = on.touch()
        order = await on.place(str(ask - Decimal("0.1")), "0.005")
        on.venue.cut_sockets(Place.PRIVATE)
        for _ in range(400):
            on.venue.step()
            if on.venue.truth(KEY).orders[order.client_id].status.is_final:
                break
        assert on.venue.truth(KEY).fills, "it was filled while nobody listened"
        end = await on.ended(order.client_id)
        assert end.status == "filled"
        await on.heard.until(lambda: is_read_anew(on.heard.events[-1]))
        fills = on.heard.of(Fill)
        assert len({f.fill_id for f in fills}) == len(fills)
        assert sum(f.size for f in fills) == Decimal("0.005")
        assert all(f.backfilled for f in fills)
        assert on.heard.of(PositionUpdate)[-1].size == Decimal("0.005")
        assert [(r.subject, r.what) for r in on.heard.of(Reconciled)][:1] == [("order", order.client_id)]
        statuses = [s.status for s in on.heard.of(FeedStatus) if s.channel == "account"]
        assert statuses == ["connecting", "ok", "down", "ok"]

    played("rest", story)


def test_a_fill_of_an_order_that_nobody_answered_for_is_told_as_its_orders() -> None:
    """By REST it names its order by the venue's id alone: who hedges what its orders filled was told of somebody else's."""

    async def story(on: Stage) -> None:
        _, ask = on.touch()
        on.venue.faults.add(Place.PRIVATE, "*", Fault(drop=True), times=1_000)
        on.venue.faults.add(Place.REST, "POST /fapi/v1/order", Fault(drop=True))
        order = on.order(str(ask + 10), "0.005")
        on.intend(order)
        while not on.venue.truth(KEY).fills:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        await on.exchange.reconcile()
        assert {fill.client_id for fill in on.heard.of(Fill)} == {order.client_id}
        assert sum(fill.size for fill in on.heard.of(Fill)) == order.size

    played("rest", story, request_timeout_s=LATE_S)


def test_an_account_that_cannot_be_read_after_a_reconnect_stays_down_until_it_can() -> None:
    async def story(on: Stage) -> None:
        on.heard.bursts.clear()
        on.venue.faults.add(Place.REST, "GET /fapi/v3/positionRisk", Fault(status=503), times=6)
        on.venue.cut_sockets(Place.PRIVATE)
        await on.heard.until(lambda: FeedStatus("binance", "", "account", "ok", "reconciled") in on.heard.events)
        told = [(s.status, s.reason) for s in on.heard.of(FeedStatus) if s.channel == "account"]
        assert [status for status, _ in told] == ["down", "down", "ok"]
        assert "not reconciled" in told[1][1]

    played("rest", story, transport=Hasty())


def test_public_trades_missed_by_a_cut_socket_are_fetched_once() -> None:
    async def story(on: Stage) -> None:
        def ids() -> list[str]:
            return [trade.trade_id for trade in on.heard.of(Trade)]

        while len(ids()) < 5:
            on.venue.step(5)
            await asyncio.sleep(0)
        on.venue.cut_sockets(Place.PUBLIC)
        on.venue.step(200)
        await on.heard.until(lambda: any(trade.backfilled for trade in on.heard.of(Trade)))
        late = [trade for trade in on.heard.of(Trade) if trade.backfilled]
        assert len(late) > 3
        assert len(set(ids())) == len(ids()), "none twice"
        everything = [t.trade_id for t in await on.exchange.trades(Query(symbol=BTC, limit=1000))]  # type: ignore[union-attr]
        first = everything.index(ids()[0])
        assert set(everything[first:]) == set(ids()), "none lost"

    played("rest", story, subscriptions=[Subscription("trades", BTC)])


def test_a_read_is_repeated_where_that_may_help_and_raises_where_it_cannot() -> None:
    async def story(on: Stage) -> None:
        on.venue.faults.add(Place.REST, "GET /fapi/v3/positionRisk", Fault(status=502), times=1)
        assert await on.exchange.positions(Query(symbol=BTC)) is not None, "a read is repeated"
        with pytest.raises(VenueError, match="-1121"):
            await on.exchange.book(Query(symbol="NOPEUSDT"))

    played("rest", story)


def test_start_tells_instruments_with_fees_then_the_account_then_ok() -> None:
    async def story(on: Stage) -> None:
        kinds = [type(event) for event in on.heard.events]
        (instrument,) = on.heard.of(InstrumentDefined)
        assert (instrument.tick, instrument.lot, instrument.settle) == (Decimal("0.10"), Decimal("0.001"), "USDT")
        assert (instrument.maker_fee, instrument.taker_fee) == (Decimal("0.0002"), Decimal("0.00055"))
        assert kinds.index(InstrumentDefined) < kinds.index(BalanceUpdate)
        assert on.heard.of(BalanceUpdate)[0].total == Decimal(100_000)

    played("rest", story)


def test_no_key_and_no_signature_is_in_any_frame_that_is_kept() -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        await on.place(str(bid - 100))

    for entry in ("ws", "rest"):
        heard = played(entry, story)
        kept = [frame for _, _, _, frame in heard.bursts if frame is not None]
        assert len(kept) > 5
        text = repr(heard.bursts).encode() + b"".join(frame.body for frame in kept)
        assert b'"***"' in text, "the auth frame is kept, blanked"
        assert KEY.encode() not in text
        assert SECRET.encode() not in text
        assert {frame.direction for frame in kept} == {"in", "out"}
        assert all(frame.private for frame in kept)


@pytest.mark.parametrize("policy", ["cancel", "flatten", "leave"])
def test_shutdown_does_what_its_policy_says_and_asks_again(policy: Any) -> None:
    async def story(on: Stage) -> None:
        bid, ask = on.touch()
        await on.place(str(bid - 100))
        await on.place(str(bid - 101))
        taker = on.order(str(ask), "0.001", tif="ioc")
        on.intend(taker)
        await on.ended(taker.client_id)
        report = await on.exchange.shutdown(policy)
        truth = on.venue.truth(KEY)
        assert not report.errors
        assert report.clean
        assert len(truth.open_orders) == (2 if policy == "leave" else 0)
        assert len(report.open_orders) == (2 if policy == "leave" else 0)
        held = truth.positions[BTC].size if BTC in truth.positions else Decimal(0)
        assert held == (0 if policy == "flatten" else Decimal("0.001"))
        assert bool(report.positions) == (policy != "flatten")

    played("rest", story)


def test_a_shutdown_whose_cancels_are_refused_says_so_and_is_not_clean() -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        await on.place(str(bid - 100))
        on.venue.faults.add(Place.REST, "DELETE /fapi/v1/*", Fault(status=500), times=1000)
        report = await on.exchange.shutdown("cancel")
        assert not report.clean
        assert report.open_orders
        assert report.errors

    played("rest", story, transport=Hasty())


def test_every_poll_reads_what_the_venue_tells() -> None:
    async def story(on: Stage) -> None:
        bid, ask = on.touch()
        order = await on.place(str(bid - 100))
        taker = on.order(str(ask), "0.001", tif="ioc")
        on.intend(taker)
        await on.ended(taker.client_id)
        at = Query(symbol=BTC)
        exchange = on.exchange
        (book,) = await exchange.book(at)
        assert isinstance(book, BookSnapshot)
        assert book.bids[0][0] == float(bid)
        assert all(isinstance(t, Trade) for t in await exchange.trades(at))
        (ticker,) = await exchange.tickers(at)
        assert ticker.symbol == BTC
        assert await exchange.klines(at) is not None
        assert [o.client_id for o in await exchange.open_orders(at)] == [order.client_id]  # type: ignore[union-attr]
        assert taker.client_id in [o.client_id for o in await exchange.order_history(at)]  # type: ignore[union-attr]
        assert len(await exchange.executions(at)) == 1
        assert (await exchange.positions(at))[0].size == Decimal("0.001")  # type: ignore[union-attr]
        assert (await exchange.wallet())[0].asset == "USDT"  # type: ignore[union-attr]
        await exchange.set_leverage(BTC, Decimal(5))
        await exchange.set_leverage(BTC, Decimal(5))
        assert abs(await exchange.server_time() - WallClock().now_ns()) < 1_000_000_000
        before = len(on.heard.bursts)
        await exchange.positions(at, feed=True)
        assert any(isinstance(e, PositionUpdate) for _, events, _, _ in on.heard.bursts[before:] for e in events)

    played("rest", story)


def test_a_listen_key_that_expires_is_made_anew_and_a_clock_that_leapt_is_learnt() -> None:
    leap_ms = 0

    async def story(on: Stage) -> None:
        nonlocal leap_ms
        leap_ms = 61 * 60_000
        on.venue.tick()
        await on.heard.until(
            lambda: FeedStatus("binance", "", "account", "down", "the listen key expired") in on.heard.events
        )
        await on.heard.until(lambda: is_read_anew(on.heard.events[-1]))
        bid, _ = on.touch()
        order = await on.place(str(bid - 100))
        assert on.venue.truth(KEY).orders[order.client_id]

    played("rest", story, transport=Hasty(), clock=lambda: time.time_ns() // 1_000_000 + leap_ms)


def test_every_public_stream_speaks() -> None:
    async def story(on: Stage) -> None:
        def tickers() -> list[Ticker]:
            return on.heard.of(Ticker)

        def have_spoken() -> bool:
            return (
                any(t.bid and t.ask for t in tickers())
                and any(t.mark and t.index and t.funding_rate is not None and t.next_funding for t in tickers())
                and any(t.last and t.volume_24h for t in tickers())
                and bool(on.heard.of(Candle))
                and bool(on.heard.of(Trade))
            )

        async with asyncio.timeout(PATIENCE_S):
            while not have_spoken():
                on.venue.step(5)
                on.venue.tick()
                await asyncio.sleep(0.002)
        assert {candle.interval_s for candle in on.heard.of(Candle)} == {60}
        assert {trade.kind for trade in on.heard.of(Trade)} == {"normal"}
        gaps = [s for s in on.heard.of(FeedStatus) if s.status not in ("connecting", "ok")]
        assert gaps == []

    channels = ("book", "trades", "ticker", "candles", "liquidations")
    played("rest", story, subscriptions=[Subscription(channel, BTC) for channel in channels])  # type: ignore[arg-type]


def test_the_best_levels_and_spot_stream_too() -> None:
    async def story() -> list[Any]:
        venue = BinanceVenue((BTC,), seed=3, spot=True)
        await venue.start()
        heard = Heard()
        settings = VenueSettings("binance.spot", "spot", rest_url=venue.rest_url, public_url=venue.public_url)
        exchange = Exchange(settings, heard, WallClock(), "s")
        try:
            await exchange.start([Subscription("book", BTC), Subscription("trades", BTC), Subscription("ticker", BTC)])
            await heard.until(lambda: heard.of(BookSnapshot))
            while not (heard.of(BookDelta) and heard.of(Trade)):
                venue.step(5)
                await asyncio.sleep(0.002)
            (instrument,) = heard.of(InstrumentDefined)
            assert (instrument.venue, instrument.kind) == ("binance.spot", "spot")
            return [event for event in heard.events if isinstance(event, FeedStatus) and event.status == "gap"]
        finally:
            await exchange.close()
            await venue.stop()

    assert asyncio.run(story()) == []

    async def best(on: Stage) -> None:
        await on.heard.until(lambda: on.venue.step() or len(on.heard.of(BookSnapshot)) > 2)
        assert {(b.depth, len(b.bids), len(b.asks)) for b in on.heard.of(BookSnapshot)} == {(5, 5, 5)}
        assert on.heard.of(BookDelta) == []

    played("rest", best, subscriptions=[Subscription("book", BTC, depth=5)])


def is_read_anew(event: object) -> bool:
    """With or without the count of what no stream had told."""
    return isinstance(event, FeedStatus) and event.channel == "account" and event.reason.startswith("reconciled")
