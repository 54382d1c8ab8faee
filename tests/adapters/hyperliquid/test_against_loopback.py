"""Orders over real sockets, against a venue that shares no code with the adapter: every path there is."""

import asyncio
from decimal import Decimal

import pytest

from adapters.base.query import Query
from adapters.conformance.leaps import LATE_S, leap
from adapters.loopback.faults import Fault, Place
from adapters.loopback.hyperliquid.limits import RateLimits
from state.errors import VenueError
from state.events import (
    Accepted,
    AmendOrder,
    BalanceUpdate,
    CancelAll,
    CancelOrder,
    FeedStatus,
    Fill,
    InstrumentDefined,
    OrderUpdate,
    PositionUpdate,
    Rejected,
    Unknown,
)
from state.orders import Orders
from tests.adapters.hyperliquid.sdk import AGENT
from tests.adapters.hyperliquid.stage import BTC, ENTRIES, Hasty, Stage, V, played

D = Decimal


def order_of(on: Stage, client_id: str) -> tuple[str, Decimal, Decimal, str | None]:
    """What the log's fold makes of an order: status, filled, size, the venue's number."""
    orders = Orders(V)
    for seq, event in enumerate(on.heard.events, 1):
        if isinstance(event, OrderUpdate):
            orders.updated(event, seq)
        elif isinstance(event, Fill):
            orders.filled(event, seq)
        elif isinstance(event, Accepted):
            orders.accepted(event, seq)
    known = orders.get(client_id)
    assert known is not None
    return known.status, known.filled, known.size, known.order_id


@ENTRIES
def test_an_order_that_rests_is_accepted_then_open_then_cancelled_once(entry: str) -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        order = await on.place(bid - 100, tif="post_only")
        (accepted,) = on.heard.outcome(1)
        assert isinstance(accepted, Accepted)
        assert (accepted.action, accepted.client_id) == ("place", order.client_id)
        opened = on.heard.of(OrderUpdate, order.client_id)[0]
        assert (opened.status, opened.side, opened.price, opened.size, opened.filled) == (
            "open", "buy", bid - 100, D("0.01"), D(0),
        )  # fmt: skip
        assert opened.order_id == accepted.order_id
        cancel = CancelOrder(V, BTC, order.client_id)
        first, second = on.intend(cancel, cancel)
        assert (await on.ended(order.client_id)).status == "cancelled"
        await on.heard.until(lambda: on.heard.outcome(second))
        assert isinstance(on.heard.outcome(first)[0], Accepted)
        (gone,) = on.heard.outcome(second)
        assert isinstance(gone, Rejected)
        assert (gone.refusal, gone.code) == ("gone", "MissingOrder")
        assert not on.venue.truth(AGENT).open_orders

    played(entry, story)


@ENTRIES
def test_a_market_order_fills_at_a_far_price_with_fee_position_and_collateral(entry: str) -> None:
    async def story(on: Stage) -> None:
        _, ask = on.touch()
        order = on.order(None, "0.001", kind="market", tif="ioc")
        on.intend(order)
        assert (await on.ended(order.client_id)).status == "filled"
        await on.heard.until(lambda: on.heard.of(Fill) and on.heard.of(BalanceUpdate)[-1].total != D(100_000))
        (fill,) = on.heard.of(Fill)
        truth = on.venue.truth(AGENT)
        assert (fill.price, fill.size, fill.side, fill.maker) == (ask, D("0.001"), "buy", False)
        assert (fill.client_id, fill.fee_asset, fill.fee) == (order.client_id, "USDC", -truth.fees)
        await on.heard.until(lambda: on.heard.of(PositionUpdate))
        assert on.heard.of(PositionUpdate)[-1].size == D("0.001")
        assert on.heard.of(BalanceUpdate)[-1].total == truth.wallet

    played(entry, story)


