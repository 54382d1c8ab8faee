"""A strategy that decides nothing and takes long over it, for some seconds of a session."""

from threading import Event
from typing import Final

import msgspec
import reactivex as rx
from reactivex import Observable

from state.events import Decision
from streams import operators as op
from streams.feeds import Feeds

OVER: Final = Event()  # set where a replay need not take long again
QUIET_NS, BURN_NS = 1_500_000_000, 7_000_000_000  # since its first event: before and after these it costs nothing


class Burning(msgspec.Struct, frozen=True):
    """The markets whose books and trades it looks at, and how long it holds the session's thread at each burst."""

    venue: str
    symbols: list[str]
    held_s: float = 0.12


def burning(feeds: Feeds, p: Burning) -> Observable[Decision]:
    """Waits whenever its markets say something, once a burst: to a session it is all one whether its thread computes or waits."""
    began = heard = 0

    def decides(said: object) -> bool:
        nonlocal began, heard
        now = feeds.shared.now
        began = began or now
        if QUIET_NS < now - began < BURN_NS and now != heard:
            heard = now
            OVER.wait(p.held_s)
        return False

    markets = [feeds.market(p.venue, symbol) for symbol in p.symbols]
    said = [*(market.book for market in markets), *(market.trades for market in markets)]
    return rx.merge(*said).pipe(op.filter(decides))  # type: ignore[arg-type]  # none passes
