# ruff: noqa: N815 - the field names are the venue's
"""The venue's frames as Structs: what is decoded, and nothing more.

Numbers and heights stand in quotes, so decoders are not strict. Money stays text until `account.py` makes it Decimal; where
the stream and REST name one thing differently, both names are here. https://docs.dydx.xyz/indexer-client/websockets
"""

from typing import Annotated, Generic, Literal, TypeAlias, TypeVar

from msgspec import Meta, Struct, field

from adapters.base import cosmos
from adapters.base.shapes import Id, Number, Signed

Uint32: TypeAlias = Annotated[int, Meta(ge=0, le=2**32 - 1)]
T = TypeVar("T")


class Envelope(Struct, gc=False):
    """The keys by which frames are told apart; a block height by REST has none but its own."""

    type: str = ""
    connection_id: str = ""
    message_id: Id = 0
    channel: str = ""
    id: str = ""
    message: str = ""
    height: Id | None = None


class Frame(Struct, Generic[T], gc=False):
    """One frame of a channel, whose contents are an object, or a list of them where it is batched."""

    contents: T
    type: str = ""
    connection_id: str = ""
    message_id: Id = 0


# --- market ------------------------------------------------------------------------------------------------------


class Row(Struct, gc=False):
    """A level of a snapshot; an update has pairs."""

    price: Number
    size: Number


Levels: TypeAlias = list[Row | tuple[Number, Number]]


class Changes(Struct, gc=False):
    bids: Levels = field(default_factory=list)
    asks: Levels = field(default_factory=list)


class Trade(Struct, gc=False):
    """An id is height, transaction and event, 8 hex digits each."""

    id: str
    side: Literal["BUY", "SELL"]
    size: Number
    price: Number
    createdAt: str
    type: str = "LIMIT"


class Trades(Struct, gc=False):
    trades: list[Trade]


class Candle(Struct, gc=False):
    startedAt: str
    ticker: str
    low: Number
    high: Number
    open: Number
    close: Number
    baseTokenVolume: Number
    resolution: str = ""
    usdVolume: Number | None = None
    trades: Id | None = None


class Candles(Struct, gc=False):
    candles: list[Candle]


class Market(Struct, gc=False):
    """A market by REST or in a snapshot; an update of the stream has what changed."""

    ticker: str = ""
    status: str = ""
    clobPairId: Uint32 | None = None
    oraclePrice: Number | None = None
    nextFundingRate: Signed | None = None
    openInterest: Number | None = None
    initialMarginFraction: str | None = None
    tickSize: str = ""
    stepSize: str = ""
    atomicResolution: int = 0
    quantumConversionExponent: int = 0
    stepBaseQuantums: Id = 0
    subticksPerTick: Id = 0
    marketType: str = ""


class OraclePrice(Struct, gc=False):
    oraclePrice: Number
    effectiveAt: str = ""


class Markets(Struct, gc=False):
    """All of them, or what changed."""

    markets: dict[str, Market] = field(default_factory=dict)
    trading: dict[str, Market] = field(default_factory=dict)
    oraclePrices: dict[str, OraclePrice] = field(default_factory=dict)


# --- account -----------------------------------------------------------------------------------------------------


class Order(Struct, gc=False):
    """Most is optional: of the end of an order that the Indexer never saw there are ids and a status."""

    clientId: Id | None = None
    id: str | None = None
    clobPairId: Uint32 | None = None
    ticker: str = ""
    side: str | None = None
    size: str = ""
    price: str = ""
    type: str | None = None
    status: str | None = None
    timeInForce: str | None = None
    postOnly: bool = False
    reduceOnly: bool = False
    orderFlags: Uint32 | None = None
    totalFilled: str | None = None
    goodTilBlock: Id | None = None
    goodTilBlockTime: str | None = None
    clientMetadata: Uint32 | None = None
    removalReason: str = ""
    updatedAt: str = ""
    updatedAtHeight: Id | None = None


class Fill(Struct, gc=False):
    """`fee` is positive where it is paid; recordings of 2023 lack it."""

    id: str
    side: str
    size: str
    price: str
    type: str
    liquidity: str = ""
    fee: str = ""
    ticker: str = ""
    market: str = ""
    createdAt: str = ""
    orderId: str | None = None
    createdAtHeight: Id = 0


class Position(Struct, gc=False):
    """`size` is signed."""

    market: str
    status: str
    size: str
    side: str = ""
    entryPrice: str | None = None
    realizedPnl: str | None = None
    unrealizedPnl: str | None = None


class Asset(Struct, gc=False):
    """`size` has no sign: a debt is SHORT."""

    symbol: str
    size: str
    side: str = "LONG"


class Subaccount(Struct, gc=False):
    """By REST and in the snapshot of the stream."""

    openPerpetualPositions: dict[str, Position] = field(default_factory=dict)
    assetPositions: dict[str, Asset] = field(default_factory=dict)
    freeCollateral: str = ""
    latestProcessedBlockHeight: Id | None = None


class Account(Struct, gc=False):
    """What a frame of `v4_subaccounts` holds; of a subaccount without a deposit nothing."""

    subaccount: Subaccount | None = None
    orders: list[Order] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    perpetualPositions: list[Position] = field(default_factory=list)
    assetPositions: list[Asset] = field(default_factory=list)
    blockHeight: Id | None = None


class Height(Struct, gc=False):
    """A snapshot and REST say `height`, an update says `blockHeight`."""

    time: str
    height: Id = 0
    blockHeight: Id = 0


# --- answers -----------------------------------------------------------------------------------------------------


class Payment(Struct, gc=False):
    """`payment` is positive where it is received."""

    ticker: str
    payment: str
    createdAt: str
    createdAtHeight: str
    rate: str = ""
    size: str = ""
    oraclePrice: str = ""


class FeeTier(Struct, gc=False):
    """In millionths."""

    maker_fee_ppm: int = 0
    taker_fee_ppm: int = 0


class Complaint(Struct, gc=False):
    msg: str = ""


class Answer(Struct, gc=False):
    """The keys by which answers are judged: of a transaction, of the Indexer's refusal, of the node's."""

    tx_response: cosmos.Broadcast | None = None
    errors: list[Complaint] | None = None
    code: int | None = None
    message: str = ""
