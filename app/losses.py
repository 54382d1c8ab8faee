"""The most that a session may lose: looked at from outside of every strategy, and the session's end when it is reached."""

from collections.abc import Mapping
from decimal import Decimal

from state.errors import ConfigurationError
from state.shared import SharedState
from state.valuation import open_pnl

_ZERO = Decimal(0)


class LossWatch:
    """PnL by settling asset against limits, measured from the first look at which every open position had a price.

    What counts is realized, unrealized (`open_pnl`), fees in the settling asset, and funding, of all accounts together.
    """

    def __init__(self, limits: Mapping[str, Decimal]) -> None:
        self._limits = limits
        self._began: dict[str, Decimal] = {}

    def require_known(self, shared: SharedState) -> None:
        """Raises `ConfigurationError` for a limit in an asset in which nothing settles: it would never be reached."""
        settling = {market.instrument.settle for market in shared.markets.values() if market.instrument is not None}
        for asset in self._limits:
            if asset not in settling:
                raise ConfigurationError(
                    f"max_loss of {asset}: nothing that is followed settles in it, only in {', '.join(sorted(settling))}"
                )

    def look(self, shared: SharedState) -> str | None:
        """Which limit is exceeded, in words; None while none is, or while a position has no price yet."""
        for asset, limit in self._limits.items():
            pnl = pnl_in(asset, shared)
            if pnl is None:
                continue
            lost = self._began.setdefault(asset, pnl) - pnl
            if lost > limit:
                return f"lost {lost:f} {asset}, and may lose {limit:f}"
        return None


def pnl_in(asset: str, shared: SharedState) -> Decimal | None:
    """What all positions that settle in this asset have come to; None while an open one has no price yet."""
    total = _ZERO
    for account in shared.accounts.values():
        for position in account.ledger.positions.values():
            market = shared.market(position.venue, position.symbol)
            if market.instrument is None or market.instrument.settle != asset:
                continue
            unrealized = open_pnl(position, market)
            if unrealized is None:
                return None
            total += position.realized_pnl + position.funding + position.fees.get(asset, _ZERO) + unrealized
    return total
