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
from adapters.base.numbered import Numbers
from adapters.base.settings import Subscription, VenueSettings
from adapters.base.shared_topics import SharedTopicSocket, Wire
from adapters.dydx import wire
from adapters.dydx.channels import CHANNELS
from adapters.dydx.types import INTERVALS
from state.errors import WrongUse
from state.events import AnyEvent
from state.words import FeedState

TOPICS_MOST = 32  # subscriptions of a connection, each of books, trades, candles
DATA = ("channel_data", "channel_batch_data", "subscribed")

_envelope = msgspec.json.Decoder(wire.Envelope, strict=False).decode
_encode = msgspec.json.Encoder().encode
_head = re.compile(
    rb'\{"type":"(channel_data|channel_batch_data|subscribed)","connection_id":"[^"]*","message_id":(\d+),'
    rb'(?:"id":"([^"]*)",)?"channel":"(\w+)"(?:,"id":"([^"]*)")?'
).match
_named = re.compile(r"(v4_[a-z_]+)(?:-([^)]+))?").search


def topic_of(subscription: Subscription) -> str:
    """Our name of a topic; raises `WrongUse` for what the venue does not have."""
    if subscription.channel != "candles":
        return f"{subscription.channel}/{subscription.symbol}"
    if subscription.interval_s not in INTERVALS:
        raise WrongUse(f"dydx has no candles of {subscription.interval_s} s; known: {sorted(INTERVALS)}")
    return f"candles/{subscription.symbol}/{INTERVALS[subscription.interval_s]}"


def wire_of(topic: str) -> Wire:
    """All markets are one topic."""
    kind, _, name = topic.partition("/")
    return CHANNELS[kind][0], "" if kind == "ticker" else name


def subscription(channel: str, name: str) -> bytes:
    """Each change as it comes, not in batches of a quarter of a second."""
    said: dict[str, str | bool] = {"type": "subscribe", "channel": channel}
    return _encode(said | ({"id": name} if name else {}) | {"batched": False})


class Websocket(SharedTopicSocket):
    """Public market data: books, trades, forced orders, tickers, candles."""

    heartbeat_s = 1.0
    book_age_s = 300.0

    def __init__(self, venue: str, name: str, url: str, topics: Sequence[str] = ()) -> None:
        self._numbers = Numbers()
        super().__init__(venue, name, url, topics)

    @classmethod
    def of(cls, settings: VenueSettings, url: str, subscriptions: Iterable[Subscription]) -> list["Websocket"]:
        """As few connections as the venue's limits allow."""
        groups: list[list[str]] = []
        asked: dict[str, list[str]] = {}  # ids by channel
        for topic in dict.fromkeys(map(topic_of, subscriptions)):
            channel, name = wire_of(topic)
            ids = asked.setdefault(channel, [])
            if name not in ids:
                ids.append(name)
            at = ids.index(name) // TOPICS_MOST
            groups += [[] for _ in range(at + 1 - len(groups))]
            groups[at].append(topic)
        return [cls(settings.venue, f"public.{n}", url, group) for n, group in enumerate(groups)]

    def channel_of(self, topic: str) -> Channel | None:
        kind, _, name = topic.partition("/")
        if kind not in CHANNELS or not (name or kind == "ticker"):
            return None
        return CHANNELS[kind][1](self.venue, topic, name.partition("/")[0])

    def wire_of(self, topic: str) -> Wire:
        return wire_of(topic)

    def heard_of(self, wire: Wire) -> Sequence[str]:
        """Trades tell of forced orders themselves."""
        return [
            f"{kind}/{wire[1]}" for kind, (name, _) in CHANNELS.items() if name == wire[0] and kind != "liquidations"
        ]

    def asked_for(self, wire: Wire, *, wanted: bool) -> bytes:
        asked = subscription(*wire)
        return asked if wanted else asked.replace(b'"subscribe"', b'"unsubscribe"', 1)

    def on_disconnect(self, reason: str, status: FeedState = "down") -> Sequence[AnyEvent]:
        self._numbers.begin()
        return super().on_disconnect(reason, status)

    def other(self, frame: bytes, recv: int) -> tuple[Channel | None, bytes, Sequence[AnyEvent]]:
        head = _head(frame)
        if head is not None:
            kind, number, topic = (
                head[1].decode(),
                int(head[2]),
                (head[4].decode(), (head[3] or head[5] or b"").decode()),
            )
        else:
            said = _envelope(frame)
            kind, number, topic = said.type, said.message_id, (said.channel, said.id)
            if kind not in DATA:
                return None, frame, self._word(said)
        events = self.data(topic, frame, recv, is_whole=kind == "subscribed")
        self._count(number)
        return None, frame, events

    def _count(self, number: int) -> None:
        if not self._is_decoder:
            self.over = self.over or self._numbers.lost(number, is_waiting=bool(self._asked))

    def _word(self, said: wire.Envelope) -> Sequence[AnyEvent]:
        """What is no topic's data. A block's height by REST has no type."""
        if said.type == "error":
            return self._error(said.message)
        if said.type in ("connected", "unsubscribed"):
            self._count(said.message_id)
        elif said.type != "pong" and (said.type or said.height is None):
            return self._stranger(f"neither data nor an answer: {said.type!r} of {said.channel!r}")
        return ()

    def _error(self, text: str) -> Sequence[AnyEvent]:
        """What could not be served now is asked for again; what cannot be served is refused."""
        named = _named(text)
        channel, name = (named[1], named[2] or "") if named is not None else ("", "")
        meant = [topic for topic in self.pending if topic[0] == channel and name in ("", topic[1])]
        if "could not fetch" in text or "already subscribed" in text:
            self._again.update(meant)
            return ()
        return self.refuse(meant, f"refused: {text}")
