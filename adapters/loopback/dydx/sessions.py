"""One WebSocket's conversation: its numbers, its subscriptions, and the envelope around everything that is said."""

# https://docs.dydx.xyz/indexer-client/websockets

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from adapters.loopback.connection import Connection
from adapters.loopback.faults import Faults, Place

BATCH_MS = 250
VERSIONS = {
    "v4_orderbook": "1.0.0",
    "v4_trades": "2.1.0",
    "v4_markets": "1.0.0",
    "v4_candles": "1.0.0",
    "v4_block_height": "1.0.0",
    "v4_subaccounts": "3.0.0",
    "v4_parent_subaccounts": "3.0.0",
}
LIMITS = {
    "v4_orderbook": 32,
    "v4_trades": 32,
    "v4_markets": 32,
    "v4_candles": 32,
    "v4_block_height": 1,
    "v4_subaccounts": 256,
    "v4_parent_subaccounts": 256,
}
PRIVATE = ("v4_subaccounts", "v4_parent_subaccounts")
Frame = dict[str, str | int | msgspec.Raw]
Topic = tuple[str, str]
"""Channel and id; the id of a channel without ids is empty."""


@dataclass(slots=True)
class Subscription:
    """What is heard, at once or gathered for a while."""

    batched: bool
    gathered: dict[int | None, list[bytes]] = field(default_factory=dict)


class Session:
    """What the venue keeps of one socket."""

    def __init__(self, connection: Connection, connection_id: str, faults: Faults) -> None:
        self.connection = connection
        self.subscriptions: dict[Topic, Subscription] = {}
        self._id, self._faults = connection_id, faults
        self._message_id = 0
        self._spoken: dict[str, list[int]] = {}
        self._send("connected", {"type": "connected", "connection_id": connection_id, "message_id": 0})

    @property
    def place(self) -> Place:
        """A socket that hears a subaccount is a private one."""
        return Place.PRIVATE if any(channel in PRIVATE for channel, _ in self.subscriptions) else Place.PUBLIC

    def too_often(self, what: str, per_s: int, now_ms: int) -> bool:
        """Counts an occasion; says whether there were more of them within a second than are let pass."""
        lately = [ms for ms in self._spoken.get(what, []) if now_ms - ms < 1_000]
        self._spoken[what] = [*lately, now_ms]
        return per_s > 0 and len(lately) >= per_s

    # -- what is said ------------------------------------------------------------------------------------------------

    def draw(self) -> int:
        """The next number; a subscribe draws its answer's when it arrives, whatever the answer is."""
        self._message_id += 1
        return self._message_id

    def subscribed(self, topic: Topic, contents: bytes, batched: bool, message_id: int) -> None:
        self.subscriptions[topic] = Subscription(batched)
        self._say("subscribed", topic, contents, message_id)

    def unsubscribed(self, topic: Topic) -> None:
        """Says so whether there was a subscription or not."""
        self.subscriptions.pop(topic, None)
        self._say("unsubscribed", topic, None)

    def error(self, words: str, message_id: int | None = None) -> None:
        """With the number that was drawn for it, or with the one before."""
        number = self._message_id if message_id is None else message_id
        fields: Frame = {"type": "error", "message": words, "connection_id": self._id, "message_id": number}
        self._send("error", fields)

    def data(self, topic: Topic, contents: bytes, child: int | None = None) -> None:
        """Says what a channel has to say, or gathers it; `child` is which subaccount of a parent it is of."""
        subscription = self.subscriptions[topic]
        if subscription.batched:
            subscription.gathered.setdefault(child, []).append(contents)
        else:
            self._say("channel_data", topic, contents, child=child)

    def flush(self) -> None:
        """Says what was gathered, of each child by itself."""
        for topic, subscription in self.subscriptions.items():
            gathered, subscription.gathered = subscription.gathered, {}
            for child, contents in gathered.items():
                self._say("channel_batch_data", topic, b"[" + b",".join(contents) + b"]", child=child)

    def _say(self, kind: str, topic: Topic, contents: bytes | None, drawn: int = 0, child: int | None = None) -> None:
        channel, name = topic
        is_data = kind.startswith("channel")
        fields: Frame = {
            "type": kind,
            "connection_id": self._id,
            "message_id": drawn or self.draw(),
        }
        if is_data and name:
            fields["id"] = name
        fields["channel"] = channel
        if not is_data and name:
            fields["id"] = name
        if is_data:
            fields["version"] = VERSIONS[channel]
        if contents is not None:
            fields["contents"] = msgspec.Raw(contents)
        if child is not None:
            fields["subaccountNumber"] = child
        what = f"{channel}/{name}" if name else channel
        self._send(what if is_data else f"{kind}/{what}", fields, channel in PRIVATE)

    def _send(self, what: str, fields: Frame, private: bool = False) -> None:
        """Queues a frame with whatever fault is ordered for it; its number is spent in any case."""
        fault = self._faults.ask(Place.PRIVATE if private else Place.PUBLIC, what)
        if fault.cut:
            self.connection.cut()
        elif not fault.drop:
            for _ in range(2 if fault.duplicate else 1):
                self.connection.queue(msgspec.json.encode(fields), fault.delay_s)
