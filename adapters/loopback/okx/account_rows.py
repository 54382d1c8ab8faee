"""The rows of positions, money and settings of an account. Numbers are text; what is not said is empty."""

from __future__ import annotations

from msgspec import field

from adapters.loopback.okx.rows import FEE_GROUP, Row


class Position(Row):
    """https://www.okx.com/docs-v5/en/#trading-account-rest-api-get-positions"""

    inst_type: str
    inst_id: str
    pos_id: str
    pos: str
    avail_pos: str
    avg_px: str
    be_px: str
    mark_px: str
    last: str
    idx_px: str
    lever: str
    upl: str
    upl_ratio: str
    upl_last_px: str
    upl_ratio_last_px: str
    imr: str
    mmr: str
    mgn_ratio: str
    notional_usd: str
    realized_pnl: str
    pnl: str
    fee: str
    funding_fee: str
    trade_id: str
    c_time: str
    u_time: str
    p_time: str
    pos_side: str = "net"
    mgn_mode: str = "cross"
    ccy: str = "USDT"
    adl: str = "1"
    base_bal: str = ""
    base_borrowed: str = ""
    base_interest: str = ""
    biz_ref_id: str = ""
    biz_ref_type: str = ""
    cl_spot_in_use_amt: str = ""
    close_order_algo: list[str] = field(default_factory=list)
    delta_bs: str = field(default="", name="deltaBS")
    delta_pa: str = field(default="", name="deltaPA")
    gamma_bs: str = field(default="", name="gammaBS")
    gamma_pa: str = field(default="", name="gammaPA")
    interest: str = ""
    liab: str = ""
    liab_ccy: str = ""
    liq_penalty: str = "0"
    liq_px: str = ""
    margin: str = ""
    max_spot_in_use_amt: str = ""
    opt_val: str = ""
    pending_close_ord_liab_val: str = ""
    pos_ccy: str = ""
    quote_bal: str = ""
    quote_borrowed: str = ""
    quote_interest: str = ""
    spot_in_use_amt: str = ""
    spot_in_use_ccy: str = ""
    theta_bs: str = field(default="", name="thetaBS")
    theta_pa: str = field(default="", name="thetaPA")
    usd_px: str = ""
    vega_bs: str = field(default="", name="vegaBS")
    vega_pa: str = field(default="", name="vegaPA")


class Coin(Row):
    """One currency of an account."""

    cash_bal: str
    eq: str
    eq_usd: str
    dis_eq: str
    avail_bal: str
    avail_eq: str
    frozen_bal: str
    ord_frozen: str
    imr: str
    mmr: str
    mgn_ratio: str
    upl: str
    u_time: str
    ccy: str = "USDT"
    acc_avg_px: str = ""
    borrow_froz: str = ""
    cl_spot_in_use_amt: str = ""
    coin_usd_price: str = "1"
    col_borr_auto_conversion: str = "0"
    collateral_enabled: bool = False
    collateral_restrict: bool = False
    cross_liab: str = ""
    fixed_bal: str = "0"
    interest: str = ""
    iso_eq: str = "0"
    iso_liab: str = ""
    iso_upl: str = "0"
    liab: str = ""
    max_loan: str = ""
    max_spot_in_use_amt: str = ""
    notional_lever: str = "0"
    open_avg_px: str = ""
    reward_bal: str = "0"
    smt_sync_eq: str = "0"
    spot_bal: str = ""
    spot_copy_trading_eq: str = "0"
    spot_in_use_amt: str = ""
    spot_iso_bal: str = "0"
    spot_upl: str = ""
    spot_upl_ratio: str = ""
    stgy_eq: str = "0"
    total_pnl: str = ""
    total_pnl_ratio: str = ""
    twap: str = "0"
    upl_liab: str = ""


class Balance(Row):
    """https://www.okx.com/docs-v5/en/#trading-account-rest-api-get-balance"""

    total_eq: str
    adj_eq: str
    avail_eq: str
    imr: str
    mmr: str
    mgn_ratio: str
    ord_froz: str
    notional_usd: str
    notional_usd_for_swap: str
    upl: str
    u_time: str
    details: list[Coin]
    borrow_froz: str = ""
    iso_eq: str = "0"
    notional_usd_for_borrow: str = "0"
    notional_usd_for_futures: str = "0"
    notional_usd_for_option: str = "0"


