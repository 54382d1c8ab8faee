"""Bybit's rows as it spells them: instruments, orders, executions, positions, wallet. Every decimal is text."""

# ruff: noqa: N815
# The field names are the venue's own.

from __future__ import annotations

import msgspec


class Leverage(msgspec.Struct, gc=False):
    minLeverage: str
    maxLeverage: str
    leverageStep: str


class PriceFilter(msgspec.Struct, gc=False):
    minPrice: str
    maxPrice: str
    tickSize: str


class LotFilter(msgspec.Struct, gc=False):
    maxOrderQty: str
    minOrderQty: str
    qtyStep: str
    postOnlyMaxOrderQty: str
    maxMktOrderQty: str
    minNotionalValue: str


class RiskParameters(msgspec.Struct, gc=False):
    priceLimitRatioX: str
    priceLimitRatioY: str


class Instrument(msgspec.Struct, gc=False):
    """https://bybit-exchange.github.io/docs/v5/market/instrument"""

    symbol: str
    baseCoin: str
    quoteCoin: str
    settleCoin: str
    launchTime: str
    priceScale: str
    leverageFilter: Leverage
    priceFilter: PriceFilter
    lotSizeFilter: LotFilter
    fundingInterval: int
    upperFundingRate: str
    lowerFundingRate: str
    riskParameters: RiskParameters
    symbolId: int
    contractType: str = "LinearPerpetual"
    status: str = "Trading"
    deliveryTime: str = "0"
    deliveryFeeRate: str = ""
    unifiedMarginTrade: bool = True
    copyTrading: str = "both"
    isPreListing: bool = False
    preListingInfo: None = None
    displayName: str = ""
    symbolType: str = ""
    forbidUplWithdrawal: bool = False


class Trade(msgspec.Struct, gc=False):
    """https://bybit-exchange.github.io/docs/v5/websocket/public/trade"""

    T: int
    s: str
    S: str
    v: str
    p: str
    L: str
    i: str
    seq: int
    BT: bool = False
    RPI: bool = False


class RecentTrade(msgspec.Struct, gc=False):
    """https://bybit-exchange.github.io/docs/v5/market/recent-trade"""

    execId: str
    symbol: str
    price: str
    size: str
    side: str
    time: str
    seq: str
    isBlockTrade: bool = False
    isRPITrade: bool = False


class Kline(msgspec.Struct, gc=False):
    """https://bybit-exchange.github.io/docs/v5/websocket/public/kline"""

    start: int
    end: int
    interval: str
    open: str
    close: str
    high: str
    low: str
    volume: str
    turnover: str
    confirm: bool
    timestamp: int


class Liquidation(msgspec.Struct, gc=False):
    """https://bybit-exchange.github.io/docs/v5/websocket/public/all-liquidation"""

    T: int
    s: str
    S: str
    v: str
    p: str


class Order(msgspec.Struct, gc=False):
    """https://bybit-exchange.github.io/docs/v5/websocket/private/order"""

    symbol: str
    orderId: str
    orderLinkId: str
    side: str
    orderType: str
    timeInForce: str
    price: str
    qty: str
    orderStatus: str
    cancelType: str
    rejectReason: str
    avgPrice: str
    leavesQty: str
    leavesValue: str
    cumExecQty: str
    cumExecValue: str
    cumExecFee: str
    cumFeeDetail: dict[str, str]
    closedPnl: str
    reduceOnly: bool
    smpType: str
    smpOrderId: str
    lastPriceOnCreated: str
    createdTime: str
    updatedTime: str
    category: str = "linear"
    parentOrderLinkId: str = ""
    positionIdx: int = 0
    createType: str = "CreateByUser"
    stopOrderType: str = ""
    triggerPrice: str = ""
    triggerDirection: int = 0
    triggerBy: str = ""
    takeProfit: str = ""
    stopLoss: str = ""
    tpslMode: str = ""
    tpTriggerBy: str = ""
    slTriggerBy: str = ""
    tpLimitPrice: str = ""
    slLimitPrice: str = ""
    closeOnTrigger: bool = False
    smpGroup: int = 0
    isLeverage: str = ""
    blockTradeId: str = ""
    feeCurrency: str = ""
    placeType: str = ""
    orderIv: str = ""
    ocoTriggerBy: str = ""
    marketUnit: str = ""
    rpiTakerAccess: bool = False
    rpiMatchedQty: str = "0"


