"""Each fill leaves by the clock, and no lot is forgotten before it is closed."""

from decimal import Decimal

import reactivex
from reactivex import Observable
from reactivex import operators as ops

from state.events import Blocked, Decision, FeedStatus, Fill, PlaceOrder, Signal
from state.orders import Order
from streams.execution import timed_exits
from streams.feeds import Feeds
from streams.quoting import Quote, to_intents
from streams.risk import RiskLimits, risk_gate
from streams.testing import SYMBOL, VENUE, Session, book, instrument, update

D = Decimal
LADDER = (Quote("buy", 99.0, 1.0, "b0"), Quote("buy", 98.0, 2.0, "b1"), Quote("sell", 102.0, 1.0, "a0"))


class Leaving(Session):
    """A ladder that stands, and exits ten seconds after each fill, at most 100 bps through the touch."""

    def __init__(self, limits: RiskLimits | None = None) -> None:
        super().__init__()

        def strategy(feeds: Feeds) -> Observable[Decision]:
            quotes = feeds.signal("go").pipe(ops.map(lambda _: LADDER), to_intents(feeds, VENUE, SYMBOL))
            exits = timed_exits(feeds, VENUE, SYMBOL, 10.0, slippage_bps=100.0)
            return reactivex.merge(quotes, exits).pipe(risk_gate(limits or RiskLimits(), feeds))

        self.run(strategy)
        self.feed(1, Signal("go", 1.0))
        self.answer(1.1)

    def order(self, label: str) -> Order:
        return next(order for order in self.working if order.label == label)

    @property
    def exits(self) -> list[PlaceOrder]:
        return [placed for placed in self.of(PlaceOrder) if placed.label == "~exit"]


def test_a_fill_is_sold_when_its_time_has_come_and_not_before() -> None:
    session = Leaving()
    session.fill(2, session.order("b0"))
    session.tick(11.9)
    assert session.exits == []
    session.tick(12)
    (out,) = session.exits
    assert (out.side, out.size, out.price, out.tif, out.reduce_only) == ("sell", D(1), D("99.0"), "ioc", True)


def test_each_fill_has_its_own_time() -> None:
    session = Leaving()
    session.fill(2, session.order("b0"))
    session.fill(5, session.order("b1"))
    session.tick(12)
    session.fill(12.1, session.order("~exit"))
    session.tick(14.9)
    assert [out.size for out in session.exits] == [D(1)]
    session.tick(15)
    assert [out.size for out in session.exits] == [D(1), D(2)]


def test_what_an_exit_left_is_tried_again_until_it_is_gone() -> None:
    session = Leaving()
    session.fill(2, session.order("b1"))
    session.tick(12)
    out = session.order("~exit")
    session.fill(12.1, out, "0.5")
    session.feed(12.2, update(out, "cancelled", filled=D("0.5")))
    session.tick(12.9)
    assert len(session.exits) == 1
    session.tick(13)
    assert [out.size for out in session.exits] == [D(2), D("1.5")]
    session.fill(13.1, session.order("~exit"))
    session.tick(40)
    assert len(session.exits) == 2
    assert session.shared.account(VENUE).ledger.position(SYMBOL).size == 0


def test_what_is_more_than_one_order_may_have_leaves_in_several() -> None:
    session = Leaving()
    session.fill(2, session.order("b1"))
    session.feed(3, instrument(max_size=D("1.2")))
    session.tick(12)
    session.fill(12.1, session.order("~exit"))
    session.tick(13)
    assert [out.size for out in session.exits] == [D("1.2"), D("0.8")]


def test_a_blocked_exit_keeps_its_lot() -> None:
    """An exit that is dropped when something says no leaves a position that nobody watches."""
    session = Leaving(RiskLimits(price_collar_bps=260.0))
    session.fill(2, session.order("b0"))
    session.feed(11, book(95.0, 106.0))  # so wide that the exit is beyond the collar
    session.tick(12)
    assert [event.rule for event in session.of(Blocked)] == ["price_collar_bps"]
    session.feed(12.5, book(100.0, 100.1))
    session.tick(13.1)
    assert len(session.exits) == 1


def test_a_fill_of_the_other_side_closes_the_oldest_lot() -> None:
    session = Leaving()
    session.fill(2, session.order("b1"))
    session.fill(3, session.order("a0"))
    session.tick(12)
    assert [out.size for out in session.exits] == [D(1)]


def test_a_fill_told_twice_is_one_lot() -> None:
    session = Leaving()
    order = session.order("b0")
    for at in (2, 3):
        fill = Fill(VENUE, SYMBOL, None, "same", "o", order.client_id, "buy", D(99), D(1), D(0), "USDT")
        session.feed(at, fill)
    session.tick(12)
    session.fill(12.1, session.order("~exit"))
    session.tick(60)
    assert [out.size for out in session.exits] == [D(1)]


def test_an_exit_waits_for_a_book_that_can_be_trusted() -> None:
    session = Leaving()
    session.fill(2, session.order("b0"))
    session.feed(3, FeedStatus(VENUE, SYMBOL, "book", "gap"))
    session.tick(12)
    assert session.exits == []
    session.feed(20, book(100.0, 100.1))
    assert len(session.exits) == 1


def test_an_exit_that_was_told_filled_is_not_sent_again_before_its_fills_come() -> None:
    session = Leaving()
    session.fill(2, session.order("b1"))
    session.fill(5, session.order("b0"))
    session.tick(12)
    out = session.order("~exit")
    session.feed(12.1, update(out, "filled", filled=D(2)))
    session.tick(14)
    assert [out.size for out in session.exits] == [D(2)]
    session.feed(14.5, Fill(VENUE, SYMBOL, None, "late", None, out.client_id, "sell", D(99), D(2), D(0), "USDT"))
    session.tick(15)
    assert [out.size for out in session.exits] == [D(2), D(1)]
    assert session.position == D(1)