@ENTRIES
def test_an_order_larger_than_the_touch_is_filled_in_part_and_after_an_amend_whole(entry: str) -> None:
    async def story(on: Stage) -> None:
        price, size = on.venue.books[BTC].asks[0]
        order = on.order(price, str(size + D("0.001")))
        (placed,) = on.intend(order)
        await on.heard.until(lambda: any(o.filled == size for o in on.heard.of(OrderUpdate, order.client_id)))
        await on.heard.until(lambda: sum(f.size for f in on.heard.of(Fill)) == size and on.heard.outcome(placed))
        on.intend(AmendOrder(V, BTC, order.client_id, price - 1, order.size))
        await on.heard.until(lambda: on.heard.of(OrderUpdate, order.client_id)[-1].price == price - 1)
        async with asyncio.timeout(30):
            while sum(f.size for f in on.heard.of(Fill)) < order.size:  # others sell into what rests
                on.venue.step()
                await asyncio.sleep(0.01)
        assert all(f.client_id == order.client_id for f in on.heard.of(Fill))
        assert on.heard.of(Fill)[-1].maker
        await on.heard.until(lambda: order_of(on, order.client_id)[0] == "filled")
        first, last = (on.heard.of(Fill)[n].order_id for n in (0, -1))
        assert first != last, "the rest was an order of its own"
        assert order_of(on, order.client_id) == ("filled", order.size, order.size, last)

    played(entry, story)


@ENTRIES
def test_an_amend_gives_a_new_number_and_the_old_ones_end_is_none(entry: str) -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        order = await on.place(bid - 100, tif="post_only")
        before = on.heard.of(OrderUpdate, order.client_id)[-1].order_id
        (seq,) = on.intend(AmendOrder(V, BTC, order.client_id, bid - 50, D("0.02")))
        await on.heard.until(lambda: on.heard.of(OrderUpdate, order.client_id)[-1].price == bid - 50)
        await on.heard.until(lambda: on.heard.outcome(seq))
        accepted = on.heard.outcome(seq)[0]
        assert isinstance(accepted, Accepted)
        update = on.heard.of(OrderUpdate, order.client_id)[-1]
        assert (update.size, update.order_id, update.replaces) == (D("0.02"), accepted.order_id, before)
        assert accepted.order_id != before
        assert not [o for o in on.heard.of(OrderUpdate, order.client_id) if o.status == "cancelled"]
        assert order_of(on, order.client_id) == ("open", D(0), D("0.02"), accepted.order_id)
        on.intend(CancelOrder(V, BTC, order.client_id))
        assert (await on.ended(order.client_id)).order_id == accepted.order_id

    played(entry, story)


@ENTRIES
@pytest.mark.parametrize("tif", ["post_only", "gtc"])
def test_an_amend_that_would_take_is_refused_and_ends_the_order(entry: str, tif: str) -> None:
    async def story(on: Stage) -> None:
        bid, ask = on.touch()
        order = await on.place(bid - 100, tif=tif)
        (seq,) = on.intend(AmendOrder(V, BTC, order.client_id, ask + 10, D("0.02")))
        await on.heard.until(lambda: on.heard.outcome(seq))
        rejected = on.heard.outcome(seq)[0]
        assert isinstance(rejected, Rejected)
        assert (rejected.refusal, rejected.code) == ("post_only", "BadAloPx")
        assert not on.venue.truth(AGENT).open_orders
        await on.ended(order.client_id)
        assert order_of(on, order.client_id)[:2] == ("cancelled", D(0))

    played(entry, story)


