"""The rows of Binance's private REST answers: orders and the account, field by field."""

from __future__ import annotations

from adapters.loopback.binance.rows import Row

# -- orders -----------------------------------------------------------------------------------------------------------


class Ack(Row, omit_defaults=True):
    """What placing, amending and cancelling answer; since 2026-07-15 without average price and value."""

    order_id: int
    symbol: str
    status: str | None
    client_order_id: str | None
    price: str | None
    orig_qty: str | None
    executed_qty: str | None
    cum_qty: str | None
    time_in_force: str | None
    type: str | None
    reduce_only: bool | None
    close_position: bool | None
    side: str | None
    position_side: str | None
    stop_price: str | None
    working_type: str | None
    price_protect: bool | None
    orig_type: str | None
    price_match: str | None
    self_trade_prevention_mode: str | None
    good_till_date: int | None
    update_time: int | None
    modify_id: int = 0


class Order(Row):
    """What the queries answer."""

    order_id: int
    symbol: str
    status: str
    client_order_id: str
    price: str
    avg_price: str
    orig_qty: str
    executed_qty: str
    cum_quote: str
    time_in_force: str
    type: str
    reduce_only: bool
    close_position: bool
    side: str
    position_side: str
    stop_price: str
    working_type: str
    price_protect: bool
    orig_type: str
    price_match: str
    self_trade_prevention_mode: str
    good_till_date: int
    time: int
    update_time: int


class Change(Row):
    before: str
    after: str


class Changes(Row):
    price: Change
    orig_qty: Change
    count: int


class Amendment(Row):
    amendment_id: int
    symbol: str
    pair: str
    order_id: int
    client_order_id: str
    time: int
    amendment: Changes


class UserTrade(Row):
    symbol: str
    id: int
    order_id: int
    side: str
    price: str
    qty: str
    realized_pnl: str
    quote_qty: str
    commission: str
    commission_asset: str
    time: int
    position_side: str
    buyer: bool
    maker: bool
    margin_asset: str


class Countdown(Row):
    symbol: str
    countdown_time: str


# -- the account ------------------------------------------------------------------------------------------------------


class Position(Row):
    """A row of `v3/positionRisk`."""

    symbol: str
    position_side: str
    position_amt: str
    entry_price: str
    break_even_price: str
    mark_price: str
    un_realized_profit: str
    liquidation_price: str
    isolated_margin: str
    notional: str
    margin_asset: str
    isolated_wallet: str
    initial_margin: str
    maint_margin: str
    position_initial_margin: str
    open_order_initial_margin: str
    adl: int
    bid_notional: str
    ask_notional: str
    update_time: int


class AccountAsset(Row):
    asset: str
    wallet_balance: str
    unrealized_profit: str
    margin_balance: str
    maint_margin: str
    initial_margin: str
    position_initial_margin: str
    open_order_initial_margin: str
    cross_wallet_balance: str
    cross_un_pnl: str
    available_balance: str
    max_withdraw_amount: str
    update_time: int


class AccountPosition(Row):
    symbol: str
    position_side: str
    position_amt: str
    unrealized_profit: str
    isolated_margin: str
    notional: str
    isolated_wallet: str
    initial_margin: str
    maint_margin: str
    update_time: int


class Account(Row):
    total_initial_margin: str
    total_maint_margin: str
    total_wallet_balance: str
    total_unrealized_profit: str
    total_margin_balance: str
    total_position_initial_margin: str
    total_open_order_initial_margin: str
    total_cross_wallet_balance: str
    total_cross_un_pnl: str
    available_balance: str
    max_withdraw_amount: str
    assets: list[AccountAsset]
    positions: list[AccountPosition]


class Balance(Row):
    account_alias: str
    asset: str
    balance: str
    cross_wallet_balance: str
    cross_un_pnl: str
    available_balance: str
    max_withdraw_amount: str
    margin_available: bool
    update_time: int


class AccountConfig(Row):
    fee_tier: int
    can_trade: bool
    can_deposit: bool
    can_withdraw: bool
    dual_side_position: bool
    update_time: int
    multi_assets_margin: bool
    trade_group_id: int


class SymbolConfig(Row):
    symbol: str
    margin_type: str
    is_auto_add_margin: bool
    leverage: int
    max_notional_value: str


class Leverage(Row):
    leverage: int
    max_notional_value: str
    symbol: str


class PositionMode(Row):
    dual_side_position: bool


class MarginMode(Row):
    multi_assets_margin: bool


class CommissionRate(Row):
    symbol: str
    maker_commission_rate: str
    taker_commission_rate: str
    rpi_commission_rate: str


class Income(Row):
    symbol: str
    income_type: str
    income: str
    asset: str
    info: str
    time: int
    tran_id: int
    trade_id: str


class AdlQuantile(Row):
    symbol: str
    adl_quantile: dict[str, int]


class Bracket(Row):
    bracket: int
    initial_leverage: int
    notional_cap: int
    notional_floor: int
    maint_margin_ratio: float
    cum: float


class Brackets(Row):
    symbol: str
    brackets: list[Bracket]


class ListenKey(Row):
    listen_key: str


class AlgoOrder(Row):
    algo_id: int
    client_algo_id: str
    algo_type: str
    order_type: str
    symbol: str
    side: str
    position_side: str
    time_in_force: str
    quantity: str
    algo_status: str
    actual_order_id: str
    trigger_price: str
    price: str
    self_trade_prevention_mode: str
    working_type: str
    price_match: str
    close_position: bool
    price_protect: bool
    reduce_only: bool
    create_time: int
    update_time: int
    trigger_time: int
    good_till_date: int


class AlgoAck(Row):
    algo_id: int
    client_algo_id: str
    code: str
    msg: str
