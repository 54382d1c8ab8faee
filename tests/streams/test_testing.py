"""docs/testing.md is run as it stands; a line of marbles that says nothing clear is refused."""

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from time import process_time

import msgspec
import pytest
import reactivex
from reactivex import Observable

from state.errors import WrongUse
from state.events import Decision, PlaceOrder, Signal
from streams import operators as op
from streams.feeds import Feeds
from streams.testing import VENUE, Session, hear, instrument, marbles

PAGE = Path(__file__).resolve().parents[2] / "docs" / "testing.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


def cases_of(block: str) -> dict[str, Callable[[], None]]:
    names: dict[str, Callable[[], None]] = {}
    exec(compile(block, str(PAGE), "exec"), names)
    return {name: test for name, test in names.items() if name.startswith("test_")}


@pytest.mark.parametrize("block", BLOCKS)
def test_every_block_of_the_page_is_a_test_that_passes(block: str) -> None:
    tests = cases_of(block)
    assert tests
    for test in tests.values():
        test()


def test_twelve_hours_take_milliseconds() -> None:
    (test,) = cases_of(BLOCKS[-1]).values()
    begun = process_time()
    for _ in range(10):
        test()
    assert (process_time() - begun) / 10 < 0.1


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("a-b", [(0, "A"), (2, "B")], id="a letter is its value, each character a step"),
        pytest.param("-(ab)a", [(1, "A"), (1, "B"), (2, "A")], id="a group is one instant and one step"),
        pytest.param("a b-", [(0, "A"), (1, "B")], id="spaces are for the eye"),
        pytest.param("a07", [(0, "A"), (1, 0.0), (2, 7.0)], id="a digit is that number"),
        pytest.param("", [], id="an empty line says nothing"),
    ],
)
def test_a_line_is_values_at_seconds(line: str, expected: list[tuple[float, object]]) -> None:
    assert marbles(line, a="A", b="B") == expected


def test_a_step_may_be_of_any_length_and_a_digit_of_any_value() -> None:
    assert marbles("-1", step_s=0.5, **{"1": "one"}) == [(0.5, "one")]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        pytest.param("a-c", "'c' in 'a-c' has no value", id="a letter without a value"),
        pytest.param("a-|", "'|' in 'a-|' means nothing", id="an end: feeds have none"),
        pytest.param("(ab", "'(' in '(ab' means nothing", id="a group that does not close"),
    ],
)
def test_a_line_that_is_not_clear_is_refused(line: str, words: str) -> None:
    with pytest.raises(WrongUse, match=re.escape(words)):
        marbles(line, a=1, b=2)


def test_what_an_operator_raises_is_raised_by_the_test() -> None:
    def fails(_: reactivex.Observable[float]) -> reactivex.Observable[float]:
        return reactivex.throw(ValueError("boom"))

    with pytest.raises(ValueError, match="boom"):
        hear(fails, *marbles("1"))


def test_a_market_order_does_not_fill_at_a_price_that_nobody_said() -> None:
    (test,) = cases_of(BLOCKS[-1]).values()
    carry = test.__globals__["carry"]
    session = Session()
    session.run(carry)
    session.play([(0, test.__globals__["ticker"](funding_rate=3e-4, next_funding=session.shared.now + 10**9))])
    with pytest.raises(WrongUse, match="at which it fills"):
        session.fill(1, session.working[0])


def test_the_venue_answers_and_fills_orders_of_every_market() -> None:
    """What was said of an order was said of the one market that events are made up in, whatever market the order is of."""
    rules = [msgspec.structs.replace(instrument(), venue=venue, symbol="ETH") for venue in (VENUE, "other")]
    session = Session(begin=rules)

    def both(feeds: Feeds) -> Observable[Decision]:
        def orders(_: float) -> list[Decision]:
            return [PlaceOrder(venue, "ETH", "buy", Decimal(1), Decimal(100)) for venue in (VENUE, "other")]

        return feeds.signal("go").pipe(op.map(orders), op.each())

    session.run(both)
    session.feed(1, Signal("go", 1.0))
    session.answer(2)
    for venue in (VENUE, "other"):
        account = session.shared.account(venue)
        (order,) = account.orders.working()
        assert order.status == "open"
        session.fill(3, order)
        assert account.ledger.position("ETH").size == 1
