"""The state's only writer: one record in, the changed views out. No clock, no log, no venue name."""

from collections.abc import Callable, Container, Iterable
from typing import TypeAlias

from state.errors import WrongUse
from state.events import (
    Accepted,
    AmendOrder,
    AnyEvent,
    BalanceUpdate,
    Blocked,
    BookDelta,
    BookOrder,
    BookSnapshot,
    CancelAll,
    CancelOrder,
    Candle,
    Command,
    CommandRefused,
    FeedStatus,
    Fill,
    FundingPayment,
    Halted,
    InstrumentDefined,
    Liquidation,
    OrderUpdate,
    ParametersChanged,
    PlaceOrder,
    PositionUpdate,
    Reconciled,
    Rejected,
    RiskChanged,
    SessionClosed,
    SessionOpened,
    Signal,
    StrategyFailed,
    Tick,
    Ticker,
    Trade,
    Unknown,
)
from state.ledger import Balance, Position
from state.orders import Order, WorkingOrders
from state.record import Record
from state.session_events import TAKEN
from state.shared import Account, RiskStanding, SharedState
from state.valuation import price_of

# What changed, under the key that its readers know it by.
Key: TypeAlias = tuple[type, str, str]
Changed: TypeAlias = tuple[tuple[Key, object], ...]

NOTHING: Changed = ()

_OF_BOOKS = frozenset({BookSnapshot, FeedStatus})  # beside their deltas, what changes books


