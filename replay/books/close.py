"""Folds what was traded and paid and sets it against every position and balance that the venues reported. Streams.

Instruments and the marks of open positions come from the state at the session's end; everything else from the journal,
which audit holds against the blocks. Position and balances are folded here anew, not taken from the state's ledger: the two
are to agree, and neither is asked for the other.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from replay.books.accounts import BALANCE_TOLERANCE, AssetAccount, MarketAccount, ToldOrder
from replay.books.executed import quoted
from replay.books.facts import ClosedBooks, Finding, MarketLine
from replay.books.lots import Method
from replay.books.naming import Named, OrderGap, name_balance, name_position
from replay.books.series import Movement, Report, Residual
from replay.journaled import journaled
from replay.rebuild import rebuild
from state.events import AnyEvent, BalanceUpdate, FeedStatus, Fill, FundingPayment, OrderUpdate, PositionUpdate
from state.instruments import exact
from state.ledger import EXACT
from state.log import Log
from state.record import Record
from state.shared import SharedState

FILL_IDS_KEPT = 100_000
ORDERS_KEPT = 10_000
PRICE_TOLERANCE = Decimal("1e-6")  # relative; venues round what they say of an average
ZERO = Decimal(0)
_Key = TypeVar("_Key")
_READ: tuple[type[AnyEvent], ...] = (Fill, FundingPayment, PositionUpdate, BalanceUpdate, OrderUpdate, FeedStatus)


class Books:
    """Takes records in order, then closes."""

    def __init__(self, shared: SharedState, method: Method = "average") -> None:
        self._shared = shared
        self._method = method
        self._markets: dict[tuple[str, str], MarketAccount] = {}
        self._assets: dict[tuple[str, str], AssetAccount] = {}
        self._ready: set[str] = set()
        self._fill_ids: dict[tuple[str, str, str, str], None] = {}
        self._payments: dict[tuple[str, str, str], None] = {}
        self._orders: dict[tuple[str, str], ToldOrder] = {}
        self._findings: list[Finding] = []
        self._tainted: list[tuple[MarketAccount, Residual, Named]] = []  # markets whose cost is not known any more

    def read(self, record: Record) -> None:
        event = record.event
        if isinstance(event, Fill):
            self._fill(record, event)
        elif isinstance(event, FundingPayment):
            self._funding(record, event)
        elif isinstance(event, PositionUpdate):
            self._position(record, event)
        elif isinstance(event, BalanceUpdate):
            self._balance(record, event)
        elif isinstance(event, OrderUpdate):
            self._order(record, event)
        elif isinstance(event, FeedStatus) and event.channel == "account" and event.status == "ok":
            self._ready.add(event.venue)

    # --- what moves ---

    def _fill(self, record: Record, event: Fill) -> None:
        key = (event.venue, event.symbol, event.side, event.fill_id)
        if key in self._fill_ids:
            return
        _remember(self._fill_ids, key)
        market = self._market(event.venue, event.symbol)
        signed = event.size if event.side == "buy" else -event.size
        self._count(market, event)
        told = self._told(event)
        told.side, told.filled = event.side, told.filled + event.size
        instrument = market.instrument
        spot = instrument if instrument is not None and instrument.kind == "spot" else None
        cash = market.average.value(signed, event.price).copy_negate()
        held = EXACT.add(signed, event.fee) if spot is not None and event.fee_asset == spot.base else signed
        before = market.average.realized
        market.average.trade(held, event.price, record.seq, record.recv, event.fee, cash)
        if market.lots is not market.average:
            market.lots.trade(held, event.price, record.seq, record.recv, event.fee, cash)
        pnl = EXACT.subtract(market.average.realized, before)
        market.series.move(Movement(record.seq, record.recv, "fill", held, event.fill_id, event.symbol))
        parts: dict[str, tuple[Decimal, Decimal, Decimal]] = {}  # asset -> traded, pnl, fee
        if spot is not None:
            parts = {spot.base: (signed, ZERO, ZERO), spot.quote: (cash, ZERO, ZERO)}
        else:
            parts = {market.line.settle or event.fee_asset: (ZERO, pnl, ZERO)}
        traded, made, _ = parts.get(event.fee_asset, (ZERO, ZERO, ZERO))
        parts[event.fee_asset] = (traded, made, event.fee)
        for asset, (traded, made, fee) in parts.items():
            cost = EXACT.subtract(cash, pnl) if spot is None and asset == market.line.settle else ZERO
            self._move_fill(record, event, asset, traded, made, fee, cost)

    def _move_fill(
        self, record: Record, event: Fill, asset: str, traded: Decimal, pnl: Decimal, fee: Decimal, cost: Decimal
    ) -> None:
        known = self._asset(event.venue, asset)
        line = known.line
        line.traded, line.realized_pnl = line.traded + traded, line.realized_pnl + pnl
        line.fees, line.rebates = line.fees + min(fee, ZERO), line.rebates + max(fee, ZERO)
        amount = EXACT.add(EXACT.add(traded, pnl), fee)
        known.series.move(
            Movement(record.seq, record.recv, "fill", amount, event.fill_id, event.symbol, fee, pnl, cost)
        )

    def _count(self, market: MarketAccount, event: Fill) -> None:
        line = market.line
        line.fills += 1
        line.bought += event.size if event.side == "buy" else ZERO
        line.sold += event.size if event.side == "sell" else ZERO
        line.turnover += quoted(market.instrument, event.price, event.size)
        if event.fee:
            to = line.fees if event.fee < 0 else line.rebates
            to[event.fee_asset] = to.get(event.fee_asset, ZERO) + event.fee
        if event.realized_pnl is not None:
            line.reported_realized_pnl = (line.reported_realized_pnl or ZERO) + event.realized_pnl

    def _funding(self, record: Record, event: FundingPayment) -> None:
        key = (event.venue, event.symbol, event.payment_id)
        if key in self._payments:
            return
        _remember(self._payments, key)
        market, known = self._market(event.venue, event.symbol), self._asset(event.venue, event.asset)
        market.line.funding[event.asset] = market.line.funding.get(event.asset, ZERO) + event.amount
        known.line.funding += event.amount
        moved = Movement(record.seq, record.recv, "funding", event.amount, event.payment_id, event.symbol)
        known.series.move(moved)
        if event.rate and event.size and event.amount and (event.rate > 0) == (event.amount * event.size > 0):
            text = f"a rate of {event.rate:f} on {event.size:f} is paid by the other side than {event.amount:f} says"
            named = Named("wrong funding sign", text, (record.seq,))
            self._find(record.seq, event.venue, event.asset, -2 * event.amount, named)

    # --- what is reported ---

    def _position(self, record: Record, event: PositionUpdate) -> None:
        market = self._market(event.venue, event.symbol)
        if event.version is not None and market.version is not None and event.version < market.version:
            return
        market.version = event.version
        series = market.series
        if not series.reports and not market.line.fills and event.venue not in self._ready:
            self._open_position(record, market, event)
        series.report(Report(record.seq, record.recv, event.size))
        if event.entry_price and event.size == market.average.size and event.size:
            self._check_average(record, market, event.entry_price)

    def _open_position(self, record: Record, market: MarketAccount, event: PositionUpdate) -> None:
        market.line.opening = event.size
        market.series.begin(event.size)
        price = event.entry_price or event.mark
        for lots in {id(lots): lots for lots in (market.average, market.lots)}.values():
            if event.size:
                cash = None if price else ZERO
                lots.trade(event.size, price or ZERO, record.seq, record.recv, cash=cash)

    def _check_average(self, record: Record, market: MarketAccount, told: Decimal) -> None:
        ours = market.average.average
        exponent = told.as_tuple().exponent
        digit = Decimal(1).scaleb(exponent) if isinstance(exponent, int) else ZERO
        if ours is None or abs(ours - told) <= max(PRICE_TOLERANCE * told, digit):
            return
        market.off_average += 1
        if market.off_average == 1:
            text = f"the venue's average price is {told:f}, the fills' {ours:f}"
            line = market.line
            self._findings.append(
                Finding(record.seq, line.venue, line.symbol, "average price", told - ours, text, (record.seq,), False)
            )

    def _balance(self, record: Record, event: BalanceUpdate) -> None:
        known = self._asset(event.venue, event.asset)
        series = known.series
        change = event.change
        if known.line.opening is None:
            known.line.opening = EXACT.subtract(event.total, series.value)
            series.begin(event.total)
        elif change is not None and event.reason in ("transfer", "adjustment"):
            known.line.transfers += change
            series.move(Movement(record.seq, record.recv, "transfer", change, event.reason))
        series.report(Report(record.seq, record.recv, event.total, event.reason or "", change))

    def _order(self, record: Record, event: OrderUpdate) -> None:
        if event.filled is None or not (event.client_id or event.order_id):
            return
        told = self._told(event)
        told.told = max(told.told or ZERO, event.filled)
        told.side, told.seq = event.side or told.side, record.seq

    # --- the end ---

    def close(self, session: str) -> ClosedBooks:
        """What everything comes to."""
        gaps = [gap for told in self._orders.values() if (gap := told.gap()) is not None]
        named: set[tuple[str, str]] = set()
        for known in self._assets.values():
            known.series.close()
        for market in self._markets.values():
            market.series.close()
            mine = [gap for gap in gaps if (gap.venue, gap.symbol) == (market.line.venue, market.line.symbol)]
            for residual in market.series.residuals:
                name = name_position(residual, mine, market.multipliers, self._denial(market))
                named.update((gap.venue, gap.client_id) for gap in mine if gap.seq in name.seqs)
                self._tainted.append((market, residual, name))
                self._told_residual(market.line.venue, market.line.symbol, residual, name)
            self._close_market(market)
        for gap in gaps:
            if (gap.venue, gap.client_id) not in named:
                self._find_gap(gap)
        for known in self._assets.values():
            for residual in known.series.residuals:
                self._told_residual(known.line.venue, known.line.asset, residual, self._named_balance(known, residual))
            _close_asset(known)
        every = [*(it.series for it in self._markets.values()), *(it.series for it in self._assets.values())]
        transient = sum(len(series.transient) for series in every)
        self._findings.sort(key=_seq_of)
        markets = [self._markets[key].line for key in sorted(self._markets)]
        assets = [self._assets[key].line for key in sorted(self._assets)]
        return ClosedBooks(session, self._method, markets, assets, self._findings, transient)

    def _denial(self, market: MarketAccount) -> Callable[[Movement], bool]:
        """Whether the settling balance did not move by a fill either; where nobody reports it, nothing speaks against that."""
        known = self._assets.get((market.line.venue, market.line.settle))

        def denies(fill: Movement) -> bool:
            if known is None or known.series.reports < 2:
                return True
            for residual in known.series.residuals:
                same = next((move for move in residual.moves if move.seq == fill.seq), None)
                if same is not None and abs(residual.amount + same.amount) <= BALANCE_TOLERANCE * len(residual.moves):
                    return True
            return False

        return denies

    def _named_balance(self, known: AssetAccount, residual: Residual) -> Named:
        venue = known.line.venue
        multipliers = {symbol: it.multipliers for (at, symbol), it in self._markets.items() if at == venue}
        named = name_balance(residual, multipliers, BALANCE_TOLERANCE * (len(residual.moves) + 1))
        for market, of_position, fault in self._tainted:
            if market.line.venue != venue or market.line.settle != known.line.asset:
                continue
            same = next((move for move in residual.moves if move.seq in fault.seqs and move.kind == "fill"), None)
            if fault.fault == "doubled fill" and same is not None and residual.amount == -same.amount:
                return Named(fault.fault, f"the balance did not move by fill {same.name} either", fault.seqs)
            if named.fault == "unexplained" and _follows(residual, of_position, market.line.symbol):
                text = f"{residual.amount:f} of PnL and fees follows from the {fault.fault} told at {of_position.report.seq}"
                return Named(fault.fault, text, (residual.report.seq, *fault.seqs))
        return named

    def _close_market(self, market: MarketAccount) -> None:
        line, series = market.line, market.series
        line.size = market.average.size
        line.avg_price = market.lots.average
        line.realized_pnl = market.lots.realized
        line.mark = self._mark(line)
        line.unrealized_pnl = market.lots.unrealized(line.mark) if line.mark else (ZERO if not line.size else None)
        line.reported = series.last.value if series.last is not None else None
        line.reports, line.fitted, line.residual = series.reports, series.fitted, series.residual

    def _mark(self, line: MarketLine) -> Decimal | None:
        known = self._shared.market(line.venue, line.symbol)
        if known.ticker is not None and known.ticker.mark:
            return exact(known.ticker.mark)
        if known.book.is_ok:
            return exact(known.book.mid)
        told = self._shared.account(line.venue).ledger.position(line.symbol).reported
        return told.mark if told is not None else None

    def _find_gap(self, gap: OrderGap) -> None:
        fault: Named
        less = gap.filled < gap.told
        text = f"order {gap.client_id} was told filled {gap.told:f}, its fills come to {gap.filled:f}"
        fault = Named("missing fill" if less else "doubled fill", text, (gap.seq,))
        self._find(gap.seq, gap.venue, gap.symbol, gap.missing, fault)

    def _told_residual(self, venue: str, what: str, residual: Residual, named: Named) -> None:
        twice = any(found.fault == named.fault and set(found.seqs) & set(named.seqs) for found in self._findings)
        if not (twice and named.fault == "wrong funding sign"):  # its own rate told it before
            self._find(residual.report.seq, venue, what, residual.amount, named)

    def _find(self, seq: int, venue: str, what: str, amount: Decimal, named: Named) -> None:
        explained = named.fault == "explained"
        self._findings.append(Finding(seq, venue, what, named.fault, amount, named.text, named.seqs, explained))

    # --- lookup ---

    def _market(self, venue: str, symbol: str) -> MarketAccount:
        known = self._markets.get((venue, symbol))
        if known is None:
            instrument = self._shared.market(venue, symbol).instrument
            known = self._markets[venue, symbol] = MarketAccount(venue, symbol, instrument, self._method)
        return known

    def _asset(self, venue: str, asset: str) -> AssetAccount:
        known = self._assets.get((venue, asset))
        if known is None:
            known = self._assets[venue, asset] = AssetAccount(venue, asset)
        return known

    def _told(self, event: Fill | OrderUpdate) -> ToldOrder:
        name = event.client_id or event.order_id or ""
        if event.client_id and event.order_id and (event.venue, event.order_id) in self._orders:
            self._orders[event.venue, name] = self._orders.pop((event.venue, event.order_id))
        told = self._orders.get((event.venue, name))
        if told is None:
            told = self._orders[event.venue, name] = ToldOrder(event.venue, event.symbol, name)
            if len(self._orders) > ORDERS_KEPT:
                self._forget_an_order()
        return told

    def _forget_an_order(self) -> None:
        """The oldest whose fills add up; the oldest of all where none does."""
        even = (key for key, told in self._orders.items() if told.gap() is None)
        del self._orders[next(even, next(iter(self._orders)))]


def close_books(
    log: Log, session: str, method: Method = "average", progress: Callable[[int], None] | None = None
) -> ClosedBooks:
    """Reads a session's journal once; raises what reading the log raises."""
    row = log.find(session)
    books = Books(rebuild(log, row.id), method)
    for record in journaled(log, row.id, _READ):
        books.read(record)
        if progress is not None:
            progress(record.seq)
    return books.close(row.id)


def _close_asset(known: AssetAccount) -> None:
    line, series = known.line, known.series
    line.closing = series.value
    line.rounding = series.rounding
    line.residuals = sum((residual.amount for residual in series.residuals), ZERO)
    line.reported = series.last.value if series.last is not None else None
    line.reports, line.fitted, line.residual = series.reports, series.fitted, series.residual


def _follows(residual: Residual, of_position: Residual, symbol: str) -> bool:
    """True for a balance that was told over the same time as a position was off, or moved by fills since."""
    at_once = residual.since <= of_position.report.seq and of_position.since <= residual.report.seq
    since = residual.report.seq > of_position.since and any(move.symbol == symbol for move in residual.moves)
    return at_once or since


def _seq_of(finding: Finding) -> int:
    return finding.seq


def _remember(known: dict[_Key, None], key: _Key) -> None:
    known[key] = None
    if len(known) > FILL_IDS_KEPT:
        del known[next(iter(known))]
