"""From the floor's words to OKX's rows of orders and fills: a fee that is paid is negative, sizes are in contracts."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from adapters.loopback.floor import Fill
from adapters.loopback.market import Market
from adapters.loopback.okx import order_rows as rows
from adapters.loopback.okx.listings import Instrument
from adapters.loopback.okx.register import Entry, Stage, bill_id
from adapters.loopback.okx.render import plain
from adapters.loopback.orders import Kind, Reason, SelfMatch, Side

SELF_MATCHES = {
    "cancel_maker": SelfMatch.CANCEL_MAKER,
    "cancel_taker": SelfMatch.CANCEL_TAKER,
    "cancel_both": SelfMatch.CANCEL_BOTH,
}
_SELF_MATCH_WORDS = {rule: word for word, rule in SELF_MATCHES.items()}
CANCEL_SOURCES = {
    Reason.BY_USER: ("1", "Canceled by user"),
    Reason.REDUCE_ONLY: ("2", "Reduce-only order canceled as the position it would reduce is gone"),
    Reason.NOT_WHOLE: ("13", "FOK order was canceled due to incompletely filled"),
    Reason.NO_LIQUIDITY: ("14", "IOC order was partially canceled due to incompletely filled"),
    Reason.DISCONNECTED: ("20", "Cancel all after triggered"),
    Reason.WOULD_TAKE: ("31", "The post-only order will take liquidity in taker orders"),
    Reason.SELF_MATCH: ("32", "Self trade prevention"),
}
"""`cancelSource` with its words. https://www.okx.com/docs-v5/en/#order-book-trading-trade-get-order-details"""


def _order(instrument: Instrument, entry: Entry, fill: Fill | None, lever: Decimal) -> rows.Order:
    order, terms = entry.order, entry.terms
    source, reason = CANCEL_SOURCES[order.reason] if entry.state == "canceled" else ("", "")
    return rows.Order(
        inst_type=instrument.inst_type,
        inst_id=instrument.inst_id,
        ord_id=order.order_id,
        cl_ord_id=order.client_id,
        tag=terms.tag,
        side=order.side.value,
        ord_type=terms.ord_type,
        td_mode="cross",
        px="" if order.kind is Kind.MARKET else plain(entry.price),
        sz=plain(instrument.contracts(entry.size)),
        state=entry.state,
        acc_fill_sz=plain(instrument.contracts(entry.filled)),
        avg_px=plain(entry.average) if entry.filled else "",
        fill_px=plain(fill.price) if fill else "",
        fill_sz=plain(instrument.contracts(fill.size)) if fill else "0",
        fill_time=str(fill.ts_ms) if fill else "",
        trade_id=fill.exec_id if fill else "",
        fee=plain(-entry.fee),
        pnl=plain(entry.pnl),
        lever=plain(lever),
        reduce_only="true" if order.reduce_only else "false",
        stp_mode=_SELF_MATCH_WORDS[order.self_match],
        cancel_source=source,
        cancel_source_reason=reason,
        c_time=str(order.created_ms),
        u_time=str(entry.updated_ms),
    )


def order(instrument: Instrument, entry: Entry, lever: Decimal) -> rows.Order:
    return _order(instrument, entry, entry.fill, lever)


def order_push(instrument: Instrument, stage: Stage, market: Market, lever: Decimal) -> rows.OrderPush:
    entry, fill, amendment = stage.entry, stage.fill, stage.amendment
    price = entry.price or market.mark_price
    return rows.OrderPush(
        **msgspec.structs.asdict(_order(instrument, entry, fill, lever)),
        exec_type=("M" if fill.is_maker else "T") if fill else "",
        fill_fee=plain(-fill.fee) if fill else "0",
        fill_fee_ccy="USDT" if fill else "",
        fill_pnl=plain(fill.pnl) if fill else "0",
        fill_notional_usd=plain(fill.price * fill.size) if fill else "",
        fill_mark_px=plain(fill.mark) if fill else "",
        fill_idx_px=plain(market.index_price) if fill else "",
        notional_usd=plain(entry.size * price),
        last_px=plain(market.last_price),
        req_id=amendment.request_id if amendment else "",
        amend_result=amendment.result if amendment else "",
        amend_source=amendment.source if amendment else "",
        code=amendment.code if amendment else "0",
        msg=amendment.words if amendment else "",
    )


def fill_row(instrument: Instrument, fill: Fill, index: int, tag: str, index_price: Decimal) -> rows.Fill:
    return rows.Fill(
        inst_type=instrument.inst_type,
        inst_id=instrument.inst_id,
        trade_id=fill.exec_id,
        ord_id=fill.order_id,
        cl_ord_id=fill.client_id,
        bill_id=bill_id(index),
        sub_type=trade_sub_type(fill.side, fill.closed, fill.size),
        tag=tag,
        fill_px=plain(fill.price),
        fill_sz=plain(instrument.contracts(fill.size)),
        side=fill.side.value,
        exec_type="M" if fill.is_maker else "T",
        fee=plain(-fill.fee),
        fee_rate=plain(-fill.fee_rate),
        fill_pnl=plain(fill.pnl),
        fill_mark_px=plain(fill.mark),
        fill_idx_px=plain(index_price),
        fill_time=str(fill.ts_ms),
        ts=str(fill.ts_ms),
    )


def fill_push(instrument: Instrument, fill: Fill) -> rows.FillPush:
    return rows.FillPush(
        inst_id=instrument.inst_id,
        fill_sz=plain(instrument.contracts(fill.size)),
        fill_px=plain(fill.price),
        side=fill.side.value,
        ts=str(fill.ts_ms),
        ord_id=fill.order_id,
        cl_ord_id=fill.client_id,
        trade_id=fill.exec_id,
        exec_type="M" if fill.is_maker else "T",
    )


def trade_sub_type(side: Side, closed: Decimal, size: Decimal) -> str:
    """1 bought, 2 sold in net mode's bills: 3 and 4 open long and short, 5 and 6 close them."""
    if closed < size:
        return "3" if side is Side.BUY else "4"
    return "6" if side is Side.BUY else "5"
