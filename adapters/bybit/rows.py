# ruff: noqa: N815 - the field names are the venue's
"""An order intent as the row of a request: what is sent for every order, so in Structs that are encoded in one call.

The fields stand in the documentation's order. A row of a batch has no category of its own, a market order no price.
https://bybit-exchange.github.io/docs/v5/order/create-order
"""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from adapters.base.numbers import text
from adapters.base.query import of_kind
from adapters.bybit.types import Types
from state.errors import WrongUse
from state.events import AmendOrder, CancelOrder, PlaceOrder

_Category: TypeAlias = str | msgspec.UnsetType


class _PlaceRow(msgspec.Struct, gc=False):
    category: _Category
    symbol: str
    side: str
    orderType: str
    qty: str
    price: str | msgspec.UnsetType
    timeInForce: str
    orderLinkId: str | msgspec.UnsetType
    reduceOnly: bool
    positionIdx: int = 0  # one-way mode


class _AmendRow(msgspec.Struct, gc=False):
    category: _Category
    symbol: str
    orderLinkId: str
    qty: str
    price: str


class _CancelRow(msgspec.Struct, gc=False):
    category: _Category
    symbol: str
    orderLinkId: str


_Row: TypeAlias = _PlaceRow | _AmendRow | _CancelRow


def _place(arguments: object, category: _Category) -> _Row:
    """A market order is an IOC within the venue's slippage bound, whatever else was asked."""
    order = of_kind(arguments, PlaceOrder, "place")
    is_limit, price = order.kind == "limit", order.price
    if is_limit and price is None:
        raise WrongUse("a limit order needs a price")
    return _PlaceRow(
        category,
        order.symbol,
        Types.side.encode(order.side),
        Types.kind.encode(order.kind),
        text(order.size),
        text(price) if is_limit and price is not None else msgspec.UNSET,
        Types.tif.encode(order.tif) if is_limit else "IOC",
        order.client_id or msgspec.UNSET,
        order.reduce_only,
    )


def _amend(arguments: object, category: _Category) -> _Row:
    amend = of_kind(arguments, AmendOrder, "amend")
    return _AmendRow(category, amend.symbol, amend.client_id, text(amend.size), text(amend.price))


def _cancel(arguments: object, category: _Category) -> _Row:
    cancel = of_kind(arguments, CancelOrder, "cancel")
    return _CancelRow(category, cancel.symbol, cancel.client_id)


ROWS: dict[str, Callable[[object, _Category], _Row]] = {"place": _place, "amend": _amend, "cancel": _cancel}
