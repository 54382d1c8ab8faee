# ruff: noqa: N815, E741 - the field names are the venue's
"""The venue's frames as Structs: what is decoded, and nothing more.

Money stays text until `account.py` makes it Decimal. What stream and REST spell differently is named here in plain words.
https://developers.binance.com/docs/derivatives/usds-margined-futures/general-info
"""

from typing import Annotated, Any, Generic, Literal, TypeAlias, TypeVar

from msgspec import Meta, Raw, Struct, field

from adapters.base.shapes import Id, Levels, Millis, Number, Signed, respelt

Word: TypeAlias = int | str | None
Side: TypeAlias = Literal["BUY", "SELL"]
T = TypeVar("T")


class Message(Struct, Generic[T], gc=False):
    """A frame with its stream's name around it."""

    data: T


class Error(Struct, gc=False):
    code: int = 0
    msg: str = ""


class RateLimit(Struct, gc=False):
    rateLimitType: str
    interval: str
    intervalNum: int
    limit: int
    count: int = 0


class Envelope(Struct, gc=False):
    """The keys by which frames are told apart and answers judged: a wrapped stream, a raw event, a REST book, an answer.

    The order socket wraps REST's answers, `status` is a number there; of a batch each item is one, acknowledged or refused.
    """

    stream: str | None = None
    e: str | None = None
    s: str | None = None
    i: Word = None
    id: Word = None
    status: Word = None
    code: int | None = None
    msg: str = ""
    error: Error | None = None
    orderId: Word = None
    updateTime: Millis = 0
    lastUpdateId: int | None = None
    rateLimits: list[RateLimit] = field(default_factory=list)
    result: Raw = Raw(b"{}")
    data: Raw = Raw(b"")
    o: Raw = Raw(b"")
    k: Raw = Raw(b"")


class Depth(Struct, gc=False):
    """Futures chain by `pu`, spot, which has none, by `U`."""

    u: Id
    U: Id
    b: Levels
    a: Levels
    E: Millis
    T: Millis = 0
    pu: Annotated[int, Meta(ge=-1, le=2**63 - 1)] = -1


class Book(Struct, gc=False):
    """By REST, and as spot streams its best levels."""

    lastUpdateId: Id
    bids: Levels
    asks: Levels
    E: Millis = 0
    T: Millis = 0


class Trade(Struct, gc=False):
    """A trade `t`, or an aggregate `a` of them; `nq` is without what retail price improvement orders gave."""

    T: Millis
    p: Number
    q: Number
    m: bool
    t: Id | None = None
    a: Id | None = None
    nq: Number | None = None
    X: str = "MARKET"


RecentTrade = respelt(Trade, t="id", p="price", q="qty", T="time", m="isBuyerMaker")


class Ticker(Struct, gc=False):
    """Each stream and each answer says a part; a contract with a delivery date has an empty rate."""

    last: Number | None = None
    bid: Number | None = None
    bid_size: Number | None = None
    ask: Number | None = None
    ask_size: Number | None = None
    mark: Number | None = None
    index: Number | None = None
    rate: Signed | Literal[""] = ""
    funding_ms: Millis = 0
    open_interest: Number | None = None
    volume: Number | None = None
    time_ms: Millis = 0
    engine_ms: Millis = 0
    symbol: str = ""


Quote = respelt(
    Ticker, symbol="s", last="c", volume="v", bid="b", bid_size="B", ask="a", ask_size="A", time_ms="E", engine_ms="T"
)
Mark = respelt(Ticker, symbol="s", mark="p", index="i", rate="r", funding_ms="T", time_ms="E")
TickerRow = respelt(
    Ticker, last="lastPrice", bid="bidPrice", bid_size="bidQty", ask="askPrice", ask_size="askQty", mark="markPrice",
    index="indexPrice", rate="lastFundingRate", funding_ms="nextFundingTime", open_interest="openInterest",
    time_ms="closeTime", engine_ms="time",
)  # fmt: skip


