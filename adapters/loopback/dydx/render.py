"""From what the indexer knows to its rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from msgspec import UNSET

from adapters.loopback.dydx import rows
from adapters.loopback.dydx.contracts import QUANTUM_CONVERSION_EXPONENT, STEP_BASE_QUANTUMS, TERMS
from adapters.loopback.dydx.ids import position_uuid, subaccount_uuid
from adapters.loopback.dydx.messages import Condition, OrderId, OrderSide, PlaceOrder, Subaccount, TimeInForce
from adapters.loopback.dydx.positions import Holdings, Position
from adapters.loopback.dydx.register import Placed
from adapters.loopback.dydx.tape import Tape
from adapters.loopback.dydx.texts import iso, plain
from adapters.loopback.floor import Fill
from adapters.loopback.market import PublicTrade
from adapters.loopback.orders import ZERO, Side

SIDES = {Side.BUY: "BUY", Side.SELL: "SELL"}
USDC, USDC_ID = "USDC", "0"
REMOVAL = "ORDER_REMOVAL_REASON_"


@dataclass(slots=True)
class OrderState:
    """An order as the indexer has it."""

    placed: Placed
    place: PlaceOrder
    """As it was said last; a replacement is not said before its predecessor's end."""
    price: Decimal
    size: Decimal
    status: str = "PENDING"
    filled: Decimal = ZERO
    """By blocks."""
    created_height: int | None = None
    updated_ms: int | None = None
    updated_height: int | None = None
    is_kept: bool = False
    """Is it in the database, and not only in the cache of what nodes said?"""

    @property
    def uuid(self) -> str:
        return self.placed.uuid

    @property
    def ticker(self) -> str:
        return self.placed.ticker


def order(state: OrderState, **more: str) -> rows.Order:
    """An order's row; `more` is what only some messages say."""
    place, order_id = state.place, state.place.order_id
    is_short = order_id.is_short_term
    return rows.Order(
        id=state.uuid,
        subaccountId=subaccount_uuid(order_id.subaccount),
        clientId=str(order_id.client_id),
        clobPairId=str(order_id.pair_id),
        side=OrderSide(place.side).name,
        size=plain(state.size),
        totalFilled=plain(state.filled) if state.is_kept else UNSET,
        totalOptimisticFilled=more.get("optimistic", UNSET),
        price=plain(state.price),
        type=order_type(place),
        status=state.status,
        timeInForce="IOC" if place.time_in_force == TimeInForce.IOC else "GTT",
        reduceOnly=place.reduce_only,
        orderFlags=str(order_id.flags),
        goodTilBlock=str(place.good_til_block) if is_short else UNSET,
        goodTilBlockTime=UNSET if is_short else iso(place.good_til_time_s * 1000),
        createdAtHeight=UNSET if state.created_height is None else str(state.created_height),
        clientMetadata=str(place.client_metadata),
        triggerPrice=plain(TERMS[state.ticker].price(place.trigger_subticks)) if place.condition else UNSET,
        updatedAt=UNSET if state.updated_ms is None else iso(state.updated_ms),
        updatedAtHeight=UNSET if state.updated_height is None else str(state.updated_height),
        postOnly=place.time_in_force == TimeInForce.POST_ONLY,
        ticker=state.ticker,
        removalReason=REMOVAL + more["removal"] if "removal" in more else UNSET,
    )


def order_type(place: PlaceOrder) -> str:
    """A market order comes back as what it is, a limit order that is immediate or cancelled."""
    if place.condition == Condition.NONE:
        return "LIMIT"
    word = "STOP" if place.condition == Condition.STOP_LOSS else "TAKE_PROFIT"
    if place.time_in_force == TimeInForce.IOC:
        return f"{word}_MARKET"
    return "STOP_LIMIT" if word == "STOP" else word


def kept_order(state: OrderState) -> rows.Order:
    """An order as REST and the snapshot give it."""
    row = order(state)
    row.totalFilled = plain(state.filled)
    row.orderRouterAddress = state.place.router
    row.subaccountNumber = state.place.order_id.subaccount.number
    return row


def unseen(order_id: OrderId, uuid: str, ticker: str) -> rows.Order:
    """A cancel of an order that the indexer never saw: ids and status only."""
    return rows.Order(
        id=uuid,
        subaccountId=subaccount_uuid(order_id.subaccount),
        clientId=str(order_id.client_id),
        clobPairId=str(order_id.pair_id),
        status="BEST_EFFORT_CANCELED",
        orderFlags=str(order_id.flags),
        ticker=ticker,
        removalReason=f"{REMOVAL}USER_CANCELED",
    )


def fill(one: Fill, forced: bool, height: int, block_ms: int, number: int, metadata: str) -> rows.Fill:
    return rows.Fill(
        id=one.exec_id,
        side=SIDES[one.side],
        liquidity="MAKER" if one.is_maker else "TAKER",
        type="LIQUIDATION" if forced else "LIMIT",
        market=one.symbol,
        marketType="PERPETUAL",
        price=plain(one.price),
        size=plain(one.size),
        fee=plain(one.fee),
        affiliateRevShare="0",
        createdAt=iso(block_ms),
        createdAtHeight=str(height),
        orderId=one.order_id,
        clientMetadata=metadata,
        subaccountNumber=number,
    )


def fill_event(row: rows.Fill, event_id: str, of: str) -> rows.FillEvent:
    return rows.FillEvent(
        id=row.id,
        subaccountId=of,
        side=row.side,
        liquidity=row.liquidity,
        type=row.type,
        clobPairId=str(TERMS[row.market].pair_id),
        orderId=row.orderId,
        size=row.size,
        price=row.price,
        quoteAmount=plain(Decimal(row.price) * Decimal(row.size)),
        eventId=event_id,
        transactionHash=block_hash(int(row.createdAtHeight)),
        createdAt=row.createdAt,
        createdAtHeight=row.createdAtHeight,
        ticker=row.market,
        clientMetadata=row.clientMetadata,
        fee=row.fee,
    )


