"""What one scope (a strategy, a venue's account, all accounts) holds and has earned, against its bounds."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import NamedTuple, cast

from state.instruments import Instrument, exact
from state.ledger import Ledger, Position
from state.shared import SharedState
from state.valuation import open_notional, open_pnl
from streams.risk.bounds import Bounds

_DAY_NS = 86_400 * 1_000_000_000
_ZERO = Decimal(0)


class Breach(NamedTuple):
    """A rule that is broken: its limit, and the value that broke it."""

    rule: str
    limit: str
    value: str


class Scope:
    """The PnL of ledgers at mids, with its peak and the day's begin; what it is worth now is asked, never kept."""

    def __init__(self, name: str, bounds: Bounds, shared: SharedState, ledgers: Callable[[], Sequence[Ledger]]) -> None:
        self.name = name
        self.bounds = bounds
        self._shared = shared
        self._ledgers = ledgers
        self._peak: Decimal | None = None
        self._day = -1
        self._day_began = _ZERO  # with this PnL

    def loses(self, now_ns: int) -> Breach | None:
        """Looks at the PnL; to be called as prices and positions move."""
        bounds = self.bounds
        if bounds.max_drawdown is None and bounds.max_daily_loss is None:
            return None
        pnl = self.pnl()
        if pnl is None:
            return None
        day = now_ns // _DAY_NS
        if day != self._day:
            self._day, self._day_began = day, pnl
        self._peak = pnl if self._peak is None else max(self._peak, pnl)
        fell, lost = self._peak - pnl, self._day_began - pnl
        if bounds.max_drawdown is not None and fell > bounds.max_drawdown:
            return Breach(f"{self.name}.max_drawdown", str(bounds.max_drawdown), str(fell))
        if bounds.max_daily_loss is not None and lost > bounds.max_daily_loss:
            return Breach(f"{self.name}.max_daily_loss", str(bounds.max_daily_loss), str(lost))
        return None

    def forgive(self) -> None:
        """A person said to go on: drawdown and the day's loss are measured from here."""
        self._peak, self._day = None, -1

    def exceeds(self, venue: str, symbol: str, worst: Decimal) -> Breach | None:
        """What a position of `worst` (base units, unsigned) in one market would break."""
        bounds = self.bounds
        if bounds.max_position_notional is None and bounds.max_portfolio_notional is None:
            return None
        here = self._notional(venue, symbol, worst)
        if bounds.max_position_notional is not None and here > bounds.max_position_notional:
            return Breach(f"{self.name}.max_position_notional", str(bounds.max_position_notional), str(here))
        if bounds.max_portfolio_notional is not None:
            others = sum(
                (
                    open_notional(position, self._shared.market(position.venue, position.symbol))
                    for position in self._positions()
                    if position.size and (position.venue, position.symbol) != (venue, symbol)
                ),
                _ZERO,
            )
            if here + others > bounds.max_portfolio_notional:
                limit = str(bounds.max_portfolio_notional)
                return Breach(f"{self.name}.max_portfolio_notional", limit, str(here + others))
        return None

    def pnl(self) -> Decimal | None:
        """Realized, unrealized (`open_pnl`), fees in the settling asset, funding; None while a position has no price yet."""
        total = _ZERO
        for position in self._positions():
            market = self._shared.market(position.venue, position.symbol)
            unrealized = open_pnl(position, market)
            if unrealized is None:
                return None
            total += position.realized_pnl + position.funding + _fees(position, market.instrument) + unrealized
        return total

    def _positions(self) -> list[Position]:
        return [position for ledger in self._ledgers() for position in ledger.positions.values()]

    def _notional(self, venue: str, symbol: str, size: Decimal) -> Decimal:
        market = self._shared.market(venue, symbol)
        if not size or not market.book.is_ok:
            return _ZERO  # nothing is added to a market that nobody sees: the gate says so
        price = exact(market.book.mid)
        return market.instrument.notional(price, size) if market.instrument is not None else price * size

    def dump(self) -> tuple[Decimal | None, int, Decimal]:
        return self._peak, self._day, self._day_began

    def load(self, state: object, /) -> None:
        self._peak, self._day, self._day_began = cast("tuple[Decimal | None, int, Decimal]", state)


def _fees(position: Position, instrument: Instrument | None) -> Decimal:
    asset = instrument.settle if instrument is not None else ""
    return position.fees.get(asset, _ZERO) if asset else sum(position.fees.values(), _ZERO)
