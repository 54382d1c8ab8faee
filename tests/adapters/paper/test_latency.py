"""How long each way takes: by action, drawn or recorded, and what market data that is older here changes."""

from decimal import Decimal
from statistics import median
from typing import Any

import msgspec
import numpy as np
import pytest

from adapters.paper import OrderLatency, PaperSettings, PaperVenue
from adapters.paper.latency import ConstantLatency, LognormalLatency, RecordedLatency
from state.errors import ConfigurationError
from state.events import Accepted, BookDelta, PlaceOrder
from state.record import Record
from tests.adapters.paper.stage import (
    INSTANT,
    MS,
    SYMBOL,
    VENUE,
    Stage,
    amend,
    cancel,
    place,
    ticker,
    trade,
    words,
)
from tests.later import Later

hft = Later("hftbacktest")

HOUR = 3_600_000 * MS


def test_each_action_takes_its_own_time_and_nothing_overtakes() -> None:
    settings = msgspec.structs.replace(INSTANT, order_latency_ms=10, amend_latency_ms=3, cancel_latency_ms=40)
    stage = Stage(settings)
    told = stage.play(place("a", "buy", "1", "100"), amend("a", "99", "1"))
    stage.now += 20 * MS
    told += stage.play(amend("a", "98", "1"), cancel("a"), place("b", "buy", "1", "99"))
    stage.now += HOUR
    accepted = [event.ts for event in told + stage.heard() if isinstance(event, Accepted)]
    # left at 1, 2, 23, 24 and 25 ms: the first amendment waits for the order, the last order for the cancel
    assert accepted == [at_ms * MS for at_ms in (11, 11, 26, 64, 64)]


def test_a_lognormal_latency_has_its_median_and_its_seed() -> None:
    def drawn(seed: int) -> list[int]:
        model = LognormalLatency({"place": 20, "amend": 20, "cancel": 20, "cancel_all": 20}, 5, 0.5, seed)
        return [model.entry("place", 0) for _ in range(4001)]

    assert median(drawn(1)) == pytest.approx(20 * MS, rel=0.05)
    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert min(drawn(1)) > 0


def test_drawn_answers_keep_their_order() -> None:
    settings = msgspec.structs.replace(
        INSTANT, order_latency_ms=20, response_latency_ms=20, latency="lognormal", latency_sigma=1.5
    )
    stage = Stage(settings)
    stage.play(*(place(f"c{number}", "buy", "1", "98") for number in range(40)))
    heard = stage.venue.collect(HOUR)
    assert [cause for _, cause, _ in heard] == list(range(1, 41))
    assert [recv for recv, _, _ in heard] == sorted(recv for recv, _, _ in heard)


RECORDED = [
    OrderLatency("place", 10 * MS, 15 * MS, 17 * MS),
    OrderLatency("place", 20 * MS, 35 * MS, 41 * MS),
    OrderLatency("cancel", 20 * MS, 21 * MS, 22 * MS),
    OrderLatency("place", 50 * MS, 52 * MS, 60 * MS),
]


@pytest.mark.parametrize(
    ("action", "at_ms", "entry_ms"),
    [
        pytest.param("place", 0, 5, id="before the first the first holds"),
        pytest.param("place", 10, 5, id="at a point the point"),
        pytest.param("place", 15, 10, id="in between a straight line"),
        pytest.param("place", 35, 8.5, id="down again"),
        pytest.param("place", 99, 2, id="after the last the last holds"),
        pytest.param("cancel", 35, 1, id="an action has its own"),
        pytest.param("amend", 15, 3, id="one that was never recorded goes by all"),
    ],
)
def test_a_recorded_latency_is_interpolated(action: Any, at_ms: float, entry_ms: float) -> None:
    assert RecordedLatency(RECORDED).entry(action, round(at_ms * MS)) == round(entry_ms * MS)


def test_recorded_latencies_are_interpolated_as_hftbacktest_does() -> None:
    rows = [row for row in RECORDED if row.action == "place"]
    model = RecordedLatency(rows)
    table = np.zeros(len(rows), [(name, "i8") for name in ("req_ts", "exch_ts", "resp_ts", "_padding")])
    for number, row in enumerate(rows):
        table[number] = row.left, row.arrived, row.answered, 0
    for at_ms in (12, 17, 22, 31, 45):
        sent = at_ms * MS
        assert _theirs(table, sent) == sent + model.entry("place", sent)


