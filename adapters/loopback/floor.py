"""The trading floor: engines, accounts and flow of all symbols under one clock. What a loopback venue translates to its wire.

Every command goes through here; listeners hear its consequences in the order: fills, orders, books. Rules that every venue has
(margin, number of orders, unique client ids) are kept here, rules of one venue's spelling are not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from adapters.loopback.desk import Desk
from adapters.loopback.engine import Engine
from adapters.loopback.ids import Ids, Uuids
from adapters.loopback.ledger import Account, order_margin, position_margin
from adapters.loopback.market import Liquidated, Market, PublicTrade
from adapters.loopback.orders import (
    ZERO,
    Execution,
    Kind,
    Order,
    Outcome,
    Reason,
    Refusal,
    RefusedError,
    SelfMatch,
    Side,
    Tif,
)
from adapters.loopback.symbols import Contract

MAX_ORDERS_PER_SYMBOL = 500


@dataclass(frozen=True, slots=True)
class Fill:
    """One side of a match, or a funding settlement, as the account sees it."""

    exec_id: str
    account: str
    symbol: str
    kind: str
    """trade or funding"""
    side: Side
    price: Decimal
    size: Decimal
    fee: Decimal
    fee_rate: Decimal
    mark: Decimal
    ts_ms: int
    seq: int
    closed: Decimal = ZERO
    pnl: Decimal = ZERO
    is_maker: bool = False
    order_id: str = ""
    client_id: str = ""
    order_kind: Kind | None = None
    order_price: Decimal = ZERO
    order_size: Decimal = ZERO
    leaves: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Ticket:
    """An order as the customer asks for it."""

    symbol: str
    side: Side
    kind: Kind
    tif: Tif
    price: Decimal
    size: Decimal
    client_id: str = ""
    reduce_only: bool = False
    self_match: SelfMatch = SelfMatch.ALLOW


@dataclass(slots=True)
class Change:
    """What one command changed, for the listeners."""

    market: Market
    orders: list[Order]
    fills: list[Fill] = field(default_factory=list)
    trades: list[PublicTrade] = field(default_factory=list)
    liquidations: list[Liquidated] = field(default_factory=list)
    levels: Collection[tuple[Side, Decimal]] = ()
    """Whose size is another, or was meanwhile."""


class _Clearing:
    """The engine's window to the ledger, for one symbol."""

    def __init__(self, floor: Floor, symbol: str) -> None:
        self._floor, self._symbol = floor, symbol

    def position(self, account: str) -> Decimal:
        desk = self._floor.desks.get(account)
        return desk.book.position(self._symbol).size if desk else ZERO

    def settle(self, execution: Execution) -> None:
        self._floor.settle(self._symbol, execution)


