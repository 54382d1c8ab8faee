"""The indexer's rows and channel contents, field by field as it spells them."""

# ruff: noqa: N815
# The field names are the venue's own. https://docs.dydx.xyz/indexer-client/http

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

Absent = str | UnsetType


class Market(msgspec.Struct, gc=False):
    clobPairId: str
    ticker: str
    status: str
    oraclePrice: str
    priceChange24H: str
    volume24H: str
    trades24H: int
    nextFundingRate: str
    initialMarginFraction: str
    maintenanceMarginFraction: str
    openInterest: str
    atomicResolution: int
    quantumConversionExponent: int
    tickSize: str
    stepSize: str
    stepBaseQuantums: int
    subticksPerTick: int
    marketType: str
    openInterestLowerCap: str
    openInterestUpperCap: str
    baseOpenInterest: str
    defaultFundingRate1H: str


class Level(msgspec.Struct, gc=False):
    price: str
    size: str


class Book(msgspec.Struct, gc=False):
    bids: list[Level]
    asks: list[Level]


class Trade(msgspec.Struct, gc=False):
    id: str
    side: str
    size: str
    price: str
    type: str
    createdAt: str
    createdAtHeight: Absent = UNSET
    """REST and the snapshot have it, updates have not."""


class Candle(msgspec.Struct, gc=False):
    startedAt: str
    ticker: str
    resolution: str
    low: str
    high: str
    open: str
    close: str
    baseTokenVolume: str
    usdVolume: str
    trades: int
    startingOpenInterest: str
    orderbookMidPriceOpen: Absent = UNSET
    orderbookMidPriceClose: Absent = UNSET


class HistoricalFunding(msgspec.Struct, gc=False):
    ticker: str
    rate: str
    price: str
    effectiveAt: str
    effectiveAtHeight: str


class Order(msgspec.Struct, gc=False):
    id: str
    subaccountId: str
    clientId: str
    clobPairId: Absent = UNSET
    side: Absent = UNSET
    size: Absent = UNSET
    totalFilled: Absent = UNSET
    totalOptimisticFilled: Absent = UNSET
    price: Absent = UNSET
    type: Absent = UNSET
    status: str = ""
    timeInForce: Absent = UNSET
    reduceOnly: bool | UnsetType = UNSET
    orderFlags: str = "0"
    goodTilBlock: Absent = UNSET
    goodTilBlockTime: Absent = UNSET
    createdAtHeight: Absent = UNSET
    clientMetadata: Absent = UNSET
    triggerPrice: Absent = UNSET
    updatedAt: Absent = UNSET
    updatedAtHeight: Absent = UNSET
    orderRouterAddress: Absent = UNSET
    postOnly: bool | UnsetType = UNSET
    ticker: Absent = UNSET
    removalReason: Absent = UNSET
    subaccountNumber: int | UnsetType = UNSET


class Fill(msgspec.Struct, gc=False):
    """A fill as REST gives it."""

    id: str
    side: str
    liquidity: str
    type: str
    market: str
    marketType: str
    price: str
    size: str
    fee: str
    affiliateRevShare: str
    createdAt: str
    createdAtHeight: str
    orderId: str
    clientMetadata: str
    subaccountNumber: int


class FillEvent(msgspec.Struct, gc=False):
    """A fill as the subaccount's channel gives it."""

    id: str
    subaccountId: str
    side: str
    liquidity: str
    type: str
    clobPairId: str
    orderId: str
    size: str
    price: str
    quoteAmount: str
    eventId: str
    transactionHash: str
    createdAt: str
    createdAtHeight: str
    ticker: str
    clientMetadata: str
    fee: str
    subaccountNumber: int | UnsetType = UNSET


class Position(msgspec.Struct, gc=False):
    """A position as REST gives it."""

    market: str
    status: str
    side: str
    size: str
    maxSize: str
    entryPrice: str
    exitPrice: str | None
    realizedPnl: str
    unrealizedPnl: str
    createdAt: str
    createdAtHeight: str
    closedAt: str | None
    sumOpen: str
    sumClose: str
    netFunding: str
    subaccountNumber: int


class PositionEvent(msgspec.Struct, gc=False):
    """A position as the subaccount's channel gives it."""

    address: str
    subaccountNumber: int
    positionId: str
    market: str
    side: str
    status: str
    size: str
    maxSize: str
    netFunding: str
    entryPrice: str
    exitPrice: str | None
    sumOpen: str
    sumClose: str
    realizedPnl: str
    unrealizedPnl: str


class Asset(msgspec.Struct, gc=False):
    size: str
    symbol: str
    side: str
    assetId: str
    subaccountNumber: int


class AssetEvent(msgspec.Struct, gc=False):
    address: str
    subaccountNumber: int
    positionId: str
    assetId: str
    symbol: str
    side: str
    size: str


class Subaccount(msgspec.Struct, gc=False):
    address: str
    subaccountNumber: int
    equity: str
    freeCollateral: str
    openPerpetualPositions: dict[str, Position]
    assetPositions: dict[str, Asset]
    marginEnabled: bool
    updatedAtHeight: str
    latestProcessedBlockHeight: str


class ParentSubaccount(msgspec.Struct, gc=False):
    address: str
    parentSubaccountNumber: int
    equity: str
    freeCollateral: str
    childSubaccounts: list[Subaccount]


class FundingPayment(msgspec.Struct, gc=False):
    createdAt: str
    createdAtHeight: str
    perpetualId: str
    ticker: str
    oraclePrice: str
    size: str
    side: str
    rate: str
    payment: str
    subaccountNumber: int
    fundingIndex: str


class Holder(msgspec.Struct, gc=False):
    address: str
    subaccountNumber: int


class Transfer(msgspec.Struct, gc=False):
    id: str
    sender: Holder
    recipient: Holder
    size: str
    createdAt: str
    createdAtHeight: str
    symbol: str
    type: str
    transactionHash: str


class Contents(msgspec.Struct, gc=False, omit_defaults=True):
    """What a message of a subaccount's channel says; lists that are empty are not there."""

    orders: list[Order] = []
    fills: list[FillEvent] = []
    perpetualPositions: list[PositionEvent] = []
    assetPositions: list[AssetEvent] = []
    transfers: Transfer | UnsetType = UNSET
    blockHeight: str = ""
