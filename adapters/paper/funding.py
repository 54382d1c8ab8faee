"""When funding is due, from what the ticker says, so that each time is paid once."""

from decimal import Decimal

from state.events import Ticker
from state.instruments import exact

EARLY_NS = 5_000_000_000  # a ticker may already speak of the next period this long before ours ends on our clock


class FundingClock:
    """The next funding times of one market with the rate last told for each."""

    def __init__(self) -> None:
        self._due: dict[int, Decimal] = {}
        self._rate: Decimal | None = None
        self._next: int | None = None

    @property
    def due(self) -> int | None:
        """The first time at which funding is to be paid, ns UTC."""
        return min(self._due) if self._due else None

    def told(self, event: Ticker, recv: int) -> None:
        """Takes the rate and time of a ticker; what it leaves out keeps its last value. What was due by `recv` is paid by now."""
        if event.funding_rate is not None:
            self._rate = exact(event.funding_rate)
        if event.next_funding is not None and event.next_funding != self._next:
            if self._next is not None and self._next - recv > EARLY_NS:
                self._due.pop(self._next, None)  # the venue moved it
            self._next = event.next_funding
        if self._next is not None and self._rate is not None and self._next > recv:
            self._due[self._next] = self._rate

    def pop(self) -> Decimal:
        """Takes the first due time out and gives its rate."""
        return self._due.pop(min(self._due))
