"""Streams: subscribed one by one, and answered by an echo of what was subscribed.

https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket
"""

from collections.abc import Iterable, Sequence

import msgspec

from adapters.base.channel import Channel
from adapters.base.settings import Subscription, VenueSettings
from adapters.base.topics import TopicSocket
from adapters.hyperliquid import wire
from adapters.hyperliquid.account import Account, UserChannel
from adapters.hyperliquid.book import STALE_NS, BookChannel, Joined
from adapters.hyperliquid.channels import CHANNELS
from adapters.hyperliquid.types import INTERVALS
from state.errors import WrongUse
from state.events import AnyEvent

TOPICS_MOST = 250  # of one connection; the venue allows an address ten connections and a thousand subscriptions
BEAT_S = 5.0
PING = b'{"method":"ping"}'
GREETING = b"Websocket connection established."  # by some gateways, and no JSON
DEPTHS = (5, 20, 50)  # five levels twice a second, twenty every five seconds, or both

# Told to everybody, and nothing that is an event here; of trades, a list without any.
PASSED_OVER = frozenset({"pong", "post", "allMids", "allDexsAssetCtxs", "activeSpotAssetCtx", "trades"})

_frame = msgspec.json.Decoder(wire.Frame).decode
_quoted = msgspec.json.Decoder(wire.Names).decode
encode = msgspec.json.Encoder().encode


def topics_of(subscription: Subscription, default_depth: int) -> list[str]:
    """The topics of a subscription; raises `WrongUse` for what the venue does not have."""
    coin = subscription.symbol
    match subscription.channel:
        case "book":
            depth = subscription.depth or default_depth
            fast, deep = f"l2Book.fast:{coin}", f"l2Book:{coin}"
            return [fast] if depth == DEPTHS[0] else [deep] if depth == DEPTHS[1] else [fast, deep]
        case "trades":
            return [f"trades:{coin}"]
        case "ticker":
            return [f"bbo:{coin}", f"activeAssetCtx:{coin}"]
        case "candles":
            if subscription.interval_s not in INTERVALS:
                raise WrongUse(f"hyperliquid has no candles of {subscription.interval_s} s; known: {sorted(INTERVALS)}")
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
        self.user = (
            ""  # whose address stands in no frame that is kept, though the venue tells it with each public trade
        )
        super().__init__(venue, name, url, topics)

    @classmethod
    def of(cls, settings: VenueSettings, url: str, subscriptions: Iterable[Subscription]) -> list["Websocket"]:
        """As few connections as the limit allows; what makes one book stays together."""
        groups: list[dict[str, None]] = [{}]
        for subscription in subscriptions:
            topics = topics_of(subscription, settings.book_depth)
            if len(groups[-1]) + len(topics) > TOPICS_MOST:
                groups.append({})
            groups[-1].update(dict.fromkeys(topics))
        return [cls(settings.venue, f"public.{n}", url, list(group)) for n, group in enumerate(groups) if group]

    def channel_of(self, topic: str) -> Channel | None:
        kind, _, coin = topic.partition(":")
        kind = kind.partition(".")[0]
        if kind == "l2Book" and coin:
            return BookChannel(self.venue, topic, coin, self._books.setdefault(coin, Joined()))
        if kind in CHANNELS and coin:
            return CHANNELS[kind](self.venue, topic, coin)
        is_ours = self._account is not None and self._account.knows(kind)
        return UserChannel(self.venue, topic, self._account) if is_ours and self._account is not None else None

    def subscription(self, topics: Sequence[str], number: int) -> bytes:
        return encode({"method": "subscribe", "subscription": self.named(topics[0])})

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
        """An echo, a complaint, or what everybody is told."""
        about = said.data
        if said.channel == "subscriptionResponse" and isinstance(about, wire.Names) and about.subscription is not None:
            return self._echoed(about.subscription, "", recv)
        if said.channel == "error" and isinstance(about, str):
            named = _complained(about)
            if named is None:
                return self._stranger(about)
            return self._echoed(named, "" if "Already subscribed" in about else about, recv)
        return () if said.channel in PASSED_OVER else self._stranger(f"unknown topic {topic!r}")

    def _echoed(self, about: wire.Names, refused: str, recv: int) -> Sequence[AnyEvent]:
        topic = topic_of(about.type, about)
        number = next((number for number, topics in self._asked.items() if topic in topics), 0)
        if not number:
            return self._stranger(refused) if refused else ()
        return self._answered(number, refused, recv)


def _complained(words: str) -> wire.Names | None:
    """The subscription that a complaint quotes."""
    try:
        said = _quoted(words[words.find("{") : words.rfind("}") + 1].encode())
    except msgspec.DecodeError:
        return None
    return said.subscription or said
