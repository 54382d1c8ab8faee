"""P7 by nautilus_trader: its backtest engine over the same made-up market, with the same latencies and fees.

`python -m benchmarks.rivals.nautilus_simulate quotes|deltas`; its queue model is left off, which is in its favour.
"""

import sys
from decimal import Decimal
from typing import Any

from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.backtest.models import LatencyModel
from nautilus_trader.config import LoggingConfig, RiskEngineConfig, StrategyConfig
from nautilus_trader.model.currencies import BTC, USDT
from nautilus_trader.model.data import BookOrder, OrderBookDelta, OrderBookDeltas, QuoteTick
from nautilus_trader.model.enums import AccountType, BookAction, BookType, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

from benchmarks.made_market import EVERY, LATENCY_NS, MAKER, OFFSET, SIZE, TAKER, batches, count, quotes
from benchmarks.measure import WrongAnswer, tell, timed

MARKET = InstrumentId.from_str("BTCUSDT-LINEAR.BYBIT")
SIDES = (OrderSide.BUY, OrderSide.SELL)
F_LAST = 128
NAMES = {"quotes": "nautilus BacktestEngine, quotes", "deltas": "nautilus BacktestEngine, deltas"}


class Quoter(Strategy):
    """Reads the touch at every event; every hundredth time it cancels its two quotes and places two."""

    kind = ""

    def on_start(self) -> None:
        self.calls = self.placed = self.fills = 0
        self.open: list[Any] = []
        self.size = Quantity(SIZE, 3)
        if self.kind == "quotes":
            self.subscribe_quote_ticks(MARKET)
        else:
            self.subscribe_order_book_deltas(MARKET, BookType.L2_MBP, managed=True)

    def on_quote_tick(self, tick: Any) -> None:
        self.heard(tick.bid_price, tick.ask_price)

    def on_order_book_deltas(self, _: Any) -> None:
        book = self.cache.order_book(MARKET)
        self.heard(book.best_bid_price(), book.best_ask_price())

    def heard(self, bid: Any, ask: Any) -> None:
        self.calls += 1
        if self.calls % EVERY:
            return
        mid = (float(bid) + float(ask)) / 2
        for order in self.open:
            if order.is_open:
                self.cancel_order(order)
        offset = OFFSET[self.kind]
        limit = self.order_factory.limit
        self.open = [
            limit(MARKET, OrderSide.BUY, self.size, Price(mid - offset, 1), post_only=True),
            limit(MARKET, OrderSide.SELL, self.size, Price(mid + offset, 1), post_only=True),
        ]
        for order in self.open:
            self.submit_order(order)
        self.placed += 2

    def on_order_filled(self, _: Any) -> None:
        self.fills += 1


def instrument() -> CryptoPerpetual:
    return CryptoPerpetual(
        instrument_id=MARKET, raw_symbol=Symbol("BTCUSDT"), base_currency=BTC, quote_currency=USDT, settlement_currency=USDT,
        is_inverse=False, price_precision=1, size_precision=3, price_increment=Price(0.1, 1),
        size_increment=Quantity(0.001, 3), ts_event=0, ts_init=0, margin_init=Decimal("0.1"), margin_maint=Decimal("0.05"),
        maker_fee=Decimal(str(MAKER)), taker_fee=Decimal(str(TAKER)),
    )  # fmt: skip


def quote_ticks() -> tuple[list[Any], int]:
    ticks = [
        QuoteTick(MARKET, Price(bid, 1), Price(ask, 1), Quantity(bid_size, 3), Quantity(ask_size, 3), ts, ts)
        for ts, bid, bid_size, ask, ask_size in quotes(count())
    ]
    return ticks, len(ticks)


def deltas() -> tuple[list[Any], int]:
    made: list[Any] = []
    units = 0
    for ts, is_snapshot, changes in batches(count()):
        group = [OrderBookDelta.clear(MARKET, 0, ts, ts)] if is_snapshot else []
        for index, (side, price, size) in enumerate(changes):
            action = BookAction.UPDATE if size else BookAction.DELETE
            order = BookOrder(SIDES[side], Price(price, 1), Quantity(size, 3), 0)
            group.append(OrderBookDelta(MARKET, action, order, F_LAST if index == len(changes) - 1 else 0, 0, ts, ts))
        units += len(changes)
        made.append(OrderBookDeltas(MARKET, group))
    return made, units


def main(kind: str) -> None:
    quiet = BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), risk_engine=RiskEngineConfig(bypass=True))
    engine = BacktestEngine(quiet)
    engine.add_venue(
        Venue("BYBIT"), OmsType.NETTING, AccountType.MARGIN, starting_balances=[Money(10_000_000, USDT)], base_currency=USDT,
        book_type=BookType.L1_MBP if kind == "quotes" else BookType.L2_MBP,
        latency_model=LatencyModel(base_latency_nanos=LATENCY_NS),
    )  # fmt: skip
    engine.add_instrument(instrument())
    made, units = quote_ticks() if kind == "quotes" else deltas()
    engine.add_data(made)
    quoter = Quoter(StrategyConfig(strategy_id="S-1"))
    quoter.kind = kind
    engine.add_strategy(quoter)
    seconds = timed(engine.run)
    if quoter.calls < 0.99 * len(made) or not quoter.fills:
        raise WrongAnswer(f"{quoter.calls} of {len(made)} events, {quoter.fills} fills")
    tell("P7", NAMES[kind], units, seconds, orders=quoter.placed, fills=quoter.fills)


if __name__ == "__main__":
    main(sys.argv[1])
