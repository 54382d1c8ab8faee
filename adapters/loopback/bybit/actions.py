"""The order calls, one meaning for REST and the trade socket: checks of parameters, then the floor, then Bybit's answer."""

# ruff: noqa: N815
# The field names are the venue's own.

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

import msgspec

from adapters.loopback.bybit import codes, render
from adapters.loopback.bybit.codes import BybitError, parameter
from adapters.loopback.bybit.params import Params
from adapters.loopback.floor import Floor, Ticket
from adapters.loopback.ledger import Account
from adapters.loopback.market import Market
from adapters.loopback.orders import Kind, RefusedError, SelfMatch, Side, Tif

BATCH = 20
LINK_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")
SIDES = {word: side for side, word in render.SIDES.items()}
KINDS = {word: kind for kind, word in render.KINDS.items()}
TIFS = {word: tif for tif, word in render.TIFS.items()}
SELF_MATCHES = {word: rule for rule, word in render.SELF_MATCHES.items()}
NOT_SERVED = ("triggerPrice", "takeProfit", "stopLoss", "bboSideType", "slippageToleranceType", "tpslMode")


class OrderIds(msgspec.Struct, gc=False):
    orderId: str
    orderLinkId: str


class BatchItem(msgspec.Struct, gc=False):
    category: str
    symbol: str
    orderId: str
    orderLinkId: str
    createAt: str | msgspec.UnsetType = msgspec.UNSET


class ItemVerdict(msgspec.Struct, gc=False):
    code: int
    msg: str


class BatchResult(msgspec.Struct, gc=False):
    list: list[BatchItem]


class BatchVerdicts(msgspec.Struct, gc=False):
    list: list[ItemVerdict]


class CancelledAll(msgspec.Struct, gc=False):
    list: list[OrderIds]
    success: str = "1"


Action = Callable[[Account, Params, int], OrderIds]


