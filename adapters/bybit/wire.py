# ruff: noqa: N815 - the field names are the venue's
"""The venue's frames as Structs: what is decoded, and nothing more.

Market numbers are floats read straight from the venue's text; a number that is negative, not finite or no number does not
fit. Money stays text until `formats.py` makes it Decimal, since an empty string is a legal one ("not said").
https://bybit-exchange.github.io/docs/v5/intro
"""

from typing import Annotated, Generic, Literal, TypeVar

from msgspec import Meta, Raw, Struct, field

from adapters.base.shapes import Id, Levels, Millis, Number, Signed

T = TypeVar("T")


class Envelope(Struct, gc=False):
    """The keys by which frames of all kinds are told apart; trade-socket answers spell theirs in camel case."""

    topic: str | None = None
    op: str | None = None
    success: bool | None = None
    ret_msg: str = ""
    req_id: str = ""
    retCode: int | None = None
    retMsg: str = ""
    reqId: str = ""


class Push(Struct, Generic[T], gc=False):
    """What most topics carry."""

    data: list[T]


class Page(Struct, Generic[T], gc=False):
    """What most answers hold; the cursor is empty on the last one."""

    rows: list[T] = field(name="list")
    nextPageCursor: str | None = None


# --- public ------------------------------------------------------------------------------------------------------


class BookData(Struct, gc=False):
    b: Levels
    a: Levels
    u: Id


class BookMessage(Struct, gc=False):
    """https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook"""

    type: Literal["snapshot", "delta"]
    ts: Millis
    data: BookData
    cts: Millis = 0


class TradeItem(Struct, gc=False):
    """https://bybit-exchange.github.io/docs/v5/websocket/public/trade"""

    T: Millis
    S: Literal["Buy", "Sell"]
    v: Number
    p: Number
    i: str
    BT: bool = False
    RPI: bool = False


class TickerData(Struct, gc=False):
    lastPrice: Number | None = None
    bid1Price: Number | None = None
    bid1Size: Number | None = None
    ask1Price: Number | None = None
    ask1Size: Number | None = None
    markPrice: Number | None = None
    indexPrice: Number | None = None
    fundingRate: Signed | None = None
    fundingIntervalHour: Annotated[int, Meta(ge=0, le=100_000)] | None = None
    nextFundingTime: Millis | None = None
    openInterest: Number | None = None
    volume24h: Number | None = None


class TickerMessage(Struct, gc=False):
    """https://bybit-exchange.github.io/docs/v5/websocket/public/ticker"""

    ts: Millis
    data: TickerData


class TickerText(Struct, gc=False):
    """The same, where a field is the empty string: read as text first, because empty means "not said"."""

    ts: Millis
    data: dict[str, str | int | None]


class KlineItem(Struct, gc=False):
    """https://bybit-exchange.github.io/docs/v5/websocket/public/kline"""

    start: Millis
    end: Millis
    open: Number
    high: Number
    low: Number
    close: Number
    volume: Number
    turnover: Number
    confirm: bool
    timestamp: Millis


class LiquidationItem(Struct, gc=False):
    """`S` is the side of the liquidated position. https://bybit-exchange.github.io/docs/v5/websocket/public/all-liquidation"""

    T: Millis
    S: Literal["Buy", "Sell"]
    v: Number
    p: Number


# --- private; the same objects come by REST ----------------------------------------------------------------------


class Order(Struct, gc=False):
    """https://bybit-exchange.github.io/docs/v5/websocket/private/order"""

    symbol: str
    orderId: str
    side: str
    orderType: str
    timeInForce: str
    orderStatus: str
    qty: str
    price: str = ""
    orderLinkId: str = ""
    cumExecQty: str = ""
    avgPrice: str | None = None
    reduceOnly: bool = False
    rejectReason: str = ""
    cancelType: str = ""
    createType: str = ""
    updatedTime: str = ""
    category: str = ""


