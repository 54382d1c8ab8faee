"""An instrument: the one place where a float becomes money, snapped to the venue's grid.

Bids go down, asks go up, sizes go down: what is sent never crosses further and never exceeds what was asked.
"""

from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Self, TypeVar

from state.errors import OffGrid
from state.events import InstrumentDefined
from state.words import InstrumentKind, InstrumentStatus, Side

SNAPPED_KEPT = 1_000  # prices, and as many sizes
_NEAR = 1e-6  # of a step: so near to a multiple only the number's own text says on which side of it it is
_STEPS_MOST = 1e9  # up to here, a quotient of two floats is off by less than that

_Key = TypeVar("_Key", int, float)


def exact(number: float) -> Decimal:
    """The Decimal that a float's shortest text says."""
    return Decimal(repr(number))


@dataclass(frozen=True, slots=True)
class Instrument:
    """The rules of one market, as the venue defined them last."""

    venue: str
    symbol: str
    base: str
    quote: str
    settle: str
    kind: InstrumentKind
    tick: Decimal
    lot: Decimal
    min_size: Decimal
    min_notional: Decimal
    max_size: Decimal | None = None
    contract_size: Decimal = Decimal(1)
    inverse: bool = False
    maker_fee: Decimal | None = None
    taker_fee: Decimal | None = None
    status: InstrumentStatus = "trading"
    sig_figs: int | None = None
    max_decimals: int | None = None
    native: str = ""
    # Snapped lately: who quotes asks for the same few again and again. Prices of the grid by their number of ticks; what is
    # as good as on the grid, and sizes, by the float that they came from.
    _grid: dict[int, Decimal] = field(default_factory=dict, init=False, repr=False, compare=False)
    _bids: dict[float, Decimal] = field(default_factory=dict, init=False, repr=False, compare=False)
    _asks: dict[float, Decimal] = field(default_factory=dict, init=False, repr=False, compare=False)
    _sizes: dict[float, Decimal] = field(default_factory=dict, init=False, repr=False, compare=False)
    _tick: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_tick", float(self.tick))

    @classmethod
    def defined(cls, event: InstrumentDefined) -> Self:
        """Raises `OffGrid` where a grid is not positive: no price could be snapped to it."""
        if event.tick <= 0 or event.lot <= 0:
            raise OffGrid(f"{event.venue} {event.symbol}: tick {event.tick} and lot {event.lot} must be positive")
        return cls(**{each.name: getattr(event, each.name) for each in fields(cls) if each.init})

    def price(self, side: Side, price: float | Decimal) -> Decimal:
        """The nearest price of the grid that is no more aggressive: a buy is rounded down, a sell up."""
        if isinstance(price, Decimal):
            return snap(price, self._step_at(price), up=side == "sell")
        known = self._bids if side == "buy" else self._asks
        owed = known.get(price)
        if owed is not None:
            return owed
        at = price / self._tick
        steps = int(at) if 1 <= at < _STEPS_MOST and self.sig_figs is None else 0
        # Plainly between two prices of the grid: its text need not be asked.
        if steps and _NEAR < at - steps < 1 - _NEAR:
            steps += side == "sell"
            owed = self._grid.get(steps)
            if owed is None:
                owed = Decimal(steps) * self.tick
                _keep(self._grid, steps, owed)
            return owed
        owed = exact(price)
        owed = snap(owed, self._step_at(owed), up=side == "sell")
        _keep(known, price, owed)
        return owed

    def size(self, size: float | Decimal) -> Decimal:
        """The largest size of the grid that is not above `size`."""
        if isinstance(size, Decimal):
            return snap(size, self.lot, up=False)
        owed = self._sizes.get(size)
        if owed is None:
            owed = snap(exact(size), self.lot, up=False)
            _keep(self._sizes, size, owed)
        return owed

    def most(self, size: Decimal) -> Decimal:
        """As much of a size as one order may have."""
        return size if self.max_size is None else min(size, snap(self.max_size, self.lot, up=False))

    def check(self, price: Decimal | None, size: Decimal, *, reduce_only: bool = False) -> None:
        """Raises `OffGrid` where the venue would refuse these numbers; `price` is None for a market order."""
        if not size.is_finite() or size <= 0:
            below = f": below one lot of {self.lot} nothing is left" if not size else ""
            raise self._off(f"size {size} is not positive{below}")
        if size % self.lot:
            raise self._off(f"size {size} is not a multiple of the lot {self.lot}; nearest below {self.size(size)}")
        if size < self.min_size and not reduce_only:
            raise self._off(f"size {size} is below the minimum {self.min_size}")
        if self.max_size is not None and size > self.max_size:
            raise self._off(f"size {size} is above the maximum {self.max_size}")
        if price is None:
            return
        if not price.is_finite() or price <= 0:
            raise self._off(f"price {price} is not positive")
        if price % (self.tick if self.sig_figs is None else self._step_at(price)):
            raise self._off(f"price {price} is not a multiple of the tick {self._step_at(price)}")
        if self.notional(price, size) < self.min_notional and not reduce_only:
            raise self._off(f"notional {self.notional(price, size)} is below the minimum {self.min_notional}")

    def notional(self, price: Decimal, size: Decimal) -> Decimal:
        """Value in quote of `size` base units at `price`; an inverse contract is worth its `contract_size`, at any price."""
        return size * self.contract_size if self.inverse else price * size

    def ticks(self, distance: float | Decimal) -> float:
        """A price distance in ticks."""
        return float(distance) / float(self.tick)

    def _step_at(self, price: Decimal) -> Decimal:
        """The tick, coarser where the venue counts significant figures (Hyperliquid: 5, integers always allowed)."""
        if self.sig_figs is None or price <= 0:
            return self.tick
        return max(self.tick, min(Decimal(1), Decimal(1).scaleb(price.adjusted() - self.sig_figs + 1)))

    def _off(self, text: str) -> OffGrid:
        return OffGrid(f"{self.venue} {self.symbol}: {text}")


def _keep(known: dict[_Key, Decimal], key: _Key, owed: Decimal) -> None:
    if len(known) >= SNAPPED_KEPT:
        known.clear()
    if owed:  # zero has two signs, and equal floats say them
        known[key] = owed


def snap(number: Decimal, step: Decimal, *, up: bool) -> Decimal:
    """A number that is not negative, moved to a multiple of `step`, in the step's own number of decimals."""
    steps, rest = divmod(number, step)  # exact, where a division would round at the 28th digit
    return (steps + 1 if up and rest else steps) * step
