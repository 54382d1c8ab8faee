"""Public and private streams as protocol objects: what to send, what a frame means, what to answer, sequence rules.

No socket, no clock: `adapters/base/socket.py` owns both. A frame that does not fit becomes a `FeedStatus` and the stream
resyncs; only an order word that no table has raises, because to go on trading on a misread order is worse than to stop.
https://bybit-exchange.github.io/docs/v5/ws/connect
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from hmac import new as hmac

import msgspec

from adapters.base.channel import Channel
from adapters.base.client import Request
from adapters.base.settings import Subscription, VenueSettings
from adapters.base.websocket import OrderSocket
from adapters.base.websocket import Websocket as BaseWebsocket
from adapters.bybit import wire
from adapters.bybit.account import Account
from adapters.bybit.channels import TradesChannel, channel_of
from adapters.bybit.types import INTERVALS
from state.errors import WrongUse
from state.events import AnyEvent, FeedStatus, Trade
from state.secrets import Credentials
from state.words import FeedState

MAX_ARGS_CHARACTERS = 21_000  # of all args of one public connection
TOPICS_A_REQUEST = 10  # the spot limit; linear has none, and a bad topic then spoils few others
PING_S = 20.0
RESYNC_AFTER_S = 10.0  # a snapshot that has not come by then is asked for again
AUTH_LIFE_MS = 10_000
ALREADY_AUTHENTICATED = 20_001
PRIVATE_TOPICS = ("order", "execution", "position", "wallet")

_PREFIX = b'{"topic":"'
_START = len(_PREFIX)

_envelope = msgspec.json.Decoder(wire.Envelope).decode
_encode = msgspec.json.Encoder().encode


def topic_of(subscription: Subscription, default_depth: int) -> str:
    """The topic of a public stream; raises `WrongUse` for an interval the venue does not have."""
    symbol = subscription.symbol
    match subscription.channel:
        case "book":
            return f"orderbook.{subscription.depth or default_depth}.{symbol}"
        case "trades":
            return f"publicTrade.{symbol}"
        case "ticker":
            return f"tickers.{symbol}"
        case "liquidations":
            return f"allLiquidation.{symbol}"
        case "candles":
            return f"kline.{INTERVALS[subscription.interval_s]}.{symbol}"


def _beginning(topic: str) -> bytes:
    """How the frames of a topic begin, up to the quote that ends its name."""
    return _PREFIX + topic.encode()


def split(topics: Iterable[str], limit: int = MAX_ARGS_CHARACTERS) -> list[list[str]]:
    """Topics over as few connections as the venue's limit on the length of all args allows, in order."""
    groups: list[list[str]] = []
    room = 0
    for topic in dict.fromkeys(topics):
        cost = len(topic) + 3  # quotes and comma
        if cost > room:
            groups.append([])
            room = limit - 1  # the brackets, less the last comma
        groups[-1].append(topic)
        room -= cost
    return groups


def websocket_signature(secret: str, expires_ms: int) -> str:
    """https://bybit-exchange.github.io/docs/v5/ws/connect#authentication"""
    return hmac(secret.encode(), f"GET/realtime{expires_ms}".encode(), sha256).hexdigest()


class Stream(BaseWebsocket):
    """What public, private and trade connections share: requests with ids, acknowledgements, authentication, ping."""

    heartbeat_s = PING_S

    def __init__(self, venue: str, name: str, url: str, credentials: Credentials | None) -> None:
        super().__init__()
        self.venue = venue
        self.name = name
        self.url = url
        self._credentials = credentials
        self._authenticated = credentials is None
        self._requests = 0
        self._asked: dict[str, list[str]] = {}

    def strike(self, frame: bytes) -> bytes:
        """Blanks all arguments of an auth request: key, expiry, signature."""
        if b'"auth"' not in frame:
            return frame
        request = msgspec.json.decode(frame)
        if isinstance(request, dict) and request.get("op") == "auth" and "args" in request:
            request["args"] = ["***"] * len(request["args"])
            return _encode(request)
        return frame

    def heartbeat(self, now: int) -> list[bytes]:
        return [_encode({"req_id": "ping", "op": "ping"})]

    def _auth(self, now: int, request_id: str = "req_id") -> bytes:
        assert self._credentials is not None
        expires = now // 1_000_000 + AUTH_LIFE_MS
        signature = websocket_signature(self._credentials.secret.reveal(), expires)
        return _encode({request_id: "auth", "op": "auth", "args": [self._credentials.key.reveal(), expires, signature]})

    def _subscribe(self, topics: Sequence[str], op: str = "subscribe") -> list[bytes]:
        frames = []
        for start in range(0, len(topics), TOPICS_A_REQUEST):
            self._requests += 1
            request = f"s{self._requests}"
            chunk = list(topics[start : start + TOPICS_A_REQUEST])
            if op == "subscribe":
                self._asked[request] = chunk
            frames.append(_encode({"req_id": request, "op": op, "args": chunk}))
        return frames

    def _status(self, status: FeedState, reason: str, symbol: str = "", channel: str = "") -> FeedStatus:
        return FeedStatus(self.venue, symbol, channel or self.name, status, reason)

    def _misfit(self, error: Exception) -> FeedStatus:
        self.suspect = True
        return self._status("gap", f"a frame did not fit: {error}")


