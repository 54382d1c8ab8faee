"""Large orders, part after part: on time, never more than the whole, and told as they go."""

from decimal import Decimal
from random import Random

import msgspec
import pytest
from reactivex import Observable
from reactivex import operators as ops

from state.errors import WrongUse
from state.events import BookSnapshot, CancelAll, CancelOrder, Decision, FeedStatus, PlaceOrder, Rejected, Signal
from streams.execution import Iceberg, Pov, Sniper, Tactic, Twap, Worked, work
from streams.feeds import Feeds
from streams.risk import RiskLimits, risk_gate
from streams.source import Source
from streams.testing import SYMBOL, VENUE, Session, book, instrument, trade, update

D = Decimal


class Working(Session):
    """A strategy whose orders are worked; `fair` is a signal."""

    def __init__(self, tactic: Tactic, limits: RiskLimits | None = None, deadline_s: float | None = None) -> None:
        super().__init__()
        self._next: Decision | None = None
        self.told: list[Worked] = []
        progress: Source[Worked] = Source()
        progress.subscribe(self.told.append)

        def strategy(feeds: Feeds) -> Observable[Decision]:
            fair = feeds.signal("fair")
            worked = work(feeds, VENUE, SYMBOL, tactic, fair=fair, progress=progress, deadline_s=deadline_s)
            orders = feeds.signal("go").pipe(ops.map(lambda _: self._next), worked)
            return orders.pipe(risk_gate(limits or RiskLimits(), feeds))

        self.running = self.run(strategy)

    def order(self, at_s: float, side: str, size: str, price: str | None, label: str = "big", **more: object) -> None:
        self._next = PlaceOrder(
            VENUE, SYMBOL, side, D(size), D(price) if price else None, "limit" if price else "market", label=label, **more
        )  # fmt: skip
        self.feed(at_s, Signal("go", 1.0))

    def say(self, at_s: float, decision: Decision) -> None:
        self._next = decision
        self.feed(at_s, Signal("go", 1.0))

    @property
    def parts(self) -> list[tuple[Decimal, Decimal, str]]:
        return [(part.size, part.price, part.tif) for part in self.of(PlaceOrder)]

    def end(self, at_s: float, filled: str | None = None) -> None:
        """What is out fills so far, and is gone."""
        for order in list(self.working):
            if filled is None or D(filled) == order.remaining:
                self.fill(at_s, order)
                continue
            if D(filled):
                self.fill(at_s, order, filled)
            self.feed(at_s, update(order, "cancelled", filled=order.filled))


def test_a_twap_goes_in_equal_parts_at_equal_times() -> None:
    session = Working(Twap(9.0, 3, slippage_bps=0.0))
    session.order(1, "buy", "3", None)
    assert session.parts == [(D(1), D("101.0"), "ioc")]
    session.end(1.1)
    session.tick(3.9)
    assert len(session.parts) == 1
    session.tick(4)
    session.end(4.1)
    session.tick(7)
    session.end(7.1)
    session.tick(60)
    assert [size for size, *_ in session.parts] == [D(1)] * 3
    assert [told.done for told in session.told] == [D(0), D(1), D(2), D(3), D(3)]
    assert session.told[-1].is_over
    assert session.told[-1].avg_price == D("101.0")


@pytest.mark.parametrize("labels", [("big", "big"), ("", ""), ("a", "b")], ids=["one label", "no label", "two labels"])
def test_jobs_of_one_market_are_never_taken_for_each_other(labels: tuple[str, str]) -> None:
    session = Working(Twap(9.0, 3))
    session.order(1, "buy", "6", None, labels[0])
    session.order(1.5, "buy", "3", None, labels[1])
    for at_s in (2.0, 4.2, 4.7, 7.2, 7.7, 10.5, 11.5, 14.5):
        session.end(at_s)
        session.tick(at_s + 0.1)
    assert session.position == D(9)
    assert sum(size for size, *_ in session.parts) == D(9)
    assert [(told.size, told.done) for told in session.told if told.is_over] == [(D(6), D(6)), (D(3), D(3))]