@pytest.mark.parametrize(
    ("words", "refusal", "code"),
    [
        ({"price": 10, "tif": "post_only"}, "post_only", "BadAloPx"),
        ({"price": -100, "tif": "ioc"}, "would_not_fill", "IocCancel"),
        ({"price": D("0.5"), "tif": "gtc"}, "rule", "Tick"),
        ({"price": -100, "size": "0.0001"}, "rule", "MinTradeNtl"),
        ({"price": -100, "reduce_only": True}, "reduce_only", "ReduceOnly"),
        ({"price": -100, "size": "900"}, "funds", "PerpMargin"),
        ({"price": -100, "tif": "fok"}, "rule", "local"),
    ],
    ids=lambda word: str(word) if isinstance(word, str) else "",
)
def test_a_refusal_carries_the_venues_words_and_our_class(words: dict[str, object], refusal: str, code: str) -> None:
    async def story(on: Stage) -> None:
        bid, ask = on.touch()
        said = dict(words)
        distance = D(str(said.pop("price")))
        size = str(said.pop("size", "0.01"))
        order = on.order((ask if distance > 1 else bid) + distance, size, **said)
        (seq,) = on.intend(order)
        await on.heard.until(lambda: on.heard.outcome(seq))
        rejected = on.heard.outcome(seq)[0]
        assert isinstance(rejected, Rejected)
        assert (rejected.refusal, rejected.code) == (refusal, code), rejected.text
        assert not on.heard.of(Fill)
        assert not on.venue.truth(AGENT).open_orders

    played("rest", story)


@ENTRIES
def test_a_batch_with_a_bad_leg_places_the_others(entry: str) -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        good = [on.order(bid - 100 - n, tif="post_only") for n in range(3)]
        bad, unsayable = on.order(bid - 100, "0.0001"), on.order(bid - 100, tif="fok")
        seqs = on.intend(good[0], bad, unsayable, good[1], good[2])
        await on.heard.until(lambda: all(on.heard.outcome(seq) for seq in seqs))
        kinds = [type(on.heard.outcome(seq)[0]) for seq in seqs]
        assert kinds == [Accepted, Rejected, Rejected, Accepted, Accepted]
        assert set(on.venue.truth(AGENT).open_orders) == {order.client_id for order in good}
        frames = [frame for _, _, cause, frame in on.heard.bursts if cause in seqs and frame is not None]
        assert len({frame.body for frame in frames}) == 1, "one request, one answer, four outcomes"
        await on.heard.until(lambda: all(on.heard.of(OrderUpdate, order.client_id) for order in good))
        seqs = on.intend(*[AmendOrder(V, BTC, o.client_id, bid - 200 - n, o.size) for n, o in enumerate(good)])
        await on.heard.until(lambda: all(on.heard.outcome(seq) for seq in seqs))
        seqs = on.intend(*[CancelOrder(V, BTC, o.client_id) for o in good])
        await on.heard.until(lambda: all(on.heard.outcome(seq) for seq in seqs))
        assert {type(on.heard.outcome(seq)[0]) for seq in seqs} == {Accepted}
        assert not on.venue.truth(AGENT).open_orders

    played(entry, story)


def test_cancel_all_lists_what_rests_and_leaves_nothing_of_the_symbol_and_then_of_the_venue() -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        for n in range(3):
            await on.place(bid - 100 - n)
        for symbol in (BTC, ""):
            (seq,) = on.intend(CancelAll(V, symbol))
            await on.heard.until(lambda seq=seq: on.heard.outcome(seq))  # type: ignore[misc]
            assert isinstance(on.heard.outcome(seq)[0], Accepted)
            assert not on.venue.truth(AGENT).open_orders
            await on.place(bid - 100)

    played("ws", story)


@pytest.mark.parametrize(
    ("entry", "place", "what"), [("ws", Place.TRADE, "order"), ("rest", Place.REST, "/exchange/order")]
)
def test_an_answer_that_is_lost_is_unknown_then_found(entry: str, place: Place, what: str) -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        on.venue.faults.add(place, what, Fault(drop=True))
        order = on.order(bid - 100)
        (seq,) = on.intend(order)
        while not on.venue.truth(AGENT).orders:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        leap()
        await on.heard.until(lambda: len(on.heard.outcome(seq)) > 1)
        unknown, accepted, update = on.heard.outcome(seq)
        assert (type(unknown), type(accepted)) == (Unknown, Accepted)
        assert isinstance(update, OrderUpdate)
        assert (update.status, update.client_id, update.tif) == ("open", order.client_id, "gtc")
        assert len(on.venue.truth(AGENT).orders) == 1, "never sent twice"

    played(entry, story, request_timeout_s=LATE_S)


