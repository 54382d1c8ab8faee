"""Virtual time: who is at the venue first, when we hear of it, and when funding is paid."""

from decimal import Decimal

import msgspec
import pytest

from adapters.paper import PaperSettings, PaperVenue
from state.errors import WrongUse
from state.events import (
    Accepted,
    BalanceUpdate,
    BookSnapshot,
    CancelOrder,
    FeedStatus,
    FundingPayment,
    PlaceOrder,
    Rejected,
    Trade,
)
from state.record import Record
from tests.adapters.paper.stage import (
    INSTANT,
    MS,
    SYMBOL,
    VENUE,
    Stage,
    change,
    instrument,
    place,
    snapshot,
    ticker,
    trade,
    words,
)

SLOW = msgspec.structs.replace(INSTANT, order_latency_ms=10, response_latency_ms=20)
HOUR = 3_600_000 * MS


def collected(stage: Stage, until: int) -> list[tuple[int, int, list[str]]]:
    return [(recv, cause, words(events)) for recv, cause, events in stage.venue.collect(until)]


def test_an_order_reaches_the_venue_and_its_answer_us_after_their_latencies() -> None:
    stage = Stage(SLOW)
    assert stage.play(place("a", "buy", "1", "101")) == []
    left = stage.now
    assert stage.venue.due() == left + 10 * MS
    assert collected(stage, left + 10 * MS) == []
    assert stage.venue.due() == left + 30 * MS
    assert collected(stage, left + 30 * MS - 1) == []
    assert collected(stage, left + 30 * MS) == [
        (left + 30 * MS, 1, ["accepted", "a buy 1 @ 101 taker", "a filled 1/1"])
    ]
    assert stage.venue.due() is None


@pytest.mark.parametrize(
    ("after_ms", "heard"),
    [
        pytest.param(9, "a buy 1 @ 102 taker", id="a book change before the arrival is met"),
        pytest.param(10, "a buy 1 @ 101 taker", id="an order goes before the book change of the same instant"),
        pytest.param(11, "a buy 1 @ 101 taker", id="a book change after the arrival is not seen"),
    ],
)
def test_an_order_meets_the_book_as_of_its_arrival(after_ms: int, heard: str) -> None:
    stage = Stage(SLOW)
    stage.play(place("a", "buy", "1", "103"))
    stage.tick(after_ms)
    change(asks=[(101.0, 0.0)])(stage)
    stage.tick(100)
    assert words(stage.heard())[1] == heard


def test_a_passive_order_does_not_fill_from_trades_before_its_arrival() -> None:
    stage = Stage(SLOW)
    stage.play(place("a", "buy", "1", "100"))
    stage.tick(5)
    trade("sell", 50.0, 99.0)(stage)
    stage.tick(6)
    told = trade("sell", 50.0, 99.0)(stage)
    assert told == []
    stage.tick(50)
    assert collected(stage, stage.now) == [
        (31 * MS, 1, ["accepted", "a open 0/1"]),
        (32 * MS, 0, ["a buy 1 @ 100 maker", "a filled 1/1"]),
    ]


def test_a_fill_beats_a_cancel_that_is_still_on_its_way() -> None:
    stage = Stage(SLOW)
    stage.play(place("a", "buy", "1", "100"))
    stage.tick(40)
    stage.submit(CancelOrder(VENUE, SYMBOL, "a"))
    stage.tick(9)
    trade("sell", 50.0, 99.0)(stage)
    stage.tick(50)
    assert words(stage.heard()) == [
        "a buy 1 @ 100 maker",
        "a filled 1/1",
        "rejected gone no_such_order",
    ]


def test_intents_arrive_in_the_order_in_which_they_left() -> None:
    stage = Stage(SLOW)
    for seq, client_id in ((7, "b"), (3, "a")):
        order = PlaceOrder(VENUE, SYMBOL, "buy", Decimal(1), Decimal(100), client_id=client_id)
        stage.venue.submit(Record(seq, stage.now, 0, order), stage.now)
    stage.tick(30)
    assert [cause for _, cause, _ in collected(stage, stage.now)] == [7, 3]


def test_an_intent_told_late_is_matched_late_and_counted() -> None:
    stage = Stage(INSTANT)
    stage.tick(10)
    change(asks=[(101.0, 0.0)])(stage)
    order = PlaceOrder(VENUE, SYMBOL, "buy", Decimal(1), None, "market", client_id="a")
    stage.venue.submit(Record(1, 0, 0, order), 0)
    assert words(stage.heard())[1] == "a buy 1 @ 102 taker"
    assert stage.venue.statistics.late_intents == 1


def test_other_venues_and_other_events_are_wrong_use() -> None:
    stage = Stage()
    with pytest.raises(WrongUse, match="none of paper"):
        stage.venue.observe(Trade("other", SYMBOL, 1, "t", 1.0, 1.0, "buy"), 1)
    with pytest.raises(WrongUse, match="no intent for paper"):
        stage.venue.submit(Record(1, 0, 0, CancelOrder("other", SYMBOL, "a")), 1)
    with pytest.raises(WrongUse, match="no intent for paper"):
        stage.venue.submit(Record(1, 0, 0, FeedStatus(VENUE, "", "account", "ok")), 1)


