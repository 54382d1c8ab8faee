# ruff: noqa: N815 - the field names are the venue's
"""The venue's frames as Structs: what is decoded, and nothing more.

Market numbers are floats read straight from the venue's text; a number that is negative, not finite or no number does not
fit. Money stays text until `formats.py` makes it Decimal, since an empty string is a legal one ("not said").
https://bybit-exchange.github.io/docs/v5/intro
"""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Raw, Struct, field

Number: TypeAlias = Annotated[float, Meta(ge=0, lt=1e300)]
Signed: TypeAlias = Annotated[float, Meta(gt=-1e300, lt=1e300)]
Levels: TypeAlias = list[tuple[Number, Number]]
# A time in ms whose ns still fit 64 bits; an id that does.
Millis: TypeAlias = Annotated[int, Meta(ge=0, le=9_000_000_000_000)]
Id: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]


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
    T: Millis
    S: Literal["Buy", "Sell"]
    v: Number
    p: Number
    i: str
    BT: bool = False
    RPI: bool = False


class TradeMessage(Struct, gc=False):
    """https://bybit-exchange.github.io/docs/v5/websocket/public/trade"""

    ts: Millis
    data: list[TradeItem]


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


class KlineMessage(Struct, gc=False):
    """https://bybit-exchange.github.io/docs/v5/websocket/public/kline"""

    data: list[KlineItem]


class LiquidationItem(Struct, gc=False):
    T: Millis
    S: Literal["Buy", "Sell"]
    v: Number
    p: Number


class LiquidationMessage(Struct, gc=False):
    """`S` is the side of the liquidated position. https://bybit-exchange.github.io/docs/v5/websocket/public/all-liquidation"""

    data: list[LiquidationItem]


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


class OrderMessage(Struct, gc=False):
    data: list[Order]


class ExecutionMessage(Struct, gc=False):
    data: list[Execution]


class PositionMessage(Struct, gc=False):
    data: list[Position]


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


class AcknowledgedList(Struct, gc=False):
    rows: list[Acknowledged] = field(name="list", default_factory=list)


class ItemVerdict(Struct, gc=False):
    code: int = 0
    msg: str = ""


class ItemVerdicts(Struct, gc=False):
    rows: list[ItemVerdict] = field(name="list", default_factory=list)


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


class InstrumentList(Struct, gc=False):
    rows: list[InstrumentItem] = field(name="list")
    category: str = ""
    nextPageCursor: str | None = None


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


class RecentTradeList(Struct, gc=False):
    rows: list[RecentTrade] = field(name="list")


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


class TickerResult(Struct, gc=False):
    rows: list[dict[str, str | int | None]] = field(name="list")


class OrderList(Struct, gc=False):
    rows: list[Order] = field(name="list")
    nextPageCursor: str | None = None


class ExecutionList(Struct, gc=False):
    rows: list[Execution] = field(name="list")
    nextPageCursor: str | None = None


class PositionList(Struct, gc=False):
    rows: list[Position] = field(name="list")
    nextPageCursor: str | None = None


class WalletList(Struct, gc=False):
    rows: list[Wallet] = field(name="list")


class FeeRate(Struct, gc=False):
    symbol: str
    takerFeeRate: str
    makerFeeRate: str


class FeeRateList(Struct, gc=False):
    rows: list[FeeRate] = field(name="list")


class ServerTime(Struct, gc=False):
    timeNano: Id