class Websocket(Stream):
    """Public market data of one market: books in sequence, trades, tickers, candles, liquidations.

    Without topics it is a decoder of recordings: it takes every topic that it can read, and asks nothing.
    """

    private = False

    def __init__(self, venue: str, name: str, url: str, topics: Sequence[str] = ()) -> None:
        super().__init__(venue, name, url, None)
        self._open = not topics
        self._channels: dict[bytes, Channel] = {}  # by the beginning of their frames
        self._asked_again = 0
        self._refused: set[str] = set()
        for topic in topics:
            if self._add(topic) is None:
                raise WrongUse(f"{venue}: {topic!r} is not a public topic")

    @classmethod
    def of(cls, settings: VenueSettings, url: str, subscriptions: Iterable[Subscription]) -> list["Websocket"]:
        """As few connections as the venue's limits allow."""
        topics = [topic_of(subscription, settings.book_depth) for subscription in subscriptions]
        return [cls(settings.venue, f"public.{n}", url, group) for n, group in enumerate(split(topics))]

    @property
    def is_ready(self) -> bool:
        waits = (c for c in self._channels.values() if c.status != "ok" and c.topic not in self._refused)
        return not self._asked and next(waits, None) is None

    @property
    def channels(self) -> Sequence[Channel]:
        return list(self._channels.values())

    def on_connect(self, now: int) -> list[bytes]:
        self._asked.clear()
        self._refused.clear()
        return self._subscribe([channel.topic for channel in self._channels.values()])

    def receive(self, frame: bytes, recv: int) -> Sequence[AnyEvent]:
        channel = None
        try:
            channel = self._channels.get(frame[: frame.find(b'"', _START)])
            if channel is None:
                channel, events = self._other(frame)
                if channel is None:
                    return events
            events = channel.receive(frame)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            return self._doubt(channel, error)
        if channel.status == "gap":
            return self._after_doubt(channel, events, recv)
        return events

    def heartbeat(self, now: int) -> list[bytes]:
        frames = super().heartbeat(now)
        if now - self._asked_again >= RESYNC_AFTER_S * 1e9:
            waiting = [channel.topic for channel in self._channels.values() if channel.is_waiting]
            if waiting and not self._asked:
                self._asked_again = now
                frames += self._subscribe(waiting, "unsubscribe") + self._subscribe(waiting)
        return frames

    def on_disconnect(self, reason: str, status: FeedState = "down") -> Sequence[AnyEvent]:
        self._asked.clear()
        return [channel.distrust(status, reason) for channel in self._channels.values()]

    @property
    def books(self) -> Sequence[str]:
        return [channel.symbol for channel in self._channels.values() if channel.channel == "book"]

    @property
    def traded(self) -> Sequence[str]:
        return [channel.symbol for channel in self._channels.values() if isinstance(channel, TradesChannel)]

    def missed(self, symbol: str, trades: Sequence[Trade]) -> Sequence[AnyEvent]:
        channel = self._channels.get(_beginning(f"publicTrade.{symbol}"))
        return channel.missed(trades) if isinstance(channel, TradesChannel) else ()

    def resync(self, topic: str) -> None:
        """Asks the venue for the whole of a topic again."""
        if not self._open:
            self.outbox += self._subscribe([topic], "unsubscribe") + self._subscribe([topic])

    def _add(self, topic: str) -> Channel | None:
        channel = channel_of(self.venue, topic)
        if channel is not None:
            self._channels[_beginning(topic)] = channel
        return channel

    def _other(self, frame: bytes) -> tuple[Channel | None, Sequence[AnyEvent]]:
        """A frame that is not plainly one of the topics asked for: another key order, an answer, or a stranger."""
        envelope = _envelope(frame)
        if envelope.topic is not None:
            channel = self._channels.get(_beginning(envelope.topic))
            if channel is None and self._open:
                channel = self._add(envelope.topic)
            if channel is not None:
                return channel, ()
            self.suspect = True
            return None, (self._status("gap", f"unknown topic {envelope.topic!r}"),)
        if envelope.op in ("subscribe", "unsubscribe"):
            return None, self._answered(envelope)
        if envelope.op in ("ping", "pong"):
            return None, ()
        self.suspect = True
        return None, (self._status("gap", f"neither a topic nor an answer: op {envelope.op!r}"),)

    def _answered(self, envelope: wire.Envelope) -> Sequence[AnyEvent]:
        topics = self._asked.pop(envelope.req_id, [])
        channels = [self._channels[_beginning(topic)] for topic in topics]
        if envelope.success or "already subscribed" in envelope.ret_msg:
            return [event for channel in channels if channel.heals_on_ack for event in channel.trust()]
        if envelope.op == "unsubscribe":
            return ()
        if len(topics) > 1:  # one bad topic may have spoilt the others: ask for each alone
            for topic in topics:
                self.outbox += self._subscribe([topic])
            return ()
        self.suspect = True
        self._refused.update(topics)
        reason = f"refused: {envelope.ret_msg}"
        return [channel.distrust("down", reason) for channel in channels] or [self._status("gap", reason)]

    def _doubt(self, channel: Channel | None, error: Exception) -> Sequence[AnyEvent]:
        if channel is None:
            return (self._misfit(error),)
        self.suspect = True
        waiting = channel.is_waiting
        status = channel.distrust("gap", f"a frame did not fit: {error}")
        if channel.is_waiting and not waiting:
            self.resync(channel.topic)
        return (status,)

    def _after_doubt(self, channel: Channel, events: Sequence[AnyEvent], recv: int) -> Sequence[AnyEvent]:
        if not channel.is_waiting:
            return [*channel.trust(), *events]
        if events:  # the frame that showed the gap
            self.suspect = True
            self._asked_again = recv
            self.resync(channel.topic)
        return events


