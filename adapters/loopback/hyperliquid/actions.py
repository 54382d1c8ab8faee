"""What a customer may do: orders with the venue's own rules, then the floor, then the venue's answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TypeVar

from adapters.loopback.floor import Floor, Ticket
from adapters.loopback.hyperliquid import answers, refusals, render, wire
from adapters.loopback.hyperliquid.answers import DEFAULT, IsFilled, IsRefused, IsResting, Status
from adapters.loopback.hyperliquid.contracts import UNIVERSE, price_fits, size_fits
from adapters.loopback.hyperliquid.deadline import Deadlines
from adapters.loopback.hyperliquid.refusals import ActionRefusedError, ItemRefusedError, about
from adapters.loopback.hyperliquid.wallets import Wallets
from adapters.loopback.market import Market
from adapters.loopback.orders import Kind, Order, Reason, RefusedError, SelfMatch, Side, Tif

TIFS = {"Gtc": Tif.GTC, "Ioc": Tif.IOC, "FrontendMarket": Tif.IOC, "Alo": Tif.POST_ONLY}
ItemT = TypeVar("ItemT")


class Actions:
    """Carries out actions that may be done; `now_ms` is the time of their block."""

    def __init__(self, floor: Floor, wallets: Wallets, deadlines: Deadlines) -> None:
        self._floor, self._wallets, self._deadlines = floor, wallets, deadlines

    def carry_out(self, key: str, action: wire.AnyAction, now_ms: int) -> answers.Done:
        """Does what the account asks for; raises ActionRefusedError where nothing of it was done."""
        match action:
            case wire.PlaceOrders():
                return answers.of_items("order", self._place_all(key, action, now_ms))
            case wire.Cancel():
                return answers.of_items(
                    "cancel", self._each(action.cancels, lambda c: self._cancel(key, c.a, c.o, now_ms))
                )
            case wire.CancelByCloid():
                each = self._each(action.cancels, lambda c: self._cancel(key, c.asset, c.cloid, now_ms))
                return answers.of_items("cancel", each)
            case wire.BatchModify():
                each = self._each(action.modifies, lambda m: self._modify(key, m.oid, m.order, now_ms))
                return answers.of_items("order", each)
            case wire.Modify():
                self._modify_one(key, action, now_ms)
            case wire.UpdateLeverage():
                self._lever(key, action, now_ms)
            case wire.ScheduleCancel():
                self._deadlines.set(key, action.time, now_ms)
            case wire.ApproveAgent():
                self._wallets.approve(key, action, now_ms)
            case wire.ApproveBuilderFee():
                raise ActionRefusedError("Builder has insufficient balance to be approved.")
            case wire.Noop():
                pass
        return DEFAULT

    # -- many items --------------------------------------------------------------------------------------------------

    @staticmethod
    def _each(items: Iterable[ItemT], act: Callable[[ItemT], Status]) -> list[Status]:
        """What became of each item; one that is refused does not hold up the others."""
        statuses: list[Status] = []
        for item in items:
            try:
                statuses.append(act(item))
            except ItemRefusedError as refused:
                statuses.append(IsRefused(refused.words))
        if not statuses:
            raise ActionRefusedError("Empty batch.")
        return statuses

    def _place_all(self, key: str, action: wire.PlaceOrders, now_ms: int) -> list[Status]:
        if action.builder is not None:
            raise ActionRefusedError("Builder fee has not been approved.")
        return self._each(action.orders, lambda order: self._place(key, order, now_ms))

    # -- one item ----------------------------------------------------------------------------------------------------

    def _place(self, key: str, asked: wire.OrderWire, now_ms: int, cloid: str = "") -> Status:
        """Enters an order and says what became of it; raises ItemRefusedError."""
        market, ticket = self._ticket(asked, asked.c or cloid)
        desk = self._floor.desks[key]
        desk.by_client_id.pop(ticket.client_id, None)
        bbo = f"{_best(market, Side.BUY)}@{_best(market, Side.SELL)}"
        try:
            order = self._floor.place(key, ticket, now_ms)
        except RefusedError as error:
            raise refusals.refused(error, asked.a) from error
        if order.reason is Reason.WOULD_TAKE:
            raise about(f"Post only order would have immediately matched, bbo was {bbo}.", asked.a)
        if order.filled:
            filled = render.text(order.filled), render.text(order.average)
            return IsFilled(answers.Filled(*filled, int(order.order_id), order.client_id or None))
        if order.reason is Reason.NO_LIQUIDITY:
            raise about(refusals.NO_MATCH, asked.a)
        return IsResting(answers.Resting(int(order.order_id), order.client_id or None))

    def _cancel(self, key: str, asset: int, name: int | str, now_ms: int) -> Status:
        order = self._find(key, asset, name, about(refusals.GONE, asset))
        self._floor.cancel(key, order.order_id, now_ms)
        return answers.SUCCESS

    def _modify(self, key: str, name: int | str, asked: wire.OrderWire, now_ms: int) -> Status:
        """Cancels an order and enters another under the same cloid; raises ItemRefusedError.

        Where the new one is refused for its form the old one stays; where it is for margin or the book, that one is gone too.
        """
        old = self._find(key, asked.a, name, ItemRefusedError(refusals.NOT_TO_MODIFY))
        self._ticket(asked, asked.c or old.client_id)
        self._floor.cancel(key, old.order_id, now_ms)
        return self._place(key, asked, now_ms, old.client_id)

    def _modify_one(self, key: str, action: wire.Modify, now_ms: int) -> None:
        try:
            self._modify(key, action.oid, action.order, now_ms)
        except ItemRefusedError as refused:
            raise ActionRefusedError(refused.words) from refused

    def _lever(self, key: str, action: wire.UpdateLeverage, now_ms: int) -> None:
        market = self._market(action.asset)
        if not 1 <= action.leverage <= market.contract.max_leverage:
            raise ActionRefusedError("Invalid leverage value")
        if not action.isCross:
            raise ActionRefusedError("Isolated margin is not served by this venue.")
        position = self._floor.desks[key].book.position(market.contract.symbol)
        position.leverage, position.updated_ms = Decimal(action.leverage), now_ms

    # -- reading an order --------------------------------------------------------------------------------------------

    def _ticket(self, asked: wire.OrderWire, cloid: str) -> tuple[Market, Ticket]:
        """The order as the floor wants it; raises ItemRefusedError where its form will not do."""
        if asked.t.limit is None:
            raise about("Trigger orders are not served by this venue.", asked.a)
        market = self._market(asked.a)
        price, size = Decimal(asked.p), Decimal(asked.s)
        self._check_price(market, price, asked.a)
        if size <= 0:
            raise about(refusals.ZERO_SIZE, asked.a)
        if not size_fits(size, UNIVERSE[asked.a].size_decimals) or size > market.contract.max_size:
            raise about(refusals.INVALID_SIZE, asked.a)
        if not asked.r and price * size < market.contract.min_notional:
            raise about(refusals.TOO_SMALL, asked.a)
        side, tif = Side.BUY if asked.b else Side.SELL, TIFS[asked.t.limit.tif]
        return market, Ticket(
            market.contract.symbol, side, Kind.LIMIT, tif, price, size, cloid, asked.r, SelfMatch.CANCEL_MAKER
        )

    @staticmethod
    def _check_price(market: Market, price: Decimal, asset: int) -> None:
        if price <= 0 or price > market.contract.max_price or not price_fits(price, UNIVERSE[asset].size_decimals):
            raise about(refusals.TICK, asset)
        mark = market.mark_price
        if abs(price - mark) > mark * market.contract.price_limit_ratio:
            raise about(refusals.TOO_FAR, asset)

    def _market(self, asset: int) -> Market:
        """The market that an asset's number means; raises ItemRefusedError."""
        name = UNIVERSE[asset].name if 0 <= asset < len(UNIVERSE) else ""
        market = self._floor.markets.get(name)
        if market is None:
            raise about(refusals.NOT_LISTED, asset)
        return market

    def _find(self, key: str, asset: int, name: int | str, refused: ItemRefusedError) -> Order:
        """The account's resting order by oid or cloid; raises `refused` where there is none of that asset."""
        desk = self._floor.desks[key]
        order_id = str(name) if isinstance(name, int) else desk.by_client_id.get(name.lower(), "")
        try:
            symbol, order = self._floor.find(key, order_id)
        except RefusedError:
            raise refused from None
        if not 0 <= asset < len(UNIVERSE) or UNIVERSE[asset].name != symbol:
            raise refused
        return order


def _best(market: Market, side: Side) -> str:
    top = market.engine.best(side)
    return render.number(top[0]) if top else ""
