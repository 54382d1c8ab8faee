"""What every limit was and what stood against it when an intent was decided: counted again from the state just before it.

Nothing of the risk gate is called: were the gate wrong, this would show it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from replay.why.facts import VerdictFact
from state.errors import LogCorrupt
from state.events import AmendOrder, Blocked, PlaceOrder
from state.instruments import exact
from state.log import Log
from state.manifest import Manifest
from state.market import Market
from state.order import Order
from state.record import Record
from state.shared import SharedState
from state.words import Side, sign
from streams.risk import RiskLimits

_REDUCES = "does not apply: it cannot but reduce the position"
_SECOND_NS = 1_000_000_000
_LOOK_BACK = 50_000  # records in which the messages of the last second are looked for
_ZERO = Decimal(0)
_COUNTED = ("PlaceOrder", "AmendOrder", "CancelOrder", "CancelAll")


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits and who set them."""

    set_by: str
    limits: RiskLimits


class _OfStrategy(msgspec.Struct, frozen=True):
    risk: RiskLimits | None = None


def limits_of(manifest: Manifest, strategy: str) -> list[Limits]:
    """The strategy's own, then the session's; none for what a person ordered, which passes no gate.

    Raises `LogCorrupt` where the manifest cannot be read.
    """
    if all(entry.name != strategy for entry in manifest.strategies):
        return []
    try:
        found = [
            Limits("strategy", own.risk)
            for entry in manifest.strategies
            if entry.name == strategy
            and (own := msgspec.json.decode(entry.params, type=_OfStrategy, strict=False)).risk is not None
        ]
        of_session = msgspec.json.decode(manifest.risk, type=RiskLimits | None)
    except msgspec.DecodeError as error:
        raise LogCorrupt(f"the session's limits cannot be read: {error}") from error
    return found if of_session is None else [*found, Limits("session", of_session)]


def messages_before(log: Log, session: str, record: Record, strategy: str) -> int:
    """How many messages the strategy had sent in the second before."""
    rows = log.journal(session, types=_COUNTED, first=max(1, record.seq - _LOOK_BACK), last=record.seq - 1)
    return sum(row.strategy == strategy and row.recv > record.recv - _SECOND_NS for row in rows)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What an intent comes to; `size` is the order's total with what is filled, `order` the one that it changes."""

    venue: str
    symbol: str
    side: Side
    price: Decimal | None
    size: Decimal
    filled: Decimal
    reduce_only: bool
    strategy: str
    order: Order | None


def verdicts(shared: SharedState, record: Record, limits: Sequence[Limits], messages: int) -> list[VerdictFact]:
    """Every limit that was set, against the state before the intent; a `Blocked` names the one that broke."""
    event = record.event
    wish = _wish(shared, event)
    if wish is None:
        return []
    market = shared.market(wish.venue, wish.symbol)
    reduces = _reduces(shared, wish)
    note = _REDUCES if reduces else ""
    found = [VerdictFact("halted", "no", shared.halted or "no", shared.halted is None or reduces, "session", note)]
    if limits:
        found.append(VerdictFact("book", "ok", market.book.status, market.book.is_ok or reduces, "gate", note))
    for each in limits:
        found += _of(each, wish, shared, market, messages, reduces)
    if isinstance(event, Blocked):
        found = [fact for fact in found if fact.rule != event.rule]
        found.append(VerdictFact(event.rule, event.limit, event.value, False, "as recorded"))
    return found


def _of(
    each: Limits, wish: _Wish, shared: SharedState, market: Market, messages: int, reduces: bool
) -> list[VerdictFact]:
    limits, found = each.limits, []
    note = _REDUCES if reduces else ""

    def judge(rule: str, limit: object, value: object, within: bool, why_not: str = note) -> None:
        found.append(VerdictFact(rule, str(limit), str(value), within or bool(why_not), each.set_by, why_not))

    if limits.price_collar_bps is not None and wish.price is not None and market.book.is_ok:
        away = abs(float(wish.price) / market.book.mid - 1) * 10_000
        judge("price_collar_bps", limits.price_collar_bps, f"{away:.6g}", away <= limits.price_collar_bps, "")
    if limits.max_order_size is not None:
        judge("max_order_size", limits.max_order_size, wish.size, wish.size <= limits.max_order_size)
    if limits.max_order_notional is not None and (wish.price is not None or market.book.is_ok):
        price = wish.price if wish.price is not None else exact(market.book.mid)
        notional = market.instrument.notional(price, wish.size) if market.instrument else price * wish.size
        judge("max_order_notional", limits.max_order_notional, notional, notional <= limits.max_order_notional)
    if limits.max_open_orders is not None and wish.order is None:
        working = shared.account(wish.venue).orders.working(wish.symbol)
        count = sum(order.strategy == wish.strategy for order in working) + 1
        judge("max_open_orders", limits.max_open_orders, count, count <= limits.max_open_orders)
    if limits.max_position is not None:
        worst = _worst(shared, wish)
        judge("max_position", limits.max_position, worst * sign(wish.side), worst <= limits.max_position)
    if limits.max_messages_per_s is not None:
        judge("max_messages_per_s", limits.max_messages_per_s, messages + 1, messages < limits.max_messages_per_s)
    return found


def _wish(shared: SharedState, event: object) -> _Wish | None:
    if isinstance(event, PlaceOrder):
        return _Wish(
            event.venue,
            event.symbol,
            event.side,
            event.price,
            event.size,
            _ZERO,
            event.reduce_only,
            event.strategy,
            None,
        )
    if not isinstance(event, AmendOrder | Blocked):
        return None
    order = shared.account(event.venue).orders.get(event.client_id) if event.client_id else None
    side = order.side if order is not None else getattr(event, "side", None)
    if side is None or event.size is None:
        return None
    filled = order.filled if order is not None else _ZERO
    reduce_only = order is not None and order.reduce_only
    return _Wish(event.venue, event.symbol, side, event.price, event.size, filled, reduce_only, event.strategy, order)


def _reduces(shared: SharedState, wish: _Wish) -> bool:
    if wish.reduce_only:
        return True
    order = wish.order
    if order is not None and wish.size <= order.size and wish.price == order.price:
        return True
    held = _held(shared, wish) * -sign(wish.side)
    return held >= max(wish.size - wish.filled, _ZERO) + _working(shared, wish)


def _worst(shared: SharedState, wish: _Wish) -> Decimal:
    """The position, seen from the wish's side, if everything on that side were to fill."""
    held = _held(shared, wish) * sign(wish.side)
    size = wish.size if wish.order is None else max(wish.size, wish.order.size)
    return held + _working(shared, wish) + max(size - wish.filled, _ZERO)


def _held(shared: SharedState, wish: _Wish) -> Decimal:
    """The position, and what orders were told to have filled of which no fill has told yet."""
    account = shared.account(wish.venue)
    return account.ledger.position(wish.symbol).size + account.orders.unheard(wish.symbol)


def _working(shared: SharedState, wish: _Wish) -> Decimal:
    orders = shared.account(wish.venue).orders.working(wish.symbol)
    return sum(
        (
            max(max((order.size, *(size for _, _, size in order.amends))) - order.filled, _ZERO)
            for order in orders
            if order.side == wish.side and not order.reduce_only and order is not wish.order
        ),
        _ZERO,
    )
