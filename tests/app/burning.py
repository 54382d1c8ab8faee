"""A strategy that decides nothing and takes long over it, for some seconds of a session."""

from reactivex import Observable

from state.book import Book
from state.events import Decision
from streams import operators as op
from streams.feeds import Feeds

QUIET_NS, BURN_NS = 1_500_000_000, 5_000_000_000  # since its first book: before and after these it costs nothing
ROUNDS = 3_000_000  # some 80 ms


def burning(feeds: Feeds) -> Observable[Decision]:
    """Counts to a large number whenever the book changes."""
    began = 0

    def decides(book: Book) -> bool:
        nonlocal began
        began = began or feeds.shared.now
        if QUIET_NS < feeds.shared.now - began < BURN_NS:
            for _ in range(ROUNDS):
                pass
        return False

    return feeds.market("bybit", "BTCUSDT").book.pipe(op.filter(decides))  # type: ignore[arg-type]  # none passes
