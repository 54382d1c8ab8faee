"""What the loopback OKX lists: the swaps with the coin in one contract, and the same pairs of spot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from adapters.loopback.ledger import Account
from adapters.loopback.symbols import Contract

SWAP, SPOT = "SWAP", "SPOT"
INST_TYPES = (SPOT, "MARGIN", SWAP, "FUTURES", "OPTION")


@dataclass(frozen=True, slots=True)
class Instrument:
    """A contract of the floor, whose sizes are in base coin, in the words of OKX, whose sizes are in contracts."""

    contract: Contract
    inst_type: str
    contract_size: Decimal
    """Base coin in one contract; 1 for spot, which has none."""

    @property
    def inst_id(self) -> str:
        return self.contract.symbol

    @property
    def code(self) -> int:
        """`instIdCode`, by which the sockets name an instrument in orders."""
        return self.contract.number

    @property
    def pair(self) -> str:
        """`uly` and `instFamily` of a swap, and the name of its index."""
        return f"{self.contract.base}-{self.contract.quote}"

    @property
    def is_swap(self) -> bool:
        return self.inst_type == SWAP

    def contracts(self, base: Decimal) -> Decimal:
        return base / self.contract_size

    def base(self, contracts: Decimal) -> Decimal:
        return contracts * self.contract_size

    def volumes(self, base: Decimal, quote: Decimal) -> tuple[Decimal, Decimal]:
        """`vol` and `volCcy`: contracts and base coin of a swap, base coin and quote coin of spot."""
        return (self.contracts(base), base) if self.is_swap else (base, quote)


def of_index(pair: str, instruments: Iterable[Instrument]) -> Instrument | None:
    """The instrument whose market an index is drawn from: the pair's swap, else its spot."""
    of_pair = [listed for listed in instruments if listed.pair == pair]
    return next((listed for listed in of_pair if listed.is_swap), of_pair[0] if of_pair else None)


def _swap(
    base: str, code: int, size: str, tick: str, scale: int, start: str, lots: float, swing: float, most: int
) -> Instrument:
    """A swap; lots and limits are in contracts here."""
    contract_size = Decimal(size)
    contract = Contract(
        symbol=f"{base}-USDT-SWAP", number=code, base=base, quote="USDT",
        tick=Decimal(tick), lot=Decimal("0.01") * contract_size,
        max_size=100_000_000 * contract_size, max_market_size=most * contract_size, max_price=Decimal(10_000_000),
        price_scale=scale, price_limit_ratio=Decimal("0.02"), launched_ms=1_573_557_408_000,
        min_notional=Decimal(0), funding_cap=Decimal("0.00375"),
        start_price=Decimal(start), typical_lots=lots, swing_ticks=swing,
    )  # fmt: skip
    return Instrument(contract, SWAP, contract_size)


def _spot(base: str, code: int, tick: str, lot: str, scale: int, start: str, lots: float, swing: float) -> Instrument:
    contract = Contract(
        symbol=f"{base}-USDT", number=code, base=base, quote="USDT",
        tick=Decimal(tick), lot=Decimal(lot),
        max_size=Decimal(9_999_999_999), max_market_size=Decimal(1_000_000), max_price=Decimal(10_000_000),
        price_scale=scale, price_limit_ratio=Decimal("0.05"), launched_ms=1_606_468_572_000,
        min_notional=Decimal(0), start_price=Decimal(start), typical_lots=lots, swing_ticks=swing,
    )  # fmt: skip
    return Instrument(contract, SPOT, Decimal(1))


INSTRUMENTS: Mapping[str, Instrument] = {
    instrument.inst_id: instrument
    for instrument in (
        _swap("BTC", 10459, "0.01", "0.1", 1, "65000.0", 1_200.0, 5.0, 12_000),
        _swap("ETH", 10461, "0.1", "0.01", 2, "1922.00", 2_500.0, 2.0, 20_000),
        _swap("SOL", 10486, "1", "0.01", 2, "77.31", 6_000.0, 0.4, 40_000),
        _spot("BTC", 4, "0.1", "0.00000001", 1, "65010.0", 9_000_000.0, 5.0),
        _spot("ETH", 5, "0.01", "0.000001", 2, "1922.50", 2_000_000.0, 2.0),
    )
}
"""Terms as OKX published them; prices of 2026-08-09."""

CONTRACTS: Mapping[str, Contract] = {name: listed.contract for name, listed in INSTRUMENTS.items()}

CUSTOMER = Account(
    "loopback-key",
    "loopback-secret",
    taker_rate=Decimal("0.0005"),
    passphrase="loopback-passphrase",  # noqa: S106 - it opens nothing but a market that is made up
)
"""Who trades there unless told otherwise."""
