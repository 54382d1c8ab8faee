"""The fewest intents from the orders that are to the quotes that are wished for. A pure function; who calls it: `to_intents`.

One order a label, ever: a level whose order is still on its way (placed, amended, cancelled, or of unknown outcome)
is left until more is known. An order is amended where that does, and replaced where it does not (another side). What
must go goes first, then what retreats, then what advances; nothing advances into a price at which an order of ours on
the other side stands or may stand.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, TypeAlias

from state.errors import OffGrid, WrongUse
from state.events import AmendOrder, CancelOrder, PlaceOrder
from state.instruments import Instrument
from state.orders import Order
from state.words import Side, TimeInForce
from streams.quoting.counts import QuoteCounts
from streams.quoting.ladder import Quote, is_level

_INFINITE = float("inf")

Planned: TypeAlias = PlaceOrder | AmendOrder | CancelOrder


class Wanted(NamedTuple):
    """A quote on the venue's grid."""

    side: Side
    price: Decimal
    size: Decimal
    reduce_only: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """What a plan keeps to; `tolerance` in price units, `size_tolerance` a fraction of the wished size."""

    strategy: str
    tolerance: Decimal
    size_tolerance: Decimal
    tif: TimeInForce


class Move(NamedTuple):
    label: str
    want: Wanted
    order: Order | None  # None where there is none yet

    @property
    def retreats(self) -> bool:
        if self.order is None or self.order.price is None:
            return False
        return self.want.price < self.order.price if self.want.side == "buy" else self.want.price > self.order.price


def snapped(
    quotes: Sequence[Quote],
    instrument: Instrument,
    counts: QuoteCounts,
    touch: tuple[Decimal, Decimal] | None = None,
) -> dict[str, Wanted]:
    """Quotes on the grid by label. `touch` (best bid, best ask) is not reached across: post-only orders would be refused.

    Left out and counted: what is below the venue's minimum or no number, and what would cross a quote of one's own.
    Raises `WrongUse` for a label that is empty, used twice, or an execution's: its order would not be found again.
    """
    wanted: dict[str, Wanted] = {}
    tick = instrument.tick
    highest = instrument.price("buy", touch[1] - tick) if touch is not None else None
    lowest = instrument.price("sell", touch[0] + tick) if touch is not None else None
    for side, price, size, label, reduce_only in quotes:
        if label in wanted or not is_level(label):
            raise WrongUse(f"each quote needs a label of its own, not empty and not an execution's (~…): {label!r}")
        if not (0 < price < _INFINITE and 0 < size < _INFINITE):
            counts.left_out += 1
            counts.why = f"{label}: price {price}, size {size}"
            continue
        owed = instrument.price(side, price)
        if side == "buy":
            owed = owed if highest is None or owed <= highest else highest
        else:
            owed = owed if lowest is None or owed >= lowest else lowest
        want = Wanted(side, owed, instrument.size(size), reduce_only)
        try:
            instrument.check(want.price, want.size, reduce_only=reduce_only)
        except OffGrid as error:
            counts.left_out += 1
            counts.why = str(error)
        else:
            wanted[label] = want
    return _uncrossed(wanted, counts)


def plan(
    wanted: Mapping[str, Wanted],
    orders: Sequence[Order],
    instrument: Instrument,
    rules: Rules,
    held: Collection[str] = (),
    uncancelled: Collection[str] = (),
) -> list[Planned]:
    """Intents from `orders` (working, of one strategy, with labels) to `wanted`.

    Labels in `held` are neither placed nor amended now, those in `uncancelled` not cancelled.
    """
    cancels: list[Planned] = []
    moves: list[Move] = []
    taken: set[str] = set()
    for order in orders:
        want = wanted.get(order.label)
        is_second = order.label in taken
        taken.add(order.label)
        if want is None or is_second or not fits(order, want, instrument):
            if not order.pending_cancel and order.label not in uncancelled:
                cancels.append(CancelOrder(order.venue, order.symbol, order.client_id, rules.strategy))
        elif order.label not in held and can_be_amended(order) and differs(order, want, wanted, rules):
            moves.append(Move(order.label, want, order))
    moves += [Move(label, want, None) for label, want in wanted.items() if label not in taken and label not in held]
    return cancels + uncrossing(moves, orders, instrument, rules) if moves else cancels


