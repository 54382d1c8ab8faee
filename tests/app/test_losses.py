"""The session's own loss limit: what it counts, and that nothing which cannot be priced switches it off."""

from decimal import Decimal

from app.losses import LossWatch
from state.events import FeedStatus, Fill, PositionUpdate
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
