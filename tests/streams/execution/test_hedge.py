"""What is made here is hedged there, in whole, once."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec
import pytest
import reactivex
from reactivex import Observable
from reactivex import operators as ops

from state.errors import WrongUse
from state.events import (
    AnyEvent,
    BookSnapshot,
    Decision,
    FeedStatus,
    Fill,
    OrderUpdate,
    PlaceOrder,
    PositionUpdate,
    Signal,
)
from streams.checkpoint import dump
from streams.execution import hedged
from streams.feeds import Feeds
from streams.testing import READY, SYMBOL, VENUE, Session, book, instrument

D = Decimal
THERE = "there"


def at(venue: str, event):
    return msgspec.structs.replace(event, venue=venue)


class Hedged(Session):
    """A strategy that has an order here and hedges its fills there."""

    def __init__(self, *, whole: bool = False, held: Sequence[AnyEvent] = ()) -> None:
        rules = (instrument(), book(), at(THERE, instrument()), at(THERE, book()))
        super().__init__(begin=(*rules, *held, READY, at(THERE, READY)))

        def strategy(feeds: Feeds) -> Observable[Decision]:
            made = feeds.signal("go").pipe(
                ops.map(lambda _: PlaceOrder(VENUE, SYMBOL, "buy", D(3), D(100), label="b0"))
            )
            return reactivex.merge(made, hedged(feeds, (VENUE, SYMBOL), (THERE, SYMBOL), slippage_bps=0.0, whole=whole))

        self.running = self.run(strategy)
        self.feed(1, Signal("go", 1.0))
        self.answer(1.1)

    @property
    def hedges(self) -> list[tuple[str, Decimal, Decimal]]:
        return [(sent.side, sent.size, sent.price) for sent in self.of(PlaceOrder) if sent.venue == THERE]

    def there(self, at_s: float, filled: str) -> None:
        """The hedge that is out fills so far, and is gone."""
        (order,) = self.shared.account(THERE).orders.working(SYMBOL)
        name = f"o{order.client_id}"
        if D(filled):
            self.feed(
                at_s,
                Fill(
                    THERE, SYMBOL, None, f"h{at_s}", name, order.client_id, order.side, order.price, D(filled), D(0), "USDT"
                ),
            )  # fmt: skip
        if D(filled) < order.size:
            self.feed(
                at_s,
                OrderUpdate(
                    THERE, SYMBOL, None, order.client_id, name, "cancelled", order.side, order.kind, order.tif,
                    order.price, order.size, filled=D(filled),
                ),
            )  # fmt: skip


@pytest.mark.parametrize("whole", [False, True])
def test_a_fill_here_is_taken_back_there(whole: bool) -> None:
    session = Hedged(whole=whole)
    session.fill(2, session.working[0], "1")
    assert session.hedges == [("sell", D(1), D(100))]
    session.there(2.1, "1")
    session.fill(2.2, session.working[0], "2")
    assert session.hedges[1:] == [("sell", D(2), D(100))]
    session.there(2.3, "2")
    session.tick(30)
    assert len(session.hedges) == 2
    held = [session.shared.account(venue).ledger.position(SYMBOL).size for venue in (VENUE, THERE)]
    assert held == [3, -3]


def test_fills_while_a_hedge_is_out_come_with_the_next() -> None:
    session = Hedged()
    session.fill(2, session.working[0], "1")
    session.fill(2.1, session.working[0], "0.5")
    assert len(session.hedges) == 1
    session.there(2.2, "1")
    assert session.hedges[1:] == [("sell", D("0.5"), D(100))]


@pytest.mark.parametrize("whole", [False, True])
def test_what_was_not_filled_is_tried_again(whole: bool) -> None:
    session = Hedged(whole=whole)
    session.fill(2, session.working[0], "1")
    session.there(2.1, "0")
    assert len(session.hedges) == 1
    session.tick(3)
    assert session.hedges == [("sell", D(1), D(100))] * 2
    session.there(3.1, "0.4")
    assert session.hedges[2:] == [("sell", D("0.6"), D(100))]


def test_what_is_more_than_one_order_may_have_is_hedged_in_several() -> None:
    session = Hedged()
    session.feed(1.5, at(THERE, instrument(max_size=D(2))))
    session.fill(2, session.working[0], "3")
    session.there(2.1, "2")
    assert session.hedges == [("sell", D(2), D(100)), ("sell", D(1), D(100))]


def test_what_is_too_little_for_the_venue_waits_for_more() -> None:
    session = Hedged()
    session.fill(2, session.working[0], "0.01")
    assert session.hedges == []
    session.fill(3, session.working[0], "0.09")
    assert session.hedges == [("sell", D("0.1"), D(100))]


def test_a_fill_told_twice_is_hedged_once() -> None:
    session = Hedged()
    order = session.working[0]
    for at_s in (2, 3):
        session.feed(at_s, Fill(VENUE, SYMBOL, None, "same", "o", order.client_id, "buy", D(100), D(1), D(0), "USDT"))
    session.there(3.1, "1")
    session.tick(9)
    assert len(session.hedges) == 1


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("parts", [["1"], ["0.6", "0.4"]], ids=["one fill", "two fills"])
@pytest.mark.parametrize("late_s", [0.1, 30.0], ids=["a little late", "late"])
def test_what_the_order_was_told_to_have_filled_is_not_hedged_again_before_its_fills_come(
    parts: list[str], late_s: float, whole: bool
) -> None:
    session = Hedged(whole=whole)
    session.fill(2, session.working[0], "1")
    (order,) = session.shared.account(THERE).orders.working(SYMBOL)

    def fill(at_s: float, number: int) -> None:
        size = D(parts[number])
        session.feed(
            at_s, Fill(THERE, SYMBOL, None, f"h{number}", "o", order.client_id, "sell", D(100), size, D(0), "USDT")
        )

    if len(parts) > 1:
        fill(2.1, 0)
    told = OrderUpdate(
        THERE, SYMBOL, None, order.client_id, "o", "filled", "sell", size=D(1), price=D(100), filled=D(1)
    )
    session.feed(2.2, told)
    session.tick(2.2 + late_s)
    fill(2.3 + late_s, len(parts) - 1)
    session.tick(60)
    assert session.hedges == [("sell", D(1), D(100))]
    session.fill(61, session.working[0], "2")
    assert session.hedges[1:] == [("sell", D(2), D(100))]


def test_it_waits_for_a_book_there() -> None:
    session = Hedged()
    session.feed(1.5, FeedStatus(THERE, SYMBOL, "book", "gap"))
    session.fill(2, session.working[0], "1")
    assert session.hedges == []
    session.feed(3, BookSnapshot(THERE, SYMBOL, None, [(98.0, 1.0)], [(99.0, 1.0)]))
    assert session.hedges == [("sell", D(1), D(98))]
    assert dump([session.running]) != b""


def test_a_market_is_no_hedge_of_itself() -> None:
    session = Session()
    running = session.run(lambda feeds: hedged(feeds, (VENUE, SYMBOL), (VENUE, SYMBOL)))
    assert isinstance(running.error, WrongUse)


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_the_hedge_is_of_the_other_side(side: str) -> None:
    session = Hedged()
    order = session.working[0]
    session.feed(2, Fill(VENUE, SYMBOL, None, "one", "o", order.client_id, side, D(100), D(1), D(0), "USDT"))
    assert session.hedges[0][0] == ("sell" if side == "buy" else "buy")


# --- after a session that was killed ---

LEFT = (PositionUpdate(VENUE, SYMBOL, None, D(5)), PositionUpdate(THERE, SYMBOL, None, D(-3)))


@pytest.mark.parametrize(("whole", "expected"), [(False, []), (True, [("sell", D(2), D(100))])])
def test_what_an_earlier_session_left_open_is_hedged_where_whole_positions_are(whole: bool, expected: object) -> None:
    session = Hedged(whole=whole, held=LEFT)
    session.tick(2)
    assert session.hedges == expected


def test_whole_positions_count_the_fills_of_orders_that_are_not_this_strategys() -> None:
    """An order of the killed session that rested on may fill before it is cancelled."""
    session = Hedged(whole=True)
    session.feed(2, Fill(VENUE, SYMBOL, None, "theirs", "o", None, "sell", D(100), D(1), D(0), "USDT"))
    assert session.hedges == [("buy", D(1), D(101))]


def test_no_position_is_hedged_before_both_accounts_are_known() -> None:
    session = Session(begin=(instrument(), book(), at(THERE, instrument()), at(THERE, book())))
    session.run(lambda feeds: hedged(feeds, (VENUE, SYMBOL), (THERE, SYMBOL), whole=True))
    session.feed(1, LEFT[0], READY)
    session.tick(2)
    assert session.of(PlaceOrder) == []
    session.feed(3, LEFT[1], at(THERE, READY))
    session.tick(4)
    (sent,) = session.of(PlaceOrder)
    assert (sent.side, sent.size) == ("sell", D(2))