class PrivateWebsocket(Stream):
    """Orders, executions, positions and wallet of one account. No snapshot comes on subscribing: REST tells the rest."""

    private = True

    def __init__(self, url: str, account: Account, credentials: Credentials, topics: Sequence[str] = PRIVATE_TOPICS):
        super().__init__(account.venue, "private", url, credentials)
        self._account = account
        self._topics = topics
        self._subscribed = False

    def _status(self, status: FeedState, reason: str, symbol: str = "", channel: str = "account") -> FeedStatus:
        return super()._status(status, reason, symbol, channel)

    @property
    def is_ready(self) -> bool:
        return self._authenticated and self._subscribed

    def on_connect(self, now: int) -> list[bytes]:
        return [self._auth(now)]

    def on_disconnect(self, reason: str, status: FeedState = "down") -> Sequence[AnyEvent]:
        self._authenticated = self._subscribed = False
        self._asked.clear()
        return [self._status(status, reason)]

    def receive(self, frame: bytes, recv: int) -> Sequence[AnyEvent]:
        try:
            envelope = _envelope(frame)
            if envelope.topic is not None:
                events = self._account.private(envelope.topic, frame)
                if events is not None:
                    return events
                self.suspect = True
                return (self._status("gap", f"unknown topic {envelope.topic!r}"),)
            return self._answered(envelope)
        except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError) as error:
            return (self._misfit(error),)

    def _answered(self, envelope: wire.Envelope) -> Sequence[AnyEvent]:
        if envelope.op in ("ping", "pong"):
            return ()
        if envelope.op == "auth":
            if not envelope.success:
                return (self._status("down", f"authentication refused: {envelope.ret_msg or envelope.retMsg}"),)
            self._authenticated = True
            self._subscribed = not self._topics
            self.outbox += self._subscribe(self._topics)
            return ()
        if envelope.op == "subscribe":
            self._asked.pop(envelope.req_id, None)
            if not envelope.success:
                return (self._status("down", f"refused: {envelope.ret_msg}"),)
            self._subscribed = not self._asked
            return ()  # "ok" is said by whoever has read by REST what was missed meanwhile
        self.suspect = True
        return (self._status("gap", f"neither a topic nor an answer: op {envelope.op!r}"),)


class TradeWebsocket(Stream, OrderSocket):
    """Order entry. Bodies equal those of REST; the connection's authentication covers them.

    https://bybit-exchange.github.io/docs/v5/websocket/trade/guideline
    """

    def __init__(self, venue: str, url: str, credentials: Credentials, recv_window_ms: int) -> None:
        super().__init__(venue, "trade", url, credentials)
        self._recv_window = str(recv_window_ms)

    @property
    def is_ready(self) -> bool:
        return self._authenticated

    def on_connect(self, now: int) -> list[bytes]:
        return [self._auth(now, "reqId")]

    def heartbeat(self, now: int) -> list[bytes]:
        return [_encode({"reqId": "ping", "op": "ping"})]

    def on_disconnect(self, reason: str, status: FeedState = "down") -> Sequence[AnyEvent]:
        self._authenticated = False
        return [self._status(status, reason)]

    def receive(self, frame: bytes, recv: int) -> Sequence[AnyEvent]:
        try:
            envelope = _envelope(frame)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            return (self._misfit(error),)
        if envelope.op == "auth":
            self._authenticated = envelope.retCode in (0, ALREADY_AUTHENTICATED)
            reason = "" if self._authenticated else f"authentication refused: {envelope.retCode} {envelope.retMsg}"
            return (self._status("down" if reason else "ok", reason),)
        if envelope.op in ("ping", "pong"):
            return ()
        if envelope.reqId:
            self.answers.append((envelope.reqId, frame))
            return ()
        self.suspect = True
        return (self._status("gap", f"an answer to nothing: {envelope.retCode} {envelope.retMsg}"),)

    def encode(self, request: Request, request_id: str, now_ms: int) -> bytes:
        header = {"X-BAPI-TIMESTAMP": str(now_ms), "X-BAPI-RECV-WINDOW": self._recv_window}
        head = _encode({"reqId": request_id, "header": header, "op": request.endpoint.op})
        return b"".join((head[:-1], b',"args":[', request.body, b"]}"))