def _theirs(table: Any, sent: int) -> int:
    """When an order that leaves then is at hftbacktest's exchange."""
    both = hft.DEPTH_EVENT | hft.EXCH_EVENT | hft.LOCAL_EVENT
    sides = ((hft.BUY_EVENT, 100.0), (hft.SELL_EVENT, 101.0), (hft.BUY_EVENT, 99.0))
    rows = [(both | side, at, at, price, 5.0, 0, 0, 0.0) for (side, price), at in zip(sides, (1, 1, HOUR), strict=True)]
    events = np.array(rows, dtype=hft.event_dtype)
    asset = hft.BacktestAsset().data([events]).linear_asset(1.0).intp_order_latency(table).risk_adverse_queue_model()
    asset = asset.partial_fill_exchange().trading_value_fee_model(0, 0).tick_size(1.0).lot_size(1.0)
    backtest = hft.HashMapMarketDepthBacktest([asset])
    backtest.elapse(sent - 1)
    backtest.submit_buy_order(0, 1, 100.0, 1.0, hft.GTC, hft.LIMIT, False)
    backtest.elapse(1000 * MS)
    arrived = int(backtest.orders(0).get(1).exch_timestamp)
    backtest.close()
    assert len(events) == 3
    return arrived


def test_recorded_latencies_need_a_record() -> None:
    with pytest.raises(ConfigurationError, match="answered"):
        PaperVenue(VENUE, PaperSettings(latency="recorded"))
    assert "3 intents" in RecordedLatency(RECORDED[:3]).words()


def test_a_paper_venue_goes_by_the_record() -> None:
    stage = Stage()
    stage.venue = PaperVenue(VENUE, msgspec.structs.replace(INSTANT, latency="recorded"), "s", RECORDED)
    stage.venue.submit(Record(1, 15 * MS, 0, PlaceOrder(VENUE, SYMBOL, "buy", Decimal(1), Decimal(100))), 15 * MS)
    assert stage.venue.due() == 25 * MS


# --- market data that is older here ---


def test_an_order_meets_the_book_of_its_arrival_whenever_that_book_reaches_us() -> None:
    """Data is 8 ms old: an order that takes 10 ms meets what we see 18 ms after it left."""
    settings = msgspec.structs.replace(INSTANT, feed_latency_ms=8, order_latency_ms=10, response_latency_ms=9)
    for after_ms, price in ((17, 102), (19, 101)):
        stage = Stage(settings)
        stage.play(place("a", "buy", "1", "103"))
        left = stage.now
        stage.venue.observe(BookDelta(VENUE, SYMBOL, None, [], [(101.0, 0.0)]), stage.tick(after_ms))
        [(heard, _, events)] = stage.venue.collect(HOUR)
        assert words(events)[1] == f"a buy 1 @ {price} taker"
        assert heard == left + (10 + 9) * MS, "the way there and back, whatever the market data needs"
        assert isinstance(events[0], Accepted)
        assert events[0].ts == left + 10 * MS


def test_an_answer_never_comes_before_the_market_data_of_its_moment() -> None:
    settings = msgspec.structs.replace(INSTANT, feed_latency_ms=50, order_latency_ms=10, response_latency_ms=9)
    stage = Stage(settings)
    stage.play(place("a", "buy", "1", "101"))
    [(heard, _, _)] = stage.venue.collect(HOUR)
    assert heard == stage.now + 60 * MS


def test_a_passive_fill_is_told_the_way_back_after_its_trade() -> None:
    settings = msgspec.structs.replace(INSTANT, feed_latency_ms=8, response_latency_ms=20)
    stage = Stage(settings)
    stage.play(place("a", "buy", "1", "100"))
    stage.tick(100)
    stage.heard()
    assert trade("sell", 50.0, 99.0)(stage) == []
    [(heard, _, _)] = stage.venue.collect(HOUR)
    assert heard == stage.now + (20 - 8) * MS


def test_funding_is_paid_on_what_is_held_at_its_time_at_the_venue() -> None:
    settings = msgspec.structs.replace(INSTANT, feed_latency_ms=8, response_latency_ms=20)
    stage = Stage(settings)
    stage.play(ticker(0.0001, HOUR, 100.0), place("a", "buy", "2", "101"))
    stage.tick(100)
    stage.heard()
    assert stage.venue.due() == HOUR + 8 * MS
    assert stage.venue.collect(HOUR + 19 * MS) == []
    [(heard, _, events)] = stage.venue.collect(HOUR + 20 * MS)
    assert (heard, words(events)) == (HOUR + 20 * MS, ["funding -0.02 at 0.0001"])


def test_a_constant_latency_says_what_differs() -> None:
    entry: dict[Any, float] = {"place": 5, "amend": 5, "cancel": 2.5, "cancel_all": 2.5}
    assert ConstantLatency(entry, 7).words() == "latency: constant, 5 ms, cancel 2.5 ms to the venue and 7 ms back"
