"""Public streams as a protocol object: what to send, what a frame means, sequence rules. No socket, no clock.

Messages are numbered by connection. A number is drawn when a subscription arrives, but its answer may come after other messages,
so one that is missing is lost for certain only once nothing is asked any more; then the connection is made anew, since no
channel can say that it lost something. A book's stale levels are dropped by the venue without a word: so it is asked for again
now and then. https://docs.dydx.xyz/indexer-client/websockets
"""

import re
from collections.abc import Iterable, Sequence

import msgspec

from adapters.base.channel import Channel
from adapters.base.settings import Subscription, VenueSettings
from adapters.base.topics import TopicSocket
from adapters.dydx import wire
from adapters.dydx.book import BookChannel
from adapters.dydx.channels import CHANNELS
from adapters.dydx.types import INTERVALS
from state.errors import WrongUse
from state.events import AnyEvent
from state.words import FeedState

TOPICS_MOST = 32  # subscriptions of a connection, each of books, trades, candles
BEAT_S = 1.0
ASK_AGAIN_S = 2.0  # the same topic more than twice a second ends the connection
BOOK_AGE_S = 300.0
DEPTHS = (50, 100)

_envelope = msgspec.json.Decoder(wire.Envelope, strict=False).decode
_encode = msgspec.json.Encoder().encode
_head = re.compile(
    rb'\{"type":"(channel_data|channel_batch_data|subscribed)","connection_id":"([^"]*)","message_id":(\d+),'
    rb'(?:"id":"([^"]*)",)?"channel":"(v4_\w+)"(?:,"id":"([^"]*)")?'
).match
_named = re.compile(r"(v4_[a-z_]+?)(?:-([^)]+))?\)?(?:$|[\s.,])").search


def topic_of(subscription: Subscription) -> str:
    """Our name of a topic; raises `WrongUse` for what the venue does not have."""
    if subscription.channel != "candles":
        return f"{subscription.channel}/{subscription.symbol}"
    if subscription.interval_s not in INTERVALS:
        raise WrongUse(f"dydx has no candles of {subscription.interval_s} s; known: {sorted(INTERVALS)}")
    return f"candles/{subscription.symbol}/{INTERVALS[subscription.interval_s]}"


def wire_of(topic: str) -> tuple[str, str]:
    """Channel and id of a topic on the wire; all markets are one topic there."""
    kind, _, name = topic.partition("/")
    channel = CHANNELS[kind][0]
    return channel, "" if channel == "v4_markets" else name


