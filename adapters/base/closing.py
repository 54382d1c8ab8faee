"""The way out: cancel what is ours, wait until it is true, flatten, and ask again. Everything here is urgent.

Whoever calls has stopped the strategies; nothing here trusts what was told before, only what the venue answers now.
"""

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Protocol, TypeVar

from msgspec.structs import replace

from adapters.base.cancels import SETTLED
from adapters.base.client import Request
from adapters.base.limits import Priority
from adapters.base.orderid import MAX_SEQ, OrderID
from adapters.base.orders import OrderEntry
from adapters.base.ours import Ours
from adapters.base.query import Arguments, Query
from adapters.base.rules import Rules
from adapters.base.sender import Sender
from adapters.base.settings import ShutdownPolicy, ShutdownReport
from adapters.base.transport import Transport
from state.clock import Clock
from state.errors import TapelineError
from state.events import AnyEvent, CancelOrder, OrderUpdate, PlaceOrder, PositionUpdate
from state.instruments import snap
from state.record import Inbox
from state.words import Refusal

T = TypeVar("T")

ROUNDS = 8
SETTLE_S = 0.1
SETTLE_MOST_S = 2.0
PIECES_MOST = 64  # a position is closed in at once


class Closed(Protocol):
    """What shutting down asks of an exchange."""

    venue: str
    settle: tuple[str, ...]
    orders: OrderEntry
    ours: Ours
    sender: Sender
    order_ids: OrderID
    rules: Rules
    transport: Transport
    inbox: Inbox
    clock: Clock
    closing_rounds: int

    def build(self, action: str, arguments: Arguments) -> Request: ...

    async def poll(
        self, action: str, query: Query, *, feed: bool = False, priority: Priority = Priority.READ
    ) -> Sequence[AnyEvent]: ...


async def shut_down(exchange: Closed, policy: ShutdownPolicy) -> ShutdownReport:
    """Never raises for what the venue does: what could not be done stands in the report."""
    errors: list[str] = []
    listed: Sequence[OrderUpdate] = ()
    resting: Sequence[OrderUpdate] = ()
    held: Sequence[PositionUpdate] = ()
    first: int | None = None
    pieces: dict[str, int] = {}  # orders that it takes to close a position, where one is too large for the venue
    if policy != "leave":
        exchange.orders.withdraw()  # or they would leave once all is done: a session whose log failed has cancelled nothing
    for round_ in range(exchange.closing_rounds if policy != "leave" else 1):
        if round_:
            await exchange.transport.sleep(min(SETTLE_S * 2**round_, SETTLE_MOST_S))
        was_listed, errors = bool(round_) and not errors, []
        if policy != "leave":
            await _cancel(exchange, resting, errors, by_list=was_listed)
        listed = await _asked(exchange, _resting, errors, listed)
        resting = exchange.ours.among(listed)
        first = len(resting) if first is None else first
        held = await _asked(exchange, _held, errors, held)
        is_late = round_ >= exchange.closing_rounds // 2  # what cannot be cancelled keeps no position from being closed
        if policy == "flatten" and held and (is_late or not (resting or errors)):
            await _flatten(exchange, held, round_, pieces, errors)
            continue  # and ask again whether it is true
        if not (errors or resting or exchange.orders.arriving):
            break
    return ShutdownReport(
        policy,
        max((first or 0) - len(resting), 0),
        tuple(order.client_id or order.order_id or "" for order in resting),
        tuple((position.symbol, str(position.size)) for position in held),
        tuple(errors),
        len(listed) - len(resting),
    )


async def _cancel(exchange: Closed, left: Sequence[OrderUpdate], errors: list[str], *, by_list: bool) -> None:
    """Ours by their ids: those that may rest by all that was told, and those that the venue's list still has.

    Where the venue has answered, its list alone is believed. Everything that the venue has calls for goes first where all
    orders are meant.
    """
    urgent = Priority.URGENT
    if exchange.ours.means_all:
        _, verdict, _ = await exchange.orders.cancels.all_of("", urgent)
        if verdict.meaning not in SETTLED:
            errors.append(f"cancel all: {verdict.code} {verdict.text}")
    orders = {
        order.client_id: CancelOrder(exchange.venue, order.symbol, order.client_id) for order in left if order.client_id
    }
    if not (by_list or exchange.ours.means_all):
        orders |= {order.client_id: order for order in exchange.ours.resting()}
    _, verdict, _ = await exchange.orders.cancels.named(list(orders.values()), urgent)
    if verdict.meaning not in SETTLED:
        errors.append(f"cancel {len(orders)} orders: {verdict.code} {verdict.text}")


