"""Limits are checked when they are written, and against what they are to hold."""

from decimal import Decimal

import msgspec
import pytest

from state.errors import ConfigurationError
from state.instruments import Instrument
from streams.risk import RiskLimits, check_feasible
from streams.strategies import Plain
from streams.testing import SYMBOL, VENUE, instrument

D = Decimal


@pytest.mark.parametrize("name", RiskLimits.__struct_fields__)
@pytest.mark.parametrize("value", [0, -1], ids=["zero", "negative"])
def test_a_limit_must_be_above_zero(name: str, value: int) -> None:
    with pytest.raises(ConfigurationError, match=name):
        RiskLimits(**{name: value})
    with pytest.raises(ConfigurationError, match=name):
        msgspec.convert({name: value}, RiskLimits)


def test_an_endless_limit_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="finite"):
        RiskLimits(price_collar_bps=float("nan"))
    with pytest.raises(ConfigurationError, match="finite"):
        RiskLimits(max_position=D("Infinity"))


def plain(**fields: object) -> Plain:
    return Plain(venue=VENUE, symbol=SYMBOL, **({"size": D(1), "max_position": D(10)} | fields))


INFEASIBLE = {
    "the order size beyond its limit": ({}, {"max_order_size": D("0.5")}, "max_order_size"),
    "one order beyond the position limit": ({}, {"max_position": D("0.5")}, "max_position"),
    "more quotes than orders allowed": ({"levels": 6}, {"max_open_orders": 10}, "max_open_orders"),
    "the furthest level beyond the collar": (
        {"levels": 3, "level_spacing_bps": 50.0}, {"price_collar_bps": 100.0}, "price_collar_bps",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "limits", "names"), INFEASIBLE.values(), ids=INFEASIBLE)
def test_quotes_that_could_never_leave_are_refused_at_load(fields: dict, limits: dict, names: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{names}.*could never quote"):
        plain(**fields, risk=RiskLimits(**limits))


def test_limits_that_hold_exactly_are_fine() -> None:
    limits = RiskLimits(max_order_size=D(1), max_position=D(1), max_open_orders=6, price_collar_bps=6.0)
    check_feasible(plain(max_position=D(1)), limits, Instrument.defined(instrument()))


BY_THE_VENUE = {
    "an order below the lot": ({"size": D("0.0001")}, {}, {}, "below|not positive"),
    "an order below the venue's minimum": ({}, {}, {"min_size": D(5)}, "minimum"),
    "an order above the venue's maximum": ({}, {}, {"max_size": D("0.5")}, "maximum"),
    "a notional limit below the venue's minimum": ({}, {"max_order_notional": D(1)}, {}, "max_order_notional"),
    "a position limit below the least order": (
        {"size": D("0.01")}, {"max_position": D("0.02")}, {"min_size": D("0.05")}, "max_position",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "limits", "rules", "names"), BY_THE_VENUE.values(), ids=BY_THE_VENUE)
def test_quotes_that_the_venue_would_never_take_are_refused(
    fields: dict, limits: dict, rules: dict, names: str
) -> None:
    with pytest.raises(ConfigurationError, match=names):
        check_feasible(plain(**fields), RiskLimits(**limits), Instrument.defined(instrument(**rules)))
