"""Whether a book can be gone by, as time passes over it."""

from state.events import FeedStatus
from streams.risk.fresh import fresh
from streams.testing import SYMBOL, VENUE, Session, book


def test_it_is_stale_once_silent_and_fresh_when_it_speaks_again() -> None:
    session = Session()
    seen = session.watch(lambda feeds: feeds.market(VENUE, SYMBOL).book.pipe(fresh(2.0)))
    session.feed(1, book())
    session.feed(2.5, book())
    session.tick(4.4)
    session.tick(4.5)
    session.feed(9, book())
    session.feed(10, FeedStatus(VENUE, SYMBOL, "book", "gap"))
    session.feed(11, book())
    assert seen == [(1, True), (4.5, False), (9, True), (10, False), (11, True)]