async def _flatten(
    exchange: Closed, held: Sequence[PositionUpdate], round_: int, pieces: dict[str, int], errors: list[str]
) -> None:
    """Reduce-only market orders; their ids come from the far end of the session's range, which no intent reaches.

    Venues limit the size of a market order: what one refuses by its rules goes in smaller ones the next time.
    """
    number = 0
    for position in held:
        for size in _parts(abs(position.size), pieces.get(position.symbol, 1), exchange.rules.lot(position.symbol)):
            order = PlaceOrder(
                exchange.venue,
                position.symbol,
                "sell" if position.size > 0 else "buy",
                size,
                kind="market",
                tif="ioc",
                reduce_only=True,
                client_id=exchange.order_ids.make(MAX_SEQ - round_ * 1000 - number),
            )
            number += 1
            if await _place(exchange, order, errors) == "rule":
                pieces[position.symbol] = min(pieces.get(position.symbol, 1) * 4, PIECES_MOST)
                break


def _parts(size: Decimal, count: int, lot: Decimal) -> list[Decimal]:
    """A size in about so many equal parts of whole lots."""
    piece = max(snap(size / count, lot, up=True), lot)
    whole = [piece] * int(size // piece)
    rest = size - piece * len(whole)
    return [*whole, rest] if rest else whole


async def _place(exchange: Closed, order: PlaceOrder, errors: list[str]) -> Refusal | None:
    """Why the venue refused it, if it did. No intent told of the order: its fills would be nobody's."""
    told = OrderUpdate(
        exchange.venue, order.symbol, None, order.client_id, None, "pending", order.side, order.kind, order.tif,
        size=order.size, filled=Decimal(0), reduce_only=True,
    )  # fmt: skip
    exchange.inbox.feed(exchange.clock.now_ns(), (told,))
    try:
        request = exchange.build("place", order)
        await exchange.sender.gate.enter(request.endpoint.pool, request.cost, Priority.URGENT)
        verdict = (await exchange.sender.once(request)).verdict
    except TapelineError as error:
        errors.append(f"place {order.client_id}: {error}")
        return None
    if verdict.meaning not in SETTLED:
        errors.append(f"place {order.client_id}: {verdict.code} {verdict.text}")
    if verdict.meaning == "rejected":
        ended = replace(told, status="rejected", reason=f"{verdict.code} {verdict.text}", refusal=verdict.refusal)
        exchange.inbox.feed(exchange.clock.now_ns(), (ended,))
    return verdict.refusal


async def _resting(exchange: Closed) -> Sequence[OrderUpdate]:
    found: list[AnyEvent] = []
    for coin in exchange.settle:
        query = Query(coin=coin, limit=50)
        found += await exchange.poll("open_orders", query, feed=True, priority=Priority.URGENT)
    return [event for event in found if isinstance(event, OrderUpdate)]


async def _held(exchange: Closed) -> Sequence[PositionUpdate]:
    found: list[AnyEvent] = []
    for coin in exchange.settle:
        query = Query(coin=coin, limit=200)
        found += await exchange.poll("positions", query, feed=True, priority=Priority.URGENT)
    return [event for event in found if isinstance(event, PositionUpdate) and event.size != Decimal(0)]


async def _asked(
    exchange: Closed, ask: Callable[[Closed], Awaitable[Sequence[T]]], errors: list[str], before: Sequence[T]
) -> Sequence[T]:
    """What the venue answers; what was known before where it does not."""
    try:
        return await ask(exchange)
    except TapelineError as error:
        errors.append(str(error))
        return before
