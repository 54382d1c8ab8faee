# ruff: noqa: N815 - the field names are the venue's
"""The venue's frames as Structs: what is decoded, and nothing more.

Market numbers are floats read straight from the venue's text; a number that is negative, not finite or no number does not
fit. Money stays text until `account.py` makes it Decimal.
https://developers.binance.com/docs/derivatives/usds-margined-futures/general-info
"""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Raw, Struct, field

Number: TypeAlias = Annotated[float, Meta(ge=0, lt=1e300)]
Signed: TypeAlias = Annotated[float, Meta(gt=-1e300, lt=1e300)]
Levels: TypeAlias = list[tuple[Number, Number]]
# A time in ms whose ns still fit 64 bits; an id that does.
Millis: TypeAlias = Annotated[int, Meta(ge=0, le=9_000_000_000_000)]
Id: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Word: TypeAlias = int | str | None


class Error(Struct, gc=False):
    code: int = 0
    msg: str = ""


class Envelope(Struct, gc=False):
    """The keys by which frames of all kinds are told apart: wrapped, raw, an answer to a request, an inlined REST book."""

    stream: str | None = None
    e: str | None = None
    s: str | None = None
    id: Word = None
    status: Word = None
    code: int | None = None
    msg: str = ""
    error: Error | None = None
    lastUpdateId: int | None = None
    data: Raw = Raw(b"")
    o: Raw = Raw(b"")
    k: Raw = Raw(b"")


class Named(Struct, gc=False):
    """The part of a raw event that names its symbol or interval, where the event itself does not."""

    s: str = ""
    i: Word = ""


# --- public streams ----------------------------------------------------------------------------------------------


class Depth(Struct, gc=False):
    """Futures chain by `pu`, spot, which has none, by `U`."""

    u: Id
    U: Id
    b: Levels
    a: Levels
    E: Millis
    T: Millis = 0
    pu: Annotated[int, Meta(ge=-1, le=2**63 - 1)] = -1


class DepthMessage(Struct, gc=False):
    data: Depth


class Partial(Struct, gc=False):
    """The best levels, whole: futures spell it like an update, spot like the REST answer."""

    b: Levels = field(default_factory=list)
    a: Levels = field(default_factory=list)
    bids: Levels = field(default_factory=list)
    asks: Levels = field(default_factory=list)
    u: Id = 0
    lastUpdateId: Id = 0
    E: Millis = 0
    T: Millis = 0


class PartialMessage(Struct, gc=False):
    data: Partial


class Trade(Struct, gc=False):
    T: Millis
    t: Id
    p: Number
    q: Number
    m: bool
    X: str = "MARKET"


class TradeMessage(Struct, gc=False):
    data: Trade


class AggregateTrade(Struct, gc=False):
    """`nq` is without what retail price improvement orders gave. The REST answer is a list of the same."""

    T: Millis
    a: Id
    p: Number
    q: Number
    m: bool
    nq: Number | None = None


class AggregateTradeMessage(Struct, gc=False):
    data: AggregateTrade


class BookTicker(Struct, gc=False):
    """Spot tells no time."""

    b: Number
    B: Number
    a: Number
    A: Number
    E: Millis = 0
    T: Millis = 0


class BookTickerMessage(Struct, gc=False):
    data: BookTicker


class MarkPrice(Struct, gc=False):
    """A contract with a delivery date has an empty rate."""

    E: Millis
    p: Number
    i: Number | None = None
    r: Signed | Literal[""] = ""
    T: Millis = 0


class MarkPriceMessage(Struct, gc=False):
    data: MarkPrice


class DayTicker(Struct, gc=False):
    """Spot says the touch, too."""

    E: Millis
    c: Number
    v: Number
    b: Number | None = None
    B: Number | None = None
    a: Number | None = None
    A: Number | None = None


class DayTickerMessage(Struct, gc=False):
    data: DayTicker


class Kline(Struct, gc=False):
    t: Millis
    T: Millis
    o: Number
    h: Number
    l: Number  # noqa: E741
    c: Number
    v: Number
    q: Number
    n: Id
    x: bool


class KlineEvent(Struct, gc=False):
    E: Millis
    k: Kline


class KlineMessage(Struct, gc=False):
    data: KlineEvent


class ForcedOrder(Struct, gc=False):
    """`S` is the side of the order; `z` is what was filled, `ap` at which price."""

    S: Literal["BUY", "SELL"]
    q: Number
    p: Number
    T: Millis
    ap: Number = 0.0
    z: Number = 0.0


class ForcedOrderEvent(Struct, gc=False):
    o: ForcedOrder


class ForcedOrderMessage(Struct, gc=False):
    data: ForcedOrderEvent


# --- private stream ----------------------------------------------------------------------------------------------


class OrderEvent(Struct, gc=False):
    """https://developers.binance.com/docs/derivatives/usds-margined-futures/user-data-streams/Event-Order-Update"""

    s: str
    c: str
    S: str
    o: str
    f: str
    q: str
    p: str
    x: str
    X: str
    i: Id
    z: str
    T: Millis
    l: str = ""  # noqa: E741
    L: str = ""
    ap: str = ""
    N: str | None = None
    n: str | None = None
    t: int = 0
    m: bool = False
    R: bool = False
    ps: str = "BOTH"
    rp: str = ""
    er: Word = "0"


class OrderMessage(Struct, gc=False):
    o: OrderEvent


class BalanceRow(Struct, gc=False):
    a: str
    wb: str
    bc: str = ""


