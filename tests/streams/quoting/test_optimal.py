"""Closed forms against the papers' numbers and against equations solved on a grid; what is learnt against what was drawn."""

import numpy as np
import pytest
from reactivex import Observable

from state.errors import WrongUse
from state.events import Decision
from streams import operators as op
from streams.feeds import Feeds
from streams.quoting import Intensity, arrival_intensity, avellaneda_stoikov, glft
from streams.quoting.intensity import fitted
from streams.quoting.optimal import fill_rate
from streams.testing import SYMBOL, VENUE, Session, book, trade

# Avellaneda, Stoikov (2008), section 3.3: s = 100, T = 1, sigma = 2, k = 1.5, A = 140; tables 1 and 2 give the mean spread.
PUBLISHED = {"gamma 0.1 (table 1)": (0.1, 1.49), "gamma 0.01 (table 2)": (0.01, 1.35)}


@pytest.mark.parametrize(("gamma", "spread"), PUBLISHED.values(), ids=PUBLISHED)
def test_the_mean_spread_over_a_day_is_the_papers(gamma: float, spread: float) -> None:
    spreads = [sum(avellaneda_stoikov(0, 2.0, gamma, 1.5, left)) for left in np.linspace(1, 0, 201)]
    assert np.mean(spreads) == pytest.approx(spread, abs=0.005)


def test_the_middle_of_both_quotes_is_the_reservation_price() -> None:
    bid, ask = avellaneda_stoikov(3.0, 2.0, 0.1, 1.5, 0.5)
    assert (ask - bid) / 2 == pytest.approx(-3 * 0.1 * 4 * 0.5)


def test_the_distance_without_risk_is_the_best_of_all() -> None:
    """With no inventory risk and little aversion, d maximizes d A exp(-k d): checked on a grid."""
    grid = np.linspace(0.01, 5, 100_000)
    best = grid[np.argmax(grid * np.exp(-1.5 * grid))]
    assert avellaneda_stoikov(0, 2.0, 1e-6, 1.5, 0.0).ask == pytest.approx(best, abs=1e-3)


