"""Streams as protocol objects: what to send, what a frame means, sequence rules. No socket, no clock.

https://pond.example/docs#stream
"""

from collections.abc import Iterable, Sequence

import msgspec

from adapters.base.channel import Channel
from adapters.base.rising import RisingTrades
from adapters.base.settings import Subscription, VenueSettings
from adapters.base.topics import TopicSocket
from adapters.base.websocket import Websocket as BaseWebsocket
from pond import wire
from pond.client import signature
from pond.formats import Formats
from state.errors import WrongUse
from state.events import AnyEvent, BookDelta, FeedStatus, Trade
from state.secrets import Credentials
from state.words import FeedState

TOPICS_MOST = 100  # of one connection
BEAT_S = 15.0
ASK_AGAIN_S = 1.0  # a whole book that has not come by then
LOST = -1  # a position that no update has
PING = b'{"do":"ping"}'
NAMES = {"book": "book", "trades": "trades", "ticker": "ticker"}

_envelope = msgspec.json.Decoder(wire.Envelope).decode
_book = msgspec.json.Decoder(wire.Book, strict=False).decode
_trades = msgspec.json.Decoder(wire.Trades, strict=False).decode
_ticker = msgspec.json.Decoder(wire.Ticker, strict=False).decode
_account = msgspec.json.Decoder(wire.AccountFrame).decode
_encode = msgspec.json.Encoder().encode


class BookChannel(Channel):
    """Each update names the one before it; a whole has none, and starts afresh."""

    channel = "book"
    chatty = True
    heals_on_ack = False

    def __init__(self, formats: Formats, topic: str, symbol: str) -> None:
        super().__init__(formats.venue, topic, symbol)
        self._formats = formats
        self._last = LOST
        self.asked_ns = 0

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        row = _book(frame)
        if row.before is None:
            self._last = row.seq
            return [self._formats.book(row), *self.trust()]
        if self._last == LOST or row.seq <= self._last:
            return ()
        if row.before != self._last:
            return (self.distrust("gap", f"expected an update after {self._last}, got one after {row.before}"),)
        self._last = row.seq
        return (BookDelta(self.venue, self.symbol, row.ms * 1_000_000, row.bids, row.asks, row.seq, row.before),)

    def distrust(self, status: FeedState, reason: str) -> FeedStatus:
        self._last = LOST
        return super().distrust(status, reason)

    @property
    def is_waiting(self) -> bool:
        return self._last == LOST


class TradesChannel(RisingTrades):
    """Ids rise by one."""

    def __init__(self, formats: Formats, topic: str, symbol: str) -> None:
        super().__init__(formats.venue, topic, symbol)
        self._formats = formats

    def read(self, frame: bytes) -> Sequence[Trade]:
        return self._formats.trades(_trades(frame))


class TickerChannel(Channel):
    """The best prices, the last one and the mark, whole each time."""

    channel = "ticker"

    def __init__(self, formats: Formats, topic: str, symbol: str) -> None:
        super().__init__(formats.venue, topic, symbol)
        self._formats = formats

    def receive(self, frame: bytes) -> Sequence[AnyEvent]:
        return (self._formats.ticker(_ticker(frame)),)


