"""One subaccount's positions and USDC as the indexer keeps them: final fills in, sums, averages and PnL out."""

# https://github.com/dydxprotocol/v4-chain/blob/main/indexer/services/ender/src/scripts

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from adapters.loopback.dydx.contracts import TERMS
from adapters.loopback.dydx.messages import Subaccount
from adapters.loopback.floor import Fill
from adapters.loopback.orders import ZERO, Side


@dataclass(slots=True)
class Position:
    """From flat to flat; what crosses zero begins a new one."""

    ticker: str
    event_id: str
    created_ms: int
    created_height: int
    is_long: bool
    size: Decimal = ZERO
    """Signed."""
    max_size: Decimal = ZERO
    entry: Decimal = ZERO
    exit: Decimal | None = None
    sum_open: Decimal = ZERO
    sum_close: Decimal = ZERO
    net_funding: Decimal = ZERO
    closed_ms: int | None = None

    @property
    def realized(self) -> Decimal:
        """Funding, and what was closed between the averages of entry and exit."""
        if self.exit is None:
            return self.net_funding
        gained = (self.exit - self.entry) * self.sum_close
        return self.net_funding + (gained if self.is_long else -gained)

    def unrealized(self, oracle: Decimal) -> Decimal:
        return self.size * (oracle - self.entry)

    def open(self, price: Decimal, size: Decimal) -> None:
        """More of the same side."""
        total = self.sum_open + size
        self.entry = (self.entry * self.sum_open + price * size) / total
        self.sum_open = total
        self.size += size if self.is_long else -size
        self.max_size = (
            max(self.max_size, self.size) if self.max_size else self.size
        )  # for shorts too, as the indexer does

    def close(self, price: Decimal, size: Decimal, ts_ms: int) -> None:
        """Less of it, `size` at most what there is."""
        total = self.sum_close + size
        self.exit = ((self.exit or ZERO) * self.sum_close + price * size) / total
        self.sum_close = total
        self.size -= size if self.is_long else -size
        if not self.size:
            self.closed_ms = ts_ms
        elif not self.is_long:
            self.max_size = max(self.max_size, self.size)


@dataclass(slots=True)
class Holdings:
    """What a subaccount has after the last block."""

    subaccount: Subaccount
    usdc: Decimal
    """Signed: what it owes is below zero."""
    open: dict[str, Position] = field(default_factory=dict)
    closed: list[Position] = field(default_factory=list)
    updated_height: int = 0

    def fill(self, fill: Fill, event_id: str, height: int, block_ms: int) -> list[Position]:
        """Books a final fill and gives the positions it changed."""
        self.updated_height = height
        self.usdc -= fill.side.sign * fill.price * fill.size + fill.fee
        is_buy, left, changed = fill.side is Side.BUY, fill.size, []
        held = self.open.get(fill.symbol)
        if held is not None and held.is_long != is_buy:
            closing = min(left, abs(held.size))
            held.close(fill.price, closing, block_ms)
            changed.append(held)
            left -= closing
            if not held.size:
                self.closed.append(self.open.pop(fill.symbol))
                held = None
        if left:
            if held is None:
                held = self.open[fill.symbol] = Position(fill.symbol, event_id, block_ms, height, is_buy)
            held.open(fill.price, left)
            if held not in changed:
                changed.append(held)
        return changed

    def funding(self, fill: Fill, height: int) -> None:
        """Books a funding settlement; what was paid is the fill's fee."""
        self.updated_height = height
        self.usdc -= fill.fee
        held = self.open.get(fill.symbol)
        if held is not None:
            held.net_funding -= fill.fee

    def equity(self, oracle: Mapping[str, Decimal]) -> Decimal:
        return self.usdc + sum((held.size * oracle[ticker] for ticker, held in self.open.items()), ZERO)

    def free(self, oracle: Mapping[str, Decimal]) -> Decimal:
        """Free collateral: equity less the initial margin of every position."""
        margins = (
            abs(held.size) * oracle[ticker] * TERMS[ticker].initial_margin_fraction
            for ticker, held in self.open.items()
        )
        return self.equity(oracle) - sum(margins, ZERO)
