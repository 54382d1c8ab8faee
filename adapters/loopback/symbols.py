"""What the loopback venues list: contract terms and the shape of each symbol's order flow."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Contract:
    """The terms of one linear perpetual; sizes in base coin."""

    symbol: str
    number: int
    base: str
    quote: str
    tick: Decimal
    lot: Decimal
    max_size: Decimal
    max_market_size: Decimal
    max_price: Decimal
    price_scale: int
    price_limit_ratio: Decimal
    launched_ms: int
    min_notional: Decimal = Decimal(5)
    max_leverage: Decimal = Decimal(100)
    funding_interval_min: int = 480
    funding_cap: Decimal = Decimal("0.005")
    start_price: Decimal = Decimal(1)
    typical_lots: float = 50.0
    """Median size of a maker's order, in lots."""
    swing_ticks: float = 2.0
    """Standard deviation of fair value per step of flow, in ticks."""


BTCUSDT = Contract(
    symbol="BTCUSDT", number=5, base="BTC", quote="USDT",
    tick=Decimal("0.10"), lot=Decimal("0.001"),
    max_size=Decimal("1500.000"), max_market_size=Decimal("150.000"), max_price=Decimal("1999999.80"),
    price_scale=2, price_limit_ratio=Decimal("0.01"), launched_ms=1_584_230_400_000,
    start_price=Decimal("65000.00"), typical_lots=120.0, swing_ticks=5.0,
)  # fmt: skip
ETHUSDT = Contract(
    symbol="ETHUSDT", number=6, base="ETH", quote="USDT",
    tick=Decimal("0.01"), lot=Decimal("0.01"),
    max_size=Decimal("10000.00"), max_market_size=Decimal("2000.00"), max_price=Decimal("199999.98"),
    price_scale=2, price_limit_ratio=Decimal("0.02"), launched_ms=1_615_766_400_000,
    start_price=Decimal("1922.00"), typical_lots=250.0, swing_ticks=2.0,
)  # fmt: skip
SOLUSDT = Contract(
    symbol="SOLUSDT", number=38, base="SOL", quote="USDT",
    tick=Decimal("0.010"), lot=Decimal("0.1"),
    max_size=Decimal("96000.0"), max_market_size=Decimal("12000.0"), max_price=Decimal("199999.980"),
    price_scale=3, price_limit_ratio=Decimal("0.05"), launched_ms=1_634_256_000_000,
    start_price=Decimal("77.310"), typical_lots=600.0, swing_ticks=0.4,
)  # fmt: skip

CONTRACTS: dict[str, Contract] = {contract.symbol: contract for contract in (BTCUSDT, ETHUSDT, SOLUSDT)}
"""The terms as Bybit published them on 2026-08-09 (instruments-info); start prices are of that day."""
