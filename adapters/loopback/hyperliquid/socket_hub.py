"""The one socket that everything goes over: subscriptions, posts, pings, and the feeds that are pushed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import msgspec

from adapters.loopback.connection import Connection
from adapters.loopback.faults import Fault, Faults, Place
from adapters.loopback.hyperliquid import answers, frames
from adapters.loopback.hyperliquid.blocks import Block
from adapters.loopback.hyperliquid.calls import Counter, failed, phrase
from adapters.loopback.hyperliquid.channels import Channels, NoSuchChannelError, canonical, echo
from adapters.loopback.hyperliquid.limits import Limiter
from adapters.loopback.hyperliquid.market_feeds import Feed, encoded
from adapters.loopback.hyperliquid.refusals import RequestRefusedError

IDLE_MS = 60_000


class SocketHub:
    """The sockets of everybody."""

    def __init__(
        self, channels: Channels, counter: Counter, limiter: Limiter, faults: Faults, clock: Callable[[], int]
    ) -> None:
        self._channels, self._counter, self._limiter = channels, counter, limiter
        self._faults, self._clock = faults, clock
        self._feeds: dict[str, Feed] = {}
        self._due_ms: dict[str, int] = {}
        self._listeners: dict[str, dict[str, Connection]] = {}
        self._addresses: dict[str, str] = {}
        self._posting: set[str] = set()
        self.connections: dict[str, Connection] = {}

    # -- customers ---------------------------------------------------------------------------------------------------

    def join(self, connection: Connection, address: str) -> None:
        """Takes a socket in; raises RequestRefusedError where its address has too many."""
        there = sum(other == address for other in self._addresses.values())
        self._limiter.open(address, there, self._clock())
        self.connections[connection.conn_id] = connection
        self._addresses[connection.conn_id] = address

    def leave(self, connection: Connection) -> None:
        del self.connections[connection.conn_id]
        del self._addresses[connection.conn_id]
        self._posting.discard(connection.conn_id)
        for topic in list(connection.topics):
            self._remove(connection, topic)

    def places(self, connection: Connection) -> set[Place]:
        """What a socket is used for."""
        used = {self._feeds[topic].place for topic in connection.topics}
        if connection.conn_id in self._posting:
            used.add(Place.TRADE)
        return used or {Place.PUBLIC}

    def receive(self, connection: Connection, frame: bytes) -> None:
        """Answers one message of a customer."""
        if not self._limiter.message(self._addresses[connection.conn_id], self._clock()):
            connection.cut()
            return
        try:
            request = msgspec.json.decode(frame, type=frames.Request)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._refuse(connection, f"Error parsing JSON into valid websocket request: {_text(frame)}")
            return
        if request.method == "ping":
            self._send(connection, Place.PUBLIC, "reply.pong", msgspec.json.encode(frames.Pong()))
        elif request.method == "post" and request.request is not None and request.id is not None:
            self._post(connection, request.id, request.request)
        elif request.method in ("subscribe", "unsubscribe") and request.subscription is not None:
            self._subscribe(connection, request.method, canonical(request.subscription))
        else:
            self._refuse(connection, f"Error parsing JSON into valid websocket request: {_text(frame)}")

    def subscribed(self, channel: str, name: str = "") -> bool:
        """Does anybody listen to the channel, of a coin or account where one is named?"""
        return any(f'"type":"{channel}"' in topic and name in topic for topic in self._feeds)

    # -- subscriptions -----------------------------------------------------------------------------------------------

    def _subscribe(self, connection: Connection, method: str, wanted: frames.Subscription) -> None:
        topic = msgspec.json.encode(wanted).decode()
        there = topic in connection.topics
        if method == "unsubscribe":
            if not there:
                self._refuse(connection, f"Already unsubscribed: {topic}")
                return
            self._remove(connection, topic)
            self._acknowledge(connection, method, wanted)
            return
        if there:
            self._refuse(connection, f"Already subscribed: {topic}")
            return
        try:
            feed = self._feeds.get(topic) or self._channels.open(wanted)
        except NoSuchChannelError:
            self._refuse(connection, f"Invalid subscription {topic}")
            return
        if self._too_many(connection, wanted):
            self._refuse(connection, "Cannot track more subscriptions or users from this address.")
            return
        self._acknowledge(connection, method, wanted)
        self._add(connection, topic, feed)

    def _too_many(self, connection: Connection, wanted: frames.Subscription) -> bool:
        """Would the address listen to too much, or to too many accounts?"""
        address, limits = self._addresses[connection.conn_id], self._limiter.limits
        own = [c for name, c in self.connections.items() if self._addresses[name] == address]
        topics = [msgspec.json.decode(topic, type=frames.Subscription) for c in own for topic in c.topics]
        users = {topic.user for topic in topics if topic.user} | ({wanted.user} if wanted.user else set())
        return 0 < limits.subscriptions <= len(topics) or 0 < limits.users < len(users)

    def _add(self, connection: Connection, topic: str, feed: Feed) -> None:
        now_ms = self._clock()
        if topic not in self._feeds:
            self._feeds[topic] = feed
            self._due_ms[topic] = now_ms + feed.interval_ms
        connection.topics.add(topic)
        self._listeners.setdefault(topic, {})[connection.conn_id] = connection
        for data in feed.opening(now_ms):
            self._send(connection, feed.place, feed.name, encoded(feed.channel, data))

    def _remove(self, connection: Connection, topic: str) -> None:
        connection.topics.discard(topic)
        there = self._listeners[topic]
        there.pop(connection.conn_id, None)
        if not there:
            del self._listeners[topic], self._feeds[topic]

    def _acknowledge(self, connection: Connection, method: str, wanted: frames.Subscription) -> None:
        said = frames.Acknowledged(method, echo(wanted))
        self._send(connection, Place.PUBLIC, f"reply.{method}", encoded("subscriptionResponse", said))

    def _refuse(self, connection: Connection, words: str) -> None:
        self._send(connection, Place.PUBLIC, "reply.error", encoded("error", words))

    # -- posts -------------------------------------------------------------------------------------------------------

    def _post(self, connection: Connection, number: int, post: frames.Post) -> None:
        """Answers a question or carries out an action; faults know an action by its type, and a question as `info`."""
        self._posting.add(connection.conn_id)
        name = str(number)
        if name in connection.in_flight or 0 < self._limiter.limits.posts <= len(connection.in_flight):
            self._refuse(connection, "Too many pending post requests.")
            return
        fault = Fault()
        try:
            what, answer = self._posted(post, self._addresses[connection.conn_id], self._clock())
            fault = self._faults.ask(Place.TRADE, what)
            reply = self._spoilt(answer, fault)
        except RequestRefusedError as error:
            reply = frames.PostReply("error", failed(error))
        self._answer(connection, name, encoded("post", frames.Posted(number, reply)), fault)

    def _posted(self, post: frames.Post, address: str, now_ms: int) -> tuple[str, Callable[[], frames.PostReply]]:
        """What a post is called, and how it is answered; raises RequestRefusedError."""
        if post.type == "info":
            ask = self._counter.read_ask(post.payload)
            return "info", lambda: frames.PostReply(
                "info", answers.PostPayload(ask.type, self._counter.ask(ask, address, now_ms))
            )
        signed = self._counter.read_action(post.payload)
        return signed.action.word, lambda: frames.PostReply("action", self._counter.act(signed, address, now_ms))

    @staticmethod
    def _spoilt(answered: Callable[[], frames.PostReply], fault: Fault) -> frames.PostReply:
        """The reply, or what a fault orders instead of it."""
        reply = None if (fault.status or fault.cut) and not fault.carried_out else answered()
        if reply is None or fault.status:
            return frames.PostReply("error", fault.words or phrase(fault.status or 500))
        return reply

    def _answer(self, connection: Connection, name: str, frame: bytes, fault: Fault) -> None:
        if fault.cut:
            connection.cut()
        if fault.drop or fault.cut:
            return
        connection.active_ms = self._clock()
        if not fault.delay_s:
            for _ in range(2 if fault.duplicate else 1):
                connection.queue(frame)
            return
        connection.in_flight.add(name)

        def late() -> None:
            connection.in_flight.discard(name)
            connection.queue(frame)

        asyncio.get_running_loop().call_later(fault.delay_s, late)

    # -- pushing -----------------------------------------------------------------------------------------------------

    def heard(self, block: Block) -> None:
        """Pushes what a block brought about to the feeds that do not wait."""
        now_ms = self._clock()
        for topic, feed in list(self._feeds.items()):
            self._push(topic, feed, feed.heard(block, now_ms))

    def tick(self, now_ms: int, all_due: bool = False) -> None:
        """Pushes every feed whose interval is over, and closes the sockets that have heard nothing for a minute."""
        for topic, feed in list(self._feeds.items()):
            if feed.interval_ms and (all_due or self._due_ms[topic] <= now_ms):
                self._due_ms[topic] = now_ms + feed.interval_ms
                self._push(topic, feed, feed.due(now_ms))
        for connection in list(self.connections.values()):
            if now_ms - connection.active_ms > IDLE_MS:
                connection.cut()

    def _push(self, topic: str, feed: Feed, said: Iterable[object]) -> None:
        for data in said:
            frame = encoded(feed.channel, data)
            for connection in list(self._listeners.get(topic, {}).values()):
                self._send(connection, feed.place, feed.name, frame)

    def _send(self, connection: Connection, place: Place, what: str, frame: bytes) -> None:
        connection.active_ms = self._clock()
        connection.send(what, frame, place)


def _text(frame: bytes) -> str:
    return frame.decode("utf-8", "replace")
