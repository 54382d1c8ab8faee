"""Limits of a desk: of orders, of what is held in one market and in all, and of what may be lost."""

from decimal import Decimal
from typing import Literal

import msgspec

from state.errors import ConfigurationError
from state.words import RiskState
from streams.risk.limits import RiskLimits


class Bounds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of one scope, in the quote currency (one for all its markets). A limit left out does not hold anything."""

    max_position_notional: Decimal | None = None  # in one market, should all orders of a side fill
    max_portfolio_notional: Decimal | None = None  # sum over markets, long and short alike
    max_drawdown: Decimal | None = None  # from the best PnL since the session, or a person, began
    max_daily_loss: Decimal | None = None  # since midnight UTC, or the session's begin on its first day

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            limit = getattr(self, name)
            if limit is not None and not 0 < limit < Decimal("inf"):
                raise ConfigurationError(f"risk.{name} must be above zero and finite, not {limit}")


class DeskLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All limits of one strategy's way to the venues; `venues` by name, for the whole account at each."""

    orders: RiskLimits = RiskLimits()
    strategy: Bounds = Bounds()  # of what this strategy did alone
    venues: dict[str, Bounds] = {}
    total: Bounds = Bounds()  # of all accounts together
    on_loss: Literal["reducing_only", "halted"] = "reducing_only"
    prevent_self_cross: bool = True


class LimitsWord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The payload of the command `limits`: what holds from here on; for one strategy, or for each where none is named."""

    limits: DeskLimits
    strategy: str = ""


class StateWord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The payload of the command `risk`: the state from here on; for one strategy, or for each where none is named."""

    state: RiskState
    reason: str = "at a person's word"
    strategy: str = ""
