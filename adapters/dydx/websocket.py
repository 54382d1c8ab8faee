"""Streams as protocol objects: what to send, what a frame means. No socket, no clock.

Messages are numbered by connection. A book's stale levels are dropped by the venue without a word: so it is asked for again now
and then. Nothing is signed: anybody may read any subaccount. https://docs.dydx.xyz/indexer-client/websockets
"""

import re
from collections.abc import Iterable, Sequence

import msgspec

from adapters.base.channel import AccountChannel, Channel
from adapters.base.keyed import HIDDEN
from adapters.base.settings import Subscription, VenueSettings
from adapters.base.shared_topics import SharedTopicSocket, Wire
from adapters.dydx import wire
from adapters.dydx.account import HEIGHTS, SUBACCOUNTS, Account
from adapters.dydx.channels import CHANNELS
from adapters.dydx.types import INTERVALS
from state.events import AnyEvent, FeedStatus
from state.words import FeedState

PRIVATE = (HEIGHTS, SUBACCOUNTS)
SILENCE_S = 15.0  # a chain that makes no block for so long is not to be traded on
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
    return f"candles/{subscription.symbol}/{INTERVALS[subscription.interval_s]}"


def subscription(channel: str, name: str) -> bytes:
    """Each change as it comes, not in batches of a quarter of a second."""
    said: dict[str, str | bool] = {"type": "subscribe", "channel": channel}
    return _encode(said | ({"id": name} if name else {}) | {"batched": False})


class Websocket(SharedTopicSocket):
    """Books, trades, forced orders, tickers, candles; with an account, what is told of its subaccount."""

    heartbeat_s = 1.0
    book_age_s = 300.0
    ids_most = 32

    def __init__(
        self, venue: str, name: str, url: str, topics: Sequence[str] = (), account: Account | None = None
    ) -> None:
        self._account = account
        super().__init__(venue, name, url, topics)

    @classmethod
    def of(cls, settings: VenueSettings, url: str, subscriptions: Iterable[Subscription]) -> list["Websocket"]:
        groups = cls.spread(map(topic_of, subscriptions))
        return [cls(settings.venue, f"public.{n}", url, group) for n, group in enumerate(groups)]

    def channel_of(self, topic: str) -> Channel | None:
        kind, _, name = topic.partition("/")
        if kind in PRIVATE and self._account is not None:
            return AccountChannel(self.venue, topic, self._account.told)
        if kind not in CHANNELS or not (name or kind == "ticker"):
            return None
        return CHANNELS[kind][1](self.venue, topic, name.partition("/")[0])

    @classmethod
    def wire_of(cls, topic: str) -> Wire:
        """All markets are one topic."""
        kind, _, name = topic.partition("/")
        return CHANNELS[kind][0] if kind in CHANNELS else kind, "" if kind == "ticker" else name

    @staticmethod
    def meant(channel: str, name: str) -> Wire:
        """Whatever subaccount a frame is of, it is the one of the connection, or of the recording."""
        return channel, "" if channel in PRIVATE else name

    def heard_of(self, wire: Wire) -> Sequence[str]:
        """Trades tell of forced orders themselves."""
        kinds = [kind for kind, (name, _) in CHANNELS.items() if name == wire[0] and kind != "liquidations"]
        return [wire[0]] if wire[0] in PRIVATE else [f"{kind}/{wire[1]}" for kind in kinds]

    def asked_for(self, wire: Wire, *, wanted: bool) -> bytes:
        asked = subscription(*wire)
        return asked if wanted else asked.replace(b'"subscribe"', b'"unsubscribe"', 1)

    def other(self, frame: bytes, recv: int) -> tuple[Channel | None, bytes, Sequence[AnyEvent]]:
        head = _head(frame)
        if head is not None:
            kind, number, channel, name = head[1].decode(), int(head[2]), head[4], head[3] or head[5] or b""
            topic = self.meant(channel.decode(), name.decode())
        else:
            said = _envelope(frame)
            kind, number, topic = said.type, said.message_id, self.meant(said.channel, said.id)
            if kind not in DATA:
                return None, frame, self._word(said)
        events = self.data(topic, frame, recv, is_whole=kind == "subscribed")
        self.numbered(number)
        return None, frame, events

    def _word(self, said: wire.Envelope) -> Sequence[AnyEvent]:
        """What is no topic's data. A block's height by REST has no type."""
        if said.type == "error":
            return self._error(said.message)
        if said.type in ("connected", "unsubscribed"):
            self.numbered(said.message_id)
        elif said.type != "pong" and (said.type or said.height is None):
            return self._stranger(f"neither data nor an answer: {said.type!r} of {said.channel!r}")
        return ()

    def _error(self, text: str) -> Sequence[AnyEvent]:
        """What could not be served now is asked for again; what cannot be served is refused."""
        named = _named(text)
        channel, name = self.meant(named[1], named[2] or "") if named is not None else ("", "")
        meant = [topic for topic in self.pending if topic[0] == channel and name in ("", topic[1])]
        if "could not fetch" in text or "already subscribed" in text:
            self._again.update(meant)
            return ()
        return self.refuse(meant, f"refused: {text}")


class PrivateWebsocket(Websocket):
    """A snapshot of the subaccount and its open orders comes first; its fills are asked of REST."""

    private = True
    silence_s = SILENCE_S

    def __init__(self, url: str, account: Account, address: str, number: int) -> None:
        self._address, self._number = address, number
        super().__init__(account.venue, "private", url, PRIVATE, account)

    def asked_for(self, wire: Wire, *, wanted: bool) -> bytes:
        named = f"{self._address}/{self._number}" if wire[0] == SUBACCOUNTS else ""
        return super().asked_for((wire[0], named), wanted=wanted)

    def _status(self, status: FeedState, reason: str, symbol: str = "", channel: str = "account") -> FeedStatus:
        return super()._status(status, reason, symbol, channel)

    def strike(self, frame: bytes) -> bytes:
        return frame.replace(self._address.encode(), HIDDEN.encode())
