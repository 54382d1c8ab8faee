"""A connection of public topics: subscribed in chunks, each read by its channel, doubted and trusted one by one.

A venue says how it is asked and how its frames name their topic. Where it acknowledges what it does not serve, silence is
told: a topic that must speak and has not is stale until it does.
"""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from adapters.base.channel import Channel
from adapters.base.websocket import Websocket
from state.errors import WrongUse
from state.events import AnyEvent, FeedStatus, Trade
from state.words import FeedState

SILENT_S = 30.0  # a topic that must speak has spoken by then
NEVER = 2**63


def grouped(paths: Mapping[str, Iterable[str]], most: int) -> list[tuple[str, list[str]]]:
    """Topics by address, over as few connections as take so many each."""
    return [
        (at, list(topics)[start : start + most])
        for at, topics in paths.items()
        for start in range(0, len(list(topics)), most)
    ]


def kept_together(sets: Iterable[Iterable[str]], most: int) -> list[list[str]]:
    """Topics over as few connections as take so many each, in order; those of a set are on one."""
    groups: list[dict[str, None]] = [{}]
    for topics in map(dict.fromkeys, sets):
        if len(groups[-1] | topics) > most:
            groups.append({})
        groups[-1].update(topics)
    return [list(group) for group in groups if group]


class TopicSocket(Websocket):
    """Without topics it is a decoder of recordings: it takes every topic that it can read, and asks nothing.

    `prefix` is how a frame begins, up to its topic's name, which `ending` ends.
    """

    private = False
    prefix: bytes
    ending: bytes = b'"'
    topics_a_request: int

    def __init__(self, venue: str, name: str, url: str, topics: Sequence[str] = ()) -> None:
        """Raises `WrongUse` for a topic that is none."""
        super().__init__()
        self.venue = venue
        self.name = name
        self.url = url
        self._is_decoder = not topics
        self._start = len(self.prefix)
        self._channels: dict[bytes, Channel] = {}
        self._asked: dict[int, list[str]] = {}  # not answered yet, by number of the request
        self._refused: set[str] = set()
        self._requests = 0
        self._check_at = NEVER
        for topic in topics:
            if self._add(topic) is None:
                raise WrongUse(f"{venue}: {topic!r} is not a public topic")

    # --- what a venue must say ---

    @abstractmethod
    def channel_of(self, topic: str) -> Channel | None:
        """The channel that a topic names, or None for a topic that is none of ours."""

    @abstractmethod
    def subscription(self, topics: Sequence[str], number: int) -> bytes:
        """The request for topics, by which its answer is known again."""

    @abstractmethod
    def other(self, frame: bytes, recv: int) -> tuple[Channel | None, bytes, Sequence[AnyEvent]]:
        """What is not plainly a frame of a topic: of which channel and how it reads, or what it says itself."""

    @abstractmethod
    def ask_whole(self, channel: Channel, now: int) -> None:
        """Asks for the whole of what waits for it, unless that was just done; never a decoder of recordings."""

    # --- what a connection is ---

    @property
    def is_ready(self) -> bool:
        waits = (c for c in self._channels.values() if c.status != "ok" and c.topic not in self._refused)
        return not self._asked and next(waits, None) is None

    @property
    def silence_s(self) -> float | None:
        """Trades, candles and liquidations may be quiet for hours."""
        return None if any(channel.chatty for channel in self._channels.values()) else float("inf")

    @property
    def channels(self) -> Sequence[Channel]:
        return list(self._channels.values())

    def on_connect(self, now: int) -> list[bytes]:
        self._asked.clear()
        self._refused.clear()
        self._check_at = now + int(SILENT_S * 1e9)
        for channel in self._channels.values():
            channel.heard = False
        return self._subscribe([channel.topic for channel in self._channels.values()])

    def on_disconnect(self, reason: str, status: FeedState = "down") -> Sequence[AnyEvent]:
        self._asked.clear()
        told = [channel.distrust(status, reason) for channel in self._channels.values()]
        return list(dict.fromkeys(told))  # several topics may make one feed

    def heartbeat(self, now: int) -> list[bytes]:
        for channel in self._channels.values():
            if channel.is_waiting and not any(channel.topic in topics for topics in self._asked.values()):
                self.ask_whole(channel, now)
        return []

    def strike(self, frame: bytes) -> bytes:
        return frame

    @property
    def books(self) -> Sequence[str]:
        return [channel.symbol for channel in self._channels.values() if channel.channel == "book"]

    @property
    def traded(self) -> Sequence[str]:
        return [channel.symbol for channel in self._channels.values() if channel.channel == "trades"]

    def missed(self, symbol: str, trades: Sequence[Trade]) -> Sequence[AnyEvent]:
        for channel in self._channels.values():
            if channel.channel == "trades" and channel.symbol == symbol:
                return channel.missed(trades)
        return ()

    # --- one frame after another ---

    def receive(self, frame: bytes, recv: int) -> Sequence[AnyEvent]:
        channel = None
        try:
            if frame.startswith(self.prefix):
                channel = self._channels.get(frame[self._start : frame.find(self.ending, self._start)])
            if channel is None:
                channel, frame, events = self.other(frame, recv)
                if channel is None:
                    return events
            events = channel.receive(frame)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            return self._doubt(channel, error, recv)
        if channel.status == "gap" or not channel.heard:
            return self._considered(channel, events, recv)
        return events

    def _considered(self, channel: Channel, events: Sequence[AnyEvent], recv: int) -> Sequence[AnyEvent]:
        """A first word, or a word after doubt."""
        channel.heard = True
        if channel.is_waiting:
            self.suspect = self.suspect or (bool(events) and channel.status == "gap")  # the frame that showed it
            self.ask_whole(channel, recv)
        elif channel.status in ("gap", "stale"):
            events = [*channel.trust(), *events]
        return events

    def noticed(self, now: int) -> Sequence[AnyEvent]:
        """Who should have spoken by now and has not."""
        if now < self._check_at:
            return ()
        self._check_at = NEVER
        silent = [c for c in self._channels.values() if c.chatty and not c.heard and c.topic not in self._refused]
        return [Channel.distrust(c, "stale", f"{c.topic}: subscribed, yet silent") for c in silent]

    def _doubt(self, channel: Channel | None, error: Exception, recv: int) -> Sequence[AnyEvent]:
        if channel is None:
            return (self._misfit(error),)
        self.suspect = True
        status = channel.distrust("gap", f"a frame did not fit: {error}")
        if channel.is_waiting:
            self.ask_whole(channel, recv)
        return (status,)

    # --- subscribing ---

    def _add(self, topic: str) -> Channel | None:
        channel = self.channel_of(topic)
        if channel is not None:
            self._channels[topic.encode()] = channel
        return channel

    def _named(self, topic: str) -> Channel | None:
        """The channel of a topic that a frame names; a decoder of recordings takes it when it is first heard."""
        channel = self._channels.get(topic.encode())
        return self._add(topic) if channel is None and self._is_decoder else channel

    def _subscribe(self, topics: Sequence[str]) -> list[bytes]:
        frames = []
        for start in range(0, len(topics), self.topics_a_request):
            self._requests += 1
            self._asked[self._requests] = chunk = list(topics[start : start + self.topics_a_request])
            frames.append(self.subscription(chunk, self._requests))
        return frames

    def _answered(self, number: int, refused: str, recv: int) -> Sequence[AnyEvent]:
        """A request was answered; `refused` says why it was not done, empty where it was."""
        topics = self._asked.pop(number, [])
        channels = [self._channels[topic.encode()] for topic in topics]
        if not refused:
            for channel in channels:
                if channel.is_waiting:
                    self.ask_whole(channel, recv)
            told = [event for channel in channels if channel.heals_on_ack for event in channel.trust()]
            return list(dict.fromkeys(told))
        if len(topics) > 1:  # one bad topic may have spoilt the others: ask for each half alone
            half = len(topics) // 2
            self.outbox += self._subscribe(topics[:half]) + self._subscribe(topics[half:])
            return ()
        self.suspect = True
        self._refused.update(topics)
        reason = f"refused: {refused}"
        return [channel.distrust("down", reason) for channel in channels] or [self._status("gap", reason)]

    def _stranger(self, what: str) -> Sequence[AnyEvent]:
        self.suspect = True
        return (self._status("gap", what),)

    def _status(self, status: FeedState, reason: str, symbol: str = "", channel: str = "") -> FeedStatus:
        return FeedStatus(self.venue, symbol, channel or self.name, status, reason)

    def _misfit(self, error: Exception) -> FeedStatus:
        self.suspect = True
        return self._status("gap", f"a frame did not fit: {error}")
