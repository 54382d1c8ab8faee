"""Open lots of one market and what closing them made, by average cost, first in first out, or last in first out.

A lot stands for its value v(size, price): size * price, or for an inverse contract -size * contract_size / price, rounded to
1e-18 once. A trade of `signed` moves cash -v; what it closes makes cash less the lots' values, so that realized PnL and the
value of what is open always add up to all cash that moved.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from state.ledger import EXACT, QUANTUM

Method: TypeAlias = Literal["average", "fifo", "lifo"]
ZERO = Decimal(0)


@dataclass(slots=True)
class Lot:
    """Size (signed) that was opened by the record `seq` at `price`; by average cost, the first that opened it."""

    size: Decimal
    value: Decimal
    price: Decimal
    seq: int
    recv: int
    fee: Decimal = ZERO  # paid for opening what is left of it; negative where paid


@dataclass(frozen=True, slots=True)
class Closed:
    """A lot, or a part of one, that a trade closed; `size` is the closed lot's sign and amount."""

    size: Decimal
    opened_at: Decimal
    closed_at: Decimal
    pnl: Decimal
    opened_seq: int
    closed_seq: int
    opened_recv: int
    closed_recv: int
    open_fee: Decimal
    close_fee: Decimal


class Lots:
    """The lots of one market by one method; `contract_size` is that of an inverse contract, None for all others."""

    def __init__(self, method: Method = "average", contract_size: Decimal | None = None) -> None:
        self.method = method
        self.contract_size = contract_size
        self.size = ZERO
        self.realized = ZERO
        self._lots: deque[Lot] = deque()

    def value(self, size: Decimal, price: Decimal) -> Decimal:
        """What a signed size is worth at a price, in the settling asset."""
        if self.contract_size is None:
            return EXACT.multiply(size, price)
        return _rounded(EXACT.divide(EXACT.multiply(size, self.contract_size), price)).copy_negate()

    @property
    def cost(self) -> Decimal:
        """The value at which what is open was opened."""
        return sum((lot.value for lot in self._lots), ZERO)

    @property
    def average(self) -> Decimal | None:
        """The price at which what is open was opened, rounded for reading; None when flat."""
        if not self.size or not self.cost:
            return None
        if self.contract_size is None:
            return self.cost / self.size
        return -self.size * self.contract_size / self.cost

    def open(self) -> Iterator[Lot]:
        """What is open, oldest first."""
        return iter(self._lots)

    def unrealized(self, price: Decimal) -> Decimal:
        return EXACT.subtract(self.value(self.size, price), self.cost)

    def trade(
        self,
        signed: Decimal,
        price: Decimal,
        seq: int = 0,
        recv: int = 0,
        fee: Decimal = ZERO,
        cash: Decimal | None = None,
    ) -> list[Closed]:
        """Books a trade; `cash` where it is not -v(signed, price), as for a spot fee that was taken in base."""
        paid = self.value(signed, price) if cash is None else cash.copy_negate()
        self.size = EXACT.add(self.size, signed)
        closed: list[Closed] = []
        left = signed
        while left and self._lots and (self._lots[0].size > 0) != (left > 0):
            closed.append(self._close(left, signed, paid, price, seq, recv, fee))
            left = EXACT.add(left, closed[-1].size)
            self.realized = EXACT.add(self.realized, closed[-1].pnl)
        opened = _share(paid, left, signed) if left else ZERO
        if left:
            self._open(Lot(left, opened, price, seq, recv, _share(fee, left, signed)))
        if closed:
            self._even(EXACT.subtract(paid, opened), closed, signed, paid)
        return closed

    def _close(
        self, left: Decimal, signed: Decimal, paid: Decimal, price: Decimal, seq: int, recv: int, fee: Decimal
    ) -> Closed:
        lot = self._lots[-1] if self.method == "lifo" else self._lots[0]
        part = lot.size if abs(lot.size) <= abs(left) else left.copy_negate()
        kept = EXACT.subtract(lot.size, part)
        value, open_fee = lot.value, lot.fee
        if kept:
            kept_value, kept_fee = _share(lot.value, kept, lot.size), _share(lot.fee, kept, lot.size)
            value, open_fee = EXACT.subtract(lot.value, kept_value), EXACT.subtract(lot.fee, kept_fee)
            lot.size, lot.value, lot.fee = kept, kept_value, kept_fee
        elif self.method == "lifo":
            self._lots.pop()
        else:
            self._lots.popleft()
        got = _share(paid, part, signed)  # the closing trade's value of this part, with the lot's sign turned twice
        return Closed(
            size=part,
            opened_at=lot.price,
            closed_at=price,
            pnl=EXACT.subtract(got, value),
            opened_seq=lot.seq,
            closed_seq=seq,
            opened_recv=lot.recv,
            closed_recv=recv,
            open_fee=open_fee,
            close_fee=_share(fee, part, signed.copy_negate()),
        )

    def _even(self, spent: Decimal, closed: list[Closed], signed: Decimal, paid: Decimal) -> None:
        """Shares of a trade's value are rounded: what rounding left over is realized too, so that sums stay exact."""
        shares = sum((_share(paid, part.size, signed) for part in closed), ZERO)
        self.realized = EXACT.subtract(self.realized, EXACT.add(spent, shares))

    def _open(self, lot: Lot) -> None:
        if self.method == "average" and self._lots:
            known = self._lots[0]
            known.size, known.value = EXACT.add(known.size, lot.size), EXACT.add(known.value, lot.value)
            known.fee = EXACT.add(known.fee, lot.fee)
            if known.size:
                per_size = known.value / known.size
                known.price = per_size if self.contract_size is None else -self.contract_size / per_size
        else:
            self._lots.append(lot)


def _share(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    if part == whole:
        return amount
    return _rounded(EXACT.divide(EXACT.multiply(amount, part), whole))


def _rounded(number: Decimal) -> Decimal:
    return number.quantize(QUANTUM, context=EXACT)
