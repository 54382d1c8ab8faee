"""What the loopback dYdX lists: each market's terms on the chain, and the same terms as the floor wants them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from adapters.loopback.ledger import Account
from adapters.loopback.symbols import Contract

QUOTE_RESOLUTION = 6
"""USDC has six decimals; a quote quantum is its smallest unit."""
QUANTUM_CONVERSION_EXPONENT = -9
STEP_BASE_QUANTUMS = 1_000_000


@dataclass(frozen=True, slots=True)
class Terms:
    """One perpetual with its order book on the chain, as /v4/perpetualMarkets published it on 2025-12-08."""

    ticker: str
    pair_id: int
    """The number of its order book (clobPairId), of the perpetual and of its oracle price too."""
    atomic_resolution: int
    subticks_per_tick: int
    initial_margin_fraction: Decimal
    maintenance_margin_fraction: Decimal
    start_price: Decimal
    typical_lots: float
    swing_ticks: float
    open_interest_caps: tuple[str, str] = ("0", "0")

    @property
    def step(self) -> Decimal:
        """The smallest size, in base units."""
        return self.size(STEP_BASE_QUANTUMS)

    @property
    def tick(self) -> Decimal:
        return self.price(self.subticks_per_tick)

    def size(self, quantums: int) -> Decimal:
        """Base quantums in base units."""
        return Decimal(quantums).scaleb(self.atomic_resolution)

    def quantums(self, size: Decimal) -> int:
        return int(size.scaleb(-self.atomic_resolution))

    def price(self, subticks: int) -> Decimal:
        """Subticks in USDC a base unit."""
        return Decimal(subticks).scaleb(QUANTUM_CONVERSION_EXPONENT - QUOTE_RESOLUTION - self.atomic_resolution)

    def contract(self) -> Contract:
        """The terms as the floor wants them; the chain knows no largest size, no band and no minimum value."""
        places = max(0, -int(self.tick.normalize().as_tuple().exponent))
        return Contract(
            symbol=self.ticker,
            number=self.pair_id,
            base=self.ticker.partition("-")[0],
            quote="USDC",
            tick=self.tick.normalize() if places else Decimal(int(self.tick)),
            lot=self.step.normalize(),
            max_size=Decimal(1_000_000_000),
            max_market_size=Decimal(1_000_000_000),
            max_price=Decimal(1_000_000_000),
            price_scale=places + 1,
            price_limit_ratio=Decimal(1),
            launched_ms=1_698_326_400_000,
            min_notional=Decimal(0),
            max_leverage=1 / self.initial_margin_fraction,
            funding_interval_min=60,
            start_price=self.start_price,
            typical_lots=self.typical_lots,
            swing_ticks=self.swing_ticks,
        )


TERMS: dict[str, Terms] = {
    terms.ticker: terms
    for terms in (
        Terms("BTC-USD", 0, -10, 100_000, Decimal("0.02"), Decimal("0.012"), Decimal(89_942), 1_200.0, 1.5),
        Terms("ETH-USD", 1, -9, 100_000, Decimal("0.02"), Decimal("0.012"), Decimal("3103.0"), 2_500.0, 1.0),
        Terms(
            "SOL-USD", 5, -7, 1_000_000, Decimal("0.05"), Decimal("0.03"), Decimal("135.30"), 600.0, 0.4,
            ("40000000", "100000000"),
        ),
    )
}  # fmt: skip
"""The markets there are, by ticker."""

CONTRACTS: dict[str, Contract] = {ticker: terms.contract() for ticker, terms in TERMS.items()}

CUSTOMER = Account(
    "dydx19rl4cm2hmr8afy4kldpxz3fka4jguq0a4erelz",
    "c4a48e2fce1481cd3294b4490f6678090ea98d3d0e5cd984558ab0968741b104",
    maker_rate=Decimal("0.0001"),
    taker_rate=Decimal("0.0005"),
)
"""Address and private key of the mnemonic that everybody tests with, eleven times abandon, then about; the first fee tier."""
