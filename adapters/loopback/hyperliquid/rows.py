"""The rows of Hyperliquid's answers and frames, field by field; numbers are text, times are milliseconds."""

from __future__ import annotations

from typing import Literal

import msgspec


class Row(msgspec.Struct, gc=False, rename="camel"):
    """A JSON object with the venue's field names."""


# -- the market ------------------------------------------------------------------------------------------------------


class Level(Row):
    px: str
    sz: str
    n: int


class Book(Row, omit_defaults=True):
    coin: str
    time: int
    levels: tuple[list[Level], list[Level]]
    spread: str | None = None
    fast: bool = False


class BestPair(Row):
    coin: str
    time: int
    bbo: tuple[Level | None, Level | None]


class Trade(Row):
    coin: str
    side: str
    px: str
    sz: str
    time: int
    hash: str
    tid: int
    users: tuple[str, str]


class Candle(msgspec.Struct, gc=False):
    t: int
    T: int
    s: str
    i: str
    o: str
    c: str
    h: str
    l: str  # noqa: E741 - the venue's own name
    v: str
    n: int


class UniverseAsset(Row, omit_defaults=True):
    sz_decimals: int
    name: str
    max_leverage: int
    margin_table_id: int
    is_delisted: bool = False


class MarginTier(Row):
    lower_bound: str
    max_leverage: int


class MarginTable(Row):
    description: str
    margin_tiers: list[MarginTier]


class Meta(Row):
    universe: list[UniverseAsset]
    margin_tables: list[tuple[int, MarginTable]]
    collateral_token: int = 0


class AssetCtx(Row):
    funding: str
    open_interest: str
    prev_day_px: str
    day_ntl_vlm: str
    premium: str | None
    oracle_px: str
    mark_px: str
    mid_px: str | None
    impact_pxs: tuple[str, str] | None
    day_base_vlm: str


class FundingRate(Row):
    coin: str
    funding_rate: str
    premium: str
    time: int


class Token(Row):
    name: str
    sz_decimals: int
    wei_decimals: int
    index: int
    token_id: str
    is_canonical: bool
    evm_contract: None
    full_name: None
    deployer_trading_fee_share: str


class SpotMeta(Row):
    universe: list[None]
    tokens: list[Token]


# -- the account -----------------------------------------------------------------------------------------------------


class OpenOrder(Row, omit_defaults=True):
    coin: str
    side: str
    limit_px: str
    sz: str
    oid: int
    timestamp: int
    orig_sz: str
    cloid: str | None = None
    reduce_only: bool = False


class FullOrder(Row):
    """An order as frontendOpenOrders, orderStatus and historicalOrders show it."""

    coin: str
    side: str
    limit_px: str
    sz: str
    oid: int
    timestamp: int
    trigger_condition: str
    is_trigger: bool
    trigger_px: str
    children: list[FullOrder]
    is_position_tpsl: bool
    reduce_only: bool
    order_type: str
    orig_sz: str
    tif: str | None
    cloid: str | None


class OrderState(Row):
    order: FullOrder
    status: str
    status_timestamp: int


class OrderFound(Row):
    order: OrderState
    status: Literal["order"] = "order"


class OrderUnknown(Row):
    status: Literal["unknownOid"] = "unknownOid"


class OrderUpdate(Row):
    """An element of `orderUpdates`."""

    order: OpenOrder
    status: str
    status_timestamp: int


class Fill(Row, omit_defaults=True):
    coin: str
    px: str
    sz: str
    side: str
    time: int
    start_position: str
    dir: str
    closed_pnl: str
    hash: str
    oid: int
    crossed: bool
    fee: str
    tid: int
    fee_token: str
    twap_id: int | msgspec.UnsetType | None = msgspec.UNSET
    cloid: str | None = None


class FundingDelta(Row):
    type: str
    coin: str
    usdc: str
    szi: str
    funding_rate: str
    n_samples: None = None


class FundingPaid(Row):
    """A row of `userFunding`."""

    time: int
    hash: str
    delta: FundingDelta


class FundingEvent(Row):
    """A row of `userFundings`, the stream."""

    time: int
    coin: str
    usdc: str
    szi: str
    funding_rate: str
    n_samples: None = None


class Leverage(Row):
    type: str
    value: int


class CumFunding(Row):
    all_time: str
    since_open: str
    since_change: str


class Position(Row):
    coin: str
    szi: str
    leverage: Leverage
    entry_px: str
    position_value: str
    unrealized_pnl: str
    return_on_equity: str
    liquidation_px: str | None
    margin_used: str
    max_leverage: int
    cum_funding: CumFunding


class AssetPosition(Row):
    position: Position
    type: Literal["oneWay"] = "oneWay"


class MarginSummary(Row):
    account_value: str
    total_ntl_pos: str
    total_raw_usd: str
    total_margin_used: str


class Clearinghouse(Row):
    margin_summary: MarginSummary
    cross_margin_summary: MarginSummary
    cross_maintenance_margin_used: str
    withdrawable: str
    asset_positions: list[AssetPosition]
    time: int


class ActiveAsset(Row):
    user: str
    coin: str
    leverage: Leverage
    max_trade_szs: tuple[str, str]
    available_to_trade: tuple[str, str]
    mark_px: str


class SpotBalance(Row):
    coin: str
    token: int
    total: str
    hold: str
    entry_ntl: str = "0.0"


class SpotBalances(Row):
    balances: list[SpotBalance]


class UserRateLimit(Row):
    cum_vlm: str
    n_requests_used: int
    n_requests_cap: int
    n_requests_surplus: int


class Agent(Row):
    name: str
    address: str
    valid_until: int


class UserFees(Row):
    daily_user_vlm: list[None]
    user_cross_rate: str
    user_add_rate: str
    active_referral_discount: str
    active_staking_discount: str
