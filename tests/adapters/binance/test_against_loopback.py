"""Orders over real sockets, against a venue that shares no code with the adapter: every path there is."""

import asyncio
from decimal import Decimal

import pytest

from adapters.conformance.leaps import LATE_S, leap
from adapters.loopback.binance import RateLimits
from adapters.loopback.faults import Fault, Place
from state.events import (
    Accepted,
    AmendOrder,
    BalanceUpdate,
    CancelAll,
    CancelOrder,
    Fill,
    OrderUpdate,
    PositionUpdate,
    Rejected,
    Unknown,
)
from tests.adapters.binance.stage import BTC, ENTRIES, KEY, Stage, played


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
            CancelOrder("binance", BTC, order.client_id), CancelOrder("binance", BTC, order.client_id)
        )
        assert (await on.ended(order.client_id)).status == "cancelled"
        await on.heard.until(lambda: on.heard.outcome(second))
        assert isinstance(on.heard.outcome(first)[0], Accepted)
        (gone,) = on.heard.outcome(second)
        assert isinstance(gone, Rejected)
        assert (gone.refusal, gone.code) == ("gone", "-2011")
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
        on.intend(AmendOrder("binance", BTC, order.client_id, second, order.size))
        assert (await on.ended(order.client_id)).status == "filled"
        await on.heard.until(lambda: sum(f.size for f in on.heard.of(Fill)) == order.size)
        assert all(f.client_id == order.client_id for f in on.heard.of(Fill))
        versions = [update.version for update in on.heard.of(OrderUpdate, order.client_id)]
        assert versions == sorted(versions)
        assert on.heard.of(OrderUpdate, order.client_id)[-1].avg_price > price

    played(entry, story)


@ENTRIES
def test_a_post_only_that_would_take_is_refused_at_once_with_its_class(entry: str) -> None:
    async def story(on: Stage) -> None:
        _, ask = on.touch()
        order = on.order(str(ask + 10), tif="post_only")
        (seq,) = on.intend(order)
        await on.heard.until(lambda: on.heard.outcome(seq))
        (rejected,) = on.heard.outcome(seq)
        assert isinstance(rejected, Rejected)
        assert (rejected.refusal, rejected.code) == ("post_only", "-5022")
        assert not on.heard.of(Fill)
        assert not on.venue.truth(KEY).orders

    played(entry, story)


@ENTRIES
def test_an_amend_changes_price_and_size_under_the_same_ids(entry: str) -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        order = await on.place(str(bid - 100))
        (seq,) = on.intend(AmendOrder("binance", BTC, order.client_id, bid - 50, Decimal("0.020")))
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
        assert (rejected.refusal, rejected.code) == ("rule", "-4014")
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
        amends = [AmendOrder("binance", BTC, o.client_id, bid - 200 - n, o.size) for n, o in enumerate(good)]
        seqs = on.intend(*amends)
        await on.heard.until(lambda: all(on.heard.outcome(seq) for seq in seqs))
        seqs = on.intend(*[CancelOrder("binance", BTC, o.client_id) for o in good])
        await on.heard.until(lambda: all(on.heard.outcome(seq) for seq in seqs))
        assert {type(on.heard.outcome(seq)[0]) for seq in seqs} == {Accepted}
        assert not on.venue.truth(KEY).open_orders

    played(entry, story)


def test_cancel_all_leaves_nothing_of_the_symbol_and_then_of_the_venue() -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        for n in range(3):
            await on.place(str(bid - 100 - n))
        seqs = on.intend(CancelAll("binance", BTC))
        await on.heard.until(lambda: on.heard.outcome(seqs[0]))
        assert isinstance(on.heard.outcome(seqs[0])[0], Accepted)
        assert not on.venue.truth(KEY).open_orders
        await on.place(str(bid - 100))
        seqs = on.intend(CancelAll("binance", ""))
        await on.heard.until(lambda: on.heard.outcome(seqs[0]))
        assert isinstance(on.heard.outcome(seqs[0])[0], Accepted)
        assert not on.venue.truth(KEY).open_orders

    played("rest", story)


@pytest.mark.parametrize(
    ("entry", "place", "what"),
    [("ws", Place.TRADE, "order.place"), ("rest", Place.REST, "POST /fapi/v1/order")],
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


@ENTRIES
def test_a_fill_of_an_order_that_nobody_answered_bears_our_id_for_it(entry: str) -> None:
    """The venue lists fills by its own order ids: who hedges what it made would not know this one for its own."""

    async def story(on: Stage) -> None:
        place, what = (Place.REST, "POST /fapi/v1/order") if entry == "rest" else (Place.TRADE, "order.place")
        on.venue.faults.add(place, what, Fault(delay_s=3.0))
        on.venue.faults.add(Place.PRIVATE, "*", Fault(drop=True), times=50)
        _, ask = on.touch()
        order = on.order(str(ask), "0.001", tif="ioc")
        (seq,) = on.intend(order)
        while not on.venue.truth(KEY).fills:  # noqa: ASYNC110 - nothing is told of it
            await asyncio.sleep(0.01)
        await on.exchange.reconcile()
        assert not on.heard.outcome(seq)
        (fill,) = on.heard.of(Fill)
        assert fill.client_id == order.client_id

    played(entry, story)


def test_a_request_that_never_arrived_is_unknown_then_gone_after_the_waiting_time() -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        on.venue.faults.add(Place.REST, "POST /fapi/v1/order", Fault(status=502))
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
        on.venue.faults.add(Place.TRADE, "order.place", Fault(cut=True))
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