class Websocket(TopicSocket):
    """Public market data: books, trades, forced orders, tickers, candles."""

    prefix = b"\x00"  # a frame's topic does not stand where it begins
    topics_a_request = 1
    heartbeat_s = BEAT_S

    def __init__(self, venue: str, name: str, url: str, topics: Sequence[str] = (), *, batched: bool = False) -> None:
        self._batched = batched
        self._readers: dict[tuple[str, str], list[Channel]] = {}  # by channel and id on the wire
        self._last = -1  # number of the newest message
        self._missing: set[int] = set()
        self._again: set[tuple[str, str]] = set()  # to be asked for again
        super().__init__(venue, name, url, topics)

    @classmethod
    def of(cls, settings: VenueSettings, url: str, subscriptions: Iterable[Subscription]) -> list["Websocket"]:
        """As few connections as the venue's limits allow."""
        groups: list[dict[str, None]] = []
        counts: dict[tuple[int, str], set[str]] = {}
        for topic in dict.fromkeys(map(topic_of, subscriptions)):
            channel, name = wire_of(topic)
            at = 0
            while len(counts.setdefault((at, channel), set()) - {name}) >= TOPICS_MOST:
                at += 1
            counts[at, channel].add(name)
            groups += [{} for _ in range(at + 1 - len(groups))]
            groups[at][topic] = None
        return [cls(settings.venue, f"public.{n}", url, list(group)) for n, group in enumerate(groups)]

    def channel_of(self, topic: str) -> Channel | None:
        kind, _, name = topic.partition("/")
        if kind not in CHANNELS or not (name or kind == "ticker"):
            return None
        return CHANNELS[kind][1](self.venue, topic, name.partition("/")[0])

    def _add(self, topic: str) -> Channel | None:
        channel = super()._add(topic)
        if channel is not None:
            self._readers.setdefault(wire_of(topic), []).append(channel)
        return channel

    # --- what is sent ---

    def subscription(self, topics: Sequence[str], number: int) -> bytes:
        return self._ask("subscribe", wire_of(topics[0]))

    def _ask(self, word: str, topic: tuple[str, str]) -> bytes:
        channel, name = topic
        request: dict[str, str | bool] = {"type": word, "channel": channel}
        if name:
            request["id"] = name
        if word == "subscribe":
            request["batched"] = self._batched
        return _encode(request)

    def _subscribe(self, topics: Sequence[str]) -> list[bytes]:
        """Several topics of ours may be one of the venue's."""
        frames = []
        for asked in dict.fromkeys(map(wire_of, topics)):
            self._requests += 1
            self._asked[self._requests] = [topic for topic in topics if wire_of(topic) == asked]
            frames.append(self._ask("subscribe", asked))
        return frames

    def on_connect(self, now: int) -> list[bytes]:
        self._begin()
        for channel in self.channels:
            if isinstance(channel, BookChannel):
                channel.asked_ns = now
        return super().on_connect(now)

    def on_disconnect(self, reason: str, status: FeedState = "down") -> Sequence[AnyEvent]:
        self._begin()
        return super().on_disconnect(reason, status)

    def _begin(self) -> None:
        self._last = -1
        self._missing.clear()
        self._again.clear()

    def ask_whole(self, channel: Channel, now: int) -> None:
        """A book is whole again with a new subscription."""
        if self._is_decoder or not isinstance(channel, BookChannel) or now - channel.asked_ns < ASK_AGAIN_S * 1e9:
            return
        if any(channel.topic in topics for topics in self._asked.values()):
            return
        channel.asked_ns = now
        self.outbox += [self._ask("unsubscribe", wire_of(channel.topic)), *self._subscribe([channel.topic])]

    def heartbeat(self, now: int) -> list[bytes]:
        """What the venue could not serve is asked for again, and a book that is old."""
        for channel in self.channels:
            if isinstance(channel, BookChannel) and now - channel.asked_ns > BOOK_AGE_S * 1e9:
                self.ask_whole(channel, now)
        super().heartbeat(now)
        again, self._again = self._again, set()
        return [*(self._ask("subscribe", topic) for topic in sorted(again)), *self.replies()]

    # --- what is heard ---

    def other(self, frame: bytes, recv: int) -> tuple[Channel | None, bytes, Sequence[AnyEvent]]:
        head = _head(frame)
        if head is not None:
            kind, number, channel = head[1].decode(), int(head[3]), head[5].decode()
            name = (head[4] or head[6] or b"").decode()
        else:
            said = _envelope(frame)
            kind, number, channel, name = said.type, said.message_id, said.channel, said.id
            if kind not in ("channel_data", "channel_batch_data", "subscribed"):
                return None, frame, self._word(said)
        self._count(number)
        return None, frame, self._data(kind, (channel, name), frame, recv)

    def _data(self, kind: str, topic: tuple[str, str], frame: bytes, recv: int) -> Sequence[AnyEvent]:
        channels = self._readers.get(topic) or self._found(topic)
        if not channels:
            return self._stranger(f"unknown topic {'/'.join(topic)!r}")
        if kind == "subscribed" and self._asked:
            self._settle(topic)
        events: list[AnyEvent] = []
        for channel in channels:
            try:
                told = channel.receive(frame)
            except (msgspec.DecodeError, ValueError, RecursionError) as error:
                events += self._doubt(channel, error, recv)
                continue
            if kind == "subscribed" and channel.heals_on_ack:
                told = [*channel.trust(), *told]
            events += self._considered(channel, told, recv) if channel.status == "gap" or not channel.heard else told
        return events

    def _found(self, topic: tuple[str, str]) -> Sequence[Channel]:
        """A decoder of recordings takes a topic when it is first heard."""
        if self._is_decoder:
            for kind, (channel, _) in CHANNELS.items():
                if channel == topic[0] and kind != "liquidations":  # whose trades tell as much
                    self._add(f"{kind}/{topic[1]}")
        return self._readers.get(topic, ())

    def _settle(self, topic: tuple[str, str]) -> list[str]:
        """The topics of ours that a subscription was asked for, which is answered now."""
        for number, topics in self._asked.items():
            if wire_of(topics[0]) == topic:
                return self._asked.pop(number)
        return []

    def _count(self, number: int) -> None:
        """Notes a message's number; once nothing is asked, every number of before must have come."""
        if self._is_decoder:
            return
        if number > self._last + 1 and self._last >= 0:
            self._missing.update(range(self._last + 1, min(number, self._last + 1_000)))
        self._missing.discard(number)
        self._last = max(self._last, number)
        if self._missing and not self._asked and not self._again:
            self.over = f"message {min(self._missing)} was lost"

    def _word(self, said: wire.Envelope) -> Sequence[AnyEvent]:
        """What is no topic's data."""
        match said.type:
            case "connected":
                self._last = said.message_id
                return ()
            case "unsubscribed":
                self._count(said.message_id)
                return ()
            case "pong":
                return ()
            case "error":
                return self._error(said)
            case "" if said.height is not None:
                return ()  # a block's height by REST
            case _:
                return self._stranger(f"neither data nor an answer: {said.type!r} of {said.channel!r}")

    def _error(self, said: wire.Envelope) -> Sequence[AnyEvent]:
        """What could not be served now is asked for again; what cannot be served is refused."""
        named = _named(said.message)
        channel, name = (named[1], named[2] or "") if named is not None else ("", "")
        asked = [wire_of(topics[0]) for topics in self._asked.values()]
        meant = [topic for topic in asked if topic[0] == channel and name in ("", topic[1])]
        if any(word in said.message for word in ("could not fetch", "already subscribed")):
            self._again.update(meant)
            return ()
        self.suspect = True
        topics = [topic for each in meant for topic in self._settle(each)]
        self._refused.update(topics)
        refused = [self._channels[topic.encode()] for topic in topics]
        reason = f"refused: {said.message}"
        return [channel.distrust("down", reason) for channel in refused] or [self._status("gap", reason)]
