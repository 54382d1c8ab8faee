"""What a market is worth trading on, and what a strategy's quotes do meanwhile."""

import pytest
from reactivex import Observable

from state.events import BookDelta, BookSnapshot, CancelOrder, Decision, FeedStatus, PlaceOrder, Tick
from state.words import FeedState
from streams.feeds import Feeds
from streams.health import SEVERITY, health, is_ok
from streams.quoting import Quote, quote_when, to_intents
from streams.testing import SYMBOL, VENUE, Session, book, instrument


def watched(session: Session) -> list[tuple[float, object]]:
    return session.watch(lambda feeds: health(feeds, VENUE, SYMBOL))


def told(heard: list[tuple[float, object]]) -> list[tuple[float, str, str]]:
    return [(round(at, 1), state, channel) for at, (state, channel) in heard]  # type: ignore[misc]


def test_it_is_connecting_before_there_is_a_book_and_ok_with_it() -> None:
    session = Session(begin=(instrument(),))
    heard = watched(session)
    session.feed(1, book())
    assert told(heard) == [(0, "connecting", "book"), (1, "ok", "")]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        pytest.param(FeedStatus(VENUE, SYMBOL, "book", "gap"), "gap", id="a gap in the book"),
        pytest.param(FeedStatus(VENUE, SYMBOL, "book", "stale"), "stale", id="a book that its adapter calls stale"),
        pytest.param(FeedStatus(VENUE, SYMBOL, "book", "down"), "down", id="a connection that is lost"),
        pytest.param(book(101, 100), "crossed", id="a book that is crossed"),
        pytest.param(FeedStatus(VENUE, "", "rest", "banned"), "banned", id="a ban"),
        pytest.param(FeedStatus(VENUE, "", "rest", "throttled"), "throttled", id="a rate limit"),
        pytest.param(FeedStatus(VENUE, "", "clock", "skewed"), "skewed", id="a clock that is not to be relied on"),
        pytest.param(FeedStatus(VENUE, "", "load", "stale"), "stale", id="a session that is late"),
    ],
)
def test_each_trouble_has_its_word_and_ends(status: FeedStatus | BookSnapshot, state: FeedState) -> None:
    session = Session()
    heard = watched(session)
    session.feed(1, status)
    over = book() if status.symbol else FeedStatus(VENUE, "", status.channel, "ok")  # type: ignore[union-attr]
    session.feed(2, over)
    assert [(at, word) for at, word, _ in told(heard)] == [(0, "ok"), (1, state), (2, "ok")]


@pytest.mark.parametrize(
    "status",
    [
        FeedStatus(VENUE, "", "rest", "stale", "a poll failed"),
        FeedStatus(VENUE, "", "dead_man", "down", "refused"),
        FeedStatus("another", "", "rest", "banned"),
        FeedStatus(VENUE, "ETH", "book", "gap"),
    ],
    ids=["a failed poll", "a refused switch", "another venue", "another market"],
)
def test_what_says_nothing_of_this_market_changes_nothing(status: FeedStatus) -> None:
    session = Session()
    heard = watched(session)
    session.feed(1, status)
    assert told(heard) == [(0, "ok", "")]


def test_of_two_troubles_the_worse_is_told() -> None:
    session = Session()
    heard = watched(session)
    session.feed(1, FeedStatus(VENUE, "", "rest", "throttled"))
    session.feed(2, FeedStatus(VENUE, SYMBOL, "book", "gap"))
    session.feed(3, FeedStatus(VENUE, "", "rest", "ok"))
    session.feed(4, book())
    assert told(heard) == [(0, "ok", ""), (1, "throttled", "rest"), (2, "gap", "book"), (4, "ok", "")]
    assert SEVERITY[-1] == "ok"


def quoting(feeds: Feeds) -> Observable[Decision]:
    def quotes(_: object) -> tuple[Quote, ...]:
        return (Quote("buy", 99.0, 1.0, "b0"), Quote("sell", 102.0, 1.0, "a0"))

    market = feeds.market(VENUE, SYMBOL)
    from streams import operators as op

    healthy = is_ok(health(feeds, VENUE, SYMBOL))
    return market.book.pipe(op.map(quotes), quote_when(healthy), to_intents(feeds, VENUE, SYMBOL))


def steady(session: Session, until_s: float, step_s: float = 0.1) -> None:
    for n in range(1, round(until_s / step_s) + 1):
        session.feed(n * step_s, BookDelta(VENUE, SYMBOL, None, [(100.0, 1.0 + n % 7)], []))
        session.answer(n * step_s)


def test_a_socket_that_is_open_and_says_nothing_loses_its_quotes_within_the_threshold() -> None:
    session = Session()
    session.run(quoting)
    steady(session, 10.0)
    assert len(session.working) == 2
    due = session.pipeline.next_due
    assert due is not None
    while not session.of(CancelOrder):
        due = session.pipeline.next_due
        assert due is not None, "nothing would ever be noticed"
        session.pipeline.tick(due)
    noticed_s = (session.pipeline.timeline.now_ns - 1_700_000_000 * 10**9) / 1e9
    assert noticed_s <= 10.0 + 2 * 1.0, "least_s, looked at no later than once more"
    cancels = [record for record in session.sink.records if isinstance(record.event, CancelOrder)]
    assert len(cancels) == 2
    by_seq = {record.seq: record for record in session.sink.records}
    assert all(record.cause in by_seq for record in cancels), "the chain from silence to cancel is in the log"
    assert session.of(Tick)
    session.answer(13.0)
    placed = len(session.of(PlaceOrder))
    session.feed(14.0, BookDelta(VENUE, SYMBOL, None, [(100.0, 9.0)], []))
    assert len(session.of(PlaceOrder)) == placed + 2, "the first word brings them back"


def test_quotes_of_before_the_trouble_are_not_used_after_it() -> None:
    session = Session()
    session.run(quoting)
    steady(session, 0.5)
    session.feed(1, FeedStatus(VENUE, "", "rest", "banned"))
    session.answer(1.1)
    assert not session.working
    placed = len(session.of(PlaceOrder))
    session.feed(2, FeedStatus(VENUE, "", "rest", "ok"))
    assert len(session.of(PlaceOrder)) == placed
    session.feed(2.1, BookDelta(VENUE, SYMBOL, None, [(100.0, 3.5)], []))
    assert len(session.of(PlaceOrder)) == placed + 2
