"""A chain's blocks, as its stream tells of them: how high it is, when each was made, and which orders end by them.

An order that lives until a height ends by itself, and nobody tells of it. Until then an end that one node told is only a wish,
and the order can fill.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from adapters.base.once import Bounded
from state.errors import NotOffered
from state.events import OrderUpdate
from state.words import TERMINAL

TIMES_KEPT = 600


class Blocks:
    """`height` and `made_ns` are the newest block's, as a stream told them, so that its frames say all of this again."""

    def __init__(self, grace: int) -> None:
        """`grace` is how many blocks after its end an order may still be told of."""
        self.height = 0
        self.made_ns: int | None = None
        self.latest = 0  # also of blocks that were asked for
        self.latest_ns: int | None = None
        self.grace = grace
        self._times = Bounded[int, int](TIMES_KEPT)  # by height
        self._living: dict[str, tuple[int, OrderUpdate]] = {}  # what was last told of what may end by itself

    def told(self, update: OrderUpdate, until: int | None) -> None:
        """An order's newest word; one that names no `until` says little more than that it ended."""
        key = update.order_id or update.client_id or ""
        known, before = self._living.pop(key, (0, update))
        if (update.status in TERMINAL and update.firm) or not (until or known):
            return
        if until is None:
            until, update = known, replace(before, status=update.status, firm=update.firm, reason=update.reason)
        self._living[key] = until, update

    def passed(self, height: int, made_ns: int | None) -> Sequence[OrderUpdate]:
        """A block, and the ends of those orders that nothing can fill any more."""
        if height <= self.height:
            return ()
        self.height, self.made_ns = height, made_ns
        self.asked(height, made_ns)
        if made_ns is not None:
            self._times[height] = made_ns
        over = [key for key, (until, _) in self._living.items() if self.is_over(until, height)]
        return [self.ended(self._living.pop(key)[1], height, made_ns) for key in over]

    def asked(self, height: int, made_ns: int | None) -> None:
        """A block that REST told of while the stream may be away: orders are reckoned from it, and their ends are not told."""
        if height > self.latest:
            self.latest, self.latest_ns = height, made_ns

    def is_over(self, until: int, height: int) -> bool:
        return height > until + self.grace

    def time_of(self, height: int | None) -> int | None:
        """When a block was made, as far as was told: of one that was not told yet, when the last was."""
        if height is None or height > self.height:
            return self.made_ns
        return self._times.get(height)

    def newest(self, now_s: float, late_s: float) -> int:
        """The height, for an order that is to live from it on.

        Raises `NotOffered` where no block was told for so long: the order's end would be a guess.
        """
        if not self.latest:
            raise NotOffered("no block's height is known", "busy")
        if self.latest_ns is not None and now_s - self.latest_ns / 1e9 > late_s:
            raise NotOffered(f"no block since {self.latest}, for {late_s:.0f} s and more", "market_state")
        return self.latest

    @staticmethod
    def ended(update: OrderUpdate, height: int, ts: int | None) -> OrderUpdate:
        """What was a wish is true now, and what still rested has expired."""
        if update.status in TERMINAL:
            return update if update.firm else replace(update, firm=True, ts=ts, version=height)
        return replace(update, status="expired", firm=True, reason="EXPIRED", ts=ts, version=height)
