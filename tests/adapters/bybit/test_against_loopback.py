"""The whole adapter over real sockets, against a venue that shares no code with it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from adapters.base.query import Query
from adapters.base.settings import Subscription, VenueSettings
from adapters.base.transport import AiohttpTransport
from adapters.bybit.exchange import Exchange
from adapters.loopback import Account, BybitVenue, RateLimits
from adapters.loopback.faults import Fault, Faults, Place
from state.book import Book
from state.clock import WallClock
from state.errors import VenueError
from state.events import (
    Accepted,
    AmendOrder,
    AnyEvent,
    BalanceUpdate,
    BookDelta,
    BookSnapshot,
    CancelAll,
    CancelOrder,
    FeedStatus,
    Fill,
    InstrumentDefined,
    Intent,
    OrderUpdate,
    PlaceOrder,
    PositionUpdate,
    Reconciled,
    Rejected,
    Trade,
    Unknown,
)
from state.record import Frame, Record
from state.secrets import Credentials, Secret

KEY, SECRET = "APIKEY", "SUPERSECRETWORD"
BTC = "BTCUSDT"


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

    async def until(self, holds: Callable[[], object], timeout_s: float = 5.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not holds():
                self.news.clear()
                await self.news.wait()


@dataclass
class Stage:
    """A venue, an exchange connected to it, and what the exchange said."""

    venue: BybitVenue
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

    def order(self, price: str, size: str = "0.010", **more: Any) -> PlaceOrder:
        client_id = more.pop("client_id", None) or self.exchange.order_ids.make(self.seq + 1 + len(self._ids))
        self._ids.append(client_id)
        return PlaceOrder(
            "bybit", BTC, more.pop("side", "buy"), Decimal(size), Decimal(price), client_id=client_id, **more
        )

    _ids: list[str] = field(default_factory=list)

    def touch(self) -> tuple[Decimal, Decimal]:
        book = self.venue.books[BTC]
        return book.bids[0][0], book.asks[0][0]

    async def place(self, price: str, size: str = "0.010", **more: Any) -> PlaceOrder:
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
    **settings: Any,
) -> AsyncIterator[Stage]:
    account = Account(KEY, SECRET, Decimal(100_000), uid=1)
    venue = BybitVenue(
        (BTC, "ETHUSDT"), seed=11, accounts=[account], rate_limits=limits or RateLimits.off(), faults=Faults()
    )
    await venue.start()
    heard = Heard()
    exchange = Exchange(
        VenueSettings(
            "bybit",
            rest_url=venue.rest_url,
            public_url=venue.public_url,
            private_url=venue.private_url,
            trade_url=venue.trade_url,
            order_entry=entry,  # type: ignore[arg-type]
            **({"symbols": (BTC,), "request_timeout_s": 1.0, "look_up_s": 0.5} | settings),
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
        await exchange.start(subscriptions)
        if entry == "ws":
            await heard.until(lambda: FeedStatus("bybit", "", "trade", "ok") in heard.events)
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


@ENTRIES
def test_an_order_that_rests_is_accepted_then_open_then_cancelled_once(entry: str) -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        order = await on.place(str(bid - 100), tif="post_only")
        (accepted,) = on.heard.outcome(1)
        assert isinstance(accepted, Accepted)
        assert (accepted.action, accepted.client_id) == ("place", order.client_id)
        (opened,) = on.heard.of(OrderUpdate, order.client_id)
        assert (opened.status, opened.side, opened.tif, opened.price, opened.size, opened.filled) == (
            "open", "buy", "post_only", bid - 100, Decimal("0.010"), Decimal(0),
        )  # fmt: skip
        assert opened.order_id == accepted.order_id
        first, second = on.intend(
            CancelOrder("bybit", BTC, order.client_id), CancelOrder("bybit", BTC, order.client_id)
        )
        assert (await on.ended(order.client_id)).status == "cancelled"
        await on.heard.until(lambda: on.heard.outcome(second))
        assert isinstance(on.heard.outcome(first)[0], Accepted)
        (gone,) = on.heard.outcome(second)
        assert isinstance(gone, Rejected)
        assert (gone.refusal, gone.code) == ("gone", "110001")
        assert not on.venue.truth(KEY).open_orders

    played(entry, story)


@ENTRIES
def test_an_order_that_crosses_fills_with_fee_position_and_balance(entry: str) -> None:
    async def story(on: Stage) -> None:
        _, ask = on.touch()
        order = on.order(str(ask), "0.001", tif="ioc")
        on.intend(order)
        assert (await on.ended(order.client_id)).status == "filled"
        await on.heard.until(lambda: on.heard.of(Fill) and on.heard.of(BalanceUpdate)[-1].total != Decimal(100_000))
        (fill,) = on.heard.of(Fill)
        truth = on.venue.truth(KEY)
        assert (fill.price, fill.size, fill.side, fill.maker) == (ask, Decimal("0.001"), "buy", False)
        assert fill.fee == -truth.fees.quantize(Decimal("1e-8")), "as told, in the asset's eight decimals"
        assert fill.fee < 0, "a fee paid is negative"
        assert on.heard.of(PositionUpdate)[-1].size == Decimal("0.001")
        assert on.heard.of(BalanceUpdate)[-1].total == truth.wallet.quantize(Decimal("1e-8"))

    played(entry, story)


@ENTRIES
def test_an_order_larger_than_the_touch_is_filled_in_part_and_after_an_amend_whole(entry: str) -> None:
    async def story(on: Stage) -> None:
        (price, size), (second, _) = on.venue.books[BTC].asks[:2]
        order = on.order(str(price), str(size + Decimal("0.001")))
        on.intend(order)
        await on.heard.until(lambda: any(o.filled == size for o in on.heard.of(OrderUpdate, order.client_id)))
        partial = on.heard.of(OrderUpdate, order.client_id)[-1]
        assert (partial.status, partial.filled) == ("partially_filled", size)
        on.intend(AmendOrder("bybit", BTC, order.client_id, second, order.size))
        assert (await on.ended(order.client_id)).status == "filled"
        await on.heard.until(lambda: sum(f.size for f in on.heard.of(Fill)) == order.size)
        assert all(f.client_id == order.client_id for f in on.heard.of(Fill))
        versions = [update.version for update in on.heard.of(OrderUpdate, order.client_id)]
        assert versions == sorted(versions)
        assert on.heard.of(OrderUpdate, order.client_id)[-1].avg_price > price

    played(entry, story)


@ENTRIES
def test_a_post_only_that_would_take_is_told_rejected_with_its_class(entry: str) -> None:
    async def story(on: Stage) -> None:
        _, ask = on.touch()
        order = on.order(str(ask + 10), tif="post_only")
        on.intend(order)
        end = await on.ended(order.client_id)
        assert (end.status, end.refusal) == ("rejected", "post_only")
        assert not on.heard.of(Fill)

    played(entry, story)


@ENTRIES
def test_an_amend_changes_price_and_size_under_the_same_ids(entry: str) -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        order = await on.place(str(bid - 100))
        (seq,) = on.intend(AmendOrder("bybit", BTC, order.client_id, bid - 50, Decimal("0.020")))
        await on.heard.until(lambda: on.heard.of(OrderUpdate, order.client_id)[-1].price == bid - 50)
        await on.heard.until(lambda: on.heard.outcome(seq))
        assert isinstance(on.heard.outcome(seq)[0], Accepted)
        assert on.heard.of(OrderUpdate, order.client_id)[-1].size == Decimal("0.020")

    played(entry, story)


@ENTRIES
def test_a_refusal_carries_the_venues_code_words_and_our_class(entry: str) -> None:
    async def story(on: Stage) -> None:
        seqs = on.intend(on.order("65000.05"))
        await on.heard.until(lambda: on.heard.outcome(seqs[0]))
        (rejected,) = on.heard.outcome(seqs[0])
        assert isinstance(rejected, Rejected)
        assert (rejected.refusal, rejected.code) == ("rule", "10001")
        assert rejected.text

    played(entry, story)


@ENTRIES
def test_a_batch_with_a_bad_leg_places_the_others(entry: str) -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        good = [on.order(str(bid - 100 - n), tif="post_only") for n in range(3)]
        bad = on.order(str(bid - Decimal("0.05")))
        seqs = on.intend(good[0], bad, good[1], good[2])
        await on.heard.until(lambda: all(on.heard.outcome(seq) for seq in seqs))
        kinds = [type(on.heard.outcome(seq)[0]) for seq in seqs]
        assert kinds == [Accepted, Rejected, Accepted, Accepted]
        assert set(on.venue.truth(KEY).open_orders) == {order.client_id for order in good}
        frames = [frame for _, _, cause, frame in on.heard.bursts if cause in seqs and frame is not None]
        assert len({frame.body for frame in frames}) == 1, "one request, one answer, four outcomes"
        amends = [AmendOrder("bybit", BTC, o.client_id, bid - 200 - n, o.size) for n, o in enumerate(good)]
        seqs = on.intend(*amends)
        await on.heard.until(lambda: all(on.heard.outcome(seq) for seq in seqs))
        seqs = on.intend(*[CancelOrder("bybit", BTC, o.client_id) for o in good])
        await on.heard.until(lambda: all(on.heard.outcome(seq) for seq in seqs))
        assert {type(on.heard.outcome(seq)[0]) for seq in seqs} == {Accepted}
        assert not on.venue.truth(KEY).open_orders

    played(entry, story)


def test_cancel_all_leaves_nothing_of_the_symbol_and_then_of_the_venue() -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        for n in range(3):
            await on.place(str(bid - 100 - n))
        seqs = on.intend(CancelAll("bybit", BTC))
        await on.heard.until(lambda: on.heard.outcome(seqs[0]))
        assert isinstance(on.heard.outcome(seqs[0])[0], Accepted)
        assert not on.venue.truth(KEY).open_orders
        await on.place(str(bid - 100))
        seqs = on.intend(CancelAll("bybit", ""))
        await on.heard.until(lambda: on.heard.outcome(seqs[0]))
        assert isinstance(on.heard.outcome(seqs[0])[0], Accepted)
        assert not on.venue.truth(KEY).open_orders

    played("rest", story)


@pytest.mark.parametrize(
    ("entry", "place", "what"),
    [("ws", Place.TRADE, "order.create"), ("rest", Place.REST, "/v5/order/create")],
)
def test_an_answer_that_is_lost_is_unknown_then_found(entry: str, place: Place, what: str) -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        on.venue.faults.add(place, what, Fault(drop=True))
        order = on.order(str(bid - 100))
        (seq,) = on.intend(order)
        await on.heard.until(lambda: len(on.heard.outcome(seq)) > 1)
        unknown, accepted, update = on.heard.outcome(seq)
        assert isinstance(unknown, Unknown)
        assert isinstance(accepted, Accepted)
        assert isinstance(update, OrderUpdate)
        assert (update.status, update.client_id) == ("open", order.client_id)
        assert len(on.venue.truth(KEY).orders) == 1, "never sent twice"

    played(entry, story, request_timeout_s=0.3)


def test_a_request_that_never_arrived_is_unknown_then_gone_after_the_waiting_time() -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        on.venue.faults.add(Place.REST, "/v5/order/create", Fault(status=502))
        order = on.order(str(bid - 100))
        (seq,) = on.intend(order)
        await on.heard.until(lambda: len(on.heard.outcome(seq)) > 1)
        unknown, gone = on.heard.outcome(seq)
        assert isinstance(unknown, Unknown)
        assert isinstance(gone, Rejected)
        assert gone.refusal == "gone"
        assert not on.venue.truth(KEY).orders

    played("rest", story)


def test_an_order_socket_cut_between_request_and_answer_leaves_one_order() -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        on.venue.faults.add(Place.TRADE, "order.create", Fault(cut=True))
        order = on.order(str(bid - 100))
        (seq,) = on.intend(order)
        await on.heard.until(lambda: len(on.heard.outcome(seq)) > 1)
        assert isinstance(on.heard.outcome(seq)[0], Unknown)
        truth = on.venue.truth(KEY)
        last = on.heard.outcome(seq)[1]
        assert isinstance(last, Accepted if order.client_id in truth.orders else Rejected)
        follower = on.order(str(bid - 101))
        on.intend(follower)
        await on.heard.until(lambda: on.heard.of(OrderUpdate, follower.client_id))

    played("ws", story)


def test_more_orders_than_the_rate_limit_lets_through_all_arrive_in_the_end() -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        seqs = on.intend(*[on.order(str(bid - 100 - n)) for n in range(25)])
        await on.heard.until(lambda: all(on.heard.outcome(seq) for seq in seqs), 10)
        assert {type(on.heard.outcome(seq)[0]) for seq in seqs} == {Accepted}
        assert len(on.venue.truth(KEY).open_orders) == 25

    played("rest", story, limits=RateLimits(), request_timeout_s=5.0)


def test_a_book_follows_the_venue_and_recovers_from_a_lost_frame_and_a_cut_socket() -> None:
    async def story(on: Stage) -> None:
        book = Book("bybit", BTC)

        def fold() -> None:
            for event in on.heard.events:
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
        on.venue.faults.add(Place.PUBLIC, f"orderbook.50.{BTC}", Fault(drop=True))
        statuses: list[FeedStatus] = []
        for _ in range(10):
            on.venue.step(3)
            await asyncio.sleep(0.01)
            statuses += [e for e in on.heard.events if isinstance(e, FeedStatus) and e.channel == "book"]
            fold()
        await on.heard.until(agrees)
        assert "gap" in {status.status for status in statuses}
        on.venue.cut_sockets(Place.PUBLIC)
        await on.heard.until(
            lambda: (
                FeedStatus("bybit", BTC, "book", "ok") in on.heard.events
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
        await on.heard.until(lambda: on.heard.events[-1] == FeedStatus("bybit", "", "account", "ok", "reconciled"))
        fills = on.heard.of(Fill)
        assert len({f.fill_id for f in fills}) == len(fills)
        assert sum(f.size for f in fills) == Decimal("0.005")
        assert all(f.backfilled for f in fills)
        assert on.heard.of(PositionUpdate)[-1].size == Decimal("0.005")
        assert [(r.subject, r.what) for r in on.heard.of(Reconciled)][:1] == [("order", order.client_id)]
        statuses = [s.status for s in on.heard.of(FeedStatus) if s.channel == "account"]
        assert statuses == ["connecting", "ok", "down", "ok"]

    played("rest", story)


def test_an_account_that_cannot_be_read_after_a_reconnect_stays_down_until_it_can() -> None:
    async def story(on: Stage) -> None:
        on.heard.bursts.clear()
        on.venue.faults.add(Place.REST, "/v5/position/list", Fault(status=503), times=6)
        on.venue.cut_sockets(Place.PRIVATE)
        await on.heard.until(lambda: FeedStatus("bybit", "", "account", "ok", "reconciled") in on.heard.events)
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
        on.venue.faults.add(Place.REST, "/v5/position/list", Fault(status=502), times=1)
        assert await on.exchange.positions(Query(symbol=BTC)) is not None, "a read is repeated"
        with pytest.raises(VenueError, match="symbol invalid"):
            await on.exchange.instruments(Query(symbol="NOPEUSDT"))

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
        on.venue.faults.add(Place.REST, "/v5/order/cancel*", Fault(status=500), times=1000)
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
