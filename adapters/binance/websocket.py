"""Public market streams as a protocol object: what to send, what a frame means, what to ask of REST, sequence rules.

No socket, no clock: `adapters/base/socket.py` owns both. The venue acknowledges a misspelt stream like a good one and says
nothing at all on the wrong path, so each stream goes to the path that serves it.
https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams
"""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from adapters.base.chained import ChainedBook, ChainedSocket
from adapters.base.channel import Channel
from adapters.base.client import Request
from adapters.base.settings import Subscription, VenueSettings
from adapters.base.topics import grouped
from adapters.binance import wire
from adapters.binance.book import SNAPSHOT_LEVELS, BookChannel, channel_of
from adapters.binance.endpoints import ENDPOINTS, weight_of_levels
from adapters.binance.types import INTERVALS
from state.errors import WrongUse
from state.events import AnyEvent

STREAMS_MOST = 1_000  # of one connection; the venue's limit is 1024
BEAT_S = 1.0
PING_S = 20.0
AGE_MOST_S = 23 * 3_600.0  # the venue ends a connection after 24 h; we choose when
PARTIAL_DEPTHS = (5, 10, 20)

_MARKET_KINDS = ("aggTrade", "markPrice", "kline_", "ticker", "forceOrder")  # the others are on the public path

_envelope = msgspec.json.Decoder(wire.Envelope).decode
_encode = msgspec.json.Encoder().encode


def streams_of(subscription: Subscription, market: str, default_depth: int) -> list[str]:
    """The streams of a subscription; raises `WrongUse` for what the venue does not have."""
    name = subscription.symbol.lower()
    match subscription.channel:
        case "book":
            depth = subscription.depth or default_depth
            return [f"{name}@depth{depth if depth in PARTIAL_DEPTHS else ''}@100ms"]
        case "trades":
            return [f"{name}@aggTrade" if market == "linear" else f"{name}@trade"]
        case "ticker":
            marks = [f"{name}@markPrice@1s"] if market == "linear" else []
            return [f"{name}@bookTicker", *marks, f"{name}@ticker"]
        case "candles":
            return [f"{name}@kline_{INTERVALS[subscription.interval_s]}"]
        case "liquidations":
            if market == "spot":
                raise WrongUse("binance spot has no liquidations")
            return [f"{name}@forceOrder"]


def path_of(stream: str, market: str) -> str:
    """Where a stream is served: on another path it is acknowledged, and then silent."""
    if market == "spot":
        return ""
    return "/market" if stream.partition("@")[2].startswith(_MARKET_KINDS) else "/public"


class Websocket(ChainedSocket):
    """Public market data of one market: books in sequence, trades, tickers, candles, liquidations."""

    prefix = b'{"stream":"'
    topics_a_request = 200  # a connection may send ten messages a second
    heartbeat_s, ping_s, age_most_s = BEAT_S, PING_S, AGE_MOST_S

    def __init__(self, venue: str, name: str, url: str, streams: Sequence[str] = (), market: str = "linear") -> None:
        self.market = market
        super().__init__(venue, name, url, streams)

    @classmethod
    def of(cls, settings: VenueSettings, url: str, subscriptions: Iterable[Subscription]) -> list["Websocket"]:
        """As few connections as the venue's paths and limits allow."""
        market, paths = settings.market, dict[str, dict[str, None]]()
        for subscription in subscriptions:
            for stream in streams_of(subscription, market, settings.book_depth):
                paths.setdefault(path_of(stream, market), {})[stream] = None
        groups = enumerate(grouped({f"{url}{path}/stream": streams for path, streams in paths.items()}, STREAMS_MOST))
        return [cls(settings.venue, f"public.{n}", at, group, market) for n, (at, group) in groups]

    def channel_of(self, topic: str) -> Channel | None:
        return channel_of(self.venue, topic)

    def subscription(self, topics: Sequence[str], number: int) -> bytes:
        return _encode({"method": "SUBSCRIBE", "params": topics, "id": number})

    def whole_of(self, symbol: str) -> Request:
        endpoints, query = ENDPOINTS[self.market], f"symbol={quote(symbol)}&limit={SNAPSHOT_LEVELS}"
        return Request(endpoints["book"], query, cost=weight_of_levels(self.market, SNAPSHOT_LEVELS))

    def snapshot(self, book: ChainedBook[Any], body: bytes) -> Sequence[AnyEvent]:
        assert isinstance(book, BookChannel)
        return book.snapshot(body)

    def other(self, frame: bytes, recv: int) -> tuple[Channel | None, bytes, Sequence[AnyEvent]]:
        """Another key order, an answer to a request, or a stranger."""
        said = _envelope(frame)
        if said.stream is not None:
            channel = self._named(said.stream)
            return channel, frame, () if channel is not None else self._stranger(f"unknown stream {said.stream!r}")
        if said.id is None and said.code is None and said.error is None:
            return None, frame, self._stranger(f"neither a stream nor an answer: {said.e or 'no event'}")
        number = int(said.id) if str(said.id).isdecimal() and said.id is not None else 0
        refused = said.error or (wire.Error(said.code, said.msg) if said.code else None)
        return None, frame, self._answered(number, f"{refused.code} {refused.msg}" if refused else "", recv)
