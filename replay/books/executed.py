"""One execution or funding payment with what it came to, and how its numbers are written."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeAlias

from replay.books.lots import Closed
from state.events import Fill, FundingPayment, PlaceOrder
from state.instruments import Instrument
from state.record import Record

Cell: TypeAlias = str


@dataclass(frozen=True, slots=True)
class Executed:
    """A fill or a funding payment with what it came to; `held` is the position after it, `balance` the folded one."""

    session: str
    record: Record
    event: Fill | FundingPayment
    instrument: Instrument | None
    placed: PlaceOrder | None
    pnl: Decimal
    held: Decimal
    balance: Decimal | None
    closed: Sequence[Closed]

    @property
    def ms(self) -> int:
        """The venue's time, else ours, ms."""
        return (self.event.ts or self.record.recv) // 1_000_000

    @property
    def settle(self) -> str:
        if self.instrument is not None:
            return self.instrument.settle
        return self.event.fee_asset if isinstance(self.event, Fill) else self.event.asset

    @property
    def value(self) -> Decimal:
        """What a fill is worth, in quote."""
        assert isinstance(self.event, Fill)
        return quoted(self.instrument, self.event.price, self.event.size)

    @property
    def stake(self) -> Decimal:
        """The same in what it settles in."""
        assert isinstance(self.event, Fill)
        return settled(self.instrument, self.event.price, self.event.size)


def quoted(instrument: Instrument | None, price: Decimal, size: Decimal) -> Decimal:
    """Value of a size in quote; without an instrument it is taken as linear."""
    return price * size if instrument is None else instrument.notional(price, size)


def settled(instrument: Instrument | None, price: Decimal, size: Decimal) -> Decimal:
    """Value of a size in what it settles in."""
    value = quoted(instrument, price, size)
    return value / price if instrument is not None and instrument.inverse and price else value


def iso(ms: int) -> str:
    """A time as text, UTC."""
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S") + f".{ms % 1000:03d}+00:00"


def plain(number: Decimal) -> str:
    """Digit by digit, without an exponent or trailing zeros that arithmetic left."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") or "0" if "." in text else text


def digits(number: Decimal) -> Decimal:
    """A quotient to twelve digits."""
    return round(number, 12)


def rate(fee: Decimal, value: Decimal) -> str:
    """A fee in parts of what was traded, positive where paid."""
    return plain(digits(-fee / value)) if value else "0"


def truth(word: bool | None) -> str:
    """`true`, `false`, or nothing where it was not said."""
    return "" if word is None else "true" if word else "false"
