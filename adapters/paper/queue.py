"""Where an order of ours stands among the orders of others at its price: models behind one protocol.

What is shown at a price is what others have there; an order of ours is in no market and so in no book. A model keeps how
much of others' size must trade before ours does. The models that guess by probability stand in `probability.py`.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

ZERO = Decimal(0)
UNSEEN = Decimal("Infinity")  # deeper than the book shows: nobody knows how much stands there


@dataclass(slots=True)
class QueuePlace:
    """`ahead` is others' size before ours; `doubtful` what a shrinking level took off it and a late trade may explain."""

    ahead: Decimal
    doubtful: Decimal = ZERO
    doubtful_ts: int | None = None  # venue time of the book that took it off
    traded: Decimal = ZERO  # at this price since the level last changed


class QueueModel(Protocol):
    """How a place in the queue moves. Sizes are Decimal, `ts` is the venue's time (ns) or None."""

    def join(self, shown: Decimal | None) -> QueuePlace:
        """An order comes to a level that shows this much, or that cannot be seen (None)."""
        ...

    def shown(self, place: QueuePlace, before: Decimal, now: Decimal, ts: int | None) -> None:
        """The level showed `before` and shows `now`."""
        ...

    def ahead(self, place: QueuePlace, ts: int | None) -> Decimal:
        """How much of others' size a trade of time `ts` at this price must fill before it reaches the order."""
        ...

    def passed(self, place: QueuePlace, size: Decimal, ts: int | None, traded: Decimal) -> None:
        """This much of others' size before the order has traded, in a trade of `traded` at its price."""
        ...

    def words(self) -> str:
        """The assumption in one sentence."""
        ...


class ConservativeQueue:
    """Risk-averse: whoever leaves the level stood behind us, so only trades at the price, and a level too small to hold
    all that was ahead, bring us forward: ahead' = min(ahead - trades, shown).

    Book and trades come on two streams. A level that shrank first and whose trade is told later must not count twice,
    so what a smaller level took off stays doubtful until a trade that is younger than that book proves the book older.
    """

    def join(self, shown: Decimal | None) -> QueuePlace:
        return QueuePlace(UNSEEN if shown is None else shown)

    def shown(self, place: QueuePlace, before: Decimal, now: Decimal, ts: int | None) -> None:
        if now >= place.ahead:
            return
        if place.ahead != UNSEEN:
            place.doubtful += place.ahead - now
            place.doubtful_ts = ts
        place.ahead = now

    def ahead(self, place: QueuePlace, ts: int | None) -> Decimal:
        if place.doubtful and ts is not None and place.doubtful_ts is not None and ts > place.doubtful_ts:
            place.doubtful, place.doubtful_ts = ZERO, None
        return place.ahead + place.doubtful

    def passed(self, place: QueuePlace, size: Decimal, ts: int | None, traded: Decimal) -> None:
        explained = min(size, place.doubtful)
        place.doubtful -= explained
        place.ahead = max(ZERO, place.ahead - (size - explained))

    def words(self) -> str:
        return (
            "queue (conservative): an order joins the back of its level; only trades at its price bring it forward; a level that "
            "shrinks below what was ahead is what is ahead; a trade told after the book that already shows it counts once"
        )


class RiskAverseQueue:
    """ahead' = min(ahead - trades, shown), taken in the order in which book and trades are told.

    `RiskAdverseQueueModel` of hftbacktest (hftbacktest/src/backtest/models/queue.rs). Where the book is told before the trade
    that it shows, that trade counts twice: `conservative` is the same without that.
    """

    def join(self, shown: Decimal | None) -> QueuePlace:
        return QueuePlace(UNSEEN if shown is None else shown)

    def shown(self, place: QueuePlace, before: Decimal, now: Decimal, ts: int | None) -> None:
        place.ahead = min(place.ahead, now)

    def ahead(self, place: QueuePlace, ts: int | None) -> Decimal:
        return place.ahead

    def passed(self, place: QueuePlace, size: Decimal, ts: int | None, traded: Decimal) -> None:
        place.ahead = max(ZERO, place.ahead - size)

    def words(self) -> str:
        return (
            "queue (risk_averse): only trades at its price, and a level smaller than what was ahead, bring an order forward; "
            "a trade told after the book that shows it counts twice"
        )
