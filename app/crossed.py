"""Books that stay crossed though none of their updates is missing: nothing in their feed will ever say so."""

from collections.abc import Iterator

from state.shared import SharedState

CROSSED_MOST_S = 10.0  # a venue that lets its book cross for a moment is believed


class CrossedWatch:
    """Since when each book is crossed, by a clock in seconds that only goes forward."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, str], float] = {}

    def look(self, shared: SharedState, now_s: float) -> Iterator[tuple[str, str, str]]:
        """Venue and symbol of the books that have been crossed for too long, with the reason in words; then anew for each."""
        for key, market in shared.markets.items():
            if market.book.status != "crossed":
                self._since.pop(key, None)
            elif now_s - self._since.setdefault(key, now_s) > CROSSED_MOST_S:
                del self._since[key]
                yield (*key, f"the book of {key[1]} was crossed for more than {CROSSED_MOST_S:g} s")
