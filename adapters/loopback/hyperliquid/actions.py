"""What a customer may do: the venue's own rules, then the floor, then the venue's answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TypeVar

from adapters.loopback.floor import Floor
from adapters.loopback.hyperliquid import answers, refusals, render, wire
from adapters.loopback.hyperliquid.answers import DEFAULT, IsFilled, IsRefused, IsResting, Status
from adapters.loopback.hyperliquid.contracts import UNIVERSE
from adapters.loopback.hyperliquid.deadline import Deadlines
from adapters.loopback.hyperliquid.forms import Forms, resting
from adapters.loopback.hyperliquid.refusals import ActionRefusedError, ItemRefusedError, about
from adapters.loopback.hyperliquid.triggers import Trigger, Triggers
from adapters.loopback.hyperliquid.wallets import Wallets
from adapters.loopback.market import Market
from adapters.loopback.orders import Order, Reason, RefusedError, Side

ItemT = TypeVar("ItemT")


class Actions:
    """Carries out actions that may be done; `now_ms` is the time of their block."""

    def __init__(self, floor: Floor, wallets: Wallets, deadlines: Deadlines, triggers: Triggers) -> None:
        self._floor, self._wallets, self._deadlines, self._triggers = floor, wallets, deadlines, triggers
        self._forms = Forms(floor)

    def carry_out(self, key: str, action: wire.AnyAction, now_ms: int) -> answers.Done:
        """Does what the account asks for; raises ActionRefusedError or ItemRefusedError where nothing of it was done."""
        match action:
            case wire.PlaceOrders():
                return answers.of_items("order", self._place_all(key, action, now_ms))
            case wire.Cancel():
                done = self._each(action.cancels, lambda c: self._cancel(key, c.a, c.o, now_ms))
                return answers.of_items("cancel", done)
            case wire.CancelByCloid():
                done = self._each(action.cancels, lambda c: self._cancel(key, c.asset, c.cloid, now_ms))
                return answers.of_items("cancel", done)
            case wire.BatchModify():
                done = self._each(action.modifies, lambda m: self._modify(key, m.oid, m.order, bool(action.a), now_ms))
                return answers.of_items("order", done)
            case wire.Modify():
                self._modify(key, action.oid, action.order, bool(action.a), now_ms)
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
        if action.grouping == "na":
            return self._each(action.orders, lambda order: self._place(key, order, now_ms))
        attached = action.orders if action.grouping == "positionTpsl" else action.orders[1:]
        if any(order.t.trigger is None or not order.r for order in attached):
            raise ActionRefusedError("TP/SL orders must be reduce only.")
        if action.grouping == "positionTpsl":
            return self._attach(key, attached, "", now_ms)
        parents = self._each(action.orders[:1], lambda order: self._place(key, order, now_ms))
        match parents[0]:
            case IsRefused(error):
                return parents + [IsRefused(error) for _ in attached]
            case IsResting(resting):
                return parents + self._attach(key, attached, str(resting.oid), now_ms)
            case IsFilled(filled):
                return parents + self._attach(key, attached, str(filled.oid), now_ms)
        raise AssertionError(f"a parent is not {parents[0]}")

    def _attach(self, key: str, orders: Iterable[wire.OrderWire], parent: str, now_ms: int) -> list[Status]:
        """Lets orders wait that close what their parent opens, or the position; the first triggered ends the others."""
        group: list[Trigger] = []

        def attach(asked: wire.OrderWire) -> Status:
            trigger = self._wait(key, asked, "", now_ms, whole=not parent)
            trigger.parent, trigger.of_position = parent, not parent
            group.append(trigger)
            trigger.group = group[0].order.order_id
            is_filled = bool(parent) and self._floor.desks[key].orders[parent][1].leaves == 0
            return "waitingForFill" if parent and not is_filled else "waitingForTrigger"

        return self._each(orders, attach)

    # -- one item ----------------------------------------------------------------------------------------------------

    def _place(self, key: str, asked: wire.OrderWire, now_ms: int, cloid: str = "") -> Status:
        """Enters an order and says what became of it; raises ItemRefusedError."""
        if asked.t.trigger is not None:
            order = self._wait(key, asked, cloid, now_ms).order
            return IsResting(answers.Resting(int(order.order_id), order.client_id or None))
        ticket = self._forms.ticket(asked, asked.c or cloid)
        market = self._floor.markets[ticket.symbol]
        self._floor.desks[key].by_client_id.pop(ticket.client_id, None)
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

    def _wait(self, key: str, asked: wire.OrderWire, cloid: str, now_ms: int, whole: bool = False) -> Trigger:
        """Lets an order wait for the mark; raises ItemRefusedError."""
        trigger = asked.t.trigger
        assert trigger is not None
        ticket = self._forms.ticket(asked, asked.c or cloid, whole)
        price = self._forms.trigger_price(asked, trigger)
        return self._triggers.add(key, ticket, price, trigger.tpsl, trigger.isMarket, asked.a, now_ms)

    def _cancel(self, key: str, asset: int, name: int | str, now_ms: int) -> Status:
        self._end(key, self._find(key, asset, name, about(refusals.GONE, asset)), now_ms)
        return answers.SUCCESS

    def _modify(self, key: str, name: int | str, asked: wire.OrderWire, always: bool, now_ms: int) -> Status:
        """Cancels an order and enters another under the same cloid; raises ItemRefusedError.

        Where the new one is refused for its form the old one stays; where it is for margin or the book, that one is gone too.
        The new one only rests, as a post-only one, unless it is `always` placed: even where the old one is gone already.
        """
        try:
            old = self._find(key, asked.a, name, ItemRefusedError(refusals.NOT_TO_MODIFY))
        except ItemRefusedError:
            if not always:
                raise
            return self._place(key, asked, now_ms)
        asked = asked if always else resting(asked)
        self._forms.ticket(asked, asked.c or old.client_id)
        self._end(key, old, now_ms)
        try:
            return self._place(key, asked, now_ms, old.client_id)
        except ItemRefusedError as refused:
            raise ItemRefusedError(f"{refusals.MODIFYING}{refused.words}") from refused

    def _lever(self, key: str, action: wire.UpdateLeverage, now_ms: int) -> None:
        market = self._forms.market(action.asset)
        if not 1 <= action.leverage <= market.contract.max_leverage:
            raise ActionRefusedError("Invalid leverage value")
        if not action.isCross:
            raise ActionRefusedError("Isolated margin is not served by this venue.")
        position = self._floor.desks[key].book.position(market.contract.symbol)
        position.leverage, position.updated_ms = Decimal(action.leverage), now_ms

    # -- which order -------------------------------------------------------------------------------------------------

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

    def _end(self, key: str, order: Order, now_ms: int) -> None:
        if self._triggers.waits(order.order_id):
            self._triggers.cancel(order.order_id, now_ms)
        else:
            self._floor.cancel(key, order.order_id, now_ms)


def _best(market: Market, side: Side) -> str:
    top = market.engine.best(side)
    return render.number(top[0]) if top else ""
