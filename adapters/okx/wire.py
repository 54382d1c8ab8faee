# ruff: noqa: N815 - the field names are the venue's
"""The venue's frames as Structs: what is decoded, and nothing more.

Every number stands in quotes, and an empty string is "not said". Money stays text until `account.py` makes it Decimal.
https://www.okx.com/docs-v5/en/
"""

from typing import Annotated, Any, Generic, Literal, TypeAlias, TypeVar

from msgspec import Meta, Raw, Struct, field

from adapters.base.shapes import Id, Millis, Number, Signed

T = TypeVar("T")
Said: TypeAlias = Number | Literal[""]
SaidSigned: TypeAlias = Signed | Literal[""]
SaidMillis: TypeAlias = Millis | Literal[""]
Seq: TypeAlias = Annotated[int, Meta(ge=-1, le=2**63 - 1)]


class Arg(Struct, gc=False):
    """What a frame is of."""

    channel: str = ""
    instId: str = ""
    instType: str = ""
    instFamily: str = ""


class Envelope(Struct, gc=False):
    """The keys by which frames are told apart: a push, an event, an answer to an order."""

    arg: Arg | None = None
    event: str = ""
    op: str = ""
    id: str = ""
    code: str = ""
    msg: str = ""


class Push(Struct, Generic[T], gc=False):
    """A frame of a topic, and an answer by REST: in both the rows are its data."""

    data: list[T]


# --- public ------------------------------------------------------------------------------------------------------


class Level(Struct, array_like=True, gc=False):
    """A level's further words, a number that is not used and one of orders, are left where they are."""

    px: Number
    sz: Number


class BookRow(Struct, gc=False):
    """https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel"""

    asks: list[Level]
    bids: list[Level]
    ts: Millis
    seqId: Seq | None = None
    prevSeqId: Seq | None = None
    checksum: int = 0


class BookPush(Struct, gc=False):
    data: list[BookRow]
    action: Literal["snapshot", "update"] = "snapshot"


# A level as it was written, of which a checksum is made.
TextLevel: TypeAlias = tuple[str, str, Any, Any]


class BookTexts(Struct, gc=False):
    asks: list[TextLevel]
    bids: list[TextLevel]


class TradeRow(Struct, gc=False):
    """`count` fills of one taker at one price, of which `tradeId` is the last."""

    instId: str
    tradeId: Id
    px: Number
    sz: Number
    side: Literal["buy", "sell"]
    ts: Millis
    count: int = 1


class TickerRow(Struct, gc=False):
    """Each channel and each answer says a part."""

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
    side: Literal["buy", "sell"]
    bkPx: Number
    sz: Number
    ts: Millis


class LiquidationRow(Struct, gc=False):
    """https://www.okx.com/docs-v5/en/#public-data-websocket-liquidation-orders-channel"""

    instId: str
    details: list[ForcedOrder]


class InstrumentRow(Struct, gc=False):
    """https://www.okx.com/docs-v5/en/#public-data-rest-api-get-instruments"""

    instId: str
    instType: str
    tickSz: str
    lotSz: str
    minSz: str
    state: str = "live"
    ctType: str = ""
    ctVal: str = ""
    ctMult: str = ""
    ctValCcy: str = ""
    baseCcy: str = ""
    quoteCcy: str = ""
    settleCcy: str = ""
    maxLmtSz: str = ""
    lever: str = ""
    instIdCode: int | None = None


# --- private; the same objects come by REST ----------------------------------------------------------------------


class Order(Struct, gc=False):
    """https://www.okx.com/docs-v5/en/#order-book-trading-trade-ws-order-channel"""

    instId: str
    ordId: str
    side: str
    ordType: str
    state: str
    sz: str
    accFillSz: str = ""
    instType: str = ""
    clOrdId: str = ""
    px: str = ""
    avgPx: str = ""
    tradeId: str = ""
    fillPx: str = ""
    fillSz: str = ""
    fillTime: str = ""
    fillFee: str = ""
    fillFeeCcy: str = ""
    fillPnl: str = ""
    feeCcy: str = ""
    execType: str = ""
    category: str = ""
    cancelSource: str = ""
    amendResult: str = ""
    reduceOnly: str | bool = False
    uTime: str = ""
    code: str = ""
    msg: str = ""


class FillRow(Struct, gc=False):
    """https://www.okx.com/docs-v5/en/#order-book-trading-trade-get-transaction-details-last-3-months"""

    instId: str
    tradeId: str
    side: str
    fillPx: str
    fillSz: str
    ts: str
    billId: str
    ordId: str = ""
    clOrdId: str = ""
    execType: str = ""
    subType: str = ""
    fee: str = ""
    feeCcy: str = ""
    fillPnl: str = ""
    fillTime: str = ""


class Position(Struct, gc=False):
    """https://www.okx.com/docs-v5/en/#trading-account-websocket-positions-channel"""

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
    """https://www.okx.com/docs-v5/en/#trading-account-websocket-account-channel"""

    details: list[Coin]
    uTime: str = ""


class Change(Struct, gc=False):
    """https://www.okx.com/docs-v5/en/#trading-account-websocket-balance-and-position-channel"""

    eventType: str = ""
    balData: list[Coin] = field(default_factory=list)


class Bill(Struct, gc=False):
    """https://www.okx.com/docs-v5/en/#trading-account-rest-api-get-bills-details-last-7-days"""

    billId: str
    instId: str
    balChg: str
    ccy: str
    ts: str
    type: str = ""
    px: str = ""
    sz: str = ""


class Fee(Struct, gc=False):
    """Negative where it is paid; contracts that settle in USDT or USDC have rates of their own."""

    maker: str = ""
    taker: str = ""
    makerU: str = ""
    takerU: str = ""
    makerUSDC: str = ""
    takerUSDC: str = ""


# --- answers -----------------------------------------------------------------------------------------------------


class Item(Struct, gc=False):
    """One order of a request."""

    ordId: str = ""
    sCode: str = ""
    sMsg: str = ""
    ts: str = ""


class Answer(Struct, gc=False):
    """What every answer is wrapped in, by REST and by the order socket. Code 1: all failed, 2: some did."""

    code: str
    msg: str = ""
    data: Raw = Raw(b"[]")


class Time(Struct, gc=False):
    ts: Millis
