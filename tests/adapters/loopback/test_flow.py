"""The seeded order flow: reproducible, deep, never crossed, and lively."""

from __future__ import annotations

import pytest

from adapters.loopback.floor import Floor
from adapters.loopback.flow import Flow
from adapters.loopback.orders import Side
from adapters.loopback.symbols import CONTRACTS

STEPS = 1_500


def run(symbol: str, seed: int) -> tuple[Floor, Flow]:
    floor = Floor([CONTRACTS[symbol]], [], seed)
    flow = Flow(floor, symbol, seed)
    flow.open(0)
    for number in range(STEPS):
        flow.step(number)
    return floor, flow


def picture(floor: Floor, symbol: str) -> object:
    market = floor.markets[symbol]
    return (
        list(market.engine.depth(Side.BUY)),
        list(market.engine.depth(Side.SELL)),
        list(market.trades),
        market.engine.seq,
    )


def test_the_same_seed_and_steps_give_the_same_market_to_the_last_trade_id() -> None:
    assert picture(run("BTCUSDT", 4)[0], "BTCUSDT") == picture(run("BTCUSDT", 4)[0], "BTCUSDT")
    assert picture(run("BTCUSDT", 4)[0], "BTCUSDT") != picture(run("BTCUSDT", 5)[0], "BTCUSDT")


@pytest.mark.parametrize("symbol", CONTRACTS)
def test_the_book_stays_deep_and_on_the_grid_and_is_never_crossed(symbol) -> None:
    floor = Floor([CONTRACTS[symbol]], [], 9)
    flow, engine, contract = Flow(floor, symbol, 9), floor.markets[symbol].engine, CONTRACTS[symbol]
    flow.open(0)
    for number in range(STEPS):
        flow.step(number)
        bid, ask = engine.best(Side.BUY), engine.best(Side.SELL)
        assert bid is not None
        assert ask is not None
        assert bid[0] < ask[0]
        assert min(engine.levels(Side.BUY), engine.levels(Side.SELL)) >= 50
    for side in Side:
        assert all(p % contract.tick == 0 and s % contract.lot == 0 for p, s in engine.depth(side))
    trades = floor.markets[symbol].trades
    assert {trade.side for trade in trades} == set(Side)
    assert len(trades) > STEPS // 20


def test_moods_change_and_bursts_liquidate() -> None:
    floor = Floor([CONTRACTS["SOLUSDT"]], [], 2)
    flow, moods, forced = Flow(floor, "SOLUSDT", 2), set(), []
    floor.listeners.append(lambda change: forced.extend(change.liquidations))
    flow.open(0)
    for number in range(20_000):
        flow.step(number)
        moods.add(flow.mood)
    assert moods == {"calm", "rising", "falling", "burst"}
    assert forced
