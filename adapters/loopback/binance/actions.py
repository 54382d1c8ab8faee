"""The order calls, one meaning for REST and the order socket: checks of parameters, then the floor, then Binance's answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

import msgspec

from adapters.loopback.binance import codes, private_render, render
from adapters.loopback.binance.codes import BinanceError, invalid, mandatory
from adapters.loopback.binance.filters import check_notional, price_of, size_of
from adapters.loopback.binance.params import Params
from adapters.loopback.binance.private_rows import Ack
from adapters.loopback.binance.register import Amendment, Register, Terms
from adapters.loopback.binance.rows import Said
from adapters.loopback.floor import Floor, Ticket
from adapters.loopback.ledger import Account
from adapters.loopback.market import Market
from adapters.loopback.orders import Kind, Order, RefusedError, Side, Tif

PLACES_AT_MOST, CANCELS_AT_MOST = 5, 10
AMENDMENTS_AT_MOST = 10_000
GOOD_TILL_LEAST_MS = 600_000
CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]+")
SIDES = {word: side for side, word in render.SIDES.items()}
CONDITIONAL = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")
ORDER_TYPES: dict[str, Kind | None] = {word: kind for kind, word in render.KINDS.items()} | dict.fromkeys(CONDITIONAL)
POSITION_SIDES = {"BOTH": 0, "LONG": 1, "SHORT": -1}
RESPONSES = {"ACK": True, "RESULT": False}
PRICE_MATCHES: dict[str, tuple[bool, int]] = {
    "OPPONENT": (True, 1),
    "OPPONENT_5": (True, 5),
    "QUEUE": (False, 1),
    "QUEUE_5": (False, 5),
    "QUEUE_10": (False, 10),
    "QUEUE_20": (False, 20),
}
"""Which side of the book the price is taken from, and how deep."""

Action = Callable[[Account, Params, int], Ack]


@dataclass(frozen=True, slots=True)
class Asked:
    """An order as asked for, in the floor's words and in the venue's."""

    ticket: Ticket
    terms: Terms


class Actions:
    """What a customer may do with orders; `now_ms` is an argument."""

    def __init__(self, floor: Floor, register: Register) -> None:
        self._floor, self._register = floor, register
        self._named = 0

    # -- one order ---------------------------------------------------------------------------------------------------

    def place(self, account: Account, params: Params, now_ms: int) -> Ack:
        """https://developers.binance.com/docs/derivatives/usds-margined-futures/trade/rest-api/New-Order"""
        as_new = RESPONSES[params.word("newOrderRespType", RESPONSES, default="ACK")]
        asked = self._asked(params, now_ms)
        order = self.enter(account, asked, now_ms)
        return private_render.ack(asked.ticket.symbol, order, asked.terms, as_new)

    def enter(self, account: Account, asked: Asked, now_ms: int) -> Order:
        """Places what was asked for; what would take as post-only, or not be filled whole, leaves no trace."""
        desk, ticket = self._floor.desks[account.key], asked.ticket
        desk.release(ticket.client_id)
        if not ticket.client_id:
            self._named += 1
            ticket = replace(ticket, client_id=f"web_{self._named:020d}")
        self._refuse_untraced(account, ticket)
        self._register.pending = asked.terms
        return self._floor.place(account.key, ticket, now_ms)

    def amend(self, account: Account, params: Params, now_ms: int) -> Ack:
        """https://developers.binance.com/docs/derivatives/usds-margined-futures/trade/rest-api/Modify-Order"""
        market, order = self.named(account, params)
        symbol, terms = market.contract.symbol, self._register.of(order)
        if order.status.is_final:
            raise BinanceError(codes.NO_SUCH_ORDER)
        if order.kind is not Kind.LIMIT:
            raise BinanceError(codes.LIMIT_ONLY)
        if SIDES[params.word("side", SIDES, codes.BAD_SIDE)] is not order.side:
            raise invalid("side")
        if params.flag("reduceOnly") and not order.reduce_only:
            raise BinanceError(codes.NOT_REDUCE_ONLY)
        if len(terms.amendments) >= AMENDMENTS_AT_MOST:
            raise BinanceError(codes.TOO_MANY_AMENDMENTS)
        size = size_of(params, market.contract, order.kind)
        price = self._price(params, market, order.side)
        check_notional(market.contract, price * size, order.reduce_only)
        terms.modify_id = params.integer("modifyId", 0)
        if size <= order.filled:
            self._floor.cancel(account.key, order.order_id, now_ms)
        else:
            self._amend(account, order, price, size, now_ms)
        return private_render.ack(symbol, order, terms)

    def cancel(self, account: Account, params: Params, now_ms: int) -> Ack:
        """https://developers.binance.com/docs/derivatives/usds-margined-futures/trade/rest-api/Cancel-Order"""
        try:
            market, order = self.named(account, params)
        except BinanceError as error:
            raise BinanceError(codes.CANCEL_REJECTED) if error.code == codes.NO_SUCH_ORDER else error from None
        self._floor.cancel(account.key, order.order_id, now_ms)
        return private_render.ack(market.contract.symbol, order, self._register.of(order))

    # -- many orders -------------------------------------------------------------------------------------------------

    def batch(self, action: Action, account: Account, params: Params, now_ms: int) -> list[msgspec.Struct]:
        """Each item on its own, in the order asked, refusals among the orders."""
        return [self._tried(action, account, item, now_ms) for item in params.batch("batchOrders", PLACES_AT_MOST)]

    def cancel_batch(self, account: Account, params: Params, now_ms: int) -> list[msgspec.Struct]:
        """By orderIdList, else by origClientOrderIdList."""
        symbol = self.market(params).contract.symbol
        name, single = (
            ("orderIdList", "orderId") if params.has("orderIdList") else ("origClientOrderIdList", "origClientOrderId")
        )
        return [
            self._tried(self.cancel, account, Params({"symbol": symbol, single: given}), now_ms)
            for given in params.texts(name, CANCELS_AT_MOST)
        ]

    def cancel_all(self, account: Account, params: Params, now_ms: int) -> Said:
        symbol = self.market(params).contract.symbol
        self._floor.cancel_all(account.key, now_ms, [symbol])
        return Said(200, "The operation of cancel all open order is done.")

    @staticmethod
    def _tried(action: Action, account: Account, params: Params, now_ms: int) -> msgspec.Struct:
        try:
            return action(account, params, now_ms)
        except RefusedError as error:
            refused = codes.refused(error)
        except BinanceError as error:
            refused = error
        return Said(refused.code, refused.words)

    # -- selectors ---------------------------------------------------------------------------------------------------

    def market(self, params: Params) -> Market:
        """The market of `symbol`; raises BinanceError."""
        market = self._floor.markets.get(params.text("symbol"))
        if market is None:
            raise BinanceError(codes.BAD_SYMBOL)
        return market

    def named(self, account: Account, params: Params) -> tuple[Market, Order]:
        """The order meant, live or over, by orderId, else by origClientOrderId; raises BinanceError -2013."""
        market, desk = self.market(params), self._floor.desks[account.key]
        if params.has("orderId"):
            order_id = params.text("orderId")
        elif params.has("origClientOrderId"):
            order_id = desk.by_client_id.get(params.text("origClientOrderId"), "")
        else:
            raise mandatory("orderId")
        symbol, order = desk.orders.get(order_id, ("", None))
        if order is None or symbol != market.contract.symbol:
            raise BinanceError(codes.NO_SUCH_ORDER)
        return market, order

    # -- reading an order --------------------------------------------------------------------------------------------

    def _asked(self, params: Params, now_ms: int) -> Asked:
        market = self.market(params)
        side = SIDES[params.word("side", SIDES, codes.BAD_SIDE)]
        kind = ORDER_TYPES[params.word("type", ORDER_TYPES, codes.BAD_TYPE)]
        if kind is None:
            raise BinanceError(codes.USE_ALGO_ENDPOINT)
        return self.asked(params, market, side, kind, now_ms)

    def asked(self, params: Params, market: Market, side: Side, kind: Kind, now_ms: int) -> Asked:
        """The order as far as plain and conditional ones are read alike; raises BinanceError."""
        if POSITION_SIDES[params.word("positionSide", POSITION_SIDES, default="BOTH")]:
            raise BinanceError(codes.POSITION_SIDE)
        client_id, reduce_only = params.text("newClientOrderId", ""), params.flag("reduceOnly")
        check_client_id(client_id)
        size = size_of(params, market.contract, kind)
        tif = self._tif(params, kind)
        price = self._price(params, market, side) if kind is Kind.LIMIT else Decimal(0)
        check_notional(market.contract, (price or market.mark_price) * size, reduce_only)
        self_match = params.word("selfTradePreventionMode", render.SELF_MATCHES, default="EXPIRE_MAKER")
        terms = Terms(tif, self_match, params.text("priceMatch", "NONE"), self._good_till(params, tif, now_ms))
        ticket = Ticket(
            symbol=market.contract.symbol,
            side=side,
            kind=kind,
            tif=Tif.IOC if kind is Kind.MARKET else render.TIFS[tif],
            price=price,
            size=size,
            client_id=client_id,
            reduce_only=reduce_only,
            self_match=render.SELF_MATCHES[self_match],
        )
        return Asked(ticket, terms)

    @staticmethod
    def _tif(params: Params, kind: Kind) -> str:
        if kind is Kind.MARKET:
            if params.has("timeInForce"):
                raise BinanceError(-1106, "Parameter 'timeInforce' sent when not required.")
            return "GTC"
        return params.word("timeInForce", render.TIFS, codes.BAD_TIF)

    @staticmethod
    def _good_till(params: Params, tif: str, now_ms: int) -> int:
        if tif != "GTD":
            return 0
        return params.integer("goodTillDate", low=now_ms + GOOD_TILL_LEAST_MS, high=253_402_300_799_000) // 1000 * 1000

    @staticmethod
    def _price(params: Params, market: Market, side: Side) -> Decimal:
        """The price given, or the one that `priceMatch` finds in the book."""
        if not params.has("priceMatch") or params.text("priceMatch") == "NONE":
            return price_of(params, market, side)
        if params.has("price"):
            raise invalid("priceMatch")
        opposite, depth = PRICE_MATCHES[params.word("priceMatch", PRICE_MATCHES)]
        found = list(market.engine.depth(side.opposite if opposite else side, depth))
        if len(found) < depth:
            raise invalid("priceMatch")
        return found[-1][0]

    # -- within ------------------------------------------------------------------------------------------------------

    def _refuse_untraced(self, account: Account, ticket: Ticket) -> None:
        engine = self._floor.markets[ticket.symbol].engine
        probe = Order("", account.key, ticket.side, ticket.kind, ticket.tif, ticket.price, ticket.size)
        probe.self_match = ticket.self_match
        if ticket.tif is Tif.POST_ONLY and engine.would_take(probe):
            raise BinanceError(codes.POST_ONLY_REFUSED)
        if ticket.tif is Tif.FOK and engine.fillable(probe) < ticket.size:
            raise BinanceError(codes.FOK_REFUSED)

    def _amend(self, account: Account, order: Order, price: Decimal, size: Decimal, now_ms: int) -> None:
        terms, old_price, old_size = self._register.of(order), order.price, order.size
        terms.amending = True
        try:
            self._floor.amend(account.key, order.order_id, now_ms, price, size)
        finally:
            terms.amending = False
        number = len(terms.amendments) + 1
        terms.amendments.append(Amendment(number, now_ms, (old_price, price), (old_size, size)))


def check_client_id(client_id: str) -> None:
    if len(client_id) > 36:
        raise BinanceError(codes.CLIENT_ID)
    if client_id and not CLIENT_ID.fullmatch(client_id):
        raise BinanceError(codes.ILLEGAL_CHARACTERS)
