"""The rows of OKX's public data, as REST and the sockets carry them. Numbers are text."""

from __future__ import annotations

from msgspec import Struct, field

FEE_GROUP = "4"
"""Which fee rates an instrument has: here all have the same."""

Level = tuple[str, str, str, str]
"""Price, size, the zero that once counted liquidated orders, and the number of orders."""

Candle = tuple[str, str, str, str, str, str, str, str, str]
PriceCandle = tuple[str, str, str, str, str, str]
"""A candle of an index or a mark price, which have no volume."""


class Row(Struct, gc=False, rename="camel"):
    """A row whose fields are the venue's own, in snake case here."""


class Time(Row):
    ts: str


class Book(Row):
    """`seqId` is a number where everything else is text."""

    asks: list[Level]
    bids: list[Level]
    ts: str
    seq_id: int


class NamedBook(Book):
    """`books5` says whose it is."""

    inst_id: str


class ChainedBook(Book):
    """`books`, with the chain that ties each update to the one before."""

    prev_seq_id: int
    checksum: int = 0


class Trade(Row):
    inst_id: str
    trade_id: str
    px: str
    sz: str
    side: str
    ts: str


class MergedTrade(Trade):
    """`trades`: what one order took at one price."""

    count: str
    seq_id: int


class SingleTrade(Trade):
    """`trades-all`."""

    source: str = "0"


class Ticker(Row):
    inst_type: str
    inst_id: str
    last: str
    last_sz: str
    ask_px: str
    ask_sz: str
    bid_px: str
    bid_sz: str
    open24h: str
    high24h: str
    low24h: str
    vol_ccy24h: str = field(name="volCcy24h")
    vol24h: str
    sod_utc0: str
    sod_utc8: str
    ts: str


class MarkPrice(Row):
    inst_type: str
    inst_id: str
    mark_px: str
    ts: str


class IndexTicker(Row):
    inst_id: str
    idx_px: str
    high24h: str
    low24h: str
    open24h: str
    sod_utc0: str
    sod_utc8: str
    ts: str


class FundingRate(Row):
    inst_type: str
    inst_id: str
    funding_rate: str
    funding_time: str
    """When it is settled next."""
    next_funding_time: str
    min_funding_rate: str
    max_funding_rate: str
    premium: str
    sett_funding_rate: str
    ts: str
    method: str = "current_period"
    next_funding_rate: str = ""
    sett_state: str = "settled"


class SettledFunding(Row):
    inst_type: str
    inst_id: str
    funding_rate: str
    realized_rate: str
    funding_time: str
    method: str = "current_period"


class OpenInterest(Row):
    inst_type: str
    inst_id: str
    oi: str
    oi_ccy: str
    oi_usd: str
    ts: str


class PriceLimit(Row):
    inst_type: str
    inst_id: str
    buy_lmt: str
    sell_lmt: str
    ts: str
    enabled: bool = True


class LiquidationDetail(Row):
    side: str
    pos_side: str
    bk_px: str
    sz: str
    ts: str
    bk_loss: str = "0"
    ccy: str = ""


class Liquidation(Row):
    inst_type: str
    inst_id: str
    inst_family: str
    uly: str
    details: list[LiquidationDetail]


class Tier(Row):
    """The one tier of positions that there is here."""

    inst_family: str
    uly: str
    max_lever: str
    max_sz: str
    imr: str
    mmr: str
    base_max_loan: str = ""
    inst_id: str = ""
    min_sz: str = "0"
    opt_mgn_factor: str = "0"
    quote_max_loan: str = ""
    tier: str = "1"


class Instrument(Row):
    """https://www.okx.com/docs-v5/en/#public-data-rest-api-get-instruments"""

    inst_type: str
    inst_id: str
    inst_id_code: int
    inst_family: str
    uly: str
    base_ccy: str
    quote_ccy: str
    settle_ccy: str
    ct_type: str
    ct_val: str
    ct_mult: str
    ct_val_ccy: str
    tick_sz: str
    lot_sz: str
    min_sz: str
    lever: str
    max_lmt_sz: str
    max_mkt_sz: str
    max_iceberg_sz: str
    max_trigger_sz: str
    max_twap_sz: str
    max_stop_sz: str
    list_time: str
    max_lmt_amt: str = "20000000"
    max_mkt_amt: str = ""
    state: str = "live"
    rule_type: str = "normal"
    category: str = "1"
    group_id: str = FEE_GROUP
    alias: str = ""
    auction_end_time: str = ""
    cont_td_sw_time: str = ""
    exp_time: str = ""
    future_settlement: bool = False
    max_plat_oi_lmt: str = field(default="", name="maxPlatOILmt")
    open_type: str = ""
    opt_type: str = ""
    pos_lmt_amt: str = ""
    pos_lmt_pct: str = ""
    pre_mkt_sw_time: str = ""
    stk: str = ""
    trade_quote_ccy_list: list[str] = field(default_factory=list)
    upc_chg: list[str] = field(default_factory=list)
