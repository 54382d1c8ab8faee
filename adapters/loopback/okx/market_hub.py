"""The public channels: which feed a subscription means, who listens to it, and pushing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from adapters.loopback.floor import Change
from adapters.loopback.market import Market
from adapters.loopback.okx import render
from adapters.loopback.okx.book_feeds import ChainedFeed, TopFeed
from adapters.loopback.okx.channels import CHANNELS, Arg, topic_of
from adapters.loopback.okx.feeds import (
    AllTradesFeed,
    CandleFeed,
    Feed,
    InstrumentsFeed,
    LiquidationsFeed,
    Said,
    StateFeed,
    TradesFeed,
)
from adapters.loopback.okx.listings import Instrument, of_index
from adapters.loopback.okx.seqids import SeqIds
from adapters.loopback.okx.sessions import Session, key_of

BOOKS = {"books-l2-tbt": (400, 10), "books50-l2-tbt": (50, 10), "books": (400, 100)}
"""Depth and interval of the chained channels."""
TOPS = {"bbo-tbt": (1, 10), "books5": (5, 100)}
RANKS = {name: rank for rank, name in enumerate(CHANNELS)}


class Push(msgspec.Struct, gc=False, omit_defaults=True):
    arg: Arg
    data: object
    action: str = ""


class Stream:
    """A feed with those who listen to it."""

    def __init__(self, arg: Arg, feed: Feed) -> None:
        self.arg, self.topic, self.feed = arg, topic_of(arg), feed
        self.due_ms = 0
        self.listeners: dict[str, Session] = {}

    def push(self, said: Iterable[Said], now_ms: int) -> None:
        for each in said:
            frame = msgspec.json.encode(Push(self.arg, each.rows, each.action))
            for session in list(self.listeners.values()):
                session.push(self.topic, frame, now_ms)


class MarketHub:
    """The feeds of all instruments with their listeners."""

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        markets: Mapping[str, Market],
        seqs: SeqIds,
        clock: Callable[[], int],
        checksums: bool,
    ) -> None:
        self._instruments, self._markets, self._seqs = instruments, markets, seqs
        self._clock, self._checksums = clock, checksums
        self._streams: dict[str, Stream] = {}

    # -- customers ---------------------------------------------------------------------------------------------------

    def add(self, session: Session, arg: Arg) -> None:
        """Takes a listener in, after the others were told what is new, so that all stand at the same place."""
        key, now_ms = key_of(arg), self._clock()
        stream = self._streams.get(key)
        if stream is None:
            stream = Stream(arg, self._open(arg))
            stream.feed.due(now_ms)
            self._streams[key] = stream
            ranked = sorted(self._streams.items(), key=lambda item: RANKS[item[1].arg["channel"]])
            self._streams = dict(ranked)
        else:
            stream.push(stream.feed.due(now_ms), now_ms)
        stream.due_ms = now_ms + stream.feed.interval_ms
        for each in stream.feed.first(now_ms):
            session.push(stream.topic, msgspec.json.encode(Push(arg, each.rows, each.action)), now_ms)
        stream.listeners[session.conn_id] = session

    def remove(self, session: Session, key: str) -> None:
        stream = self._streams.get(key)
        if stream is not None:
            stream.listeners.pop(session.conn_id, None)
            if not stream.listeners:
                del self._streams[key]

    def topics(self) -> set[str]:
        """What somebody listens to now."""
        return {stream.topic for stream in self._streams.values()}

    # -- pushing -----------------------------------------------------------------------------------------------------

    def heard(self, change: Change) -> None:
        """Pushes what a command brought about to the streams that do not wait."""
        now_ms = self._clock()
        for stream in list(self._streams.values()):
            stream.push(stream.feed.heard(change, now_ms), now_ms)

    def tick(self, now_ms: int, all_due: bool = False) -> None:
        """Pushes every stream whose interval is over."""
        for stream in list(self._streams.values()):
            if stream.feed.interval_ms and (all_due or stream.due_ms <= now_ms):
                stream.due_ms = now_ms + stream.feed.interval_ms
                stream.push(stream.feed.due(now_ms), now_ms)

    # -- feeds -------------------------------------------------------------------------------------------------------

    def _open(self, arg: Arg) -> Feed:
        """The feed of a subscription that was found in order."""
        channel = arg["channel"]
        if channel in ("instruments", "liquidation-orders"):
            of_type = InstrumentsFeed if channel == "instruments" else LiquidationsFeed
            return of_type(self._instruments.values(), arg["instType"])
        if channel == "status":
            return Feed()
        listed = self._listed(arg["instId"], is_index=channel.startswith("index-"))
        market = self._markets[listed.inst_id]
        if channel in BOOKS:
            return ChainedFeed(listed, market, self._seqs, *BOOKS[channel], self._checksums)
        if channel in TOPS:
            return TopFeed(listed, market, self._seqs, *TOPS[channel], is_named=channel == "books5")
        if channel == "trades":
            return TradesFeed(listed, market, self._seqs)
        if channel == "trades-all":
            return AllTradesFeed(listed, market)
        if "candle" in channel:
            kind, _, bar = channel.partition("candle")
            return CandleFeed(listed, market, render.BARS[bar], prices_only=bool(kind))
        return _state_feed(channel, listed, market)

    def _listed(self, name: str, is_index: bool) -> Instrument:
        return (of_index(name, self._instruments.values()) if is_index else None) or self._instruments[name]


def _state_feed(channel: str, listed: Instrument, market: Market) -> StateFeed:
    """The channels that say what is: how often they look, and how often they say it unchanged."""
    draw, interval_ms, repeat_ms = {
        "tickers": (render.ticker, 100, 0),
        "mark-price": (render.mark_price, 200, 10_000),
        "index-tickers": (render.index_ticker, 100, 60_000),
        "funding-rate": (render.funding_rate, 30_000, 30_000),
        "open-interest": (render.open_interest, 3_000, 3_000),
        "price-limit": (render.price_limit, 200, 0),
    }[channel]
    return StateFeed(lambda now_ms: draw(listed, market, now_ms), interval_ms, repeat_ms)
