"""What a loopback venue knows and shows a test: an account's orders, fills and money, and the books."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from adapters.loopback.floor import Fill, Floor
from adapters.loopback.ledger import Position
from adapters.loopback.orders import Order, Side


@dataclass(frozen=True, slots=True)
class Truth:
    """What the venue knows of an account, to hold against what a customer believes."""

    orders: dict[str, Order]
    """Every order ever accepted, by client id, or by order id where it had none."""
    open_orders: dict[str, Order]
    fills: list[Fill]
    positions: dict[str, Position]
    wallet: Decimal
    fees: Decimal
    realized: Decimal
    funding: Decimal


@dataclass(frozen=True, slots=True)
class BookView:
    """The levels of a symbol now, best first."""

    bids: list[tuple[Decimal, Decimal]]
    asks: list[tuple[Decimal, Decimal]]


def truth_of(floor: Floor, key: str) -> Truth:
    """What the floor knows of the account."""
    desk = floor.desks[key]
    orders = {order.client_id or order.order_id: order for _, order in desk.orders.values()}
    return Truth(
        orders=orders,
        open_orders={name: order for name, order in orders.items() if not order.status.is_final},
        fills=list(desk.fills),
        positions=dict(desk.book.positions),
        wallet=desk.book.wallet,
        fees=desk.book.fees,
        realized=desk.book.realized,
        funding=desk.book.funding,
    )


def books_of(floor: Floor) -> dict[str, BookView]:
    """The level view of every symbol."""
    return {
        symbol: BookView(list(market.engine.depth(Side.BUY)), list(market.engine.depth(Side.SELL)))
        for symbol, market in floor.markets.items()
    }
