"""What Hyperliquid keeps of orders and fills beyond what the floor knows, and the numbers it gives to them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal

from adapters.loopback.floor import Change, Fill
from adapters.loopback.orders import ZERO

FIRST_ORDER = 77_738_000
TRADE_BITS = 50


class Numbers:
    """Order ids count up over all symbols; a trade has a hash of fifty bits, the same on both sides."""

    def __init__(self, seed: int) -> None:
        self._order, self._again = FIRST_ORDER, ""
        self._bits = random.Random(f"hyperliquid-{seed}")  # noqa: S311 - reproducible identifiers, nothing secret

    def order(self, _: str) -> str:
        again, self._again = self._again, ""
        if again:
            return again
        self._order += 1
        return str(self._order)

    def reuse(self, order_id: str) -> None:
        """Has the next order take an id that was given before; an empty one takes that back."""
        self._again = order_id

    def trade(self, _: str) -> str:
        return str(self._bits.getrandbits(TRADE_BITS))

    def maker_fill(self, trade_id: str) -> str:
        return trade_id

    def funding(self, _: str) -> str:
        return str(self._bits.getrandbits(TRADE_BITS))


@dataclass(frozen=True, slots=True)
class Filled:
    """A fill with the position that its account had before it."""

    fill: Fill
    start: Decimal

    @property
    def word(self) -> str:
        """`dir`: what the fill did to the position."""
        side, start, size = self.fill.side, self.start, self.fill.size
        if start * side.sign >= 0:
            return "Open Long" if side.sign > 0 else "Open Short"
        if size <= abs(start):
            return "Close Long" if start > 0 else "Close Short"
        return "Long > Short" if start > 0 else "Short > Long"


class Register:
    """Every account's fills and funding payments, oldest first."""

    def __init__(self) -> None:
        self.filled: dict[str, list[Filled]] = {}
        self.funded: dict[str, list[Filled]] = {}
        self._positions: dict[tuple[str, str], Decimal] = {}
        self._volumes: dict[str, Decimal] = {}

    def heard(self, change: Change) -> None:
        """Notes the fills of a change, before anybody else is told of them."""
        for fill in change.fills:
            where = fill.account, fill.symbol
            start = self._positions.get(where, ZERO)
            if fill.kind == "funding":
                self.funded.setdefault(fill.account, []).append(Filled(fill, start))
                continue
            self.filled.setdefault(fill.account, []).append(Filled(fill, start))
            self._positions[where] = start + fill.size * fill.side.sign
            self._volumes[fill.account] = self.volume(fill.account) + fill.price * fill.size

    def last(self, key: str, count: int) -> list[Filled]:
        """The newest fills of an account, oldest first."""
        return self.filled.get(key, [])[-count:] if count else []

    def volume(self, key: str) -> Decimal:
        """What the account has traded, in dollars."""
        return self._volumes.get(key, ZERO)