def trade(one: PublicTrade, event_id: str, forced: bool, height: int, block_ms: int) -> rows.Trade:
    word = "LIQUIDATED" if forced else "LIMIT"
    return rows.Trade(event_id, SIDES[one.side], plain(one.size), plain(one.price), word, iso(block_ms), str(height))


def position(held: Position, oracle: Decimal, number: int) -> rows.Position:
    return rows.Position(
        market=held.ticker,
        status=_position_status(held),
        side="LONG" if held.is_long else "SHORT",
        size=plain(held.size),
        maxSize=plain(held.max_size),
        entryPrice=plain(held.entry),
        exitPrice=None if held.exit is None else plain(held.exit),
        realizedPnl=plain(held.realized),
        unrealizedPnl=plain(held.unrealized(oracle)),
        createdAt=iso(held.created_ms),
        createdAtHeight=str(held.created_height),
        closedAt=None if held.closed_ms is None else iso(held.closed_ms),
        sumOpen=plain(held.sum_open),
        sumClose=plain(held.sum_close),
        netFunding=plain(held.net_funding),
        subaccountNumber=number,
    )


def position_event(held: Position, oracle: Decimal, holdings: Holdings) -> rows.PositionEvent:
    of = holdings.subaccount
    return rows.PositionEvent(
        address=of.owner,
        subaccountNumber=of.number,
        positionId=position_uuid(of, held.ticker, held.event_id),
        market=held.ticker,
        side="LONG" if held.is_long else "SHORT",
        status=_position_status(held),
        size=plain(held.size),
        maxSize=plain(held.max_size),
        netFunding=plain(held.net_funding),
        entryPrice=plain(held.entry),
        exitPrice=None if held.exit is None else plain(held.exit),
        sumOpen=plain(held.sum_open),
        sumClose=plain(held.sum_close),
        realizedPnl=plain(held.realized),
        unrealizedPnl=plain(held.unrealized(oracle)),
    )


def asset(holdings: Holdings) -> rows.Asset:
    """USDC; a debt is SHORT and has no sign."""
    usdc = holdings.usdc
    return rows.Asset(plain(abs(usdc)), USDC, _asset_side(usdc), USDC_ID, holdings.subaccount.number)


def asset_event(holdings: Holdings) -> rows.AssetEvent:
    of, usdc = holdings.subaccount, holdings.usdc
    return rows.AssetEvent(
        of.owner, of.number, position_uuid(of, USDC, ""), USDC_ID, USDC, _asset_side(usdc), plain(abs(usdc))
    )


def subaccount(holdings: Holdings, oracle: Mapping[str, Decimal], height: int) -> rows.Subaccount:
    of = holdings.subaccount
    return rows.Subaccount(
        address=of.owner,
        subaccountNumber=of.number,
        equity=plain(holdings.equity(oracle)),
        freeCollateral=plain(holdings.free(oracle)),
        openPerpetualPositions={
            ticker: position(held, oracle[ticker], of.number) for ticker, held in holdings.open.items()
        },
        assetPositions={USDC: asset(holdings)} if holdings.usdc else {},
        marginEnabled=True,
        updatedAtHeight=str(holdings.updated_height),
        latestProcessedBlockHeight=str(height),
    )


def market(tape: Tape, oracle: Decimal, now_ms: int) -> rows.Market:
    """A market's row; the terms are those it was listed with."""
    terms, change = TERMS[tape.ticker], tape.day(now_ms)
    interest = plain(tape.market.open_interest)
    return rows.Market(
        clobPairId=str(terms.pair_id),
        ticker=terms.ticker,
        status="ACTIVE",
        oraclePrice=plain(oracle),
        priceChange24H=plain(change[0]),
        volume24H=plain(change[1]),
        trades24H=change[2],
        nextFundingRate=plain(tape.market.funding_rate),
        initialMarginFraction=plain(terms.initial_margin_fraction),
        maintenanceMarginFraction=plain(terms.maintenance_margin_fraction),
        openInterest=interest,
        atomicResolution=terms.atomic_resolution,
        quantumConversionExponent=QUANTUM_CONVERSION_EXPONENT,
        tickSize=plain(terms.tick),
        stepSize=plain(terms.step),
        stepBaseQuantums=STEP_BASE_QUANTUMS,
        subticksPerTick=terms.subticks_per_tick,
        marketType="CROSS",
        openInterestLowerCap=terms.open_interest_caps[0],
        openInterestUpperCap=terms.open_interest_caps[1],
        baseOpenInterest=interest,
        defaultFundingRate1H="0",
    )


def block_hash(height: int) -> str:
    """The hash of the transaction that holds a block's matches."""
    return hashlib.sha256(f"matches of block {height}".encode()).hexdigest().upper()


def _position_status(held: Position) -> str:
    return "OPEN" if held.closed_ms is None else "CLOSED"


def _asset_side(usdc: Decimal) -> str:
    return "LONG" if usdc >= 0 else "SHORT"


def parent(of: Subaccount, children: list[rows.Subaccount]) -> rows.ParentSubaccount:
    """A parent with its children: the sums are of all of them."""
    return rows.ParentSubaccount(
        of.owner,
        of.number,
        plain(sum((Decimal(child.equity) for child in children), ZERO)),
        plain(sum((Decimal(child.freeCollateral) for child in children), ZERO)),
        children,
    )
