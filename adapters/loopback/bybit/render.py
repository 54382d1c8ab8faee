"""From the floor's words to Bybit's rows."""

from __future__ import annotations

from decimal import Decimal

from adapters.loopback.bybit import rows
from adapters.loopback.desk import Desk
from adapters.loopback.floor import Fill, Floor
from adapters.loopback.ledger import LedgerEntry, Position, position_margin
from adapters.loopback.market import Candle, Liquidated, Market, PublicTrade, Span
from adapters.loopback.orders import ZERO, Kind, Order, Reason, SelfMatch, Side, Status, Tif
from adapters.loopback.symbols import Contract

SIDES = {Side.BUY: "Buy", Side.SELL: "Sell"}
KINDS = {Kind.LIMIT: "Limit", Kind.MARKET: "Market"}
TIFS = {Tif.GTC: "GTC", Tif.IOC: "IOC", Tif.FOK: "FOK", Tif.POST_ONLY: "PostOnly"}
SELF_MATCHES = {
    SelfMatch.ALLOW: "None",
    SelfMatch.CANCEL_MAKER: "CancelMaker",
    SelfMatch.CANCEL_TAKER: "CancelTaker",
    SelfMatch.CANCEL_BOTH: "CancelBoth",
}
STATUSES = {
    Status.NEW: "New",
    Status.PARTIALLY_FILLED: "PartiallyFilled",
    Status.FILLED: "Filled",
    Status.CANCELLED: "Cancelled",
}
CANCELS = {
    Reason.BY_USER: "CancelByUser",
    Reason.REDUCE_ONLY: "CancelByReduceOnly",
    Reason.SELF_MATCH: "CancelBySmp",
    Reason.DISCONNECTED: "CancelByDCP",
}
REJECTS = {
    Reason.BY_USER: "EC_PerCancelRequest",
    Reason.WOULD_TAKE: "EC_PostOnlyWillTakeLiquidity",
    Reason.NO_LIQUIDITY: "EC_NoImmediateQtyToFill",
    Reason.NOT_WHOLE: "EC_CancelForNoFullFill",
    Reason.SELF_MATCH: "EC_BySelfMatch",
}
MAINTENANCE_RATE = Decimal("0.005")
_PLACES = Decimal("1E-8")


def plain(number: Decimal) -> str:
    """A decimal without exponent and without trailing zeros, as Bybit writes computed amounts; eight places at most."""
    if number == 0:
        return "0"
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -8:
        number = number.quantize(_PLACES)
    return format(number.normalize(), "f") if number else "0"


def exact(number: Decimal) -> str:
    """A decimal with all its places: prices on the tick, sizes on the lot."""
    return format(number, "f")


def instrument(contract: Contract) -> rows.Instrument:
    cap, ratio = plain(contract.funding_cap), contract.price_limit_ratio
    return rows.Instrument(
        symbol=contract.symbol,
        baseCoin=contract.base,
        quoteCoin=contract.quote,
        settleCoin=contract.quote,
        launchTime=str(contract.launched_ms),
        priceScale=str(contract.price_scale),
        leverageFilter=rows.Leverage("1", f"{contract.max_leverage}.00", "0.01"),
        priceFilter=rows.PriceFilter(exact(contract.tick), exact(contract.max_price), exact(contract.tick)),
        lotSizeFilter=rows.LotFilter(
            maxOrderQty=exact(contract.max_size),
            minOrderQty=exact(contract.lot),
            qtyStep=exact(contract.lot),
            postOnlyMaxOrderQty=exact(contract.max_size),
            maxMktOrderQty=exact(contract.max_market_size),
            minNotionalValue=plain(contract.min_notional),
        ),
        fundingInterval=contract.funding_interval_min,
        upperFundingRate=cap,
        lowerFundingRate=f"-{cap}",
        riskParameters=rows.RiskParameters(plain(ratio), plain(ratio * 2)),
        symbolId=contract.number,
    )


def trade(symbol: str, printed: PublicTrade) -> rows.Trade:
    return rows.Trade(
        T=printed.ts_ms,
        s=symbol,
        S=SIDES[printed.side],
        v=exact(printed.size),
        p=exact(printed.price),
        L=printed.tick,
        i=printed.trade_id,
        seq=printed.seq,
    )


def recent_trade(symbol: str, printed: PublicTrade) -> rows.RecentTrade:
    return rows.RecentTrade(
        execId=printed.trade_id,
        symbol=symbol,
        price=exact(printed.price),
        size=exact(printed.size),
        side=SIDES[printed.side],
        time=str(printed.ts_ms),
        seq=str(printed.seq),
    )


