"""Orders over real sockets, against a venue that shares no code with the adapter: every path there is."""

import asyncio
import time
from decimal import Decimal

import pytest

from adapters.base.settings import Subscription
from adapters.conformance.leaps import LATE_S, leap
from adapters.loopback.faults import Fault, Place
from adapters.loopback.okx import RateLimits
from state.events import (
    Accepted,
    AmendOrder,
    BalanceUpdate,
    BookDelta,
    BookSnapshot,
    CancelAll,
    CancelOrder,
    FeedStatus,
    Fill,
    FundingPayment,
    OrderUpdate,
    PositionUpdate,
    Rejected,
    Unknown,
)
from state.orders import Orders
from tests.adapters.okx.stage import BTC, ENTRIES, KEY, Stage, played


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
            "open", "buy", "post_only", bid - 100, Decimal("0.10"), Decimal(0),
        )  # fmt: skip
        assert opened.order_id == accepted.order_id
        first, second = on.intend(CancelOrder("okx", BTC, order.client_id), CancelOrder("okx", BTC, order.client_id))
        assert (await on.ended(order.client_id)).status == "cancelled"
        await on.heard.until(lambda: on.heard.outcome(second))
        assert isinstance(on.heard.outcome(first)[0], Accepted)
        (gone,) = on.heard.outcome(second)
        assert isinstance(gone, Rejected)
        assert (gone.refusal, gone.code) == ("gone", "51400")
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
        assert fill.fee == -truth.fees < 0, "a fee paid is negative"
        assert on.heard.of(PositionUpdate)[-1].size == Decimal("0.001")
        assert on.heard.of(BalanceUpdate)[-1].total == truth.wallet

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
        on.intend(AmendOrder("okx", BTC, order.client_id, second, order.size))
        assert (await on.ended(order.client_id)).status == "filled"
        await on.heard.until(lambda: sum(f.size for f in on.heard.of(Fill)) == order.size)
        assert all(f.client_id == order.client_id for f in on.heard.of(Fill))
        versions = [update.version for update in on.heard.of(OrderUpdate, order.client_id)]
        assert versions == sorted(versions)
        assert on.heard.of(OrderUpdate, order.client_id)[-1].avg_price > price

    played(entry, story)


@ENTRIES
def test_a_post_only_that_would_take_is_accepted_and_then_told_refused_with_its_class(entry: str) -> None:
    async def story(on: Stage) -> None:
        _, ask = on.touch()
        order = on.order(str(ask + 10), tif="post_only")
        (seq,) = on.intend(order)
        await on.heard.until(lambda: on.heard.outcome(seq))
        assert isinstance(on.heard.outcome(seq)[0], Accepted), "the venue takes it, and cancels it afterwards"
        end = await on.ended(order.client_id)
        assert (end.status, end.refusal, end.filled) == ("rejected", "post_only", 0)
        assert not on.heard.of(Fill)

    played(entry, story)


@ENTRIES
def test_an_amend_changes_price_and_size_under_the_same_ids(entry: str) -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        order = await on.place(str(bid - 100))
        (seq,) = on.intend(AmendOrder("okx", BTC, order.client_id, bid - 50, Decimal("0.20")))
        await on.heard.until(lambda: on.heard.of(OrderUpdate, order.client_id)[-1].price == bid - 50)
        await on.heard.until(lambda: on.heard.outcome(seq))
        assert isinstance(on.heard.outcome(seq)[0], Accepted)
        assert on.heard.of(OrderUpdate, order.client_id)[-1].size == Decimal("0.20")

    played(entry, story)


@ENTRIES
@pytest.mark.parametrize("first", ["answer", "push"])
def test_an_amend_that_fails_after_it_was_accepted_leaves_the_order_where_it_rests(entry: str, first: str) -> None:
    async def story(on: Stage) -> None:
        bid, ask = on.touch()
        order = await on.place(str(bid - 100), tif="post_only")
        amend = AmendOrder("okx", BTC, order.client_id, ask + 10, order.size)
        if first == "push":
            place, what = (Place.REST, "*/amend-order") if entry == "rest" else (Place.TRADE, "amend-order")
            on.venue.faults.add(place, what, Fault(delay_s=0.2))
        (seq,) = on.intend(amend)
        await on.heard.until(lambda: on.heard.outcome(seq))
        await on.heard.until(lambda: any(o.reason for o in on.heard.of(OrderUpdate, order.client_id)))
        orders = Orders("okx")
        orders.placed(order, 1)
        orders.amending(amend, 2)
        for at, event in enumerate(on.heard.events, 3):
            match event:
                case Accepted():
                    orders.accepted(event, at, seq if event.action == "amend" else 1)
                case OrderUpdate():
                    orders.updated(event, at)
        known = orders.get(order.client_id)
        assert known is not None
        assert (known.price, known.pending_amend) == (bid - 100, None)
        on.venue.faults.add(Place.PRIVATE, "*", Fault(delay_s=0.2), times=10)
        (seq,) = on.intend(AmendOrder("okx", BTC, order.client_id, bid - 50, order.size))
        await on.heard.until(lambda: on.heard.outcome(seq))
        assert [type(event) for event in on.heard.outcome(seq)] == [Accepted], "the failure was of the one before"

    played(entry, story)


