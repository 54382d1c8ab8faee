"""P6 by nautilus_trader: the same book frames in its Parquet catalog, read back through its backtest engine into a Python
strategy that reads the touch. Writing the catalog is not counted; trades are left out, which is in its favour.
"""

import json
import shutil
import tempfile
from typing import Any

from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig, RiskEngineConfig, StrategyConfig
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import BookOrder, OrderBookDelta, OrderBookDeltas
from nautilus_trader.model.enums import AccountType, BookAction, BookType, OmsType, OrderSide
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.persistence.catalog import ParquetDataCatalog
from nautilus_trader.trading.strategy import Strategy

from benchmarks.measure import SCRATCH, WrongAnswer, frames, is_book, tell, timed
from benchmarks.rivals.nautilus_parts import IDS, PRECISION, instrument

F_LAST = 128
FRAME_NS = 3_000_000
START_NS = 1_786_310_819_869_000_000
SIDES = (OrderSide.BUY, OrderSide.SELL)


class Reader(Strategy):
    """Reads the touch after every frame."""

    reads = 0

    def on_start(self) -> None:
        for each in IDS.values():
            self.subscribe_order_book_deltas(each, BookType.L2_MBP, managed=True)

    def on_order_book_deltas(self, deltas: Any) -> None:
        book = self.cache.order_book(deltas.instrument_id)
        book.best_bid_price(), book.best_ask_price()
        self.reads += 1


def deltas_of(frame: bytes, ts: int) -> list[OrderBookDelta]:
    message = json.loads(frame)
    said = message["data"]
    symbol = said["s"]
    each, (prices, sizes) = IDS[symbol], PRECISION[symbol]
    deltas = [OrderBookDelta.clear(each, 0, ts, ts)] if message["type"] == "snapshot" else []
    rows = [(side, price, size) for side, key in ((0, "b"), (1, "a")) for price, size in said[key]]
    for index, (side, price, size) in enumerate(rows):
        action = BookAction.UPDATE if float(size) else BookAction.DELETE
        order = BookOrder(SIDES[side], Price(float(price), prices), Quantity(float(size), sizes), 0)
        deltas.append(OrderBookDelta(each, action, order, F_LAST if index == len(rows) - 1 else 0, 0, ts, ts))
    return deltas


def main() -> None:
    inputs = [frame for frame in frames() if is_book(frame)]
    folder = tempfile.mkdtemp(prefix="catalog_", dir=SCRATCH)
    try:
        measure(inputs, ParquetDataCatalog(folder))
    finally:
        shutil.rmtree(folder)


def measure(inputs: list[bytes], catalog: ParquetDataCatalog) -> None:
    by_instrument: dict[Any, list[OrderBookDelta]] = {}
    for index, frame in enumerate(inputs):
        for delta in deltas_of(frame, START_NS + index * FRAME_NS):
            by_instrument.setdefault(delta.instrument_id, []).append(delta)
    for known in IDS.values():
        catalog.write_data([instrument(str(known.symbol).split("-")[0])])
        if known in by_instrument:
            catalog.write_data(by_instrument[known])
    present = list(by_instrument)
    del by_instrument
    strategies: list[Reader] = []

    def run() -> None:
        quiet = BacktestEngineConfig(
            logging=LoggingConfig(bypass_logging=True), risk_engine=RiskEngineConfig(bypass=True)
        )
        engine = BacktestEngine(quiet)
        money = [Money(10_000_000, USDT)]
        engine.add_venue(
            Venue("BYBIT"), OmsType.NETTING, AccountType.MARGIN, starting_balances=money, base_currency=USDT,
            book_type=BookType.L2_MBP,
        )  # fmt: skip
        for symbol in IDS:
            engine.add_instrument(instrument(symbol))
        for known in present:
            got = catalog.query(OrderBookDelta, identifiers=[str(known)])
            engine.add_data(OrderBookDeltas.batch(got), validate=False)
        strategies.append(Reader(StrategyConfig(strategy_id="S-1")))
        engine.add_strategy(strategies[0])
        engine.run()

    seconds = timed(run)
    if strategies[0].reads < 0.99 * len(inputs):
        raise WrongAnswer(f"the strategy saw {strategies[0].reads} of {len(inputs)} frames")
    tell("P6", "nautilus catalog replay", len(inputs), seconds)


if __name__ == "__main__":
    main()
