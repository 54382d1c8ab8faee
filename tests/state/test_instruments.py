"""Where a float becomes money: always on the grid, never more aggressive, and only once."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.errors import OffGrid
from state.events import InstrumentDefined
from state.instruments import SNAPPED_KEPT, Instrument, exact, snap
from state.words import Side

D = Decimal


def instrument(
    tick: str = "0.1",
    lot: str = "0.001",
    *,
    sig_figs: int | None = None,
    max_size: str | None = "100",
    inverse: bool = False,
) -> Instrument:
    return Instrument.defined(
        InstrumentDefined(
            "venue",
            "BTCUSDT",
            None,
            "BTC",
            "USDT",
            "USDT",
            "perpetual",
            D(tick),
            D(lot),
            min_size=D(lot),
            min_notional=D("5"),
            max_size=None if max_size is None else D(max_size),
            sig_figs=sig_figs,
            inverse=inverse,
        )
    )


def test_three_tenths_are_three_ticks() -> None:
    """The predecessor's price_to_ticks(0.3, 0.1) was floor(2.999…) = 2: a float had touched a price."""
    rules = instrument("0.1")
    assert rules.price("buy", 0.3) == rules.price("sell", 0.3) == D("0.3")
    assert rules.price("buy", 0.3) / rules.tick == 3
    assert rules.size(0.1 * 3) == D("0.300")


@pytest.mark.parametrize(
    ("tick", "side", "asked", "sent"),
    [
        ("0.1", "buy", 100.19, "100.1"),
        ("0.1", "sell", 100.11, "100.2"),
        ("0.1", "buy", 100.1, "100.1"),
        ("0.1", "sell", 100.1, "100.1"),
        ("0.5", "buy", 1.4999, "1.0"),
        ("0.5", "sell", 1.0001, "1.5"),
        ("0.00000001", "buy", 1.23456789123e-05, "0.00001234"),
        ("10", "sell", 99991.0, "100000"),
        ("0.25", "sell", Decimal("3.26"), "3.50"),
    ],
)
def test_bids_go_down_and_asks_go_up(tick: str, side: Side, asked: float | Decimal, sent: str) -> None:
    assert str(instrument(tick).price(side, asked)) == sent


TICKS = st.sampled_from(["0.00000001", "0.0001", "0.1", "0.25", "0.5", "1", "10"])
SIDES: st.SearchStrategy[Side] = st.sampled_from(["buy", "sell"])
ASKED = st.floats(1e-8, 1e7, allow_nan=False)


@given(TICKS, SIDES, ASKED, st.sampled_from([None, 5]))
def test_a_snapped_price_is_on_the_grid_less_aggressive_near_and_stays(
    tick: str, side: Side, asked: float, sig_figs: int | None
) -> None:
    rules = instrument(tick, sig_figs=sig_figs)
    price = rules.price(side, asked)
    assert price % rules.tick == 0
    assert price <= exact(asked) if side == "buy" else price >= exact(asked)
    step = max(rules.tick, exact(asked) / 10_000) if sig_figs else rules.tick
    assert abs(price - exact(asked)) < step
    assert rules.price(side, price) == price
    if sig_figs and price != price.to_integral_value():
        assert len(price.normalize().as_tuple().digits) <= sig_figs


@given(st.sampled_from(["0.00001", "0.001", "1", "5"]), st.floats(0, 1e6, allow_nan=False))
def test_a_snapped_size_is_a_multiple_of_the_lot_and_never_more_than_asked(lot: str, asked: float) -> None:
    rules = instrument(lot=lot)
    size = rules.size(asked)
    assert size % rules.lot == 0
    assert 0 <= exact(asked) - size < rules.lot
    assert rules.size(size) == size


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_exact_is_what_the_text_of_a_float_says(number: float) -> None:
    assert float(exact(number)) == number
    assert exact(number) == D(repr(number))


def test_snapping_is_exact_where_a_division_would_round() -> None:
    almost_three = D("2." + "9" * 32)
    assert almost_three / D("0.1") == 30
    assert snap(almost_three, D("0.1"), up=False) == D("2.9")


@pytest.mark.parametrize(
    ("asked", "side", "sent"),
    [
        (1234.56, "buy", "1234.5"),
        (1234.51, "sell", "1234.6"),
        (123456.7, "buy", "123456"),
        (0.00123456, "buy", "0.0012345"),
    ],
)
def test_five_significant_figures_but_integers_always(asked: float, side: Side, sent: str) -> None:
    assert instrument("0.0000001", sig_figs=5).price(side, asked) == D(sent)


@pytest.mark.parametrize(
    ("price", "size", "complaint"),
    [
        ("100", "0", "not positive: below one lot of"),
        ("100", "-1", "not positive"),
        ("100", "NaN", "not positive"),
        ("100", "Infinity", "not positive"),
        ("100", "0.0015", "multiple of the lot"),
        ("100", "101", "above the maximum"),
        ("0", "1", "not positive"),
        ("NaN", "1", "not positive"),
        ("100.05", "1", "multiple of the tick"),
        ("1", "4.999", "below the minimum"),
    ],
)
def test_money_off_the_grid_is_refused_with_its_reason(price: str, size: str, complaint: str) -> None:
    with pytest.raises(OffGrid, match=complaint):
        instrument().check(D(price), D(size))


def test_a_price_asked_for_again_is_the_same_and_few_are_kept() -> None:
    rules, fresh = instrument(), instrument()
    prices = [price / 100 for price in range(3 * SNAPPED_KEPT)]
    sides: tuple[Side, ...] = ("buy", "sell")
    for side in sides:
        assert [rules.price(side, price) for price in [*prices, *prices]] == [
            snap(exact(price), fresh.tick, up=side == "sell") for price in [*prices, *prices]
        ]
    assert str(rules.price("buy", 0.0)) == "0.0"
    assert str(rules.price("buy", -0.0)) == "-0.0"
    assert rules == fresh


def test_money_on_the_grid_passes() -> None:
    rules = instrument()
    rules.check(D("100.1"), D("0.05"))
    rules.check(None, D("0.001"))
    rules.check(D("1"), D("0.001"), reduce_only=True)


def test_below_the_minimum_size_is_refused_unless_it_reduces() -> None:
    rules = Instrument("v", "s", "B", "Q", "Q", "spot", D("0.1"), D("0.001"), D("0.01"), D("0"))
    with pytest.raises(OffGrid, match=r"below the minimum 0\.01"):
        rules.check(D("1"), D("0.005"))
    rules.check(D("1"), D("0.005"), reduce_only=True)


@pytest.mark.parametrize(("tick", "lot"), [("0", "1"), ("0.1", "0"), ("-0.1", "1")])
def test_a_grid_that_is_not_positive_is_refused_when_it_is_defined(tick: str, lot: str) -> None:
    with pytest.raises(OffGrid, match="must be positive"):
        instrument(tick, lot)


def test_an_inverse_contract_is_worth_its_contract_size_at_any_price() -> None:
    assert instrument(inverse=True).notional(D("50000"), D("100")) == D("100")
    hundreds = replace(instrument(inverse=True), contract_size=D("100"), min_notional=D("1000"))
    assert hundreds.notional(D("50000"), D("3")) == hundreds.notional(D("1"), D("3")) == D("300")
    with pytest.raises(OffGrid, match="notional 900 is below the minimum 1000"):
        hundreds.check(D("50000"), D("9"))
    hundreds.check(D("50000"), D("10"))
    assert instrument().notional(D("50000"), D("0.1")) == D("5000")
