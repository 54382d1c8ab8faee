"""From the floor's words to OKX's rows of positions and money: amounts are signed as the account sees them."""

from __future__ import annotations

from decimal import Decimal

from adapters.loopback.desk import Desk
from adapters.loopback.floor import Fill, Floor
from adapters.loopback.ledger import LedgerEntry, Position, position_margin
from adapters.loopback.market import Market
from adapters.loopback.okx import account_rows as rows
from adapters.loopback.okx.listings import Instrument
from adapters.loopback.okx.order_render import trade_sub_type
from adapters.loopback.okx.register import bill_id
from adapters.loopback.okx.render import MAINTENANCE_RATE, plain
from adapters.loopback.orders import ZERO

TRADE_BILL, FUNDING_BILL = "2", "8"
FUNDING_PAID, FUNDING_RECEIVED = "173", "174"
FIRST_POSITION = 2_879_997_923_708_190_074


def position_id(instrument: Instrument) -> str:
    """The same for good, through flat and back."""
    return str(FIRST_POSITION + instrument.code)


def position(
    instrument: Instrument, market: Market, held: Position, mgn_ratio: str, trade_id: str, now_ms: int
) -> rows.Position:
    mark, last, margin = market.mark_price, market.last_price, position_margin(held)
    value, contracts = abs(held.size) * mark, instrument.contracts(held.size)
    gross = held.realized + held.fees + held.funding
    even = held.average - held.realized / held.size if held.size else ZERO

    def ratio(amount: Decimal) -> str:
        return plain((amount / margin).quantize(Decimal("1E-16"))) if margin else "0"

    at_mark, at_last = held.unrealized(mark), held.unrealized(last)
    return rows.Position(
        inst_type=instrument.inst_type,
        inst_id=instrument.inst_id,
        pos_id=position_id(instrument),
        pos=plain(contracts),
        avail_pos="" if held.size else "0",
        avg_px=plain(held.average) if held.size else "",
        be_px=plain(even) if held.size else "",
        mark_px=plain(mark),
        last=plain(last),
        idx_px=plain(market.index_price),
        lever=plain(held.leverage),
        upl=plain(at_mark),
        upl_ratio=ratio(at_mark),
        upl_last_px=plain(at_last),
        upl_ratio_last_px=ratio(at_last),
        imr=plain(margin),
        mmr=plain(value * MAINTENANCE_RATE),
        mgn_ratio=mgn_ratio,
        notional_usd=plain(value),
        realized_pnl=plain(held.realized),
        pnl=plain(gross),
        fee=plain(-held.fees),
        funding_fee=plain(-held.funding),
        trade_id=trade_id,
        c_time=str(held.created_ms),
        u_time=str(held.updated_ms),
        p_time=str(now_ms),
    )


def held_row(instrument: Instrument, held: Position, trade_id: str) -> rows.HeldRow:
    return rows.HeldRow(
        pos_id=position_id(instrument),
        trade_id=trade_id,
        inst_id=instrument.inst_id,
        inst_type=instrument.inst_type,
        pos=plain(instrument.contracts(held.size)),
        avg_px=plain(held.average) if held.size else "",
        u_time=str(held.updated_ms),
    )


def margin_ratio(floor: Floor, desk: Desk) -> str:
    """Equity over maintenance margin; nothing where nothing is held."""
    keep = _maintenance(floor, desk)
    equity = desk.book.wallet + floor.unrealized(desk)
    return plain((equity / keep).quantize(Decimal("1E-8"))) if keep else ""


def _maintenance(floor: Floor, desk: Desk) -> Decimal:
    held = desk.book.positions.values()
    return sum((abs(p.size) * floor.markets[p.symbol].mark_price for p in held), ZERO) * MAINTENANCE_RATE


def balance(floor: Floor, desk: Desk, now_ms: int) -> rows.Balance:
    book, unrealized = desk.book, floor.unrealized(desk)
    held, resting = floor.margins(desk)
    equity, margin, keep = book.wallet + unrealized, held + resting, _maintenance(floor, desk)
    free = max(ZERO, equity - margin)
    notional = sum((abs(p.size) * floor.markets[p.symbol].mark_price for p in book.positions.values()), ZERO)
    last_ms = book.statement[-1].ts_ms if book.statement else now_ms
    ratio = margin_ratio(floor, desk)
    coin = rows.Coin(
        cash_bal=plain(book.wallet),
        eq=plain(equity),
        eq_usd=plain(equity),
        dis_eq=plain(equity),
        avail_bal=plain(free),
        avail_eq=plain(free),
        frozen_bal=plain(margin),
        ord_frozen=plain(resting),
        imr=plain(margin),
        mmr=plain(keep),
        mgn_ratio=ratio,
        upl=plain(unrealized),
        u_time=str(last_ms),
    )
    return rows.Balance(
        total_eq=plain(equity),
        adj_eq=plain(equity),
        avail_eq=plain(free),
        imr=plain(margin),
        mmr=plain(keep),
        mgn_ratio=ratio,
        ord_froz=plain(resting),
        notional_usd=plain(notional),
        notional_usd_for_swap=plain(notional),
        upl=plain(unrealized),
        u_time=str(now_ms),
        details=[coin],
    )


def bill(instrument: Instrument, entry: LedgerEntry, fill: Fill, index: int) -> rows.Bill:
    """A line of the statement with the fill, or the settlement, that made it."""
    funding = fill.kind == "funding"
    if funding:
        sub_type = FUNDING_RECEIVED if entry.funding > 0 else FUNDING_PAID
    else:
        sub_type = trade_sub_type(fill.side, fill.closed, fill.size)
    return rows.Bill(
        bill_id=bill_id(index),
        inst_id=instrument.inst_id,
        type=FUNDING_BILL if funding else TRADE_BILL,
        sub_type=sub_type,
        bal=plain(entry.balance),
        bal_chg=plain(entry.change),
        pos_bal=plain(instrument.contracts(entry.position)),
        sz=plain(instrument.contracts(entry.size)),
        px=plain(entry.price),
        pnl=plain(entry.funding if funding else entry.cash),
        fee=plain(-entry.fee),
        exec_type="" if funding else "M" if fill.is_maker else "T",
        ord_id=fill.order_id,
        cl_ord_id=fill.client_id,
        trade_id="" if funding else fill.exec_id,
        fill_time="" if funding else str(fill.ts_ms),
        ts=str(entry.ts_ms),
    )
