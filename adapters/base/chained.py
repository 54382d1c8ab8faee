"""A book of updates alone, whose whole comes by REST: updates are kept until it does, the first that follows it must fit, and
from there each must follow the one before.
"""

from abc import abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import msgspec

from adapters.base.channel import Channel
from adapters.base.client import Request
from adapters.base.topics import TopicSocket
from state.errors import TapelineError
from state.events import AnyEvent, BookDelta, BookSnapshot, FeedStatus
from state.words import FeedState

EARLY_MOST = 10_000  # updates that wait for the whole; what is older than the newest of them is lost, and seen to be
ASK_AGAIN_S = 1.0
_UNKNOWN = -3  # a position that no update id takes

Update = TypeVar("Update")


class ChainedBook(Channel, Generic[Update]):
    """A venue reads a frame and lets `take` judge it; it says which update follows which."""

    __slots__ = ("_early", "_fresh", "_last", "asked_ns")

    channel = "book"
    chatty = True

    def __init__(self, venue: str, topic: str, symbol: str) -> None:
        super().__init__(venue, topic, symbol)
        self.asked_ns = 0  # when the whole was last asked for
        self._last = _UNKNOWN
        self._fresh = False  # a whole that no update has followed yet
        self._early: deque[Update] = deque(maxlen=EARLY_MOST)

    @abstractmethod
    def told(self, update: Update, last: int) -> BookDelta:
        """The update as an event, after the update id `last`."""

    @abstractmethod
    def ids(self, update: Update) -> tuple[int, int]:
        """The id of the one before it, as far as the venue tells, and its own."""

    @abstractmethod
    def follows(self, update: Update, last: int, *, fresh: bool) -> bool:
        """Whether it is the next after `last`; `fresh` where that is a whole."""

    @abstractmethod
    def is_old(self, update: Update, at: int) -> bool:
        """Whether the whole of id `at` holds it already."""

    def take(self, update: Update) -> Sequence[AnyEvent]:
        last = self._last
        if last >= 0 and self.follows(update, last, fresh=self._fresh):
            event = self.told(update, last)
            self._last, self._fresh = event.update_id or 0, False
            return (event,)
        before, own = self.ids(update)
        if own <= last:
            return ()
        told: Sequence[AnyEvent] = ()
        if last >= 0:
            told = (self.distrust("gap", f"expected an update after {last}, got one after {before}"),)
        elif self.status is None:
            told = (self.distrust("connecting", "waits for its snapshot"),)
        self._early.append(update)
        return told

    def whole(self, snapshot: BookSnapshot) -> Sequence[AnyEvent]:
        """The whole and what has followed it already; nothing where it is older than what came before it."""
        at = snapshot.update_id or 0
        if self._last >= 0:
            return ()  # in sequence: nothing is to be learnt from it
        early = [update for update in self._early if not self.is_old(update, at)]
        if early and not self.follows(early[0], at, fresh=True):
            return ()
        self._early.clear()
        self._last, self._fresh = at, True
        events: list[AnyEvent] = [snapshot, *self.trust()]
        for update in early:
            events += self.take(update)
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


class ChainedSocket(TopicSocket):
    """Public topics of which the books are made whole by REST."""

    def __init__(self, venue: str, name: str, url: str, topics: Sequence[str] = ()) -> None:
        self._fetching: dict[str, ChainedBook[Any]] = {}  # by the query that is under way
        super().__init__(venue, name, url, topics)

    @abstractmethod
    def whole_of(self, symbol: str) -> Request:
        """The request for the whole of a book."""

    @abstractmethod
    def snapshot(self, book: ChainedBook[Any], body: bytes) -> Sequence[AnyEvent]:
        """The book that an answer tells, with what followed it; nothing where it is too old to be followed."""

    def on_disconnect(self, reason: str, status: FeedState = "down") -> Sequence[AnyEvent]:
        self._fetching.clear()
        return super().on_disconnect(reason, status)

    def ask_whole(self, channel: Channel, now: int) -> None:
        if self._is_decoder or not isinstance(channel, ChainedBook) or now - channel.asked_ns < ASK_AGAIN_S * 1e9:
            return
        request = self.whole_of(channel.symbol)
        if request.query not in self._fetching:
            channel.asked_ns, self._fetching[request.query] = now, channel
            self.wanted.append(request)

    def answered(self, request: Request, body: bytes, recv: int) -> Sequence[AnyEvent]:
        book = self._fetching.pop(request.query, None)
        if book is None:
            return ()
        try:
            return self.snapshot(book, body)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            self.suspect = True
            return (book.distrust("gap", f"a snapshot did not fit: {error}"),)

    def unanswered(self, request: Request, error: TapelineError) -> Sequence[AnyEvent]:
        book = self._fetching.pop(request.query, None)
        return () if book is None else (book.distrust("gap", f"no snapshot: {error}"),)


class ChainedRecording(ChainedSocket):
    """Reads what was recorded: there a whole stands among the frames, and nothing may say whose it is."""

    _orphan = b""  # a whole that came before anything that could be its own

    def receive(self, frame: bytes, recv: int) -> Sequence[AnyEvent]:
        events = super().receive(frame, recv)
        if not self._orphan or not self._books(""):
            return events
        body, self._orphan = self._orphan, b""
        return [*events, *self.inlined("", body)]

    def inlined(self, topic: str, body: bytes) -> Sequence[AnyEvent]:
        """The whole of the book of a topic; where none is known, of the one book that waits for it."""
        named = self.channel_of(topic) if topic else None
        if named is not None and not self._books(named.symbol):
            self._add(topic)
        found = [book for book in self._books("") if book.is_waiting] if named is None else self._books(named.symbol)
        if len(found) == 1:
            return self.snapshot(found[0], body)
        self._orphan = body if not found and not self._books("") else b""
        return self._stranger(f"a book of nobody: {len(found)} wait for one") if found else ()

    def _add(self, topic: str) -> Channel | None:
        """The book of a whole that came first takes the name of the topic that goes on from it."""
        made = super()._add(topic)
        waits = [book for book in self._books(made.symbol) if not book.heard] if isinstance(made, ChainedBook) else []
        if waits:
            made = self._channels[topic.encode()] = waits[0]
        return made

    def _books(self, symbol: str) -> Sequence[ChainedBook[Any]]:
        books = [channel for channel in dict.fromkeys(self.channels) if isinstance(channel, ChainedBook)]
        return [book for book in books if symbol in ("", book.symbol)]
