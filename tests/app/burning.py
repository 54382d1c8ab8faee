"""A strategy that decides nothing and takes long over it, for some seconds of a session."""

import msgspec
import reactivex as rx
from reactivex import Observable

from state.events import Decision
from streams import operators as op
from streams.feeds import Feeds

QUIET_NS, BURN_NS = 1_500_000_000, 7_000_000_000  # since its first event: before and after these it costs nothing


class Burning(msgspec.Struct, frozen=True):
    """The markets whose books and trades it looks at, and how far it counts at each; 3 million take some 80 ms."""

    venue: str
    symbols: list[str]
    rounds: int = 3_000_000


def burning(feeds: Feeds, p: Burning) -> Observable[Decision]:
    """Counts to a large number whenever its markets say something, once a burst."""
    began = heard = 0

    def decides(said: object) -> bool:
        nonlocal began, heard
        now = feeds.shared.now
        began = began or now
        if QUIET_NS < now - began < BURN_NS and now != heard:
            heard = now
            for _ in range(p.rounds):
                pass
        return False

    markets = [feeds.market(p.venue, symbol) for symbol in p.symbols]
    said = [*(market.book for market in markets), *(market.trades for market in markets)]
    return rx.merge(*said).pipe(op.filter(decides))  # type: ignore[arg-type]  # none passes
