"""The book by the venue's procedure: updates are kept until a snapshot comes by REST, the first that follows it straddles its
id, and from there each names the one before it.

https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams (How to manage a local order book)
"""

from collections import deque
from collections.abc import Sequence

import msgspec

from adapters.base.channel import Channel
from adapters.binance import wire
from adapters.binance.channels import CHANNELS, MS, CandlesChannel, decoder
from state.events import AnyEvent, BookDelta, BookSnapshot, FeedStatus
from state.words import FeedState

SNAPSHOT_LEVELS = 1000
EARLY_MOST = 10_000  # updates that wait for a snapshot; what is older than the newest of them is lost, and seen to be

_UNKNOWN = -3  # a position that no update id takes

_depth = decoder(wire.Depth)
_best = decoder(wire.Book)


class BookChannel(Channel):
    """Futures chain by `pu`, since their ids are shared by all symbols; spot by `U`, which may overlap but not leap."""

    __slots__ = ("_early", "_fresh", "_last", "asked_ns")
    channel = "book"
    chatty = True

    def __init__(self, venue: str, topic: str, symbol: str) -> None:
        super().__init__(venue, topic, symbol)
        self.asked_ns = 0  # when the snapshot was last asked for
        self._last = _UNKNOWN
        self._fresh = False  # a snapshot that no update has followed yet
        self._early: deque[wire.Depth] = deque(maxlen=EARLY_MOST)

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        return self._take(_depth(frame).data)

    def _take(self, depth: wire.Depth) -> Sequence[AnyEvent]:
        last = self._last
        if depth.pu == last or (last >= 0 and _follows(depth, last, fresh=self._fresh)):
            self._last, self._fresh = depth.u, False
            return (BookDelta(self.venue, self.symbol, (depth.T or depth.E) * MS, depth.b, depth.a, depth.u, last),)
        if depth.u <= last:
            return ()
        told: Sequence[AnyEvent] = ()
        if last >= 0:
            before = depth.U - 1 if depth.pu < 0 else depth.pu
            told = (self.distrust("gap", f"expected an update after {last}, got one after {before}"),)
        elif self.status is None:
            told = (self.distrust("connecting", "waits for its snapshot"),)
        self._early.append(depth)
        return told

    def snapshot(self, book: wire.Book) -> Sequence[AnyEvent]:
        """The snapshot and what has followed it already; nothing where it is older than what came before it."""
        if self._last >= 0:
            return ()  # in sequence: nothing is to be learnt from it
        at = book.lastUpdateId
        early = [depth for depth in self._early if not _is_old(depth, at)]
        if early and not _follows(early[0], at, fresh=True):
            return ()
        self._early.clear()
        self._last, self._fresh = at, True
        ts = (book.T or book.E) * MS or None
        whole = BookSnapshot(self.venue, self.symbol, ts, book.bids, book.asks, at, SNAPSHOT_LEVELS)
        events: list[AnyEvent] = [whole, *self.trust()]
        for depth in early:
            events += self._take(depth)
        return events

    def distrust(self, status: FeedState, reason: str) -> FeedStatus:
        self._last, self._fresh = _UNKNOWN, False
        self._early.clear()
        return super().distrust(status, reason)

    @property
    def is_waiting(self) -> bool:
        return self._last < 0

    @property
    def heals_on_ack(self) -> bool:
        return False


class PartialChannel(Channel):
    """The best 5, 10 or 20 levels, whole each time."""

    __slots__ = ("_depth",)
    channel = "book"
    chatty = True

    def __init__(self, venue: str, topic: str, symbol: str, depth: int) -> None:
        super().__init__(venue, topic, symbol)
        self._depth = depth

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        """Futures spell it like an update, spot like the REST answer."""
        try:
            p = _depth(frame).data
            whole = BookSnapshot(self.venue, self.symbol, (p.T or p.E) * MS, p.b, p.a, p.u, self._depth)
        except msgspec.ValidationError:
            q = _best(frame).data
            whole = BookSnapshot(self.venue, self.symbol, None, q.bids, q.asks, q.lastUpdateId, self._depth)
        return [whole, *self.trust()]

    @property
    def heals_on_ack(self) -> bool:
        return False


def channel_of(venue: str, topic: str) -> Channel | None:
    """The channel that a stream's name says, or None for one that is none of ours."""
    name, _, rest = topic.partition("@")
    symbol, kind = name.upper(), rest.partition("@")[0]  # and the speed
    if not symbol or symbol.startswith("!"):
        return None
    if kind == "depth":
        return BookChannel(venue, topic, symbol)
    if kind.startswith("depth") and kind[5:].isdigit():
        return PartialChannel(venue, topic, symbol, int(kind[5:]))
    if kind.startswith("kline_"):
        return CandlesChannel(venue, topic, symbol)
    return CHANNELS[kind](venue, topic, symbol) if kind in CHANNELS else None


def _follows(depth: wire.Depth, last: int, *, fresh: bool) -> bool:
    if depth.pu < 0:
        return depth.U <= last + 1 <= depth.u
    return depth.pu == last or (fresh and depth.U <= last <= depth.u)


def _is_old(depth: wire.Depth, at: int) -> bool:
    return depth.u <= at if depth.pu < 0 else depth.u < at
