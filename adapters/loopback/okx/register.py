"""What OKX keeps of an order beyond what the engine knows of it, told stage by stage; and the numbers it gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from adapters.loopback.floor import Change, Fill
from adapters.loopback.orders import ZERO, Order, Reason, Status

FIRST_ORDER = 2_497_956_918_703_120_384
ORDER_STEP = 4_096
FIRST_TRADE = 1_518_905_529
FIRST_BILL = 2_623_950_854_533_513_219
SHRUNK_WHEN_NEW, SHRUNK_WHEN_AMENDED, SHRUNK_BY_OTHERS = "3", "2", "4"
BY_USER = "1"
DONE, FAILED, FAILED_AND_ENDED = "0", "-1", "1"
"""`amendResult`."""


class Numbers:
    """Ids as OKX gives them: one series of orders, one series of trades for each instrument, shared by both sides."""

    def __init__(self) -> None:
        self._order, self._settled = FIRST_ORDER, 0
        self._trades: dict[str, int] = {}

    def order(self, _: str) -> str:
        self._order += ORDER_STEP
        return str(self._order)

    def trade(self, symbol: str) -> str:
        self._trades[symbol] = number = self._trades.get(symbol, FIRST_TRADE) + 1
        return str(number)

    def maker_fill(self, trade_id: str) -> str:
        return trade_id

    def funding(self, _: str) -> str:
        self._settled += 1
        return f"funding-{self._settled}"


def bill_id(index: int) -> str:
    """The name of a line of a statement; a fill has that of the line it made."""
    return str(FIRST_BILL + index)


@dataclass(frozen=True, slots=True)
class Terms:
    """What the customer asked for, where the floor has no word for it."""

    ord_type: str = "limit"
    tag: str = ""
    size: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Amendment:
    """A change that the customer asked for, and what became of it."""

    request_id: str = ""
    size: Decimal | None = None
    """What was asked for, which a reduce-only order may not get."""
    source: str = BY_USER
    result: str = DONE
    code: str = "0"
    words: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An order at one stage of its life."""

    symbol: str
    order: Order
    terms: Terms
    state: str = "live"
    size: Decimal = ZERO
    price: Decimal = ZERO
    filled: Decimal = ZERO
    value: Decimal = ZERO
    fee: Decimal = ZERO
    """Paid so far."""
    pnl: Decimal = ZERO
    fill: Fill | None = None
    """The last one."""
    updated_ms: int = 0

    @property
    def average(self) -> Decimal:
        return self.value / self.filled if self.filled else ZERO


@dataclass(frozen=True, slots=True)
class Stage:
    """What is told of an order: as it is then, with the fill or the amendment that made it so."""

    entry: Entry
    fill: Fill | None = None
    amendment: Amendment | None = None


class Register:
    """Every customer's orders; the terms of one about to be placed, or its amendment, are laid down beforehand."""

    def __init__(self) -> None:
        self.pending = Terms()
        self.amendments: dict[str, Amendment] = {}
        """By order id, until they are told."""
        self._entries: dict[str, Entry] = {}

    def of(self, order: Order) -> Entry:
        return self._entries[order.order_id]

    def stages(self, change: Change) -> list[Stage]:
        """Takes note of a command's consequences and gives what is to be told of each order, in order."""
        told: list[Stage] = []
        for order in change.orders:
            for stage in self._stages(change, order):
                self._entries[order.order_id] = stage.entry
                told.append(stage)
        return told

    def _stages(self, change: Change, order: Order) -> Iterator[Stage]:
        entry, amendment = self._entries.get(order.order_id), self.amendments.pop(order.order_id, None)
        ended = amendment if amendment is not None and amendment.result == FAILED_AND_ENDED else None
        if entry is None:
            entry = Entry(change.market.contract.symbol, order, self.pending, "live", order.size, order.price)
            entry = replace(entry, updated_ms=order.created_ms)
            shrunk = order.size < self.pending.size
            if (
                order.reason is not Reason.WOULD_TAKE
            ):  # one that would has never been in the book, and only its end is told
                yield Stage(entry, amendment=Amendment(source=SHRUNK_WHEN_NEW, result="") if shrunk else None)
        elif amendment is not None and ended is None:
            entry = _amended(entry)
            if amendment.size is not None and order.size < amendment.size:
                amendment = replace(amendment, source=SHRUNK_WHEN_AMENDED)
            yield Stage(entry, amendment=amendment)
        elif (order.size, order.price) != (entry.size, entry.price):
            entry = _amended(entry)
            yield Stage(entry, amendment=Amendment(source=SHRUNK_BY_OTHERS, result=""))
        for fill in change.fills:
            if fill.order_id == order.order_id:
                entry = filled(entry, fill)
                yield Stage(entry, fill)
        if order.status is Status.CANCELLED:
            entry = replace(entry, state="canceled", updated_ms=order.updated_ms)
            yield Stage(entry, amendment=ended)


def _amended(entry: Entry) -> Entry:
    """The order at its new size and price; filled, where the size is no more than it has traded."""
    order = entry.order
    done = order.size == entry.filled and order.status is Status.FILLED
    state = "filled" if done else entry.state
    return replace(entry, state=state, size=order.size, price=order.price, updated_ms=order.updated_ms)


def filled(entry: Entry, fill: Fill) -> Entry:
    """The order after one more fill."""
    done = entry.filled + fill.size
    return replace(
        entry,
        state="filled" if done == entry.size else "partially_filled",
        filled=done,
        value=entry.value + fill.size * fill.price,
        fee=entry.fee + fill.fee,
        pnl=entry.pnl + fill.pnl,
        fill=fill,
        updated_ms=fill.ts_ms,
    )
