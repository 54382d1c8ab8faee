"""What the venue lists: its perpetuals, on ticks that keep five significant figures, and the universe that numbers them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from adapters.loopback.ledger import Account
from adapters.loopback.symbols import Contract

MOST_DECIMALS = 6
SIGNIFICANT_FIGURES = 5

BTC = Contract(
    symbol="BTC", number=0, base="BTC", quote="USDC",
    tick=Decimal(1), lot=Decimal("0.00001"),
    max_size=Decimal(1000), max_market_size=Decimal(100), max_price=Decimal(10_000_000),
    price_scale=1, price_limit_ratio=Decimal("0.8"), launched_ms=1_683_849_600_000,
    min_notional=Decimal(10), max_leverage=Decimal(40), funding_interval_min=60, funding_cap=Decimal("0.04"),
    start_price=Decimal(65_000), typical_lots=12_000.0, swing_ticks=0.6,
)  # fmt: skip
ETH = Contract(
    symbol="ETH", number=1, base="ETH", quote="USDC",
    tick=Decimal("0.1"), lot=Decimal("0.0001"),
    max_size=Decimal(20_000), max_market_size=Decimal(2_000), max_price=Decimal(1_000_000),
    price_scale=2, price_limit_ratio=Decimal("0.8"), launched_ms=1_683_849_600_000,
    min_notional=Decimal(10), max_leverage=Decimal(25), funding_interval_min=60, funding_cap=Decimal("0.04"),
    start_price=Decimal(1_922), typical_lots=25_000.0, swing_ticks=0.4,
)  # fmt: skip
SOL = Contract(
    symbol="SOL", number=5, base="SOL", quote="USDC",
    tick=Decimal("0.01"), lot=Decimal("0.01"),
    max_size=Decimal(200_000), max_market_size=Decimal(20_000), max_price=Decimal(100_000),
    price_scale=3, price_limit_ratio=Decimal("0.8"), launched_ms=1_683_849_600_000,
    min_notional=Decimal(10), max_leverage=Decimal(20), funding_interval_min=60, funding_cap=Decimal("0.04"),
    start_price=Decimal(77), typical_lots=6_000.0, swing_ticks=0.3,
)  # fmt: skip

CONTRACTS: dict[str, Contract] = {contract.symbol: contract for contract in (BTC, ETH, SOL)}

CUSTOMER = Account(
    "0x14791697260e4c9a71f18484c9f997b308e59325", "0x0123456789012345678901234567890123456789012345678901234567890123"
)
"""The wallet of the official SDK's tests: it opens nothing but a market that is made up."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A row of the universe; its place there is the number that orders name it by."""

    name: str
    size_decimals: int
    max_leverage: int
    margin_table: int


UNIVERSE = (
    Asset("BTC", 5, 40, 56),
    Asset("ETH", 4, 25, 55),
    Asset("ATOM", 2, 5, 5),
    Asset("MATIC", 1, 20, 20),
    Asset("DYDX", 1, 5, 5),
    Asset("SOL", 2, 20, 54),
)
"""The first six of the venue's own; those that are not traded here are said to be delisted."""


def price_fits(price: Decimal, size_decimals: int) -> bool:
    """Is it a whole number, or of five significant figures and no more decimals than the size leaves of six?"""
    figures = price.normalize().as_tuple()
    decimals = max(0, -int(figures.exponent))
    return decimals == 0 or (len(figures.digits) <= SIGNIFICANT_FIGURES and decimals <= MOST_DECIMALS - size_decimals)


def size_fits(size: Decimal, size_decimals: int) -> bool:
    return max(0, -int(size.normalize().as_tuple().exponent)) <= size_decimals
