"""The rows of orders and fills, and the answers to commands on orders. Numbers are text; what is not said is empty."""

from __future__ import annotations

from msgspec import field

from adapters.loopback.okx.rows import Row


class Ack(Row):
    """The answer to a command on one order; `sCode` says whether it was taken."""

    ord_id: str
    cl_ord_id: str
    ts: str
    s_code: str = "0"
    s_msg: str = ""
    tag: str = ""
    sub_code: str = ""


class AmendAck(Row):
    ord_id: str
    cl_ord_id: str
    ts: str
    req_id: str
    s_code: str = "0"
    s_msg: str = ""
    sub_code: str = ""


class LinkedAlgo(Row):
    algo_id: str = ""


class Order(Row):
    """https://www.okx.com/docs-v5/en/#order-book-trading-trade-get-order-details"""

    inst_type: str
    inst_id: str
    ord_id: str
    cl_ord_id: str
    tag: str
    side: str
    ord_type: str
    td_mode: str
    px: str
    sz: str
    state: str
    acc_fill_sz: str
    avg_px: str
    fill_px: str
    fill_sz: str
    fill_time: str
    trade_id: str
    fee: str
    pnl: str
    lever: str
    reduce_only: str
    stp_mode: str
    cancel_source: str
    cancel_source_reason: str
    c_time: str
    u_time: str
    fee_ccy: str = "USDT"
    rebate: str = "0"
    rebate_ccy: str = "USDT"
    pos_side: str = "net"
    category: str = "normal"
    algo_cl_ord_id: str = ""
    algo_id: str = ""
    attach_algo_cl_ord_id: str = ""
    attach_algo_ords: list[str] = field(default_factory=list)
    ccy: str = ""
    is_tp_limit: str = "false"
    linked_algo_ord: LinkedAlgo = field(default_factory=LinkedAlgo)
    px_type: str = ""
    px_usd: str = ""
    px_vol: str = ""
    quick_mgn_type: str = ""
    sl_ord_px: str = ""
    sl_trigger_px: str = ""
    sl_trigger_px_type: str = ""
    source: str = ""
    stp_id: str = ""
    tgt_ccy: str = ""
    tp_ord_px: str = ""
    tp_trigger_px: str = ""
    tp_trigger_px_type: str = ""


class OrderPush(Order, kw_only=True):
    """`orders`: the order with what has just happened to it."""

    exec_type: str
    fill_fee: str
    fill_fee_ccy: str
    fill_pnl: str
    fill_notional_usd: str
    fill_mark_px: str
    fill_idx_px: str
    notional_usd: str
    last_px: str
    req_id: str
    amend_result: str
    amend_source: str
    code: str
    msg: str
    fill_fwd_px: str = ""
    fill_mark_vol: str = ""
    fill_px_usd: str = ""
    fill_px_vol: str = ""


class Fill(Row):
    """https://www.okx.com/docs-v5/en/#order-book-trading-trade-get-transaction-details-last-3-days"""

    inst_type: str
    inst_id: str
    trade_id: str
    ord_id: str
    cl_ord_id: str
    bill_id: str
    sub_type: str
    tag: str
    fill_px: str
    fill_sz: str
    side: str
    exec_type: str
    fee: str
    fee_rate: str
    fill_pnl: str
    fill_mark_px: str
    fill_idx_px: str
    fill_time: str
    ts: str
    fee_ccy: str = "USDT"
    pos_side: str = "net"
    fill_fwd_px: str = ""
    fill_mark_vol: str = ""
    fill_px_usd: str = ""
    fill_px_vol: str = ""


class FillPush(Row):
    """`fills`, for customers of the sixth tier."""

    inst_id: str
    fill_sz: str
    fill_px: str
    side: str
    ts: str
    ord_id: str
    cl_ord_id: str
    trade_id: str
    exec_type: str
    count: str = "1"


class Closed(Row):
    inst_id: str
    cl_ord_id: str
    tag: str
    pos_side: str = "net"


class Countdown(Row):
    trigger_time: str
    tag: str
    ts: str
