"""Orders against the loopback venue, written by others from the same page of facts: what is sent, and what it comes to."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from adapters.base.limits import Priority
from adapters.base.query import Query
from adapters.loopback.dydx.limits import RateLimits
from adapters.loopback.faults import Fault, Place
from state.events import (
    Accepted,
    AmendOrder,
    BalanceUpdate,
    CancelAll,
    CancelOrder,
    FeedStatus,
    InstrumentDefined,
    OrderUpdate,
    PositionUpdate,
    Reconciled,
    Rejected,
    Unknown,
)
from tests.adapters.dydx.stage import BTC, Hasty, Stage, played


def test_an_order_rests_is_amended_and_a_cancel_is_a_wish_until_its_block_is_over() -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        order = await on.place(bid - 50, tif="post_only")
        (accepted,) = on.heard.outcome(1)
        opened = on.last(order.client_id)
        assert isinstance(accepted, Accepted)
        assert accepted.order_id == opened.order_id, "computed, and the same as the venue's"
        assert (opened.status, opened.firm, opened.size, opened.tif) == ("open", False, Decimal("0.01"), "post_only")
        (seq,) = on.intend(AmendOrder("dydx", BTC, order.client_id, bid - 60, Decimal("0.02")))
        await on.heard.until(lambda: on.last(order.client_id).size == Decimal("0.02"))
        await on.heard.until(lambda: on.heard.outcome(seq))
        assert isinstance(on.heard.outcome(seq)[0], Accepted)
        assert on.last(order.client_id).price == bid - 60
        assert {o.status for o in on.heard.of(OrderUpdate, order.client_id)} == {"open"}, "a replacement is no cancel"
        (seq,) = on.intend(CancelOrder("dydx", BTC, order.client_id))
        await on.heard.until(lambda: on.last(order.client_id).status == "cancelled")
        assert not on.last(order.client_id).firm
        assert order.client_id in on.exchange.known.orders, "it can still fill"
        await on.block(10)
        assert not on.last(order.client_id).firm
        await on.block(15)
        assert (on.last(order.client_id).status, on.last(order.client_id).firm) == ("cancelled", True)
        assert not on.exchange.known.orders
        assert not on.venue.truth(on.exchange.formats.address).open_orders

    played(story)


def test_an_order_that_nobody_ends_is_ended_by_its_block() -> None:
    async def story(on: Stage) -> None:
        order = await on.place(on.touch()[0] - 50)
        await on.block(10)
        assert on.last(order.client_id).status == "open"
        await on.block(12)
        assert (on.last(order.client_id).status, on.last(order.client_id).firm) == ("expired", True)

    played(story, venue_more={"expiry_notice_blocks": 1_000})


def test_a_fill_comes_once_with_its_fee_and_its_position() -> None:
    async def story(on: Stage) -> None:
        _, ask = on.touch()
        taker = on.order(ask + 20, tif="ioc")
        (seq,) = on.intend(taker)
        await on.heard.until(lambda: on.heard.outcome(seq))
        await on.block(2)
        await on.heard.until(lambda: any(o.status == "filled" for o in on.heard.of(OrderUpdate, taker.client_id)))
        (fill,) = on.fills_of(taker.client_id)
        assert (fill.side, fill.size, fill.maker) == ("buy", Decimal("0.01"), False)
        assert fill.fee < 0, "paid"
        await on.exchange.reconcile()
        (fill,) = on.fills_of(taker.client_id)
        assert on.exchange.known.positions[BTC] == Decimal("0.01")
        truth = on.venue.truth(on.exchange.formats.address)
        assert truth.positions[BTC].size == Decimal("0.01")
        assert not on.heard.of(Reconciled)

    played(story)


@pytest.mark.parametrize(
    ("make", "refusal", "code"),
    [
        pytest.param(lambda on: on.order(on.touch()[1] + 5, tif="post_only"), "post_only", "clob 2003", id="post-only"),
        pytest.param(lambda on: on.order("50000", "0.01", tif="fok"), "rule", "local", id="fill or kill"),
        pytest.param(lambda on: on.order("50000", reduce_only=True), "reduce_only", "local", id="reduce-only at rest"),
        pytest.param(
            lambda on: on.order(on.touch()[1] + 5, tif="ioc", reduce_only=True), "reduce_only", "clob 2001",
            id="reduce-only without a position",
        ),
    ],
)  # fmt: skip
def test_a_refusal_is_certain_and_says_why(make: Any, refusal: str, code: str) -> None:
    async def story(on: Stage) -> None:
        (seq,) = on.intend(make(on))
        await on.heard.until(lambda: on.heard.outcome(seq))
        (outcome,) = on.heard.outcome(seq)
        assert isinstance(outcome, Rejected)
        assert (outcome.refusal, outcome.code) == (refusal, code)

    played(story)


def test_a_stateful_order_rests_on_chain_is_not_amended_and_its_cancel_is_firm() -> None:
    async def story(on: Stage) -> None:
        order = await on.place(on.touch()[0] - 50)
        assert on.last(order.client_id).firm
        (seq,) = on.intend(AmendOrder("dydx", BTC, order.client_id, Decimal(80_000), Decimal("0.02")))
        await on.heard.until(lambda: on.heard.outcome(seq))
        (refused,) = on.heard.outcome(seq)
        assert isinstance(refused, Rejected)
        assert "short-term orders alone" in refused.text
        (seq,) = on.intend(CancelOrder("dydx", BTC, order.client_id))
        await on.heard.until(lambda: on.heard.outcome(seq))
        await on.block(2)
        await on.heard.until(lambda: on.last(order.client_id).status == "cancelled")
        assert on.last(order.client_id).firm
        (seq,) = on.intend(CancelOrder("dydx", BTC, order.client_id))
        await on.heard.until(lambda: on.heard.outcome(seq))
        (again,) = on.heard.outcome(seq)
        assert isinstance(again, Rejected)
        assert again.refusal == "gone"

    played(story, order_life_s=3_600.0)


def test_many_are_cancelled_in_one_message_and_all_by_as_few() -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        orders = [await on.place(bid - 50 - n) for n in range(5)]
        seqs = on.intend(*(CancelOrder("dydx", BTC, order.client_id) for order in orders[:3]))
        await on.heard.until(lambda: all(on.heard.outcome(seq) for seq in seqs))
        assert {type(event) for seq in seqs for event in on.heard.outcome(seq)} == {Accepted}
        await on.heard.until(lambda: all(on.last(order.client_id).status == "cancelled" for order in orders[:3]))
        await on.block()
        (seq,) = on.intend(CancelAll("dydx", ""))
        await on.heard.until(lambda: on.heard.outcome(seq))
        assert isinstance(on.heard.outcome(seq)[0], Accepted)
        await on.heard.until(lambda: all(on.last(order.client_id).status == "cancelled" for order in orders))
        sent = [
            frame
            for _, _, _, frame in on.heard.bursts
            if frame and frame.direction == "out" and frame.url.endswith("txs")
        ]
        assert len(sent) == 5 + 1 + 1
        assert not on.venue.truth(on.exchange.formats.address).open_orders

    played(story)


@pytest.mark.parametrize("carried_out", [True, False], ids=["it arrived", "it did not"])
def test_a_lost_answer_is_looked_up_until_the_orders_block_is_over(carried_out: bool) -> None:
    async def story(on: Stage) -> None:
        on.venue.faults.add(Place.TRADE, "MsgPlaceOrder", Fault(status=503, carried_out=carried_out))
        (seq,) = on.intend(on.order(on.touch()[0] - 50))
        await on.heard.until(lambda: on.heard.outcome(seq))
        assert isinstance(on.heard.outcome(seq)[0], Unknown)
        if not carried_out:
            await on.block(10)
            assert len(on.heard.outcome(seq)) == 1, "until its block it may still arrive"
            await on.block(15)
        await on.heard.until(lambda: len(on.heard.outcome(seq)) > 1)
        end = on.heard.outcome(seq)[1]
        assert isinstance(end, Accepted if carried_out else Rejected)
        assert getattr(end, "refusal", "gone") == "gone"

    played(story)


def test_over_the_chains_limit_nothing_is_lost_and_everything_is_told() -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        seqs = on.intend(*(on.order(bid - 50 - n) for n in range(3)))
        await on.heard.until(lambda: all(on.heard.outcome(seq) for seq in seqs))
        told = [event for seq in seqs for event in on.heard.outcome(seq)]
        assert {getattr(event, "refusal", "") for event in told} == {"", "rate"}
        assert len([event for event in told if isinstance(event, Rejected)]) == 1

    played(story, limits=RateLimits(0, 2, 0, 0, 0, 0), transport=Hasty())


def test_the_account_is_read_and_its_market_defined_at_the_start() -> None:
    async def story(on: Stage) -> None:
        (defined,) = on.heard.of(InstrumentDefined)
        assert (defined.symbol, defined.tick, defined.lot, defined.min_size) == (
            BTC,
            1,
            Decimal("0.0001"),
            Decimal("0.0001"),
        )
        assert (defined.settle, defined.funding_interval_s, defined.max_leverage) == ("USDC", 3_600, 50)
        assert (defined.maker_fee, defined.taker_fee) == (Decimal("0.0002"), Decimal("0.00055"))
        balances = on.heard.of(BalanceUpdate)
        assert balances
        assert {(balance.asset, balance.total) for balance in balances} == {("USDC", Decimal(100_000))}
        account = [event for event in on.heard.of(FeedStatus) if event.channel == "account"]
        assert account[-1].status == "ok"
        assert await on.exchange.executions() == []
        assert await on.exchange.open_orders() == []
        assert await on.exchange.klines(Query(symbol=BTC, interval_s=60, limit=1))

    played(story)


def test_an_order_in_a_market_that_nobody_follows_is_cancelled_with_the_others() -> None:
    async def story(on: Stage) -> None:
        order = on.order("3000", "0.1")
        elsewhere = msgspec.structs.replace(order, symbol="ETH-USD")
        (seq,) = on.intend(elsewhere)
        await on.heard.until(lambda: on.heard.outcome(seq))
        assert isinstance(on.heard.outcome(seq)[0], Accepted)
        await on.block()
        (seq,) = on.intend(CancelAll("dydx", ""))
        await on.heard.until(lambda: on.heard.outcome(seq))
        await on.heard.until(lambda: on.last(order.client_id).status == "cancelled")
        assert on.last(order.client_id).symbol == "ETH-USD"

    played(story)


def test_on_a_chain_that_stands_still_nothing_is_placed_and_everything_can_be_cancelled() -> None:
    async def story(on: Stage) -> None:
        order = await on.place(on.touch()[0] - 50)
        on.exchange.formats.account.blocks.latest_ns -= 60_000_000_000  # type: ignore[operator]
        placed, cancelled = on.intend(on.order(on.touch()[0] - 60), CancelOrder("dydx", BTC, order.client_id))
        await on.heard.until(lambda: on.heard.outcome(placed) and on.heard.outcome(cancelled))
        (refused,) = on.heard.outcome(placed)
        assert isinstance(refused, Rejected)
        assert refused.refusal == "market_state"
        assert isinstance(on.heard.outcome(cancelled)[0], Accepted)
        (everything,) = on.intend(CancelAll("dydx", ""))
        await on.heard.until(lambda: on.heard.outcome(everything))
        assert isinstance(on.heard.outcome(everything)[0], Accepted)

    played(story)


def test_what_no_block_can_fill_any_more_does_not_rest_on_the_way_out_though_it_is_listed() -> None:
    async def story(on: Stage) -> None:
        order = await on.place(on.touch()[0] - 50)
        blocks, everything = on.exchange.formats.account.blocks, Query()
        listed = await on.exchange.poll("open_orders", everything, priority=Priority.URGENT)
        assert [each.client_id for each in listed if isinstance(each, OrderUpdate)] == [order.client_id]
        blocks.asked(blocks.height + 100, blocks.made_ns)
        assert not await on.exchange.poll("open_orders", everything, priority=Priority.URGENT)

    played(story)


@pytest.mark.parametrize("is_deaf", [False, True], ids=["with its stream", "without"])
@pytest.mark.parametrize("life_s", [None, 3_600.0], ids=["short-term", "stateful"])
def test_shutting_down_cancels_waits_until_it_is_true_and_flattens(life_s: float | None, is_deaf: bool) -> None:
    """The stream alone told of blocks: without it nothing could be closed, as its end was a guess."""

    async def story(on: Stage) -> None:
        bid, ask = on.touch()
        on.intend(on.order(ask + 20, tif="ioc"))
        await on.place(bid - 50)
        await on.block()
        await on.heard.until(lambda: any(position.size for position in on.heard.of(PositionUpdate)))
        if is_deaf and (private := on.exchange._private) is not None:
            await private.stop()
            on.exchange.formats.account.blocks.latest_ns -= 60_000_000_000  # type: ignore[operator]
        report = await on.exchange.shutdown("flatten")
        assert report.clean, report
        truth = on.venue.truth(on.exchange.formats.address)
        assert not truth.open_orders
        assert all(position.size == 0 for position in truth.positions.values())

    played(story, order_life_s=life_s, venue_more={"block_ms": 100})


def test_what_is_held_in_a_market_that_is_not_followed_is_closed_by_its_price_of_now() -> None:
    async def story(on: Stage) -> None:
        ask = on.venue.books["ETH-USD"].asks[0][0]
        on.intend(msgspec.structs.replace(on.order(ask + 20, "0.1", tif="ioc"), symbol="ETH-USD"))
        await on.block()
        await on.heard.until(lambda: any(position.size for position in on.heard.of(PositionUpdate)))
        markets = on.exchange.formats.markets
        markets["ETH-USD"] = msgspec.structs.replace(markets["ETH-USD"], oraclePrice=9_000.0)  # of hours ago
        report = await on.exchange.shutdown("flatten")
        assert report.clean, report

    played(story, venue_more={"block_ms": 100})
