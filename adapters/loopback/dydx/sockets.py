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
POLICY_VIOLATION, RESTART = 1008, 1012
RATE_LIMITED = '{"message":"Rate limited"}'
RESTARTING = '{"message":"Service restarting"}'
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
        except msgspec.ValidationError:
            self._invalid(session, "Invalid message: type is required", now_ms)
        except msgspec.DecodeError:
            self._invalid(session, "Invalid message: could not parse", now_ms)
        else:
            if request.type == "subscribe":
                self._subscribe(session, request, now_ms)
            elif request.type == "unsubscribe":
                self._unsubscribe(session, request)
            elif request.type != "ping":  # it is taken and not answered
                self._invalid(session, f"Invalid message type: {request.type}", now_ms)

    def _subscribe(self, session: Session, request: Request, now_ms: int) -> None:
        topic = _topic(session, request)
        if topic is None:
            return
        (channel, name), number = topic, session.draw()
        words = self._objection(session, topic)
        if words:
            session.error(words, number)
            return
        label = f"{channel}-{name or channel}"
        if session.too_often(label, self._limits.subscribes_per_s, now_ms):
            session.error(f"Too many subscribe attempts for channel {label}. Please  reconnect and try again.", number)
            session.connection.farewell(POLICY_VIOLATION, RATE_LIMITED)
            return
        fault = self._faults.ask(Place.PUBLIC, f"snapshot/{channel}")
        if fault.status:
            session.error(f"Internal error, could not fetch data for subscription: {channel}.", number)
            return
        if topic in session.subscriptions:
            session.error(f"Invalid subscribe message: already subscribed ({label})", number)
            return
        if channel == "v4_orderbook":
            self._publish_book(name, now_ms)  # so that what the others have and the newcomer's snapshot are one
        answer = partial(session.subscribed, topic, self._channels.snapshot(channel, name), request.batched, number)
        if (
            fault.delay_s
        ):  # what is said of the topic meanwhile is not in the snapshot and not heard: the two are not one
            asyncio.get_running_loop().call_later(fault.delay_s, answer)
        else:
            answer()

    def _objection(self, session: Session, topic: Topic) -> str:
        """Why a topic cannot be had; empty if it can."""
        channel, name = topic
        if channel not in WITHOUT_ID and not self._channels.knows(channel, name):
            return f"Invalid subscription id for channel: ({channel}-{name})"
        limit = LIMITS[channel]
        had = sum(1 for one, _ in session.subscriptions if one == channel)
        if had >= limit and topic not in session.subscriptions:
            return f"Per-connection subscription limit reached for {channel} (limit={limit})."
        return ""

    @staticmethod
    def _unsubscribe(session: Session, request: Request) -> None:
        topic = _topic(session, request)
        if topic is not None:
            session.unsubscribed(topic)

    def _invalid(self, session: Session, words: str, now_ms: int) -> None:
        if session.too_often("invalid", self._limits.invalid_per_s, now_ms):
            session.error("Too many invalid messages. Please reconnect and try again.")
            session.connection.farewell(POLICY_VIOLATION, RATE_LIMITED)
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
        self._push(parent, [frame], of.number)

    def block(self, block: Block) -> None:
        """Says what a block brought to the public."""
        for topic, contents in self._channels.of_block(block, self.listens):
            self._push(topic, [contents])

    def close(self) -> None:
        """Says goodbye to everybody, as before a restart."""
        for session in self._all():
            session.connection.farewell(RESTART, RESTARTING)

    def _publish_book(self, ticker: str, now_ms: int, settles: bool = False) -> None:
        self._push(("v4_orderbook", ticker), self._channels.books[ticker].next(now_ms, settles))

    def _push(self, topic: Topic, contents: Iterable[bytes], child: int | None = None) -> None:
        there = [session for session in self.sessions.values() if topic in session.subscriptions]
        for one in contents:
            for session in there:
                session.data(topic, one, child)

    def _all(self) -> list[Session]:
        return list(self.sessions.values())


def _topic(session: Session, request: Request) -> Topic | None:
    """What is meant, or nothing after an error has been said."""
    channel = request.channel
    if not channel:
        session.error("Invalid subscribe message: channel is required")
    elif channel not in LIMITS:
        session.error(f"Invalid channel: {channel}")
    elif channel in WITHOUT_ID:
        return channel, channel if channel == "v4_block_height" else ""
    elif request.id is None:
        session.error("Invalid id: undefined")
    else:
        return channel, request.id
    return None
