"""From the floor's words to Binance's private rows: orders, fills, positions, money."""

from __future__ import annotations

from decimal import Decimal

from adapters.loopback.binance import private_rows
from adapters.loopback.binance.register import Amendment, Terms
from adapters.loopback.binance.render import KINDS, SIDES, exact, money, plain
from adapters.loopback.desk import Desk
from adapters.loopback.floor import Fill, Floor
from adapters.loopback.ledger import LedgerEntry, Position, order_margin, position_margin
from adapters.loopback.market import Market
from adapters.loopback.orders import ZERO, Kind, Order, Reason, Side, Status, Tif

MAINTENANCE_RATE = Decimal("0.005")


# -- orders -----------------------------------------------------------------------------------------------------------


def status(order: Order) -> str:
    if order.status is not Status.CANCELLED:
        return order.status.name
    if order.reason is Reason.SELF_MATCH:
        return "EXPIRED_IN_MATCH"
    return "EXPIRED" if order.reason in (Reason.NO_LIQUIDITY, Reason.REDUCE_ONLY, Reason.EXPIRED) else "CANCELED"


def expiry_reason(order: Order) -> str:
    """`er`: why the venue ended the order."""
    if order.reason is Reason.SELF_MATCH:
        return "3" if order.tif is Tif.IOC else "1"
    if order.reason is Reason.NO_LIQUIDITY:
        return "9" if order.kind is Kind.MARKET else "2"
    return "4" if order.reason is Reason.REDUCE_ONLY else "0"


def ack(symbol: str, order: Order, terms: Terms, as_new: bool = False) -> private_rows.Ack:
    """An order as its command answers it; `as_new` tells what was known before it could trade."""
    filled = exact((ZERO if as_new else order.filled) + order.size * 0)
    return private_rows.Ack(
        order_id=int(order.order_id),
        symbol=symbol,
        status="NEW" if as_new else status(order),
        client_order_id=order.client_id,
        price=exact(order.price),
        orig_qty=exact(order.size),
        executed_qty=filled,
        cum_qty=filled,
        time_in_force=terms.tif,
        type=KINDS[order.kind],
        reduce_only=order.reduce_only,
        close_position=False,
        side=SIDES[order.side],
        position_side="BOTH",
        stop_price="0.00",
        working_type="CONTRACT_PRICE",
        price_protect=False,
        orig_type=terms.asked_type or KINDS[order.kind],
        price_match=terms.price_match,
        self_trade_prevention_mode=terms.self_match,
        good_till_date=terms.good_till_ms,
        update_time=order.updated_ms,
        modify_id=terms.modify_id,
    )


def order(symbol: str, order: Order, terms: Terms, market: Market) -> private_rows.Order:
    """An order as the queries answer it."""
    return private_rows.Order(
        order_id=int(order.order_id),
        symbol=symbol,
        status=status(order),
        client_order_id=order.client_id,
        price=exact(order.price),
        avg_price=exact(market.snap(order.average)) if order.filled else "0.00",
        orig_qty=exact(order.size),
        executed_qty=exact(order.filled + order.size * 0),
        cum_quote=plain(order.value),
        time_in_force=terms.tif,
        type=KINDS[order.kind],
        reduce_only=order.reduce_only,
        close_position=False,
        side=SIDES[order.side],
        position_side="BOTH",
        stop_price="0.00",
        working_type="CONTRACT_PRICE",
        price_protect=False,
        orig_type=terms.asked_type or KINDS[order.kind],
        price_match=terms.price_match,
        self_trade_prevention_mode=terms.self_match,
        good_till_date=terms.good_till_ms,
        time=order.created_ms,
        update_time=order.updated_ms,
    )


def amendment(symbol: str, order: Order, change: Amendment) -> private_rows.Amendment:
    price, size = (private_rows.Change(exact(old), exact(new)) for old, new in (change.price, change.size))
    order_id = int(order.order_id)
    changes = private_rows.Changes(price, size, change.number)
    return private_rows.Amendment(
        order_id * 1_000 + change.number, symbol, symbol, order_id, order.client_id, change.ts_ms, changes
    )


def user_trade(fill: Fill, asset: str) -> private_rows.UserTrade:
    return private_rows.UserTrade(
        fill.symbol,
        int(fill.exec_id),
        int(fill.order_id),
        SIDES[fill.side],
        exact(fill.price),
        exact(fill.size),
        money(fill.pnl),
        plain(fill.price * fill.size),
        money(fill.fee),
        asset,
        fill.ts_ms,
        "BOTH",
        fill.side is Side.BUY,
        fill.is_maker,
        asset,
    )