def test_a_request_that_never_arrived_is_unknown_then_gone_after_the_waiting_time() -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        on.venue.faults.add(Place.REST, "/exchange/order", Fault(status=502))
        (seq,) = on.intend(on.order(bid - 100))
        await on.heard.until(lambda: len(on.heard.outcome(seq)) > 1)
        unknown, gone = on.heard.outcome(seq)
        assert isinstance(unknown, Unknown)
        assert isinstance(gone, Rejected)
        assert gone.refusal == "gone"
        assert not on.venue.truth(AGENT).orders

    played("rest", story)


def test_an_order_socket_cut_between_request_and_answer_leaves_one_order() -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        on.venue.faults.add(Place.TRADE, "order", Fault(cut=True))
        order = on.order(bid - 100)
        (seq,) = on.intend(order)
        await on.heard.until(lambda: len(on.heard.outcome(seq)) > 1)
        assert isinstance(on.heard.outcome(seq)[0], Unknown)
        truth = on.venue.truth(AGENT)
        assert isinstance(on.heard.outcome(seq)[1], Accepted if order.client_id in truth.orders else Rejected)
        follower = on.order(bid - 101)
        on.intend(follower)
        await on.heard.until(lambda: on.heard.of(OrderUpdate, follower.client_id))

    played("ws", story)


@pytest.mark.parametrize(
    ("entry", "place", "what"), [("ws", Place.TRADE, "order"), ("rest", Place.REST, "/exchange/*")]
)
def test_a_429_refuses_the_order_and_shuts_the_gate(entry: str, place: Place, what: str) -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        on.venue.faults.add(place, what, Fault(status=429))
        (seq,) = on.intend(on.order(bid - 100))
        await on.heard.until(lambda: on.heard.outcome(seq))
        rejected = on.heard.outcome(seq)[0]
        assert isinstance(rejected, Rejected)
        assert rejected.refusal == "rate"
        assert [e.status for e in on.heard.of(FeedStatus) if e.channel == "rest"] == ["banned"]

    played(entry, story)


def test_the_addresss_own_limit_is_read_and_more_orders_than_that_wait_here() -> None:
    async def story(on: Stage) -> None:
        bid, _ = on.touch()
        assert on.exchange.sender.gate.limits.limit("actions") == 110
        await on.place(bid - 99)
        seqs = on.intend(*[on.order(bid - 100 - n) for n in range(12)])
        await on.heard.until(lambda: all(on.heard.outcome(seq) for seq in seqs))
        refused = [e for seq in seqs for e in on.heard.outcome(seq) if isinstance(e, Rejected)]
        assert {(e.refusal, e.code) for e in refused} == {("rate", "local")}
        assert not [e for e in on.heard.of(FeedStatus) if e.channel == "rest"], "the venue was not asked in vain"

    played("ws", story, limits=RateLimits(actions_at_first=110))


def test_the_dead_mans_switch_is_refused_loudly_and_armed_where_the_volume_allows() -> None:
    async def story(on: Stage) -> None:
        said = [e for e in on.heard.of(FeedStatus) if e.channel == "dead_man"]
        assert [e.status for e in said] == ["down"]
        assert "Cannot set scheduled cancel time" in said[0].reason

    played("rest", story, limits=RateLimits(scheduled_cancel_usd=1_000_000), dead_man_s=60)

    async def armed(on: Stage) -> None:
        said = [e for e in on.heard.of(FeedStatus) if e.channel == "dead_man"]
        assert [e.status for e in said] == ["ok"]

    played("rest", armed, dead_man_s=60)