class Execution(Struct, gc=False):
    """https://bybit-exchange.github.io/docs/v5/websocket/private/execution"""

    symbol: str
    execId: str
    side: str
    execPrice: str
    execQty: str
    execFee: str
    execType: str
    execTime: str
    orderId: str = ""
    orderLinkId: str = ""
    feeRate: str = ""
    feeCurrency: str = ""
    execPnl: str = ""
    markPrice: str = ""
    isMaker: bool | None = None
    category: str = ""


class Position(Struct, gc=False):
    """The stream says `entryPrice` where REST says `avgPrice`. https://bybit-exchange.github.io/docs/v5/position"""

    symbol: str
    side: str
    size: str
    positionIdx: int = 0
    entryPrice: str = ""
    avgPrice: str = ""
    markPrice: str = ""
    liqPrice: str = ""
    leverage: str = ""
    unrealisedPnl: str = ""
    cumRealisedPnl: str = ""
    updatedTime: str = ""
    category: str = ""


class Coin(Struct, gc=False):
    coin: str
    walletBalance: str
    availableToWithdraw: str = ""


class Wallet(Struct, gc=False):
    """https://bybit-exchange.github.io/docs/v5/websocket/private/wallet"""

    coin: list[Coin]
    accountType: str = ""


class WalletMessage(Struct, gc=False):
    creationTime: Millis
    data: list[Wallet]


# --- answers -----------------------------------------------------------------------------------------------------


class Answer(Struct, gc=False):
    """What every REST answer is wrapped in; the trade socket's `data` is REST's `result`."""

    retCode: int
    retMsg: str = ""
    result: Raw = Raw(b"{}")
    data: Raw = Raw(b"{}")
    retExtInfo: Raw = Raw(b"{}")
    time: Millis = 0
    reqId: str = ""
    op: str = ""


class Acknowledged(Struct, gc=False):
    orderId: str = ""
    orderLinkId: str = ""


class ItemVerdict(Struct, gc=False):
    code: int = 0
    msg: str = ""


# --- REST results ------------------------------------------------------------------------------------------------


class PriceFilter(Struct, gc=False):
    tickSize: str


class LotSizeFilter(Struct, gc=False):
    """Linear says `qtyStep` and `minNotionalValue` where spot says `basePrecision` and `minOrderAmt`."""

    minOrderQty: str = ""
    maxOrderQty: str = ""
    qtyStep: str = ""
    minNotionalValue: str = ""
    basePrecision: str = ""
    minOrderAmt: str = ""
    maxLimitOrderQty: str = ""


class LeverageFilter(Struct, gc=False):
    maxLeverage: str = ""


class InstrumentItem(Struct, gc=False):
    """https://bybit-exchange.github.io/docs/v5/market/instrument"""

    symbol: str
    status: str
    baseCoin: str
    quoteCoin: str
    priceFilter: PriceFilter
    lotSizeFilter: LotSizeFilter
    contractType: str = ""
    settleCoin: str = ""
    symbolId: int | None = None
    fundingInterval: int | None = None
    leverageFilter: LeverageFilter | None = None


class BookResult(Struct, gc=False):
    """https://bybit-exchange.github.io/docs/v5/market/orderbook"""

    s: str
    b: Levels
    a: Levels
    ts: Millis
    u: Id
    cts: Millis = 0


class RecentTrade(Struct, gc=False):
    """https://bybit-exchange.github.io/docs/v5/market/recent-trade"""

    execId: str
    symbol: str
    price: Number
    size: Number
    side: Literal["Buy", "Sell"]
    time: Millis
    isBlockTrade: bool = False
    isRPITrade: bool = False


class Kline(Struct, gc=False, array_like=True):
    start: Millis
    open: Number
    high: Number
    low: Number
    close: Number
    volume: Number
    turnover: Number


class KlineList(Struct, gc=False):
    symbol: str
    rows: list[Kline] = field(name="list")


class FeeRate(Struct, gc=False):
    symbol: str
    takerFeeRate: str
    makerFeeRate: str


class ServerTime(Struct, gc=False):
    timeNano: Id
