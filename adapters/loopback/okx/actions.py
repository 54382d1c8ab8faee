"""The order calls, one meaning for REST and the sockets: checks of parameters, then the floor, then OKX's answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal

from adapters.loopback.floor import Change, Floor, Ticket
from adapters.loopback.ledger import Account
from adapters.loopback.market import Market
from adapters.loopback.okx import codes
from adapters.loopback.okx.codes import OkxError, refused, wrong
from adapters.loopback.okx.limits import Limiter
from adapters.loopback.okx.listings import Instrument
from adapters.loopback.okx.order_render import SELF_MATCHES
from adapters.loopback.okx.order_rows import Ack, AmendAck
from adapters.loopback.okx.params import Params
from adapters.loopback.okx.register import FAILED, FAILED_AND_ENDED, Amendment, Register, Stage, Terms
from adapters.loopback.okx.render import plain
from adapters.loopback.orders import ZERO, Kind, Order, RefusedError, Side, Tif

CLIENT_ID = re.compile(r"[A-Za-z0-9]{1,32}")
TAG = re.compile(r"[A-Za-z0-9]{1,16}")
SIDES = {side.value: side for side in Side}
ORDER_TYPES: Mapping[str, tuple[Kind, Tif]] = {
    "limit": (Kind.LIMIT, Tif.GTC),
    "post_only": (Kind.LIMIT, Tif.POST_ONLY),
    "ioc": (Kind.LIMIT, Tif.IOC),
    "fok": (Kind.LIMIT, Tif.FOK),
    "market": (Kind.MARKET, Tif.IOC),
    "optimal_limit_ioc": (Kind.MARKET, Tif.IOC),
}
NOT_SERVED = ("attachAlgoOrds", "pxUsd", "pxVol", "tgtCcy", "newTpTriggerPx", "newSlTriggerPx")

AnyAck = Ack | AmendAck
Find = Callable[[Params], Instrument]
Action = Callable[[Account, Params, Instrument, int], AnyAck]


class Actions:
    """What a customer may do with orders; `now_ms` is an argument."""

    def __init__(
        self, floor: Floor, instruments: Mapping[str, Instrument], register: Register, limiter: Limiter
    ) -> None:
        self._floor, self._instruments, self._register, self._limiter = floor, instruments, register, limiter
        self._by_code = {instrument.code: instrument for instrument in instruments.values()}
        self.tell: Callable[[Change, list[Stage]], None] = lambda change, stages: None
        """Told of a stage that no change of the floor brought about."""

    # -- one order ---------------------------------------------------------------------------------------------------

    def place(self, account: Account, params: Params, instrument: Instrument, now_ms: int) -> Ack:
        """https://www.okx.com/docs-v5/en/#order-book-trading-trade-post-place-order"""
        ticket, terms = self._ticket(params, instrument)
        self._count(account, now_ms)
        named = self._floor.desks[account.key].by_client_id
        before = named.get(ticket.client_id, "")
        self._floor.desks[account.key].release(ticket.client_id)
        self._register.pending = terms
        try:
            order = self._floor.place(account.key, ticket, now_ms)
        except RefusedError as error:
            if before:
                named[ticket.client_id] = before
            raise refused(error, codes.PLACING) from error
        return Ack(order.order_id, order.client_id, str(now_ms), tag=terms.tag)

    def amend(self, account: Account, params: Params, instrument: Instrument, now_ms: int) -> AmendAck:
        """The answer means that the wish was taken; what became of it is told by `orders`.

        https://www.okx.com/docs-v5/en/#order-book-trading-trade-post-amend-order
        """
        request_id = params.text("reqId", "")
        if request_id and not CLIENT_ID.fullmatch(request_id):
            raise wrong("reqId")
        _refuse_unserved(params)
        if not params.has("newSz") and not params.has("newPx"):
            raise OkxError(codes.NOTHING_TO_AMEND)
        order = self.named(account, params, instrument, codes.AMEND_GONE)
        size = self._size(params, "newSz", instrument, order.kind) if params.has("newSz") else None
        price = self._price(params, "newPx", instrument, order.side) if params.has("newPx") else None
        self._count(account, now_ms)
        if order.status.is_final:
            raise OkxError(codes.AMEND_GONE)
        self._amend(account, order, price, size, self._asked(params, order, price, size, request_id), now_ms)
        return AmendAck(order.order_id, order.client_id, str(now_ms), request_id)

    def cancel(self, account: Account, params: Params, instrument: Instrument, now_ms: int) -> Ack:
        """https://www.okx.com/docs-v5/en/#order-book-trading-trade-post-cancel-order"""
        order = self.named(account, params, instrument, codes.CANCEL_GONE)
        try:
            self._floor.cancel(account.key, order.order_id, now_ms)
        except RefusedError as error:
            raise refused(error, codes.CANCELLING) from error
        return Ack(order.order_id, order.client_id, str(now_ms))

    # -- selectors ---------------------------------------------------------------------------------------------------

    def by_id(self, params: Params) -> Instrument:
        """The instrument of `instId`; raises OkxError."""
        instrument = self._instruments.get(params.text("instId"))
        if instrument is None:
            raise OkxError(codes.NO_INSTRUMENT)
        return instrument

    def by_code(self, params: Params) -> Instrument:
        """The instrument of `instIdCode`, by which the sockets name it; raises OkxError."""
        instrument = self._by_code.get(params.code("instIdCode"))
        if instrument is None:
            raise OkxError(codes.NO_INSTRUMENT)
        return instrument

    def named(self, account: Account, params: Params, instrument: Instrument, gone: str) -> Order:
        """The order of ordId, else of clOrdId, live or over; raises OkxError with the code `gone` where there is none."""
        desk = self._floor.desks[account.key]
        if params.has("ordId"):
            order_id = params.text("ordId")
        elif params.has("clOrdId"):
            order_id = desk.by_client_id.get(params.text("clOrdId"), "")
        else:
            raise OkxError(codes.NO_ORDER_NAMED)
        symbol, order = desk.orders.get(order_id, ("", None))
        if order is None or symbol != instrument.inst_id:
            raise OkxError(gone)
        return order

    # -- reading an order --------------------------------------------------------------------------------------------

    def _ticket(self, params: Params, instrument: Instrument) -> tuple[Ticket, Terms]:
        if not instrument.is_swap:
            raise OkxError(codes.FEATURE_UNAVAILABLE)
        params.word("tdMode", ("cross",))
        side = SIDES[params.word("side", SIDES)]
        ord_type = params.word("ordType", ORDER_TYPES)
        kind, tif = ORDER_TYPES[ord_type]
        params.word("posSide", ("net",), "net")
        _refuse_unserved(params)
        client_id, tag = params.text("clOrdId", ""), params.text("tag", "")
        if client_id and not CLIENT_ID.fullmatch(client_id):
            raise wrong("clOrdId")
        if tag and not TAG.fullmatch(tag):
            raise wrong("tag")
        self_match = params.word("stpMode", SELF_MATCHES, "cancel_maker")
        if self_match == "cancel_both" and ord_type == "fok":
            raise wrong("stpMode")
        size = self._size(params, "sz", instrument, kind)
        price = self._price(params, "px", instrument, side) if kind is Kind.LIMIT else ZERO
        ticket = Ticket(
            symbol=instrument.inst_id,
            side=side,
            kind=kind,
            tif=tif,
            price=price,
            size=size,
            client_id=client_id,
            reduce_only=params.flag("reduceOnly"),
            self_match=SELF_MATCHES[self_match],
        )
        return ticket, Terms(ord_type, tag, size)

    def _price(self, params: Params, name: str, instrument: Instrument, side: Side) -> Decimal:
        """The price given, brought to the limit where `pxAmendType` says so; raises OkxError."""
        contract, price = instrument.contract, params.decimal(name)
        if price > contract.max_price or price % contract.tick:
            raise wrong(name)
        highest, lowest = self.market(instrument).price_band()
        brought = params.word("pxAmendType", ("0", "1"), "0") == "1"
        if side is Side.BUY and price > highest:
            if not brought:
                words = f"The highest price limit for buy orders is {highest}."
                raise OkxError(codes.PRICE_TOO_HIGH, words)
            return highest
        if side is Side.SELL and price < lowest:
            if not brought:
                raise OkxError(codes.PRICE_TOO_LOW, f"The lowest price limit for sell orders is {lowest}.")
            return lowest
        return price // contract.tick * contract.tick

    @staticmethod
    def _size(params: Params, name: str, instrument: Instrument, kind: Kind) -> Decimal:
        """The size in base coin of one given in contracts; raises OkxError."""
        contract, size = instrument.contract, instrument.base(params.decimal(name))
        if size < contract.lot:
            raise OkxError(codes.SIZE_TOO_SMALL)
        if kind is Kind.MARKET and size > contract.max_market_size:
            raise OkxError(codes.MARKET_TOO_LARGE)
        if size > contract.max_size:
            most = plain(instrument.contracts(contract.max_size))
            words = f"Order failed, the sz of the current order can't be more than {most} (contracts)."
            raise OkxError(codes.SIZE_TOO_LARGE, words)
        if size % contract.lot:
            raise OkxError(codes.LOT)
        return size // contract.lot * contract.lot

    def market(self, instrument: Instrument) -> Market:
        return self._floor.markets[instrument.inst_id]

    # -- within ------------------------------------------------------------------------------------------------------

    def _count(self, account: Account, now_ms: int) -> None:
        if not self._limiter.account_order(account.key, now_ms):
            raise OkxError(codes.ACCOUNT_TOO_FREQUENT)

    def _amend(
        self, account: Account, order: Order, price: Decimal | None, size: Decimal | None, asked: Amendment, now_ms: int
    ) -> None:
        """Carries out an amendment, or has it fail after it was taken: then it changes nothing, or ends the order."""
        if asked.result == FAILED or self._is_as_asked(order, price, size):
            entry = self._register.of(order)
            self.tell(Change(self._floor.markets[entry.symbol], [order]), [Stage(entry, amendment=asked)])
            return
        self._register.amendments[order.order_id] = asked
        try:
            if asked.result == FAILED_AND_ENDED:
                self._floor.cancel(account.key, order.order_id, now_ms)
            elif size is not None and size <= order.filled:
                self._floor.complete(account.key, order.order_id, now_ms)
            else:
                self._floor.amend(account.key, order.order_id, now_ms, price, size)
        except RefusedError as error:
            raise refused(error, codes.AMENDING) from error
        finally:
            self._register.amendments.pop(order.order_id, None)

    @staticmethod
    def _is_as_asked(order: Order, price: Decimal | None, size: Decimal | None) -> bool:
        return (order.price, order.size) == (price or order.price, size or order.size)

    def _asked(
        self, params: Params, order: Order, price: Decimal | None, size: Decimal | None, request_id: str
    ) -> Amendment:
        """The amendment with its end: the matching engine refuses a post-only order at a price at which it would take."""
        probe = Order("", order.account, order.side, order.kind, order.tif, price or order.price, size or order.size)
        engine = self._floor.markets[self._register.of(order).symbol].engine
        if order.tif is not Tif.POST_ONLY or not engine.would_take(probe):
            return Amendment(request_id, size)
        failure = OkxError(codes.AMEND_BREAKS_POST_ONLY)
        result = FAILED_AND_ENDED if params.flag("cxlOnFail") else FAILED
        return Amendment(request_id, size, result=result, code=failure.code, words=failure.words)


def _refuse_unserved(params: Params) -> None:
    for name in NOT_SERVED:
        if params.has(name):
            raise wrong(name)


def failed(error: OkxError, params: Params, now_ms: int, amends: bool) -> AnyAck:
    """The item of an answer for a command that was refused."""
    order_id, client_id = params.said("ordId"), params.said("clOrdId")
    if amends:
        return AmendAck(order_id, client_id, str(now_ms), params.said("reqId"), error.code, error.words)
    return Ack(order_id, client_id, str(now_ms), error.code, error.words, params.said("tag"))