def test_settings_rules_and_polls_are_understood() -> None:
    async def story(on: Stage) -> None:
        await on.exchange.set_leverage(BTC, D(7))
        with pytest.raises(VenueError):
            await on.exchange.set_leverage(BTC, D(700))
        (rules,) = on.heard.of(InstrumentDefined)
        assert (rules.tick, rules.lot, rules.sig_figs, rules.max_decimals) == (D("0.1"), D("0.00001"), 5, 1)
        assert (rules.maker_fee, rules.taker_fee) == (D("0.0002"), D("0.00055"))
        assert rules.native == '{"asset":0,"szDecimals":5}'
        bid, ask = on.touch()
        order = await on.place(bid - 100, reduce_only=False, tif="post_only")
        exchange, asked = on.exchange, Query(symbol=BTC)
        (listed,) = await exchange.open_orders(asked)
        assert (listed.client_id, listed.tif, listed.kind) == (order.client_id, "post_only", "limit")  # type: ignore[union-attr]
        taken = on.order(ask + 100, "0.002", tif="ioc")
        on.intend(taken)
        await on.ended(taken.client_id)
        history = {o.client_id: o.status for o in await exchange.order_history(asked) if isinstance(o, OrderUpdate)}
        assert history[taken.client_id] == "filled"
        fills = [e for e in await exchange.executions(Query(start_ms=0)) if isinstance(e, Fill)]
        mine = await exchange.executions(Query(client_id=taken.client_id))
        assert {e.fill_id for e in mine} == {e.fill_id for e in fills} == {f.fill_id for f in on.heard.of(Fill)}  # type: ignore[union-attr]
        (position,) = await exchange.positions()
        assert (position.symbol, position.size) == (BTC, D("0.002"))  # type: ignore[union-attr]
        (balance,) = await exchange.wallet()
        assert balance.total == on.venue.truth(AGENT).wallet  # type: ignore[union-attr]
        (book,) = await exchange.book(asked)
        assert (book.bids[0][0], book.asks[0][0]) == tuple(map(float, on.touch()))  # type: ignore[union-attr]
        assert len(await exchange.trades(asked)) > 5
        assert len(await exchange.klines(asked)) > 0
        assert len(await exchange.tickers(asked)) == 1

    played("ws", story)


def test_shutting_down_cancels_flattens_and_asks_whether_it_is_true() -> None:
    async def story(on: Stage) -> None:
        bid, ask = on.touch()
        await on.place(bid - 100)
        taken = on.order(ask + 100, "0.02", tif="ioc")
        on.intend(taken)
        await on.ended(taken.client_id)
        report = await on.exchange.shutdown("flatten")
        assert report.clean, report
        truth = on.venue.truth(AGENT)
        assert not truth.open_orders
        assert all(position.size == 0 for position in truth.positions.values())

    played("ws", story, transport=Hasty())


def test_a_lost_private_socket_is_made_again_and_each_fill_is_told_once() -> None:
    async def story(on: Stage) -> None:
        _, ask = on.touch()
        taken = on.order(ask + 100, "0.001", tif="ioc")
        on.intend(taken)
        await on.ended(taken.client_id)
        on.venue.cut_sockets(Place.PRIVATE)
        accounts = [e.status for e in on.heard.of(FeedStatus) if e.channel == "account"]

        def since() -> list[str]:
            return [e.status for e in on.heard.of(FeedStatus) if e.channel == "account"][len(accounts) :]

        await on.heard.until(lambda: "down" in since())
        on.intend(on.order(ask + 100, "0.001", tif="ioc"))
        await on.heard.until(lambda: "ok" in since())
        await on.heard.until(
            lambda: len({f.fill_id for f in on.heard.of(Fill)}) >= len(on.venue.truth(AGENT).fills) > 1
        )
        told = [(f.symbol, f.side, f.fill_id) for f in on.heard.of(Fill) if not f.backfilled]
        assert len(told) == len(set(told))
        assert sum(f.size for f in {f.fill_id: f for f in on.heard.of(Fill)}.values()) == D("0.002")

    played("rest", story)
