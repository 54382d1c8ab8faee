"""What a session earned, split into what it earned it by, and the courses of quotes, fills and inventory over its time.

A fill's spread is what it was better than the middle of the book at that moment; inventory is what is left of the trading
PnL when that is taken away. Spread, inventory, fees, rebates and funding add up to the whole, to the last digit.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Final

from state.events import Blocked, FeedStatus, Fill, FundingPayment, InstrumentDefined, Rejected
from state.instruments import Instrument, exact
from state.market import Market
from state.record import Record
from state.reducer import Reducer
from state.shared import SharedState
from state.words import sign

_ZERO: Final = Decimal(0)
_DISTRUSTED: Final = frozenset({"stale", "gap", "down", "banned"})
POINTS_MOST: Final = 2_000  # of a course over time


@dataclass(slots=True)
class Profit:
    """One market, in `asset`; each part is positive where it was earned, fees never are."""

    asset: str = ""
    spread: Decimal = _ZERO
    inventory: Decimal = _ZERO
    fees: Decimal = _ZERO
    rebates: Decimal = _ZERO
    funding: Decimal = _ZERO
    unseen: int = 0  # fills at a moment without a book: all of what they earned is inventory
    elsewhere: dict[str, Decimal] = field(default_factory=dict)  # fees and rebates in other assets, which no sum holds
    unpriced: Decimal = _ZERO  # size that is still held where no book says what it is worth: it counts at its cost

    @property
    def total(self) -> Decimal:
        return self.spread + self.inventory + self.fees + self.rebates + self.funding


@dataclass(slots=True)
class Point:
    """Touch, own best quotes and position of a market at a moment (ns)."""

    at: int
    bid: float | None
    ask: float | None
    own_bid: float | None
    own_ask: float | None
    position: float


@dataclass(slots=True)
class Course:
    """One market over time; `fills` are time, side, price, size, and whether as maker."""

    points: list[Point] = field(default_factory=list)
    fills: list[tuple[int, str, float, float, bool | None]] = field(default_factory=list)

    @property
    def is_ours(self) -> bool:
        """True where the session quoted, traded or held anything."""
        seen = (point.own_bid is not None or point.own_ask is not None or point.position for point in self.points)
        return bool(self.fills) or any(seen)


@dataclass(slots=True)
class Gaps:
    """When the book of a market was not to be trusted: how often, for how long in all (ns), and since when (0: it is)."""

    count: int = 0
    lasted: int = 0
    since: int = 0

    def heard(self, status: str, recv: int) -> None:
        if self.since and status == "ok":
            self.lasted, self.since = self.lasted + recv - self.since, 0
        elif not self.since and status in _DISTRUSTED:
            self.count, self.since = self.count + 1, recv


@dataclass(slots=True)
class Account:
    """Everything of one session, by venue and symbol."""

    profits: dict[tuple[str, str], Profit] = field(default_factory=dict)
    courses: dict[tuple[str, str], Course] = field(default_factory=dict)
    refusals: dict[tuple[str, str, str], int] = field(default_factory=dict)  # venue, code, text -> count
    blocked: dict[tuple[str, str], int] = field(default_factory=dict)  # venue, rule of risk -> count
    gaps: dict[tuple[str, str], Gaps] = field(default_factory=dict)  # of the books
    opened: int = 0
    closed: int = 0


def account_for(
    records: Iterable[Record], opened: int, closed: int, progress: Callable[[int], None] | None = None
) -> Account:
    """Folds a session once. Positions that it began with count from the price that the venue named."""
    found = Account(opened=opened, closed=closed)
    shared = SharedState()
    apply = Reducer(shared).apply
    every = max(1, (closed - opened) // POINTS_MOST)
    due = opened
    seen: set[tuple[str, str, str, str]] = set()
    told: dict[tuple[str, str], None] = {}  # markets of which more was said than their rules: a venue lists hundreds
    rest = iter(records)
    while block := list(islice(rest, 4096)):
        for record in block:
            event = record.event
            if isinstance(event, Fill):
                fill = (event.venue, event.symbol, event.side, event.fill_id)
                if fill not in seen:
                    seen.add(fill)
                    _filled(found, shared, event, record.recv)
            elif isinstance(event, FundingPayment):
                _profit(found, shared.market(event.venue, event.symbol))
            elif isinstance(event, Rejected):
                text = event.text.replace(event.client_id, "…") if event.client_id else event.text
                key = (event.venue, event.code, text)  # the same words of many orders are one line
                found.refusals[key] = found.refusals.get(key, 0) + 1
            elif isinstance(event, FeedStatus) and event.channel == "book":
                found.gaps.setdefault((event.venue, event.symbol), Gaps()).heard(event.status, record.recv)
            elif isinstance(event, Blocked):
                found.blocked[event.venue, event.rule] = found.blocked.get((event.venue, event.rule), 0) + 1
            apply(record)
            if event.symbol and not isinstance(event, InstrumentDefined):
                told[event.venue, event.symbol] = None
            if record.recv >= due:
                _look(found, shared, told, record.recv)
                due = record.recv + every
            elif isinstance(event, Fill):
                _look(found, shared, ((event.venue, event.symbol),), record.recv)
        if progress is not None:
            progress(len(block))
    for gaps in found.gaps.values():
        gaps.heard("ok", shared.now)  # nothing is said after the end
    _look(found, shared, told, shared.now)
    _settle(found, shared)
    return found


def _profit(found: Account, market: Market) -> Profit:
    profit = found.profits.setdefault((market.venue, market.symbol), Profit())
    if market.instrument is not None and not profit.asset:
        profit.asset = market.instrument.settle or market.instrument.quote
    return profit


def _filled(found: Account, shared: SharedState, fill: Fill, recv: int) -> None:
    market = shared.market(fill.venue, fill.symbol)
    profit = _profit(found, market)
    course = found.courses.setdefault((fill.venue, fill.symbol), Course())
    course.fills.append((recv, fill.side, float(fill.price), float(fill.size), fill.maker))
    _charge(profit, market.instrument, fill)
    if not market.book.is_ok:
        profit.unseen += 1
        return
    profit.spread += _gained(market.instrument, exact(market.book.mid), fill)


def _charge(profit: Profit, instrument: Instrument | None, fill: Fill) -> None:
    if fill.fee_asset == profit.asset:
        if fill.fee < 0:
            profit.fees += fill.fee
        else:
            profit.rebates += fill.fee
    elif fill.fee and not (instrument is not None and instrument.kind == "spot" and fill.fee_asset == instrument.base):
        # A spot fee in the base asset is size that never came: inventory has it.
        profit.elsewhere[fill.fee_asset] = profit.elsewhere.get(fill.fee_asset, _ZERO) + fill.fee


def _gained(instrument: Instrument | None, mid: Decimal, fill: Fill) -> Decimal:
    """What a fill is worth at once against the middle."""
    signed = fill.size * sign(fill.side)
    if instrument is not None and instrument.inverse:
        return signed * instrument.contract_size * (1 / fill.price - 1 / mid)
    return signed * (mid - fill.price)


def _settle(found: Account, shared: SharedState) -> None:
    """Inventory is what trading earned besides the spread."""
    for venue, account in shared.accounts.items():
        for symbol, position in account.ledger.positions.items():
            market = shared.market(venue, symbol)
            if not (position.fills or position.funding or position.size):
                continue
            profit = _profit(found, market)
            profit.funding = position.funding
            traded = position.realized_pnl
            if position.size and all(market.book.levels()):
                traded += position.unrealized(market.book.mid)
            else:
                profit.unpriced = position.size
            profit.inventory = traded - profit.spread


def _look(found: Account, shared: SharedState, markets: Iterable[tuple[str, str]], now: int) -> None:
    for venue, symbol in markets:
        market, account = shared.market(venue, symbol), shared.accounts.get(venue)
        quotes: dict[str, list[float]] = {"buy": [], "sell": []}
        for order in () if account is None else account.orders.working(symbol):
            rests = order.status in ("open", "partially_filled") and order.tif in ("gtc", "post_only")
            if order.price is not None and rests:
                quotes[order.side].append(float(order.price))
        position = None if account is None else account.ledger.positions.get(symbol)
        book, shown = market.book, market.book.is_ok
        if not (shown or quotes["buy"] or quotes["sell"] or position or (venue, symbol) in found.courses):
            continue
        found.courses.setdefault((venue, symbol), Course()).points.append(
            Point(
                now,
                book.bid if shown else None,
                book.ask if shown else None,
                max(quotes["buy"], default=None),
                min(quotes["sell"], default=None),
                0.0 if position is None else float(position.size),
            )
        )
