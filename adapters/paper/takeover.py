"""A paper venue takes over a running account: what rests there rests here, what is on its way arrives here.

What the paper venue already holds as the account has it keeps its place in the queue; an order that it has to take in stands
behind everything that is shown at its price.
"""

from collections.abc import Iterable

from adapters.paper.orders import PaperOrder
from adapters.paper.venue import PaperVenue
from state.ledger import Ledger
from state.order import Order
from state.record import Record
from state.shared import Account


def take_over(venue: PaperVenue, account: Account, in_flight: Iterable[Record], now: int) -> None:
    """Makes the venue's orders, positions and balances those of `account`; `in_flight` are intents without an answer."""
    desk = venue._desk
    venue._arriving.clear()
    venue._returning.clear()
    venue._now = max(venue._now, now)
    venue._last_arrival = 0
    sent = list(in_flight)
    awaited = {getattr(record.event, "client_id", "") for record in sent}
    resting = {order.client_id: order for order in account.orders.working() if order.status != "pending"}
    for client_id, held in list(desk._orders.items()):
        known = resting.pop(client_id, None)
        if known is not None and _same(held, known):
            held.order_id = known.order_id or held.order_id
            continue
        del desk._orders[client_id]
        desk.market(held.symbol).remove(held)
        if known is not None:
            resting[client_id] = known
    for order in resting.values():
        _take_in(venue, order)
    desk.account._ledger = Ledger.load(account.ledger.dump())
    desk.account.is_given = True
    for symbol, position in account.ledger.positions.items():
        if position.size:
            desk._dealt[symbol] = desk.market(symbol)
    for client_id in awaited - desk._orders.keys():
        desk._client_ids.pop(client_id, None)
    for record in sent:
        venue.submit(record, record.recv)


def _same(held: PaperOrder, known: Order) -> bool:
    return (held.price, held.size, held.filled) == (known.price, known.size, known.filled)


def _take_in(venue: PaperVenue, order: Order) -> None:
    desk = venue._desk
    if order.price is None or order.size <= order.filled:
        return  # nothing that could rest
    market = desk.market(order.symbol)
    taken = PaperOrder(
        order.order_id or order.client_id,
        order.client_id,
        order.symbol,
        order.side,
        order.kind,
        order.tif,
        order.price,
        order.size,
        order.reduce_only,
        order.filled,
        order.filled * (order.avg_price or order.price),
    )
    desk._orders[order.client_id] = taken
    desk._client_ids[order.client_id] = None
    desk._dealt[order.symbol] = market
    market.rest(taken)