def grid_quotes(sigma: float, gamma: float, a: float, k: float, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Theorem 2 of GLFT (2013): v' = M v far from the end, with M on the inventories -most … most."""
    inventories = np.arange(-most, most + 1)
    eta = a * (1 + gamma / k) ** -(1 + k / gamma)
    matrix = np.diag(k / 2 * gamma * sigma**2 * inventories**2.0)
    matrix -= eta * (np.diag(np.ones(2 * most), 1) + np.diag(np.ones(2 * most), -1))
    _, vectors = np.linalg.eigh(matrix)
    v = np.abs(vectors[:, 0])
    edge = np.log(1 + gamma / k) / gamma
    bids = np.log(v[:-1] / v[1:]) / k + edge  # for q = -most … most - 1
    asks = np.log(v[1:] / v[:-1]) / k + edge  # for q = -most + 1 … most
    return bids, asks


@pytest.mark.parametrize("inventory", [-5, -1, 0, 2, 6])
def test_the_closed_form_is_near_the_solution_on_a_grid(inventory: int) -> None:
    """The parameters of the paper's figures: sigma 0.3, A 0.9, k 0.3, gamma 0.01, at most 30."""
    sigma, gamma, a, k, most = 0.3, 0.01, 0.9, 0.3, 30
    bids, asks = grid_quotes(sigma, gamma, a, k, most)
    bid, ask = glft(inventory, sigma, gamma, a, k)
    assert bid == pytest.approx(bids[inventory + most], rel=0.02)
    assert ask == pytest.approx(asks[inventory + most - 1], rel=0.02)


def test_larger_orders_are_as_many_small_units_at_another_scale() -> None:
    """Counting in units of two: inventory halves, aversion doubles, and k and A are of the price alone."""
    one = glft(4.0, 0.5, 0.01, 0.9, 0.3, size=2.0)
    two = glft(2.0, 0.5, 0.02, 0.9, 0.3, size=1.0)
    assert one == pytest.approx(two)


def test_glft_moves_as_the_paper_says() -> None:
    base = glft(1, 0.3, 0.01, 0.9, 0.3)
    assert sum(glft(1, 0.6, 0.01, 0.9, 0.3)) > sum(base)  # more volatile, wider
    assert sum(glft(1, 0.3, 0.01, 1.8, 0.3)) < sum(base)  # more trades, tighter
    assert base.bid > base.ask  # long, so keen to sell


@pytest.mark.parametrize("wrong", [(-1.0, 0.1, 1.0), (1.0, 0.0, 1.0), (1.0, 0.1, 0.0), (float("nan"), 0.1, 1.0)])
def test_numbers_that_mean_nothing_are_refused(wrong: tuple[float, float, float]) -> None:
    volatility, aversion, k = wrong
    with pytest.raises(WrongUse):
        avellaneda_stoikov(0, volatility, aversion, k, 1.0)
    with pytest.raises(WrongUse):
        glft(0, volatility, aversion, 1.0, k)
    with pytest.raises(WrongUse):
        glft(0, 1.0, 0.1, 0.0, 1.0)


def test_the_estimate_is_where_the_likelihood_is_largest() -> None:
    depths = np.random.default_rng(2).exponential(1 / 0.4, 500)
    found = fitted(500, float(depths.sum()), 100.0)
    assert found is not None
    assert found.a_per_s == pytest.approx(2.5)
    grid = np.linspace(0.1, 1.0, 9001)
    likelihood = 500 * np.log(grid) - grid * depths.sum()
    assert found.k_per_bps == pytest.approx(grid[np.argmax(likelihood)], abs=1e-3)


def test_depths_in_ticks_are_geometric() -> None:
    steps = np.random.default_rng(3).geometric(1 - np.exp(-0.4 * 2), 50_000) - 1
    found = fitted(50_000, float(2 * steps.sum()), 1.0, step_bps=2.0)
    assert found is not None
    assert found.k_per_bps == pytest.approx(0.4, rel=0.02)


def test_nothing_tells_k_before_a_trade_went_deeper_than_the_nearest() -> None:
    assert fitted(10, 0.0, 1.0) is None
    assert fitted(0, 0.0, 1.0) is None


def learnt(depths: list[tuple[float, float, str]], **options: float) -> list[Intensity]:
    """What the operator says of trades at (seconds, depth in bps, side) around a mid of 100."""
    session = Session(begin=(book(99.9, 100.1),))
    said: list[Intensity] = []

    def watch(feeds: Feeds) -> Observable[Decision]:
        market = feeds.market(VENUE, SYMBOL)
        estimate = market.trades.pipe(op.with_latest(market.book.pipe(op.mid())), arrival_intensity(**options))
        return estimate.pipe(op.map(said.append), op.filter(lambda _: False))

    session.run(watch)
    session.feed(0, book(99.9, 100.1))
    for at, depth, side in depths:
        sign = 1 if side == "buy" else -1
        session.feed(at, trade(100 * (1 + sign * depth / 10_000), side=side))
    return said


def test_a_and_k_are_learnt_from_trades_as_they_come() -> None:
    random = np.random.default_rng(4)
    a, k, nearest = 6.0, 0.25, 2.0
    rate = 2 * fill_rate(nearest, a, k)
    times = np.cumsum(random.exponential(1 / rate, 6_000))
    depths = nearest + random.exponential(1 / k, 6_000)
    sides = random.choice(["buy", "sell"], 6_000)
    said = learnt(list(zip(times, depths, sides, strict=True)), half_life_s=300.0, nearest_bps=nearest)
    tail = np.array(said[2_000:])
    assert len(said) == 6_000 - 19
    assert tail[:, 0].mean() == pytest.approx(a, rel=0.05)
    assert tail[:, 1].mean() == pytest.approx(k, rel=0.05)


def test_it_follows_a_market_that_changes() -> None:
    early = [(i * 0.5, 2.0 + (i % 3), "buy") for i in range(400)]
    late = [(200 + i * 0.5, 20.0 + 10 * (i % 3), "sell") for i in range(800)]
    said = learnt(early + late, half_life_s=20.0)
    assert said[300].k_per_bps == pytest.approx(1 / 3, rel=0.05)
    assert said[-1].k_per_bps == pytest.approx(1 / 30, rel=0.05)


def test_one_order_through_many_levels_counts_once_with_its_deepest() -> None:
    swept = [(float(i), depth, "buy") for i in range(1, 11) for depth in (1.0, 3.0, 5.0)]
    alone = [(float(i), 5.0, "buy") for i in range(1, 11)]
    one, other = (learnt(trades, half_life_s=60.0, min_arrivals=5)[-1] for trades in (swept, alone))
    assert tuple(one) == pytest.approx(tuple(other))
