"""Orders, fills and funding of an account as Hyperliquid shows them."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.loopback.desk import Desk
from adapters.loopback.hyperliquid import rows
from adapters.loopback.hyperliquid.register import Filled
from adapters.loopback.hyperliquid.render import SIDES, number, text, transaction
from adapters.loopback.hyperliquid.triggers import Trigger
from adapters.loopback.orders import Order, Reason, Status, Tif

TIFS = {Tif.GTC: "Gtc", Tif.IOC: "Ioc", Tif.POST_ONLY: "Alo"}
ENDS = {
    Reason.BY_USER: "canceled",
    Reason.WOULD_TAKE: "badAloPxRejected",
    Reason.NO_LIQUIDITY: "iocCancelRejected",
    Reason.SELF_MATCH: "selfTradeCanceled",
    Reason.REDUCE_ONLY: "reduceOnlyCanceled",
    Reason.DISCONNECTED: "scheduledCancel",
}
NO_TRANSACTION = "0x" + "0" * 64


Waiting = Mapping[str, Trigger]
"""The trigger orders by oid, also those that no longer wait."""


def status(order: Order, triggers: Waiting) -> str:
    """The venue's word for what became of an order."""
    trigger = triggers.get(order.order_id)
    if trigger is not None and trigger.end:
        return trigger.end
    if order.status is Status.FILLED:
        return "filled"
    if order.status is not Status.CANCELLED:
        return "open"
    if order.reason is Reason.NO_LIQUIDITY and order.filled:
        return "canceled"
    return ENDS[order.reason]


def live(desk: Desk) -> list[tuple[str, Order]]:
    """The resting orders, newest first."""
    return desk.living()[::-1]


def _left(order: Order) -> str:
    """What has not traded, also of an order that is over."""
    return text(order.size - order.filled)


def open_order(symbol: str, order: Order) -> rows.OpenOrder:
    return rows.OpenOrder(
        symbol,
        SIDES[order.side],
        text(order.price),
        _left(order),
        int(order.order_id),
        order.created_ms,
        text(order.size),
        order.client_id or None,
        order.reduce_only,
    )


def full(symbol: str, order: Order, triggers: Waiting) -> rows.FullOrder:
    trigger = triggers.get(order.order_id)
    beyond = "above" if trigger and trigger.above else "below"
    children = [t for t in triggers.values() if t.waits and t.parent == order.order_id]
    return rows.FullOrder(
        coin=symbol,
        side=SIDES[order.side],
        limit_px=text(order.price),
        sz=_left(order),
        oid=int(order.order_id),
        timestamp=order.created_ms,
        trigger_condition=f"Price {beyond} {number(trigger.price)}" if trigger else "N/A",
        is_trigger=trigger is not None,
        trigger_px=text(trigger.price) if trigger else "0.0",
        children=[full(symbol, child.order, {child.order.order_id: child}) for child in children],
        is_position_tpsl=trigger is not None and trigger.of_position,
        reduce_only=order.reduce_only,
        order_type=trigger.kind if trigger else "Limit",
        orig_sz=text(order.size),
        tif=None if trigger and trigger.is_market else TIFS[order.tif],
        cloid=order.client_id or None,
    )


def state(symbol: str, order: Order, triggers: Waiting) -> rows.OrderState:
    return rows.OrderState(full(symbol, order, triggers), status(order, triggers), order.updated_ms)


def update(symbol: str, order: Order, triggers: Waiting) -> rows.OrderUpdate:
    return rows.OrderUpdate(open_order(symbol, order), status(order, triggers), order.updated_ms)


def fill(filled: Filled) -> rows.Fill:
    each = filled.fill
    return rows.Fill(
        each.symbol,
        text(each.price),
        text(each.size),
        SIDES[each.side],
        each.ts_ms,
        text(filled.start),
        filled.word,
        text(each.pnl),
        transaction(each.exec_id),
        int(each.order_id),
        not each.is_maker,
        text(each.fee),
        int(each.exec_id),
        "USDC",
        None,
        each.client_id or None,
    )


def funding_event(filled: Filled) -> rows.FundingEvent:
    """What came in is positive."""
    each = filled.fill
    return rows.FundingEvent(each.ts_ms, each.symbol, text(-each.fee), text(filled.start), text(each.fee_rate))


def funding_paid(event: rows.FundingEvent) -> rows.FundingPaid:
    delta = rows.FundingDelta("funding", event.coin, event.usdc, event.szi, event.funding_rate)
    return rows.FundingPaid(event.time, NO_TRANSACTION, delta)
