"""Price levels as a venue wrote them, for as long as it sends a checksum that is made of the text itself."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from sortedcontainers import SortedDict


class TextBook:
    """Levels are price and size as text, and whatever else stands behind them; size 0 removes one."""

    def __init__(self) -> None:
        self._bids: SortedDict[float, tuple[str, str]] = SortedDict()  # by the negative of their price
        self._asks: SortedDict[float, tuple[str, str]] = SortedDict()

    def update(self, bids: Iterable[tuple[str, str, Any, Any]], asks: Iterable[tuple[str, str, Any, Any]]) -> None:
        for side, told, turn in ((self._bids, bids, -1), (self._asks, asks, 1)):
            for price, size, *_ in told:
                if float(size):
                    side[turn * float(price)] = (price, size)
                else:
                    side.pop(turn * float(price), None)

    def alternating(self, depth: int) -> list[str]:
        """Price and size of the best bid, of the best ask, of the second bid; a side that is at its end is passed over."""
        bids, asks = list(islice(self._bids.values(), depth)), list(islice(self._asks.values(), depth))
        places = range(max(len(bids), len(asks)))
        return [word for n in places for side in (bids, asks) if n < len(side) for word in side[n]]