# -- the account ------------------------------------------------------------------------------------------------------


def maintenance(position: Position, mark: Decimal) -> Decimal:
    return abs(position.size) * mark * MAINTENANCE_RATE


def liquidation_price(position: Position, mark: Decimal, equity: Decimal) -> Decimal:
    """Where the account's equity would be down to this position's maintenance margin; zero where that cannot be."""
    slope = position.size - abs(position.size) * MAINTENANCE_RATE
    return max(ZERO, (position.size * mark - equity) / slope) if slope else ZERO


def break_even(position: Position) -> Decimal:
    """The entry price with the costs since the opening put on it."""
    return position.average - position.realized / position.size if position.size else ZERO


def resting_value(market: Market, account: str) -> tuple[Decimal, Decimal]:
    buys = sells = ZERO
    for resting in market.engine.resting(account):
        value = ZERO if resting.reduce_only else resting.leaves * resting.price
        buys, sells = (buys + value, sells) if resting.side is Side.BUY else (buys, sells + value)
    return buys, sells


def position(floor: Floor, desk: Desk, market: Market) -> private_rows.Position:
    held, mark = desk.book.position(market.contract.symbol), market.mark_price
    buys, sells = resting_value(market, desk.account.key)
    used, ordered = position_margin(held), order_margin(held, buys, sells)
    equity = desk.book.wallet + floor.unrealized(desk)
    return private_rows.Position(
        held.symbol,
        "BOTH",
        exact(held.size + market.contract.lot * 0),
        plain(held.average),
        plain(break_even(held)),
        money(mark),
        money(held.unrealized(mark)),
        plain(market.snap(liquidation_price(held, mark, equity))),
        "0",
        plain(held.size * mark),
        market.contract.quote,
        "0",
        plain(used + ordered),
        plain(maintenance(held, mark)),
        plain(used),
        plain(ordered),
        adl=0,
        bid_notional=plain(buys),
        ask_notional=plain(sells),
        update_time=held.updated_ms,
    )


def account(floor: Floor, desk: Desk, asset: str, now_ms: int) -> private_rows.Account:
    book, unrealized = desk.book, floor.unrealized(desk)
    held, resting = floor.margins(desk)
    positions = [(p, floor.markets[p.symbol]) for p in book.positions.values()]
    kept = sum((maintenance(p, market.mark_price) for p, market in positions), ZERO)
    free = max(ZERO, book.wallet + unrealized - held - resting)
    wallet, gain, equity = money(book.wallet), money(unrealized), money(book.wallet + unrealized)
    initial, of_orders, of_positions = money(held + resting), money(resting), money(held)
    available, withdrawable = money(free), money(min(free, book.wallet))
    line = private_rows.AccountAsset(
        asset,
        wallet,
        gain,
        equity,
        money(kept),
        initial,
        of_positions,
        of_orders,
        wallet,
        gain,
        available,
        withdrawable,
        now_ms,
    )
    return private_rows.Account(
        initial,
        money(kept),
        wallet,
        gain,
        equity,
        of_positions,
        of_orders,
        wallet,
        gain,
        available,
        withdrawable,
        assets=[line],
        positions=[
            account_position(desk, market)
            for p, market in positions
            if p.size or market.engine.resting(desk.account.key)
        ],
    )


def account_position(desk: Desk, market: Market) -> private_rows.AccountPosition:
    held, mark = desk.book.position(market.contract.symbol), market.mark_price
    ordered = order_margin(held, *resting_value(market, desk.account.key))
    return private_rows.AccountPosition(
        held.symbol,
        "BOTH",
        exact(held.size + market.contract.lot * 0),
        money(held.unrealized(mark)),
        "0",
        plain(held.size * mark),
        "0",
        plain(position_margin(held) + ordered),
        plain(maintenance(held, mark)),
        held.updated_ms,
    )


def incomes(number: int, entry: LedgerEntry, asset: str) -> list[private_rows.Income]:
    """The lines that one entry of the statement makes: what a fill earned and cost, or a funding settlement."""

    def line(kind: str, amount: Decimal, step: int, trade_id: str) -> private_rows.Income:
        tran_id = 9_689_000_000 + 2 * number + step
        return private_rows.Income(entry.symbol, kind, money(amount), asset, trade_id, entry.ts_ms, tran_id, trade_id)

    if entry.kind == "SETTLEMENT":
        return [line("FUNDING_FEE", entry.funding, 0, "")]
    earned = [line("REALIZED_PNL", entry.cash, 0, entry.reference)] if entry.cash else []
    return [*earned, line("COMMISSION", -entry.fee, 1, entry.reference)]
