# ruff: noqa: N815, E741 - the field names are the venue's
"""The venue's frames as Structs: what is decoded, and nothing more. Money stays text until `account.py` makes it Decimal.

https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket/subscriptions, /info-endpoint
"""

from typing import Annotated, Generic, Literal, TypeAlias, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType

from adapters.base.collateral import Coin
from adapters.base.shapes import Id, Millis, Number, Signed

T = TypeVar("T")
BookSide: TypeAlias = Literal["A", "B"]


class Names(Struct, gc=False):  # what a frame is about, a subscription, or the echo of one
    coin: str | None = ""
    s: str | None = ""
    i: str | None = ""
    interval: str | None = ""
    fast: bool | None = None
    type: str = ""
    id: int = 0
    subscription: "Names | None" = None


class Frame(Struct, gc=False):  # what every frame of the socket says; `data` are the names in it, or a text of words
    channel: str | None = None
    data: list[Names] | Names | str | None = None


class Message(Struct, Generic[T], gc=False):
    data: T


class Level(Struct, gc=False):
    px: Number
    sz: Number


class Book(Struct, gc=False):  # bids, then asks. `fast` says that it is of the five best levels alone
    coin: str
    levels: tuple[list[Level], list[Level]]
    time: Millis = 0
    fast: bool = False


class Touch(Struct, gc=False):  # a side without orders is null, or missing
    coin: str
    time: Millis
    bbo: Annotated[list[Level | None], Meta(max_length=2)]


class Trade(Struct, gc=False):  # `side` is the taker's; the id is a hash, unique within time and coin
    coin: str
    side: BookSide
    px: Number
    sz: Number
    time: Millis
    tid: Id = 0


class Candle(Struct, gc=False):
    t: Millis
    T: Millis
    s: str
    i: str
    o: Number
    c: Number
    h: Number
    l: Number
    v: Number
    n: Id = 0


class Context(Struct, gc=False):  # funding is the current hour's rate; spot has neither it nor an oracle
    markPx: Number
    midPx: Number | None = None
    oraclePx: Number | None = None
    funding: Signed | None = None
    openInterest: Number | None = None
    dayBaseVlm: Number | None = None


class CoinContext(Struct, gc=False):
    coin: str
    ctx: Context


class Asset(Struct, gc=False):
    name: str
    szDecimals: Annotated[int, Meta(ge=0, le=8)]
    maxLeverage: int | None = None
    isDelisted: bool | None = None
    onlyIsolated: bool | None = None


class Meta_(Struct, gc=False):  # noqa: N801 - msgspec has the plain word
    universe: list[Asset]


class Status(Struct, gc=False):  # `exchangeStatus`
    time: Millis


class Order(Struct, gc=False):  # by stream and by REST, which says more; `sz` is what is left
    coin: str
    side: str
    limitPx: str
    sz: str
    oid: Id
    timestamp: Millis
    origSz: str = ""
    cloid: str | None = None
    tif: str | None = None
    orderType: str | None = None
    reduceOnly: bool = False


class OrderStatus(Struct, gc=False):
    order: Order
    status: str
    statusTimestamp: Millis


class Liquidated(Struct, gc=False):
    liquidatedUser: str | None = None


class Fill(Struct, gc=False):  # a fee above zero was paid. Old answers have neither a trade id nor the fee's token
    coin: str
    px: str
    sz: str
    side: str
    time: Millis
    oid: Id
    fee: str
    crossed: bool
    dir: str = ""
    startPosition: str = ""
    closedPnl: str | None = None
    tid: Id = 0
    cloid: str | None = None
    feeToken: str = "USDC"
    liquidation: Liquidated | None = None


class Fills(Struct, gc=False):
    fills: list[Fill]
    isSnapshot: bool = False
    user: str = ""


class Funding(Struct, gc=False):
    """A payment; in the ledger of REST other kinds of row stand beside it, and the time is the row's."""

    usdc: str = ""
    coin: str = ""
    szi: str = ""
    fundingRate: str = ""
    time: Millis = 0
    type: str = ""


class Fundings(Struct, gc=False):
    fundings: list[Funding]
    isSnapshot: bool = False


class Ledgered(Struct, gc=False):  # a row of `userFunding`
    time: Millis
    delta: Funding


class Leverage(Struct, gc=False):
    value: int


class Position(Struct, gc=False):
    coin: str
    szi: str
    unrealizedPnl: str
    positionValue: str
    leverage: Leverage
    entryPx: str | None = None
    liquidationPx: str | None = None


class Held(Struct, gc=False):
    position: Position


class Margin(Struct, gc=False):
    accountValue: str


class Clearinghouse(Struct, gc=False):  # collateral and positions; what is flat is not there
    assetPositions: list[Held]
    marginSummary: Margin
    withdrawable: str = ""
    time: Millis = 0


class Coins(Struct, gc=False):  # `spotClearinghouseState`, and `spotState` holds it
    balances: list[Coin]


class AccountState(Struct, gc=False):  # `clearinghouseState` and the bundle `webData2` both hold it
    clearinghouseState: Clearinghouse


class OpenOrders(Struct, gc=False):
    orders: list[Order]


class Fees(Struct, gc=False):
    userCrossRate: str
    userAddRate: str


class Used(Struct, gc=False):  # `userRateLimit`: actions of the address so far, and how many its volume has earned
    nRequestsUsed: Id
    nRequestsCap: Id


class Resting(Struct, gc=False):
    oid: Id


class Leg(Struct, gc=False):  # what became of one order
    error: str | None = None
    resting: Resting | None = None
    filled: Resting | None = None


class Legs(Struct, gc=False):
    statuses: list[Leg | str]


class Done(Struct, gc=False):
    type: str = ""
    data: Legs | None = None


class Answer(Struct, gc=False):  # of an action; the response of a refusal is its text
    status: str
    response: Done | str = ""


class Reply(Struct, gc=False):
    type: str
    payload: Answer | str


class Posted(Struct, gc=False):  # an answer over the socket
    id: int
    response: Reply


class Row(Struct, gc=False, omit_defaults=True):  # one order, its keys in the order that is signed
    a: int
    b: bool
    p: str
    s: str
    r: bool
    t: dict[str, dict[str, str]]
    c: str | UnsetType = UNSET
