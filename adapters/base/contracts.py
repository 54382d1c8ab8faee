"""What a contract is worth where a venue counts in them: sizes are base units beyond the adapter, contracts on its wire.

A contract that is worth money and not base units, an inverse one, is counted in contracts everywhere: its `units` are 1.
"""

from decimal import Decimal

from adapters.base.channel import Channel
from state.errors import WrongUse
from state.events import AnyEvent

_NEAR = 1e-7  # of a step: what a float may be off, and no text of so few digits is


class Contract:
    """Of one market; `units` of its base is one. Mutable, since who reads frames holds on to it and learns of it later."""

    __slots__ = ("_down", "_many", "_up", "is_known", "is_plain", "symbol", "units")

    def __init__(self, symbol: str, units: Decimal, lot: Decimal = Decimal(1), *, is_known: bool = True) -> None:
        self.symbol = symbol
        self.units = units
        self.learn(units, lot)
        self.is_known = is_known

    def learn(self, units: Decimal, lot: Decimal) -> None:
        """How much one is, and in what steps they come."""
        if units != self.units:
            self.units = units  # the same object for as long as it is the same: a book looks at that
        self.is_plain = units == 1
        self.is_known = True
        # A whole number of steps times `_many`, divided by `_down`, is the nearest float: both are whole numbers.
        decimals = max(-int(lot.normalize().as_tuple().exponent), 0)
        shift = max(-int(units.normalize().as_tuple().exponent), 0)
        self._up = 10.0**decimals
        self._many = int(units.scaleb(shift))
        self._down = int(Decimal(1).scaleb(decimals + shift))

    def base(self, contracts: float) -> float:
        """Base units of an observed number of contracts, as exact as if the texts had been multiplied."""
        if self.is_plain:
            return contracts
        steps = contracts * self._up
        whole = round(steps)
        if -_NEAR < steps - whole < _NEAR:
            return whole * self._many / self._down
        return float(Decimal(repr(contracts)) * self.units)

    def owed(self, contracts: Decimal) -> Decimal:
        """Base units of money."""
        return contracts if self.is_plain else contracts * self.units

    def count(self, size: Decimal) -> Decimal:
        """How many contracts a size is; raises `WrongUse` where that is no number of them, or where nobody knows."""
        if not self.is_known:
            raise WrongUse(f"the contract size of {self.symbol} is not known: it stands in the venue's instruments")
        if self.is_plain:
            return size
        contracts = (size / self.units).normalize()
        if contracts * self.units != size:
            raise WrongUse(f"{self.symbol}: {size} is no number of contracts of {self.units}")
        return contracts


class Counted(Channel):
    """A topic whose sizes are contracts: good only where it is known how much one is."""

    __slots__ = ("contract",)

    def __init__(self, venue: str, topic: str, symbol: str, contract: Contract) -> None:
        super().__init__(venue, topic, symbol)
        self.contract = contract

    def trust(self) -> list[AnyEvent]:
        return super().trust() if self.contract.is_known else []
