"""Golden numbers: hftbacktest and the paper venue see the same book and trades, and fill the same order by the same amount.

One buy order rests at 100 behind others; depth and trades at that price follow, and at the end a trade so large that what it
fills of the order says, to the lot, how much stood before it.

Compared is as long as something stands before the order. Once nothing does, hftbacktest lets the size ahead become negative,
from where it may fill more than a trade held or, by the root of a negative number, jump to the back; ours stays at zero.
"""

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest

from state.events import Fill
from tests.adapters.paper.stage import INSTANT, MS, Stage, book, change, instrument, place, trade
from tests.later import Later

hft = Later("hftbacktest")

LOT = "0.000001"
PROBE = 1_000.0
Step = tuple[str, float]  # "depth": what others show at 100 now; "trade": what is sold there

MODELS: dict[str, tuple[str, float, Callable[[Any], Any]]] = {
    "risk averse": ("risk_averse", 1.0, lambda asset: asset.risk_adverse_queue_model()),
    "power, n 0.5": ("power", 0.5, lambda asset: asset.power_prob_queue_model(0.5)),
    "power, n 1": ("power", 1.0, lambda asset: asset.power_prob_queue_model(1.0)),
    "power, n 3": ("power", 3.0, lambda asset: asset.power_prob_queue_model(3.0)),
    "power 2, n 2": ("power2", 2.0, lambda asset: asset.power_prob_queue_model2(2.0)),
    "power 3, n 0.7": ("power3", 0.7, lambda asset: asset.power_prob_queue_model3(0.7)),
    "power 3, n 3": ("power3", 3.0, lambda asset: asset.power_prob_queue_model3(3.0)),
    "log": ("log", 1.0, lambda asset: asset.log_prob_queue_model()),
    "log 2": ("log2", 1.0, lambda asset: asset.log_prob_queue_model2()),
}


def flow(seed: int) -> list[Step]:
    """A level that breathes: others come, leave and trade; never empty, so that both sides speak of the same level."""
    rng = random.Random(seed)
    steps: list[Step] = []
    level = 5.0
    for _ in range(rng.randrange(3, 25)):
        kind = rng.random()
        if kind < 0.3:
            sold = round(rng.uniform(0.05, 0.4), 3)
            steps.append(("trade", sold))
            if rng.random() < 0.8:  # the book shows it next, as a rule with something else in the same update
                level = max(0.5, round(level - sold + rng.choice((0.0, 0.0, 1.2, -0.7)), 3))
                steps.append(("depth", level))
        else:
            level = max(0.5, round(level + rng.uniform(-2.0, 2.0), 3))
            steps.append(("depth", level))
    return steps


def theirs(steps: list[Step], model: Callable[[Any], Any]) -> float:
    """How much of the order hftbacktest fills."""
    rows = [_row(hft.DEPTH_EVENT | hft.BUY_EVENT, 1, 100.0, 5.0), _row(hft.DEPTH_EVENT | hft.SELL_EVENT, 1, 101.0, 5.0)]
    for number, (kind, size) in enumerate([*steps, ("trade", PROBE)]):
        event = hft.DEPTH_EVENT | hft.BUY_EVENT if kind == "depth" else hft.TRADE_EVENT | hft.SELL_EVENT
        rows.append(_row(event, 10 + number, 100.0, size))
    rows.append(_row(hft.DEPTH_EVENT | hft.SELL_EVENT, 10_000, 101.0, 6.0))
    events = np.array(rows, dtype=hft.event_dtype)  # kept: the backtest reads it where it lies
    asset = hft.BacktestAsset().data([events]).linear_asset(1.0).constant_order_latency(0, 0)
    asset = asset.partial_fill_exchange().trading_value_fee_model(0, 0).tick_size(1.0).lot_size(float(LOT))
    backtest = hft.HashMapMarketDepthBacktest([model(asset)])
    backtest.elapse(5 * MS)
    backtest.submit_buy_order(0, 1, 100.0, 10 * PROBE, hft.GTC, hft.LIMIT, False)
    backtest.elapse((10 + len(steps) + 1) * MS)
    filled = 10 * PROBE - float(backtest.orders(0).get(1).leaves_qty)
    backtest.close()
    assert len(events) == len(rows)
    return filled


def _row(event: int, at_ms: int, price: float, size: float) -> tuple[int, int, int, float, float, int, int, float]:
    return event | hft.EXCH_EVENT | hft.LOCAL_EVENT, at_ms * MS, at_ms * MS, price, size, 0, 0, 0.0


def ours(steps: list[Step], queue: str, power: float) -> float:
    """How much of the order the paper venue fills."""
    settings = msgspec.structs.replace(INSTANT, queue=queue, queue_power=power, balance=Decimal(10_000_000))
    stage = Stage(settings, instrument(lot=LOT))
    acts = [
        change(bids=[(100.0, size)]) if kind == "depth" else trade("sell", size, 100.0)
        for kind, size in [*steps, ("trade", PROBE)]
    ]
    opening = book(bids=[(100.0, 5.0)], asks=[(101.0, 5.0)])
    told = stage.play(opening, place("a", "buy", str(10 * PROBE), "100"), *acts)
    return float(sum((event.size for event in told if isinstance(event, Fill)), Decimal(0)))


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_the_same_events_leave_the_same_size_ahead(model: tuple[str, float, Callable[[Any], Any]]) -> None:
    queue, power, made = model
    compared = 0
    for seed in range(60):
        steps = flow(seed)
        filled = ours(steps, queue, power)
        if filled < PROBE - 2 * float(LOT):
            compared += 1
            assert filled == pytest.approx(theirs(steps, made), abs=1.5 * float(LOT)), seed
    assert compared >= 25


def test_the_models_do_not_all_say_the_same() -> None:
    """Else the golden numbers would prove nothing."""
    for seed in (3, 10, 11, 12):
        filled = {round(ours(flow(seed), queue, power), 5) for queue, power, _ in MODELS.values()}
        assert len(filled) >= 5
