"""The rows of Binance's public REST answers, field by field."""

from __future__ import annotations

import msgspec

Level = tuple[str, str]
KlineRow = tuple[int, str, str, str, str, str, int, str, int, str, str, str]


class Row(msgspec.Struct, gc=False, rename="camel"):
    """Fields are spelt as Binance spells them, in camel case."""


class Empty(Row):
    """`{}`"""


class Said(Row):
    """`{"code":200,"msg":".."}`"""

    code: int
    msg: str


# -- the public -------------------------------------------------------------------------------------------------------


class Filter(Row, omit_defaults=True):
    filter_type: str
    min_price: str = ""
    max_price: str = ""
    tick_size: str = ""
    min_qty: str = ""
    max_qty: str = ""
    step_size: str = ""
    notional: str = ""
    limit: int = 0
    multiplier_up: str = ""
    multiplier_down: str = ""
    multiplier_decimal: str = ""
    min_notional: str = ""
    apply_min_to_market: bool = False
    avg_price_mins: int = 0


class Symbol(Row):
    symbol: str
    pair: str
    contract_type: str
    delivery_date: int
    onboard_date: int
    status: str
    base_asset: str
    quote_asset: str
    margin_asset: str
    price_precision: int
    quantity_precision: int
    base_asset_precision: int
    quote_precision: int
    underlying_type: str
    trigger_protect: str
    liquidation_fee: str
    market_take_bound: str
    maint_margin_percent: str
    required_margin_percent: str
    filters: list[Filter]
    order_types: list[str]
    time_in_force: list[str]


class SpotSymbol(Row):
    symbol: str
    status: str
    base_asset: str
    base_asset_precision: int
    quote_asset: str
    quote_precision: int
    quote_asset_precision: int
    order_types: list[str]
    filters: list[Filter]
    permissions: list[str]
    permission_sets: list[list[str]]
    is_spot_trading_allowed: bool = True
    is_margin_trading_allowed: bool = False


class Asset(Row):
    asset: str
    margin_available: bool = True
    auto_asset_exchange: str = "0"


class ExchangeInfo(Row, omit_defaults=True):
    timezone: str
    server_time: int
    rate_limits: list[msgspec.Struct]
    exchange_filters: list[str]
    symbols: list[msgspec.Struct]
    futures_type: str = ""
    assets: list[Asset] | None = None


class ServerTime(Row):
    server_time: int


class Depth(Row, omit_defaults=True):
    last_update_id: int
    bids: list[Level]
    asks: list[Level]
    E: int = 0
    T: int = 0


class Trade(Row, omit_defaults=True):
    id: int
    price: str
    qty: str
    quote_qty: str
    time: int
    is_buyer_maker: bool
    is_best_match: bool | None = None
    is_rpi_trade: bool | None = msgspec.field(default=None, name="isRPITrade")


class AggTrade(Row, omit_defaults=True):
    a: int
    p: str
    q: str
    f: int
    l: int  # noqa: E741 - the venue's own
    T: int
    m: bool
    nq: str | None = None
    M: bool | None = None


class Premium(Row):
    symbol: str
    mark_price: str
    index_price: str
    estimated_settle_price: str
    last_funding_rate: str
    interest_rate: str
    next_funding_time: int
    time: int


class FundingRate(Row):
    symbol: str
    funding_rate: str
    funding_time: int
    mark_price: str
    rate_type: str = "FUNDING_RATE"


class Day(Row):
    symbol: str
    price_change: str
    price_change_percent: str
    weighted_avg_price: str
    last_price: str
    last_qty: str
    open_price: str
    high_price: str
    low_price: str
    volume: str
    quote_volume: str
    open_time: int
    close_time: int
    first_id: int
    last_id: int
    count: int


class BookTicker(Row, omit_defaults=True):
    symbol: str
    bid_price: str
    bid_qty: str
    ask_price: str
    ask_qty: str
    time: int = 0
    last_update_id: int = 0


class Price(Row, omit_defaults=True):
    symbol: str
    price: str
    time: int = 0


class OpenInterest(Row):
    symbol: str
    open_interest: str
    time: int