def test_a_job_goes_on_when_the_stream_of_orders_has_ended() -> None:
    session = Session()

    def strategy(feeds: Feeds) -> Observable[Decision]:
        order = PlaceOrder(VENUE, SYMBOL, "buy", D(3), kind="market")
        orders = feeds.market(VENUE, SYMBOL).book.pipe(ops.take(1), ops.map(lambda _: order))
        return orders.pipe(work(feeds, VENUE, SYMBOL, Twap(9.0, 3, slippage_bps=0.0)))

    session.run(strategy)
    for at_s in (1, 4, 7):
        session.feed(at_s, book())
        session.fill(at_s + 0.1, session.working[0])
    session.tick(60)
    assert [(at_s, order.size) for at_s, order in session.decided] == [(1, D(1)), (4, D(1)), (7, D(1))]


def test_a_part_is_no_larger_than_one_order_may_be() -> None:
    session = Working(Twap(9.0, 1, slippage_bps=0.0))
    session.feed(0.5, instrument(max_size=D(2)))
    session.order(1, "buy", "3", None)
    session.end(1.1)
    session.end(1.2)
    assert [size for size, _, _ in session.parts] == [D(2), D(1)]
    assert session.told[-1].is_over


def test_a_job_larger_than_one_order_may_be_waits_for_its_price_like_any_other() -> None:
    session = Working(Sniper(edge_bps=10.0))
    session.feed(0.5, instrument(max_size=D(2)), Signal("fair", 101.0))
    session.order(1, "buy", "3", None)
    assert not session.told[-1].is_over
    session.feed(2, Signal("fair", 103.0))
    assert len(session.parts) == 1


def test_what_a_part_missed_comes_with_a_later_one() -> None:
    session = Working(Twap(9.0, 3))
    session.order(1, "sell", "3", None)
    session.end(1.1, "0.4")
    assert [size for size, *_ in session.parts] == [D(1), D("0.6")]  # what was filled in part goes on at once
    session.end(1.2, "0")
    session.tick(2.1)
    assert len(session.parts) == 2
    session.tick(2.2)  # what came to nothing rests for a second
    assert [size for size, *_ in session.parts] == [D(1), D("0.6"), D("0.6")]


def test_the_orders_own_price_is_the_worst_that_is_paid() -> None:
    session = Working(Twap(9.0, 3, slippage_bps=100.0))
    session.order(1, "buy", "3", "101.3")
    assert session.parts == [(D(1), D("101.3"), "ioc")]


def test_pov_follows_what_the_market_trades() -> None:
    session = Working(Pov(D("0.25")))
    session.order(1, "buy", "2", None)
    assert session.parts == []
    session.feed(2, trade(101.0, 4.0))
    assert [size for size, *_ in session.parts] == [D(1)]
    session.end(2.1)
    session.feed(3, trade(101.0, 0.02))  # too little for an order of the venue's least value
    assert len(session.parts) == 1
    session.feed(4, trade(101.0, 100.0))
    session.end(4.1)
    assert [size for size, *_ in session.parts] == [D(1), D(1)]
    assert session.told[-1].is_over


def test_an_iceberg_shows_one_part_at_a_time() -> None:
    session = Working(Iceberg(D("0.5")))
    session.order(1, "buy", "1.2", "99.0", tif="post_only")
    session.answer(1.1)
    session.fill(2, session.working[0], "0.2")
    assert len(session.parts) == 1
    session.fill(3, session.working[0])
    session.fill(4, session.working[0])
    session.fill(5, session.working[0])
    assert session.parts == [
        (D("0.5"), D(99), "post_only"),
        (D("0.5"), D(99), "post_only"),
        (D("0.2"), D(99), "post_only"),
    ]
    assert session.told[-1] == Worked("big", D("1.2"), D("1.2"), D("118.8"), True, 3)


def test_a_sniper_waits_for_its_edge_and_takes_what_is_shown() -> None:
    session = Working(Sniper(50.0))
    session.order(1, "buy", "3", "101.0")
    session.feed(2, Signal("fair", 101.2))
    assert session.parts == []
    session.feed(3, Signal("fair", 102.0))
    assert session.parts == [(D(1), D(101), "ioc")]  # one was shown
    session.end(3.1)
    session.feed(4, book(99.0, 101.1, ask_size=9.0))  # the edge is there, but beyond the order's own price
    assert len(session.parts) == 2  # one more went before the book moved
    session.end(4.1, "0")
    session.feed(9, book(99.0, 101.1, ask_size=9.0))
    assert len(session.parts) == 2


