"""Streams, subscribed one by one and answered by an echo of what was subscribed; and order entry.

https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket, /post-requests
"""

import re
from collections.abc import Iterable, Sequence

import msgspec

from adapters.base.asked_first import AskedFirst
from adapters.base.channel import AccountChannel, Channel
from adapters.base.client import Request
from adapters.base.joined import Joined
from adapters.base.settings import Subscription, VenueSettings
from adapters.base.standing import Standing
from adapters.base.topics import TopicSocket, kept_together
from adapters.base.websocket import OrderSocket
from adapters.hyperliquid import wire
from adapters.hyperliquid.account import PRIVATE_TOPICS, Account
from adapters.hyperliquid.channels import CHANNELS, FAST, BookChannel
from adapters.hyperliquid.client import Client
from adapters.hyperliquid.types import INTERVALS
from state.errors import WrongUse
from state.events import AnyEvent, BookSnapshot, FeedStatus, Ticker
from state.words import FeedState

TOPICS_MOST = 250  # of one connection; the venue allows an address ten connections and a thousand subscriptions
BEAT_S = 5.0
SILENCE_S = 30.0  # each ping is answered
STALE_NS = 15_000_000_000  # three times a book's slower cadence
PING = b'{"method":"ping"}'
GREETING = b"Websocket connection established."  # by some gateways, and no JSON
DEPTHS = (5, 20, 50)  # five levels twice a second, twenty every five seconds, or both

# Told to everybody, and nothing that is an event here; of trades, a list without any.
PASSED_OVER = frozenset({"pong", "post", "allMids", "allDexsAssetCtxs", "activeSpotAssetCtx", "trades"})

_frame = msgspec.json.Decoder(wire.Frame).decode
_quoted = msgspec.json.Decoder(wire.Names).decode
_encode = msgspec.json.Encoder().encode
_strike = re.compile(rb'"r":"0x[0-9a-f]*","s":"0x[0-9a-f]*"').sub


def topics_of(subscription: Subscription, default_depth: int) -> list[str]:
    """The topics of a subscription; raises `WrongUse` for what the venue does not have."""
    coin = subscription.symbol
    match subscription.channel:
        case "book":
            both = [f"l2Book.fast:{coin}", f"l2Book:{coin}"]
            return {DEPTHS[0]: both[:1], DEPTHS[1]: both[1:]}.get(subscription.depth or default_depth, both)
        case "trades":
            return [f"trades:{coin}"]
        case "ticker":
            return [f"bbo:{coin}", f"activeAssetCtx:{coin}"]
        case "candles":
            return [f"candle.{INTERVALS[subscription.interval_s]}:{coin}"]
        case "liquidations":
            raise WrongUse("hyperliquid tells nobody else's liquidations")


def topic_of(kind: str, names: wire.Names) -> str:
    """What a frame or an echo is about: the kind, its variant, the coin where it has one."""
    more = names.interval or names.i or ("fast" if names.fast else "")
    coin = names.coin or names.s or ""
    return f"{kind}{more and '.'}{more}{coin and ':'}{coin}"