class Floor:
    """All markets and accounts of one loopback venue."""

    settles_when_due: bool = True
    """Is funding settled by the clock, or only where `fund` is called?"""

    def __init__(
        self,
        contracts: Iterable[Contract],
        accounts: Iterable[Account],
        seed: int,
        ids: Ids | None = None,
        keeps_place: bool = True,
    ) -> None:
        self._ids = ids or Uuids(seed)
        self._keeps_place = keeps_place
        self.markets: dict[str, Market] = {}
        for contract in contracts:
            first_seq = 100_000_000_000 + contract.number * 1_000_000_000
            engine = Engine(contract.symbol, _Clearing(self, contract.symbol), first_seq)
            self.markets[contract.symbol] = Market(contract, engine)
        self.desks: dict[str, Desk] = {account.key: Desk(account) for account in accounts}
        self.listeners: list[Callable[[Change], None]] = []
        self._fills: list[Fill] = []
        self._trades: list[PublicTrade] = []

    # -- commands ----------------------------------------------------------------------------------------------------

    def place(self, key: str, ticket: Ticket, now_ms: int) -> Order:
        """Enters a customer's order.

        Raises RefusedError, and then nothing has changed.
        """
        desk, market = self.desks[key], self.markets[ticket.symbol]
        if ticket.client_id and ticket.client_id in desk.by_client_id:
            raise RefusedError(Refusal.DUPLICATE_CLIENT_ID)
        if len(market.engine.resting(key)) >= MAX_ORDERS_PER_SYMBOL:
            raise RefusedError(Refusal.TOO_MANY_ORDERS)
        order = self._order(key, ticket, market)
        if not ticket.reduce_only:
            self._check_funds(desk, ticket.symbol, ticket.side, ticket.size * (ticket.price or market.mark_price))
        outcome = market.engine.place(order, now_ms)
        desk.enter(ticket.symbol, order)
        if ticket.client_id:
            desk.by_client_id[ticket.client_id] = order.order_id
        self._announce(market, outcome)
        return order

    def amend(
        self,
        key: str,
        order_id: str,
        now_ms: int,
        price: Decimal | None,
        size: Decimal | None,
        renews: bool = False,
    ) -> Order:
        """Changes a resting order; raises RefusedError, and then nothing has changed."""
        symbol, order = self.find(key, order_id)
        market = self.markets[symbol]
        grown = (size or order.size) * (price or order.price) - order.size * order.price
        if grown > 0 and not order.reduce_only:
            self._check_funds(self.desks[key], symbol, order.side, grown)
        self._announce(market, market.engine.amend(order_id, now_ms, price, size, self._keeps_place, renews))
        return order

    def complete(self, key: str, order_id: str, now_ms: int) -> Order:
        """Ends a partly filled order as filled; raises RefusedError, and then nothing has changed."""
        symbol, order = self.find(key, order_id)
        market = self.markets[symbol]
        self._announce(market, market.engine.complete(order_id, now_ms))
        return order

    def cancel(self, key: str, order_id: str, now_ms: int, reason: Reason = Reason.BY_USER) -> Order:
        """Takes a resting order out; raises RefusedError, and then nothing has changed."""
        symbol, order = self.find(key, order_id)
        market = self.markets[symbol]
        self._announce(market, market.engine.cancel(order_id, now_ms, reason))
        return order

    def cancel_all(
        self, key: str, now_ms: int, symbols: Iterable[str], reason: Reason = Reason.BY_USER
    ) -> list[tuple[str, Order]]:
        """Takes all the account's resting orders of the symbols out and gives them."""
        gone: list[tuple[str, Order]] = []
        for symbol in symbols:
            market = self.markets[symbol]
            outcome = market.engine.cancel_all(key, now_ms, reason)
            gone += [(symbol, order) for order in outcome.orders.values()]
            self._announce(market, outcome)
        return gone

    def street(
        self,
        symbol: str,
        side: Side,
        kind: Kind,
        tif: Tif,
        price: Decimal,
        size: Decimal,
        now_ms: int,
        liquidates: bool = False,
    ) -> Order:
        """Enters an order of the anonymous rest of the market, which has no account here."""
        market = self.markets[symbol]
        order = Order(self._ids.order(symbol), "", side, kind, tif, price, size)
        outcome = market.engine.place(order, now_ms)
        liquidations: list[Liquidated] = []
        if liquidates and order.filled:
            liquidations.append(Liquidated(side.opposite, market.last_price, order.filled, now_ms))
        self._announce(market, outcome, liquidations)
        return order

    def street_cancel(self, symbol: str, order_id: str, now_ms: int) -> None:
        market = self.markets[symbol]
        self._announce(market, market.engine.cancel(order_id, now_ms))

    def fund(self, symbol: str, now_ms: int) -> None:
        """Settles funding of every position in a symbol at the current mark and rate."""
        market = self.markets[symbol]
        fills: list[Fill] = []
        mark, rate = market.mark_price, market.funding_rate
        for key, desk in self.desks.items():
            position = desk.book.position(symbol)
            if position.size:
                exec_id = self._ids.funding(symbol)
                paid = desk.book.settle_funding(symbol, rate, mark, now_ms, exec_id)
                side = Side.BUY if position.size > 0 else Side.SELL
                fill = Fill(
                    exec_id,
                    key,
                    symbol,
                    "funding",
                    side,
                    mark,
                    abs(position.size),
                    fee=paid,
                    fee_rate=rate,
                    mark=mark,
                    ts_ms=now_ms,
                    seq=market.engine.seq,
                )
                desk.fills.append(fill)
                fills.append(fill)
        market.next_funding(now_ms)
        self._tell(Change(market, [], fills))

    def open_minutes(self, now_ms: int) -> None:
        """Opens new minutes."""
        for market in self.markets.values():
            market.tick(now_ms)

    def tick(self, now_ms: int) -> None:
        """Opens new minutes and settles the funding that is due."""
        for symbol, market in self.markets.items():
            market.tick(now_ms)
            if self.settles_when_due and now_ms >= market.next_funding_ms:
                self.fund(symbol, now_ms)

    # -- questions ---------------------------------------------------------------------------------------------------

    def find(self, key: str, order_id: str) -> tuple[str, Order]:
        """An account's order with its symbol; raises RefusedError where it never was or is over."""
        found = self.desks[key].orders.get(order_id)
        if found is None:
            raise RefusedError(Refusal.UNKNOWN_ORDER)
        if found[1].status.is_final:
            raise RefusedError(Refusal.ALREADY_FINAL)
        return found

    def unrealized(self, desk: Desk) -> Decimal:
        marks = ((p, self.markets[p.symbol].mark_price) for p in desk.book.positions.values() if p.size)
        return sum((position.unrealized(mark) for position, mark in marks), ZERO)

    def margins(self, desk: Desk) -> tuple[Decimal, Decimal]:
        """Initial margin of positions and of resting orders."""
        held = sum((position_margin(p) for p in desk.book.positions.values()), ZERO)
        resting = ZERO
        for symbol, market in self.markets.items():
            buys, sells = self._resting_value(desk, market)
            resting += order_margin(desk.book.position(symbol), buys, sells)
        return held, resting

    # -- within ------------------------------------------------------------------------------------------------------

    def settle(self, symbol: str, execution: Execution) -> None:
        """Prints a match and books it on the accounts that are customers here."""
        market, taker = self.markets[symbol], execution.taker
        trade_id = self._ids.trade(symbol)
        printed = market.trade(trade_id, taker.side, execution.price, execution.size, execution.ts_ms, execution.seq)
        self._trades.append(printed)
        self._book(market, execution, taker, False, trade_id)
        self._book(market, execution, execution.maker, True, self._ids.maker_fill(trade_id))

    def _book(self, market: Market, execution: Execution, order: Order, is_maker: bool, exec_id: str) -> None:
        desk = self.desks.get(order.account)
        if desk is None:
            return
        symbol, price, size = market.contract.symbol, execution.price, execution.size
        booking = desk.book.fill(symbol, order.side, price, size, is_maker, execution.ts_ms, execution.seq, exec_id)
        order.fee += booking.fee
        order.pnl += booking.pnl
        fill = Fill(
            exec_id,
            order.account,
            symbol,
            "trade",
            order.side,
            price,
            size,
            booking.fee,
            booking.fee_rate,
            market.mark_price,
            execution.ts_ms,
            execution.seq,
            booking.closed,
            booking.pnl,
            is_maker,
            order.order_id,
            order.client_id,
            order.kind,
            order.price,
            order.size,
            order.leaves,
        )
        desk.fills.append(fill)
        self._fills.append(fill)

    def _order(self, key: str, ticket: Ticket, market: Market) -> Order:
        return Order(
            self._ids.order(ticket.symbol),
            key,
            ticket.side,
            ticket.kind,
            ticket.tif,
            ticket.price,
            ticket.size,
            ticket.client_id,
            ticket.reduce_only,
            ticket.self_match,
            last_price_on_created=market.last_price,
            number=len(self.desks[key].orders) + 1,
        )

    def _resting_value(self, desk: Desk, market: Market) -> tuple[Decimal, Decimal]:
        buys = sells = ZERO
        for order in market.engine.resting(desk.account.key):
            if order.reduce_only:
                continue
            if order.side is Side.BUY:
                buys += order.leaves * order.price
            else:
                sells += order.leaves * order.price
        return buys, sells

    def _check_funds(self, desk: Desk, symbol: str, side: Side, notional: Decimal) -> None:
        """Raises RefusedError where equity would not cover the margin of everything with `notional` more on a side."""
        market, position = self.markets[symbol], desk.book.position(symbol)
        buys, sells = self._resting_value(desk, market)
        before = order_margin(position, buys, sells)
        more_buys, more_sells = (notional, ZERO) if side is Side.BUY else (ZERO, notional)
        needed = order_margin(position, buys + more_buys, sells + more_sells) - before
        held, resting = self.margins(desk)
        free = desk.book.wallet + self.unrealized(desk) - held - resting
        if needed > 0 and needed + notional * desk.account.taker_rate > free:
            raise RefusedError(Refusal.INSUFFICIENT_FUNDS)

    def _announce(self, market: Market, outcome: Outcome, liquidations: list[Liquidated] | None = None) -> None:
        fills, self._fills = self._fills, []
        trades, self._trades = self._trades, []
        orders = [order for order in outcome.orders.values() if order.account in self.desks]
        self._tell(Change(market, orders, fills, trades, liquidations or [], outcome.levels.keys()))

    def _tell(self, change: Change) -> None:
        for listener in self.listeners:
            listener(change)