def test_the_opening_says_that_the_account_is_ready_and_what_it_holds() -> None:
    stage = Stage(PaperSettings(balance=Decimal(7), asset="USDC"))
    status, balance = stage.venue.opening(5)
    assert status == FeedStatus(VENUE, "", "account", "ok")
    assert (balance.asset, balance.total, balance.ts) == ("USDC", Decimal(7), 5)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("changes", "asset"),
    [
        pytest.param({"settle": "USDC"}, "USDC", id="a perpetual settled in USDC"),
        pytest.param({"kind": "spot", "quote": "EUR", "settle": "EUR"}, "EUR", id="spot against EUR"),
    ],
)
def test_an_account_without_an_asset_begins_in_each_that_its_markets_settle_in(
    changes: dict[str, object], asset: str
) -> None:
    venue = PaperVenue(VENUE, PaperSettings(), "s")
    (status,) = venue.opening(0)  # of no market is anything known yet
    assert status == FeedStatus(VENUE, "", "account", "ok")
    rules = msgspec.structs.replace(instrument(), **changes)
    coin = msgspec.structs.replace(rules, symbol="coin", settle="BTC", quote="BTC")
    for event in (rules, rules, coin, snapshot(1)):
        venue.observe(event, 1)
    venue.submit(Record(1, 1, 0, PlaceOrder(VENUE, SYMBOL, "buy", Decimal(1), Decimal(90), client_id="a")), 1)
    heard = [event for _, _, events in venue.collect(HOUR) for event in events]
    assert [(it.asset, it.total) for it in heard if isinstance(it, BalanceUpdate)] == [
        (asset, Decimal(100_000)),
        ("BTC", Decimal(100_000)),
    ]
    assert [type(it) for it in heard if isinstance(it, Accepted | Rejected)] == [Accepted]


# --- funding ---


def test_funding_is_paid_at_its_exact_time_at_the_mark_told_before_it() -> None:
    stage = Stage(SLOW)
    stage.play(ticker(0.0001, HOUR, 100.0), place("a", "buy", "2", "101"))
    stage.tick(100)
    stage.heard()
    stage.play(ticker(None, None, 110.0))
    assert stage.venue.due() == HOUR
    assert collected(stage, HOUR) == []
    ((recv, cause, events),) = stage.venue.collect(HOUR + 20 * MS)
    payment = events[0]
    assert isinstance(payment, FundingPayment)
    assert (recv, cause, payment.ts) == (HOUR + 20 * MS, 0, HOUR)
    assert (payment.amount, payment.rate, payment.size, payment.price) == (
        Decimal("-0.0220"),
        Decimal("0.0001"),
        Decimal(2),
        Decimal(110),
    )


def test_a_short_position_receives_what_a_long_one_pays() -> None:
    stage = Stage()
    stage.play(ticker(0.0001, HOUR, 100.0), place("a", "sell", "2", "100"))
    stage.now = HOUR
    assert words(stage.heard()) == ["funding 0.02 at 0.0001"]


def test_a_flat_account_pays_no_funding() -> None:
    stage = Stage()
    stage.play(ticker(0.0001, HOUR, 100.0))
    stage.now = HOUR
    assert stage.heard() == []
    assert stage.venue.due() is None


def test_a_ticker_that_still_tells_the_old_time_does_not_pay_twice() -> None:
    stage = Stage()
    stage.play(ticker(0.0001, HOUR, 100.0), place("a", "buy", "2", "101"))
    stage.now = HOUR
    assert len(words(stage.heard())) == 1
    assert words(stage.play(ticker(0.0003, HOUR, 100.0))) == []
    stage.now += HOUR
    assert stage.heard() == []


def test_a_ticker_that_is_early_with_the_next_time_does_not_lose_this_one() -> None:
    stage = Stage()
    stage.play(ticker(0.0001, HOUR, 100.0), place("a", "buy", "2", "101"))
    stage.now = HOUR - 2 * MS
    stage.play(ticker(0.0003, 2 * HOUR, 100.0))
    stage.now = 2 * HOUR
    assert words(stage.heard()) == ["funding -0.02 at 0.0001", "funding -0.06 at 0.0003"]


def test_a_funding_time_that_the_venue_moves_is_paid_once() -> None:
    stage = Stage()
    stage.play(ticker(0.0001, 2 * HOUR, 100.0), place("a", "buy", "2", "101"), ticker(0.0001, HOUR, 100.0))
    stage.now = 3 * HOUR
    assert words(stage.heard()) == ["funding -0.02 at 0.0001"]


def test_funding_can_be_left_out() -> None:
    stage = Stage(msgspec.structs.replace(INSTANT, funding=False))
    stage.play(ticker(0.0001, HOUR, 100.0), place("a", "buy", "2", "101"))
    assert stage.venue.due() is None


def test_at_one_instant_funding_comes_before_intents() -> None:
    stage = Stage()
    stage.play(ticker(0.0001, HOUR, 100.0), place("a", "buy", "2", "101"))
    stage.now = HOUR
    told = stage.submit(PlaceOrder(VENUE, SYMBOL, "sell", Decimal(2), Decimal(100), client_id="b"))
    assert words(told) == ["funding -0.02 at 0.0001", "accepted", "b sell 2 @ 100 taker", "b filled 2/2"]


def test_a_market_that_never_said_anything_has_no_funding() -> None:
    stage = Stage()
    stage.observe(BookSnapshot(VENUE, "ETHUSDT", 1, [(1.0, 1.0)], [(2.0, 1.0)]))
    assert stage.venue.due() is None
