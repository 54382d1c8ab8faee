"""What is owned and owed, folded from fills, with what the venue says of the same beside it.

One identity holds exactly, after every fill and at every price p of a linear position:

    realized_pnl + unrealized(p) = cash + size * p

`cash` is what fills paid and cost, `cost` the part of it that stands behind the open size, and realized PnL is their sum, so
nothing is lost to a division: where a partial close takes its share of the cost, the share is rounded to 1e-18 and what it
leaves is what remains. Fees and funding stand beside it, signed as the account feels them. For an inverse contract the
same holds in base with value(p) = -size * contract_size / p, each fill's value rounded to 1e-18 once.

A spot fee taken in the base asset is size that never came: it lowers the size (and raises the average price) and, being
inside it, is not to be counted again from `fees`.
"""

from collections.abc import Iterable, Iterator
from copy import copy
from decimal import Context, Decimal
from typing import Self

import msgspec

from state.events import BalanceUpdate, Fill, FundingPayment, PositionUpdate, Reconciled
from state.instruments import Instrument

# Wide enough that sums and products of any venue's numbers are exact.
EXACT = Context(prec=96)
QUANTUM = Decimal("1e-18")

PAYMENT_IDS_KEPT = 10_000

_ZERO = Decimal(0)
_ONE = Decimal(1)


class Position(msgspec.Struct):
    """One market's position; `fees` by asset and `funding` are negative where paid, `turnover` is in quote.

    Sizes are signed, in base units (contracts where inverse); PnL is in the settling asset.
    """

    venue: str
    symbol: str
    size: Decimal = _ZERO
    cash: Decimal = _ZERO
    cost: Decimal = _ZERO
    fees: dict[str, Decimal] = {}
    funding: Decimal = _ZERO
    turnover: Decimal = _ZERO
    fills: int = 0
    contract_size: Decimal | None = None  # of an inverse contract; None for all others
    reported: PositionUpdate | None = None
    reported_ns: int = 0  # when that was heard

    @property
    def realized_pnl(self) -> Decimal:
        """Of closed size, before fees and funding."""
        return EXACT.add(self.cash, self.cost)

    @property
    def avg_price(self) -> Decimal | None:
        """Average entry price, rounded for reading; None when flat."""
        if not self.size:
            return None
        if self.contract_size is None:
            return self.cost / self.size
        return -self.size * self.contract_size / self.cost if self.cost else None

    def unrealized(self, price: Decimal | float) -> Decimal:
        """PnL of the open size at a price, exact for a linear position."""
        owed = price if isinstance(price, Decimal) else Decimal(repr(price))
        return EXACT.subtract(self._value(self.size, owed), self.cost)

    # --- written by the Ledger only ---

    def book(self, size: Decimal, cash: Decimal) -> None:
        """Moves a signed size against signed cash, at average cost; what goes through zero closes, then opens."""
        held = self.size
        self.size = EXACT.add(held, size)
        self.cash = EXACT.add(self.cash, cash)
        if held * size >= 0:
            self.cost = EXACT.subtract(self.cost, cash)
        elif self.size == 0:
            self.cost = _ZERO
        elif held * self.size > 0:
            self.cost = _share(self.cost, self.size, held)
        else:
            self.cost = _share(cash, self.size, size).copy_negate()

    def _value(self, size: Decimal, price: Decimal) -> Decimal:
        if self.contract_size is None:
            return EXACT.multiply(size, price)
        return _share(EXACT.multiply(size, self.contract_size), _ONE, price).copy_negate()


class Balance(msgspec.Struct):
    """One asset: `total` starts at the first report and then moves with what was folded; `reported` is the venue's last word."""

    venue: str
    asset: str
    total: Decimal = _ZERO
    available: Decimal | None = None
    reported: BalanceUpdate | None = None

    @property
    def difference(self) -> Decimal:
        """What the venue last reported above what fills, fees and funding explain."""
        return _ZERO if self.reported is None else EXACT.subtract(self.reported.total, self.total)


class LedgerSnapshot(msgspec.Struct, frozen=True):
    """All that a `Ledger` knows."""

    venue: str
    positions: list[Position]
    balances: list[Balance]
    payment_ids: list[str]


