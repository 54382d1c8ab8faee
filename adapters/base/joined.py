"""A book that is told whole at two cadences, quick and shallow, slow and deep: what the quick one says is newer, and beyond its
last level stands what the slow one said.
"""

from state.market_events import Level


class Joined:
    """What both said of one market last. Each told book is its time, its bids and its asks, best first."""

    __slots__ = ("_quick", "_slow", "_whole")

    def __init__(self, whole: int) -> None:
        """A quick side of fewer levels than `whole` is all there is."""
        self._whole = whole
        self.forget()

    def forget(self) -> None:
        self._quick: tuple[int, list[Level], list[Level]] | None = None
        self._slow: tuple[int, list[Level], list[Level]] | None = None

    def take(
        self, at: int, bids: list[Level], asks: list[Level], *, quick: bool
    ) -> tuple[list[Level], list[Level], bool] | None:
        """Bids, asks, and whether they are of the quick one alone; None for what is older than what is known."""
        known = self._quick if quick else self._slow
        if known is not None and at < known[0]:
            return None
        if quick:
            self._quick = at, bids, asks
        else:
            self._slow = at, bids, asks
        if self._slow is None or self._quick is None:
            return bids, asks, quick
        (quick_at, top_bids, top_asks), (slow_at, deep_bids, deep_asks) = self._quick, self._slow
        if slow_at >= quick_at:
            return deep_bids, deep_asks, False
        if len(top_bids) >= self._whole:
            top_bids = [*top_bids, *(level for level in deep_bids if level[0] < top_bids[-1][0])]
        if len(top_asks) >= self._whole:
            top_asks = [*top_asks, *(level for level in deep_asks if level[0] > top_asks[-1][0])]
        return top_bids, top_asks, False
