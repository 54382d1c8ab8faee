"""Conditional orders, which live apart from the book until their price is met; then a real order is put in for them.

https://developers.binance.com/docs/derivatives/usds-margined-futures/trade/rest-api/New-Algo-Order
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from adapters.loopback.binance import codes, user_events
from adapters.loopback.binance.actions import SIDES, Actions, Asked, check_client_id
from adapters.loopback.binance.codes import BinanceError, mandatory
from adapters.loopback.binance.filters import price_of
from adapters.loopback.binance.params import Params
from adapters.loopback.binance.private_rows import AlgoAck, AlgoOrder
from adapters.loopback.binance.render import KINDS, MAX_ALGO_ORDERS, exact
from adapters.loopback.binance.render import SIDES as SIDE_WORDS
from adapters.loopback.binance.rows import Said
from adapters.loopback.floor import Change, Floor
from adapters.loopback.ledger import Account
from adapters.loopback.market import Market
from adapters.loopback.orders import Kind, Order, RefusedError, Side

FIRST = 2_148_719
TYPES: dict[str, tuple[Kind, bool]] = {
    "STOP": (Kind.LIMIT, True),
    "STOP_MARKET": (Kind.MARKET, True),
    "TAKE_PROFIT": (Kind.LIMIT, False),
    "TAKE_PROFIT_MARKET": (Kind.MARKET, False),
}
"""What is put in when the price is met, and whether that price lies in the direction of the order."""
WORKING_TYPES = {"CONTRACT_PRICE": False, "MARK_PRICE": True}
CARRIED = (
    *("symbol", "quantity", "price", "timeInForce", "reduceOnly", "positionSide", "goodTillDate"),
    *("selfTradePreventionMode", "priceMatch"),
)
"""What a conditional order says of the order that will be put in for it."""


@dataclass(slots=True)
class Conditional:
    """One conditional order from entry to end."""

    number: int
    client_id: str
    account: Account
    symbol: str
    type: str
    trigger: Decimal
    working_type: str
    closes: bool
    asked: Asked
    created_ms: int
    status: str = "NEW"
    updated_ms: int = 0
    triggered_ms: int = 0
    order_id: str = ""
    words: str = ""

    def is_met(self, market: Market) -> bool:
        price = market.mark_price if WORKING_TYPES[self.working_type] else market.last_price
        rises = TYPES[self.type][1] is (self.asked.ticket.side is Side.BUY)
        return price >= self.trigger if rises else price <= self.trigger


class Algos:
    """The conditional orders of all accounts."""

    def __init__(
        self,
        floor: Floor,
        actions: Actions,
        push: Callable[[str, user_events.AlgoUpdate], None],
        clock: Callable[[], int],
    ) -> None:
        self._floor, self._actions = floor, actions
        self._push, self._clock = push, clock
        self._all: dict[int, Conditional] = {}
        self._working: dict[str, Conditional] = {}
        """Those whose real order is in the book, by its id."""

    # -- commands ----------------------------------------------------------------------------------------------------

    def place(self, account: Account, params: Params, now_ms: int) -> AlgoOrder:
        if params.text("algoType") != "CONDITIONAL":
            raise codes.invalid("algoType")
        market = self._actions.market(params)
        word = params.word("type", TYPES, codes.BAD_TYPE)
        side = SIDES[params.word("side", SIDES, codes.BAD_SIDE)]
        client_id, resting = params.text("clientAlgoId", ""), self._resting(account.key)
        check_client_id(client_id)
        if client_id and any(order.client_id == client_id for order in resting):
            raise BinanceError(codes.DUPLICATE_CLIENT_ID)
        if len(resting) >= MAX_ALGO_ORDERS:
            raise BinanceError(codes.MAX_OPEN_ORDERS)
        closes = params.flag("closePosition")
        number = FIRST + len(self._all)
        conditional = Conditional(
            number,
            client_id or f"algo_{number}",
            account,
            market.contract.symbol,
            word,
            price_of(Params({"price": params.text("triggerPrice")}), market, side, in_band=False),
            params.word("workingType", WORKING_TYPES, default="CONTRACT_PRICE"),
            closes,
            self._asked(params, market, side, word, closes, now_ms),
            now_ms,
            updated_ms=now_ms,
        )
        if conditional.is_met(market):
            raise BinanceError(codes.WOULD_TRIGGER)
        self._all[number] = conditional
        self._tell(conditional)
        return _row(conditional)

    def _asked(self, params: Params, market: Market, side: Side, word: str, closes: bool, now_ms: int) -> Asked:
        """The order that will be put in; one that closes the position takes its size from it then."""
        if closes and (params.has("quantity") or params.flag("reduceOnly")):
            raise codes.invalid("closePosition")
        fields = {name: params.text(name) for name in CARRIED if params.has(name)}
        if TYPES[word][0] is Kind.MARKET:
            fields.pop("timeInForce", None)
        else:
            fields.setdefault("timeInForce", "GTC")
        if closes:
            fields |= {"quantity": str(market.contract.max_market_size), "reduceOnly": "true"}
        asked = self._actions.asked(Params(fields), market, side, TYPES[word][0], now_ms)
        asked.terms.asked_type = word
        return asked

    def cancel(self, account: Account, params: Params, now_ms: int) -> AlgoAck:
        conditional = self._named(account, params, codes.CANCEL_REJECTED)
        if conditional.status != "NEW":
            raise BinanceError(codes.CANCEL_REJECTED)
        self._move(conditional, "CANCELED", now_ms)
        return AlgoAck(conditional.number, conditional.client_id, "200", "success")

    def cancel_all(self, account: Account, params: Params, now_ms: int) -> Said:
        symbol = self._actions.market(params).contract.symbol
        for conditional in self._resting(account.key):
            if conditional.symbol == symbol:
                self._move(conditional, "CANCELED", now_ms)
        return Said(200, "The operation of cancel all open order is done.")

    # -- questions ---------------------------------------------------------------------------------------------------

    def one(self, account: Account, params: Params, _: int) -> AlgoOrder:
        return _row(self._named(account, params, codes.NO_SUCH_ORDER))

    def open(self, account: Account, params: Params, _: int) -> Sequence[msgspec.Struct]:
        symbol = params.text("symbol", "")
        return [_row(each) for each in self._resting(account.key) if symbol in ("", each.symbol)]

    def all(self, account: Account, params: Params, _: int) -> Sequence[msgspec.Struct]:
        """Oldest first."""
        symbol, limit = self._actions.market(params).contract.symbol, params.integer("limit", 500, 1, 1000)
        mine = [each for each in self._all.values() if each.account.key == account.key and each.symbol == symbol]
        return [_row(each) for each in mine[-limit:]]

    # -- what happens ------------------------------------------------------------------------------------------------

    def tick(self, now_ms: int) -> None:
        """Puts in the orders whose price is met."""
        for conditional in list(self._all.values()):
            if conditional.status == "NEW" and conditional.is_met(self._floor.markets[conditional.symbol]):
                self._trigger(conditional, now_ms)

    def heard(self, change: Change) -> None:
        """Finishes those whose real order is over."""
        for order in change.orders:
            if order.status.is_final and order.order_id in self._working:
                self._move(self._working.pop(order.order_id), "FINISHED", change.market.engine.last_ms)

    def _trigger(self, conditional: Conditional, now_ms: int) -> None:
        conditional.triggered_ms = now_ms
        try:
            order = self._actions.enter(conditional.account, conditional.asked, now_ms)
        except RefusedError as error:
            conditional.words = codes.refused(error).words
            self._move(conditional, "REJECTED", now_ms)
            return
        except BinanceError as error:
            conditional.words = error.words
            self._move(conditional, "REJECTED", now_ms)
            return
        conditional.order_id = order.order_id
        self._move(conditional, "TRIGGERED", now_ms)
        if order.status.is_final:
            self._move(conditional, "FINISHED", now_ms)
        else:
            self._working[order.order_id] = conditional

    def _move(self, conditional: Conditional, status: str, now_ms: int) -> None:
        conditional.status, conditional.updated_ms = status, now_ms
        self._tell(conditional)

    # -- within ------------------------------------------------------------------------------------------------------

    def _resting(self, key: str) -> list[Conditional]:
        return [each for each in self._all.values() if each.account.key == key and each.status == "NEW"]

    def _named(self, account: Account, params: Params, code: int) -> Conditional:
        if params.has("algoId"):
            found = self._all.get(params.integer("algoId"))
        elif params.has("clientAlgoId"):
            mine = [c for c in self._all.values() if c.client_id == params.text("clientAlgoId")]
            found = mine[-1] if mine else None
        else:
            raise mandatory("algoId")
        if found is None or found.account.key != account.key:
            raise BinanceError(code)
        return found

    def _tell(self, conditional: Conditional) -> None:
        now_ms, ticket, terms = self._clock(), conditional.asked.ticket, conditional.asked.terms
        order = self._order(conditional)
        fields = user_events.AlgoFields(
            caid=conditional.client_id, aid=conditional.number, at="CONDITIONAL", o=conditional.type,
            s=conditional.symbol, S=SIDE_WORDS[ticket.side], ps="BOTH", f=terms.tif, q=_quantity(conditional),
            X=conditional.status, ai=conditional.order_id, ap=exact(order.average) if order else "0",
            aq=exact(order.filled) if order else "0", act=KINDS[ticket.kind], tp=exact(conditional.trigger),
            p=exact(ticket.price), V=terms.self_match, wt=conditional.working_type, pm=terms.price_match,
            cp=conditional.closes, pP=False, R=ticket.reduce_only, tt=conditional.triggered_ms,
            gtd=terms.good_till_ms, rm=conditional.words,
        )  # fmt: skip
        event = user_events.AlgoUpdate("ALGO_UPDATE", conditional.updated_ms, now_ms, fields)
        self._push(conditional.account.key, event)

    def _order(self, conditional: Conditional) -> Order | None:
        found = self._floor.desks[conditional.account.key].orders.get(conditional.order_id)
        return found[1] if found else None


def _quantity(conditional: Conditional) -> str:
    return "0" if conditional.closes else exact(conditional.asked.ticket.size)


def _row(conditional: Conditional) -> AlgoOrder:
    ticket, terms = conditional.asked.ticket, conditional.asked.terms
    return AlgoOrder(
        algo_id=conditional.number,
        client_algo_id=conditional.client_id,
        algo_type="CONDITIONAL",
        order_type=conditional.type,
        symbol=conditional.symbol,
        side=SIDE_WORDS[ticket.side],
        position_side="BOTH",
        time_in_force=terms.tif,
        quantity=_quantity(conditional),
        algo_status=conditional.status,
        actual_order_id=conditional.order_id,
        trigger_price=exact(conditional.trigger),
        price=exact(ticket.price),
        self_trade_prevention_mode=terms.self_match,
        working_type=conditional.working_type,
        price_match=terms.price_match,
        close_position=conditional.closes,
        price_protect=False,
        reduce_only=ticket.reduce_only,
        create_time=conditional.created_ms,
        update_time=conditional.updated_ms,
        trigger_time=conditional.triggered_ms,
        good_till_date=terms.good_till_ms,
    )
