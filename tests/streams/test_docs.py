"""The pages of docs say what the code does."""

import doctest
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
import reactivex

from state.events import PlaceOrder
from state.words import Side
from streams import operators as op
from streams.checkpoint import dump
from streams.lint import lint_source
from streams.risk import RiskLimits
from streams.strategies import STRATEGIES
from streams.strategies.registry import find
from streams.testing import READY, VENUE, Session, book, fill, instrument, update
from tests.streams import operator_page
from tests.streams.authored import block_of

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "strategies.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_ten_lines_are_those_that_run() -> None:
    assert BLOCKS[0] in (ROOT / "examples" / "ten_lines.py").read_text()


def test_the_lessons_of_rxpy_say_what_happens() -> None:
    failed, tried = doctest.testfile(str(ROOT / "docs" / "strategies.md"), module_relative=False)
    assert failed == 0
    assert tried >= 8


@pytest.mark.parametrize("block", BLOCKS)
def test_every_block_is_python_and_pure(block: str) -> None:
    assert lint_source(block) == []


def written(function: str) -> Callable[..., Any]:
    """A function of the page, as it stands there."""
    names: dict[str, Any] = {}
    exec(block_of("strategies.md", function), names)
    return cast("Callable[..., Any]", names[function])


def test_the_operator_of_ones_own_works() -> None:
    heard: list[float] = []
    reactivex.of(1.0, 4.0, 2.0).pipe(written("change")()).subscribe(heard.append)
    assert heard == [3.0, -2.0]


@pytest.mark.parametrize(("held", "there", "side"), [("buy", 99.9, "sell"), ("sell", 101.1, "buy")])
def test_the_stop_loss_closes_what_is_under_water_once(held: Side, there: float, side: Side) -> None:
    session = Session()
    running = session.run(written("stop_loss"))
    session.feed(1, fill("f", held, "100.5", "2"))
    session.feed(2, book(100.3, 100.7))
    assert session.intents == []
    session.feed(3, book(there - 0.1, there + 0.1))
    session.feed(4, book(there - 0.2, there + 0.2))
    (order,) = session.of(PlaceOrder)
    assert (order.side, order.size, order.kind, order.reduce_only) == (side, 2, "market", True)
    session.feed(5, update(session.working[0], "filled", filled=Decimal(2)))  # before its fill is told
    session.feed(6, book(there - 0.3, there + 0.3))
    session.feed(7, fill("g", side, there, "2", order=session.shared.account(VENUE).orders.get(order.client_id)))
    session.feed(8, book(there - 0.4, there + 0.4))
    assert session.of(PlaceOrder) == [order]
    assert dump([running])  # it can be restarted


def test_two_venues_are_quoted_around_what_both_say() -> None:
    session = Session()
    here = (instrument(), book(60_000.0, 60_001.0), READY)
    running = session.run(written("two_venues"))
    session.feed(1, *here, *(msgspec.structs.replace(event, venue="other") for event in here))
    assert running.error is None
    quoted = {(order.venue, order.label, str(order.price)) for order in session.of(PlaceOrder)}
    assert quoted == {(venue, *quote) for venue in (VENUE, "other") for quote in (("b0", "59988.4"), ("a0", "60012.6"))}
    assert dump([running])


def test_the_page_of_operators_is_made_from_them() -> None:
    assert operator_page.PAGE.read_text() == operator_page.page(), "run python -m tests.streams.operator_page"


def test_every_operator_is_on_the_first_page_too() -> None:
    names = set(op.__all__) - operator_page.NOT_OPERATORS | {"map", "filter"}
    assert sorted(name for name in names if not re.search(rf"\b{name}\b", PAGE)) == []


def test_every_operator_has_a_drawing() -> None:
    drawn = sorted(set(op.__all__) - operator_page.NOT_OPERATORS)
    assert [name for name in drawn if "--" not in (getattr(op, name).__doc__ or "")] == []


UNCITED = {  # they are their own definition
    "clamp", "combine", "combine_every", "conflate", "each", "mid", "ring", "throttle", "trusted", "utilisation", "when",
    "with_latest",
}  # fmt: skip


def test_every_operator_has_a_source_or_is_its_own_definition() -> None:
    ours = sorted(set(op.__all__) - operator_page.NOT_OPERATORS)
    assert {name for name in ours if not operator_page.source_of(getattr(op, name).__doc__ or "")} == UNCITED


def test_every_limit_is_on_the_page() -> None:
    assert [name for name in RiskLimits.__struct_fields__ if f"`{name}`" not in PAGE] == []


TRADERS = (ROOT / "docs" / "traders.md").read_text()
SHARED, *PARTS = re.split(r"^## ", TRADERS, flags=re.MULTILINE)
SECTIONS = {name: part for part in PARTS for name in part.partition("\n")[0].split(", ")}
BESIDE = {"taker": "skewed", "cross_venue": "lead_lag"}  # whose parameters they take too


def test_every_shipped_strategy_has_a_section_and_every_section_a_strategy() -> None:
    assert set(SECTIONS) == set(STRATEGIES)


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_a_strategy_is_told_with_its_parameters_a_picture_and_when_not_to_use_it(name: str) -> None:
    params, section = find(name).params, SECTIONS[name]
    assert params is not None
    told = SHARED + section + SECTIONS.get(BESIDE.get(name, ""), "")
    assert [field for field in params.__struct_fields__ if f"`{field}`" not in told] == []
    assert f"(pictures/{name}.svg)" in section
    assert re.search(r"Do\s+not use (it|them) where", section.replace("\n", " "))


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_defaults_on_the_page_are_those_of_the_code(name: str) -> None:
    params = find(name).params
    assert params is not None
    defaults = dict(zip(reversed(params.__struct_fields__), reversed(params.__struct_defaults__), strict=False))
    checked = 0
    for row in re.findall(r"^\| (`[^|]*) \| [^|]* \| ([^|]*) \|", SECTIONS[name], re.MULTILINE):
        names = [word for word in re.findall(r"`(\w+)`", row[0]) if word in params.__struct_fields__]
        said = [part.strip() for part in row[1].split(",")]
        if said in (["none"], [""]) or not names:
            continue
        assert said == [_shortest(defaults[field]) for field in names], row
        checked += len(names)
    assert checked or name == "twap"


def _shortest(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
