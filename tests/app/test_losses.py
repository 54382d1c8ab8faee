"""The session's own loss limit: what it counts, and that nothing which cannot be priced switches it off."""

from decimal import Decimal

import pytest

from app.losses import LossWatch
from state.events import AnyEvent, FeedStatus, Fill, PositionUpdate, Ticker
from state.shared import SharedState
from streams.testing import READY, SYMBOL, VENUE, Session, book, instrument

D = Decimal


def bought(symbol: str, price: str) -> Fill:
    return Fill(VENUE, symbol, None, f"{symbol} {price}", "o", None, "buy", D(price), D(1), D(0), "USDT")


def test_a_position_that_nobody_follows_does_not_switch_the_limit_off() -> None:
    held = PositionUpdate(VENUE, "ETH", None, D(5), D(20))
    session = Session(begin=(instrument(), instrument(symbol="ETH"), book(), held, READY))
    session.feed(1, bought(SYMBOL, "100"))
    watch = LossWatch({"USDT": D(5)})
    assert watch.look(session.shared) is None
    session.feed(2, book(90.0, 91.0))
    assert watch.look(session.shared) == "lost 10.0 USDT, and may lose 5"


def test_a_book_in_doubt_does_not_switch_the_limit_off() -> None:
    session = Session(begin=(instrument(), instrument(symbol="ETH"), book(), book(20.0, 20.2, symbol="ETH"), READY))
    session.feed(1, bought(SYMBOL, "100"), bought("ETH", "20"))
    watch = LossWatch({"USDT": D(5)})
    assert watch.look(session.shared) is None
    session.feed(2, FeedStatus(VENUE, "ETH", "book", "down"), book(90.0, 91.0))
    assert watch.look(session.shared) == "lost 10.0 USDT, and may lose 5"


@pytest.mark.parametrize(
    ("told", "lost"),
    [
        pytest.param([], None, id="the last mid, where nothing newer is known"),
        pytest.param([PositionUpdate(VENUE, SYMBOL, None, D(1), mark=D(90))], "10.5", id="a mark with the position"),
        pytest.param([Ticker(VENUE, SYMBOL, None, mark=91.0)], "9.5", id="a mark in the ticker"),
        pytest.param(
            [PositionUpdate(VENUE, SYMBOL, None, D(1), mark=D(90)), Ticker(VENUE, SYMBOL, None, mark=91.0)], "9.5",
            id="the newer one",
        ),
        pytest.param(
            [Ticker(VENUE, SYMBOL, None, mark=91.0), PositionUpdate(VENUE, SYMBOL, None, D(1), mark=D(90))], "10.5",
            id="also the other way round",
        ),
        pytest.param([Ticker(VENUE, SYMBOL, None, last=50.0)], None, id="a ticker without a mark"),
    ],
)  # fmt: skip
def test_a_lost_book_is_no_cover_for_a_market_that_falls(told: list[AnyEvent], lost: str | None) -> None:
    old = PositionUpdate(VENUE, SYMBOL, None, D(0), mark=D(50))
    session = Session(begin=(instrument(), book(), old, Ticker(VENUE, SYMBOL, None, mark=50.0), READY))
    session.feed(1, bought(SYMBOL, "100"))
    watch = LossWatch({"USDT": D(5)})
    assert watch.look(session.shared) is None
    session.feed(2, FeedStatus(VENUE, SYMBOL, "book", "down"))
    assert watch.look(session.shared) is None
    for at_s, event in enumerate(told, 3):
        session.feed(at_s, event)
    assert watch.look(session.shared) == (lost and f"lost {lost} USDT, and may lose 5")
    restored = SharedState.load(session.shared.dump())
    assert watch.look(restored) == watch.look(session.shared)
    session.feed(9, book())
    assert watch.look(session.shared) is None, "who is seen is believed"


def test_before_a_followed_market_has_its_first_price_nothing_is_judged() -> None:
    waiting = FeedStatus(VENUE, "ETH", "book", "connecting")
    held = PositionUpdate(VENUE, "ETH", None, D(5), D(20))
    session = Session(begin=(instrument(), instrument(symbol="ETH"), book(), waiting, held, READY))
    watch = LossWatch({"USDT": D(5)})
    assert watch.look(session.shared) is None
    session.feed(1, book(10.0, 10.2, symbol="ETH"))
    assert watch.look(session.shared) is None, "measured from here"
    session.feed(2, book(8.0, 8.2, symbol="ETH"))
    assert watch.look(session.shared) == "lost 10.0 USDT, and may lose 5"
