"""What verify calls the first difference, where a replay says more, less or other than was recorded."""

from decimal import Decimal
from pathlib import Path

import pytest
from reactivex import Observable

from replay.verify import Verdict, verify
from state.book import Book
from state.events import AnyEvent, BookSnapshot, Decision, InstrumentDefined, PlaceOrder, SessionOpened
from state.log import Log
from streams import operators as op
from streams.feeds import Feeds
from streams.pipeline import Pipeline
from streams.strategy import Strategy, run_strategies

D = Decimal
RULES = InstrumentDefined(
    "v", "BTC", None, "BTC", "USDT", "USDT", "perpetual", D("0.1"), D("0.001"), D("0.001"), D(5), status="trading"
)


def buys_at(price: str, *, from_update: int) -> Strategy:
    """Places one order at each book from one on."""

    def build(feeds: Feeds) -> Observable[Decision]:
        def is_due(book: Book) -> bool:
            return (book.update_id or 0) >= from_update

        def order(_: Book) -> Decision:
            return PlaceOrder("v", "BTC", "buy", D("0.1"), D(price))

        return feeds.market("v", "BTC").book.pipe(op.filter(is_due), op.map(order))

    return Strategy("buyer", build)


SILENT = buys_at("90", from_update=1_000)


def ids(venue: str, seq: int) -> str:
    return f"{venue}{seq}"


def recorded_and_verified(folder: Path, live: Strategy, again: Strategy) -> Verdict:
    inputs: list[AnyEvent] = [RULES]
    inputs += [BookSnapshot("v", "BTC", n, [(99.0, 1.0)], [(101.0, 1.0)], n, 1) for n in range(1, 4)]
    with Log.open(f"sqlite:///{folder / 'log.db'}") as log:
        writer = log.begin("s", "{}", 1)
        pipeline = Pipeline(writer, ids)
        pipeline.feed(1, [SessionOpened("s", 7)])
        run_strategies(pipeline, [live])
        for recv, event in enumerate(inputs, start=2):
            pipeline.feed(recv, [event])
        writer.close(9)
        return verify(log, "s", [again], ids)


def test_the_same_strategy_differs_in_nothing(tmp_path: Path) -> None:
    strategy = buys_at("90", from_update=2)
    verdict = recorded_and_verified(tmp_path, strategy, strategy)
    assert verdict.same
    assert (verdict.records, verdict.inputs, verdict.decisions) == (7, 5, 2)


def test_a_conclusion_that_was_not_recorded_is_held_against_the_input_that_stands_in_its_place(tmp_path: Path) -> None:
    found = recorded_and_verified(tmp_path, buys_at("90", from_update=3), buys_at("90", from_update=2)).difference
    assert found is not None
    assert found.recorded is not None
    assert found.concluded is not None
    assert found.seq == found.recorded.seq == found.concluded.seq == 5
    assert isinstance(found.recorded.event, BookSnapshot)
    assert isinstance(found.concluded.event, PlaceOrder)


def test_a_last_conclusion_that_was_not_recorded_stands_alone(tmp_path: Path) -> None:
    found = recorded_and_verified(tmp_path, SILENT, buys_at("90", from_update=3)).difference
    assert found is not None
    assert (found.seq, found.recorded) == (6, None)


def test_a_conclusion_that_does_not_come_again_is_the_recorded_one(tmp_path: Path) -> None:
    found = recorded_and_verified(tmp_path, buys_at("90", from_update=2), SILENT).difference
    assert found is not None
    assert found.recorded is not None
    assert (found.seq, type(found.recorded.event)) == (5, PlaceOrder)


@pytest.mark.parametrize("price", [pytest.param("90.5", id="another price"), pytest.param("90.0", id="other bytes")])
def test_what_is_concluded_otherwise_is_not_the_same(tmp_path: Path, price: str) -> None:
    """90.0 equals 90: only the digest tells them apart."""
    verdict = recorded_and_verified(tmp_path, buys_at("90", from_update=2), buys_at(price, from_update=2))
    assert not verdict.same
    assert (verdict.difference is not None) == (D(price) != D(90))
