"""The shapes of closed books, as `tapeline books --json` prints them."""

from decimal import Decimal

import msgspec

ZERO = Decimal(0)


class MarketLine(msgspec.Struct):
    """One market; sizes signed, PnL in `settle`, fees negative where paid; `residual` is reported less folded."""

    venue: str
    symbol: str
    settle: str
    opening: Decimal = ZERO
    bought: Decimal = ZERO
    sold: Decimal = ZERO
    size: Decimal = ZERO
    avg_price: Decimal | None = None
    realized_pnl: Decimal = ZERO
    reported_realized_pnl: Decimal | None = None  # the sum of what fills said
    mark: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    turnover: Decimal = ZERO
    fills: int = 0
    fees: dict[str, Decimal] = {}
    rebates: dict[str, Decimal] = {}
    funding: dict[str, Decimal] = {}
    reported: Decimal | None = None
    reports: int = 0
    fitted: int = 0
    residual: Decimal = ZERO


class AssetLine(msgspec.Struct):
    """One asset at one venue: opening + what moved = closing; `residuals` and `rounding` lead from there to `reported`."""

    venue: str
    asset: str
    opening: Decimal | None = None
    realized_pnl: Decimal = ZERO
    traded: Decimal = ZERO  # what spot trades brought and took
    fees: Decimal = ZERO
    rebates: Decimal = ZERO
    funding: Decimal = ZERO
    transfers: Decimal = ZERO
    closing: Decimal = ZERO
    residuals: Decimal = ZERO
    rounding: Decimal = ZERO
    reported: Decimal | None = None
    reports: int = 0
    fitted: int = 0
    residual: Decimal = ZERO  # what is left: 0 where every residual is told


class Finding(msgspec.Struct, frozen=True):
    """One residual and what it comes from; `explained` where the venue itself says what it is."""

    seq: int
    venue: str
    what: str  # the symbol or asset
    fault: str
    amount: Decimal
    text: str
    seqs: tuple[int, ...]
    explained: bool


class ClosedBooks(msgspec.Struct):
    """What `tapeline books` prints; `transient` counts reports that a later one put right."""

    session: str
    method: str
    markets: list[MarketLine]
    assets: list[AssetLine]
    findings: list[Finding]
    transient: int

    @property
    def clean(self) -> bool:
        return all(finding.explained for finding in self.findings)