class PositionRow(Struct, gc=False):
    s: str
    pa: str
    ep: str = ""
    cr: str = ""
    up: str = ""
    mp: str = ""
    ps: str = "BOTH"


class AccountRows(Struct, gc=False):
    """`S` is the symbol of a funding fee, where it is told."""

    m: str = ""
    B: list[BalanceRow] = field(default_factory=list)
    P: list[PositionRow] = field(default_factory=list)
    S: str = ""


class AccountMessage(Struct, gc=False):
    """https://developers.binance.com/docs/derivatives/usds-margined-futures/user-data-streams/Event-Balance-and-Position-Update"""

    T: Millis
    a: AccountRows


class MarginCall(Struct, gc=False):
    E: Millis
    p: list[PositionRow]


class ListenKey(Struct, gc=False):
    listenKey: str


# --- answers -----------------------------------------------------------------------------------------------------


class Answer(Struct, gc=False):
    """What an answer that is no list may say of itself; over the order socket `status` is a number and the rest is inside."""

    code: int | None = None
    msg: str = ""
    status: Word = None
    error: Error | None = None


class RateLimit(Struct, gc=False):
    rateLimitType: str
    interval: str
    intervalNum: int
    limit: int
    count: int = 0


class SocketAnswer(Struct, gc=False):
    id: Word = None
    result: Raw = Raw(b"{}")
    rateLimits: list[RateLimit] = field(default_factory=list)


class Item(Struct, gc=False):
    """One order of a batch: acknowledged or refused."""

    code: int | None = None
    msg: str = ""
    orderId: Word = None
    updateTime: Millis = 0


# --- REST results ------------------------------------------------------------------------------------------------


class Book(Struct, gc=False):
    """https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/Order-Book"""

    lastUpdateId: Id
    bids: Levels
    asks: Levels
    E: Millis = 0
    T: Millis = 0


class Filter(Struct, gc=False):
    """Futures say `notional` where spot says `minNotional`."""

    filterType: str
    tickSize: str = ""
    stepSize: str = ""
    minQty: str = ""
    maxQty: str = ""
    notional: str = ""
    minNotional: str = ""


class Symbol(Struct, gc=False):
    symbol: str
    status: str
    baseAsset: str
    quoteAsset: str
    filters: list[Filter]
    contractType: str = ""
    marginAsset: str = ""


class ExchangeInfo(Struct, gc=False):
    """https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/Exchange-Information"""

    symbols: list[Symbol]
    serverTime: Millis = 0
    rateLimits: list[RateLimit] = field(default_factory=list)


class FundingInfo(Struct, gc=False):
    symbol: str
    fundingIntervalHours: Annotated[int, Meta(ge=1, le=1_000)]


class ServerTime(Struct, gc=False):
    serverTime: Millis


class RecentTrade(Struct, gc=False):
    id: Id
    price: Number
    qty: Number
    time: Millis
    isBuyerMaker: bool


class Candle(Struct, gc=False, array_like=True):
    start: Millis
    open: Number
    high: Number
    low: Number
    close: Number
    volume: Number
    end: Millis
    turnover: Number
    trades: Id


class TickerRow(Struct, gc=False):
    """What the several ticker endpoints say; each says a part."""

    symbol: str
    lastPrice: Number | None = None
    bidPrice: Number | None = None
    bidQty: Number | None = None
    askPrice: Number | None = None
    askQty: Number | None = None
    markPrice: Number | None = None
    indexPrice: Number | None = None
    lastFundingRate: Signed | Literal[""] = ""
    nextFundingTime: Millis = 0
    openInterest: Number | None = None
    volume: Number | None = None
    time: Millis = 0
    closeTime: Millis = 0


class Order(Struct, gc=False):
    """https://developers.binance.com/docs/derivatives/usds-margined-futures/trade/rest-api/Query-Order"""

    symbol: str
    orderId: Id
    status: str
    side: str
    type: str
    timeInForce: str
    origQty: str
    executedQty: str
    clientOrderId: str = ""
    price: str = ""
    avgPrice: str = ""
    reduceOnly: bool = False
    updateTime: Millis = 0


class UserTrade(Struct, gc=False):
    """https://developers.binance.com/docs/derivatives/usds-margined-futures/trade/rest-api/Account-Trade-List"""

    symbol: str
    id: Id
    side: str
    price: str
    qty: str
    commission: str
    commissionAsset: str
    time: Millis
    orderId: Id | None = None
    maker: bool | None = None
    realizedPnl: str = ""


class Position(Struct, gc=False):
    """https://developers.binance.com/docs/derivatives/usds-margined-futures/trade/rest-api/Position-Information-V3"""

    symbol: str
    positionAmt: str
    positionSide: str = "BOTH"
    entryPrice: str = ""
    markPrice: str = ""
    liquidationPrice: str = ""
    unRealizedProfit: str = ""
    updateTime: Millis = 0


class Balance(Struct, gc=False):
    """https://developers.binance.com/docs/derivatives/usds-margined-futures/account/rest-api/Futures-Account-Balance-V3"""

    asset: str
    balance: str
    availableBalance: str = ""
    updateTime: Millis = 0


class Income(Struct, gc=False):
    """https://developers.binance.com/docs/derivatives/usds-margined-futures/account/rest-api/Get-Income-History"""

    symbol: str
    income: str
    asset: str
    time: Millis


class FeeRate(Struct, gc=False):
    symbol: str
    makerCommissionRate: str
    takerCommissionRate: str
