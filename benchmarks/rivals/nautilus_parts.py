"""nautilus_trader's own components around the four linear markets: no server is asked, no socket opened."""

import asyncio
from decimal import Decimal
from typing import Any
from unittest.mock import MagicMock

from nautilus_trader.adapters.bybit.common.enums import BybitProductType
from nautilus_trader.adapters.bybit.config import BybitDataClientConfig
from nautilus_trader.adapters.bybit.data import BybitDataClient
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.common.providers import InstrumentProvider
from nautilus_trader.model.currencies import BTC, USDT
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TraderId
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.model.objects import Price, Quantity

LINEAR = BybitProductType.LINEAR
PRECISION = {"BTCUSDT": (2, 3), "ETHUSDT": (2, 2), "SOLUSDT": (3, 1), "DOGEUSDT": (5, 0)}
IDS = {symbol: InstrumentId.from_str(f"{symbol}-LINEAR.BYBIT") for symbol in PRECISION}
TRADER = TraderId("T-1")


class Parts:
    """Clock, bus and cache that know the instruments."""

    def __init__(self) -> None:
        self.clock = LiveClock()
        self.bus = MessageBus(TRADER, self.clock)
        self.cache = Cache()
        self.provider = InstrumentProvider()
        for symbol in IDS:
            self.cache.add_instrument(instrument(symbol))
            self.provider.add(instrument(symbol))

    def data_client(self, kind: type[BybitDataClient]) -> Any:
        """A data client of this kind, its HTTP and WebSocket clients put aside."""
        return kind(
            loop=asyncio.get_running_loop(), client=MagicMock(), msgbus=self.bus, cache=self.cache, clock=self.clock,
            instrument_provider=self.provider, product_types=[LINEAR], ws_base_urls={LINEAR: "wss://x"},
            config=BybitDataClientConfig(api_key="k", api_secret="s"), name=None,
        )  # fmt: skip


class QuietClient(BybitDataClient):
    """Subscribing sends nothing: the frames are handed over by us."""

    async def _subscribe_order_book_deltas(self, command: Any) -> None:
        pass

    async def _subscribe_trade_ticks(self, command: Any) -> None:
        pass

    async def _subscribe_quote_ticks(self, command: Any) -> None:
        pass


def instrument(symbol: str) -> CryptoPerpetual:
    prices, sizes = PRECISION[symbol]
    return CryptoPerpetual(
        instrument_id=IDS[symbol], raw_symbol=Symbol(symbol), base_currency=BTC, quote_currency=USDT,
        settlement_currency=USDT, is_inverse=False, price_precision=prices, size_precision=sizes,
        price_increment=Price(10**-prices, prices), size_increment=Quantity(10**-sizes, sizes), ts_event=0, ts_init=0,
        margin_init=Decimal("0.1"), margin_maint=Decimal("0.05"), maker_fee=Decimal("0.0002"), taker_fee=Decimal("0.0005"),
    )  # fmt: skip