def liquidation(symbol: str, event: Liquidated) -> rows.Liquidation:
    return rows.Liquidation(T=event.ts_ms, s=symbol, S=SIDES[event.side], v=exact(event.size), p=exact(event.price))


def kline(candle: Candle, span: Span, now_ms: int) -> rows.Kline:
    end = span.end(candle.start_ms)
    return rows.Kline(
        start=candle.start_ms,
        end=end,
        interval=span.word,
        open=plain(candle.open),
        close=plain(candle.close),
        high=plain(candle.high),
        low=plain(candle.low),
        volume=plain(candle.volume),
        turnover=plain(candle.turnover),
        confirm=now_ms > end,
        timestamp=now_ms,
    )


def ticker(market: Market) -> dict[str, str]:
    """The fields of a ticker, common to the socket's snapshot and REST."""
    contract, day, mark = market.contract, market.day(), market.mark_price
    bid, ask = market.engine.best(Side.BUY) or (ZERO, ZERO), market.engine.best(Side.SELL) or (ZERO, ZERO)
    interest = market.open_interest
    change = (market.last_price - day.open) / day.open
    return {
        "symbol": contract.symbol,
        "tickDirection": market.tick_word,
        "price24hPcnt": exact(change.quantize(Decimal("0.000001"))),
        "lastPrice": exact(market.last_price),
        "prevPrice24h": exact(day.open),
        "highPrice24h": exact(day.high),
        "lowPrice24h": exact(day.low),
        "prevPrice1h": exact(day.hour_ago),
        "markPrice": exact(mark),
        "indexPrice": exact(market.index_price),
        "openInterest": exact(interest),
        "openInterestValue": exact((interest * mark).quantize(Decimal("0.01"))),
        "singleOpenInterest": exact(interest / 2),
        "singleOpenInterestValue": exact((interest / 2 * mark).quantize(Decimal("0.01"))),
        "turnover24h": exact(day.turnover.quantize(Decimal("0.0001"))),
        "volume24h": exact(day.volume.quantize(Decimal("0.0001"))),
        "fundingIntervalHour": str(contract.funding_interval_min // 60),
        "fundingCap": plain(contract.funding_cap),
        "nextFundingTime": str(market.next_funding_ms),
        "fundingRate": plain(market.funding_rate),
        "bid1Price": exact(bid[0]),
        "bid1Size": exact(bid[1]),
        "ask1Price": exact(ask[0]),
        "ask1Size": exact(ask[1]),
        "preOpenPrice": "",
        "preQty": "",
        "curPreListingPhase": "",
    }


def order(symbol: str, placed: Order) -> rows.Order:
    fee = plain(placed.fee)
    return rows.Order(
        symbol=symbol,
        orderId=placed.order_id,
        orderLinkId=placed.client_id,
        side=SIDES[placed.side],
        orderType=KINDS[placed.kind],
        timeInForce=TIFS[placed.tif],
        price=exact(placed.price),
        qty=exact(placed.size),
        orderStatus=STATUSES[placed.status],
        cancelType=CANCELS.get(placed.reason, "UNKNOWN"),
        rejectReason=REJECTS.get(placed.reason, "EC_NoError"),
        avgPrice=plain(placed.average) if placed.filled else "",
        leavesQty=exact(placed.leaves),
        leavesValue=plain(placed.leaves * placed.price),
        cumExecQty=exact(placed.filled),
        cumExecValue=plain(placed.value),
        cumExecFee=fee,
        cumFeeDetail={"USDT": fee} if placed.filled else {},
        closedPnl=plain(placed.pnl),
        reduceOnly=placed.reduce_only,
        smpType=SELF_MATCHES[placed.self_match],
        smpOrderId=placed.met_order_id,
        lastPriceOnCreated=exact(placed.last_price_on_created),
        createdTime=str(placed.created_ms),
        updatedTime=str(placed.updated_ms),
    )


def execution(fill: Fill) -> rows.Execution:
    funding = fill.kind == "funding"
    return rows.Execution(
        symbol=fill.symbol,
        execId=fill.exec_id,
        orderId=fill.order_id,
        orderLinkId=fill.client_id,
        side=SIDES[fill.side],
        orderPrice=exact(fill.order_price),
        orderQty=exact(fill.order_size),
        orderType="UNKNOWN" if fill.order_kind is None else KINDS[fill.order_kind],
        leavesQty=exact(fill.leaves),
        execType="Funding" if funding else "Trade",
        execPrice=exact(fill.price),
        execQty=exact(fill.size),
        execValue=plain(fill.price * fill.size),
        execFee=plain(fill.fee),
        feeRate=plain(fill.fee_rate),
        execPnl=plain(fill.pnl),
        isMaker=fill.is_maker,
        closedSize=exact(fill.closed),
        execTime=str(fill.ts_ms),
        markPrice=exact(fill.mark),
        seq=fill.seq,
        createType="" if funding else "CreateByUser",
    )


def fast_execution(fill: Fill) -> rows.FastExecution:
    return rows.FastExecution(
        symbol=fill.symbol,
        orderId=fill.order_id,
        isMaker=fill.is_maker,
        orderLinkId="" if fill.is_maker else fill.client_id,
        execId=fill.exec_id,
        execPrice=exact(fill.price),
        execQty=exact(fill.size),
        side=SIDES[fill.side],
        execTime=str(fill.ts_ms),
        seq=fill.seq,
    )


def _position(held: Position, mark: Decimal) -> rows.Position:
    margin, keep = position_margin(held), held.value * MAINTENANCE_RATE
    side = "" if held.size == 0 else SIDES[Side.BUY if held.size > 0 else Side.SELL]
    size = abs(held.size)
    even = held.average - held.realized / held.size if held.size else ZERO
    return rows.Position(
        symbol=held.symbol,
        side=side,
        size=exact(size) if size else "0",
        positionValue=plain(held.value),
        markPrice=exact(mark),
        breakEvenPrice=plain(even) if size else "",
        leverage=plain(held.leverage),
        positionIM=plain(margin),
        positionMM=plain(keep),
        positionIMByMp=plain(size * mark / held.leverage),
        positionMMByMp=plain(size * mark * MAINTENANCE_RATE),
        unrealisedPnl=plain(held.unrealized(mark)) if size else "",
        curRealisedPnl=plain(held.realized),
        cumRealisedPnl=plain(held.realized_ever),
        createdTime=str(held.created_ms),
        updatedTime=str(held.updated_ms),
        openTime=held.opened_ms,
        seq=held.seq,
    )


def pushed_position(held: Position, mark: Decimal) -> rows.Position:
    row = _position(held, mark)
    row.category, row.entryPrice = "linear", plain(held.average)
    return row


def listed_position(held: Position, mark: Decimal) -> rows.Position:
    row = _position(held, mark)
    row.avgPrice = plain(held.average)
    return row


def wallet(floor: Floor, desk: Desk) -> rows.Wallet:
    book = desk.book
    unrealized, (held, resting) = floor.unrealized(desk), floor.margins(desk)
    equity, margin = book.wallet + unrealized, held + resting
    keep = sum((p.value for p in book.positions.values()), ZERO) * MAINTENANCE_RATE
    return rows.Wallet(
        accountIMRate=plain(margin / equity) if equity > 0 else "0",
        accountMMRate=plain(keep / equity) if equity > 0 else "0",
        totalEquity=plain(equity),
        totalWalletBalance=plain(book.wallet),
        totalMarginBalance=plain(equity),
        totalAvailableBalance=plain(equity - margin),
        totalPerpUPL=plain(unrealized),
        totalInitialMargin=plain(margin),
        totalMaintenanceMargin=plain(keep),
        coin=[
            rows.Coin(
                equity=plain(equity),
                usdValue=plain(equity),
                walletBalance=plain(book.wallet),
                totalOrderIM=plain(resting),
                totalPositionIM=plain(held),
                totalPositionMM=plain(keep),
                unrealisedPnl=plain(unrealized),
                cumRealisedPnl=plain(book.realized - book.fees + book.funding),
            )
        ],
    )


def log_line(entry: LedgerEntry) -> rows.LogLine:
    return rows.LogLine(
        id=entry.reference,
        symbol=entry.symbol,
        side=SIDES[entry.side] if entry.side else "",
        transactionTime=str(entry.ts_ms),
        type=entry.kind,
        qty=exact(entry.size),
        size=exact(entry.position),
        tradePrice=exact(entry.price),
        funding=plain(entry.funding),
        fee=plain(entry.fee),
        cashFlow=plain(entry.cash),
        change=plain(entry.change),
        cashBalance=plain(entry.balance),
        tradeId=entry.reference,
    )
