"""`tapeline orders`: what became of every order of a session, folded from its log."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, get_args

import typer

from app.facts import order_fact
from app.logs import opened_log
from app.options import JsonOption, LogOption, SessionArgument
from app.output import print_json, print_table
from app.progress import progress
from state.errors import WrongUse
from state.events import OrderUpdate, PlaceOrder
from state.log import Log, SessionRow
from state.order import Order
from state.reducer import Reducer
from state.shared import SharedState
from state.words import OrderStatus

_COLUMNS = (
    "client_id", "order_id", "symbol", "side", "kind", "price", "size", "filled", "avg_price", "status", "strategy", "placed",
)  # fmt: skip
_NUMBERS = ("price", "size", "filled", "avg_price", "placed")
_STATUSES = get_args(OrderStatus)


def orders(
    context: typer.Context,
    session: SessionArgument,
    statuses: Annotated[
        list[str] | None,
        typer.Option("--status", metavar="STATUS", help=f"Only {', '.join(_STATUSES)}; may be given often."),
    ] = None,
    symbol: Annotated[str | None, typer.Option("--symbol", metavar="S", help="Only this symbol.")] = None,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the orders of a session as they stand at its end, in placing order."""
    for status in statuses or ():
        if status not in _STATUSES:
            raise WrongUse(f"no order is {status!r}; an order is {', '.join(_STATUSES)}")
    with opened_log(context, log) as opened:
        found = [
            order
            for order in folded_orders(opened, opened.find(session))
            if symbol in (None, order.symbol) and (not statuses or order.status in statuses)
        ]
    if as_json:
        print_json([order_fact(order) for order in found])
        return
    print_table(_COLUMNS, map(_row, found), right=_NUMBERS)


def folded_orders(log: Log, session: SessionRow) -> list[Order]:
    """Every order of a session, also those that the state itself has forgotten since they ended."""
    shared = SharedState()
    apply = Reducer(shared).apply
    known: dict[tuple[str, int], Order] = {}
    with progress("folding", session.last_seq) as done:
        for block in log.blocks(session.id):
            for record in block:
                apply(record)
                event = record.event
                if isinstance(event, PlaceOrder | OrderUpdate):
                    book = shared.account(event.venue).orders
                    order = book.get(event.client_id) if isinstance(event, PlaceOrder) else book.order_of(event)
                    if order is not None:
                        known[event.venue, order.ordinal] = order
            done(shared.seq)
    return list(_standing(shared, known))


def _standing(shared: SharedState, known: dict[tuple[str, int], Order]) -> Iterator[Order]:
    """What was first heard of under the venue's id alone, and then found to be an order of ours, is listed once."""
    for venue, ordinal in sorted(known):
        order = known[venue, ordinal]
        holder = shared.account(venue).orders.by_order_id(order.order_id) if order.order_id else None
        if holder is None or holder is order:
            yield order


def _row(order: Order) -> tuple[str | int | Decimal | None, ...]:
    return (
        order.client_id, order.order_id, order.symbol, order.side, order.kind, order.price, order.size, order.filled,
        order.avg_price, order.status, order.strategy, order.placed_seq,
    )  # fmt: skip