def _uncrossed(wanted: dict[str, Wanted], counts: QuoteCounts) -> dict[str, Wanted]:
    """Without the quotes that meet one of the other side: a trade with oneself helps nobody."""
    bid: Decimal | None = None
    ask: Decimal | None = None
    for side, price, _, _ in wanted.values():
        if side == "buy":
            bid = price if bid is None or price > bid else bid
        else:
            ask = price if ask is None or price < ask else ask
    if bid is None or ask is None or bid < ask:
        return wanted
    kept = {
        label: want for label, want in wanted.items() if (want.price < ask if want.side == "buy" else want.price > bid)
    }
    counts.crossed += len(wanted) - len(kept)
    return kept


def can_be_amended(order: Order) -> bool:
    """Nothing about it is on its way, and the venue has spoken of it."""
    return (
        (order.acknowledged or order.status != "pending")
        and not order.pending_cancel
        and order.pending_amend is None
        and not order.unknown
    )


def fits(order: Order, want: Wanted, instrument: Instrument) -> bool:
    """An amendment can make the one of the other: of one kind, and with what is filled of a size that the venue allows."""
    if want.side != order.side or want.reduce_only != order.reduce_only:
        return False
    total = order.filled + want.size
    return not total % instrument.lot and (instrument.max_size is None or total <= instrument.max_size)


def differs(order: Order, want: Wanted, wanted: Mapping[str, Wanted], rules: Rules) -> bool:
    price = order.price
    if price is None or abs(price - want.price) > rules.tolerance:
        return True
    if abs(order.remaining - want.size) > rules.size_tolerance * want.size:
        return True
    if price == want.price:
        return False
    # Near enough, but in the way of a quote of the other side.
    if order.side == "buy":
        return any(other.side == "sell" and other.price <= price for other in wanted.values())
    return any(other.side == "buy" and other.price >= price for other in wanted.values())


def uncrossing(moves: Sequence[Move], orders: Sequence[Order], instrument: Instrument, rules: Rules) -> list[Planned]:
    """The moves as intents, without those that an order of the other side is still in the way of."""
    best_bid, best_ask = reach(orders)
    intents: list[Planned] = []
    for move in sorted(moves, key=lambda move: not move.retreats):
        label, want, order = move
        if want.side == "buy":
            if best_ask is not None and want.price >= best_ask:
                continue
            best_bid = want.price if best_bid is None else max(best_bid, want.price)
        else:
            if best_bid is not None and want.price <= best_bid:
                continue
            best_ask = want.price if best_ask is None else min(best_ask, want.price)
        if order is None:
            intents.append(
                PlaceOrder(
                    instrument.venue,
                    instrument.symbol,
                    want.side,
                    want.size,
                    want.price,
                    tif=rules.tif,
                    reduce_only=want.reduce_only,
                    strategy=rules.strategy,
                    label=label,
                )
            )
        else:
            total = order.filled + want.size
            intents.append(
                AmendOrder(order.venue, order.symbol, order.client_id, want.price, total, strategy=rules.strategy)
            )
    return intents


def reach(orders: Sequence[Order]) -> tuple[Decimal | None, Decimal | None]:
    """The highest price at which we may buy now, and the lowest at which we may sell."""
    best_bid: Decimal | None = None
    best_ask: Decimal | None = None
    for order in orders:
        for price in (order.price, *(amended for _, amended, _ in order.amends)):
            if price is None:
                continue
            if order.side == "buy":
                best_bid = price if best_bid is None else max(best_bid, price)
            else:
                best_ask = price if best_ask is None else min(best_ask, price)
    return best_bid, best_ask
