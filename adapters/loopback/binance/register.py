"""What Binance keeps of an order beyond what the engine knows of it, and the numbers it gives to orders and trades."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from adapters.loopback.floor import Change
from adapters.loopback.orders import Order

FIRST_ORDER = 8_886_774_000
FIRST_TRADE = 5_266_583_000
FIRST_TRANSFER = 70_000_000_000
ID_STEP = 3
"""How far a change of any book moves the update id that all books share."""


class Numbers:
    """Ids as Binance gives them: whole numbers, one series of orders, one series of trades per symbol, shared by both sides."""

    def __init__(self) -> None:
        self._order, self._transfer = FIRST_ORDER, FIRST_TRANSFER
        self._trades: dict[str, int] = {}

    def order(self, _: str) -> str:
        self._order += 1
        return str(self._order)

    def trade(self, symbol: str) -> str:
        self._trades[symbol] = number = self._trades.get(symbol, FIRST_TRADE) + 1
        return str(number)

    def maker_fill(self, trade_id: str) -> str:
        return trade_id

    def funding(self, _: str) -> str:
        self._transfer += 1
        return str(self._transfer)


class UpdateIds:
    """The id of each book's last change; one series for all symbols of the futures, one for each symbol of spot."""

    def __init__(self, shared: bool, symbols: list[str]) -> None:
        self._shared = shared
        self._highest = 5_123_107_832_000
        self._last = dict.fromkeys(symbols, self._highest)

    def heard(self, change: Change) -> None:
        symbol = change.market.contract.symbol
        self._highest += ID_STEP
        self._last[symbol] = self._highest if self._shared else self._last[symbol] + ID_STEP

    def last(self, symbol: str) -> int:
        return self._last[symbol]

    def first_after(self, previous: int, first_change: int) -> int:
        """`U` of an event: its first change, or for spot the id after the event before."""
        return first_change if self._shared else previous + 1


@dataclass(frozen=True, slots=True)
class Amendment:
    """A change of a resting order, for its history."""

    number: int
    ts_ms: int
    price: tuple[Decimal, Decimal]
    size: tuple[Decimal, Decimal]


@dataclass(slots=True)
class Terms:
    """What the customer asked for in the venue's own words."""

    tif: str = "GTC"
    self_match: str = "EXPIRE_MAKER"
    price_match: str = "NONE"
    good_till_ms: int = 0
    modify_id: int = 0
    asked_type: str = ""
    """`origType` where a conditional order put this one in."""
    amending: bool = False
    announced: bool = False
    amendments: list[Amendment] = field(default_factory=list)


class Register:
    """The terms of every customer's order; those of one about to be placed are laid down beforehand."""

    def __init__(self) -> None:
        self.pending = Terms()
        self._terms: dict[str, Terms] = {}
        self.dated: dict[str, tuple[str, int]] = {}
        """Account and end of the orders that end at a time of their own."""

    def heard(self, change: Change) -> None:
        for order in change.orders:
            if order.order_id not in self._terms:
                self._terms[order.order_id] = self.pending
                if self.pending.good_till_ms and not order.status.is_final:
                    self.dated[order.order_id] = order.account, self.pending.good_till_ms

    def of(self, order: Order) -> Terms:
        return self._terms[order.order_id]

    def due(self, now_ms: int) -> list[tuple[str, str]]:
        """Account and id of the orders whose time is over; each is given once."""
        over = [(account, order_id) for order_id, (account, end_ms) in self.dated.items() if end_ms <= now_ms]
        for _, order_id in over:
            del self.dated[order_id]
        return over
