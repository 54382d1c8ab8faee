"""What a strategy may not exceed, and whether its quotes could ever be within it."""

from decimal import Decimal
from typing import Protocol, runtime_checkable

import msgspec

from state.errors import ConfigurationError, OffGrid
from state.instruments import Instrument


class RiskLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A limit left out does not hold anything. Sizes in base units (contracts where inverse), notional in quote.

    Position limits speak of the account's position in the market of the intent, open orders of the strategy's in that
    market, messages of all that the strategy sends.
    """

    max_order_size: Decimal | None = None
    max_order_notional: Decimal | None = None
    max_position: Decimal | None = None
    max_open_orders: int | None = None
    max_messages_per_s: int | None = None
    price_collar_bps: float | None = None  # distance of a price from the book's mid
    max_book_age_s: float | None = None  # since the last change of the book

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            limit = getattr(self, name)
            if limit is not None and not 0 < limit < float("inf"):
                raise ConfigurationError(f"risk.{name} must be above zero and finite, not {limit}")


@runtime_checkable
class Quoting(Protocol):
    """What a strategy's parameters say of the quotes they lead to."""

    @property
    def order_size(self) -> Decimal:
        """Size of one order, base units."""
        ...

    @property
    def order_count(self) -> int:
        """Orders in the market at once."""
        ...

    @property
    def furthest_bps(self) -> float:
        """Where the furthest level stands when the ladder is at its narrowest, from the mid."""
        ...


def check_feasible(quoting: Quoting, limits: RiskLimits, instrument: Instrument | None = None) -> None:
    """Raises `ConfigurationError` where some quotes could never leave: by the limits, or by the venue's rules once known."""
    size = quoting.order_size
    _above("max_order_size", limits.max_order_size, "the order size", size)
    _above("max_position", limits.max_position, "the order size", size)
    _above("max_open_orders", limits.max_open_orders, "the number of quotes", quoting.order_count)
    _above("price_collar_bps", limits.price_collar_bps, "the distance of the furthest level", quoting.furthest_bps)
    if instrument is None:
        return
    where = f"{instrument.venue} {instrument.symbol}"
    for name in ("max_order_size", "max_position"):
        limit: Decimal | None = getattr(limits, name)
        if limit is not None and limit < max(instrument.lot, instrument.min_size):
            raise ConfigurationError(f"risk.{name} {limit} is below the least order of {where}: it could never quote")
    try:
        instrument.check(None, instrument.size(size))
    except OffGrid as error:
        raise ConfigurationError(f"an order of {size} could never be placed: {error}") from error
    if limits.max_order_notional is not None and limits.max_order_notional < instrument.min_notional:
        raise ConfigurationError(
            f"risk.max_order_notional {limits.max_order_notional} is below the minimum {instrument.min_notional} of {where}"
        )


def _above(name: str, limit: Decimal | float | None, what: str, value: Decimal | float) -> None:
    if limit is not None and value > limit:
        raise ConfigurationError(f"{what}, {value}, is beyond risk.{name} {limit}: it could never quote")