class CashRow(Row):
    cash_bal: str
    u_time: str
    ccy: str = "USDT"


class HeldRow(Row):
    """A position in `balance_and_position`."""

    pos_id: str
    trade_id: str
    inst_id: str
    inst_type: str
    pos: str
    avg_px: str
    u_time: str
    mgn_mode: str = "cross"
    pos_side: str = "net"
    ccy: str = "USDT"
    pos_ccy: str = ""
    base_bal: str = ""
    quote_bal: str = ""
    non_settle_avg_px: str = ""
    settled_pnl: str = ""


class TradeRow(Row):
    inst_id: str
    trade_id: str


class BalanceAndPosition(Row):
    p_time: str
    event_type: str
    bal_data: list[CashRow]
    pos_data: list[HeldRow]
    trades: list[TradeRow]


class Config(Row):
    """https://www.okx.com/docs-v5/en/#trading-account-rest-api-get-account-configuration"""

    uid: str
    main_uid: str
    perm: str
    pos_mode: str = "net_mode"
    acct_lv: str = "2"
    acct_stp_mode: str = "cancel_maker"
    auto_loan: bool = False
    ct_iso_mode: str = "automatic"
    enable_spot_borrow: bool = False
    greeks_type: str = "PA"
    ip: str = ""
    kyc_lv: str = "3"
    label: str = "loopback"
    level: str = "Lv1"
    level_tmp: str = ""
    liquidation_gear: str = "-1"
    mgn_iso_mode: str = "automatic"
    op_auth: str = "0"
    role_type: str = "0"
    spot_borrow_auto_repay: bool = False
    spot_offset_type: str = ""
    spot_role_type: str = "0"
    spot_trader_insts: list[str] = field(default_factory=list)
    trader_insts: list[str] = field(default_factory=list)
    type: str = "0"


class PositionMode(Row):
    pos_mode: str


class Leverage(Row):
    inst_id: str
    lever: str
    mgn_mode: str = "cross"
    pos_side: str = ""


class LeverageInfo(Row):
    inst_id: str
    lever: str
    mgn_mode: str = "cross"
    pos_side: str = "net"
    ccy: str = ""


class FeeGroup(Row):
    maker: str
    taker: str
    group_id: str = FEE_GROUP


class FeeRates(Row):
    """The rates stand in the groups; the flat ones are what was before, of swaps those that settle in USDT."""

    inst_type: str
    fee_group: list[FeeGroup]
    maker: str
    taker: str
    maker_u: str
    taker_u: str
    ts: str
    category: str = "1"
    delivery: str = ""
    exercise: str = ""
    fiat: list[str] = field(default_factory=list)
    level: str = "Lv1"
    maker_usdc: str = field(default="", name="makerUSDC")
    taker_usdc: str = field(default="", name="takerUSDC")
    rule_type: str = "normal"
    uly: str = ""


class Size(Row):
    inst_id: str
    max_buy: str
    max_sell: str
    ccy: str = ""


class AvailableSize(Row):
    inst_id: str
    avail_buy: str
    avail_sell: str


class Bill(Row):
    """A line of the account's statement. https://www.okx.com/docs-v5/en/#trading-account-rest-api-get-bills-details-last-7-days"""

    bill_id: str
    inst_id: str
    type: str
    sub_type: str
    bal: str
    bal_chg: str
    pos_bal: str
    sz: str
    px: str
    pnl: str
    fee: str
    exec_type: str
    ord_id: str
    cl_ord_id: str
    trade_id: str
    fill_time: str
    ts: str
    inst_type: str = "SWAP"
    ccy: str = "USDT"
    mgn_mode: str = "cross"
    pos_bal_chg: str = "0"
    fill_fwd_px: str = ""
    fill_idx_px: str = ""
    fill_mark_px: str = ""
    fill_mark_vol: str = ""
    fill_px_usd: str = ""
    fill_px_vol: str = ""
    earn_amt: str = ""
    earn_apr: str = ""
    from_: str = field(default="", name="from")
    interest: str = "0"
    notes: str = ""
    tag: str = ""
    to: str = ""


class RateLimit(Row):
    """https://www.okx.com/docs-v5/en/#order-book-trading-trade-get-account-rate-limit"""

    acc_rate_limit: str
    next_acc_rate_limit: str
    ts: str
    fill_ratio: str = ""
    main_fill_ratio: str = ""