def test_a_part_that_is_refused_or_blocked_is_tried_again() -> None:
    session = Working(Twap(3.0, 1), RiskLimits(price_collar_bps=100.0))
    session.feed(0.5, book(99.0, 103.0))
    session.order(1, "buy", "1", None)  # at 103, 198 bps from the mid
    session.feed(1.5, book(100.0, 100.1))
    session.tick(1.9)
    assert session.parts == []
    session.tick(2)
    assert len(session.parts) == 1
    order = session.working[0]
    session.feed(2.1, Rejected(VENUE, SYMBOL, None, "place", order.client_id, "rule", "1", "no"))
    session.tick(3.1)
    assert len(session.parts) == 2


def test_nothing_goes_while_the_book_cannot_be_trusted() -> None:
    session = Working(Twap(3.0, 1))
    session.feed(0.5, FeedStatus(VENUE, SYMBOL, "book", "gap"))
    session.order(1, "buy", "1", None)
    assert session.parts == []
    session.feed(2, BookSnapshot(VENUE, SYMBOL, None, [(100.0, 1.0)], [(101.0, 1.0)]))
    assert len(session.parts) == 1


def test_a_rest_that_the_venue_would_not_take_is_told() -> None:
    session = Working(Twap(3.0, 1))
    session.order(1, "buy", "1", None)
    session.end(1.1, "0.97")
    assert session.told[-1] == Worked("big", D(1), D("0.97"), D("0.97") * session.parts[0][1], True, 1)


def test_other_decisions_pass_as_they_are() -> None:
    session = Working(Twap(3.0, 3))
    session._next = CancelOrder(VENUE, SYMBOL, "x")
    session.feed(1, Signal("go", 1.0))
    assert len(session.of(CancelOrder)) == 1


TACTICS: dict[str, tuple[Tactic, str | None]] = {
    "twap": (Twap(20.0, 7), None),
    "pov": (Pov(D("0.3")), None),
    "iceberg": (Iceberg(D("0.7")), "101.5"),
    "sniper": (Sniper(1.0), None),
}


@pytest.mark.parametrize(("tactic", "price"), TACTICS.values(), ids=TACTICS)
@pytest.mark.parametrize("seed", range(6))
def test_whatever_the_venue_does_parts_never_exceed_the_whole(tactic: Tactic, price: str | None, seed: int) -> None:
    random, session = Random(seed), Working(tactic)
    session.order(1, "buy", "5", price)
    at = 1.0
    for _ in range(150):
        at += random.uniform(0.05, 0.6)
        what = random.choice(["trade", "book", "fair", "fill", "part", "end", "refuse", "tick", "answer"])
        working = list(session.working)
        if what == "trade":
            session.feed(at, trade(101.0, random.uniform(0.1, 2)))
        elif what == "book":
            session.feed(at, book(100.0, 101.0, ask_size=random.uniform(0.2, 2)))
        elif what == "fair":
            session.feed(at, Signal("fair", random.uniform(100, 103)))
        elif what == "tick":
            session.tick(at)
        elif what == "answer":
            session.answer(at)
        elif working and what == "refuse" and working[0].status == "pending" and not working[0].filled:
            session.feed(at, Rejected(VENUE, SYMBOL, None, "place", working[0].client_id, "rule", "1", "no"))
        elif working and what in ("fill", "part"):
            session.fill(
                at,
                working[0],
                None
                if what == "fill"
                else session.shared.instrument(VENUE, SYMBOL).size(working[0].remaining / 2) or None,
            )
        elif working and what == "end":
            session.feed(at, update(working[0], "cancelled", filled=working[0].filled))
        assert len(session.working) <= 1
        held = session.shared.account(VENUE).ledger.position(SYMBOL).size
        assert held + sum(order.remaining for order in session.working) <= 5
        assert session.told[-1].done == held
    assert held > 1
    assert session.running.error is None