@ENTRIES
def test_a_refusal_carries_the_venues_code_words_and_our_class(entry: str) -> None:
    async def story(on: Stage) -> None:
        seqs = on.intend(on.order("65000.05"))
        await on.heard.until(lambda: on.heard.outcome(seqs[0]))
        (rejected,) = on.heard.outcome(seqs[0])
        assert isinstance(rejected, Rejected)
        assert (rejected.refusal, rejected.code) == ("rule", "51000")
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
        amends = [AmendOrder("okx", BTC, o.client_id, bid - 200 - n, o.size) for n, o in enumerate(good)]
        seqs = on.intend(*amends)
        await on.heard.until(lambda: all(on.heard.outcome(seq) for seq in seqs))
        seqs = on.intend(*[CancelOrder("okx", BTC, o.client_id) for o in good])
        await on.heard.until(lambda: all(on.heard.outcome(seq) for seq in seqs))
        assert {type(on.heard.outcome(seq)[0]) for seq in seqs} == {Accepted}
        assert not on.venue.truth(KEY).open_orders

    played(entry, story)


def test_cancel_all_leaves_nothing_of_the_symbol_and_then_of_the_venue() -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        for n in range(3):
            await on.place(str(bid - 100 - n))
        seqs = on.intend(CancelAll("okx", BTC))
        await on.heard.until(lambda: on.heard.outcome(seqs[0]))
        assert isinstance(on.heard.outcome(seqs[0])[0], Accepted)
        assert not on.venue.truth(KEY).open_orders
        await on.place(str(bid - 100))
        seqs = on.intend(CancelAll("okx", ""))
        await on.heard.until(lambda: on.heard.outcome(seqs[0]))
        assert isinstance(on.heard.outcome(seqs[0])[0], Accepted)
        assert not on.venue.truth(KEY).open_orders

    played("rest", story)


@pytest.mark.parametrize(
    ("entry", "place", "what"),
    [("ws", Place.TRADE, "order"), ("rest", Place.REST, "/api/v5/trade/order")],
)
def test_an_answer_that_is_lost_is_unknown_then_found(entry: str, place: Place, what: str) -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        on.venue.faults.add(place, what, Fault(drop=True))
        order = on.order(str(bid - 100))
        (seq,) = on.intend(order)
        while not on.venue.truth(KEY).orders:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        leap()
        await on.heard.until(lambda: len(on.heard.outcome(seq)) > 1)
        unknown, accepted, update = on.heard.outcome(seq)
        assert isinstance(unknown, Unknown)
        assert isinstance(accepted, Accepted)
        assert isinstance(update, OrderUpdate)
        assert (update.status, update.client_id) == ("open", order.client_id)
        assert len(on.venue.truth(KEY).orders) == 1, "never sent twice"

    played(entry, story, request_timeout_s=LATE_S)


def test_a_request_that_never_arrived_is_unknown_then_gone_after_the_waiting_time() -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        on.venue.faults.add(Place.REST, "/api/v5/trade/order", Fault(status=502))
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
        on.venue.faults.add(Place.TRADE, "order", Fault(cut=True))
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
        await on.heard.until(lambda: all(on.heard.outcome(seq) for seq in seqs))
        assert {type(on.heard.outcome(seq)[0]) for seq in seqs} == {Accepted}
        assert len(on.venue.truth(KEY).open_orders) == 25

    played("rest", story, limits=RateLimits(), request_timeout_s=5.0)


def test_funding_is_told_with_its_amount_once_by_the_stream_and_by_no_poll_again() -> None:
    async def story(on: Stage) -> None:
        _, ask = on.touch()
        taker = on.order(str(ask), "0.1", tif="ioc")
        on.intend(taker)
        await on.ended(taker.client_id)
        on.venue.floor.fund(BTC, time.time_ns() // 1_000_000)
        await on.heard.until(lambda: on.heard.of(FundingPayment))
        (paid,) = on.heard.of(FundingPayment)
        assert (paid.symbol, paid.asset) == (BTC, "USDT")
        assert paid.amount == on.venue.truth(KEY).funding != 0
        await on.exchange.reconcile()
        assert len({payment.payment_id for payment in on.heard.of(FundingPayment)}) == 1
        assert on.heard.of(BalanceUpdate)[-1].total == on.venue.truth(KEY).wallet

    played("rest", story)


def test_maintenance_that_starts_the_ids_low_is_no_gap_and_an_upgrade_makes_every_connection_anew() -> None:
    async def story(on: Stage) -> None:
        def statuses(channel: str) -> list[str]:
            return [s.status for s in on.heard.of(FeedStatus) if s.channel == channel]

        await on.heard.until(lambda: on.heard.of(BookSnapshot))
        for n in range(6):
            if n == 3:
                on.venue.restart_sequence(BTC)
            on.venue.step(3)
            await asyncio.sleep(0.005)
        await on.heard.until(lambda: len(on.heard.of(BookDelta)) > 4)
        ids = [delta.update_id for delta in on.heard.of(BookDelta)]
        assert ids != sorted(ids), "they started low"
        assert set(statuses("book")) <= {"connecting", "ok"}
        on.venue.announce_upgrade()
        for channel in ("book", "account", "trade"):
            await on.heard.until(lambda channel=channel: statuses(channel)[-2:] == ["down", "ok"])  # type: ignore[misc]
        assert {s.reason for s in on.heard.of(FeedStatus) if s.status == "down"} == {
            next(s.reason for s in on.heard.of(FeedStatus) if "64008" in s.reason)
        }
        bid, _ = on.touch()
        await on.place(str(bid - 100))

    played("ws", story, subscriptions=[Subscription("book", BTC)])