class Kline(Struct, gc=False):
    t: Millis
    T: Millis
    o: Number
    h: Number
    l: Number
    c: Number
    v: Number
    q: Number
    n: Id
    x: bool


class KlineEvent(Struct, gc=False):
    E: Millis
    k: Kline


# Start, open, high, low, close, volume, end, turnover, trades.
KlineRow: TypeAlias = tuple[Millis, Number, Number, Number, Number, Number, Millis, Number, Id, Any, Any, Any]


class ForcedOrder(Struct, gc=False):
    """`S` is the side of the order; `z` is what was filled, `ap` at which price."""

    S: Side
    q: Number
    p: Number
    T: Millis
    ap: Number = 0.0
    z: Number = 0.0


class ForcedOrderEvent(Struct, gc=False):
    o: ForcedOrder


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
    """Also the answer to what time it is."""

    serverTime: Millis
    symbols: list[Symbol] = field(default_factory=list)
    rateLimits: list[RateLimit] = field(default_factory=list)


class FundingInfo(Struct, gc=False):
    symbol: str
    fundingIntervalHours: Annotated[int, Meta(ge=1, le=1_000)]


class Order(Struct, gc=False, rename={
    "symbol": "s", "client_id": "c", "side": "S", "kind": "o", "tif": "f", "size": "q", "price": "p", "average": "ap",
    "status": "X", "order_id": "i", "filled": "z", "time": "T", "reduce_only": "R", "event": "x", "fill_size": "l",
    "fill_price": "L", "fee_asset": "N", "fee": "n", "fill_id": "t", "maker": "m", "profit": "rp", "ended": "er",
}):  # fmt: skip
    """https://developers.binance.com/docs/derivatives/usds-margined-futures/user-data-streams/Event-Order-Update"""

    symbol: str
    side: str
    kind: str
    tif: str
    size: str
    status: str
    filled: str
    order_id: Id
    client_id: str = ""
    price: str = ""
    average: str = ""
    time: Millis = 0
    reduce_only: bool = False
    event: str = ""
    fill_size: str = ""
    fill_price: str = ""
    fee_asset: str | None = None
    fee: str | None = None
    fill_id: int = 0
    maker: bool | None = None
    profit: str = ""
    ended: Word = ""


OrderRow = respelt(
    Order, client_id="clientOrderId", kind="type", tif="timeInForce", size="origQty", average="avgPrice",
    order_id="orderId", filled="executedQty", time="updateTime", reduce_only="reduceOnly",
)  # fmt: skip


class OrderEvent(Struct, gc=False):
    o: Order


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


class Position(Struct, gc=False, rename={
    "symbol": "s", "size": "pa", "side": "ps", "entry": "ep", "mark": "mp", "unrealized": "up", "realized": "cr",
}):  # fmt: skip
    symbol: str
    size: str
    side: str = "BOTH"
    entry: str = ""
    mark: str = ""
    liquidation: str = ""
    unrealized: str = ""
    realized: str = ""
    time: Millis = 0


PositionRow = respelt(
    Position, size="positionAmt", side="positionSide", entry="entryPrice", mark="markPrice", time="updateTime",
    liquidation="liquidationPrice", unrealized="unRealizedProfit",
)  # fmt: skip


class Balance(Struct, gc=False, rename={"asset": "a", "total": "wb", "change": "bc"}):
    asset: str
    total: str
    change: str = ""
    available: str = ""
    time: Millis = 0


BalanceRow = respelt(Balance, total="balance", available="availableBalance", time="updateTime")


class AccountRows(Struct, gc=False):
    """`S` is the symbol of a funding fee, where it is told."""

    m: str = ""
    B: list[Balance] = field(default_factory=list)
    P: list[Position] = field(default_factory=list)
    S: str = ""


class AccountEvent(Struct, gc=False):
    T: Millis
    a: AccountRows


class MarginCall(Struct, gc=False):
    E: Millis
    p: list[Position]


class Income(Struct, gc=False):
    symbol: str
    income: str
    asset: str
    time: Millis
