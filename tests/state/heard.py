"""What is heard of one order of ten at a hundred, short enough for tables, and the folding of it."""

from collections.abc import Sequence
from decimal import Decimal

from state.events import (
    Accepted,
    AmendOrder,
    CancelAll,
    CancelOrder,
    Fill,
    OrderUpdate,
    PlaceOrder,
    Rejected,
    Unknown,
)
from state.order_table import TOLD, QuietWord, Word
from state.orders import Order, Orders
from state.words import Action, OrderStatus, Refusal

D = Decimal
V, S = "venue", "BTC"
Heard = PlaceOrder | AmendOrder | CancelOrder | CancelAll | Accepted | Rejected | Unknown | OrderUpdate | Fill

PLACE = PlaceOrder(V, S, "buy", D("10"), D("100"), client_id="c1", strategy="plain", label="l")
AMEND = AmendOrder(V, S, "c1", D("101"), D("20"))
CANCEL = CancelOrder(V, S, "c1")


def accepted(action: Action = "place", order_id: str | None = "v1", ts: int | None = None) -> Accepted:
    return Accepted(V, S, ts, action, "c1", order_id)


def rejected(action: Action = "place", refusal: Refusal = "rule") -> Rejected:
    return Rejected(V, S, None, action, "c1", refusal, "110", "no")


def unknown(action: Action = "place") -> Unknown:
    return Unknown(V, S, None, action, "c1", "timeout")


def told(
    status: OrderStatus,
    filled: str | None = None,
    *,
    ts: int | None = None,
    price: str | None = "100",
    size: str | None = "10",
    order_id: str | None = "v1",
    client_id: str | None = "c1",
    version: int | None = None,
    firm: bool = True,
    replaces: str | None = None,
) -> OrderUpdate:
    return OrderUpdate(
        V,
        S,
        ts,
        client_id,
        order_id,
        status,
        side="buy",
        price=None if price is None else D(price),
        size=None if size is None else D(size),
        filled=None if filled is None else D(filled),
        version=version,
        firm=firm,
        replaces=replaces,
    )


def fill(
    fill_id: str, size: str, *, price: str = "100", client_id: str | None = "c1", order_id: str | None = "v1"
) -> Fill:
    return Fill(V, S, None, fill_id, order_id, client_id, "buy", D(price), D(size), D("-0.1"), "USDT")


def fold(orders: Orders, events: Sequence[Heard], first_seq: int = 1) -> Orders:
    for seq, event in enumerate(events, first_seq):
        match event:
            case PlaceOrder():
                orders.placed(event, seq)
            case AmendOrder():
                orders.amending(event, seq)
            case CancelOrder():
                orders.cancelling(event, seq)
            case CancelAll():
                orders.cancelling_all(event, seq)
            case Accepted():
                orders.accepted(event, seq)
            case Rejected():
                orders.rejected(event, seq)
            case Unknown():
                orders.unknown(event, seq)
            case OrderUpdate():
                orders.updated(event, seq)
            case Fill():
                orders.filled(event, seq)
    return orders


def after(*events: Heard) -> Order:
    order = fold(Orders(V), (PLACE, *events)).get("c1")
    assert order is not None
    return order


# How an order comes to be in each status without anything in flight.
REACHED: dict[OrderStatus, tuple[Heard, ...]] = {
    "pending": (),
    "open": (told("open"),),
    "partially_filled": (told("partially_filled", "1"),),
    "rejected": (told("rejected"),),
    "expired": (told("expired"),),
    "cancelled": (told("cancelled"),),
    "filled": (told("filled", "10"),),
}
WORD_EVENTS: dict[Word, Heard] = {
    "place accepted": accepted(),
    "place refused": rejected(),
    **{word: told(status) for status, word in TOLD.items() if status != "filled"},
    "told filled": told("filled", "10"),
    "part fill": fill("f1", "2"),
    "last fill": fill("f2", "10"),
}
QUIET_EVENTS: dict[QuietWord, Heard] = {
    "place unknown": unknown(),
    "place duplicate": rejected("place", "duplicate"),
    "amend accepted": accepted("amend"),
    "amend refused": rejected("amend"),
    "amend unknown": unknown("amend"),
    "cancel accepted": accepted("cancel"),
    "cancel refused": rejected("cancel"),
    "cancel gone": rejected("cancel", "gone"),
    "cancel unknown": unknown("cancel"),
    "told not firm": told("cancelled", firm=False),
}