class Websocket(TopicSocket):
    """Market data: books, trades, tickers, candles; with an account, what is told to its owner alone."""

    prefix = b'{"channel":"'
    topics_a_request = 1
    heartbeat_s = BEAT_S

    def __init__(
        self, venue: str, name: str, url: str, topics: Sequence[str] = (), account: Account | None = None
    ) -> None:
        self._books: dict[str, Joined] = {}
        self._account = account
        self.user = ""  # whose address stands in no frame that is kept, though public trades tell it
        self.marks: dict[str, float] = {}  # learns what each coin is worth
        super().__init__(venue, name, url, topics)

    @classmethod
    def of(cls, settings: VenueSettings, url: str, subscriptions: Iterable[Subscription]) -> list["Websocket"]:
        """As few connections as the limit allows; what makes one book stays together."""
        groups = kept_together((topics_of(each, settings.book_depth) for each in subscriptions), TOPICS_MOST)
        return [cls(settings.venue, f"public.{n}", url, group) for n, group in enumerate(groups)]

    def channel_of(self, topic: str) -> Channel | None:
        kind, _, coin = topic.partition(":")
        kind = kind.partition(".")[0]
        if kind == "l2Book" and coin:
            return BookChannel(self.venue, topic, coin, self._books.setdefault(coin, Joined(FAST)))
        if kind in CHANNELS and coin:
            return CHANNELS[kind](self.venue, topic, coin)
        account = self._account
        return (
            AccountChannel(self.venue, topic, account.private) if account is not None and account.knows(kind) else None
        )

    def subscription(self, topics: Sequence[str], number: int) -> bytes:
        return _encode({"method": "subscribe", "subscription": self.named(topics[0])})

    def named(self, topic: str) -> dict[str, object]:
        """A topic in the venue's words."""
        kind, _, coin = topic.partition(":")
        kind, _, more = kind.partition(".")
        named: dict[str, object] = {"type": kind, "coin": coin}
        return named | ({"fast": True} if more == "fast" else {"interval": more} if more else {})

    def ask_whole(self, channel: Channel, now: int) -> None:
        """Every book is whole."""

    def heartbeat(self, now: int) -> list[bytes]:
        return [PING]

    def strike(self, frame: bytes) -> bytes:
        return frame.replace(self.user.encode(), b"***") if self.user else frame

    def noticed(self, now: int) -> Sequence[AnyEvent]:
        """Also a book of which nothing has come for too long, on a connection that lives."""
        books = (channel for channel in self._channels.values() if isinstance(channel, BookChannel))
        silent = [book for book in books if book.status == "ok" and now - book.told_at > STALE_NS]
        told = [book.distrust("stale", f"{book.topic}: nothing for {STALE_NS / 1e9:.0f} s") for book in silent]
        return [*super().noticed(now), *told]

    def receive(self, frame: bytes, recv: int) -> Sequence[AnyEvent]:
        events = super().receive(frame, recv)
        for event in events:
            if type(event) is BookSnapshot and event.bids and event.asks:
                self.marks[event.symbol] = (event.bids[0][0] + event.asks[0][0]) / 2
            elif type(event) is Ticker and event.mark is not None:
                self.marks[event.symbol] = event.mark
        return events

    def other(self, frame: bytes, recv: int) -> tuple[Channel | None, bytes, Sequence[AnyEvent]]:
        if frame == GREETING:
            return None, frame, ()
        said = _frame(frame)
        if said.channel is None:
            return None, frame, self._stranger("neither a topic nor an answer")
        topic = self.topic_in(said)
        channel = self._named(topic)
        if channel is None:
            return None, frame, self._answer(said, topic, recv)
        if isinstance(channel, BookChannel):
            channel.told_at = recv
        return channel, frame, ()

    def topic_in(self, said: wire.Frame) -> str:
        kind, about = said.channel or "", said.data
        kind = "userEvents" if kind == "user" else kind
        if self._account is not None and self._account.knows(kind):
            return kind
        if isinstance(about, list):
            return topic_of(kind, about[0]) if about else kind
        return topic_of(kind, about) if isinstance(about, wire.Names) else kind

    def _answer(self, said: wire.Frame, topic: str, recv: int) -> Sequence[AnyEvent]:
        """An echo, a complaint that quotes what it is about, or what everybody is told."""
        about = said.data
        if said.channel == "subscriptionResponse" and isinstance(about, wire.Names) and about.subscription is not None:
            return self._echoed(about.subscription, "", recv)
        if said.channel != "error" or not isinstance(about, str):
            return () if said.channel in PASSED_OVER else self._stranger(f"unknown topic {topic!r}")
        try:
            quoted = _quoted(about[about.find("{") : about.rfind("}") + 1].encode())
        except msgspec.DecodeError:
            return self._stranger(about)
        return self._echoed(quoted.subscription or quoted, "" if "Already subscribed" in about else about, recv)

    def _echoed(self, about: wire.Names, refused: str, recv: int) -> Sequence[AnyEvent]:
        topic = topic_of(about.type, about)
        number = next((number for number, topics in self._asked.items() if topic in topics), 0)
        if not number:
            return self._stranger(refused) if refused else ()
        return self._answered(number, refused, recv)


class PrivateWebsocket(AskedFirst, Websocket):
    """Orders, fills, positions, collateral and funding of one account. How it keeps its coins is asked before connections."""

    private = True
    silence_s = SILENCE_S

    def __init__(self, url: str, account: Account, user: str, mode: Request) -> None:
        self._opened = False
        super().__init__(account.venue, "private", url, PRIVATE_TOPICS, account)
        self.user = user
        self.first, self.learn = mode, account.collateral.learn

    @property
    def is_ready(self) -> bool:
        return self._opened and not self._asked

    def on_connect(self, now: int) -> list[bytes]:
        self._opened = True
        return super().on_connect(now)

    def on_disconnect(self, reason: str, status: FeedState = "down") -> Sequence[AnyEvent]:
        self._opened = False
        return super().on_disconnect(reason, status)

    def named(self, topic: str) -> dict[str, object]:
        return {"type": topic, "user": self.user}


class TradeWebsocket(Standing, OrderSocket):
    """Order entry: the bodies of REST, each signed alone, and known again by a number."""

    channel = "trade"
    heartbeat_s, silence_s = BEAT_S, SILENCE_S

    def __init__(self, venue: str, url: str, client: Client) -> None:
        super().__init__(venue, "trade", url)
        self._client = client
        self._asked: dict[int, str] = {}
        self._count = 0

    def opened(self) -> Sequence[AnyEvent]:
        super().opened()
        self._asked.clear()
        return (FeedStatus(self.venue, "", self.channel, "ok"),)

    def heartbeat(self, now: int) -> list[bytes]:
        return [PING]

    def receive(self, frame: bytes, recv: int) -> Sequence[AnyEvent]:
        if frame == GREETING:
            return ()
        try:
            said = _frame(frame)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            return self._odd(f"a frame did not fit: {error}")
        if said.channel == "pong":
            return ()
        asked = self._asked.pop(said.data.id, None) if isinstance(said.data, wire.Names) else None
        if said.channel != "post" or asked is None:
            return self._odd(f"an answer to nothing: {said.channel} {said.data if isinstance(said.data, str) else ''}")
        self.answers.append((asked, frame))
        return ()

    def encode(self, request: Request, request_id: str, now_ms: int) -> bytes:
        self._count += 1
        self._asked[self._count] = request_id
        body, _ = self._client.payload(request, now_ms)
        return b'{"method":"post","id":%d,"request":{"type":"action","payload":%s}}' % (self._count, body)

    def strike(self, frame: bytes) -> bytes:
        return _strike(b'"r":"***"', frame)
