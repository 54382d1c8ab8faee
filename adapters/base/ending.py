"""Orders that end by themselves once the venue has come so far, a height or a time, and whose end nobody tells.

Until then an end that one node told is only a wish, and the order can fill.
"""

from msgspec.structs import replace

from state.events import OrderUpdate
from state.words import TERMINAL


class Ending:
    """What was last told of each order that may still end by itself; told by a stream, so that its frames say it again."""

    def __init__(self, grace: int) -> None:
        """`grace` is how much later than its end an order may still be told of."""
        self.reached = 0  # how far the venue has come
        self._grace = grace
        self._living: dict[str, tuple[int, OrderUpdate]] = {}

    def told(self, update: OrderUpdate, until: int | None) -> None:
        """An order's newest word; one that names no `until` says little more than that it ended."""
        key = update.order_id or update.client_id or ""
        known, before = self._living.pop(key, (0, update))
        if (update.status in TERMINAL and update.firm) or not (until or known):
            return
        if until is None:
            until, update = known, replace(before, status=update.status, firm=update.firm, reason=update.reason)
        self._living[key] = until, update

    def passed(self, reached: int, ts: int | None) -> list[OrderUpdate]:
        """The ends of those that nothing can fill any more."""
        self.reached = reached
        over = [key for key, (until, _) in self._living.items() if self.is_over(until, reached)]
        return [self.ended(self._living.pop(key)[1], reached, ts) for key in over]

    def is_over(self, until: int, reached: int) -> bool:
        return reached > until + self._grace

    @staticmethod
    def ended(update: OrderUpdate, reached: int, ts: int | None) -> OrderUpdate:
        """What was a wish is true now, and what still rested has expired."""
        if update.status in TERMINAL:
            return update if update.firm else replace(update, firm=True, ts=ts, version=reached)
        return replace(update, status="expired", firm=True, reason="EXPIRED", ts=ts, version=reached)
