"""The pages of docs say what the code does."""

import doctest
import re
from pathlib import Path

import msgspec
import pytest

from streams import operators as op
from streams.lint import lint_source
from streams.risk import RiskLimits
from streams.strategies import Plain
from tests.streams import operator_page

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


def test_the_operator_of_ones_own_works() -> None:
    import reactivex

    names: dict[str, object] = {}
    header = (
        "from collections.abc import Callable\nfrom reactivex import abc\n"
        "from streams import operators as op\nfrom streams.operators import Operator\n"
    )
    exec(header + BLOCKS[1], names)
    heard: list[float] = []
    change = names["change"]
    assert callable(change)
    reactivex.of(1.0, 4.0, 2.0).pipe(change()).subscribe(heard.append)
    assert heard == [3.0, -2.0]


def test_the_page_of_operators_is_made_from_them() -> None:
    assert operator_page.PAGE.read_text() == operator_page.page(), "run python -m tests.streams.operator_page"


def test_every_operator_is_on_the_first_page_too() -> None:
    names = set(op.__all__) - operator_page.NOT_OPERATORS | {"map", "filter"}
    assert sorted(name for name in names if not re.search(rf"\b{name}\b", PAGE)) == []


def test_every_operator_has_a_drawing() -> None:
    drawn = sorted(set(op.__all__) - operator_page.NOT_OPERATORS)
    assert [name for name in drawn if "--" not in (getattr(op, name).__doc__ or "")] == []


UNCITED = {  # they are their own definition
    "clamp", "combine", "conflate", "mid", "ring", "throttle", "trusted", "utilisation", "when", "with_latest",
}  # fmt: skip


def test_every_operator_has_a_source_or_is_its_own_definition() -> None:
    ours = sorted(set(op.__all__) - operator_page.NOT_OPERATORS)
    assert {name for name in ours if not operator_page.source_of(getattr(op, name).__doc__ or "")} == UNCITED


@pytest.mark.parametrize("struct", [Plain, RiskLimits])
def test_every_parameter_is_on_the_page(struct: type[msgspec.Struct]) -> None:
    assert [name for name in struct.__struct_fields__ if f"`{name}`" not in PAGE] == []


def test_defaults_on_the_page_are_those_of_the_code() -> None:
    defaults = dict(zip(reversed(Plain.__struct_fields__), reversed(Plain.__struct_defaults__), strict=False))
    for row in re.findall(r"^\| (`[^|]*) \| [^|]* \| ([^|]*) \|", PAGE[PAGE.index("## plain") :], re.MULTILINE):
        names = re.findall(r"`(\w+)`", row[0])
        said = [part.strip() for part in row[1].split(",")]
        if said == ["none"] or said == [""]:
            continue
        assert [float(part) for part in said] == [float(defaults[name]) for name in names]
