"""Public market streams as a protocol object: what to send, what a frame means, what to ask of REST, sequence rules.

No socket, no clock: `adapters/base/socket.py` owns both. The venue acknowledges a misspelt stream like a good one and says
nothing at all on the wrong path, so silence where something must be heard is told.
https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams
"""

from collections.abc import Iterable, Sequence
from urllib.parse import quote

import msgspec

from adapters.base.client import Request
from adapters.base.settings import Subscription, VenueSettings
from adapters.base.websocket import Websocket as BaseWebsocket
from adapters.binance import wire
from adapters.binance.book import SNAPSHOT_LEVELS, BookChannel, channel_of
from adapters.binance.channels import Channel, TradesChannel
from adapters.binance.endpoints import Endpoints, depth_weight
from adapters.binance.types import INTERVALS
from state.errors import TapelineError, WrongUse
from state.events import AnyEvent, FeedStatus, Trade
from state.words import FeedState

STREAMS_MOST = 1_000  # of one connection; the venue's limit is 1024
STREAMS_A_REQUEST = 200  # a connection may send ten messages a second
BEAT_S = 1.0
PING_S = 20.0
AGE_MOST_S = 23 * 3_600.0  # the venue ends a connection after 24 h; we choose when
SILENT_S = 30.0  # a stream that must speak has spoken by then
ASK_AGAIN_S = 1.0
PARTIAL_DEPTHS = (5, 10, 20)
NEVER = 2**63

_PREFIX = b'{"stream":"'
_START = len(_PREFIX)
_MARKET_KINDS = ("aggTrade", "markPrice", "kline_", "ticker", "forceOrder")  # the others are on the public path

_envelope = msgspec.json.Decoder(wire.Envelope).decode
_book = msgspec.json.Decoder(wire.Book, strict=False).decode
_encode = msgspec.json.Encoder().encode


def streams_of(subscription: Subscription, market: str, default_depth: int) -> list[str]:
    """The streams of a subscription; raises `WrongUse` for what the venue does not have."""
    name = subscription.symbol.lower()
    match subscription.channel:
        case "book":
            depth = subscription.depth or default_depth
            return [f"{name}@depth{depth if depth in PARTIAL_DEPTHS else ''}@100ms"]
        case "trades":
            return [f"{name}@aggTrade" if market == "linear" else f"{name}@trade"]
        case "ticker":
            marks = [f"{name}@markPrice@1s"] if market == "linear" else []
            return [f"{name}@bookTicker", *marks, f"{name}@ticker"]
        case "candles":
            if subscription.interval_s not in INTERVALS:
                raise WrongUse(f"binance has no candles of {subscription.interval_s} s; known: {sorted(INTERVALS)}")
            return [f"{name}@kline_{INTERVALS[subscription.interval_s]}"]
        case "liquidations":
            if market == "spot":
                raise WrongUse("binance spot has no liquidations")
            return [f"{name}@forceOrder"]


def path_of(stream: str, market: str) -> str:
    """Where a stream is served: on another path it is acknowledged, and then silent."""
    if market == "spot":
        return ""
    return "/market" if stream.partition("@")[2].startswith(_MARKET_KINDS) else "/public"


class Stream(BaseWebsocket):
    """What all connections share: their age, and the words for what they are worth."""

    heartbeat_s = BEAT_S
    ping_s = PING_S

    def __init__(self, venue: str, name: str) -> None:
        super().__init__()
        self.venue = venue
        self.name = name
        self._connected = 0

    def on_connect(self, now: int) -> list[bytes]:
        self._connected = now
        return []

    def heartbeat(self, now: int) -> list[bytes]:
        if now - self._connected >= AGE_MOST_S * 1e9:
            self.over = "the connection is nearly a day old"
        return []

    def strike(self, frame: bytes) -> bytes:
        return frame

    def _status(self, status: FeedState, reason: str, symbol: str = "", channel: str = "") -> FeedStatus:
        return FeedStatus(self.venue, symbol, channel or self.name, status, reason)

    def _misfit(self, error: Exception) -> FeedStatus:
        self.suspect = True
        return self._status("gap", f"a frame did not fit: {error}")