class Execution(msgspec.Struct, gc=False):
    """https://bybit-exchange.github.io/docs/v5/websocket/private/execution"""

    symbol: str
    execId: str
    orderId: str
    orderLinkId: str
    side: str
    orderPrice: str
    orderQty: str
    orderType: str
    leavesQty: str
    execType: str
    execPrice: str
    execQty: str
    execValue: str
    execFee: str
    feeRate: str
    execPnl: str
    isMaker: bool
    closedSize: str
    execTime: str
    markPrice: str
    seq: int
    category: str = "linear"
    feeCurrency: str = "USDT"
    stopOrderType: str = "UNKNOWN"
    createType: str = "CreateByUser"
    blockTradeId: str = ""
    isLeverage: str = "0"
    indexPrice: str = ""
    underlyingPrice: str = ""
    tradeIv: str = ""
    markIv: str = ""
    extraFees: str = ""


class FastExecution(msgspec.Struct, gc=False):
    """https://bybit-exchange.github.io/docs/v5/websocket/private/fast-execution"""

    symbol: str
    orderId: str
    isMaker: bool
    orderLinkId: str
    execId: str
    execPrice: str
    execQty: str
    side: str
    execTime: str
    seq: int
    category: str = "linear"


class Position(msgspec.Struct, gc=False):
    """A position; the socket names the entry price `entryPrice`, REST `avgPrice`.

    https://bybit-exchange.github.io/docs/v5/websocket/private/position
    """

    symbol: str
    side: str
    size: str
    positionValue: str
    markPrice: str
    breakEvenPrice: str
    leverage: str
    positionIM: str
    positionMM: str
    positionIMByMp: str
    positionMMByMp: str
    unrealisedPnl: str
    curRealisedPnl: str
    cumRealisedPnl: str
    createdTime: str
    updatedTime: str
    openTime: int
    seq: int
    positionIdx: int = 0
    tradeMode: int = 0
    riskId: int = 1
    riskLimitValue: str = "2000000"
    positionStatus: str = "Normal"
    adlRankIndicator: int = 0
    autoAddMargin: int = 0
    isReduceOnly: bool = False
    tpslMode: str = "Full"
    takeProfit: str = ""
    stopLoss: str = ""
    trailingStop: str = "0"
    liqPrice: str = ""
    bustPrice: str = ""
    positionBalance: str = "0"
    sessionAvgPrice: str = ""
    leverageSysUpdatedTime: str = ""
    mmrSysUpdatedTime: str = ""
    category: str | msgspec.UnsetType = msgspec.UNSET
    entryPrice: str | msgspec.UnsetType = msgspec.UNSET
    avgPrice: str | msgspec.UnsetType = msgspec.UNSET


class Coin(msgspec.Struct, gc=False):
    equity: str
    usdValue: str
    walletBalance: str
    totalOrderIM: str
    totalPositionIM: str
    totalPositionMM: str
    unrealisedPnl: str
    cumRealisedPnl: str
    coin: str = "USDT"
    locked: str = "0"
    borrowAmount: str = "0"
    spotBorrow: str = "0"
    accruedInterest: str = "0"
    bonus: str = "0"
    availableToWithdraw: str = ""
    availableToBorrow: str = ""
    collateralSwitch: bool = True
    marginCollateral: bool = True
    colRes: str = "0"
    spotHedgingQty: str = "0"


class Wallet(msgspec.Struct, gc=False):
    """https://bybit-exchange.github.io/docs/v5/websocket/private/wallet"""

    accountIMRate: str
    accountMMRate: str
    totalEquity: str
    totalWalletBalance: str
    totalMarginBalance: str
    totalAvailableBalance: str
    totalPerpUPL: str
    totalInitialMargin: str
    totalMaintenanceMargin: str
    coin: list[Coin]
    accountType: str = "UNIFIED"
    accountLTV: str = "0"


class LogLine(msgspec.Struct, gc=False):
    """https://bybit-exchange.github.io/docs/v5/account/transaction-log"""

    id: str
    symbol: str
    side: str
    transactionTime: str
    type: str
    qty: str
    size: str
    tradePrice: str
    funding: str
    fee: str
    cashFlow: str
    change: str
    cashBalance: str
    tradeId: str
    category: str = "linear"
    currency: str = "USDT"
    transSubType: str = ""
    feeRate: str = ""
    bonusChange: str = ""
    orderId: str = ""
    orderLinkId: str = ""