class Ledger:
    """Positions and balances of one venue account. The reducer writes, everyone else reads."""

    __slots__ = ("_payment_ids", "balances", "positions", "venue")

    def __init__(self, venue: str) -> None:
        self.venue = venue
        self.positions: dict[str, Position] = {}
        self.balances: dict[str, Balance] = {}
        self._payment_ids: dict[str, None] = {}

    def position(self, symbol: str) -> Position:
        """A flat one where nothing was heard."""
        known = self.positions.get(symbol)
        if known is None:
            known = self.positions[symbol] = Position(self.venue, symbol, fees={})
        return known

    def balance(self, asset: str) -> Balance:
        """An empty one where nothing was heard."""
        known = self.balances.get(asset)
        if known is None:
            known = self.balances[asset] = Balance(self.venue, asset)
        return known

    def filled(self, fill: Fill, instrument: Instrument | None) -> Position:
        """Books a fill; whoever calls sees to it that each comes once. Without an instrument it is taken as linear."""
        position = self.position(fill.symbol)
        if instrument is not None and instrument.inverse:
            position.contract_size = instrument.contract_size
        before = position.realized_pnl
        signed = fill.size if fill.side == "buy" else fill.size.copy_negate()
        cash = position._value(signed, fill.price).copy_negate()
        spot = instrument if instrument is not None and instrument.kind == "spot" else None
        position.book(EXACT.add(signed, fill.fee) if spot and fill.fee_asset == spot.base else signed, cash)
        position.fills += 1
        worth = fill.price if position.contract_size is None else position.contract_size
        position.turnover = EXACT.add(position.turnover, EXACT.multiply(fill.size, worth))
        if fill.fee:
            position.fees[fill.fee_asset] = EXACT.add(position.fees.get(fill.fee_asset, _ZERO), fill.fee)
            self._move(fill.fee_asset, fill.fee)
        if spot is not None:
            self._move(spot.base, signed)
            self._move(spot.quote, cash)
        elif instrument is not None:
            self._move(instrument.settle, EXACT.subtract(position.realized_pnl, before))
        return position

    def funded(self, event: FundingPayment) -> Position:
        """Books a funding payment, each id of a market once: some venues number them by the hour, the same in all markets."""
        position = self.position(event.symbol)
        paid = f"{event.symbol} {event.payment_id}"
        if paid not in self._payment_ids:
            self._payment_ids[paid] = None
            if len(self._payment_ids) > PAYMENT_IDS_KEPT:
                del self._payment_ids[next(iter(self._payment_ids))]
            position.funding = EXACT.add(position.funding, event.amount)
            self._move(event.asset, event.amount)
        return position

    def position_reported(
        self, event: PositionUpdate, instrument: Instrument | None = None, *, opening: bool = False, recv: int = 0
    ) -> Position:
        """Notes what the venue says, an older `version` excepted; nothing folded changes.

        With `opening`, what the venue reports before anything was folded is where the folding starts: bought at the entry price.
        """
        position = self.position(event.symbol)
        reported = position.reported
        if reported is not None and _is_older(event.version, reported.version):
            return position
        if opening and reported is None and not position.fills:
            if instrument is not None and instrument.inverse:
                position.contract_size = instrument.contract_size
            price = event.entry_price or event.mark
            position.book(event.size, position._value(event.size, price).copy_negate() if price else _ZERO)
        position.reported, position.reported_ns = event, recv
        return position

    def position_taken(
        self, event: Reconciled, price: Decimal | None, instrument: Instrument | None = None
    ) -> Position:
        """The venue's size in place of what fills come to; what no fill explains was traded at this price, for want of another.

        At what a position is worth, it changes no PnL: what nobody saw is not judged, what is held from here on is.
        """
        position = self.position(event.symbol)
        if instrument is not None and instrument.inverse:
            position.contract_size = instrument.contract_size
        before, moved = position.realized_pnl, EXACT.subtract(Decimal(event.theirs), position.size)
        at = price or position.avg_price
        position.book(moved, position._value(moved, at).copy_negate() if at else _ZERO)
        if instrument is not None:
            self._move(instrument.settle, EXACT.subtract(position.realized_pnl, before))
        return position

    def balance_reported(self, event: BalanceUpdate) -> Balance:
        """Notes what the venue says; a transfer or an adjustment, which no fill explains, moves the total too."""
        balance = self.balance(event.asset)
        if balance.reported is None:
            balance.total = event.total
        elif event.reason in ("transfer", "adjustment") and event.change is not None:
            balance.total = EXACT.add(balance.total, event.change)
        balance.reported = event
        balance.available = event.available if event.available is not None else balance.available
        return balance

    def dump(self) -> LedgerSnapshot:
        """A copy that later events do not change; neither what was only asked for is part of it, nor the order of asking."""
        positions = _copies(self.positions[symbol] for symbol in sorted(self.positions))
        balances = [copy(self.balances[asset]) for asset in sorted(self.balances)]
        return LedgerSnapshot(
            self.venue,
            [it for it in positions if it != Position(it.venue, it.symbol)],
            [it for it in balances if it != Balance(it.venue, it.asset)],
            list(self._payment_ids),
        )

    @classmethod
    def load(cls, snapshot: LedgerSnapshot) -> Self:
        """A ledger that answers as the dumped one did."""
        ledger = cls(snapshot.venue)
        ledger.positions = {position.symbol: position for position in _copies(snapshot.positions)}
        ledger.balances = {balance.asset: copy(balance) for balance in snapshot.balances}
        ledger._payment_ids = dict.fromkeys(snapshot.payment_ids)
        return ledger

    def _move(self, asset: str, amount: Decimal) -> None:
        balance = self.balance(asset)
        balance.total = EXACT.add(balance.total, amount)


def _share(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """amount * part / whole, rounded to 1e-18 so that sums stay exact."""
    return EXACT.divide(EXACT.multiply(amount, part), whole).quantize(QUANTUM, context=EXACT)


def _is_older(version: int | None, known: int | None) -> bool:
    return version is not None and known is not None and version < known


def _copies(positions: Iterable[Position]) -> Iterator[Position]:
    for position in positions:
        twin = copy(position)
        twin.fees = dict(position.fees)
        yield twin
