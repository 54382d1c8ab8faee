"""Public streams as a protocol object: what to send, what a frame means, what to answer, sequence rules.

No socket, no clock: `adapters/base/socket.py` owns both. The account's own streams are in `private.py`.
https://www.okx.com/docs-v5/en/#overview-websocket
"""

from collections.abc import Iterable, Sequence

import msgspec

from adapters.base.channel import Channel
from adapters.base.linked import LinkedSocket
from adapters.base.settings import Subscription, VenueSettings
from adapters.base.topics import grouped
from adapters.okx import wire
from adapters.okx.book import channel_of
from adapters.okx.contracts import Contracts
from adapters.okx.types import INTERVALS, MARKETS, SPOT, SWAP, kind_of
from state.errors import WrongUse
from state.events import AnyEvent

BEAT_S = 10.0  # the venue ends a connection after 30 s without a word
TOPICS_MOST = 200  # of one connection
PING, PONG = b"ping", b"pong"

# Channels that are known and tell nothing that is kept here.
SILENT = ("price-limit", "estimated-price", "status", "opt-summary", "instruments", "index-candle", "mark-price-candle")

_envelope = msgspec.json.Decoder(wire.Envelope).decode


def topic(channel: str, of: str, word: str = "instId") -> str:
    """The name of a topic: the text of its frames."""
    return f'{channel}","{word}":"{of}'


def topics_of(subscription: Subscription, default_depth: int) -> list[str]:
    """The topics of a subscription; raises `WrongUse` for what the venue does not have."""
    symbol, kind = subscription.symbol, kind_of(subscription.symbol)
    match subscription.channel:
        case "book":
            depth = subscription.depth or default_depth
            return [topic({1: "bbo-tbt", 5: "books5"}.get(depth, "books"), symbol)]
        case "trades":
            return [topic("trades", symbol)]
        case "ticker":
            if kind == SPOT:
                return [topic("tickers", symbol)]
            own = [topic(name, symbol) for name in ("tickers", "mark-price", "open-interest")]
            index = topic("index-tickers", symbol.removesuffix("-SWAP"))
            return own if kind != SWAP else [*own, topic("funding-rate", symbol), index]
        case "candles":
            return [topic(f"candle{INTERVALS[subscription.interval_s]}", symbol)]
        case "liquidations":
            if kind == SPOT:
                raise WrongUse("okx spot has no liquidations")
            return [topic("liquidation-orders", kind, "instType")]


class Websocket(LinkedSocket):
    """Public market data: books in sequence, trades, tickers, candles, liquidations."""

    prefix = b'{"arg":{"channel":"'
    ending = b'"}'
    topics_a_request = 50
    heartbeat_s = BEAT_S
    resync_after_s = 20.0  # 480 requests an hour are allowed

    def __init__(
        self, venue: str, name: str, url: str, topics: Sequence[str], contracts: Contracts, forced: Iterable[str] = ()
    ) -> None:
        """`forced` names the markets whose liquidations are told, of a topic that has them all."""
        self.contracts = contracts
        self._forced = frozenset(forced)
        super().__init__(venue, name, url, topics)

    @classmethod
    def of(
        cls, settings: VenueSettings, url: str, subscriptions: Iterable[Subscription], contracts: Contracts
    ) -> list["Websocket"]:
        """As few connections as the venue's paths and limits allow; candles are served on a path beside the others'."""
        wanted = list(subscriptions)
        paths, business = dict[str, dict[str, None]](), f"{url.rpartition('/')[0]}/business"
        for each in wanted:
            if (kind_of(each.symbol) == SPOT) is not (MARKETS[settings.market] == SPOT):
                raise WrongUse(f"{settings.venue} has no market {each.symbol!r}")
            at = paths.setdefault(business if each.channel == "candles" else url, {})
            at |= dict.fromkeys(topics_of(each, settings.book_depth))
        forced = [each.symbol for each in wanted if each.channel == "liquidations"]
        groups = enumerate(grouped(paths, TOPICS_MOST))
        return [cls(settings.venue, f"public.{n}", at, names, contracts, forced) for n, (at, names) in groups]

    @property
    def silence_s(self) -> float | None:
        """Each ping is answered, however quiet the markets are."""
        return None

    def channel_of(self, topic: str) -> Channel | None:
        return channel_of(self.venue, topic, self.contracts, self._forced)

    def subscription(self, topics: Sequence[str], number: int) -> bytes:
        return _said("subscribe", topics, number)

    def heartbeat(self, now: int) -> list[bytes]:
        return [PING, *super().heartbeat(now)]

    def unsubscription(self, topics: Sequence[str]) -> bytes:
        return _said("unsubscribe", topics, 0)

    def other(self, frame: bytes, recv: int) -> tuple[Channel | None, bytes, Sequence[AnyEvent]]:
        """Another key order, an answer to a request, or a stranger."""
        if frame == PONG:
            return None, frame, ()
        said = _envelope(frame)
        name = "" if said.arg is None else _name_of(said.arg)
        if said.event == "subscribe":
            return None, frame, self.acknowledged(name, recv)
        if said.event == "error":
            number = int(said.id) if said.id.isdecimal() else 0
            return None, frame, self._answered(number, f"{said.code} {said.msg}", recv)
        if said.event == "notice":  # the venue is about to close this connection
            self.over = f"{said.code} {said.msg}"
            return None, frame, ()
        if said.event == "unsubscribe" or name.startswith(SILENT):
            return None, frame, ()
        if said.event or not name:
            return None, frame, self._stranger(f"neither a topic nor an answer: {said.event or 'no event'}")
        channel = self._named(name)
        return channel, frame, () if channel is not None else self._stranger(f"unknown topic {name!r}")


def _name_of(arg: wire.Arg) -> str:
    if arg.instId:
        return topic(arg.channel, arg.instId)
    if arg.instFamily:
        return topic(arg.channel, arg.instFamily, "instFamily")
    return topic(arg.channel, arg.instType, "instType") if arg.instType else arg.channel


def _said(op: str, topics: Sequence[str], number: int) -> bytes:
    args = ",".join(f'{{"channel":"{name}"}}' for name in topics)
    return f'{{"id":"{number}","op":"{op}","args":[{args}]}}'.encode()