class Actions:
    """What a customer may do with orders; `now_ms` is an argument."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    # -- one order ---------------------------------------------------------------------------------------------------

    def create(self, account: Account, params: Params, now_ms: int) -> OrderIds:
        """https://bybit-exchange.github.io/docs/v5/order/create-order"""
        order = self._floor.place(account.key, self._ticket(params), now_ms)
        return OrderIds(order.order_id, order.client_id)

    def amend(self, account: Account, params: Params, now_ms: int) -> OrderIds:
        """https://bybit-exchange.github.io/docs/v5/order/amend-order"""
        market = self.market(params)
        order_id = self._order_id(account, params)
        self._refuse_unserved(params)
        if not params.has("price") and not params.has("qty"):
            raise parameter("nothing to amend")
        symbol, order = self._floor.find(account.key, order_id)
        if symbol != market.contract.symbol:
            raise BybitError(codes.ORDER_NOT_FOUND, "order not exists or too late to replace")
        price = self._price(params, market, order.side) if params.has("price") else None
        size = self._size(params, market, order.kind) if params.has("qty") else None
        self._check_notional(market, price or order.price, size or order.size, order.reduce_only)
        order = self._floor.amend(account.key, order_id, now_ms, price, size)
        return OrderIds(order.order_id, order.client_id)

    def cancel(self, account: Account, params: Params, now_ms: int) -> OrderIds:
        """https://bybit-exchange.github.io/docs/v5/order/cancel-order"""
        market = self.market(params)
        symbol, order = self._floor.find(account.key, self._order_id(account, params))
        if symbol != market.contract.symbol:
            raise BybitError(codes.ORDER_NOT_FOUND, "order not exists or too late to cancel")
        self._floor.cancel(account.key, order.order_id, now_ms)
        return OrderIds(order.order_id, order.client_id)

    # -- many orders -------------------------------------------------------------------------------------------------

    def batch(
        self, action: Action, account: Account, params: Params, now_ms: int, allowed: int
    ) -> tuple[BatchResult, BatchVerdicts]:
        """Each item on its own; those beyond `allowed` fail with 10006, and the outer answer is always a success."""
        require_linear(params)
        listed, verdicts = [], []
        creates = action == self.create
        for number, item in enumerate(params.items("request", BATCH)):
            symbol = item.text("symbol", "")
            row = BatchItem("linear", symbol, "", "")
            try:
                if number >= allowed:
                    raise BybitError(codes.TOO_MANY_VISITS, codes.TOO_MANY_VISITS_WORDS)
                done = action(account, item, now_ms)
                row.orderId, row.orderLinkId = done.orderId, done.orderLinkId
                verdicts.append(ItemVerdict(0, "OK"))
            except (BybitError, RefusedError) as error:
                said = codes.refused(error) if isinstance(error, RefusedError) else error
                verdicts.append(ItemVerdict(said.code, said.words))
            if creates:
                row.createAt = str(now_ms) if row.orderId else ""
            listed.append(row)
        return BatchResult(listed), BatchVerdicts(verdicts)

    def cancel_all(self, account: Account, params: Params, now_ms: int) -> CancelledAll:
        """https://bybit-exchange.github.io/docs/v5/order/cancel-all"""
        require_linear(params)
        gone = self._floor.cancel_all(account.key, now_ms, self.selected(params))
        return CancelledAll([OrderIds(order.order_id, order.client_id) for _, order in gone])

    # -- selectors ---------------------------------------------------------------------------------------------------

    def market(self, params: Params) -> Market:
        """The market of `symbol`; raises BybitError where the category or symbol is not served."""
        if params.has("category"):
            require_linear(params)
        return self.listed(params.text("symbol"))

    def listed(self, symbol: str) -> Market:
        market = self._floor.markets.get(symbol)
        if market is None:
            raise parameter(f"symbol invalid {symbol}")
        return market

    def selected(self, params: Params) -> list[str]:
        """The symbols meant by symbol, else baseCoin, else settleCoin; raises BybitError where none is given."""
        if params.has("symbol"):
            return [self.listed(params.text("symbol")).contract.symbol]
        contracts = [market.contract for market in self._floor.markets.values()]
        if params.has("baseCoin"):
            return [c.symbol for c in contracts if c.base == params.text("baseCoin")]
        if params.has("settleCoin"):
            return [c.symbol for c in contracts if c.quote == params.text("settleCoin")]
        raise parameter("symbol, settleCoin or baseCoin is required")

    # -- reading an order --------------------------------------------------------------------------------------------

    def _ticket(self, params: Params) -> Ticket:
        market = self.market(params)
        self._refuse_unserved(params)
        side = SIDES[params.word("side", SIDES)]
        kind = KINDS[params.word("orderType", KINDS)]
        reduce_only = params.flag("reduceOnly")
        if params.integer("positionIdx", 0, 0, 2) != 0:
            raise BybitError(codes.PARAMETER, "position idx not match position mode")
        if params.has("orderLinkId") and not LINK_ID.fullmatch(params.text("orderLinkId")):
            raise parameter("orderLinkId must be 1 to 36 of A-Z a-z 0-9 - _")
        if reduce_only and params.flag("closeOnTrigger") and params.text("qty") == "0":
            size = market.contract.max_size
        else:
            size = self._size(params, market, kind)
        price = self._price(params, market, side) if kind is Kind.LIMIT else Decimal(0)
        self._check_notional(market, price or market.mark_price, size, reduce_only)
        return Ticket(
            symbol=market.contract.symbol,
            side=side,
            kind=kind,
            tif=Tif.IOC if kind is Kind.MARKET else TIFS[params.word("timeInForce", TIFS, "GTC")],
            price=price,
            size=size,
            client_id=params.text("orderLinkId", ""),
            reduce_only=reduce_only,
            self_match=SELF_MATCHES[params.word("smpType", SELF_MATCHES, render.SELF_MATCHES[SelfMatch.ALLOW])],
        )

    @staticmethod
    def _refuse_unserved(params: Params) -> None:
        for name in NOT_SERVED:
            if params.has(name):
                raise parameter(f"{name} is not served by this venue")

    @staticmethod
    def _price(params: Params, market: Market, side: Side) -> Decimal:
        contract, price = market.contract, params.decimal("price")
        if price < contract.tick or price > contract.max_price:
            raise BybitError(codes.PRICE_OUT_OF_RANGE, "Order price exceeds the allowable range.")
        if price % contract.tick:
            raise BybitError(codes.PARAMETER, f"Price invalid: {price} is not on the tick {contract.tick}")
        highest, lowest = market.price_band()
        if side is Side.BUY and price > highest:
            raise BybitError(codes.PRICE_TOO_HIGH, "The order price is higher than the maximum buying price.")
        if side is Side.SELL and price < lowest:
            raise BybitError(codes.PRICE_TOO_LOW, "The order price is lower than the minimum selling price.")
        return price // contract.tick * contract.tick

    @staticmethod
    def _size(params: Params, market: Market, kind: Kind) -> Decimal:
        contract, size = market.contract, params.decimal("qty")
        if size < contract.lot:
            raise BybitError(codes.REDUCE_ONLY, "orderQty will be truncated to zero.")
        if size % contract.lot:
            raise BybitError(codes.PARAMETER, f"Qty invalid: {size} is not on the step {contract.lot}")
        if size > (contract.max_market_size if kind is Kind.MARKET else contract.max_size):
            raise BybitError(codes.PARAMETER, "The number of contracts exceeds maximum limit allowed")
        return size // contract.lot * contract.lot

    @staticmethod
    def _check_notional(market: Market, price: Decimal, size: Decimal, reduce_only: bool) -> None:
        least = market.contract.min_notional
        if not reduce_only and price * size < least:
            raise BybitError(codes.MIN_NOTIONAL, f"Order does not meet minimum order value {least}USDT")

    def _order_id(self, account: Account, params: Params) -> str:
        """The order meant: by orderId, else by orderLinkId; raises RefusedError-like codes where there is none."""
        if params.has("orderId"):
            return params.text("orderId")
        link_id = params.text("orderLinkId", "")
        if not link_id:
            raise parameter("orderId or orderLinkId is required")
        found = self._floor.desks[account.key].by_client_id.get(link_id)
        if found is None:
            raise BybitError(codes.ORDER_NOT_FOUND, "order not exists or too late to cancel")
        return found


def require_linear(params: Params) -> None:
    """Raises BybitError unless the category is the one that is traded here."""
    if params.text("category") != "linear":
        raise parameter(f"category {params.text('category')} is not traded here, only linear")
