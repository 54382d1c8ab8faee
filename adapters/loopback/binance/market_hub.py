"""The market sockets: who listens to which stream, and the feeds that are pushed to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from adapters.loopback.binance.feeds import Desk, Feed
from adapters.loopback.binance.streams import Lane, lane_of, open_feed, symbol_of
from adapters.loopback.binance.subscriptions import Session
from adapters.loopback.connection import Connection
from adapters.loopback.floor import Change

Frames = Iterable[msgspec.Struct | list[msgspec.Struct]]


class MarketHub:
    """Feeds of all symbols with their listeners."""

    def __init__(self, desk: Desk, clock: Callable[[], int], messages_per_s: int) -> None:
        self._desk, self._clock, self._messages_per_s = desk, clock, messages_per_s
        self._feeds: dict[str, Feed] = {}
        self._due_ms: dict[str, int] = {}
        self._listeners: dict[str, dict[str, Session]] = {}
        self.sessions: dict[str, Session] = {}

    # -- customers ---------------------------------------------------------------------------------------------------

    def join(self, connection: Connection, lane: Lane, combined: bool, streams: Iterable[str]) -> None:
        session = self.sessions[connection.conn_id] = Session(connection, lane, combined)
        for stream in streams:
            self._add(session, stream)

    def leave(self, connection: Connection) -> None:
        session = self.sessions.pop(connection.conn_id)
        for stream in list(connection.topics):
            self._remove(session, stream)

    def receive(self, connection: Connection, frame: bytes) -> None:
        """Answers one message of a customer."""
        session = self.sessions[connection.conn_id]
        if session.talks_too_much(self._messages_per_s, self._clock()):
            connection.cut()
            return
        session.answer(frame, lambda name: self._add(session, name), lambda name: self._remove(session, name))

    def streams(self) -> set[str]:
        """The streams with listeners, those that there are and on their own path."""
        return set(self._feeds)

    def _add(self, session: Session, stream: str) -> None:
        """Takes a listener in; on the wrong path, or for a stream that there is not, that is all that happens."""
        session.connection.topics.add(stream)
        if not self._desk.spot and lane_of(stream) is not session.lane:
            return
        if stream not in self._feeds:
            feed = open_feed(self._desk, stream)
            if feed is None:
                return
            self._feeds[stream] = feed
            self._due_ms[stream] = self._clock() + feed.interval_ms
        self._listeners.setdefault(stream, {})[session.connection.conn_id] = session

    def _remove(self, session: Session, stream: str) -> None:
        session.connection.topics.discard(stream)
        there = self._listeners.get(stream, {})
        there.pop(session.connection.conn_id, None)
        if not there:
            self._listeners.pop(stream, None)
            self._feeds.pop(stream, None)

    # -- pushing -----------------------------------------------------------------------------------------------------

    def heard(self, change: Change) -> None:
        """Pushes what a command brought about to the streams that do not wait."""
        now_ms, symbol = self._clock(), change.market.contract.symbol
        for printed in change.trades:
            self._desk.tapes[symbol].heard(printed)
        for stream, feed in list(self._feeds.items()):
            if symbol_of(stream) in ("", symbol):
                self._push(stream, feed.heard(change, now_ms))

    def tick(self, now_ms: int, all_due: bool = False) -> None:
        """Pushes every stream whose interval is over."""
        for tape in self._desk.tapes.values():
            tape.close(now_ms, all_due)
        for stream, feed in list(self._feeds.items()):
            if feed.interval_ms and (all_due or self._due_ms[stream] <= now_ms):
                self._due_ms[stream] = now_ms + feed.interval_ms
                self._push(stream, feed.due(now_ms))

    def _push(self, stream: str, frames: Frames) -> None:
        for frame in frames:
            encoded = msgspec.json.encode(frame)
            for session in list(self._listeners.get(stream, {}).values()):
                session.push(stream, encoded)