class Websocket(TopicSocket):
    """Public topics. Without any it is a decoder of recordings, which takes every topic that it can read."""

    prefix = b'{"topic":"'
    topics_a_request = 20
    heartbeat_s = BEAT_S

    def __init__(self, formats: Formats, name: str, url: str, topics: Sequence[str] = ()) -> None:
        self._formats = formats
        super().__init__(formats.venue, name, url, topics)

    @classmethod
    def of(
        cls, settings: VenueSettings, formats: Formats, url: str, subscriptions: Iterable[Subscription]
    ) -> list["Websocket"]:
        """As few connections as the limit allows."""
        topics = list(dict.fromkeys(map(topic_of, subscriptions)))
        starts = range(0, len(topics), TOPICS_MOST)
        return [cls(formats, f"public.{n}", url, topics[at : at + TOPICS_MOST]) for n, at in enumerate(starts)]

    def channel_of(self, topic: str) -> Channel | None:
        kind, _, symbol = topic.partition(":")
        if not symbol:
            return None
        match kind:
            case "book":
                return BookChannel(self._formats, topic, symbol)
            case "trades":
                return TradesChannel(self._formats, topic, symbol)
            case "ticker":
                return TickerChannel(self._formats, topic, symbol)
            case _:
                return None

    def subscription(self, topics: Sequence[str], number: int) -> bytes:
        return _encode({"do": "subscribe", "id": number, "topics": list(topics)})

    def on_connect(self, now: int) -> list[bytes]:
        for channel in self.channels:
            if isinstance(channel, BookChannel):
                channel.asked_ns = now
        return super().on_connect(now)

    def heartbeat(self, now: int) -> list[bytes]:
        return [PING, *super().heartbeat(now)]

    def ask_whole(self, channel: Channel, now: int) -> None:
        """A book comes whole when it is subscribed to."""
        if self._is_decoder or not isinstance(channel, BookChannel) or now - channel.asked_ns < ASK_AGAIN_S * 1e9:
            return
        if any(channel.topic in topics for topics in self._asked.values()):
            return
        channel.asked_ns = now
        self.outbox += [_encode({"do": "unsubscribe", "topics": [channel.topic]}), *self._subscribe([channel.topic])]

    def other(self, frame: bytes, recv: int) -> tuple[Channel | None, bytes, Sequence[AnyEvent]]:
        """Another key order, an answer to a request, or a stranger."""
        said = _envelope(frame)
        if said.topic is not None:
            channel = self._named(said.topic)
            return channel, frame, () if channel is not None else self._stranger(f"unknown topic {said.topic!r}")
        if said.did == "subscribe":
            return None, frame, self._answered(said.id, said.error, recv)
        if said.did in ("unsubscribe", "ping"):
            return None, frame, ()
        return None, frame, self._stranger(f"neither a topic nor an answer: {said.did!r}")


class PrivateWebsocket(BaseWebsocket):
    """What happens to one account. Nothing comes on logging in: REST tells what is."""

    private = True
    heartbeat_s = BEAT_S
    name = "private"

    def __init__(self, formats: Formats, url: str, credentials: Credentials) -> None:
        super().__init__()
        self.url = url
        self._formats = formats
        self._credentials = credentials
        self._logged_in = False

    @property
    def is_ready(self) -> bool:
        return self._logged_in

    def on_connect(self, now: int) -> list[bytes]:
        stamp, secret = str(now // 1_000_000), self._credentials.secret.reveal()
        sign = signature(secret, stamp, "GET", "/ws", b"")
        return [_encode({"do": "login", "key": self._credentials.key.reveal(), "time": stamp, "sign": sign})]

    def receive(self, frame: bytes, recv: int) -> Sequence[AnyEvent]:
        try:
            said = _envelope(frame)
            if said.topic == "account":
                return self._formats.account(_account(frame))
        except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError) as error:
            return self._odd(f"a frame did not fit: {error}")
        if said.did == "login":
            self._logged_in = not said.error
            return [self._status("down", f"login refused: {said.error}")] if said.error else ()
        return () if said.did == "ping" else self._odd(f"neither the account nor an answer: {said.did or said.topic!r}")

    def heartbeat(self, now: int) -> list[bytes]:
        return [PING]

    def on_disconnect(self, reason: str, status: FeedState = "down") -> Sequence[AnyEvent]:
        self._logged_in = False
        return [self._status(status, reason)]

    def strike(self, frame: bytes) -> bytes:
        """Without key and signature, which only the login has."""
        return b'{"do":"login"}' if b'"login"' in frame else frame

    def _odd(self, what: str) -> Sequence[AnyEvent]:
        self.suspect = True
        return [self._status("gap", what)]

    def _status(self, status: FeedState, reason: str) -> FeedStatus:
        return FeedStatus(self._formats.venue, "", "account", status, reason)


def topic_of(subscription: Subscription) -> str:
    """The topic of a public stream; raises `WrongUse` for a channel that the venue does not have."""
    if subscription.channel not in NAMES:
        raise WrongUse(f"pond has no channel {subscription.channel!r}; known: {', '.join(NAMES)}")
    return f"{NAMES[subscription.channel]}:{subscription.symbol}"
