# ruff: noqa: N815 - the field names are the venue's
"""The venue's frames as Structs: what is decoded, and nothing more.

Every number stands in quotes, and an empty string is "not said". Money stays text until `account.py` makes it Decimal. The
same objects come by stream and by REST, in both as rows of `data`.
https://www.okx.com/docs-v5/en/#order-book-trading-market-data, #public-data, #order-book-trading-trade, #trading-account
"""

from typing import Annotated, Any, Generic, Literal, TypeAlias, TypeVar

from msgspec import Meta, Raw, Struct

from adapters.base.shapes import Id, Millis, Number, Signed

T = TypeVar("T")
Said: TypeAlias = Number | Literal[""]
SaidSigned: TypeAlias = Signed | Literal[""]
SaidMillis: TypeAlias = Millis | Literal[""]
Seq: TypeAlias = Annotated[int, Meta(ge=-1, le=2**63 - 1)]
Side: TypeAlias = Literal["buy", "sell"]


class Arg(Struct, gc=False):
    channel: str = ""
    instId: str = ""
    instType: str = ""
    instFamily: str = ""


class Envelope(Struct, gc=False):
    """The keys by which frames are told apart and answers judged. Of an answer, code 1: all failed, 2: some did."""

    arg: Arg | None = None
    event: str = ""
    op: str = ""
    id: str = ""
    code: str = ""
    msg: str = ""
    data: Raw = Raw(b"[]")


class Push(Struct, Generic[T], gc=False):
    data: list[T]


class Item(Struct, gc=False):  # what became of one order of a request
    ordId: str = ""
    sCode: str = ""
    sMsg: str = ""
    ts: str = ""


class Level(Struct, array_like=True, gc=False):  # a further number is not used, and one of orders not kept
    px: Number
    sz: Number


class BookRow(Struct, gc=False):
    asks: list[Level]
    bids: list[Level]
    ts: Millis
    seqId: Seq | None = None
    prevSeqId: Seq | None = None
    checksum: int = 0


class BookPush(Struct, gc=False):
    data: list[BookRow]
    action: Literal["snapshot", "update"] = "snapshot"


class BookTexts(Struct, gc=False):  # levels as they were written, of which a checksum is made
    asks: list[tuple[str, str, Any, Any]]
    bids: list[tuple[str, str, Any, Any]]


class TradeRow(Struct, gc=False):  # `count` fills of one taker at one price, of which `tradeId` is the last
    instId: str
    tradeId: Id
    px: Number
    sz: Number
    side: Side
    ts: Millis
    count: int = 1
    source: str = "0"  # "1" was taken from an order of retail price improvement


class TickerRow(Struct, gc=False):  # each channel and each answer says a part
    instId: str
    ts: SaidMillis = ""
    last: Said = ""
    bidPx: Said = ""
    bidSz: Said = ""
    askPx: Said = ""
    askSz: Said = ""
    vol24h: Said = ""
    markPx: Said = ""
    idxPx: Said = ""
    oi: Said = ""
    fundingRate: SaidSigned = ""
    fundingTime: SaidMillis = ""
    nextFundingTime: SaidMillis = ""


# Start, open, high, low, close, contracts, base or quote, quote, confirmed; the oldest recordings end after the seventh.
CandleRow: TypeAlias = list[Number]


class ForcedOrder(Struct, gc=False):
    side: Side
    bkPx: Number
    sz: Number
    ts: Millis


class LiquidationRow(Struct, gc=False):
    instId: str
    details: list[ForcedOrder]


class InstrumentRow(Struct, gc=False):
    instId: str
    instType: str
    tickSz: str
    lotSz: str
    minSz: str
    state: str = "live"
    ctType: str = ""
    ctVal: str = ""
    ctMult: str = ""
    baseCcy: str = ""
    quoteCcy: str = ""
    settleCcy: str = ""
    maxLmtSz: str = ""
    lever: str = ""
    instIdCode: int | None = None
    groupId: str = ""


class FeeGroup(Struct, gc=False):
    groupId: str = ""
    maker: str = ""
    taker: str = ""


class FeeRow(
    Struct, gc=False
):  # rates by group of instruments; those beside them are what they were before 2025-11, and to go
    feeGroup: list[FeeGroup] = []
    maker: str = ""
    taker: str = ""
    makerU: str = ""
    takerU: str = ""
    makerUSDC: str = ""
    takerUSDC: str = ""


class Execution(Struct, gc=False, kw_only=True):  # what a fill is, told with its order or alone
    instId: str
    side: str
    tradeId: str = ""
    fillPx: str = ""
    fillSz: str = ""
    fillTime: str = ""
    fillPnl: str = ""
    feeCcy: str = ""
    execType: str = ""
    ordId: str = ""
    clOrdId: str = ""


class Order(Execution, gc=False, kw_only=True):
    ordType: str
    state: str
    sz: str
    accFillSz: str = ""
    px: str = ""
    avgPx: str = ""
    fillFee: str = ""
    fillFeeCcy: str = ""
    category: str = ""
    cancelSource: str = ""
    amendResult: str = ""
    reduceOnly: str | bool = False
    uTime: str = ""
    code: str = ""
    msg: str = ""


class FillRow(Execution, gc=False, kw_only=True):
    billId: str
    ts: str
    subType: str = ""
    fee: str = ""


class Position(Struct, gc=False):
    instId: str
    pos: str
    posSide: str = "net"
    mgnMode: str = "cross"
    avgPx: str = ""
    markPx: str = ""
    liqPx: str = ""
    upl: str = ""
    realizedPnl: str = ""
    lever: str = ""
    uTime: str = ""


class Coin(Struct, gc=False):
    ccy: str
    cashBal: str
    availBal: str = ""
    uTime: str = ""


class Balance(Struct, gc=False):
    details: list[Coin]
    uTime: str = ""


class Bill(Struct, gc=False):
    billId: str
    instId: str
    balChg: str
    ccy: str
    ts: str
