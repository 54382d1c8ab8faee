"""The ladder: symmetric, spaced, leaning, and never beyond the room there is."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.errors import WrongUse
from streams.quoting import Quote, ladder


def test_a_flat_ladder_is_symmetric_and_inner_first() -> None:
    quotes = ladder(100.0, 10.0, size=1.0, levels=2, spacing_bps=5.0)
    assert [(quote.label, quote.side) for quote in quotes] == [
        ("b0", "buy"),
        ("a0", "sell"),
        ("b1", "buy"),
        ("a1", "sell"),
    ]
    assert [quote.price for quote in quotes] == pytest.approx([99.9, 100.1, 99.85, 100.15])
    assert {quote.size for quote in quotes} == {1.0}


def test_it_leans_against_the_position() -> None:
    flat = ladder(100.0, 5.0, 0.0, size=1.0)
    long = ladder(100.0, 5.0, 0.5, size=1.0, skew_bps=10.0)
    assert [quote.price for quote in long] == pytest.approx([quote.price * (1 - 5 / 1e4) for quote in flat])


@pytest.mark.parametrize("nothing", [{"levels": 0}, {"size": 0.0}, {"size": -1.0}, {"size": float("nan")}], ids=str)
def test_a_ladder_that_could_never_quote_is_refused(nothing: dict[str, float]) -> None:
    with pytest.raises(WrongUse, match="at least one level"):
        ladder(100.0, 5.0, **{"size": 1.0, **nothing})


@pytest.mark.parametrize(("lean", "sides"), [(1.0, {"sell"}), (1.5, {"sell"}), (-1.0, {"buy"}), (-9.0, {"buy"})])
def test_at_the_limit_the_adding_side_is_not_quoted(lean: float, sides: set[str]) -> None:
    for max_position in (None, 2.0):
        quotes = ladder(100.0, 5.0, lean, size=1.0, levels=3, spacing_bps=1.0, max_position=max_position)
        assert {quote.side for quote in quotes} == sides


def test_inner_levels_take_the_room_first() -> None:
    quotes = ladder(100.0, 5.0, 0.5, size=1.0, levels=3, spacing_bps=1.0, max_position=3.0)
    assert [(quote.label, quote.size) for quote in quotes if quote.side == "buy"] == [("b0", 1.0), ("b1", 0.5)]
    assert [(quote.label, quote.size) for quote in quotes if quote.side == "sell"] == [
        ("a0", 1.0),
        ("a1", 1.0),
        ("a2", 1.0),
    ]


def test_the_room_has_no_residue_of_subtraction() -> None:
    sizes = [quote.size for quote in ladder(1.0, 5.0, 0.7, size=1.0, max_position=1.0) if quote.side == "buy"]
    assert sizes == [0.3]  # not 0.30000000000000004, which a lot would round to less elsewhere


def filled(quotes: Sequence[Quote], side: str) -> float:
    return sum(quote.size for quote in quotes if quote.side == side)


@given(
    st.floats(0.01, 1e6),
    st.floats(0.1, 500),
    st.floats(-2, 2),
    st.floats(1e-3, 10),
    st.integers(1, 8),
    st.floats(0.1, 100),
    st.floats(0, 50),
    st.floats(1e-3, 50),
)
def test_a_side_that_fills_whole_ends_at_the_limit_and_no_quote_crosses(
    fair: float, half: float, lean: float, size: float, levels: int, spacing: float, skew: float, limit: float
) -> None:
    quotes = ladder(fair, half, lean, size=size, levels=levels, spacing_bps=spacing, skew_bps=skew, max_position=limit)
    held = lean * limit
    assert held + filled(quotes, "buy") <= max(limit, held) * (1 + 1e-9)
    assert held - filled(quotes, "sell") >= min(-limit, held) * (1 + 1e-9)
    bids = [quote.price for quote in quotes if quote.side == "buy"]
    asks = [quote.price for quote in quotes if quote.side == "sell"]
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    if bids and asks:
        assert bids[0] < asks[0]
    assert len({quote.label for quote in quotes}) == len(quotes)
