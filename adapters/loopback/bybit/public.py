"""The public socket: subscriptions, and the feeds that are pushed to whoever subscribed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

import msgspec

from adapters.loopback.bybit import render
from adapters.loopback.bybit.feeds import (
    BOOK_INTERVAL_MS,
    BookFeed,
    Feed,
    KlineFeed,
    LiquidationFrame,
    TickerFeed,
    TradeFrame,
)
from adapters.loopback.bybit.quotes import BookRows
from adapters.loopback.bybit.replies import Request, StreamReply
from adapters.loopback.connection import Connection
from adapters.loopback.floor import Change
from adapters.loopback.market import SPANS, Market

REST_DEPTH = 1000
EVENT_TOPICS = ("publicTrade", "allLiquidation")
MAX_ARGS_CHARS = 21_000


class PublicHub:
    """Feeds of all symbols with their subscribers."""

    def __init__(self, markets: Mapping[str, Market], seed: int, clock: Callable[[], int]) -> None:
        self._markets, self._clock = markets, clock
        self._random = Random(f"u-{seed}")  # noqa: S311 - where a series starts, nothing secret
        self._feeds: dict[str, Feed] = {}
        self._due: dict[str, int] = {}
        self._subscribers: dict[str, dict[str, Connection]] = {}
        self.connections: dict[str, Connection] = {}

    # -- customers ---------------------------------------------------------------------------------------------------

    def join(self, connection: Connection) -> None:
        self.connections[connection.conn_id] = connection

    def leave(self, connection: Connection) -> None:
        self.connections.pop(connection.conn_id, None)
        for topic in connection.topics:
            self._subscribers[topic].pop(connection.conn_id, None)

    def receive(self, connection: Connection, frame: bytes) -> None:
        """Answers one message of a customer."""
        connection.active_ms = self._clock()
        try:
            request = msgspec.json.decode(frame, type=Request)
        except msgspec.DecodeError:
            self._reply(connection, Request(op=""), False, "error:invalid json")
            return
        if request.op == "ping":
            self._reply(connection, request, True, "pong")
        elif request.op in ("subscribe", "unsubscribe"):
            self._change(connection, request)
        else:
            self._reply(connection, request, False, "error:invalid op")

    def _change(self, connection: Connection, request: Request) -> None:
        topics = request.topics()
        words = self._objection(connection, request.op, topics)
        self._reply(connection, request, not words, words)
        if words:
            return
        for topic in topics:
            if request.op == "subscribe":
                self._subscribe(connection, topic)
            elif topic in connection.topics:
                connection.topics.remove(topic)
                self._subscribers[topic].pop(connection.conn_id, None)

    def _objection(self, connection: Connection, op: str, topics: list[str]) -> str:
        """Why the whole request is refused; empty if it is not."""
        if not topics:
            return "error:args is empty"
        if op == "subscribe" and sum(map(len, connection.topics)) + sum(map(len, topics)) > MAX_ARGS_CHARS:
            return "error:args too long"
        for topic in topics:
            if self._parse(topic) is None:
                return f"error:handler not found,topic:{topic}"
            if op == "subscribe" and topic in connection.topics:
                return f"error:already subscribed,topic:{topic}"
        return ""

    def _subscribe(self, connection: Connection, topic: str) -> None:
        """Brings the others up to date first, so that the newcomer's snapshot and their view are one."""
        now_ms = self._clock()
        feed = self._feed(topic)
        if feed is not None:
            self._publish(feed, now_ms)
        connection.topics.add(topic)
        self._subscribers.setdefault(topic, {})[connection.conn_id] = connection
        if feed is not None:
            frame = feed.snapshot(now_ms)
            if frame is not None:
                connection.send(topic, frame)

    @staticmethod
    def _reply(connection: Connection, request: Request, success: bool, words: str) -> None:
        reply = StreamReply(success, words, connection.conn_id, request.op, request.req_id or "")
        connection.send(f"reply.{request.op}", msgspec.json.encode(reply))

    # -- topics ------------------------------------------------------------------------------------------------------

    def _parse(self, topic: str) -> tuple[str, str, Market] | None:
        """Name, argument and market of a topic, or nothing where there is no such topic."""
        parts = topic.split(".")
        market = self._markets.get(parts[-1])
        if market is None or len(parts) not in (2, 3):
            return None
        name, argument = parts[0], parts[1] if len(parts) == 3 else ""
        known = (
            (name in (*EVENT_TOPICS, "tickers") and not argument)
            or (name == "orderbook" and argument.isdigit() and int(argument) in BOOK_INTERVAL_MS)
            or (name == "kline" and argument in SPANS)
        )
        return (name, argument, market) if known else None

    def _feed(self, topic: str) -> Feed | None:
        """The feed of a topic, made at the first asking; trades and liquidations have none, they are only events."""
        feed = self._feeds.get(topic)
        parsed = self._parse(topic)
        if feed is not None or parsed is None or parsed[0] in EVENT_TOPICS:
            return feed
        name, argument, market = parsed
        if name == "orderbook":
            feed = BookFeed(market, int(argument), self._random.randrange(10_000, 20_000_000))
        elif name == "tickers":
            feed = TickerFeed(market)
        else:
            feed = KlineFeed(market, SPANS[argument])
        self._feeds[topic] = feed
        return feed

    # -- pushing -----------------------------------------------------------------------------------------------------

    def tick(self, now_ms: int, all_due: bool = False) -> None:
        """Publishes every feed with subscribers whose interval is over."""
        for topic, feed in self._feeds.items():
            if self._subscribers.get(topic) and (all_due or self._due.get(topic, 0) <= now_ms):
                self._due[topic] = now_ms + feed.interval_ms
                self._publish(feed, now_ms)

    def book(self, symbol: str, now_ms: int) -> BookRows:
        """The book as REST gives it, on the same `u` as the 1000-level topic."""
        feed = self._feed(f"orderbook.{REST_DEPTH}.{symbol}")
        assert isinstance(feed, BookFeed)
        self._publish(feed, now_ms)
        return feed.rows()

    def heard(self, change: Change) -> None:
        """Pushes the trades and liquidations of a command."""
        symbol, now_ms = change.market.contract.symbol, self._clock()
        if change.trades and (there := self._subscribers.get(topic := f"publicTrade.{symbol}")):
            printed = [render.trade(symbol, trade) for trade in change.trades]
            self._fan_out(topic, there, msgspec.json.encode(TradeFrame(topic, "snapshot", now_ms, printed)))
        if change.liquidations and (there := self._subscribers.get(topic := f"allLiquidation.{symbol}")):
            forced = [render.liquidation(symbol, event) for event in change.liquidations]
            self._fan_out(topic, there, msgspec.json.encode(LiquidationFrame(topic, "snapshot", now_ms, forced)))

    def _publish(self, feed: Feed, now_ms: int) -> None:
        frame = feed.next(now_ms)
        there = self._subscribers.get(feed.topic)
        if frame is not None and there:
            self._fan_out(feed.topic, there, frame)

    @staticmethod
    def _fan_out(topic: str, there: Mapping[str, Connection], frame: bytes) -> None:
        for connection in list(there.values()):
            connection.send(topic, frame)
