"""Latency, markouts, slippage and time at the top of the book of sessions in which all of them are known."""

from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.quality.histogram import Histogram
from replay.quality.report import Quality, is_of, measure
from replay.quality.samples import Sample, samples
from state.events import Accepted, AmendOrder, BookSnapshot, CancelOrder, OrderUpdate, PlaceOrder, Rejected, Trade
from state.log import Log
from state.record import Frame
from tests.replay.told import MS, OPENED, Told, fill, instrument

D = Decimal
VENUE, SYMBOL = "bybit", "BTCUSDT"
S = 1_000_000_000


def book(bid: float, ask: float) -> BookSnapshot:
    return BookSnapshot(VENUE, SYMBOL, OPENED, [(bid, 1.0)], [(ask, 1.0)], 1, 50)


@pytest.fixture
def told() -> Told:
    """A bid is placed at 100 in a book of 99 | 101, filled, and the market then falls."""
    told = Told()
    told.say(instrument())
    told.ready()
    told.say(book(99.0, 101.0))  # 4
    placed = told.say(  # 5
        PlaceOrder(VENUE, SYMBOL, "buy", D("0.2"), D(100), tif="post_only", client_id="c1", strategy="p"),
        cause=4,
        after_ns=2 * MS,
    )
    told.keep(Frame(told.now + 3 * MS, VENUE, "trade", "out", b'{"link":"c1"}', private=True))
    told.say(Accepted(VENUE, SYMBOL, None, "place", "c1", "o1"), cause=placed, after_ns=10 * MS)  # 6
    told.say(OrderUpdate(VENUE, SYMBOL, OPENED, "c1", "o1", "open", "buy", price=D(100), size=D("0.2")))  # 7
    told.say(book(98.0, 102.0), after_ns=S)  # 8
    told.say(book(100.5, 101.5), after_ns=S)  # 9: we are not at the top any more
    told.say(fill("f1", "buy", "100", "0.1", "-0.002"), after_ns=S)  # 10
    told.say(book(97.0, 99.0), after_ns=S // 2)  # 11: mid 98
    told.say(Trade(VENUE, SYMBOL, OPENED, "t", 98.0, 1.0, "sell"), after_ns=S)  # 12
    told.say(book(107.0, 109.0), after_ns=4 * S)  # 13
    amended = told.say(AmendOrder(VENUE, SYMBOL, "c1", D(99), D("0.2"), "p"), cause=13)  # 14
    told.say(Rejected(VENUE, SYMBOL, None, "amend", "c1", "post_only", "1", "no"), cause=amended, after_ns=4 * MS)  # 15
    cancelled = told.say(CancelOrder(VENUE, SYMBOL, "c1", "p"), cause=15)  # 16
    told.say(Accepted(VENUE, SYMBOL, None, "cancel", "c1", "o1"), cause=cancelled)  # 17
    told.say(OrderUpdate(VENUE, SYMBOL, OPENED, "c1", "o1", "cancelled", "buy", filled=D("0.1")))  # 18
    return told


@pytest.fixture
def log_of(told: Told, tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/log.db"
    with Log.open(url) as log:
        told.write(log)
    return url


@pytest.fixture
def measured(log_of: str) -> Quality:
    with Log.open(log_of) as log:
        return measure(log, "last")


@pytest.fixture
def found(log_of: str) -> list[Sample]:
    with Log.open(log_of) as log:
        return [sample for _, said in samples(log, log.find("last").id) for sample in said]


@pytest.mark.parametrize(
    ("name", "value", "seqs"),
    [
        pytest.param("frame-to-intent/bybit/place", 2.0, (4, 5), id="from the newest frame to the decision"),
        pytest.param("intent-to-wire/bybit/place", 3.0, (5,), id="from the decision to the frame that left"),
        pytest.param("wire-to-answer/bybit/place", 7.0, (6,), id="from there to the answer"),
        pytest.param("intent-to-answer/bybit/place", 10.0, (5, 6), id="both together"),
        pytest.param("intent-to-answer/bybit/amend", 4.0, (14, 15), id="of an amendment that is refused"),
        pytest.param("intent-to-fill/bybit/maker", 3011.0, (5, 10), id="to the first fill"),
        pytest.param("answer-to-fill/bybit/maker", 3001.0, (6, 10), id="from the acceptance to the first fill"),
        pytest.param(
            "markout-1s/bybit/BTCUSDT/maker", -200.0, (10, 11), id="a second after: the mid of before the next event"
        ),
        pytest.param("markout-5s/bybit/BTCUSDT/maker", -200.0, (10, 12), id="five seconds after"),
        pytest.param("slippage/bybit/BTCUSDT/maker", 0.0, (5, 10), id="against the mid at the decision"),
        pytest.param("top-of-book/bybit/BTCUSDT/buy", 2.0, (7, 9), id="from the order until a better bid"),
    ],
)
def test_a_number_and_the_records_behind_it(
    found: list[Sample], name: str, value: float, seqs: tuple[int, ...]
) -> None:
    first = next(sample for sample in found if is_of(sample, name))
    assert first.value == pytest.approx(value)
    assert first.seqs == seqs


def test_a_horizon_past_the_end_has_no_markout(found: list[Sample]) -> None:
    assert not [sample for sample in found if sample.metric == "markout 30s"]


def test_the_rates_count_what_was_sent(measured: Quality) -> None:
    [rates] = measured.rates
    assert (rates.placed, rates.amended, rates.cancelled, rates.fills, rates.refused) == (1, 1, 1, 1, 1)
    assert (rates.order_to_trade, rates.amend_rate) == (3.0, 1.0)
    assert rates.refusal_rate == pytest.approx(1 / 3)
    quoted = next(line.total for line in measured.metrics if line.name == "quoting/bybit/BTCUSDT/buy")
    at_top = next(line.total for line in measured.metrics if line.name == "top-of-book/bybit/BTCUSDT/buy")
    assert rates.top_of_book == {"buy": pytest.approx(at_top / quoted)}


def test_what_still_stands_when_a_session_crashes_counts_up_to_there(told: Told, tmp_path: Path) -> None:
    with Log.open(f"sqlite:///{tmp_path}/crashed.db") as log:
        writer = log.begin("crashed", "{}", OPENED)
        for record in told.records[:8]:
            writer.append(record)
        writer.close(told.now, "crashed")
        found = [sample for _, said in samples(log, "crashed") for sample in said]
    [quoted] = [sample for sample in found if sample.metric == "quoting"]
    assert (quoted.value, quoted.seqs) == (1.0, (7, 8))


def test_each_number_is_the_sum_of_its_samples(measured: Quality, found: list[Sample]) -> None:
    for line in measured.metrics:
        mine = [sample.value for sample in found if is_of(sample, line.name)]
        assert line.numbers.count == len(mine)
        assert line.total == pytest.approx(sum(mine))


@given(st.lists(st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-6), min_size=1, max_size=200))
def test_a_percentile_is_right_to_a_sixtieth(values: list[float]) -> None:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    ordered = sorted(values)
    for share in (0.5, 0.9, 0.99, 0.999):
        exact = ordered[max(1, -int(-share * len(ordered) // 1)) - 1]
        assert histogram.at(share) == pytest.approx(exact, rel=1 / 60)
    told = histogram.percentiles()
    assert (told.minimum, told.maximum, told.count) == (ordered[0], ordered[-1], len(ordered))


def test_buckets_stay_few() -> None:
    histogram, random = Histogram(), Random(3)
    for _ in range(100_000):
        histogram.add(random.lognormvariate(1, 1))
    assert len(histogram._buckets) < 600
