"""P4 by nautilus_trader: data client → data engine → strategy → risk engine → execution engine → execution client → signed
request handed to its HTTP client, which is put aside one call before the socket. On uvloop where it is there, as its node does.
"""

import asyncio
from time import perf_counter_ns
from typing import Any
from unittest.mock import MagicMock

import msgspec
from nautilus_trader.adapters.bybit.config import BybitExecClientConfig
from nautilus_trader.adapters.bybit.execution import BybitExecutionClient
from nautilus_trader.adapters.bybit.http.client import BybitHttpClient
from nautilus_trader.config import RiskEngineConfig, StrategyConfig
from nautilus_trader.data.engine import DataEngine
from nautilus_trader.execution.engine import ExecutionEngine
from nautilus_trader.model.enums import BookType, OrderSide
from nautilus_trader.model.objects import Quantity
from nautilus_trader.portfolio.portfolio import Portfolio
from nautilus_trader.risk.engine import RiskEngine
from nautilus_trader.trading.strategy import Strategy

from benchmarks.measure import WrongAnswer, frames, is_book, percentiles, tell
from benchmarks.rivals.nautilus_parts import IDS, LINEAR, PRECISION, TRADER, Parts, QuietClient

ORDERS = 6_000
WARM_UP = 0.1
LOOPS = 20  # turns of the event loop that an order may take
ANSWER = b'{"retCode":0,"retMsg":"OK","result":{"orderId":"1","orderLinkId":"2"},"retExtInfo":{},"time":1}'

sent: list[tuple[int, bytes, dict[str, Any]]] = []


class Unplugged(BybitHttpClient):
    """Signs as it always does, and notes what would be sent."""

    async def send_request(self, http_method: Any, url_path: str, payload: Any = None, signature: Any = None,
                           timestamp: Any = None, ratelimiter_keys: Any = None) -> bytes:  # fmt: skip
        body = msgspec.json.encode(payload)
        headers = {
            **self._headers,
            "X-BAPI-TIMESTAMP": timestamp,
            "X-BAPI-SIGN": signature,
            "X-BAPI-RECV-WINDOW": "5000",
        }
        sent.append((perf_counter_ns(), body, headers))
        return ANSWER


class Buyer(Strategy):
    """A post-only buy at the best bid after every change of the book."""

    sizes: dict[Any, Quantity]

    def on_order_book_deltas(self, deltas: Any) -> None:
        book, each = self.cache.order_book(deltas.instrument_id), deltas.instrument_id
        order = self.order_factory.limit(each, OrderSide.BUY, self.sizes[each], book.best_bid_price(), post_only=True)
        self.submit_order(order)


async def main() -> None:
    inputs = [frame for frame in frames() if is_book(frame)][:ORDERS]
    handle = await _wired()
    spans = []
    for frame in inputs:
        before = len(sent)
        start = perf_counter_ns()
        handle(LINEAR, frame)
        for _ in range(LOOPS):
            await asyncio.sleep(0)
            if len(sent) > before:
                break
        if len(sent) == before:
            raise WrongAnswer("no order came out")
        spans.append(sent[-1][0] - start)
        await asyncio.sleep(0)
    if b"PostOnly" not in sent[-1][1]:
        raise WrongAnswer(f"not a post-only order: {sent[-1]}")
    counted = spans[int(len(spans) * WARM_UP) :]
    tell("P4", "nautilus, order", len(counted), sum(counted) / 1e9, **percentiles(counted))


async def _wired() -> Any:
    parts, loop = Parts(), asyncio.get_running_loop()
    portfolio = Portfolio(parts.bus, parts.cache, parts.clock)
    data = DataEngine(parts.bus, parts.cache, parts.clock)
    execution = ExecutionEngine(parts.bus, parts.cache, parts.clock)
    risk = RiskEngine(portfolio, parts.bus, parts.cache, parts.clock, RiskEngineConfig(bypass=True))
    client = parts.data_client(QuietClient)
    orders = BybitExecutionClient(
        loop=loop, client=Unplugged(parts.clock, "k" * 18, "s" * 36, "https://x"), msgbus=parts.bus, cache=parts.cache,
        clock=parts.clock, instrument_provider=parts.provider, product_types=[LINEAR], base_url_ws_private="wss://x",
        base_url_ws_trade="wss://x", config=BybitExecClientConfig(api_key="k", api_secret="s"), name=None,
    )  # fmt: skip
    orders._ws_client = MagicMock()
    data.register_client(client)
    execution.register_client(orders)
    strategy = Buyer(StrategyConfig(strategy_id="S-1"))
    strategy.register(TRADER, portfolio, parts.bus, parts.cache, parts.clock)
    strategy.sizes = {IDS[symbol]: Quantity(1, sizes) for symbol, (_, sizes) in PRECISION.items()}
    for engine in (data, execution, risk):
        engine.start()
    strategy.start()
    for each in IDS.values():
        strategy.subscribe_order_book_deltas(each, BookType.L2_MBP, managed=True)
    await asyncio.sleep(0.05)
    return client._handle_ws_message


def _run() -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(main())
    else:
        uvloop.run(main())


if __name__ == "__main__":
    _run()
