"""Accounts of a loopback venue: wallet, one-way positions, fees, funding and margin, exact in Decimal. No orders here."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal

from adapters.loopback.orders import ZERO, Side

DEFAULT_LEVERAGE = Decimal(10)


class UnusableKeyError(ValueError):
    """A customer's key or secret that is not of the form which the venue has."""


@dataclass(frozen=True, slots=True)
class Account:
    """A customer of the venue as a test or the demo opens it; the secret stays out of the repr."""

    key: str
    secret: str = field(repr=False)
    balance: Decimal = Decimal(100_000)
    maker_rate: Decimal = Decimal("0.0002")
    taker_rate: Decimal = Decimal("0.00055")
    uid: int = 0
    passphrase: str = field(default="", repr=False)
    """The third part of a key, at venues whose keys have three."""
    money_step: Decimal = ZERO
    """What fees and funding are rounded to, against the customer; zero where the venue does not round."""

    def owed(self, amount: Decimal) -> Decimal:
        """An amount that the customer pays, or receives where it is negative, on the step."""
        return amount.quantize(self.money_step, ROUND_CEILING) if self.money_step else amount


@dataclass(slots=True)
class Position:
    """A one-way position; `size` is signed, money is in the settlement coin."""

    symbol: str
    size: Decimal = ZERO
    average: Decimal = ZERO
    realized: Decimal = ZERO
    """PnL less fees and funding since the position was opened from flat."""
    fees: Decimal = ZERO
    """Paid since then."""
    funding: Decimal = ZERO
    """Paid, or negative where it was received, since then."""
    realized_ever: Decimal = ZERO
    leverage: Decimal = DEFAULT_LEVERAGE
    created_ms: int = 0
    updated_ms: int = 0
    opened_ms: int = 0
    seq: int = -1

    @property
    def value(self) -> Decimal:
        return abs(self.size) * self.average

    def unrealized(self, mark: Decimal) -> Decimal:
        return self.size * (mark - self.average)


@dataclass(frozen=True, slots=True)
class Booking:
    """What one fill did to an account: how much of it closed, what that earned, what it cost."""

    closed: Decimal
    pnl: Decimal
    fee: Decimal
    fee_rate: Decimal


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A line of the account's statement; `change` is what the wallet moved by."""

    ts_ms: int
    symbol: str
    kind: str
    side: Side | None
    size: Decimal
    price: Decimal
    position: Decimal
    fee: Decimal
    funding: Decimal
    cash: Decimal
    change: Decimal
    balance: Decimal
    reference: str


class Book:
    """The wallet, positions and statement of one account."""

    __slots__ = ("account", "fees", "funding", "positions", "realized", "statement", "wallet")

    def __init__(self, account: Account) -> None:
        self.account = account
        self.wallet = account.balance
        self.realized = ZERO
        self.fees = ZERO
        self.funding = ZERO
        self.positions: dict[str, Position] = {}
        self.statement: list[LedgerEntry] = []

    def position(self, symbol: str) -> Position:
        """The position of a symbol, flat if there never was one."""
        found = self.positions.get(symbol)
        if found is None:
            found = self.positions[symbol] = Position(symbol)
        return found

    def fill(
        self,
        symbol: str,
        side: Side,
        price: Decimal,
        size: Decimal,
        is_maker: bool,
        now_ms: int,
        seq: int,
        reference: str,
    ) -> Booking:
        """Books one fill: average price over what opens, realized PnL over what closes, the fee on both."""
        position = self.position(symbol)
        signed = size * side.sign
        closed = min(abs(position.size), size) if position.size * signed < 0 else ZERO
        pnl = closed * (price - position.average) * -side.sign if closed else ZERO
        rate = self.account.maker_rate if is_maker else self.account.taker_rate
        fee = self.account.owed(price * size * rate)
        self._move(position, signed, price, closed, now_ms)
        position.realized += pnl - fee
        position.realized_ever += pnl - fee
        position.fees += fee
        position.updated_ms, position.seq = now_ms, seq
        self.wallet += pnl - fee
        self.realized += pnl
        self.fees += fee
        self._note(now_ms, position, "TRADE", side, size, price, fee, ZERO, pnl, reference)
        return Booking(closed, pnl, fee, rate)

    def settle_funding(self, symbol: str, rate: Decimal, mark: Decimal, now_ms: int, reference: str) -> Decimal:
        """Books a funding settlement and gives what was paid; longs pay a positive rate, shorts receive it."""
        position = self.position(symbol)
        paid = self.account.owed(position.size * mark * rate)
        if position.size:
            side = Side.BUY if position.size > 0 else Side.SELL
            position.realized -= paid
            position.realized_ever -= paid
            position.funding += paid
            position.updated_ms = now_ms
            self.wallet -= paid
            self.funding -= paid
            self._note(now_ms, position, "SETTLEMENT", side, abs(position.size), mark, ZERO, -paid, ZERO, reference)
        return paid

    def transfer(self, amount: Decimal) -> None:
        """Moves money in, or out where it is negative."""
        self.wallet += amount

    @staticmethod
    def _move(position: Position, signed: Decimal, price: Decimal, closed: Decimal, now_ms: int) -> None:
        before, after = position.size, position.size + signed
        if after == 0:
            position.average = ZERO
        elif closed == 0:
            position.average = (abs(before) * position.average + abs(signed) * price) / abs(after)
        elif before * after < 0:
            position.average = price
        if before == 0 or before * after < 0:
            position.realized = position.fees = position.funding = ZERO
            position.opened_ms = now_ms
            position.created_ms = position.created_ms or now_ms
        position.size = after

    def _note(
        self,
        now_ms: int,
        position: Position,
        kind: str,
        side: Side,
        size: Decimal,
        price: Decimal,
        fee: Decimal,
        funding: Decimal,
        cash: Decimal,
        reference: str,
    ) -> None:
        change = cash + funding - fee
        self.statement.append(
            LedgerEntry(
                now_ms,
                position.symbol,
                kind,
                side,
                size,
                price,
                position.size,
                fee,
                funding,
                cash,
                change,
                self.wallet,
                reference,
            )
        )


def order_margin(position: Position, buys: Decimal, sells: Decimal) -> Decimal:
    """Initial margin of resting orders worth `buys` and `sells`: the worse side counts, less what would only close."""
    closing = position.value
    if position.size > 0:
        sells = max(ZERO, sells - closing)
    elif position.size < 0:
        buys = max(ZERO, buys - closing)
    return max(buys, sells) / position.leverage


def position_margin(position: Position) -> Decimal:
    return position.value / position.leverage