class Websocket(Stream):
    """Public market data of one market: books in sequence, trades, tickers, candles, liquidations.

    Without streams it is a decoder of recordings: it takes every stream that it can read, and asks nothing.
    """

    private = False

    def __init__(self, venue: str, name: str, url: str, streams: Sequence[str] = (), market: str = "linear") -> None:
        super().__init__(venue, name)
        self.url = url
        self.market = market
        self._open = not streams
        self._channels: dict[bytes, Channel] = {}
        self._asked: dict[int, list[str]] = {}
        self._fetching: dict[str, BookChannel] = {}  # by the query that is under way
        self._requests = 0
        self._refused: set[str] = set()
        self._check_at = NEVER
        for stream in streams:
            if self._add(stream) is None:
                raise WrongUse(f"{venue}: {stream!r} is not a public stream")

    @classmethod
    def of(cls, settings: VenueSettings, url: str, subscriptions: Iterable[Subscription]) -> list["Websocket"]:
        """As few connections as the venue's paths and limits allow."""
        market, paths = settings.market, dict[str, dict[str, None]]()
        for subscription in subscriptions:
            for stream in streams_of(subscription, market, settings.book_depth):
                paths.setdefault(path_of(stream, market), {})[stream] = None
        groups = [
            (path, list(streams)[start : start + STREAMS_MOST])
            for path, streams in paths.items()
            for start in range(0, len(streams), STREAMS_MOST)
        ]
        return [
            cls(settings.venue, f"public.{n}", f"{url}{path}/stream", group, market)
            for n, (path, group) in enumerate(groups)
        ]

    @property
    def is_ready(self) -> bool:
        waits = (c for c in self._channels.values() if c.status != "ok" and c.stream not in self._refused)
        return not self._asked and next(waits, None) is None

    @property
    def silence_s(self) -> float | None:
        """Trades, candles and liquidations may be quiet for hours."""
        return None if any(channel.chatty for channel in self._channels.values()) else float("inf")

    @property
    def channels(self) -> Sequence[Channel]:
        return list(self._channels.values())

    def on_connect(self, now: int) -> list[bytes]:
        super().on_connect(now)
        self._asked.clear()
        self._fetching.clear()
        self._refused.clear()
        self._check_at = now + int(SILENT_S * 1e9)
        for channel in self._channels.values():
            channel.heard = False
        return self._subscribe([channel.stream for channel in self._channels.values()])

    def receive(self, frame: bytes, recv: int) -> Sequence[AnyEvent]:
        channel = None
        try:
            if frame.startswith(_PREFIX):
                channel = self._channels.get(frame[_START : frame.index(b'"', _START)])
            if channel is None:
                channel, frame, events = self._other(frame, recv)
                if channel is None:
                    return events
            events = channel.receive(frame)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            return self._doubt(channel, error, recv)
        if channel.status == "gap" or not channel.heard or recv >= self._check_at:
            return self._considered(channel, events, recv)
        return events

    def heartbeat(self, now: int) -> list[bytes]:
        for channel in self._channels.values():
            if isinstance(channel, BookChannel) and channel.is_waiting and not self._is_unanswered(channel):
                self._ask(channel, now)
        return super().heartbeat(now)

    def on_disconnect(self, reason: str, status: FeedState = "down") -> Sequence[AnyEvent]:
        self._asked.clear()
        self._fetching.clear()
        told = [channel.distrust(status, reason) for channel in self._channels.values()]
        return list(dict.fromkeys(told))  # several streams make one ticker

    @property
    def traded(self) -> Sequence[str]:
        return [channel.symbol for channel in self._channels.values() if isinstance(channel, TradesChannel)]

    def missed(self, symbol: str, trades: Sequence[Trade]) -> Sequence[Trade]:
        for channel in self._channels.values():
            if isinstance(channel, TradesChannel) and channel.symbol == symbol:
                return channel.missed(trades)
        return ()

    # --- what only REST can say ---

    def answered(self, request: Request, body: bytes, recv: int) -> Sequence[AnyEvent]:
        channel = self._fetching.pop(request.query, None)
        if channel is None:
            return ()
        try:
            return self.snapshot(channel, body)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            self.suspect = True
            return (channel.distrust("gap", f"a snapshot did not fit: {error}"),)

    def unanswered(self, request: Request, error: TapelineError) -> Sequence[AnyEvent]:
        channel = self._fetching.pop(request.query, None)
        return () if channel is None else (channel.distrust("gap", f"no snapshot: {error}"),)

    def snapshot(self, channel: BookChannel, body: bytes) -> Sequence[AnyEvent]:
        """The book that a REST answer tells, with what followed it; nothing where it is too old to be followed."""
        return channel.snapshot(_book(body))

    def _ask(self, channel: BookChannel, now: int) -> None:
        """Asks for a snapshot, unless that is under way or was just tried."""
        query = f"symbol={quote(channel.symbol)}&limit={SNAPSHOT_LEVELS}"
        if self._open or query in self._fetching or now - channel.asked_ns < ASK_AGAIN_S * 1e9:
            return
        channel.asked_ns = now
        self._fetching[query] = channel
        endpoints = Endpoints.ALL if self.market == "linear" else Endpoints.SPOT
        self.wanted.append(Request(endpoints["book"], query, cost=depth_weight(self.market, SNAPSHOT_LEVELS)))

    # --- what is not plainly a stream ---

    def _add(self, stream: str) -> Channel | None:
        channel = channel_of(self.venue, stream)
        if channel is not None:
            self._channels[stream.encode()] = channel
        return channel

    def _other(self, frame: bytes, recv: int) -> tuple[Channel | None, bytes, Sequence[AnyEvent]]:
        """Another key order, an answer to a request, or a stranger."""
        envelope = _envelope(frame)
        if envelope.stream is not None:
            channel = self._channels.get(envelope.stream.encode())
            if channel is None and self._open:
                channel = self._add(envelope.stream)
            if channel is not None:
                return channel, frame, ()
            self.suspect = True
            return None, frame, (self._status("gap", f"unknown stream {envelope.stream!r}"),)
        if envelope.id is not None or envelope.code is not None or envelope.error is not None:
            return None, frame, self._answer(envelope, recv)
        self.suspect = True
        return None, frame, (self._status("gap", f"neither a stream nor an answer: {envelope.e or 'no event'}"),)

    def _subscribe(self, streams: Sequence[str]) -> list[bytes]:
        frames = []
        for start in range(0, len(streams), STREAMS_A_REQUEST):
            self._requests += 1
            self._asked[self._requests] = chunk = list(streams[start : start + STREAMS_A_REQUEST])
            frames.append(_encode({"method": "SUBSCRIBE", "params": chunk, "id": self._requests}))
        return frames

    def _is_unanswered(self, channel: Channel) -> bool:
        return any(channel.stream in streams for streams in self._asked.values())

    def _answer(self, envelope: wire.Envelope, recv: int) -> Sequence[AnyEvent]:
        asked = int(envelope.id) if envelope.id is not None and str(envelope.id).isdecimal() else 0
        streams = self._asked.pop(asked, [])
        channels = [self._channels[stream.encode()] for stream in streams]
        refused = envelope.error or (wire.Error(envelope.code, envelope.msg) if envelope.code else None)
        if refused is None:
            for channel in channels:
                if isinstance(channel, BookChannel):
                    self._ask(channel, recv)
            told = [event for channel in channels if channel.heals_on_ack for event in channel.trust()]
            return list(dict.fromkeys(told))
        if len(streams) > 1:  # one bad stream may have spoilt the others: ask for each half alone
            half = len(streams) // 2
            self.outbox += self._subscribe(streams[:half]) + self._subscribe(streams[half:])
            return ()
        self.suspect = True
        self._refused.update(streams)
        reason = f"refused: {refused.code} {refused.msg}"
        return [channel.distrust("down", reason) for channel in channels] or [self._status("gap", reason)]

    # --- doubt ---

    def _doubt(self, channel: Channel | None, error: Exception, recv: int) -> Sequence[AnyEvent]:
        if channel is None:
            return (self._misfit(error),)
        self.suspect = True
        status = channel.distrust("gap", f"a frame did not fit: {error}")
        if isinstance(channel, BookChannel):
            self._ask(channel, recv)
        return (status,)

    def _considered(self, channel: Channel, events: Sequence[AnyEvent], recv: int) -> Sequence[AnyEvent]:
        """A first word, a word after doubt, or the moment to look who has not spoken."""
        channel.heard = True
        if channel.status == "gap" and isinstance(channel, BookChannel) and channel.is_waiting:
            self.suspect = self.suspect or bool(events)  # the frame that showed the gap
            self._ask(channel, recv)
        elif channel.status in ("gap", "stale"):
            events = [*channel.trust(), *events]
        if recv < self._check_at:
            return events
        self._check_at = NEVER
        silent = [c for c in self._channels.values() if c.chatty and not c.heard and c.stream not in self._refused]
        return [*events, *(Channel.distrust(c, "stale", f"{c.stream}: subscribed, yet silent") for c in silent)]
