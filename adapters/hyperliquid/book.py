"""The book of one market: whole every time, so that nothing can be missed; of two cadences, joined to one.

Twenty levels come every five seconds and five levels twice a second. What the five say is newer; beyond the last of them
stands what the twenty said. https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket/subscriptions
"""

from collections.abc import Sequence

import msgspec

from adapters.base.channel import Channel
from adapters.hyperliquid import wire
from state.events import AnyEvent, BookSnapshot, FeedStatus
from state.market_events import Level
from state.words import FeedState

MS = 1_000_000  # ns
DEEP, FAST = 20, 5
STALE_NS = 15_000_000_000  # three times the slower cadence

_book = msgspec.json.Decoder(wire.Message[wire.Book], strict=False).decode


class Joined:
    """What both cadences said of one market last."""

    __slots__ = ("deep", "fast")

    def __init__(self) -> None:
        self.deep: wire.Book | None = None
        self.fast: wire.Book | None = None

    def forget(self) -> None:
        self.deep = self.fast = None

    def take(self, said: wire.Book) -> tuple[list[Level], list[Level], int] | None:
        """Bids, asks and how deep they are; None for what is older than what is known."""
        known = self.fast if said.fast else self.deep
        if known is not None and said.time < known.time:
            return None
        if said.fast:
            self.fast = said
        else:
            self.deep = said
        deep, fast = self.deep, self.fast
        if deep is None or fast is None or deep.time >= fast.time:
            newest = said if deep is None or fast is None else deep
            return _levels(newest.levels[0]), _levels(newest.levels[1]), FAST if newest.fast else DEEP
        bids, asks = (_levels(side) for side in fast.levels)
        if len(bids) >= FAST:
            bids += [(level.px, level.sz) for level in deep.levels[0] if level.px < bids[FAST - 1][0]]
        if len(asks) >= FAST:
            asks += [(level.px, level.sz) for level in deep.levels[1] if level.px > asks[FAST - 1][0]]
        return bids, asks, DEEP


class BookChannel(Channel):
    """One cadence of it."""

    __slots__ = ("_joined", "told_at")

    channel = "book"
    chatty = True

    def __init__(self, venue: str, topic: str, symbol: str, joined: Joined) -> None:
        super().__init__(venue, topic, symbol)
        self.told_at = 0  # ns, ours
        self._joined = joined

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        said = _book(frame).data
        found = self._joined.take(said)
        if found is None:
            return ()
        bids, asks, depth = found
        whole = BookSnapshot(self.venue, self.symbol, said.time * MS or None, bids, asks, None, depth)
        return (whole,) if self.status == "ok" else (whole, *self.trust())

    def distrust(self, status: FeedState, reason: str) -> FeedStatus:
        self._joined.forget()
        return super().distrust(status, reason)

    @property
    def heals_on_ack(self) -> bool:
        return False


def _levels(side: Sequence[wire.Level]) -> list[Level]:
    return [(level.px, level.sz) for level in side]
