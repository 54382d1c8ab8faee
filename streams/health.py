"""What a market is worth trading on, as a stream: its book, its cadence, its venue's connections, limits and clock.

It reads what adapters tell (`FeedStatus`) and what the book is, and learns how often the book speaks: a socket that is
open and says nothing is noticed. Everything it concludes follows from records and virtual time, so a replay hears the same.
"""

from collections.abc import Callable
from typing import NamedTuple

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable

from state.book import BookStatus
from state.events import FeedStatus
from state.words import FeedState
from streams import operators as op
from streams.feeds import Feeds
from streams.operators.keep import Kept, keep

# The worst first: of several troubles, this is the one that is told.
SEVERITY: tuple[FeedState, ...] = (
    "down",
    "banned",
    "gap",
    "crossed",
    "connecting",
    "stale",
    "skewed",
    "throttled",
    "ok",
)

# Of a venue as a whole, what each channel may say against trading. A failed poll or a refused switch is no reason; the account
# is nobody's market: `to_intents` waits for it.
_TOLD: dict[str, frozenset[FeedState]] = {
    "clock": frozenset({"skewed"}),
    "load": frozenset({"stale"}),
    "rest": frozenset({"banned", "throttled"}),
    "trade": frozenset({"banned", "throttled"}),
}


class Health(NamedTuple):
    """The worst of what is known: which state, of which channel."""

    state: FeedState
    channel: str = ""

    @property
    def is_ok(self) -> bool:
        return self.state == "ok"


def health(
    feeds: Feeds, venue: str, symbol: str, *, factor: float = 3.0, least_s: float = 1.0, most_s: float = 30.0
) -> Observable[Health]:
    """The health of one market, said when it changes.

        book    --ok-ok-ok-ok---------------ok-----gap--ok--
        rest    ---------------------------------banned--ok-
        health  --ok--------------stale-----ok---banned-ok--

    `stale` is a book that was silent for `factor` times its longest gap of late (see `op.silent`), or that its adapter calls
    so. A market that was never heard is `connecting`. Subscribe with the session's scheduler.
    """
    market = feeds.market(venue, symbol)

    def subscribe(observer: abc.ObserverBase[Health], scheduler: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        states: dict[str, FeedState] = {"book": market.state.book.status, "cadence": "ok"}
        known = feeds.shared.connections
        for channel, against in _TOLD.items():
            states[channel] = _counted(known.get((venue, channel), "ok"), against)
        said: Health | None = None

        def say(channel: str, state: FeedState) -> None:
            nonlocal said
            if states.get(channel) == state and said is not None:
                return
            states[channel] = state
            worst = min(states, key=lambda name: SEVERITY.index(states[name]))
            told = Health(states[worst], "book" if worst == "cadence" else worst)
            told = Health("ok") if told.is_ok else told
            if told != said:
                said = told
                observer.on_next(told)

        def on_book(known: BookStatus) -> None:
            say("book", known.status)

        def on_silence(is_silent: bool) -> None:
            say("cadence", "stale" if is_silent else "ok")

        def on_status(status: FeedStatus) -> None:
            against = _TOLD.get(status.channel)
            if against is not None:
                say(status.channel, _counted(status.status, against))

        say("book", states["book"])
        silence = market.book.pipe(op.silent(factor, least_s=least_s, most_s=most_s))
        return CompositeDisposable(
            market.book_status.subscribe(on_book, observer.on_error, scheduler=scheduler),
            silence.subscribe(on_silence, observer.on_error, scheduler=scheduler),
            feeds.venue_status(venue).subscribe(on_status, observer.on_error, scheduler=scheduler),
            keep(scheduler, on_book, on_silence, on_status),
        )

    return Kept(subscribe)


def _counted(state: FeedState, against: frozenset[FeedState]) -> FeedState:
    return state if state in against else "ok"


def is_ok(of: Observable[Health]) -> Observable[bool]:
    """Whether a market can be traded on, for `op.when` and `quote_when`."""
    says: Callable[[Health], bool] = _is_ok
    return of.pipe(op.map(says))


def _is_ok(known: Health) -> bool:
    return known.is_ok
