"""Streams as protocol objects: what to send, what a frame means, sequence rules. No socket, no clock."""

from collections.abc import Iterable, Sequence

from adapters.base.channel import Channel
from adapters.base.settings import Subscription, VenueSettings
from adapters.base.standing import Standing
from adapters.base.topics import TopicSocket
from adapters.blank import unanswered
from adapters.blank.formats import Formats
from state.events import AnyEvent


class Websocket(TopicSocket):
    """Public topics. Without any it is a decoder of recordings, which takes every topic that it can read."""

    prefix = b'{"topic":"'  # ? How does a frame begin, up to its topic's name?
    topics_a_request = 10  # ? How many topics may one request name, and one connection hold?
    heartbeat_s = 15.0  # ? What keeps a connection alive, and how long may it be silent?

    def __init__(self, formats: Formats, name: str, url: str, topics: Sequence[str] = ()) -> None:
        self.formats = formats
        super().__init__(formats.venue, name, url, topics)

    @classmethod
    def of(
        cls, settings: VenueSettings, formats: Formats, url: str, subscriptions: Iterable[Subscription]
    ) -> list["Websocket"]:
        """As few connections as the venue's limits allow."""
        topics = list(dict.fromkeys(map(topic_of, subscriptions)))
        return [cls(formats, "public.0", url, topics)] if topics else []

    def channel_of(self, topic: str) -> Channel | None:
        # ? Which channel does a topic name? Does a book come whole or as updates, and what says that one was lost?
        unanswered(f"websocket.channel_of: what is the topic {topic!r}?")

    def subscription(self, topics: Sequence[str], number: int) -> bytes:
        # ? How are topics asked for, and by what is the answer known again?
        unanswered("websocket.subscription: how are topics asked for?")

    def other(self, frame: bytes, recv: int) -> tuple[Channel | None, bytes, Sequence[AnyEvent]]:
        # ? How does an acknowledgement, a refusal, a pong look?
        return None, frame, self._stranger("websocket.other: not answered yet: what is this frame?")

    def ask_whole(self, channel: Channel, now: int) -> None:
        # ? How is a book asked for anew: by subscribing again, or by REST (`adapters.base.chained`)?
        unanswered("websocket.ask_whole: how is a book asked for anew?")


class PrivateWebsocket(Standing):
    """What happens to one account."""

    channel = "account"
    heartbeat_s = 15.0

    def __init__(self, formats: Formats, url: str) -> None:
        super().__init__(formats.venue, "private", url)
        self._formats = formats

    def on_connect(self, now: int) -> list[bytes]:
        # ? How does one log in, and what comes when the account is subscribed to?
        unanswered("websocket.on_connect: how does one log in?")

    def receive(self, frame: bytes, recv: int) -> Sequence[AnyEvent]:
        return self._odd("websocket.receive: not answered yet: what does a private frame tell?")

    def strike(self, frame: bytes) -> bytes:
        # ? Which frames hold a key or a signature? They must not be kept.
        return b""


def topic_of(subscription: Subscription) -> str:
    """The topic of a public stream; raises `WrongUse` for what the venue does not have."""
    # ? How is the topic of each channel written?
    unanswered(f"websocket.topic_of: which topic is {subscription.channel}?")
