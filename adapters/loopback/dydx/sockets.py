"""The indexer's WebSocket: subscriptions, snapshots, and everything that is pushed to whoever subscribed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from uuid import UUID, uuid5

import msgspec

from adapters.loopback.connection import Connection
from adapters.loopback.dydx.channels import PARENT_MODULUS, Channels
from adapters.loopback.dydx.ids import NAMESPACE
from adapters.loopback.dydx.limits import RateLimits
from adapters.loopback.dydx.messages import Subaccount
from adapters.loopback.dydx.rows import Contents
from adapters.loopback.dydx.sessions import BATCH_MS, LIMITS, Session, Topic
from adapters.loopback.dydx.views import Block
from adapters.loopback.faults import Faults, Place

PING_MS = 30_000
RATE_LIMIT, RESTART = 1008, 1012
WITHOUT_ID = ("v4_markets", "v4_block_height")


class Request(msgspec.Struct):
    type: str
    channel: str = ""
    id: str | None = None
    batched: bool = False


class Hub:
    """All sockets of the indexer."""

    def __init__(
        self, channels: Channels, limits: RateLimits, faults: Faults, clock: Callable[[], int], seed: int
    ) -> None:
        self._channels, self._limits, self._faults, self._clock, self._seed = channels, limits, faults, clock, seed
        self.sessions: dict[str, Session] = {}
        self._flushed_ms = self._pinged_ms = 0

    # -- customers ---------------------------------------------------------------------------------------------------

    def join(self, connection: Connection) -> None:
        connection_id = str(UUID(bytes=uuid5(NAMESPACE, f"{self._seed}-{connection.conn_id}").bytes, version=4))
        self.sessions[connection.conn_id] = Session(connection, connection_id, self._faults)

    def leave(self, connection: Connection) -> None:
        self.sessions.pop(connection.conn_id, None)

    def connections(self, place: Place) -> list[Connection]:
        """The sockets of a kind that are open; private is one that hears a subaccount."""
        return [session.connection for session in self.sessions.values() if session.place is place]

    def listens(self, topic: Topic) -> bool:
        """Has anybody subscribed?"""
        return any(topic in session.subscriptions for session in self.sessions.values())

    def receive(self, connection: Connection, frame: bytes) -> None:
        """Answers one message of a customer."""
        session, now_ms = self.sessions[connection.conn_id], self._clock()
        try:
            request = msgspec.json.decode(frame, type=Request)
        except msgspec.DecodeError:
            self._invalid(session, "Invalid message: not a JSON object with a type", now_ms)
            return
        if request.type == "subscribe":
            self._subscribe(session, request, now_ms)
        elif request.type == "unsubscribe":
            self._unsubscribe(session, request, now_ms)
        elif request.type != "ping":  # it is taken and not answered
            self._invalid(session, f"Invalid message type: {request.type}", now_ms)

    def _subscribe(self, session: Session, request: Request, now_ms: int) -> None:
        topic = self._topic(session, request, now_ms)
        if topic is None:
            return
        if session.too_often(f"{topic}", self._limits.subscribes_per_s, now_ms):
            session.connection.farewell(RATE_LIMIT, "Rate limited")
            return
        channel, name = topic
        label = f"{channel}-{name}" if name else channel
        if topic in session.subscriptions:
            session.error(f"Invalid subscribe message: already subscribed ({label})")
            return
        limit = LIMITS[channel]
        if sum(1 for one, _ in session.subscriptions if one == channel) >= limit:
            session.error(f"Per-connection subscription limit reached for {channel} (limit={limit}).")
            return
        fault = self._faults.ask(Place.PUBLIC, f"snapshot/{channel}")
        if fault.status:
            session.error(f"Internal error, could not fetch data for subscription: {channel}.")
            return
        if channel == "v4_orderbook":
            self._publish_book(name, now_ms)  # so that what the others have and the newcomer's snapshot are one
        answer = partial(
            session.subscribed, topic, self._channels.snapshot(channel, name), request.batched, session.draw()
        )
        if (
            fault.delay_s
        ):  # what is said of the topic meanwhile is not in the snapshot and not heard: the two are not one
            asyncio.get_running_loop().call_later(fault.delay_s, answer)
        else:
            answer()

    def _unsubscribe(self, session: Session, request: Request, now_ms: int) -> None:
        topic = self._topic(session, request, now_ms)
        if topic is not None:
            session.unsubscribed(topic)

    def _topic(self, session: Session, request: Request, now_ms: int) -> Topic | None:
        """What is meant, or nothing after an error has been said."""
        channel = request.channel
        if channel not in LIMITS:
            self._invalid(session, f"Invalid channel: {channel}", now_ms)
            return None
        if channel in WITHOUT_ID:
            return channel, channel if channel == "v4_block_height" else ""
        name = request.id or ""
        if not self._channels.knows(channel, name):
            self._invalid(session, f"Invalid subscription id for channel: ({channel}-{name})", now_ms)
            return None
        return channel, name

    def _invalid(self, session: Session, words: str, now_ms: int) -> None:
        if session.too_often("invalid", self._limits.invalid_per_s, now_ms):
            session.connection.farewell(RATE_LIMIT, "Too many invalid messages")
        else:
            session.error(words)

    # -- pushing -----------------------------------------------------------------------------------------------------

    def tick(self, now_ms: int, all_due: bool = False) -> None:
        """Says which levels changed, and what was gathered if it is time."""
        for ticker in self._channels.books:
            self._publish_book(ticker, now_ms, settles=all_due)
        if all_due or now_ms - self._flushed_ms >= BATCH_MS:
            self._flushed_ms = now_ms
            for session in self._all():
                session.flush()
        if now_ms - self._pinged_ms >= PING_MS:
            self._pinged_ms = now_ms
            for session in self._all():
                session.connection.ping(b"")

    def subaccount(self, of: Subaccount, contents: Contents) -> None:
        """Says what happened to a subaccount, to those who hear it and to those who hear its parent."""
        frame = msgspec.json.encode(contents)
        self._push(("v4_subaccounts", f"{of.owner}/{of.number}"), [frame])
        parent = ("v4_parent_subaccounts", f"{of.owner}/{of.number % PARENT_MODULUS}")
        if self.listens(parent):
            self._push(parent, [self._channels.numbered(contents, of.number)])

    def block(self, block: Block) -> None:
        """Says what a block brought to the public."""
        for topic, contents in self._channels.of_block(block, self.listens):
            self._push(topic, [contents])

    def close(self) -> None:
        """Says goodbye to everybody, as before a restart."""
        for session in self._all():
            session.connection.farewell(RESTART, "Service restart")

    def _publish_book(self, ticker: str, now_ms: int, settles: bool = False) -> None:
        self._push(("v4_orderbook", ticker), self._channels.books[ticker].next(now_ms, settles))

    def _push(self, topic: Topic, contents: Iterable[bytes]) -> None:
        there = [session for session in self.sessions.values() if topic in session.subscriptions]
        for one in contents:
            for session in there:
                session.data(topic, one)

    def _all(self) -> list[Session]:
        return list(self.sessions.values())
