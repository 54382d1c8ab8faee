"""What is told of a state as JSON: the public names of the design, money as strings, and none of the state's bookkeeping."""

from decimal import Decimal

import msgspec

from state.book import Book
from state.events import AnyEvent, Level
from state.ledger import Balance, Position
from state.market import Market
from state.order import Order
from state.record import event_to_json
from state.shared import Account, SharedState
from state.words import FeedState, OrderKind, OrderStatus, Origin, Refusal, RiskState, Side, TimeInForce


class OrderFact(msgspec.Struct):
    """One order; `placed_seq` is 0 for an order that was not placed in this session."""

    client_id: str
    order_id: str | None
    venue: str
    symbol: str
    side: Side
    kind: OrderKind
    tif: TimeInForce
    price: Decimal | None
    size: Decimal
    filled: Decimal
    avg_price: Decimal | None
    status: OrderStatus
    reduce_only: bool
    strategy: str
    label: str
    placed_seq: int
    updated_seq: int
    acknowledged: bool
    pending_cancel: bool
    unknown: bool
    origin: Origin
    reason: str | None
    refusal: Refusal | None


class BookFact(msgspec.Struct):
    """A book, best first; null where a side is empty."""

    status: FeedState
    ts: int | None
    update_id: int | None
    bid: float
    bid_size: float
    ask: float
    ask_size: float
    mid: float
    bids: list[Level]
    asks: list[Level]


class MarketFact(msgspec.Struct):
    """One market; `statuses` is what each of its channels is worth."""

    venue: str
    symbol: str
    book: BookFact
    ticker: msgspec.Raw
    last_trade: msgspec.Raw
    instrument: msgspec.Raw
    statuses: dict[str, FeedState]


class PositionFact(msgspec.Struct):
    """One position, folded from fills; sizes are signed, fees and funding negative where paid."""

    symbol: str
    size: Decimal
    avg_price: Decimal | None
    realized_pnl: Decimal
    fees: dict[str, Decimal]
    funding: Decimal
    turnover: Decimal
    fills: int


class BalanceFact(msgspec.Struct):
    """One balance; `difference` is what the venue last reported above what fills, fees and funding explain."""

    asset: str
    total: Decimal
    available: Decimal | None
    difference: Decimal


class AccountFact(msgspec.Struct):
    """One account; `orders` are those that have not ended."""

    venue: str
    status: FeedState
    orders: list[OrderFact]
    positions: list[PositionFact]
    balances: list[BalanceFact]


class RiskFact(msgspec.Struct):
    """What a strategy may still do, where that was changed, and why."""

    state: RiskState
    reason: str


class StateFact(msgspec.Struct):
    """Everything that is known after record `seq`; `now` is its time of receipt in ns."""

    session: str
    seq: int
    now: int
    halted: str | None
    closed: bool
    failed: dict[str, str]
    risk: dict[str, RiskFact]
    parameters: dict[str, dict[str, msgspec.Raw]]
    signals: dict[str, float]
    markets: list[MarketFact]
    accounts: list[AccountFact]


def order_fact(order: Order) -> OrderFact:
    """One order, told."""
    return OrderFact(**{name: getattr(order, name) for name in OrderFact.__struct_fields__})


def state_fact(shared: SharedState) -> StateFact:
    """A whole state, told."""
    return StateFact(
        session=shared.session,
        seq=shared.seq,
        now=shared.now,
        halted=shared.halted,
        closed=shared.closed,
        failed=shared.failed,
        risk={name: RiskFact(standing.state, standing.reason) for name, standing in shared.risk.items()},
        parameters=shared.parameters,
        signals=shared.signals,
        markets=[_market(shared.markets[key]) for key in sorted(shared.markets)],
        accounts=[_account(account) for _, account in sorted(shared.accounts.items())],
    )


def _market(market: Market) -> MarketFact:
    return MarketFact(
        venue=market.venue,
        symbol=market.symbol,
        book=_book(market.book),
        ticker=_event(market.ticker),
        last_trade=_event(market.last_trade),
        instrument=_event(market.defined),
        statuses=market.statuses,
    )


def _book(book: Book) -> BookFact:
    return BookFact(
        status=book.status,
        ts=book.ts,
        update_id=book.update_id,
        bid=book.bid,
        bid_size=book.bid_size,
        ask=book.ask,
        ask_size=book.ask_size,
        mid=book.mid,
        bids=list(book.bids()),
        asks=list(book.asks()),
    )


def _event(event: AnyEvent | None) -> msgspec.Raw:
    return msgspec.Raw(b"null" if event is None else event_to_json(event))


def _account(account: Account) -> AccountFact:
    ledger = account.ledger.dump()
    return AccountFact(
        venue=account.venue,
        status=account.status,
        orders=[order_fact(order) for order in account.orders.working()],
        positions=[_position(position) for position in ledger.positions],
        balances=[_balance(balance) for balance in ledger.balances],
    )


def _position(position: Position) -> PositionFact:
    return PositionFact(
        symbol=position.symbol,
        size=position.size,
        avg_price=position.avg_price,
        realized_pnl=position.realized_pnl,
        fees=position.fees,
        funding=position.funding,
        turnover=position.turnover,
        fills=position.fills,
    )


def _balance(balance: Balance) -> BalanceFact:
    return BalanceFact(balance.asset, balance.total, balance.available, balance.difference)
