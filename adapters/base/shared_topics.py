"""A connection where several topics of ours may be one of the venue's: its trades tell forced orders too, or all markets at once.

A venue says how a topic is called on the wire and how it is asked for. What it could not serve is asked for again.
"""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import msgspec

from adapters.base.channel import Channel
from adapters.base.numbered import Numbers
from adapters.base.topics import TopicSocket
from state.events import AnyEvent
from state.words import FeedState

ASK_AGAIN_S = 2.0

Wire: TypeAlias = tuple[str, str]  # a topic as the venue calls it: channel and id


class SharedTopicSocket(TopicSocket):
    """A book that waits is asked for whole by a new subscription; one that is older than `book_age_s` too.

    `ids_most` is how many ids of one channel the venue takes on a connection.
    """

    prefix = b"\x00"  # a frame's topic does not stand where it begins
    topics_a_request = 1
    book_age_s = float("inf")
    ids_most: int

    def __init__(self, venue: str, name: str, url: str, topics: Sequence[str] = ()) -> None:
        self._readers: dict[Wire, list[Channel]] = {}
        self._whole_ns: dict[Channel, int] = {}  # when a book was last asked for whole
        self._again: set[Wire] = set()
        self._numbers = Numbers()
        super().__init__(venue, name, url, topics)

    @classmethod
    @abstractmethod
    def wire_of(cls, topic: str) -> Wire:
        """What the venue calls a topic."""

    @abstractmethod
    def asked_for(self, wire: Wire, *, wanted: bool) -> bytes:
        """The request for a topic, or for its end."""

    @abstractmethod
    def heard_of(self, wire: Wire) -> Sequence[str]:
        """Topics of ours that a decoder of recordings takes when the venue's is first heard."""

    @classmethod
    def spread(cls, topics: Iterable[str]) -> list[list[str]]:
        """Topics over as few connections as take them; what the venue calls the same stays together."""
        groups: list[list[str]] = []
        asked: dict[str, list[str]] = {}  # ids by channel
        for topic in dict.fromkeys(topics):
            channel, name = cls.wire_of(topic)
            ids = asked.setdefault(channel, [])
            if name not in ids:
                ids.append(name)
            at = ids.index(name) // cls.ids_most
            groups += [[] for _ in range(at + 1 - len(groups))]
            groups[at].append(topic)
        return groups

    def subscription(self, topics: Sequence[str], number: int) -> bytes:
        return self.asked_for(self.wire_of(topics[0]), wanted=True)

    def _add(self, topic: str) -> Channel | None:
        channel = super()._add(topic)
        if channel is not None:
            self._readers.setdefault(self.wire_of(topic), []).append(channel)
        return channel

    def _subscribe(self, topics: Sequence[str]) -> list[bytes]:
        frames = []
        for wire in dict.fromkeys(map(self.wire_of, topics)):
            frames += super()._subscribe([next(topic for topic in topics if self.wire_of(topic) == wire)])
            self._asked[self._requests] = [topic for topic in topics if self.wire_of(topic) == wire]
        return frames

    def on_connect(self, now: int) -> list[bytes]:
        self._again.clear()
        self._whole_ns = {channel: now for channel in self.channels if channel.channel == "book"}
        return super().on_connect(now)

    def on_disconnect(self, reason: str, status: FeedState = "down") -> Sequence[AnyEvent]:
        self._again.clear()
        self._numbers.begin()
        return super().on_disconnect(reason, status)

    def numbered(self, number: int) -> None:
        """A message's number, where the venue counts them by connection: one that was lost ends it, since no topic can tell."""
        if not self._is_decoder:
            self.over = self.over or self._numbers.lost(number, is_waiting=bool(self._asked))

    def ask_whole(self, channel: Channel, now: int) -> None:
        if self._is_decoder or now - self._whole_ns.get(channel, now) < ASK_AGAIN_S * 1e9:
            return
        wire = self.wire_of(channel.topic)
        if wire not in self.pending:
            self._whole_ns[channel] = now
            self.outbox += [self.asked_for(wire, wanted=False), *self._subscribe([channel.topic])]

    def heartbeat(self, now: int) -> list[bytes]:
        for channel, asked_ns in list(self._whole_ns.items()):
            if now - asked_ns > self.book_age_s * 1e9:
                self.ask_whole(channel, now)
        super().heartbeat(now)
        again, self._again = self._again, set()
        return [*(self.asked_for(wire, wanted=True) for wire in sorted(again)), *self.replies()]

    @property
    def pending(self) -> list[Wire]:
        """What was asked for and is not answered yet."""
        return [self.wire_of(topics[0]) for topics in self._asked.values()]

    def data(self, wire: Wire, frame: bytes, recv: int, *, is_whole: bool) -> Sequence[AnyEvent]:
        """What a frame of a topic says to each that reads it; one that is whole answers the subscription."""
        if wire not in self._readers and self._is_decoder:
            for topic in self.heard_of(wire):
                self._add(topic)
        if wire not in self._readers:
            return self._stranger(f"unknown topic {'/'.join(wire)!r}")
        if is_whole and self._asked:
            self.settle(wire)
        events: list[AnyEvent] = []
        for channel in self._readers[wire]:
            try:
                told = channel.receive(frame)
            except (msgspec.DecodeError, ValueError, RecursionError) as error:
                events += self._doubt(channel, error, recv)
                continue
            if is_whole:
                told = [*channel.trust(), *told]
            events += self._considered(channel, told, recv) if channel.status == "gap" or not channel.heard else told
        return events

    def settle(self, wire: Wire) -> list[str]:
        """The topics of ours whose subscription is answered with this."""
        number = next((number for number, topics in self._asked.items() if self.wire_of(topics[0]) == wire), 0)
        return self._asked.pop(number, [])

    def refuse(self, wires: Sequence[Wire], reason: str) -> Sequence[AnyEvent]:
        """What the venue does not serve, or that it refuses something that nobody asked for."""
        self.suspect = True
        topics = [topic for wire in wires for topic in self.settle(wire)]
        self._refused.update(topics)
        refused = [self._channels[topic.encode()] for topic in topics]
        return [channel.distrust("down", reason) for channel in refused] or [self._status("gap", reason)]
