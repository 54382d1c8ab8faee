"""Bybit v5: ties its nouns together, and reads recordings without any network.

Linear is traded; spot is public data. The two markets differ by a parameter.
"""

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

import msgspec

from adapters.base.channel import Channel
from adapters.base.client import Client as BaseClient
from adapters.base.client import Request
from adapters.base.exchange import Exchange as BaseExchange
from adapters.base.limits import Pool
from adapters.base.numbers import money
from adapters.base.query import Arguments, Query
from adapters.base.settings import Capabilities, Subscription, check
from adapters.base.websocket import OrderSocket
from adapters.base.websocket import Websocket as BaseWebsocket
from adapters.bybit import wire
from adapters.bybit.client import Client
from adapters.bybit.endpoints import HOSTS, IP_POOL, PUBLIC_HOSTS, Endpoints
from adapters.bybit.formats import Formats
from adapters.bybit.websocket import PRIVATE_TOPICS, PrivateWebsocket, TradeWebsocket, Websocket
from state.errors import WrongUse
from state.events import AnyEvent, InstrumentDefined

MARKETS = ("linear", "spot")
VENUES = {"linear": "bybit", "spot": "bybit.spot"}  # (venue, symbol) names a market, and both markets have BTCUSDT

BATCH = 20
SILENCE_MOST_S = 30  # the least that the venue offers; it is pinged every 20 s

CAPABILITIES = Capabilities(
    markets=MARKETS, environments=tuple(HOSTS), channels=("book", "trades", "ticker", "candles", "liquidations"),
    depths=(1, 50, 200, 1000), place_batch=BATCH, amend_batch=BATCH, cancel_batch=BATCH, ws_order_entry=True,
    cancel_all=True, amend=True, dead_man="disconnect_cancel_all, institutional accounts only",
    private=PRIVATE_TOPICS, actions=tuple(Endpoints.ALL),
)  # fmt: skip

_answer = msgspec.json.Decoder(wire.Answer).decode
_server_time = msgspec.json.Decoder(wire.ServerTime, strict=False).decode
_envelope = msgspec.json.Decoder(wire.Envelope).decode
_fee_rates = msgspec.json.Decoder(wire.Page[wire.FeeRate]).decode


class Exchange(BaseExchange):
    """One Bybit market. Raises `WrongUse` for settings that the venue cannot serve."""

    capabilities = CAPABILITIES
    amends_in_place = accepts_first = True
    dead_man_counts_down = False

    def prepare(self) -> None:
        settings = self.settings
        check(settings, CAPABILITIES, "bybit", is_trading=self.credentials is not None)
        self.batch_sizes = {"place": BATCH, "amend": BATCH, "cancel": BATCH, "cancel_all": 1}
        self.formats = Formats(settings.venue, settings.market, settings.settle)
        rest, sockets = HOSTS[settings.environment]
        self._rest_url = settings.rest_url or rest
        self._public_url = settings.public_url or f"{PUBLIC_HOSTS[settings.environment]}/public/{settings.market}"
        self._private_url = settings.private_url or f"{sockets}/private"
        # Demo takes orders by REST only.
        self._trade_url = settings.trade_url or ("" if settings.environment == "demo" else f"{sockets}/trade")

    def make_client(self) -> BaseClient:
        return Client(self._rest_url, self.credentials, self.settings.recv_window_ms)

    def pools(self) -> Iterable[Pool]:
        return Endpoints.POOLS

    def shared_pool(self) -> str:
        return IP_POOL

    def build(self, action: str, arguments: Arguments) -> Request:
        return self.formats.request(action, arguments)

    def read(self, action: str, body: bytes, query: Query) -> tuple[Sequence[AnyEvent], str]:
        return self.formats.answer(action, body, query)

    def server_ns(self, body: bytes) -> int:
        return _server_time(_answer(body).result).timeNano

    def public_sockets(self, subscriptions: Iterable[Subscription]) -> Sequence[BaseWebsocket]:
        return Websocket.of(self.settings, self._public_url, subscriptions)

    def private_socket(self) -> BaseWebsocket:
        assert self.credentials is not None
        topics: tuple[str, ...] = PRIVATE_TOPICS
        url = self._private_url
        if self.settings.dead_man_s is not None:
            # A frozen process keeps its socket; the venue must notice before the switch's own time begins.
            topics, url = (*topics, "dcp.future"), f"{url}?max_active_time={SILENCE_MOST_S}s"
        return PrivateWebsocket(url, self.formats.account, self.credentials, topics)

    def order_socket(self) -> OrderSocket | None:
        if not self._trade_url or self.credentials is None:
            return None
        return TradeWebsocket(self.venue, self._trade_url, self.credentials, self.settings.recv_window_ms)

    def with_fees(self, instrument: InstrumentDefined, body: bytes) -> InstrumentDefined:
        for row in _fee_rates(_answer(body).result).rows:
            if row.symbol == instrument.symbol:
                maker, taker = money(row.makerFeeRate), money(row.takerFeeRate)
                return msgspec.structs.replace(instrument, maker_fee=maker, taker_fee=taker)
        return instrument


class Decoder(Websocket):
    """Recorded frames of one market → events, public and private, by the same code as live and without a network.

    `receive` raises `UnknownWord` for an order word that no table has.
    """

    def __init__(self, market: str = "linear", venue: str = "") -> None:
        """Raises `WrongUse` for a market the venue does not have."""
        if market not in MARKETS:
            raise WrongUse(f"bybit has no market {market!r}; known: {', '.join(MARKETS)}")
        super().__init__(venue or VENUES[market], "recorded", "")
        self._formats = Formats(self.venue, market)

    def _other(self, frame: bytes) -> tuple[Channel | None, Sequence[AnyEvent]]:
        envelope = _envelope(frame)
        if envelope.topic is not None:
            events = self._formats.account.private(envelope.topic, frame)
            if events is not None:
                return None, events
        elif envelope.op == "auth" or envelope.reqId:
            return None, ()  # an answer to a request, which tells of no market and no account
        return super()._other(frame)

    def http(self, url: str, body: bytes, recv: int) -> Sequence[AnyEvent]:
        """The events of a REST answer, a `FeedStatus` where it does not fit; nothing for an endpoint that tells none."""
        path = urlsplit(url).path
        action = next((name for name, e in Endpoints.ALL.items() if e.path == path and e.method == "GET"), None)
        if action is None:
            return ()
        try:
            answer = _answer(body)
            if answer.retCode:
                return (self._status("gap", f"{path}: {answer.retCode} {answer.retMsg}"),)
            return self._formats.answer(action, body)[0]
        except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError) as error:
            return (self._misfit(error),)


def market_of(url: str) -> str | None:
    """The market that a public socket's or a REST call's URL speaks of; None where it does not say."""
    parts = urlsplit(url)
    words = [parts.path.rsplit("/", 1)[-1], *(pair.partition("=")[2] for pair in parts.query.split("&"))]
    return next((market for market in MARKETS if market in words), None)
