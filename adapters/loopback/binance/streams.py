"""The names of the market streams, the path each is served on, and the feed behind it."""

from __future__ import annotations

from enum import StrEnum
from functools import partial

from adapters.loopback.binance import feeds
from adapters.loopback.binance.feeds import Desk, Feed
from adapters.loopback.binance.render import INTERVALS
from adapters.loopback.market import Market


class Lane(StrEnum):
    """The path of a socket, which decides what can be heard on it."""

    PUBLIC = "public"
    MARKET = "market"
    PRIVATE = "private"


DEPTH_SPEEDS_MS = {"": 250, "100ms": 100, "250ms": 250, "500ms": 500}
SPOT_DEPTH_SPEEDS_MS = {"": 1_000, "100ms": 100, "1000ms": 1_000}
MARK_SPEEDS_MS = {"": 3_000, "1s": 1_000}
TICKER_MS = 2_000
MINI_TICKER_MS = 1_000
TOPS = (5, 10, 20)


def lane_of(stream: str) -> Lane:
    """Where a stream is served since 2026-04-23; on another path it is acknowledged and silent."""
    name = stream.removeprefix("!") if stream.startswith("!") else stream.partition("@")[2]
    return Lane.PUBLIC if name.startswith(("depth", "rpiDepth", "bookTicker", "trade")) else Lane.MARKET


def symbol_of(stream: str) -> str:
    """The symbol that a stream is about, empty for those of all symbols."""
    return "" if stream.startswith("!") else stream.partition("@")[0].upper()


def open_feed(desk: Desk, stream: str) -> Feed | None:
    """The feed of a stream's name, or nothing where there is no such stream."""
    if stream.startswith("!"):
        return _of_all(desk, stream[1:])
    lower, _, rest = stream.partition("@")
    market = desk.markets.get(lower.upper())
    if market is None or lower != lower.lower():
        return None
    name, _, speed = rest.partition("@")
    if name.startswith("depth"):
        return _depth(desk, market, name[len("depth") :], speed)
    if name == "rpiDepth" and not desk.spot:
        return feeds.DepthFeed(desk, market, 500) if speed in ("", "500ms") else None
    if name.startswith("kline_") and not speed:
        word = name[len("kline_") :]
        return feeds.KlineFeed(desk, market, word, INTERVALS[word]) if word in INTERVALS else None
    if name == "markPrice" and speed in MARK_SPEEDS_MS and not desk.spot:
        return feeds.SampledFeed([market], MARK_SPEEDS_MS[speed], feeds.mark_price, as_list=False)
    return None if speed else _plain(desk, market, name)


def _depth(desk: Desk, market: Market, levels: str, speed: str) -> Feed | None:
    speeds = SPOT_DEPTH_SPEEDS_MS if desk.spot else DEPTH_SPEEDS_MS
    if speed not in speeds:
        return None
    if not levels:
        return feeds.DepthFeed(desk, market, speeds[speed])
    if levels not in map(str, TOPS):
        return None
    return feeds.TopFeed(desk, market, int(levels), speeds[speed])


def _plain(desk: Desk, market: Market, name: str) -> Feed | None:
    if name == "bookTicker":
        return feeds.BookTickerFeed(desk)
    if name == "trade":
        return feeds.TradeFeed(desk)
    if name == "aggTrade":
        return feeds.AggTradeFeed(desk, market)
    if name == "ticker":
        return feeds.SampledFeed([market], TICKER_MS, partial(feeds.ticker, spot=desk.spot), as_list=False)
    if name == "miniTicker":
        return feeds.SampledFeed([market], MINI_TICKER_MS, partial(feeds.mini_ticker, spot=desk.spot), as_list=False)
    return feeds.ForceOrderFeed() if name == "forceOrder" and not desk.spot else None


def _of_all(desk: Desk, name: str) -> Feed | None:
    markets, (base, _, speed) = desk.markets.values(), name.partition("@arr")
    if name == "bookTicker" and not desk.spot:
        return feeds.BookTickerFeed(desk)
    if name == "forceOrder@arr" and not desk.spot:
        return feeds.ForceOrderFeed()
    if base == "markPrice" and speed.removeprefix("@") in MARK_SPEEDS_MS and not desk.spot:
        return feeds.SampledFeed(markets, MARK_SPEEDS_MS[speed.removeprefix("@")], feeds.mark_price, as_list=True)
    if name == "ticker@arr":
        return feeds.SampledFeed(markets, TICKER_MS, partial(feeds.ticker, spot=desk.spot), as_list=True)
    if name == "miniTicker@arr":
        return feeds.SampledFeed(markets, MINI_TICKER_MS, partial(feeds.mini_ticker, spot=desk.spot), as_list=True)
    return None