class Reducer:
    """Folds records into a `SharedState`; raises `WrongUse` for a record out of order.

    `asked` holds the keys of the views that somebody reads: lists of orders are made for nobody else.
    """

    def __init__(self, shared: SharedState, asked: Container[Key] = ()) -> None:
        self.shared = shared
        self._asked = asked
        self._folds: dict[type, Callable[..., Changed]] = {  # each fold takes the event it is filed under
            BookDelta: self._book_delta,
            BookSnapshot: self._book_snapshot,
            Trade: self._trade,
            Ticker: self._ticker,
            Candle: self._nothing,
            Liquidation: self._nothing,
            BookOrder: self._nothing,
            InstrumentDefined: self._instrument,
            OrderUpdate: self._order_update,
            Fill: self._fill,
            PositionUpdate: self._position,
            BalanceUpdate: self._balance,
            FundingPayment: self._funding,
            PlaceOrder: self._place,
            AmendOrder: self._amend,
            CancelOrder: self._cancel,
            CancelAll: self._cancel_all,
            Accepted: self._accepted,
            Rejected: self._rejected,
            Unknown: self._unknown,
            Blocked: self._nothing,
            SessionOpened: self._opened,
            FeedStatus: self._feed_status,
            Tick: self._nothing,
            Command: self._nothing,
            Signal: self._signal,
            Reconciled: self._reconciled,
            StrategyFailed: self._failed,
            Halted: self._halted,
            SessionClosed: self._closed,
            RiskChanged: self._risk_changed,
            ParametersChanged: self._parameters_changed,
            CommandRefused: self._nothing,
        }

    def apply(self, record: Record) -> Changed:
        """Folds one record and says which views changed, of those that are live or asked for."""
        shared, seq, event = self.shared, record.seq, record.event
        if seq != shared.seq + 1:
            raise WrongUse(f"record {seq} cannot follow {shared.seq}")
        shared.seq, shared.now = seq, record.recv
        return self._folds[type(event)](event, record)

    def fold(self, records: Iterable[Record]) -> None:
        """Folds all of them, for who reads nothing in between: the changes of a book are made together."""
        shared, folds = self.shared, self._folds
        deltas: dict[tuple[str, str], list[BookDelta]] = {}
        seq = shared.seq
        for record in records:
            event = record.event
            seq += 1
            if record.seq != seq:
                raise WrongUse(f"record {record.seq} cannot follow {seq - 1}")
            if type(event) is BookDelta:
                key = (event.venue, event.symbol)
                waiting = deltas.get(key)
                if waiting is None:
                    deltas[key] = [event]
                else:
                    waiting.append(event)
                shared.now = record.recv
                continue
            if type(event) in _OF_BOOKS:
                self._update_books(deltas)
            shared.seq, shared.now = seq, record.recv
            folds[type(event)](event, record)
        shared.seq = seq
        self._update_books(deltas)

    def _update_books(self, deltas: dict[tuple[str, str], list[BookDelta]]) -> None:
        for key, events in deltas.items():
            self.shared.market(*key).book.update_all(events)
        deltas.clear()

    # --- market ---

    def _book_delta(self, event: BookDelta, _: Record) -> Changed:
        market = self.shared.markets.get((event.venue, event.symbol)) or self.shared.market(event.venue, event.symbol)
        return market.status_views if market.book.update(event) else market.book_view

    def _book_snapshot(self, event: BookSnapshot, _: Record) -> Changed:
        market = self.shared.markets.get((event.venue, event.symbol)) or self.shared.market(event.venue, event.symbol)
        return market.status_views if market.book.replace(event) else market.book_view

    def _trade(self, event: Trade, _: Record) -> Changed:
        if not event.backfilled:
            self.shared.market(event.venue, event.symbol).last_trade = event
        return NOTHING

    def _ticker(self, event: Ticker, record: Record) -> Changed:
        market = self.shared.market(event.venue, event.symbol)
        market.tick(event)
        market.marked_ns = market.marked_ns if event.mark is None else record.recv
        return NOTHING

    def _instrument(self, event: InstrumentDefined, _: Record) -> Changed:
        self.shared.market(event.venue, event.symbol).define(event)
        return NOTHING

    def _feed_status(self, event: FeedStatus, record: Record) -> Changed:
        if event.channel == "account":
            account = self.shared.account(event.venue)
            account.status, account.has_begun = event.status, account.has_begun or event.status == "ok"
            if event.status == "ok":
                account.orders.was_read()
            return NOTHING
        if not event.symbol:
            self.shared.connections[(event.venue, event.channel)] = event.status
            return NOTHING
        market = self.shared.market(event.venue, event.symbol)
        market.statuses[event.channel] = event.status
        if event.channel == "book" and event.status != "ok":
            market.lost_ns = record.recv if market.book.is_ok else market.lost_ns
            return market.status_views if market.book.distrust(event.status) else market.book_view
        return NOTHING

    # --- account ---

    def _order_update(self, event: OrderUpdate, record: Record) -> Changed:
        account = self.shared.account(event.venue)
        return self._orders(account, event.symbol, account.orders.updated(event, record.seq))

    def _fill(self, event: Fill, record: Record) -> Changed:
        account = self.shared.account(event.venue)
        if not account.orders.filled(event, record.seq):
            return NOTHING  # this trade id was booked before
        instrument = self.shared.market(event.venue, event.symbol).instrument
        position = account.ledger.filled(event, instrument)
        return (
            *self._working(account, event.symbol),
            ((Position, event.venue, event.symbol), position),
        )

    def _position(self, event: PositionUpdate, record: Record) -> Changed:
        account = self.shared.account(event.venue)
        instrument = self.shared.market(event.venue, event.symbol).instrument
        # What the venue holds for us when the session begins is where folding starts; later, only fills move a position.
        opening = not account.has_begun
        position = account.ledger.position_reported(event, instrument, opening=opening, recv=record.recv)
        return (((Position, event.venue, event.symbol), position),)

    def _balance(self, event: BalanceUpdate, _: Record) -> Changed:
        balance = self.shared.account(event.venue).ledger.balance_reported(event)
        return (((Balance, event.venue, event.asset), balance),)

    def _funding(self, event: FundingPayment, _: Record) -> Changed:
        position = self.shared.account(event.venue).ledger.funded(event)
        return (((Position, event.venue, event.symbol), position),)

    def _reconciled(self, event: Reconciled, _: Record) -> Changed:
        if event.subject != TAKEN:
            return NOTHING
        ledger, market = self.shared.account(event.venue).ledger, self.shared.market(event.venue, event.symbol)
        price = price_of(ledger.position(event.symbol), market)
        position = ledger.position_taken(event, price, market.instrument)
        return (((Position, event.venue, event.symbol), position),)

    # --- intents and outcomes ---

    def _place(self, event: PlaceOrder, record: Record) -> Changed:
        account = self.shared.accounts.get(event.venue) or self.shared.account(event.venue)
        account.orders.placed(event, record.seq)
        return self._working(account, event.symbol)

    def _amend(self, event: AmendOrder, record: Record) -> Changed:
        account = self.shared.account(event.venue)
        return self._orders(account, event.symbol, account.orders.amending(event, record.seq))

    def _cancel(self, event: CancelOrder, record: Record) -> Changed:
        account = self.shared.account(event.venue)
        return self._orders(account, event.symbol, account.orders.cancelling(event, record.seq))

    def _cancel_all(self, event: CancelAll, record: Record) -> Changed:
        """What a halted session cancels of its own accord are its own orders."""
        account, ours = self.shared.account(event.venue), self.shared.halted is not None and not event.strategy
        symbols = dict.fromkeys(order.symbol for order in account.orders.cancelling_all(event, record.seq, ours=ours))
        return tuple(view for symbol in symbols for view in self._working(account, symbol))

    def _accepted(self, event: Accepted, record: Record) -> Changed:
        account = self.shared.account(event.venue)
        return self._orders(account, event.symbol, account.orders.accepted(event, record.seq, record.cause))

    def _rejected(self, event: Rejected, record: Record) -> Changed:
        account = self.shared.account(event.venue)
        return self._answered(account, event, account.orders.rejected(event, record.seq, record.cause))

    def _unknown(self, event: Unknown, record: Record) -> Changed:
        account = self.shared.account(event.venue)
        return self._answered(account, event, account.orders.unknown(event, record.seq, record.cause))

    def _answered(self, account: Account, event: Rejected | Unknown, changed: Order | None) -> Changed:
        """A cancel-all without a symbol speaks of all markets."""
        if changed is None or event.symbol:
            return self._orders(account, event.symbol, changed)
        symbols = dict.fromkeys(order.symbol for order in account.orders.working())
        return tuple(view for symbol in symbols for view in self._working(account, symbol))

    def _orders(self, account: Account, symbol: str, changed: Order | None) -> Changed:
        return NOTHING if changed is None else self._working(account, symbol)

    def _working(self, account: Account, symbol: str) -> Changed:
        key = (WorkingOrders, account.venue, symbol)
        return ((key, account.orders.working(symbol)),) if key in self._asked else NOTHING

    # --- session ---

    def _opened(self, event: SessionOpened, _: Record) -> Changed:
        self.shared.session = event.session
        self.shared.seed = event.seed
        return NOTHING

    def _signal(self, event: Signal, _: Record) -> Changed:
        self.shared.signals[event.name] = event.value
        return NOTHING

    def _failed(self, event: StrategyFailed, _: Record) -> Changed:
        self.shared.failed[event.strategy] = event.error
        return NOTHING

    def _halted(self, event: Halted, _: Record) -> Changed:
        self.shared.halted = event.reason
        return NOTHING

    def _risk_changed(self, event: RiskChanged, _: Record) -> Changed:
        self.shared.risk[event.strategy] = RiskStanding(event.state, event.reason)
        return NOTHING

    def _parameters_changed(self, event: ParametersChanged, _: Record) -> Changed:
        self.shared.change_parameters(event.strategy, event.params)
        return NOTHING

    def _closed(self, event: SessionClosed, _: Record) -> Changed:
        self.shared.closed = True
        return NOTHING

    def _nothing(self, event: AnyEvent, _: Record) -> Changed:
        return NOTHING
