"""Strategies by name, by module and by file; wrong configuration in one clear line."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
import reactivex
from reactivex import Observable

from state.errors import ConfigurationError
from state.events import Decision, PlaceOrder
from streams.feeds import Feeds
from streams.strategies import STRATEGIES, build
from streams.strategy import run_strategies
from streams.testing import SYMBOL, VENUE, Session

PLAIN = {"venue": VENUE, "symbol": SYMBOL, "size": "0.1", "max_position": 0.5}


class Once(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of the strategies below."""

    size: Decimal


def once(feeds: Feeds, p: Once) -> Observable[Decision]:
    return reactivex.just(PlaceOrder(VENUE, SYMBOL, "buy", p.size, Decimal(90)))


def bare(feeds: Feeds) -> Observable[Decision]:
    return reactivex.just(PlaceOrder(VENUE, SYMBOL, "buy", Decimal(1), Decimal(90)))


def unannotated(feeds, p):
    return reactivex.never()


def three(feeds: Feeds, p: Once, q: Once) -> Observable[Decision]:
    return reactivex.never()


def placed(kind: str, fields: dict[str, object], name: str = "") -> PlaceOrder:
    session = Session()
    run_strategies(session.pipeline, [build(kind, fields, name)])
    session.tick(1)
    (intent,) = session.of(PlaceOrder)
    return intent


def test_plain_is_known_by_name() -> None:
    assert "plain" in STRATEGIES
    assert build("plain", PLAIN).name == "plain"
    assert build("plain", PLAIN, "btc").name == "btc"


def test_numbers_of_a_file_become_money_exactly() -> None:
    assert placed(f"{__name__}:once", {"size": 0.3}).size == Decimal("0.3")
    assert placed(f"{__name__}:once", {"size": "0.3"}).size == Decimal("0.3")
    assert placed(f"{__name__}:once", {"size": 3}).size == Decimal(3)


def test_ones_own_by_module_and_function() -> None:
    assert placed(f"{__name__}:bare", {}).strategy == f"{__name__}:bare"
    assert placed(f"{__name__}:once", {"size": "2"}, "mine").strategy == "mine"


def test_ones_own_by_file(tmp_path: Path) -> None:
    source = Path(__file__).read_text()
    path = tmp_path / "mine.py"
    path.write_text(source)
    assert placed(f"{path}:once", {"size": "2"}, "mine").size == 2


WRONG: dict[str, tuple[str, dict[str, object], str]] = {
    "an unknown name": ("plane", {}, "unknown strategy 'plane'; known: .*plain"),
    "an unknown module": ("no.such.module:f", {}, "could not be imported"),
    "an unknown file": ("nowhere/mine.py:f", {}, "no file|could not be imported"),
    "an unknown function": (f"{__name__}:nothing", {}, "has no function nothing"),
    "something that is no function": (f"{__name__}:PLAIN", {}, "has no function PLAIN"),
    "an unknown parameter": ("plain", PLAIN | {"levles": 3}, "has no parameter levles; it has venue, symbol"),
    "an unknown limit": ("plain", PLAIN | {"risk": {"max_pos": 3}}, "max_pos"),
    "a missing parameter": ("plain", {"venue": VENUE}, "symbol|size"),
    "a word for a number": ("plain", PLAIN | {"levels": "three"}, "levels"),
    "a word for money": ("plain", PLAIN | {"size": "much"}, "size"),
    "a fraction for a count": ("plain", PLAIN | {"levels": 2.5}, "levels"),
    "a limit of nothing": ("plain", PLAIN | {"risk": {"max_position": 0}}, "max_position"),
    "parameters for one that takes none": (f"{__name__}:bare", {"size": 1}, "takes no parameters, got size"),
    "parameters without a type": (f"{__name__}:unannotated", {"size": 1}, "annotate p"),
    "too many arguments": (f"{__name__}:three", {"size": 1}, "must take"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "fields", "says"), WRONG.values(), ids=WRONG)
def test_wrong_configuration_is_told_in_one_line(kind: str, fields: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as caught:
        build(kind, fields)
    assert "\n" not in str(caught.value)
