"""The matching engine: each rule on its own, then all of them against a naive model over random commands."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.loopback.engine import Engine
from adapters.loopback.orders import (
    ZERO,
    Execution,
    Kind,
    Order,
    Outcome,
    Reason,
    Refusal,
    RefusedError,
    SelfMatch,
    Side,
    Status,
    Tif,
)

BUY, SELL = Side.BUY, Side.SELL


class Positions:
    """A clearing house that only counts."""

    def __init__(self) -> None:
        self.held: dict[str, Decimal] = {}

    def position(self, account: str) -> Decimal:
        return self.held.get(account, ZERO)

    def settle(self, execution: Execution) -> None:
        for order in (execution.taker, execution.maker):
            self.held[order.account] = self.position(order.account) + order.side.sign * execution.size


def order(name: str, side: Side, price: str, size: str, account: str = "", **rest) -> Order:
    kind = Kind.MARKET if price == "market" else Kind.LIMIT
    limit = ZERO if kind is Kind.MARKET else Decimal(price)
    return Order(name, account or name, side, kind, rest.pop("tif", Tif.GTC), limit, Decimal(size), **rest)


def engine_with(*orders: Order) -> tuple[Engine, Positions]:
    positions = Positions()
    engine = Engine("BTCUSDT", positions)
    for resting in orders:
        engine.place(resting, 1)
    return engine, positions


def story(outcome: Outcome) -> list[tuple[str, str, str]]:
    """The matches of an outcome: whose order was met, at what price, for how much."""
    return [(e.maker.order_id, str(e.price), str(e.size)) for e in outcome.executions]


TIMES_IN_FORCE = [
    ("a limit that does not cross rests", order("t", BUY, "99", "2"), [], Status.NEW, Reason.NONE),
    ("a limit takes what crosses and rests the remainder", order("t", BUY, "101", "3"),
     [("a", "100", "1"), ("b", "101", "1")], Status.PARTIALLY_FILLED, Reason.NONE),
    ("a market order takes through the levels and never rests", order("t", BUY, "market", "9", tif=Tif.IOC),
     [("a", "100", "1"), ("b", "101", "1"), ("c", "102", "5")], Status.CANCELLED, Reason.NO_LIQUIDITY),
    ("an immediate order drops its remainder", order("t", BUY, "101", "3", tif=Tif.IOC),
     [("a", "100", "1"), ("b", "101", "1")], Status.CANCELLED, Reason.NO_LIQUIDITY),
    ("a fill-or-kill order that can be filled is", order("t", BUY, "101", "2", tif=Tif.FOK),
     [("a", "100", "1"), ("b", "101", "1")], Status.FILLED, Reason.NONE),
    ("a fill-or-kill order that cannot be filled whole trades nothing", order("t", BUY, "101", "2.5", tif=Tif.FOK),
     [], Status.CANCELLED, Reason.NOT_WHOLE),
    ("a post-only order that would take is cancelled", order("t", BUY, "100", "1", tif=Tif.POST_ONLY),
     [], Status.CANCELLED, Reason.WOULD_TAKE),
    ("a post-only order inside the spread rests", order("t", BUY, "99.5", "1", tif=Tif.POST_ONLY),
     [], Status.NEW, Reason.NONE),
]  # fmt: skip


@pytest.mark.parametrize(
    ("taker", "matches", "status", "reason"), [r[1:] for r in TIMES_IN_FORCE], ids=[r[0] for r in TIMES_IN_FORCE]
)
def test_an_order_ends_as_its_time_in_force_says(taker, matches, status, reason) -> None:
    taker = order("t", taker.side, str(taker.price or "market"), str(taker.size), tif=taker.tif)
    engine, _ = engine_with(order("a", SELL, "100", "1"), order("b", SELL, "101", "1"), order("c", SELL, "102", "5"))
    outcome = engine.place(taker, 2)
    assert story(outcome) == matches
    assert (taker.status, taker.reason) == (status, reason)
    assert (engine.live("t") is not None) == (status in (Status.NEW, Status.PARTIALLY_FILLED))


def test_at_one_price_the_older_order_trades_first() -> None:
    engine, _ = engine_with(order("old", SELL, "100", "1"), order("new", SELL, "100", "1"))
    assert story(engine.place(order("t", BUY, "100", "1.5"), 2)) == [("old", "100", "1"), ("new", "100", "0.5")]


AMENDS = [
    ("a smaller size keeps its place", {"size": Decimal("0.5")}, ["a", "b"]),
    ("a larger size goes to the back", {"size": Decimal("2")}, ["b", "a"]),
    ("another price goes to the back there", {"price": Decimal("99")}, ["c", "a"]),
]


@pytest.mark.parametrize(("change", "queue"), [r[1:] for r in AMENDS], ids=[r[0] for r in AMENDS])
def test_an_amended_order_keeps_or_loses_its_place(change, queue) -> None:
    engine, _ = engine_with(order("a", BUY, "100", "1"), order("b", BUY, "100", "1"), order("c", BUY, "99", "1"))
    engine.amend("a", 2, **change)
    amended = engine.live("a")
    assert amended is not None
    assert [o.order_id for o in engine.queue(BUY, amended.price)] == queue


def test_an_amendment_that_renews_goes_to_the_back_and_may_change_nothing() -> None:
    engine, _ = engine_with(order("a", BUY, "100", "1"), order("b", BUY, "100", "1"))
    with pytest.raises(RefusedError):
        engine.amend("a", 2, keeps_place=False)
    engine.amend("a", 2, keeps_place=False, renews=True)
    assert [o.order_id for o in engine.queue(BUY, Decimal(100))] == ["b", "a"]


def test_an_order_completed_at_what_it_has_traded_is_filled_and_gone() -> None:
    engine, _ = engine_with(order("a", BUY, "100", "2"), order("s", SELL, "100", "0.5"))
    done = engine.complete("a", 2).orders["a"]
    assert (done.status, done.size, done.leaves, engine.levels(BUY)) == (Status.FILLED, Decimal("0.5"), 0, 0)
    with pytest.raises(RefusedError):
        engine.complete("a", 3)


def test_an_amend_that_crosses_takes_and_a_post_only_one_is_cancelled() -> None:
    engine, _ = engine_with(
        order("a", BUY, "99", "1"), order("p", BUY, "98", "1", tif=Tif.POST_ONLY), order("s", SELL, "100", "3")
    )
    assert story(engine.amend("a", 2, price=Decimal(100))) == [("s", "100", "1")]
    refused = engine.amend("p", 3, price=Decimal(100)).orders["p"]
    assert (refused.status, refused.reason) == (Status.CANCELLED, Reason.WOULD_TAKE)


REFUSED_AMENDS = [
    ("of an order that is not there", "zz", {"size": Decimal(1)}, Refusal.UNKNOWN_ORDER),
    ("to what is filled already", "a", {"size": Decimal(1)}, Refusal.SIZE_NOT_ABOVE_FILLED),
    ("to what it is", "a", {"size": Decimal(2)}, Refusal.NOTHING_CHANGED),
]


@pytest.mark.parametrize(("name", "change", "why"), [r[1:] for r in REFUSED_AMENDS], ids=[r[0] for r in REFUSED_AMENDS])
def test_an_amend_is_refused(name, change, why) -> None:
    engine, _ = engine_with(order("a", BUY, "100", "2"), order("s", SELL, "100", "1"))
    before = engine.seq
    with pytest.raises(RefusedError) as refusal:
        engine.amend(name, 2, **change)
    assert (refusal.value.refusal, engine.seq) == (why, before)


SELF_MATCHES = [
    ("allowed: it trades with itself", SelfMatch.ALLOW, [("mine", "100", "1")], Status.FILLED, True),
    ("the resting order goes", SelfMatch.CANCEL_MAKER, [("other", "100", "1")], Status.CANCELLED, True),
    ("the incoming order goes", SelfMatch.CANCEL_TAKER, [], Status.NEW, False),
    ("both go", SelfMatch.CANCEL_BOTH, [], Status.CANCELLED, False),
]


@pytest.mark.parametrize(
    ("rule", "matches", "maker_status", "trades"), [r[1:] for r in SELF_MATCHES], ids=[r[0] for r in SELF_MATCHES]
)
def test_an_account_that_meets_itself(rule, matches, maker_status, trades) -> None:
    mine = order("mine", SELL, "100", "1", account="me")
    engine, _ = engine_with(mine, order("other", SELL, "100", "1"))
    taker = order("t", BUY, "100", "1", account="me", self_match=rule)
    assert story(engine.place(taker, 2)) == matches
    assert mine.status == maker_status
    assert (taker.status is Status.FILLED) == trades
    if not trades:
        assert (taker.reason, taker.met_order_id) == (Reason.SELF_MATCH, "mine")


def test_a_reduce_only_order_shrinks_to_the_position_and_needs_one() -> None:
    engine, positions = engine_with(order("bid", BUY, "100", "5", account="x"))
    for position, why in ((ZERO, Refusal.NOTHING_TO_REDUCE), (Decimal(-1), Refusal.WRONG_SIDE_TO_REDUCE)):
        positions.held["me"] = position
        with pytest.raises(RefusedError) as refusal:
            engine.place(order("no", SELL, "100", "5", account="me", reduce_only=True), 2)
        assert refusal.value.refusal == why
    positions.held["me"] = Decimal(2)
    reducing = order("r", SELL, "100", "5", account="me", reduce_only=True)
    assert story(engine.place(reducing, 3)) == [("bid", "100", "2")]
    assert (reducing.status, positions.held["me"]) == (Status.FILLED, ZERO)


def test_resting_reduce_only_orders_shrink_and_go_with_the_position() -> None:
    engine, positions = engine_with()
    positions.held["me"] = Decimal(3)
    first = order("first", SELL, "105", "3", account="me", reduce_only=True)
    engine.place(first, 1)
    engine.place(order("bid", BUY, "100", "9"), 2)
    engine.place(order("sell2", SELL, "100", "2", account="me"), 3)
    assert (first.size, first.status) == (Decimal(1), Status.NEW)
    engine.place(order("sell1", SELL, "100", "1", account="me"), 4)
    assert (first.status, first.reason) == (Status.CANCELLED, Reason.REDUCE_ONLY)
    assert engine.levels(SELL) == 0


def test_two_reduce_only_makers_met_by_one_taker_never_flip_the_position() -> None:
    engine, positions = engine_with()
    positions.held["me"] = Decimal(1)
    for name, price in (("r1", "100"), ("r2", "101")):
        engine.place(order(name, SELL, price, "1", account="me", reduce_only=True), 1)
    taker = order("t", BUY, "101", "2")
    assert story(engine.place(taker, 2)) == [("r1", "100", "1")]
    assert positions.held["me"] == ZERO
    assert (taker.leaves, engine.levels(SELL)) == (Decimal(1), 0)


def test_cancel_all_takes_one_accounts_orders_and_tells_the_levels() -> None:
    engine, _ = engine_with(
        order("a", BUY, "100", "1", account="me"),
        order("b", SELL, "105", "2", account="me"),
        order("c", BUY, "100", "4"),
    )
    outcome = engine.cancel_all("me", 2)
    assert set(outcome.orders) == {"a", "b"}
    assert outcome.levels == {(BUY, Decimal(100)): Decimal(4), (SELL, Decimal(105)): ZERO}


# -- against a naive model ---------------------------------------------------------------------------------------------


@dataclass
class Naive:
    """The same rules in the fewest words: one list, sorted at every match."""

    resting: list[Order] = field(default_factory=list)

    def matches(self, taker: Order) -> list[tuple[str, str, str]]:
        """What the taker ought to meet, by price, then by arrival; changes nothing."""
        facing = [o for o in self.resting if o.side is not taker.side]
        crossing = [o for o in facing if taker.crosses(o.price)]
        crossing.sort(key=lambda o: o.price * taker.side.sign)
        if taker.tif is Tif.POST_ONLY and crossing:
            return []
        if taker.tif is Tif.FOK and sum((o.leaves for o in crossing), ZERO) < taker.leaves:
            return []
        left, met = taker.leaves, []
        for maker in crossing:
            if not left:
                break
            size = min(left, maker.leaves)
            met.append((maker.order_id, str(maker.price), str(size)))
            left -= size
        return met

    def after(self, taker: Order) -> None:
        self.resting = [o for o in self.resting if not o.status.is_final]
        if not taker.status.is_final:
            self.resting.append(taker)


COMMANDS = st.lists(
    st.one_of(
        st.tuples(
            st.just("place"), st.sampled_from(Side), st.integers(95, 105), st.integers(1, 5),
            st.sampled_from([*Tif, Tif.GTC, Tif.GTC]), st.sampled_from(["ann", "bob", "eve"]),
        ),
        st.tuples(st.just("market"), st.sampled_from(Side), st.integers(1, 8)),
        st.tuples(st.just("cancel"), st.integers(0, 50)),
        st.tuples(st.just("amend"), st.integers(0, 50), st.integers(95, 105), st.integers(1, 6)),
    ),
    max_size=60,
)  # fmt: skip


def check_book(engine: Engine, everything: list[Order], positions: Positions) -> None:
    """What holds after every command: not crossed, levels are their orders, nothing lost, both sides filled alike."""
    bid, ask = engine.best(BUY), engine.best(SELL)
    assert bid is None or ask is None or bid[0] < ask[0]
    for side in Side:
        for price, size in engine.depth(side):
            queue = engine.queue(side, price)
            assert size == sum((o.leaves for o in queue), ZERO) > 0
            assert all(o.price == price and o.side is side for o in queue)
    filled = {side: sum((o.filled for o in everything if o.side is side), ZERO) for side in Side}
    assert filled[BUY] == filled[SELL]
    assert sum(positions.held.values(), ZERO) == 0
    live = {o.order_id for o in engine.resting()}
    assert live == {o.order_id for o in everything if not o.status.is_final}
    assert all(0 <= o.filled <= o.size for o in everything)


@given(COMMANDS)
def test_any_commands_match_as_the_naive_model_does_and_lose_nothing(commands) -> None:
    positions, naive = Positions(), Naive()
    engine, everything = Engine("BTCUSDT", positions), []
    for now, command in enumerate(commands):
        name = f"o{now}"
        if command[0] in ("place", "market"):
            if command[0] == "place":
                _, side, price, size, tif, account = command
                taker = order(name, side, str(price), str(size), account=account, tif=tif)
            else:
                taker = order(name, command[1], "market", str(command[2]), tif=Tif.IOC)
            expected = naive.matches(taker)
            everything.append(taker)
            assert story(engine.place(taker, now)) == expected
            naive.after(taker)
        elif naive.resting and command[0] == "cancel":
            chosen = naive.resting.pop(command[1] % len(naive.resting))
            engine.cancel(chosen.order_id, now)
        elif naive.resting:
            _, index, price, size = command
            chosen = naive.resting[index % len(naive.resting)]
            amend(engine, naive, chosen, Decimal(price), Decimal(size), now)
        check_book(engine, everything, positions)


def amend(engine: Engine, naive: Naive, chosen: Order, price: Decimal, size: Decimal, now: int) -> None:
    """Amends in both; the model forgets the order and takes it as a new one unless it only got smaller."""
    if size <= chosen.filled or (price, size) == (chosen.price, chosen.size):
        with pytest.raises(RefusedError):
            engine.amend(chosen.order_id, now, price, size)
        return
    if price == chosen.price and size < chosen.size:
        assert story(engine.amend(chosen.order_id, now, price, size)) == []
        return
    naive.resting.remove(chosen)
    again = Order(
        chosen.order_id, chosen.account, chosen.side, chosen.kind, chosen.tif, price, size, filled=chosen.filled
    )
    expected = naive.matches(again)
    assert story(engine.amend(chosen.order_id, now, price, size)) == expected
    naive.after(chosen)
