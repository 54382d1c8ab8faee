"""Aggregated trades: what one side took at one price within a tenth of a second is one line."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from decimal import Decimal

from adapters.loopback.binance import rows
from adapters.loopback.binance.render import exact
from adapters.loopback.market import PublicTrade
from adapters.loopback.orders import Side

WINDOW_MS = 100
KEPT = 1_000
FIRST = 5_933_000


@dataclass(slots=True)
class Aggregate:
    number: int
    side: Side
    price: Decimal
    size: Decimal
    first_id: int
    last_id: int
    ts_ms: int

    def row(self, spot: bool) -> rows.AggTrade:
        return rows.AggTrade(
            self.number,
            exact(self.price),
            exact(self.size),
            self.first_id,
            self.last_id,
            self.ts_ms,
            self.side is Side.SELL,
            None if spot else exact(self.size),
            True if spot else None,
        )


class Tape:
    """The aggregates of one symbol; the last one may still grow."""

    def __init__(self) -> None:
        self._closed: deque[Aggregate] = deque(maxlen=KEPT)
        self._growing: Aggregate | None = None
        self._number = FIRST

    def heard(self, printed: PublicTrade) -> None:
        growing = self._growing
        if growing is not None:
            alike = (growing.side, growing.price) == (printed.side, printed.price)
            if alike and printed.ts_ms - growing.ts_ms < WINDOW_MS:
                growing.size += printed.size
                growing.last_id = int(printed.trade_id)
                return
            self._closed.append(growing)
        self._number += 1
        number = int(printed.trade_id)
        self._growing = Aggregate(
            self._number, printed.side, printed.price, printed.size, number, number, printed.ts_ms
        )

    def close(self, now_ms: int, at_once: bool = False) -> None:
        """Ends the growing aggregate once its time is over."""
        if self._growing is not None and (at_once or now_ms - self._growing.ts_ms >= WINDOW_MS):
            self._closed.append(self._growing)
            self._growing = None

    def all(self) -> list[Aggregate]:
        """Every aggregate kept, oldest first."""
        return [*self._closed, *([self._growing] if self._growing else [])]

    def closed_after(self, number: int) -> list[Aggregate]:
        """The finished ones above a number, oldest first."""
        found: list[Aggregate] = []
        for aggregate in reversed(self._closed):
            if aggregate.number <= number:
                break
            found.append(aggregate)
        return found[::-1]

    @property
    def last_closed(self) -> int:
        return self._closed[-1].number if self._closed else self._number - (self._growing is not None)