@pytest.mark.parametrize(
    "make",
    [lambda: Twap(0.0, 3), lambda: Twap(1.0, 0), lambda: Pov(D(0)), lambda: Pov(D(2)), lambda: Iceberg(D(0))],
    ids=["no time", "no parts", "no share", "more than all", "nothing shown"],
)
def test_tactics_that_can_never_work_are_refused(make) -> None:
    with pytest.raises(WrongUse):
        make()


# --- the end of a job that is not done ---


def test_a_job_is_over_at_its_deadline_and_its_part_is_cancelled() -> None:
    session = Working(Iceberg(D("0.5")), deadline_s=10.0)
    session.order(1, "buy", "2", "100.0", tif="gtc")
    session.answer(1.1)
    session.fill(2, session.working[0], "0.5")
    session.answer(2.1)
    session.tick(10.9)
    assert session.of(CancelOrder) == []
    session.tick(11)
    (part,) = session.working
    assert [cancel.client_id for cancel in session.of(CancelOrder)] == [part.client_id]
    assert not session.told[-1].is_over  # it may fill yet
    session.fill(11.1, part, "0.2")
    session.answer(11.2)
    session.tick(60)
    assert len(session.of(CancelOrder)) == 1
    assert len(session.parts) == 2
    assert (session.told[-1].done, session.told[-1].is_over) == (D("0.7"), True)


def test_a_deadline_that_nothing_is_out_at_ends_the_job_at_once() -> None:
    session = Working(Pov(D("0.5")), deadline_s=5.0)
    session.order(1, "buy", "2", "102.0")
    session.tick(6)
    session.feed(7, trade(101.0, 10.0))
    assert session.parts == []
    assert session.told[-1].is_over


def test_a_cancel_that_was_refused_is_said_again() -> None:
    session = Working(Iceberg(D("0.5")), deadline_s=10.0)
    session.order(1, "buy", "2", "100.0", tif="gtc")
    session.answer(1.1)
    session.tick(11)
    (cancel,) = session.of(CancelOrder)
    session.feed(11.1, Rejected(VENUE, SYMBOL, None, "cancel", cancel.client_id, "rate", "1", "later"))
    session.tick(11.9)
    assert session.of(CancelOrder) == [cancel]
    session.tick(12)
    assert session.of(CancelOrder) == [cancel, cancel]


@pytest.mark.parametrize("symbol", ["", SYMBOL])
def test_what_cancels_all_of_a_market_ends_its_jobs_too(symbol: str) -> None:
    """The next part went out a second later."""
    session = Working(Iceberg(D("0.5")))
    session.order(1, "buy", "2", "100.0", tif="gtc")
    session.answer(1.1)
    session.say(2, CancelAll(VENUE, symbol))
    session.answer(2.1)
    session.tick(60)
    assert len(session.parts) == 1
    assert session.of(CancelOrder) == []
    assert session.told[-1].is_over


def test_what_cancels_all_of_another_market_leaves_jobs_alone() -> None:
    session = Working(Iceberg(D("0.5")))
    session.order(1, "buy", "2", "100.0", tif="gtc")
    session.say(2, CancelAll(VENUE, "ETH"))
    session.end(3)
    assert len(session.parts) == 2


# --- what can never be worked ---


def test_an_order_that_no_venue_would_take_is_not_worked_either() -> None:
    """Its parts have terms of their own, so that it passed: a limit order without a price was worked at any price."""
    order = PlaceOrder(VENUE, SYMBOL, "buy", D(2), None, label="big")
    for said, why in (
        (order, "a limit order needs a price"),
        (msgspec.structs.replace(order, kind="market", size=2.0), "PlaceOrder.size is 2.0, and money is Decimal"),
    ):
        session = Working(Twap(5.0, 5))
        session.say(1, said)
        assert isinstance(session.running.error, WrongUse)
        assert why in str(session.running.error)


def test_an_iceberg_without_a_price_is_told() -> None:
    session = Working(Iceberg(D("0.5")))
    session.order(1, "buy", "2", None)
    assert "its order's own price" in str(session.running.error)


def test_a_sniper_without_a_fair_price_is_told() -> None:
    running = Session().run(lambda feeds: feeds.signal("x").pipe(work(feeds, VENUE, SYMBOL, Sniper(1.0))))
    assert "fair=" in str(running.error)
