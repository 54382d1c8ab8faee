"""Streams, the account, polls and the way out over real sockets, against a venue that shares no code with the adapter."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from adapters.base.query import Query
from adapters.base.settings import Subscription, VenueSettings
from adapters.loopback import OkxVenue
from adapters.loopback.faults import Fault, Place
from adapters.okx.exchange import Exchange
from state.book import Book
from state.clock import WallClock
from state.errors import VenueError, WrongUse
from state.events import (
    Accepted,
    BalanceUpdate,
    BookDelta,
    BookSnapshot,
    CancelAll,
    Candle,
    FeedStatus,
    Fill,
    InstrumentDefined,
    OrderUpdate,
    PositionUpdate,
    Reconciled,
    Ticker,
    Trade,
    Unknown,
)
from state.secrets import Credentials, Secret
from tests.adapters.binance.stage import Hasty, Heard
from tests.adapters.okx.stage import BTC, ETH, KEY, KEYS, PASSPHRASE, SECRET, Stage, played
from tests.patience import PATIENCE_S

READ_ANEW = FeedStatus("okx", "", "account", "ok", "reconciled")


@pytest.mark.parametrize("checksums", [False, True], ids=["ids alone", "ids and checksums"])
def test_a_book_follows_the_venue_and_recovers_from_a_lost_frame_and_a_cut_socket(checksums: bool) -> None:
    async def story(on: Stage) -> None:
        book = Book("okx", BTC)
        statuses: list[FeedStatus] = []

        def fold() -> None:
            for event in on.heard.events:
                if isinstance(event, BookSnapshot):
                    book.replace(event)
                elif isinstance(event, BookDelta):
                    book.update(event)
                elif isinstance(event, FeedStatus) and event.channel == "book":
                    statuses.append(event)
                    if event.status != "ok":
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

        async def move() -> None:
            for _ in range(10):
                on.venue.step(3)
                on.venue.publish()
                await asyncio.sleep(0.005)
                fold()

        await on.heard.until(agrees)
        await move()
        await on.heard.until(agrees)
        assert not statuses[2:], "in base units, to the last digit, and never in doubt"
        on.venue.faults.add(Place.PUBLIC, f"books.{BTC}", Fault(drop=True))
        await move()
        await on.heard.until(agrees)
        assert "gap" in {status.status for status in statuses}
        on.venue.cut_sockets(Place.PUBLIC)
        await on.heard.until(lambda: fold() or "down" in {status.status for status in statuses})  # type: ignore[func-returns-value]
        await on.heard.until(agrees)
        assert [status.status for status in statuses][-2:] == ["down", "ok"]

    subscriptions = [Subscription("book", BTC), Subscription("trades", BTC)]
    played("rest", story, subscriptions=subscriptions, checksums=checksums)


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
        assert (await on.ended(order.client_id)).status == "filled"
        await on.heard.until(lambda: getattr(on.heard.events[-1], "reason", "").startswith("reconciled:"))
        fills = on.heard.of(Fill)
        assert len({f.fill_id for f in fills}) == len(fills)
        assert sum(f.size for f in fills) == Decimal("0.005")
        assert on.heard.of(PositionUpdate)[-1].size == Decimal("0.005")
        assert on.heard.of(Reconciled)
        statuses = [s.status for s in on.heard.of(FeedStatus) if s.channel == "account"]
        assert statuses == ["connecting", "ok", "down", "ok"]

    played("rest", story)


def test_an_account_that_cannot_be_read_after_a_reconnect_stays_down_until_it_can() -> None:
    async def story(on: Stage) -> None:
        on.heard.bursts.clear()
        on.venue.faults.add(Place.REST, "/api/v5/account/positions", Fault(status=503), times=6)
        on.venue.cut_sockets(Place.PRIVATE)
        await on.heard.until(lambda: READ_ANEW in on.heard.events)
        told = [(s.status, s.reason) for s in on.heard.of(FeedStatus) if s.channel == "account"]
        assert [status for status, _ in told] == ["down", "down", "ok"]
        assert "not reconciled" in told[1][1]

    played("rest", story, transport=Hasty())


def test_public_trades_missed_by_a_cut_socket_are_fetched_once() -> None:
    async def story(on: Stage) -> None:
        def ids() -> list[int]:
            return [int(trade.trade_id) for trade in on.heard.of(Trade)]

        while len(ids()) < 5:
            on.venue.step(5)
            on.venue.publish()
            await asyncio.sleep(0)
        on.venue.cut_sockets(Place.PUBLIC)
        on.venue.step(60)
        await on.heard.until(lambda: any(trade.backfilled for trade in on.heard.of(Trade)))
        late = [trade for trade in on.heard.of(Trade) if trade.backfilled]
        assert len(late) > 3
        assert len(set(ids())) == len(ids()), "none twice"
        everything = [t for t in await on.exchange.trades(Query(symbol=BTC, limit=500)) if isinstance(t, Trade)]
        first = on.heard.of(Trade)[0]
        since = sum(t.size for t in everything if int(first.trade_id) < int(t.trade_id) <= max(ids()))
        assert sum(trade.size for trade in on.heard.of(Trade)[1:]) == pytest.approx(since), "none lost"

    played("rest", story, subscriptions=[Subscription("trades", BTC)])


def test_every_public_stream_speaks_in_base_units() -> None:
    async def story(on: Stage) -> None:
        def all_said() -> bool:
            tickers, names = on.heard.of(Ticker), ("last", "mark", "index", "funding_rate", "open_interest")
            return (
                all(any(getattr(t, name) is not None for t in tickers) for name in names)
                and any(t.bid and t.ask and t.volume_24h for t in tickers)
                and all(on.heard.of(kind) for kind in (Candle, Trade, BookSnapshot))
            )

        async with asyncio.timeout(PATIENCE_S):
            while not all_said():
                on.venue.step(5)
                on.venue.publish()
                await asyncio.sleep(0.005)
        tickers = on.heard.of(Ticker)
        assert {t.funding_interval_s for t in tickers if t.funding_rate is not None} == {8 * 3600}
        assert {candle.interval_s for candle in on.heard.of(Candle)} == {60}
        assert all(Decimal(repr(trade.size)) % Decimal("0.0001") == 0 for trade in on.heard.of(Trade))
        assert [s for s in on.heard.of(FeedStatus) if s.status not in ("connecting", "ok")] == []

    channels = ("book", "trades", "ticker", "candles", "liquidations")
    played("rest", story, subscriptions=[Subscription(channel, BTC) for channel in channels])  # type: ignore[arg-type]


@pytest.mark.parametrize("depth", [1, 5])
def test_the_best_levels_stream_too(depth: int) -> None:
    async def story(on: Stage) -> None:
        while len(on.heard.of(BookSnapshot)) < 3:
            on.venue.step()
            await asyncio.sleep(0.002)
        assert {(b.depth, len(b.bids), len(b.asks)) for b in on.heard.of(BookSnapshot)} == {(depth, depth, depth)}
        assert on.heard.of(BookDelta) == []

    played("rest", story, subscriptions=[Subscription("book", BTC, depth=depth)])


def test_spot_streams_under_a_name_of_its_own() -> None:
    async def story() -> None:
        venue = OkxVenue(("BTC-USDT",), seed=3)
        await venue.start()
        heard = Heard()
        settings = VenueSettings("okx.spot", "spot", rest_url=venue.rest_url, public_url=venue.public_url)
        exchange = Exchange(settings, heard, WallClock(), "s")
        try:
            await exchange.start([Subscription(c, "BTC-USDT") for c in ("book", "trades", "ticker")])  # type: ignore[arg-type]
            while not (heard.of(BookDelta) and heard.of(Trade) and heard.of(Ticker)):
                venue.step(5)
                venue.publish()
                await asyncio.sleep(0.005)
            (instrument,) = heard.of(InstrumentDefined)
            assert (instrument.venue, instrument.kind, instrument.settle) == ("okx.spot", "spot", "USDT")
            assert {event.venue for event in heard.events} == {"okx.spot"}  # type: ignore[union-attr]
        finally:
            await exchange.close()
            await venue.stop()

    asyncio.run(story())
    with pytest.raises(WrongUse, match="public data"):
        Exchange(VenueSettings("okx.spot", "spot"), Heard(), WallClock(), "s", KEYS)


def test_a_read_is_repeated_where_that_may_help_and_raises_where_it_cannot() -> None:
    async def story(on: Stage) -> None:
        on.venue.faults.add(Place.REST, "/api/v5/account/positions", Fault(status=502), times=1)
        assert await on.exchange.positions(Query(symbol=BTC)) is not None, "a read is repeated"
        with pytest.raises(VenueError, match="51001"):
            await on.exchange.book(Query(symbol="NOPE-USDT-SWAP"))

    played("rest", story)


def test_start_tells_instruments_in_base_units_with_fees_then_the_account_then_ok() -> None:
    async def story(on: Stage) -> None:
        kinds = [type(event) for event in on.heard.events]
        (instrument,) = on.heard.of(InstrumentDefined)
        assert (instrument.tick, instrument.lot, instrument.settle) == (Decimal("0.1"), Decimal("0.0001"), "USDT")
        assert (instrument.contract_size, instrument.native) == (Decimal("0.01"), '{"instIdCode":10459}')
        assert (instrument.maker_fee, instrument.taker_fee) == (Decimal("0.0002"), Decimal("0.00055"))
        assert kinds.index(InstrumentDefined) < kinds.index(BalanceUpdate)
        assert on.heard.of(BalanceUpdate)[0].total == Decimal(100_000)

    played("rest", story)


def test_no_key_no_passphrase_and_no_signature_is_in_any_frame_that_is_kept() -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        await on.place(str(bid - 100))

    for entry in ("ws", "rest"):
        heard = played(entry, story)
        kept = [frame for _, _, _, frame in heard.bursts if frame is not None]
        assert len(kept) > 5
        text = repr(heard.bursts).encode() + b"".join(frame.body for frame in kept)
        assert b'"sign":"***"' in text, "the login is kept, blanked"
        for word in (KEY, SECRET, PASSPHRASE):
            assert word.encode() not in text
        assert {frame.direction for frame in kept} == {"in", "out"}


@pytest.mark.parametrize("wrong", ["key", "secret", "passphrase"])
def test_a_wrong_word_is_told_and_never_repeated_back(wrong: str) -> None:
    async def story() -> None:
        venue = OkxVenue((BTC,), seed=3)
        await venue.start()
        heard = Heard()
        words = {"key": KEY, "secret": SECRET, "passphrase": PASSPHRASE} | {wrong: "nobody-knows-this"}
        where = VenueSettings("okx", "swap", rest_url=venue.rest_url, private_url=venue.private_url, symbols=(BTC,))
        keys = Credentials(*map(Secret, words.values()))
        exchange = Exchange(where, heard, WallClock(), "s", keys)
        try:
            with pytest.raises(VenueError, match="okx 501"):
                await exchange.start(())
            assert "nobody-knows-this" not in repr(heard.bursts)
        finally:
            await exchange.close()
            await venue.stop()

    asyncio.run(story())


@pytest.mark.parametrize("policy", ["cancel", "flatten", "leave"])
def test_shutdown_does_what_its_policy_says_and_asks_again(policy: Any) -> None:
    async def story(on: Stage) -> None:
        bid, ask = on.touch()
        await on.place(str(bid - 100))
        await on.place("1800", "1.0", symbol=ETH)
        taker = on.order(str(ask), "0.001", tif="ioc")
        on.intend(taker)
        await on.ended(taker.client_id)
        report = await on.exchange.shutdown(policy)
        truth = on.venue.truth(KEY)
        assert not report.errors
        assert report.clean
        assert len(truth.open_orders) == len(report.open_orders) == (2 if policy == "leave" else 0)
        held = truth.positions[BTC].size if BTC in truth.positions else Decimal(0)
        assert held == (0 if policy == "flatten" else Decimal("0.001"))
        assert bool(report.positions) == (policy != "flatten")

    played("rest", story, symbols=(BTC, ETH))


def test_cancel_all_sweeps_more_orders_than_one_request_holds_on_every_market_or_on_one() -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        seqs = on.intend(*[on.order(str(bid - 100 - n)) for n in range(30)], on.order("1800", "1.0", symbol=ETH))
        await on.heard.until(lambda: all(on.heard.outcome(seq) for seq in seqs))
        (seq,) = on.intend(CancelAll("okx", BTC))
        await on.heard.until(lambda: on.heard.outcome(seq))
        assert isinstance(on.heard.outcome(seq)[0], Accepted)
        assert len(on.venue.truth(KEY).open_orders) == 1, "the other market's order rests"
        (seq,) = on.intend(CancelAll("okx", ""))
        await on.heard.until(lambda: on.heard.outcome(seq))
        assert not on.venue.truth(KEY).open_orders

    played("ws", story, symbols=(BTC, ETH))


def test_a_sweep_that_cannot_list_what_rests_is_an_unknown_outcome_and_a_shutdown_that_cannot_cancel_says_so() -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        await on.place(str(bid - 100))
        on.venue.faults.add(Place.REST, "/api/v5/trade/orders-pending", Fault(status=503), times=12)
        (seq,) = on.intend(CancelAll("okx", BTC))
        await on.heard.until(lambda: on.heard.outcome(seq))
        assert isinstance(on.heard.outcome(seq)[0], Unknown)
        on.venue.faults.add(Place.REST, "/api/v5/trade/cancel-*", Fault(status=500), times=1000)
        report = await on.exchange.shutdown("cancel")
        assert not report.clean
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
        assert (book.bids[0][0], book.bids[0][1]) == tuple(map(float, on.venue.books[BTC].bids[0]))
        assert all(isinstance(t, Trade) for t in await exchange.trades(at))
        for query, symbols in ((at, {BTC}), (Query(), {BTC, ETH})):
            assert {ticker.symbol for ticker in await exchange.tickers(query)} == symbols  # type: ignore[union-attr]
        assert await exchange.klines(at) is not None
        assert [o.client_id for o in await exchange.open_orders(at)] == [order.client_id]  # type: ignore[union-attr]
        assert taker.client_id in [o.client_id for o in await exchange.order_history(at)]  # type: ignore[union-attr]
        assert [f.size for f in await exchange.executions(at)] == [Decimal("0.001")]  # type: ignore[union-attr]
        assert (await exchange.positions(at))[0].size == Decimal("0.001")  # type: ignore[union-attr]
        assert (await exchange.wallet())[0].asset == "USDT"  # type: ignore[union-attr]
        await exchange.set_leverage(BTC, Decimal(5))
        await exchange.disconnect_cancel_all(60)
        await exchange.disconnect_cancel_all(0)
        for action in ("mark_prices", "index_tickers", "funding_rate", "open_interest"):
            (said,) = await exchange.poll(action, at)
            assert isinstance(said, Ticker)
            assert said.symbol == BTC
        assert abs(await exchange.server_time() - WallClock().now_ns()) < 1_000_000_000
        before = len(on.heard.bursts)
        await exchange.positions(at, feed=True)
        assert any(isinstance(e, PositionUpdate) for _, events, _, _ in on.heard.bursts[before:] for e in events)

    played("rest", story, symbols=(BTC, ETH))


def test_an_order_placed_by_hand_on_another_market_is_seen_and_cancelled() -> None:
    """Whose contract size the session never asked for."""

    async def story(on: Stage) -> None:
        other = on.order("1800", "1.0", symbol=ETH, client_id="byhand1")
        answer = await on.exchange.sender.once(on.exchange.build("place", other))
        assert answer.verdict.meaning == "ok"
        await on.heard.until(lambda: on.heard.of(OrderUpdate, "byhand1"))
        assert on.heard.of(OrderUpdate, "byhand1")[0].size == Decimal("1.0")
        rules = next(e for e in on.heard.of(InstrumentDefined) if e.symbol == ETH)
        told = on.heard.events
        assert told.index(rules) < told.index(on.heard.of(OrderUpdate, "byhand1")[0]), "so that its frame decodes again"
        (seq,) = on.intend(CancelAll("okx", ""))
        await on.heard.until(lambda: on.heard.outcome(seq))
        assert not on.venue.truth(KEY).open_orders

    played("ws", story)
